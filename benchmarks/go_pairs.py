"""The data of the learning benchmark, held out by text."""

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from protclip_td.data.reading.readers import read_pairs
from protclip_td.datasets.protanno import ProtAnno
from protclip_td.errors import InputError


def open_pairs(source: Path, folder: Path) -> ProtAnno:
    """Open the pairs of a data file as a ProtAnno store in a folder of the results.

    Raises:
        InputError: the file is missing
    """
    if not source.is_file():
        raise InputError(
            f"{source}: no such file. The learning benchmark wants pairs as JSON lines "
            '({"accession": ..., "seq": ..., "text": ...}), plain or gzip: --data FILE'
        )
    return ProtAnno(str(folder), str(source), coverages=(1, 2, 3, 4), verbose=0)


def split_by_text(
    dataset: Any, source: Path, num_valid: int, num_test: int, seed: int
) -> dict[str, list[int]]:
    """Hold out pairs whose texts are seen nowhere else.

    Whole texts are drawn; of each, one pair is held out and the others are left out altogether, as
    are training pairs whose sequence is held out. Rows come in the order of the data file, so that
    how a store orders them does not matter.

    Parameters:
        dataset (ProtAnno): all pairs
        source (Path): the data file, whose accessions are distinct
        num_valid (int): pairs to choose settings by
        num_test (int): pairs to report
        seed (int): another seed, another draw

    Returns:
        rows of `train`, `valid` and `test`
    """
    row_of = {dataset.store[row].accession: row for row in range(len(dataset))}
    entries = {row_of[entry.accession]: entry for entry in read_pairs(source)}
    position = {row: place for place, row in enumerate(entries)}
    by_text = defaultdict(list)
    for row, entry in entries.items():
        by_text[entry.biotext].append(row)
    groups = sorted(by_text.values(), key=lambda rows: position[rows[0]])
    held_out = num_valid + num_test
    if len(groups) <= held_out:
        raise InputError(f"{len(groups)} distinct texts; to hold out {held_out} needs more")
    random.Random(seed).shuffle(groups)
    picked = [rows[0] for rows in groups[:held_out]]
    known = {entries[row].sequence for row in picked}
    rest = sorted((row for rows in groups[held_out:] for row in rows), key=position.__getitem__)
    train = [row for row in rest if entries[row].sequence not in known]
    return {"train": train, "valid": picked[:num_valid], "test": picked[num_valid:]}
