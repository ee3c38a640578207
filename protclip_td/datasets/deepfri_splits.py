"""Which of DeepFRI's chains are for training, validation and test, and their sequences."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from protclip_td.checks import check_choice
from protclip_td.data.digests import md5_by_name
from protclip_td.data.outside.vouched import kept_md5, md5_file
from protclip_td.data.reading.sequences import read_sequences
from protclip_td.data.split_names import SPLITS
from protclip_td.datasets.deepfri_files import ChainFiles, check_is_text, read_list, read_rows
from protclip_td.errors import InputError
from protclip_td.wording import first_few

logger = logging.getLogger(__name__)

TEST_CUTOFFS = (0.3, 0.4, 0.5, 0.7, 0.95)
# Whether a test chain is as different from training as a cut-off asks.
_FLAGS = {"0": False, "0.0": False, "1": True, "1.0": True}

# Share of the annotated chains that may be in no list. A list that was cut loses more as a rule,
# and each has TorchDrug's number of chains at least; DeepFRI's own files may lack a few.
_FEW_UNLISTED = 0.01

_LISTS = {"train": "_train.txt", "valid": "_valid.txt", "test": "_test.csv"}


def chains_of_splits(
    files: ChainFiles, annotated: Collection[str], test_cutoff: float, chains_file: str | None
) -> dict[str, list[str]]:
    """Chains of each split, in the order of TorchDrug's sorted file names (``1ABC-A_….pdb``).

    Parameters:
        files (ChainFiles): where the lists are
        annotated (collection of str): chains with an annotation, of which each should be in a list
        test_cutoff (float): a test chain is at most this identical to a training chain
        chains_file (str, optional): file with the chains to keep

    Raises:
        InputError: an unknown cut-off, no such file, one that is not whole, an empty split, or more
            than 1 % of the annotated chains in no list
    """
    check_choice("test_cutoff", test_cutoff, TEST_CUTOFFS)
    column = TEST_CUTOFFS.index(test_cutoff) + 1
    lists = {name: read_list(files.get(_LISTS[name])) for name in ("train", "valid")}
    rows = _test_rows(files.get(_LISTS["test"]))
    listed = _each_once(files.folder, {**lists, "test": [row[0] for row in rows]})
    _check_sizes(files, {name: len(chains) for name, chains in listed.items()})
    too_similar = {row[0] for row in rows if not _FLAGS[row[column]]}
    splits = {**listed, "test": [c for c in listed["test"] if c not in too_similar]}
    if chains_file is not None:
        kept = set(_chosen(files, Path(chains_file).expanduser()))
        if unknown := kept.difference(*listed.values()):
            what = "%s: %d of %d chains are in none of the lists in %s: %s"
            some = first_few(sorted(unknown))
            logger.warning(what, chains_file, len(unknown), len(kept), files.folder, some)
        splits = {name: [c for c in chains if c in kept] for name, chains in splits.items()}
    for name, chains in splits.items():
        if not chains:
            raise InputError(f"{files.folder}: split {name!r} has no chain")
    _check_unlisted(files, set(annotated).difference(*listed.values()), len(annotated))
    return {name: sorted(chains, key=lambda c: f"{c}_") for name, chains in splits.items()}


def _test_rows(path: Path) -> list[list[str]]:
    """Test chains, each with a flag for every cut-off."""
    rows = [[cell.strip() for cell in row] for row in read_rows(path, ",")[1:]]
    for row in rows:
        if len(row) <= len(TEST_CUTOFFS) or "" in row[: len(TEST_CUTOFFS) + 1]:
            raise InputError(
                f"{path}: row {row} has {sum(map(bool, row))} cells; expected a chain and a flag "
                f"for each of {list(TEST_CUTOFFS)}. The file is damaged or another one: replace it."
            )
        wrong = [cell for cell in row[1 : len(TEST_CUTOFFS) + 1] if cell not in _FLAGS]
        if wrong:
            raise InputError(
                f"{path}: row {row} has {wrong[0]!r}; expected 0 or 1 for each of "
                f"{list(TEST_CUTOFFS)}. The file is damaged or another one: replace it."
            )
    return rows


def _each_once(folder: Path, listed: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Each chain once, and in one split: what is tested on is no part of training."""
    once: dict[str, list[str]] = {}
    taken: set[str] = set()
    for name in reversed(SPLITS):
        counts = Counter(listed[name])
        twice = [chain for chain, count in counts.items() if count > 1]
        if twice:
            what = "%s: %d %s chains are listed more than once and count once: %s"
            logger.warning(what, folder, len(twice), name, first_few(twice))
        shared = [chain for chain in counts if chain in taken]
        if shared:
            what = "%s: %d chains are taken out of %s, being in the list of a later split: %s"
            logger.warning(what, folder, len(shared), name, first_few(shared))
        once[name] = [chain for chain in counts if chain not in taken]
        taken.update(counts)
    return {name: once[name] for name in SPLITS}


def _check_sizes(files: ChainFiles, sizes: dict[str, int]) -> None:
    """A list that was cut between two lines looks whole."""
    for name, least in files.least.get(files.prefix, {}).items():
        if sizes[name] < least:
            raise InputError(
                f"{files.folder}: the list of {name} chains is not whole, with {sizes[name]:,} "
                f"chains; expected {least:,} or more. Remove {files.prefix}*_{name}.* to have it "
                "fetched, or replace it."
            )


def _check_unlisted(files: ChainFiles, unlisted: Collection[str], annotated: int) -> None:
    """DeepFRI's script puts every annotated chain into a list: one that lacks many may be cut."""
    if not unlisted:
        return
    what = (
        f"{len(unlisted)} of {annotated} annotated chains are in none of the lists, such as "
        f"{min(unlisted)}"
    )
    lists = [files.path(ending) for ending in _LISTS.values()]
    unsure = [path.name for path in lists if kept_md5(path) is None]
    if unsure and len(unlisted) > _FEW_UNLISTED * annotated:
        raise InputError(
            f"{files.folder}: {what}, so one of {unsure} may be cut. Remove these to have them "
            "fetched, or replace them. If you know that they are whole, write the MD5 of each "
            f"beside it, as in: md5sum {unsure[0]} > {md5_file(Path(unsure[0]))}"
        )
    logger.warning("%s: %s", files.folder, what)


def _chosen(files: ChainFiles, path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"chains: {path}: no such file; expected one chain per line, as 1ABC-A")
    check_is_text(path)
    files.used |= md5_by_name([path])
    return read_list(path)


def sequences_of_chains(files: ChainFiles, splits: dict[str, list[str]]) -> dict[str, str]:
    """Sequence of each chain.

    Raises:
        InputError: a chain of the splits has none
    """
    path = files.get("_sequences.fasta")
    sequences = read_sequences(path)
    if any(chain not in sequences for chain in splits["test"]):
        sequences |= read_sequences(files.get("_test_sequences.fasta"))
    missing = [c for chains in splits.values() for c in chains if c not in sequences]
    if missing:
        raise InputError(
            f"{path} has no sequence of {len(missing)} chains of the splits: "
            f"{first_few(missing)}. Add them, or give a list of the `chains` to keep"
        )
    return sequences
