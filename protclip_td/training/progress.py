"""Progress on the console: bars where there is a terminal, plain lines where there is none."""

import sys

from tqdm import tqdm

from protclip_td.training.console import Console
from protclip_td.training.listener import Listener, Plan, Row, losses_of
from protclip_td.training.report import epoch_report, shorten

_COLUMNS = 80
_BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class Progress(Listener):
    """A bar with speed, a line with losses and learning rate, a table after each epoch.

    Parameters:
        console (Console): where tables and plain lines go
        interval (int): steps between plain lines where standard error is no terminal
    """

    def __init__(self, console: Console, interval: int) -> None:
        self.console = console
        self.interval = interval
        self.has_bar = console.is_shown and sys.stderr.isatty()
        self._bars: list[tqdm] = []

    def on_epoch_start(self, plan: Plan, epoch: int, step: int) -> None:
        """Begin a bar over the steps of the epoch."""
        self.plan = plan
        self._close()
        if self.has_bar:
            name = f"epoch {epoch}/{plan.num_epoch}"
            bar = tqdm(desc=name, total=plan.steps_per_epoch, initial=step, ncols=_COLUMNS,
                       bar_format=_BAR, leave=False)  # fmt: skip
            losses = tqdm(total=0, position=1, ncols=_COLUMNS, bar_format="{desc}", leave=False)
            self._bars = [bar, losses]

    def on_step(self, row: Row) -> None:
        """Move the bar, or print a line now and then."""
        speed = f"{row[f'{self.plan.unit}_per_s']:.1f} {self.plan.unit}/s"
        line = f"{shorten(losses_of(row))}  lr {row['lr']:.1e}"
        if self._bars:
            bar, below = self._bars
            bar.set_postfix_str(speed, refresh=False)
            below.set_description_str(line[:_COLUMNS])
            bar.update()
        elif not self.has_bar and row["step"] % self.interval == 0:
            self.console.say(f"step {row['step']} (epoch {row['epoch']}): {line}  {speed}")

    def on_epoch(self, row: Row) -> None:
        """Print the epoch's table."""
        self._close()
        self.console.say(epoch_report(row, self.plan.num_epoch))

    def on_notice(self, text: str) -> None:
        """Print a line."""
        self.console.say(text)

    def on_end(self) -> None:
        """Take the bars away."""
        self._close()

    def _close(self) -> None:
        for bar in reversed(self._bars):
            bar.close()
        self._bars = []
