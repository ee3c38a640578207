"""Downstream training: tuned, against TorchDrug's `models.ESM`; fixed, with features kept.

    python benchmarks/downstream.py

Tuned: PropertyPrediction on batches of 8 proteins of the built-in sample (at most 1,022 residues),
encoder and head trained together. `ProtCLIP` and `models.ESM` read the same fair-esm file and run
in turns, each in a fresh process. Memory is the process's largest; `of the step` is what it has
grown by since the model was made.

Fixed: a head on a fixed encoder. From the second epoch on the features that are kept are looked up
instead of computed; the last column is how many times as long an epoch through the encoder takes.

Without `--weights` the weights are random: speed and memory do not depend on them.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from tables import aligned

SIZES = {
    "ESM-2-8M": (6, 320, 20),
    "ESM-2-35M": (12, 480, 20),
    "ESM-2-150M": (30, 640, 20),
    "ESM-2-650M": (33, 1280, 20),
}
# The names by which `models.ESM` looks for them.
FILES = {
    "ESM-2-8M": "esm2_t6_8M_UR50D.pt",
    "ESM-2-35M": "esm2_t12_35M_UR50D.pt",
    "ESM-2-150M": "esm2_t30_150M_UR50D.pt",
    "ESM-2-650M": "esm2_t33_650M_UR50D.pt",
}
KINDS = {"ours": "ProtCLIP", "torchdrug": "models.ESM"}


def main() -> None:
    """Measure what the command line asks for, and print it."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        weights = options.weights or write_weights(Path(folder) / FILES[options.size], options.size)
        common = {"weights": str(weights), "size": options.size, "device": options.device,
                  "longest": options.longest}  # fmt: skip
        results = {}
        if "tuned" in options.only:
            results["tuned"] = compare_tuned(options, common)
        if "fixed" in options.only:
            results["fixed"] = compare_fixed(options, common)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=["tuned", "fixed"], default=["tuned", "fixed"])
    parser.add_argument("--size", choices=SIZES, default="ESM-2-8M", help="size of the encoder")
    parser.add_argument("--weights", type=Path, help="fair-esm file of that size")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch_size", type=int, default=8, help="proteins per step, tuned")
    parser.add_argument("--batches", type=int, default=6, help="steps that count, tuned")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each, tuned")
    parser.add_argument("--epochs", type=int, default=3, help="epochs, fixed")
    parser.add_argument("--longest", type=int, default=1022, help="residues of the longest protein")
    parser.add_argument("--json", type=Path, help="file for the results")
    return parser.parse_args()


def write_weights(path: Path, size: str) -> Path:
    """Random weights in a file as fair-esm publishes ESM-2."""
    import esm
    import torch

    layers, width, heads = SIZES[size]
    model = esm.model.esm2.ESM2(num_layers=layers, embed_dim=width, attention_heads=heads)
    tensors = {
        name if name.startswith(("lm_head", "contact_head")) else f"sentence_encoder.{name}": tensor
        for name, tensor in model.state_dict().items()
    }
    settings = Namespace(
        encoder_layers=layers,
        encoder_embed_dim=width,
        encoder_attention_heads=heads,
        token_dropout=True,
    )
    torch.save(
        {
            "cfg": {"model": settings},
            "model": {f"encoder.{name}": tensor for name, tensor in tensors.items()},
        },
        path,
    )
    return path


def measure(**settings: Any) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    script = Path(__file__).with_name("downstream_measure.py")
    command = [sys.executable, str(script), json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{settings} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def compare_tuned(options: argparse.Namespace, common: dict[str, Any]) -> dict[str, Any]:
    """Both encoders in turns; the median of the rounds."""
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(options.rounds):
        for kind in KINDS:
            found[kind].append(
                measure(what="tuned", kind=kind, batch_size=options.batch_size,
                        batches=options.batches, **common)
            )  # fmt: skip
    medians = {
        kind: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for kind, runs in found.items()
    }
    rows = [
        [KINDS[kind], f"{m['residues_per_s']:.0f}", f"{m['peak_mb']:.0f}", f"{m['step_mb']:.0f}"]
        for kind, m in medians.items()
    ]
    ours, theirs = medians["ours"], medians["torchdrug"]
    ratios = {key: ours[key] / theirs[key] for key in ours}
    rows.append(["ratio", *(f"{ratio:.2f}" for ratio in ratios.values())])
    header = [f"tuned, {options.size}", "residues/s", "peak MB", "of the step"]
    print(aligned(header, rows), flush=True)
    return {"runs": found, "ratios": ratios}


def compare_fixed(options: argparse.Namespace, common: dict[str, Any]) -> dict[str, Any]:
    """Epochs with features kept and without, and whether they end at the same error."""
    settings = {"batch_size": options.batch_size, "epochs": options.epochs, **common}
    through = measure(what="fixed", keep=False, **settings)
    kept = measure(what="fixed", keep=True, **settings)
    later = statistics.median(kept["seconds"][1:] or kept["seconds"])
    ratio = statistics.median(through["seconds"]) / later
    rows = [
        ["through the encoder", *epoch_cells(through), f"{through['mae']:.6f}", ""],
        ["features kept", *epoch_cells(kept), f"{kept['mae']:.6f}", f"{ratio:.0f} ×"],
    ]
    epochs = [f"epoch {i + 1}, s" for i in range(options.epochs)]
    header = [f"fixed, {options.size}", *epochs, "error after", "later epochs"]
    print(aligned(header, rows), flush=True)
    return {"through": through, "kept": kept, "ratio": ratio}


def epoch_cells(result: dict[str, Any]) -> list[str]:
    """Seconds of the epochs."""
    return [f"{seconds:.2f}" for seconds in result["seconds"]]


if __name__ == "__main__":
    main()
