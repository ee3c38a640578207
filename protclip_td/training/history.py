"""The numbers of a run: metrics.jsonl (all of them) and metrics.csv (a row per epoch)."""

import csv
import io
import json
import os
from contextlib import suppress
from pathlib import Path

from protclip_td.training.disk import explain_disk_errors, write_file
from protclip_td.training.listener import Row


class History:
    """Appends rows to ``metrics.jsonl`` and derives ``metrics.csv`` from its epoch rows.

    A step row holds the losses of one optimizer step; an epoch row the means of the training
    losses over the epoch (``train …``) and the metrics of the validation (``valid …``).

    Parameters:
        folder (Path): the run folder
    """

    def __init__(self, folder: Path) -> None:
        self.jsonl = folder / "metrics.jsonl"
        self.csv = folder / "metrics.csv"
        # Reading a file of millions of steps takes longer than a short epoch.
        self._epochs = _epochs(self.rows())

    def append(self, row: Row) -> None:
        """Add one row."""
        with explain_disk_errors(self.jsonl), open(self.jsonl, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if row["kind"] == "epoch":
            self._epochs.append(row)
            self._write_csv()

    def rows(self) -> list[Row]:
        """Read all rows; a line that was cut by a kill, or damaged since, is left out."""
        if not self.jsonl.exists():
            return []
        rows = []
        for line in self.jsonl.read_bytes().splitlines():
            with suppress(ValueError):
                rows.append(json.loads(line))
        return rows

    def cut(self, step: int, epoch: int) -> None:
        """Forget what came after a checkpoint, since it will come again.

        Parameters:
            step (int): optimizer steps done at the checkpoint
            epoch (int): epochs completed at the checkpoint
        """
        kept = [
            row
            for row in self.rows()
            if (row["epoch"] <= epoch if row["kind"] == "epoch" else row["step"] <= step)
        ]
        text = "".join(json.dumps(row) + "\n" for row in kept)
        write_file(self.jsonl, text)
        self._epochs = _epochs(kept)
        self._write_csv()

    def sync(self) -> None:
        """Bring the rows to the disk, so that a checkpoint never runs ahead of them."""
        if self.jsonl.exists():
            with explain_disk_errors(self.jsonl), open(self.jsonl, "rb") as file:
                os.fsync(file.fileno())

    def _write_csv(self) -> None:
        """Write the epoch rows as a table; a metric that came later leaves gaps before."""
        rows = self._epochs
        columns = list(dict.fromkeys(key for row in rows for key in row if key != "kind"))
        text = io.StringIO()
        table = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        write_file(self.csv, text.getvalue())


def _epochs(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["kind"] == "epoch"]
