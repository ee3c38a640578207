"""Loads tensors into a module, or says exactly which of them do not fit."""

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from protclip_td.errors import InputError


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Load all weights of a module; tensors it does not know are left out.

    Parameters:
        module (nn.Module): what to load into
        tensors (dict): tensors by the module's own names
        where (str): the file, for the message

    Raises:
        InputError: lists every tensor that is missing or has another shape
    """
    expected = module.state_dict()
    missing = [name for name in expected if name not in tensors]
    refuse_misfits(
        missing,
        [
            (name, tensors[name].shape, tensor.shape)
            for name, tensor in expected.items()
            if name in tensors and tensors[name].shape != tensor.shape
        ],
        where,
    )
    module.load_state_dict({name: tensors[name] for name in expected})


def refuse_misfits(
    missing: Iterable[str], mismatched: Iterable[tuple[str, tuple, tuple]], where: str
) -> None:
    """Raise an `InputError` that lists all tensors that do not fit, if there are any.

    Parameters:
        missing (iterable of str): tensors that the model has and the file has not
        mismatched (iterable): name, shape in the file and shape in the model
        where (str): the file, for the message
    """
    problems = [f"{name}: missing" for name in missing]
    problems += [
        f"{name}: {tuple(found)} in the file, {tuple(expected)} in the model"
        for name, found, expected in mismatched
    ]
    if problems:
        raise InputError(f"the weights in {where} do not fit:\n  " + "\n  ".join(problems))
