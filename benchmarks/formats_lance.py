"""Lance, in a file of its own: importing it starts threads."""

from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
from formats_rows import COLUMNS

Row = tuple[Any, ...]


class LanceReader:
    """Lance's own random access."""

    def __init__(self, folder: Path) -> None:
        self._dataset = lance.dataset(folder / "rows.lance")

    def read(self, rows: np.ndarray) -> list[Row]:
        """The columns of some rows."""
        table = self._dataset.take(rows.tolist(), columns=list(COLUMNS))
        return list(zip(*(column.to_pylist() for column in table.columns)))


def write_lance(table: pa.Table, folder: Path) -> None:
    """Write one data set, compressed."""
    fields = [
        field.with_metadata({b"lance-encoding:compression": b"zstd"})
        if pa.types.is_string(field.type)
        else field
        for field in table.schema
    ]
    lance.write_dataset(table.cast(pa.schema(fields)), folder / "rows.lance")
