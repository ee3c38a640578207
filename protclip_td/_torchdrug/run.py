"""`python -m torchdrug.run`: brought by protclip_td, since TorchDrug has no such module."""

import os

from protclip_td_command import interruptible


def main() -> None:
    """Run a configuration, see `protclip_td.cli.run_main`."""
    # Whoever builds stores may have set it to 0 for good; configurations name what is registered.
    os.environ["PROTCLIP_TD_REGISTER"] = "1"
    with interruptible():
        from protclip_td.cli import run_main

        run_main()


if __name__ == "__main__":
    main()
