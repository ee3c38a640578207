"""`python -m torchdrug.run`: brought by protclip_td, since TorchDrug has no such module."""

from protclip_td.cli import run_main

if __name__ == "__main__":
    run_main()
