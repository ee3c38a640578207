"""Which rows of a store are for training, validation and test."""

from collections.abc import Sequence
from itertools import pairwise

from protclip_td.data.sampling.rule import Rule
from protclip_td.data.split_names import SPLITS
from protclip_td.data.store.layout import BLOCK_ROWS
from protclip_td.data.store.manifest import Group
from protclip_td.data.store.reading import Store
from protclip_td.errors import InputError


def split_rows(store: Store, rule: Rule) -> dict[str, list[Group]]:
    """The rows of each split: a part of every group kept, as a group is sorted by hash.

    Parameters:
        store (Store): where the rows are
        rule (Rule): levels to keep, and shares to hold out

    Returns:
        dict: parts of groups for "train", "valid" and "test"

    Raises:
        InputError: no row is left to train on
    """
    kept = [g for g in store.groups if g.confidence in rule.confidences]
    kept = [g for g in kept if g.coverage in rule.coverages]
    splits: dict[str, list[Group]] = {name: [] for name in SPLITS}
    for group in kept:
        test_end = store.boundary(group, rule.test_fraction)
        valid_end = store.boundary(group, rule.held_out)
        ends = [group.begin, test_end, valid_end, group.begin + group.size]
        for name, (begin, end) in zip(("test", "valid", "train"), pairwise(ends)):
            offset = (begin - group.begin) % BLOCK_ROWS
            splits[name].append(group._replace(begin=begin, size=end - begin, offset=offset))
    if not num_rows(splits["train"]):
        raise InputError(
            f"no training entry left of {len(store)} in {store.folder}: confidences "
            f"{list(rule.confidences)} and coverages {list(rule.coverages)} keep "
            f"{num_rows(kept)} entries, and {rule.held_out:.0%} of the sequences are held out; "
            f"keep more levels or hold out less. {_present(store.groups)}"
        )
    return splits


def num_rows(groups: Sequence[Group]) -> int:
    """Rows of all groups together."""
    return sum(group.size for group in groups)


def _present(groups: Sequence[Group]) -> str:
    confidences, coverages = ({group[i] for group in groups} for i in (0, 1))
    return f"The store has confidences {sorted(confidences)} and coverages {sorted(coverages)}."
