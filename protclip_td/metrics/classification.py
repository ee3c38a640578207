"""Metrics of binary and multi-label classification that do not depend on the order of ties."""

import torch
from torch import Tensor
from torchdrug.core import Registry as R

from protclip_td.compat.metrics import replaces_metric
from protclip_td.metrics.shapes import check_shapes
from protclip_td.metrics.ties import average_ranks, is_last_of_ties, undefined


@replaces_metric("auprc")
def area_under_prc(pred: Tensor, target: Tensor) -> Tensor:
    """Area under the precision-recall curve, as average precision.

    Equal predictions lie on the same side of every threshold. TorchDrug's own takes them one by
    one in the order they happen to have: a constant prediction scores anything up to 1.

    Parameters:
        pred: (n,) predictions
        target: (n,) binary targets

    Returns:
        () in [0, 1]; 0 without a positive, as scikit-learn's ``average_precision_score``; NaN for
        NaN predictions

    Raises:
        InputError: the shapes differ

    Example::

        >>> area_under_prc(torch.tensor([0.5, 0.5, 0.5, 0.5]), torch.tensor([1, 0, 0, 0]))
        tensor(0.2500)
    """
    check_shapes("auprc", pred, target)
    if pred.isnan().any():
        return undefined(pred)
    ordered, order = pred.sort(descending=True)
    end = is_last_of_ties(ordered)
    found = (target[order] == 1).double().cumsum(0)[end]
    num_predicted = torch.arange(1, len(pred) + 1, device=pred.device)[end]
    gain = found.diff(prepend=found.new_zeros(1))
    total = (target == 1).sum().clamp(min=1)
    return (gain * found / num_predicted).sum().div(total).float()


@replaces_metric("auroc")
def area_under_roc(pred: Tensor, target: Tensor) -> Tensor:
    """Area under the receiver operating characteristic: how often a positive beats a negative.

    A tie counts half, where TorchDrug's own counts it one way or the other by chance.

    Parameters:
        pred: (n,) predictions
        target: (n,) binary targets

    Returns:
        () in [0, 1]; NaN without a positive or a negative, as scikit-learn's ``roc_auc_score``,
        and for NaN predictions

    Raises:
        InputError: the shapes differ

    Example::

        >>> area_under_roc(torch.tensor([0.5, 0.5, 0.1]), torch.tensor([1, 0, 0]))
        tensor(0.7500)
    """
    check_shapes("auroc", pred, target)
    if pred.isnan().any():
        return undefined(pred)
    positive = target == 1
    num_positive, num_negative = positive.sum().double(), (~positive).sum()
    wins = average_ranks(pred)[positive].sum() - num_positive * (num_positive + 1) / 2
    return (wins / (num_positive * num_negative)).float()


@replaces_metric("f1_max")
def f1_max(pred: Tensor, target: Tensor) -> Tensor:
    """Protein-centric Fmax: F1 of mean precision and mean recall at the best single threshold.

    At a threshold, a protein's precision counts among the proteins that have a prediction there,
    its recall among all of them; a protein without a label has recall 0 (both as TorchDrug has
    it, hence as in the numbers published with it). Equal predictions are taken together;
    TorchDrug's own sorts them twice, in two orders, and returns NaN or a number no threshold has.

    Parameters:
        pred: (n, C) predictions
        target: (n, C) binary targets

    Returns:
        () in [0, 1]; NaN for NaN predictions or none at all

    Raises:
        InputError: the shapes differ

    Source: Radivojac et al., Nature Methods 2013, section Evaluation metrics.

    Example::

        >>> f1_max(torch.tensor([[0.9, 0.2], [0.4, 0.3]]), torch.tensor([[1, 0], [1, 0]]))
        tensor(1.)
    """
    check_shapes("f1_max", pred, target)
    num_protein, num_class = pred.shape
    if pred.isnan().any() or pred.numel() == 0:
        return undefined(pred)
    ordered, place = pred.flatten().sort(descending=True)
    # The same order within each protein: by protein, and there by the order of all predictions.
    by_protein = (place // num_class).argsort(stable=True)
    hit = (target.flatten() == 1)[place[by_protein]].view(num_protein, num_class)
    found = hit.double().cumsum(1)
    precision = found / torch.arange(1, num_class + 1, device=pred.device)
    recall = found / found[:, -1:].clamp(min=1)
    is_first = torch.zeros_like(hit)
    is_first[:, 0] = True
    # What each prediction adds to its protein's values, back in the order of all.
    steps = [_steps(precision), _steps(recall), is_first.double()]
    sums = [_in_order(step, by_protein).cumsum(0)[is_last_of_ties(ordered)] for step in steps]
    precision, recall = sums[0] / sums[2], sums[1] / num_protein
    return (2 * precision * recall / (precision + recall).clamp(min=1e-10)).max().float()


def _steps(values: Tensor) -> Tensor:
    return values.diff(dim=1, prepend=torch.zeros_like(values[:, :1]))


def _in_order(values: Tensor, order: Tensor) -> Tensor:
    return torch.empty_like(values.flatten()).scatter_(0, order, values.flatten())


@R.register("metrics.micro_f1")
def micro_f1(pred: Tensor, target: Tensor) -> Tensor:
    """F1 over all decisions of a multi-label classification together.

    A label is given where its logit is above 0, that is its probability above one half.

    Parameters:
        pred: (n, C) logits
        target: (n, C) binary targets

    Returns:
        () in [0, 1]; 0 where no label is right, or there is none at all, as in scikit-learn

    Raises:
        InputError: the shapes differ

    Example::

        >>> micro_f1(torch.tensor([[2.0, -1.0], [1.0, 3.0]]), torch.tensor([[1, 0], [0, 1]]))
        tensor(0.8000)
    """
    check_shapes("micro-F1", pred, target)
    given, true = pred > 0, target == 1
    num_right, num_both = (given & true).sum(), given.sum() + true.sum()
    return 2 * num_right / num_both.clamp(min=1)
