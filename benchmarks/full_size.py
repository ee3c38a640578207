"""All benchmarks on files as large as the real ones: time and memory of each.

    python benchmarks/full_size.py

Proteins and labels are random, so the scores mean nothing, and the encoders have no layers, only
their width (1280, and 768 for texts): what is measured is all that is done beside encoding. Each
benchmark runs in a fresh process by `protclip-td benchmark`, on a fixed encoder whose features are
computed in its first epoch. Seconds are those from the command to its table, without the imports;
memory is the process's largest. The files take 2 GB of disk while this runs.

The bridge of the five on PrimeKG is narrow here (`--bridge_dim 24 --num_layer 1`) and trains on its
target's relations, since a CPU would need days for the published one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from memory import peak_gb
from tables import aligned

FLAGS = {
    "cross-modal transformation": ("--bridge_dim=24", "--num_layer=1", "--relations=target"),
}


def main() -> None:
    """Write the files, run the benchmarks, and print what each took."""
    from protclip_td.benchmark.catalogue import choose

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=["all", "extras"])
    parser.add_argument("--epochs", type=int, default=1, help="epochs of each")
    parser.add_argument("--share", type=float, default=1.0, help="of proteins and edges")
    parser.add_argument("--data", type=Path, help="folder to keep the files in, and to reuse")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(run(options.run, options.data, options.epochs)))
        return
    benchmarks = choose(options.names)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder) / "data"
        prepare(data, options.share)
        for benchmark in benchmarks:
            found = run_apart(benchmark.name, data, options.epochs)
            rows.append([benchmark.name, f"{found['seconds']:.0f}", f"{found['peak_gb']:.2f}"])
            print(*rows[-1], flush=True)
    print(aligned(["", "s", "peak GB"], rows))


def prepare(data: Path, share: float) -> None:
    """Write data and encoder, if they are not there."""
    from full_size_files import write_all

    if not data.exists():
        checksums = write_all(data, share)
        write_encoder(data / "encoder")
        (data / "written.json").write_text(json.dumps({"share": share, "md5": checksums}))
    elif not (data / "written.json").exists() or written(data)["share"] != share:
        raise SystemExit(f"{data} is not whole, or has another share of the files; remove it")


def written(data: Path) -> dict[str, Any]:
    """What is in the folder."""
    return json.loads((data / "written.json").read_text())


def write_encoder(folder: Path) -> None:
    """A ProtCLIP folder whose encoders have the published width, and no layers."""
    from transformers import BertConfig, BertModel, EsmConfig, EsmModel

    from protclip_td.compat.modules import torch_modules
    from protclip_td.models import ProtCLIP

    protein, text = folder / "protein", folder / "text"
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + x for x in letters)]
    of_esm = EsmConfig(
        vocab_size=33, mask_token_id=32, pad_token_id=1, hidden_size=1280, num_hidden_layers=0,
        num_attention_heads=20, intermediate_size=8, max_position_embeddings=1026,
        position_embedding_type="rotary", token_dropout=True,
    )  # fmt: skip
    of_bert = BertConfig(vocab_size=len(words), num_hidden_layers=0, intermediate_size=8)
    with torch_modules():
        EsmModel(of_esm, add_pooling_layer=False).save_pretrained(protein)
        BertModel(of_bert).save_pretrained(text)
    (text / "vocab.txt").write_text("\n".join(words) + "\n")
    ProtCLIP(protein_encoder=str(protein), text_encoder=str(text)).save_pretrained(folder)


def run_apart(name: str, data: Path, epochs: int) -> dict[str, Any]:
    """Run a benchmark in a process of its own."""
    command = [sys.executable, __file__, "--run", name, "--data", str(data)]
    done = subprocess.run([*command, "--epochs", str(epochs)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def run(name: str, data: Path, epochs: int) -> dict[str, Any]:
    """Run a benchmark, as its users do."""
    from protclip_td import cli
    from protclip_td.benchmark.catalogue import choose

    accept(data)
    (benchmark,) = choose([name])
    flags = [f"--num_epoch={epochs}"] if benchmark.trained != "nothing" else []
    flags += ["--fix_encoder=true"] if benchmark.trained == "all" else []
    flags += FLAGS.get(benchmark.group, ())
    with tempfile.TemporaryDirectory() as folder:
        words = ["benchmark", name, "--checkpoint", str(data / "encoder"), "-o", folder]
        start = time.perf_counter()
        if cli.main([*words, "--path", str(data), *flags]):
            raise SystemExit(1)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_gb": peak_gb()}


def accept(data: Path) -> None:
    """Let the data sets take these files for the published ones."""
    from torchdrug import datasets

    from protclip_td import datasets as ours
    from protclip_td.data.outside.remote import PublishedFile
    from protclip_td.datasets.deepfri_files import ChainFiles

    for name, md5 in written(data)["md5"].items():
        cls = getattr(ours, name, None) or getattr(datasets, name)
        cls.md5 = md5
    for name, (address, _) in ours.PrimeKG.files.items():
        ours.PrimeKG.files[name] = address, PublishedFile()
    ours.STRINGActions.published.clear()
    ours.STRINGActions.known.clear()
    ours.Reaction.label_size = None
    ChainFiles.least.clear()


if __name__ == "__main__":
    main()
