"""The `protclip-td` command. It stands outside the package, so as to choose what is loaded."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# These work on data alone; without PyTorch they start at once and need a fifth of the memory.
_WITHOUT_TORCHDRUG = ("protanno", "-h", "--help", "--version")


def main() -> int:
    """`protclip-td COMMAND …`; see `protclip_td.cli.main`."""
    if sys.argv[1:2] and sys.argv[1] in _WITHOUT_TORCHDRUG:
        os.environ.setdefault("PROTCLIP_TD_REGISTER", "0")
        # Arrow's own pool keeps what it once had, in every process: twice the memory. It is chosen
        # when Arrow is loaded.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    else:  # whoever builds stores may have set it to 0 for good, and these need what it leaves out
        os.environ["PROTCLIP_TD_REGISTER"] = "1"
    with interruptible():
        from protclip_td.cli import main

        return main()


@contextmanager
def interruptible() -> Iterator[None]:
    """End the program without a traceback on Ctrl-C, also while the package is being loaded."""
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
