"""What the splits of a data set of classes or labels must have."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from protclip_td.errors import InputError
from protclip_td.wording import first_few

logger = logging.getLogger(__name__)


def check_found(where: str, what: str, found: Mapping[str, Collection[Any]]) -> None:
    """Make sure that each split has a class or a label: without, metrics are NaN or 0.

    Parameters:
        where (str): file or folder, for the message
        what (str): ``class`` or ``label``
        found (dict): those that occur in each split, by its name

    Raises:
        InputError: a split in which no protein has any
    """
    for split, present in found.items():
        if not present:
            raise InputError(
                f"{where}: no protein of {split!r} has a {what}, so there is nothing to learn or "
                "to measure; change the split"
            )


def check_labels(where: str, names: Sequence[str], found: Mapping[str, Collection[int]]) -> None:
    """Make sure that each split has a label; count the labels that training has no protein of.

    Parameters:
        where (str): file or folder, for messages
        names (list of str): names of the labels
        found (dict): numbers of the labels that occur in each split, by its name, training first

    Raises:
        InputError: a split in which no protein has a label
    """
    check_found(where, "label", found)
    trained = next(iter(found.values()))
    unseen = [name for number, name in enumerate(names) if number not in trained]
    if unseen:
        what = "%s: %d of %d labels have no protein in training: %s"
        logger.warning(what, where, len(unseen), len(names), first_few(unseen))
