"""Writes the numbers and the curves of a training into its run folder."""

import time

from protclip_td.training.curves import draw_curves
from protclip_td.training.listener import Listener, Row
from protclip_td.training.run_folder import RunFolder

# Share of the time of a training that drawing may take: an epoch of a head on a fixed encoder is
# over sooner than its curves are drawn.
_SHARE = 0.05


class Recorder(Listener):
    """Keeps ``metrics.jsonl`` and ``metrics.csv`` up to date, and ``curves.png`` nearly so.

    Parameters:
        folder (RunFolder): where to write them
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        # A process that was killed may have left a picture without its last epochs.
        self.is_drawn = not folder.history.rows()
        self._next_drawing = 0.0

    def on_step(self, row: Row) -> None:
        """Append the row of a step."""
        self.folder.history.append(row)
        self.is_drawn = False

    def on_epoch(self, row: Row) -> None:
        """Append the row of an epoch, and redraw the curves if that was not just now."""
        self.folder.history.append(row)
        self.is_drawn = False
        if time.monotonic() >= self._next_drawing:
            self._draw()

    def on_end(self) -> None:
        """Redraw the curves with all that is not in them."""
        if not self.is_drawn:
            self._draw()

    def on_checkpoint(self) -> None:
        """Bring the numbers to the disk before a checkpoint counts on them."""
        self.folder.history.sync()

    def _draw(self) -> None:
        begin = time.monotonic()
        draw_curves(self.folder.history.rows(), self.folder.path / "curves.png")
        end = time.monotonic()
        self._next_drawing = end + (end - begin) / _SHARE
        self.is_drawn = True
