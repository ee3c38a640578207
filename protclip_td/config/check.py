"""Checks a whole configuration against the classes it names; collects every mistake."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from torchdrug.utils import comm

from protclip_td.checks import sign_problem
from protclip_td.config.classes import Argument, arguments, class_kind, find_class, kind_of
from protclip_td.config.document import Document, KeyPath, dotted
from protclip_td.config.mistakes import Mistake
from protclip_td.config.template import MISSING
from protclip_td.config.trial import trial_problem
from protclip_td.config.value_types import known_keys, show, wrong_type
from protclip_td.errors import InputError
from protclip_td.training.loading import batch_size_problem
from protclip_td.wording import did_you_mean, nearest

#: Class of the `engine` block unless it names one.
DEFAULT_ENGINE = "core.ResumableEngine"

# Blocks with a class: kind of the class, and the arguments that building fills in.
_BLOCKS: dict[str, tuple[str, frozenset[str]]] = {
    "dataset": ("datasets", frozenset()),
    "task": ("tasks", frozenset()),
    "optimizer": ("optim", frozenset({"params"})),
    "scheduler": ("scheduler", frozenset({"optimizer"})),
    "engine": (
        "core",
        frozenset({"task", "train_set", "valid_set", "test_set", "optimizer", "scheduler"}),
    ),
}
_REQUIRED = ("dataset", "task", "optimizer", "train")
# What a configuration with `train: {num_epoch: 0}`, which only evaluates, can do without.
_FOR_TRAINING = ("optimizer",)
# Keys with a plain value.
_SETTINGS: dict[str, Any] = {
    "output_dir": str,
    "checkpoint": str | None,
    "lr_ratio": float,
    "fix_encoder": bool,
    "fix_encoder2": bool,
    "eval_metric": str | None,
    "test_split": str,
    "test_batch_size": int,
    "seed": int,
}
_TRAIN: dict[str, Any] = {"num_epoch": int, "batch_per_epoch": int | None}
# Those that are above 0, and whether they may be 0 itself.
_POSITIVE = {
    "lr_ratio": False,
    "test_batch_size": False,
    "num_epoch": True,
    "batch_per_epoch": False,
}


def check(document: Document) -> list[Mistake]:
    """Everything that is wrong with the content of a configuration."""
    return _Checker(document).check()


class _Checker:
    def __init__(self, document: Document) -> None:
        self.values = document.values
        self.lines = document.lines
        self.mistakes: list[Mistake] = []
        self.classes: dict[str, type] = {}
        #: Keys that misspelt ones were probably meant to be.
        self.meant: set[KeyPath] = set()

    def note(self, path: KeyPath, message: str) -> None:
        known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)
        line = self.lines[known] if known else None
        self.mistakes.append(Mistake(dotted(path), message, line))

    def note_unknown(self, path: KeyPath, known: Iterable[str]) -> None:
        name, words = str(path[-1]), set(known)
        self.note(path, f"unknown key{did_you_mean(name, words)}")
        if meant := nearest(name, words):
            self.meant.add((*path[:-1], meant))

    def note_missing(self, path: KeyPath, message: str) -> None:
        """Comes after the unknown keys: one that is misspelt is one mistake, not two."""
        if path not in self.meant:
            self.note(path, f"missing; {message}")

    def check(self) -> list[Mistake]:
        settings = {key: Argument(key, False, None, hint, "") for key, hint in _SETTINGS.items()}
        blocks = {*_BLOCKS, "train"}
        for key, value in self.values.items():
            if key in _BLOCKS:
                self.check_top_block(key, value)
            elif key in settings:
                self.check_setting((key,), settings[key], value)
            elif key not in blocks:
                self.note_unknown((key,), blocks | set(settings))
        train = self.values.get("train")
        evaluates_only = isinstance(train, dict) and train.get("num_epoch") == 0
        for key in _REQUIRED:
            if key not in self.values and not (evaluates_only and key in _FOR_TRAINING):
                self.note_missing((key,), f"the block `{key}:` is needed")
        if "train" in self.values:
            self.check_train(self.values["train"])
        self.check_batch_size()
        self.check_test_split()
        self.check_rates()
        return self.mistakes

    def check_top_block(self, key: str, value: Any) -> None:
        kind, filled_in = _BLOCKS[key]
        if value is None and key in ("engine", "scheduler"):
            return
        if key == "engine" and isinstance(value, dict):
            value = {"class": DEFAULT_ENGINE, **value}
        cls = self.check_object((key,), value, kind, filled_in)
        if cls is None:
            return
        self.classes[key] = cls
        if class_kind(cls) != kind and class_kind(cls) in {kind for kind, _ in _BLOCKS.values()}:
            message = f"`{cls.__name__}` is one of {class_kind(cls)}, expected one of {kind}"
            self.note((key, "class"), message)

    def check_object(
        self, path: KeyPath, value: Any, kind: str = "", filled_in: frozenset[str] = frozenset()
    ) -> type | None:
        """Check a block with a class and all within it; returns the class if it is known."""
        if not isinstance(value, dict) or not isinstance(value.get("class"), str):
            self.note(path, f"expected a block with a `class`, got {show(value)}")
            return None
        if MISSING in value["class"]:
            return None
        try:
            cls = find_class(value["class"], kind)
        except InputError as error:
            self.note((*path, "class"), str(error))
            return None
        self.check_arguments(path, cls, value, filled_in)
        return cls

    def check_arguments(
        self, path: KeyPath, cls: type, value: Mapping[str, Any], filled_in: frozenset[str]
    ) -> None:
        known, takes_more = arguments(cls)
        offered = {name: known[name] for name in known if name not in filled_in}
        for name, item in value.items():
            if name in offered:
                self.check_value((*path, name), offered[name], item)
            elif name in filled_in:
                self.note((*path, name), "is filled in by the run; leave it out")
            elif name != "class" and not takes_more:
                self.note_unknown((*path, name), offered)
            else:
                self.check_nested((*path, name), item)
        for name, argument in offered.items():
            if argument.required and name not in value:
                self.note_missing((*path, name), f"{cls.__name__} needs it")

    def check_setting(self, path: KeyPath, argument: Argument, value: Any) -> None:
        """Check a key with a plain value, whose range no class checks."""
        self.check_value(path, argument, value)
        has_sign = argument.name in _POSITIVE and isinstance(value, (int, float))
        if has_sign and (problem := sign_problem(value, _POSITIVE[argument.name])):
            self.note(path, problem)

    def check_value(self, path: KeyPath, argument: Argument, value: Any) -> None:
        if _has_missing(value):
            return
        problem = wrong_type(argument, value)
        if problem:
            self.note(path, problem)
        known = known_keys(argument.annotation)
        if known and isinstance(value, dict):
            for key in value.keys() - set(known):
                self.note_unknown((*path, key), known)
        self.check_nested(path, value)

    def check_nested(self, path: KeyPath, value: Any) -> None:
        """Check the blocks with a class inside a value."""
        if isinstance(value, dict) and "class" in value:
            self.check_object(path, value, kind_of(path))
        elif isinstance(value, dict):
            for key, item in value.items():
                self.check_nested((*path, key), item)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                self.check_nested((*path, i), item)

    def check_train(self, value: Any) -> None:
        if not isinstance(value, dict):
            self.note(("train",), f"expected a block with `num_epoch`, got {show(value)}")
            return
        for key, item in value.items():
            if key in _TRAIN:
                argument = Argument(key, True, None, _TRAIN[key], "")
                self.check_setting(("train", key), argument, item)
            else:
                self.note_unknown(("train", key), _TRAIN)
        if "num_epoch" not in value:
            self.note_missing(("train", "num_epoch"), "how many epochs to train")

    def check_batch_size(self) -> None:
        engine = self.values.get("engine") or {}
        per_process = engine.get("batch_size", 1) if isinstance(engine, dict) else 1
        task = self.classes.get("task")
        if not isinstance(per_process, int) or task is None:
            return
        if ("engine", "batch_size") in self.meant:
            return
        problem = batch_size_problem(task, per_process * comm.get_world_size())
        if problem:
            self.note(("engine", "batch_size"), problem)

    def check_rates(self) -> None:
        """Only what is right otherwise can be tried."""
        if self.mistakes or MISSING in str(self.values):
            return
        if problem := trial_problem(self.values):
            block, message = problem
            self.note((block,), message)

    def check_test_split(self) -> None:
        """`test_split` names one of several test sets, which the data set has to offer."""
        cls = self.classes.get("dataset")
        if cls is None or "test_split" not in self.values:
            return
        if "keys" not in inspect.signature(getattr(cls, "split", check)).parameters:
            self.note(("test_split",), f"{cls.__name__} has one test set; leave this out")


def _has_missing(value: Any) -> bool:
    return isinstance(value, str) and MISSING in value
