"""Writes the numbers and the curves of a training into its run folder."""

from protclip_td.training.curves import draw_curves
from protclip_td.training.listener import Listener, Row
from protclip_td.training.run_folder import RunFolder


class Recorder(Listener):
    """Keeps ``metrics.jsonl``, ``metrics.csv`` and ``curves.png`` up to date.

    Parameters:
        folder (RunFolder): where to write them
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.is_drawn = True

    def on_step(self, row: Row) -> None:
        """Append the row of a step."""
        self.folder.history.append(row)
        self.is_drawn = False

    def on_epoch(self, row: Row) -> None:
        """Append the row of an epoch and redraw the curves."""
        self.folder.history.append(row)
        self._draw()

    def on_end(self) -> None:
        """Redraw the curves with the steps of an unfinished epoch."""
        if not self.is_drawn:
            self._draw()

    def on_checkpoint(self) -> None:
        """Bring the numbers to the disk before a checkpoint counts on them."""
        self.folder.history.sync()

    def _draw(self) -> None:
        draw_curves(self.folder.history.rows(), self.folder.path / "curves.png")
        self.is_drawn = True
