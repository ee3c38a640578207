"""The flow of a training: epochs of steps, validation, checkpoints, and the ways to stop."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any

from torch import nn
from torchdrug import utils
from torchdrug.utils import comm

from protclip_td.checks import check_positive
from protclip_td.errors import InputError, TrainingError
from protclip_td.hooks import TaskHooks
from protclip_td.training.agreement import any_rank, from_all_ranks
from protclip_td.training.best import find_metric, pick_metric
from protclip_td.training.checkpointing import Checkpoints
from protclip_td.training.faults import check_weights, find_faults, training_error
from protclip_td.training.listener import Listener, Plan
from protclip_td.training.loading import (
    BatchIndices,
    SeededBatches,
    count_batches,
    make_loader,
    training_indices,
)
from protclip_td.training.signals import Interrupted, StopRequest

if TYPE_CHECKING:
    from protclip_td.engine import ResumableEngine

Metrics = dict[str, float]


class TrainingLoop:
    """Trains an engine's model from where the engine stands.

    Parameters:
        engine (ResumableEngine): holds the model and all state
        num_epoch (int): epoch at which to stop, counted from the very beginning
        batch_per_epoch (int, optional): batches of an epoch; all by default
        eval_metric (str, optional): validation metric that decides which checkpoint is best
        evaluate (bool, optional): whether to validate after each epoch
        checkpoints (Checkpoints, optional): where to keep the state; nowhere by default
        listeners (sequence of Listener, optional): heard on rank 0
    """

    def __init__(
        self,
        engine: "ResumableEngine",
        num_epoch: int,
        batch_per_epoch: int | None = None,
        eval_metric: str | None = None,
        evaluate: bool = True,
        checkpoints: Checkpoints | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        check_positive("num_epoch", num_epoch, may_be_zero=True)
        check_positive("batch_per_epoch", batch_per_epoch)
        self.engine = engine
        self.position = engine.position
        self.eval_metric = eval_metric
        self.evaluate = evaluate and len(engine.valid_set or ()) > 0
        if self.evaluate:
            engine.check_split("valid")  # now, not when an epoch has been trained
        self.checkpoints = checkpoints
        self.listeners = listeners if engine.rank == 0 else ()
        available = count_batches(-(-len(engine.train_set) // engine.world_size), engine.batch_size)
        if num_epoch and not available:
            raise InputError("the training set has no items; there is nothing to train on")
        self.num_batch = min(batch_per_epoch or available, available)
        steps = count_batches(self.num_batch, engine.gradient_interval)
        self.plan = Plan(num_epoch, steps, getattr(engine.model, "unit", TaskHooks.unit))
        self.saved_place: tuple[int, int] | None = None
        self.stop = StopRequest()
        self.agreed_stop: int | None = None  # what all ranks know of it
        self.model = _wrap_for_ranks(engine.model, engine.device)
        engine.schedule.set_num_step(steps * num_epoch)

    def run(self) -> None:
        """Train to the end, or until stopped early.

        Raises:
            InputError: the validation has no such metric
            Interrupted: by SIGINT or SIGTERM, after a checkpoint; only where they are kept
            TrainingError: a loss became NaN, or the disk is full
        """
        try:
            # Without checkpoints there is nothing to wait for: signals stay with Python.
            with self.stop if self.checkpoints is not None else nullcontext():
                self._epochs()
        except RuntimeError as error:
            # A SIGTERM to the whole process group kills the loader's workers, too. The step that
            # waited for them is lost; the last checkpoint is not.
            if not self.stop or "DataLoader worker" not in str(error):
                raise
            signum = self.stop.signum or signal.SIGTERM
            raise Interrupted(signum, self.position.step, is_agreed=False) from error
        finally:
            self._tell("on_end")

    def _epochs(self) -> None:
        # A step that Ctrl-C has broken off may have left gradients.
        self.engine.optimizer.zero_grad()
        try:
            self._check_metric()
            while self.position.epoch < self.plan.num_epoch and not self._stops_early():
                self._epoch()
        except Interrupted:
            # Signals are still caught: torchrun passes on a Ctrl-C that has come already.
            self._save()
            raise

    def _check_metric(self) -> None:
        """A misspelt `eval_metric` is told now, not when an epoch has been trained and is lost."""
        name = self.eval_metric
        if name is None or not self.evaluate or self.position.epoch:
            return
        first = self.engine.evaluate("valid", log=False, stop=self.stop, num_batch=1)
        if find_metric(first, name) is None:  # there may be metrics that one batch does not have
            pick_metric(self.engine.evaluate("valid", log=False, stop=self.stop), name)
        self._agree([])
        self._stop_if_asked()

    def _stops_early(self) -> bool:
        if not self.evaluate or not self.engine.best.is_exhausted:
            return False
        best = self.engine.best
        self._tell(
            "on_notice",
            f"Stopped early: epoch {best.epoch} ({best.value:.4g}) is still the best after "
            f"{best.num_worse} more.",
        )
        return True

    def _epoch(self) -> None:
        engine, position = self.engine, self.position
        engine.model.split = "train"
        engine.model.train()
        done = count_batches(position.batch, engine.gradient_interval)
        self._tell("on_epoch_start", self.plan, position.epoch + 1, done)
        indices = training_indices(engine.train_set, engine.seed, position.epoch)
        batches = BatchIndices(indices, engine.batch_size, position.batch, self.num_batch)
        dataset = SeededBatches(engine.train_set, engine.seed, position.epoch)
        loader = iter(make_loader(dataset, batches, engine.num_worker))
        for first in range(0, len(batches), engine.gradient_interval):
            self._step(loader, batches.sizes(first, engine.gradient_interval))
        self._check_weights()
        self._close_epoch(self._validate())
        self._agree([])  # a signal may have come since the last step
        self._stop_if_asked()

    def _step(self, loader: Iterator[Any], sizes: list[int]) -> None:
        """Take one optimizer step over the next ``len(sizes)`` batches."""
        engine = self.engine
        start = time.perf_counter()
        lr = max(group["lr"] for group in engine.optimizer.param_groups)
        metrics = self._forward_backward(loader, len(sizes))
        norm = engine.precision.clip(engine.optimizer, engine.clip_grad_norm)
        if not engine.precision.accepts(norm):
            raise self._error([])
        if engine.precision.step(engine.optimizer):
            engine.schedule.after_step()
        engine.optimizer.zero_grad()
        seconds = time.perf_counter() - start
        self.position.add_step(metrics, len(sizes), seconds)
        speed = sum(sizes) * engine.world_size / seconds
        self._record(metrics, {"lr": lr, "gradient norm": norm, f"{self.plan.unit}_per_s": speed})
        self._stop_if_asked()
        interval = engine.checkpoint_interval
        if interval and self.position.step % interval == 0:
            self._save()

    def _forward_backward(self, loader: Iterator[Any], num_batch: int) -> Metrics:
        metrics, faults = [], []
        for number, batch in enumerate(islice(loader, num_batch), 1):
            if self.engine.device.type == "cuda":
                batch = utils.cuda(batch, device=self.engine.device)
            with self._shared_gradient(number == num_batch):
                with self.engine.precision.autocast():
                    loss, metric = self.model(batch)
                if not loss.requires_grad:
                    raise InputError("task: its loss has no gradient. Is its criterion empty?")
                faults += find_faults(loss.item(), metric, batch)
                self.engine.precision.backward(loss / num_batch)
            metrics.append(utils.detach(metric))
        self._agree(faults)
        mean = utils.mean(utils.stack(metrics, dim=0), dim=0)
        if self.engine.world_size > 1:
            mean = comm.reduce(mean, op="mean")
        return {name: float(value) for name, value in mean.items()}

    def _shared_gradient(self, is_last: bool) -> AbstractContextManager[None]:
        """Ranks take the mean of their gradients once a step, with its last batch."""
        if is_last or not isinstance(self.model, nn.parallel.DistributedDataParallel):
            return nullcontext()
        return self.model.no_sync()

    def _agree(self, faults: list[dict[str, Any]]) -> None:
        """Let all ranks fail, or stop, if one of them has to."""
        signum = self.stop.signum
        failed, *stops = any_rank(bool(faults), *(signum == s for s in StopRequest.signals))
        for wanted, name in zip(stops, StopRequest.signals):
            if wanted:
                self.agreed_stop = name
        if not failed:
            return
        faults = [fault for rank in from_all_ranks(faults) for fault in rank]
        raise self._error(faults)

    def _check_weights(self) -> None:
        kept = self.checkpoints
        last = kept.last if kept is not None and kept.exist() else None
        check_weights(self.engine.model, self.position.step, last)

    def _error(self, faults: list[dict[str, Any]]) -> TrainingError:
        step, kept = self.position.step + 1, self.checkpoints
        if kept is None:
            return training_error(faults, step, None, None)
        folder = kept.folder.parent if self.engine.rank == 0 else None
        return training_error(faults, step, folder, kept.last if kept.exist() else None)

    def _record(self, metrics: Metrics, others: Metrics) -> None:
        meter, position = self.engine.meter, self.position
        if meter.batch_id % meter.log_interval == 0:
            meter.log(metrics, category="train/batch")
        meter.batch_id = position.step
        place = {"kind": "step", "step": position.step, "epoch": position.epoch + 1}
        self._tell("on_step", {**place, **others, **metrics})

    def _stop_if_asked(self) -> None:
        if self.engine.world_size == 1:
            self.agreed_stop = self.stop.signum
        # Not by a signal that has come since: the other ranks would wait for this one for ever.
        if self.agreed_stop is not None:
            raise Interrupted(self.agreed_stop, self.position.step)

    def _validate(self) -> Metrics:
        if not self.evaluate:
            return {}
        metrics = self.engine.evaluate("valid", log=False, stop=self.stop)
        return {name: float(value) for name, value in metrics.items()}

    def _close_epoch(self, metrics: Metrics) -> None:
        engine, position, meter = self.engine, self.position, self.engine.meter
        decisive = pick_metric(metrics, self.eval_metric) if metrics else None
        epoch = position.epoch + 1
        is_best = decisive is None or engine.best.update(*decisive, epoch)
        engine.schedule.after_epoch(decisive[1] if decisive else None)
        row: dict[str, Any] = {"kind": "epoch", "epoch": epoch, "step": position.step}
        row["seconds"] = round(position.seconds, 3)
        row |= {f"train {name}": value for name, value in position.means().items()}
        row |= {f"valid {name}": value for name, value in metrics.items()}
        meter.epoch_id = epoch
        meter.log(position.means(), category="train/epoch")
        if metrics:
            meter.log(metrics, category="valid/epoch")
        position.close_epoch()
        self._tell("on_epoch", row)
        self._save(is_best)

    def _save(self, is_best: bool = False) -> None:
        """Write a checkpoint on rank 0; all ranks fail if it cannot."""
        place = (self.position.epoch, self.position.step)
        if self.checkpoints is None or self.saved_place == place:
            return
        self._check_weights()
        self._tell("on_checkpoint")
        state = self.engine.state_dict()
        failure = None
        if self.engine.rank == 0:
            try:
                self.checkpoints.save(state, is_best)
            except TrainingError as error:
                failure = error
        (failed,) = any_rank(failure is not None)
        if failed:
            raise failure or TrainingError("Rank 0 could not write a checkpoint.")
        self.saved_place = place

    def _tell(self, event: str, *values: Any) -> None:
        for listener in self.listeners:
            getattr(listener, event)(*values)


def _wrap_for_ranks(model: nn.Module, device: Any) -> nn.Module:
    if comm.get_world_size() == 1:
        return model
    devices = [device] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(
        model, device_ids=devices, find_unused_parameters=True
    )
