"""The folder in which a build is under way: what lies where, and how it is written."""

import json
import shutil
from pathlib import Path
from typing import Any

from protclip_td.whole_files import write_json

_NAME, _DISCARDED = ".building", ".built"


class Staging:
    """Where the phases of a build leave their results until it is finished.

    It is inside the folder of the store, so that moving what is finished is a rename.

    Parameters:
        folder (Path): of the store
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / _NAME
        self.discarded = folder / _DISCARDED
        self.plan = self.root / "plan.json"
        self.excluded = self.root / "excluded.json"
        self.chunks = self.root / "chunks"
        self.read = self.root / "read.json"
        self.coarse = self.root / "coarse"
        self.accessions = self.root / "accessions"
        self.buckets = self.root / "buckets"
        self.rows = self.root / "rows.npy"
        self.sorted = self.root / "sorted.json"
        self.parts = self.root / "parts"
        self.written = self.root / "written"
        self.result = self.root / "result"
        self.manifest = self.result / "manifest.json"
        self.replaced = self.root / "replaced.json"

    def make(self) -> None:
        """Make the folders that are not there yet."""
        folders = (self.chunks, self.coarse, self.accessions, self.buckets, self.written)
        for folder in (*folders, self.result):
            folder.mkdir(parents=True, exist_ok=True)

    def discard(self) -> None:
        """Remove everything, in a way that another build which begins meanwhile does not notice."""
        self.clean()
        self.root.rename(self.discarded)
        self.clean()

    def clean(self) -> None:
        """Remove what is left if discarding was broken off."""
        shutil.rmtree(self.discarded, ignore_errors=True)

    def chunk_paths(self) -> list[Path]:
        """The chunks that make up the inputs, in their order, once all are read."""
        return [self.chunks / name for name in read_record(self.read)["chunks"]]

    def forget_chunks(self) -> None:
        """Remove what is not needed once the buckets are there."""
        for folder in (self.chunks, self.coarse, self.accessions):
            shutil.rmtree(folder, ignore_errors=True)


def read_record(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text())


def write_record(path: Path, value: Any) -> None:
    """Write down what a step of a build has made, whole or not at all, for `read_record`.

    It does not wait for the disk: after a power cut the step is taken again.
    """
    write_json(path, value, sync=False)
