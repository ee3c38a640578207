"""Writes small stores straight from entries."""

from collections import defaultdict
from pathlib import Path

from protclip_td.data.digests import text_digest
from protclip_td.data.store import writing
from protclip_td.data.store.layout import part_name
from protclip_td.data.store.manifest import seal
from protclip_td.data.store.reading import Store
from protclip_td.data.store.tally import Tally
from protclip_td.data.store.writing import describe_groups, make_manifest, to_table, write_part
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.whole_files import write_json


def write_store(entries, folder):
    """A store of all the entries, in whatever order they come."""
    folder, tally, groups = Path(folder), Tally(), defaultdict(list)
    tally.add(list(entries))
    for entry in entries:
        groups[entry.confidence, entry.coverage].append(entry)
    parts = {key: list(_write(folder / "pairs", key, rows)) for key, rows in groups.items()}
    manifest = make_manifest(describe_groups(parts), tally, tally, {}, _description(tally))
    (folder / "pairs").rename(folder / manifest["pairs"])
    write_json(folder / "manifest.json", seal({**manifest, "files": []}))
    return Store(folder)


def _description(tally):
    """That of a build of no file which keeps all entries, to train on them."""
    options = BuildOptions(
        confidences=None, coverages=None, identical="keep", valid_fraction=0.0, test_fraction=0.0
    )
    nothing = [[0] * 4] * 5
    return {
        "inputs": [],
        "options": {**options.as_dict(), "release": None},
        "splits": {"train": tally.counts.tolist(), "valid": nothing, "test": nothing},
        "dropped": {},
        "excluded": [],
    }


def _write(folder, group, entries):
    entries.sort(key=lambda entry: (text_digest(entry.sequence), entry.accession))
    for number, begin in enumerate(range(0, len(entries), writing.PART_ROWS)):
        rows = to_table(entries[begin : begin + writing.PART_ROWS])
        yield write_part(folder / part_name(*group, number), [rows])
