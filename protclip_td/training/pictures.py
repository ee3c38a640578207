"""What all pictures of runs have in common: their colours, and how they get into a file."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from protclip_td.training.disk import write_file

#: Colours that stay apart for colour-blind readers (Okabe and Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY_BLUE, BLACK = COLOURS


def save_png(figure: Figure, path: Path) -> None:
    """Write a picture, and its folder if need be, whole or not at all.

    Raises:
        TrainingError: the disk does not take it
    """
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_file(path, picture.getvalue())
