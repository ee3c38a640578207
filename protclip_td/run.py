"""Run one configuration from start to end: build, train, evaluate, report."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from torchdrug.utils import comm

from protclip_td.building import Experiment, build
from protclip_td.building.keeping import keep_encoder_features, keep_items
from protclip_td.building.parameters import fixed_names
from protclip_td.data.split_names import SPLITS
from protclip_td.engine import ResumableEngine
from protclip_td.errors import InputError, TrainingError
from protclip_td.hooks import DataSetHooks
from protclip_td.training.agreement import from_all_ranks
from protclip_td.training.checkpointing import Checkpoints
from protclip_td.training.console import Console
from protclip_td.training.data_manifest import DATA_MANIFEST, as_json, refuse_other_data
from protclip_td.training.disk import explain_disk_errors, write_file, write_run_json
from protclip_td.training.overview import (
    busy_machine,
    describe_data,
    describe_model,
    describe_training,
)
from protclip_td.training.progress import Progress
from protclip_td.training.provenance import versions
from protclip_td.training.recorder import Recorder
from protclip_td.training.report import metrics_table
from protclip_td.training.run_folder import BEGUN_CONFIG, RUN_CONFIG, RunFolder
from protclip_td.training.signals import Interrupted
from protclip_td.wording import fold


def run(
    config: Any,
    resume: Path | None = None,
    kept_features: Path | None = None,
    keep_weights: bool = True,
) -> None:
    """Run a configuration: train, evaluate the best checkpoint, keep everything in a folder.

    Parameters:
        config (Config): checked configuration
        resume (Path, optional): run folder to go on in; a new one is made by default
        kept_features (Path, optional): where a fixed encoder's features are kept; by default
            beside the run folder
        keep_weights (bool, optional): whether checkpoints and model stay when the run is done

    Raises:
        InputError: the parts do not fit together, or the run folder cannot be used
        TrainingError: a loss became NaN, or the disk is full
        Interrupted: SIGINT or SIGTERM came while training; a checkpoint has been written
    """
    is_first = comm.get_rank() == 0
    with Console(is_shown=is_first) as console:
        # First the lock, since building takes time; a new folder only once building has worked.
        folder = RunFolder.open(resume) if resume is not None and is_first else None
        try:
            experiment = build(config)
            if folder is None and is_first:
                folder = RunFolder.create(config.output_dir)
            _Run(config, experiment, folder, console, kept_features, keep_weights).go()
        finally:
            if folder is not None:
                folder.close()


@dataclass
class _Run:
    """One run, between its building and its end; `folder` is None on all ranks but the first."""

    config: Any
    experiment: Experiment
    folder: RunFolder | None
    console: Console
    kept_features: Path | None = None
    keep_weights: bool = True

    def __post_init__(self) -> None:
        engine = self.experiment.engine
        if not isinstance(engine, ResumableEngine):
            raise InputError(
                f"engine: class: {type(engine).__name__} cannot keep checkpoints. Leave `class` "
                "out, or write ResumableEngine, which takes the same settings."
            )
        self.engine = engine
        self.path: Path = from_all_ranks(self.folder.path if self.folder else None)[0]
        fixed = fixed_names(self.experiment.task) if self.config.get("fix_encoder") else ()
        self.checkpoints = Checkpoints(self.path / "checkpoints", fixed)

    def go(self) -> None:
        if self.folder:
            self.console.log_to(self.path / "log.txt")
        if self.checkpoints.exist():
            refuse_other_data(self.path, _manifest(self.experiment))
            comm.synchronize()  # before the manifest is written anew, all ranks must have read it
        if self.folder:
            self._describe(self.folder)
        self._resume()
        if self.config.get("fix_encoder"):
            kept = self.kept_features or self.path.parent / "kept_features"
            keep_encoder_features(self.experiment.task, kept)
            keep_items(self.engine)
        with self._resume_command():
            if self.config.train.num_epoch:
                self._train()
                # The best checkpoint is what is evaluated and exported.
                self.engine.load(str(self.checkpoints.best), load_optimizer=False)
            self._finish()

    def _describe(self, folder: RunFolder) -> None:
        """Show and keep what is about to run."""
        experiment, say = self.experiment, self.console.say
        write_file(folder.path / RUN_CONFIG, self.config.rendered)
        if not (folder.path / BEGUN_CONFIG).exists():
            write_file(folder.path / BEGUN_CONFIG, self.config.rendered)
        write_run_json(folder.path / "versions.json", versions())
        write_file(folder.path / DATA_MANIFEST, as_json(_manifest(experiment)))
        say(f"Data\n{describe_data(experiment.dataset, experiment.splits)}\n")
        say(f"Model\n{describe_model(experiment.task)}\n")
        say(f"Training\n{describe_training(self.engine, self.config.train)}")
        say(f"  run folder: {self.path}\n{busy_machine(self.engine)}")

    def _resume(self) -> None:
        """Go on from the newest checkpoint that can be read, if there is any."""
        if not self.checkpoints.exist():
            if self.folder:
                self.folder.history.cut(step=0, epoch=0)
            return
        state, source, damaged = self.checkpoints.load_newest()
        comm.synchronize()  # before a damaged file is moved, all ranks must have seen it
        self.engine.load_state_dict(state, str(source))
        if self.folder:
            for path, notice in damaged.items():
                self.console.say(fold(f"{notice} Going back to {source}."))
                self.checkpoints.set_aside(path)
            position = self.engine.position
            self.folder.history.cut(position.step, position.epoch)
            self.console.say(fold(f"Resuming from {source}, after step {position.step}.\n"))

    @contextmanager
    def _resume_command(self) -> Iterator[None]:
        """Tell how to go on, however the run is broken off."""
        command = f"{_program()} --resume {self.path}"
        try:
            yield
        except Interrupted as stop:
            name, step = stop.signal_name, stop.step
            self.console.say(fold(f"Stopped by {name} after step {step}. Go on with: {command}"))
            if stop.is_agreed:
                comm.synchronize()  # torchrun ends all processes as soon as one has ended
            raise
        except KeyboardInterrupt:
            self.console.say(fold(f"Stopped. Go on with: {command}"))
            raise
        except TrainingError as error:
            mended = "Once the cause is mended, go on with"
            raise TrainingError(f"{error}\n{mended}: {command}") from error

    def _train(self) -> None:
        listeners = []
        if self.folder:
            progress = Progress(self.console, self.engine.meter.log_interval)
            listeners = [Recorder(self.folder), progress]
        self.engine.fit(
            self.config.train.num_epoch,
            self.config.train.get("batch_per_epoch"),
            self.config.get("eval_metric"),
            self.checkpoints,
            listeners,
        )

    def _finish(self) -> None:
        """Evaluate and export what has been trained, and show where everything lies."""
        self._test()
        if self.folder is None:
            return
        model: Any = getattr(self.experiment.task, "model", None)
        if not self.keep_weights:
            shutil.rmtree(self.checkpoints.folder, ignore_errors=True)
        elif hasattr(model, "save_pretrained") and self._has_trained(model):
            with explain_disk_errors(self.path / "model"):
                model.save_pretrained(self.path / "model")
        cut = getattr(getattr(model, "text_encoder", None), "truncated", 0)
        if cut:
            self.console.say(f"\nText over the encoder's limit was cut {cut} times.")
        self.console.say(f"\nDone\n{self.folder.tree()}\n")
        if self.checkpoints.best.exists():
            self.console.say(_next_step(self.path))

    def _has_trained(self, model: Any) -> bool:
        """Whether the model is another one now than at the start."""
        is_fixed = not any(parameter.requires_grad for parameter in model.parameters())
        return self.config.train.num_epoch > 0 and not is_fixed

    def _test(self) -> None:
        name = self.config.get("test_split") or "test"
        split = name if name in ("train", "valid") else "test"
        if len(getattr(self.engine, f"{split}_set") or ()) == 0:
            return
        metrics = self.engine.evaluate(split, batch_size=self.config.get("test_batch_size"))
        result = {key: float(value) for key, value in metrics.items()}
        if self.folder:
            epoch = self.engine.best.epoch or self.engine.position.epoch
            known = {key: value if isfinite(value) else None for key, value in result.items()}
            content = {"split": name, "epoch": epoch, **known}
            write_run_json(self.folder.path / "results.json", content)
            which = f"Best checkpoint (epoch {epoch})" if epoch else "Without training,"
            self.console.say(f"\n{which} on the {name} split")
            self.console.say("\n".join(f"  {line}" for line in metrics_table(result)))


def _manifest(experiment: Experiment) -> dict[str, Any]:
    """What the data set tells of its origin, or at least how large it is."""
    dataset: DataSetHooks = experiment.dataset
    sizes = dict(zip(SPLITS, map(len, experiment.splits)))
    manifest = getattr(dataset, "manifest", DataSetHooks.manifest)
    return {"class": type(dataset).__name__, "splits": sizes, **manifest}


def _program() -> str:
    """Name the command this process was started with."""
    name = Path(sys.argv[0]).name
    return "protclip-td run" if name == "protclip-td" else "python -m torchdrug.run"


def _next_step(path: Path) -> str:
    if (path / "model").exists():
        return (
            "Next: use the model in Python,\n"
            f'  folder = "{path / "model"}"\n'
            '  ProtCLIP.from_pretrained(folder).protein_features(["MKT…"])\n'
            "or in another config,\n"
            f"  model:\n    class: ProtCLIP\n    checkpoint: {path / 'model'}"
        )
    return f"Next: start another run from these weights,\n  checkpoint: {path}/checkpoints/best.pt"
