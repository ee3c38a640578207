"""Which of several texts fits a protein? Asked without training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchdrug import core, metrics
from torchdrug.core import Registry as R

from protclip_td.compat.settings import name_paths
from protclip_td.compat.targets import check_values
from protclip_td.errors import InputError
from protclip_td.hooks import behind_split
from protclip_td.losses.similarity import cosine_logits
from protclip_td.tasks.shared_space import embed_proteins, embed_texts, label_texts
from protclip_td.tasks.text_side import prepare_text_side
from protclip_td.tasks.untrained import UntrainedTask
from protclip_td.wording import first_few


@R.register("tasks.ZeroShotClassification")
class ZeroShotClassification(UntrainedTask, core.Configurable):
    """Classify proteins by the text of a class that is nearest in the shared space.

    The logits are cosine · e^s with the model's own scale s; the class with the largest is
    predicted. There is nothing to train: run it with ``train: {num_epoch: 0}``.

    Source: ProtST (Xu et al., ICML 2023), section on zero-shot protein classification.

    Parameters:
        model (ProtCLIP): model with both encoders
        task (str, optional): the target to predict; by default the data set's only one
        labels (list of str, optional): names of the classes in order; by default those that the
            data set names
        template (str, optional): sentence around a name
        tokenizer (str, optional): folder or hub name of the text tokenizer, where the model comes
            without, as the published one does

    Raises:
        InputError: a model without text side or tokenizer, no names for the classes, or a class
            without one

    A batch holds ``graph`` (packed proteins) and the target.

    Example::

        >>> labels = ["Cell membrane", "Nucleus"]
        >>> sentence = "SUBCELLULAR LOCATION: {}."
        >>> task = ZeroShotClassification(model, "localization", labels, sentence)
    """

    def __init__(
        self,
        model: Any,
        task: str | None = None,
        labels: Sequence[str] | None = None,
        template: str = "{}",
        tokenizer: str | Path | None = None,
    ) -> None:
        super().__init__()
        name_paths(self)
        prepare_text_side(model, "ZeroShotClassification", tokenizer)
        self.model = model
        self.task = task
        self.labels = labels
        self.template = template

    def preprocess(self, train_set: Any, valid_set: Any, test_set: Any) -> None:
        """Take the target and the names of its classes from the data set.

        Raises:
            InputError: a target that is no class, or not one target to choose
        """
        name = type(self).__name__
        self.texts = label_texts(name, self.labels, self.template, test_set)
        if self.task is None:
            self.task = _only_target(test_set)
        for split in (valid_set, test_set):
            check_values(split, self.task, are_classes=True)

    def predict(
        self, batch: Mapping[str, Any], all_loss: Tensor | None = None, metric: dict | None = None
    ) -> Tensor:
        """Logits (B, C) of a batch."""
        protein = embed_proteins(self.model, batch["graph"])
        text = embed_texts(self.model, self.texts)
        return cosine_logits(protein, text, self.model.logit_scale)

    def target(self, batch: Mapping[str, Any]) -> Tensor:
        """Classes (B,) of a batch, NaN where they are missing."""
        return batch[str(self.task)]

    def evaluate(self, pred: Tensor, target: Tensor) -> dict[str, Any]:
        """Accuracy, and what guessing would give; proteins without a class do not count.

        Raises:
            InputError: a class without a text
        """
        is_known = ~target.isnan()
        pred, target = pred[is_known], target[is_known].long()
        if int(target.max()) >= len(self.texts):
            raise InputError(
                f"class {int(target.max())} of {self.task!r} has no text; {len(self.texts)} given. "
                "Give `labels` one name for each class, in the order of their numbers"
            )
        present = torch.bincount(target) / len(target)
        return {
            f"accuracy [{self.task}]": metrics.accuracy(pred, target),
            f"chance accuracy [{self.task}]": 1 / len(self.texts),
            f"largest class [{self.task}]": present.max(),
        }


def _only_target(split: Any) -> str:
    names = list(getattr(behind_split(split, "tasks"), "tasks", ()))
    if len(names) == 1:
        return names[0]
    found = f"{len(names)} targets, {first_few(names)}" if names else "no targets as its `tasks`"
    raise InputError(f"task: the data set has {found}; give the one to predict as `task`")
