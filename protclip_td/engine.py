"""TorchDrug's engine, with what long trainings need on top."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torchdrug import core, utils
from torchdrug.core import Registry as R
from torchdrug.utils import comm

from protclip_td.checks import check_count, check_positive
from protclip_td.errors import InputError
from protclip_td.training.agreement import from_all_ranks
from protclip_td.training.best import BestMetric
from protclip_td.training.checkpointing import (
    Checkpoints,
    load_checkpoint,
    load_model_state,
    to_plain,
)
from protclip_td.training.disk import explain_disk_errors
from protclip_td.training.listener import Listener
from protclip_td.training.loading import (
    BatchIndices,
    SeededBatches,
    batch_size_problem,
    evaluation_indices,
    make_loader,
)
from protclip_td.training.loop import TrainingLoop
from protclip_td.training.position import Position
from protclip_td.training.precision import Precision, to_float32
from protclip_td.training.random_state import (
    fixed_random_state,
    get_random_state,
    set_random_state,
)
from protclip_td.training.schedule import Schedule
from protclip_td.training.signals import Interrupted, StopRequest
from protclip_td.training.trained_parts import TrainedParts
from protclip_td.whole_files import replace_file


@R.register("core.ResumableEngine")
class ResumableEngine(core.Engine, core.Configurable):
    """TorchDrug's engine with resume, mixed precision, clipping and early stopping.

    A drop-in for ``core.Engine``: same arguments, same ``train``, ``evaluate``, ``load`` and
    ``save``. Its checkpoints hold everything that decides how the training goes on, so that on CPU
    in fp32 a resumed training arrives at the same losses and weights, bit for bit.

    What a task, data set or scheduler of one's own may say of itself: :mod:`protclip_td.hooks`.

    Parameters:
        task (nn.Module): task
        train_set (data.Dataset): training set
        valid_set (data.Dataset): validation set
        test_set (data.Dataset): test set
        optimizer (optim.Optimizer): optimizer
        scheduler (lr_scheduler.LRScheduler, optional): scheduler
        gpus (list of int, optional): GPU ids. By default, CPUs will be used.
        batch_size (int, optional): batch size of a single CPU / GPU
        gradient_interval (int, optional): take an optimizer step every n batches
        num_worker (int, optional): number of CPU workers per process
        logger (str or core.LoggerBase, optional): ``logging`` or ``wandb`` or a logger
        log_interval (int, optional): log every n optimizer steps
        precision (str, optional): ``fp32``, ``bf16`` or ``fp16``
        clip_grad_norm (float, optional): largest norm of all gradients together
        checkpoint_interval (int, optional): optimizer steps between checkpoints, beside those at
            the end of each epoch
        early_stopping (int, optional): stop after so many evaluations without a better one

    Raises:
        InputError: the precision is unknown, a number is not above 0, the batch is smaller than
            the task can use, or the task has put new parts in the place of those that the optimizer
            trains, as TorchDrug's tasks do for their second engine
    """

    _config: dict[str, Any]
    position: Position
    schedule: Schedule

    def __init__(
        self,
        task: Any,
        train_set: Any,
        valid_set: Any,
        test_set: Any,
        optimizer: Any,
        scheduler: Any = None,
        gpus: list[int] | None = None,
        batch_size: int = 1,
        gradient_interval: int = 1,
        num_worker: int = 0,
        logger: Any = "logging",
        log_interval: int = 100,
        precision: Literal["fp32", "bf16", "fp16"] = "fp32",
        clip_grad_norm: float | None = None,
        checkpoint_interval: int | None = None,
        early_stopping: int | None = None,
    ) -> None:
        for name, value in {
            "batch_size": batch_size,
            "gradient_interval": gradient_interval,
            "log_interval": log_interval,
            "checkpoint_interval": checkpoint_interval,
            "early_stopping": early_stopping,
        }.items():
            check_count(f"engine: {name}", value)
        check_count("engine: num_worker", num_worker, may_be_zero=True)
        check_positive("engine: clip_grad_norm", clip_grad_norm)
        _check_batch_size(task, train_set, batch_size)
        parts = TrainedParts(task, optimizer)
        # TorchDrug keeps an __init__'s arguments here for `config_dict`; the base class has fewer.
        config = self._config
        super().__init__(
            task,
            train_set,
            valid_set,
            test_set,
            optimizer,
            scheduler,
            gpus,
            batch_size,
            gradient_interval,
            num_worker,
            logger,
            log_interval,
        )
        self._config = config
        parts.check()
        self.precision = Precision(precision, self.device)
        self.clip_grad_norm = clip_grad_norm
        self.checkpoint_interval = checkpoint_interval
        self.schedule = Schedule(scheduler)
        self.best = BestMetric(early_stopping)
        self.position = Position()
        # Decides the order of the data, which all ranks must agree on.
        self.seed = from_all_ranks(torch.initial_seed() % 2**31)[0]

    def train(self, num_epoch: int = 1, batch_per_epoch: int | None = None) -> None:
        """Train for some more epochs, as TorchDrug's engine does: no validation, no checkpoints.

        Parameters:
            num_epoch (int, optional): number of epochs
            batch_per_epoch (int, optional): number of batches per epoch

        Raises:
            InputError: a number is not above 0, or the scheduler has come to its end
        """
        end = self.position.epoch + num_epoch
        TrainingLoop(self, end, batch_per_epoch, evaluate=False).run()

    def fit(
        self,
        num_epoch: int,
        batch_per_epoch: int | None = None,
        eval_metric: str | None = None,
        checkpoints: Checkpoints | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        """Train up to an epoch, validating after each, and keep checkpoints.

        Parameters:
            num_epoch (int): epochs in total, those before a resume included
            batch_per_epoch (int, optional): number of batches per epoch; all by default
            eval_metric (str, optional): validation metric that decides which checkpoint is the
                best, or the first words of its name; ``loss`` by default, if there is one
            checkpoints (Checkpoints, optional): where to keep checkpoints
            listeners (sequence of Listener, optional): hear of each step and epoch, on rank 0

        Raises:
            Interrupted: SIGINT or SIGTERM came; a checkpoint has been written. Without
                `checkpoints` Python does with signals as ever (KeyboardInterrupt)
            TrainingError: a loss became NaN or infinite, or the disk is full
            InputError: no validation metric is called `eval_metric`, a number is not above 0, the
                scheduler ends before the training, or fewer items to validate on than processes
        """
        TrainingLoop(
            self,
            num_epoch,
            batch_per_epoch,
            eval_metric,
            checkpoints=checkpoints,
            listeners=listeners,
        ).run()

    @torch.no_grad()
    def evaluate(
        self,
        split: str,
        log: bool = True,
        batch_size: int | None = None,
        stop: StopRequest | None = None,
        num_batch: int | None = None,
    ) -> dict[str, Any]:
        """Evaluate the model on a split.

        Each item counts once, also on several ranks, and random numbers (as for masks) are the
        same each time, so that evaluations compare.

        Parameters:
            split (str): ``train``, ``valid`` or ``test``
            log (bool, optional): log metrics or not
            batch_size (int, optional): by default that of the training
            stop (StopRequest, optional): breaks the evaluation off in a single process
            num_batch (int, optional): of each process, the first ones; by default all

        Returns:
            dict: metrics

        Raises:
            InputError: the split has fewer items than there are processes
        """
        self.check_split(split)
        dataset = getattr(self, f"{split}_set")
        self.model.split = split
        self.model.eval()
        with fixed_random_state(self.seed, self.device):
            indices = evaluation_indices(dataset)
            batches = BatchIndices(indices, batch_size or self.batch_size, last=num_batch)
            pred, target = self._predict(dataset, batches, stop)
            metric = self.model.evaluate(pred, target)
        if log:
            self.meter.log(metric, category=f"{split}/epoch")
        return metric

    def check_split(self, split: str) -> None:
        """Make sure that each process has an item of a split to evaluate.

        Raises:
            InputError: the split has fewer items than there are processes
        """
        num_item = len(getattr(self, f"{split}_set"))
        if num_item < self.world_size:
            raise InputError(
                f"The {split} split has {num_item} items, too few for {self.world_size} "
                "processes to evaluate on."
            )

    def _predict(
        self, dataset: Any, batches: BatchIndices, stop: StopRequest | None
    ) -> tuple[Any, Any]:
        preds, targets = [], []
        items = SeededBatches(dataset, self.seed, epoch=0)
        for batch in make_loader(items, batches, self.num_worker):
            if stop and stop.signum and self.world_size == 1:
                raise Interrupted(stop.signum, self.position.step)
            if self.device.type == "cuda":
                batch = utils.cuda(batch, device=self.device)
            with self.precision.autocast():
                pred, target = self.model.predict_and_target(batch)
            preds.append(to_float32(pred))
            targets.append(target)
        pred, target = utils.cat(preds), utils.cat(targets)
        if self.world_size > 1:
            pred, target = comm.cat(pred), comm.cat(target)
        return pred, target

    def state_dict(self) -> dict[str, Any]:
        """Collect everything that decides how the training goes on; call it on all ranks.

        Returns:
            dict: ``model`` and ``optimizer`` as in TorchDrug's checkpoints, and more
        """
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "scaler": self.precision.state_dict(),
            "position": self.position.state_dict(),
            "best": self.best.state_dict(),
            "seed": self.seed,
            "random": from_all_ranks(get_random_state(self.device)),
        }

    def load_state_dict(self, state: dict[str, Any], source: str) -> None:
        """Take up the state of a checkpoint, to go on exactly where it was written.

        Parameters:
            state (dict): what `state_dict` has returned
            source (str): where it is from, for messages

        Raises:
            InputError: it is from another model, optimizer or number of processes
        """
        if "position" not in state:
            raise InputError(
                f"{source} does not say how far the training was, so there is nothing to resume: "
                "it is no checkpoint of a ResumableEngine. Give it as `checkpoint` in the config, "
                "or to `load`, to start from its weights."
            )
        if len(state["random"]) != self.world_size:
            raise InputError(
                f"{source} is from a training in {len(state['random'])} processes, and this one "
                f"runs in {self.world_size}. Resume it in as many."
            )
        load_model_state(self.model, state["model"], source)
        self._load_optimizer(state["optimizer"], source)
        if self.scheduler and state["scheduler"]:
            self.scheduler.load_state_dict(state["scheduler"])
        self.precision.load_state_dict(state["scaler"])
        self.position = Position(**state["position"])
        self.best.load_state_dict(state["best"])
        self.seed = state["seed"]
        self.meter.batch_id, self.meter.epoch_id = self.position.step, self.position.epoch
        set_random_state(state["random"][self.rank], self.device)

    def load(self, checkpoint: str, load_optimizer: bool = True, strict: bool = True) -> None:
        """Load the weights of a checkpoint of this engine or of TorchDrug's.

        Parameters:
            checkpoint (str): checkpoint file
            load_optimizer (bool, optional): load optimizer state or not
            strict (bool, optional): whether the tensors must be the same ones

        Raises:
            InputError: the file is missing or damaged, its tensors differ in shape, or it holds no
                state of an optimizer
        """
        state = load_checkpoint(checkpoint)
        if strict:
            load_model_state(self.model, state["model"], str(checkpoint))
        else:
            self.model.load_state_dict(state["model"], strict=False)
        if load_optimizer:
            if "optimizer" not in state:
                raise InputError(f"{checkpoint} holds a model only; give load_optimizer=False")
            self._load_optimizer(state["optimizer"], str(checkpoint))
        comm.synchronize()

    def save(self, checkpoint: str) -> None:
        """Save everything to a file, whole or not at all.

        Parameters:
            checkpoint (str): checkpoint file; TorchDrug's engine reads it, too

        Raises:
            TrainingError: the disk is full
        """
        path = Path(checkpoint).expanduser()
        state = to_plain(self.state_dict(), "state")
        if self.rank == 0:
            with explain_disk_errors(path):
                replace_file(path, lambda file: torch.save(state, file))
        comm.synchronize()

    def resume(self, checkpoint: str | Path) -> None:
        """Go on from a checkpoint file, in the middle of an epoch or not.

        Raises:
            InputError: the file is missing or damaged, or from another model
        """
        self.load_state_dict(load_checkpoint(checkpoint), str(checkpoint))

    @classmethod
    def load_config_dict(cls, config: Mapping[str, Any]) -> "ResumableEngine":
        """Make an engine of what `config_dict` has given."""
        others = {name: value for name, value in config.items() if name != "scheduler"}
        # TorchDrug puts the parameters in there.
        engine = super().load_config_dict({**others, "optimizer": dict(config["optimizer"])})
        if config.get("scheduler"):
            # It needs the optimizer with the parts that the task has made for this engine.
            settings = {**config["scheduler"], "optimizer": engine.optimizer}
            engine.scheduler = core.Configurable.load_config_dict(settings)
            engine.schedule = Schedule(engine.scheduler)
            engine._config = {**engine._config, "scheduler": engine.scheduler}
        return engine

    def _load_optimizer(self, state: dict[str, Any], source: str) -> None:
        try:
            self.optimizer.load_state_dict(state)
        except (ValueError, KeyError) as error:
            raise InputError(
                f"{source} is from another optimizer ({error}). Use the config it was made with."
            ) from error


def _check_batch_size(task: Any, train_set: Any, batch_size: int) -> None:
    num_item = len(train_set)
    problem = batch_size_problem(task, min(batch_size * comm.get_world_size(), num_item))
    if problem and num_item:  # without training items there are no batches
        raise InputError(
            f"engine: batch_size: {problem} (batch_size {batch_size}, {num_item} training items)"
        )
