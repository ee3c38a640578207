"""Graph data sets of about the real size: seconds to open, memory, and an epoch's batches.

    python benchmarks/graph_data.py

PrimeKG has the nodes and about the number of edges of the published graph, STRING the proteins and
about the number of pairs of GNN-PPI's cut; which nodes are linked is drawn at random, some far more
often than others, and texts that nothing reads are left out. The files take 1.4 GB of disk while
this runs. Each data set is opened in a fresh process; memory is that process's largest.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from memory import peak_gb
from tables import aligned

from protclip_td.data.outside.remote import PublishedFile
from protclip_td.datasets import PrimeKG, STRINGActions, prime_kg_files
from protclip_td.datasets.string_actions_reader import ACTIONS
from protclip_td.training.loading import (
    BatchIndices,
    SeededBatches,
    make_loader,
    training_indices,
)

#: Nodes of the six types that count, then of all others (Chandak et al., Scientific Data 2023).
NODES = {
    "gene/protein": 27_671,
    "biological_process": 28_642,
    "molecular_function": 11_169,
    "cellular_component": 4_176,
    "disease": 17_080,
    "drug": 7_957,
    "anatomy": 14_035,
    "effect/phenotype": 15_311,
    "pathway": 2_516,
    "exposure": 818,
}
#: Edges between two types in thousands, rounded, both directions together.
EDGES = {
    ("drug", "drug"): 2_673,
    ("gene/protein", "gene/protein"): 642,
    ("biological_process", "gene/protein"): 290,
    ("cellular_component", "gene/protein"): 167,
    ("disease", "gene/protein"): 161,
    ("molecular_function", "gene/protein"): 139,
    ("biological_process", "biological_process"): 106,
    ("disease", "disease"): 64,
    ("drug", "disease"): 85,
    ("drug", "gene/protein"): 51,
    ("molecular_function", "molecular_function"): 27,
    ("cellular_component", "cellular_component"): 10,
    ("anatomy", "gene/protein"): 3_076,
    ("disease", "effect/phenotype"): 303,
    ("drug", "effect/phenotype"): 130,
    ("pathway", "gene/protein"): 85,
}
HEADER = (
    "relation,display_relation,x_index,x_id,x_type,x_name,x_source,"
    "y_index,y_id,y_type,y_name,y_source\n"
)


def main() -> None:
    """Write the files, open each data set, and print what it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the lines of each file")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_prime_kg(Path(folder) / "primekg", options.share)
        write_string(Path(folder) / "string_actions", share=options.share)
        results = {name: run(name, folder) for name in ("PrimeKG", "STRING")}
    header = ["", "train items", "to open, s", "peak GB", "an epoch's batches, s"]
    form = "{items:,}|{open_s:.1f}|{peak_gb:.2f}|{epoch_s:.1f}"
    rows = [[name, *form.format(**found).split("|")] for name, found in results.items()]
    print(aligned(header, rows))


def run(name: str, folder: str) -> dict[str, Any]:
    """Measure a data set in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", name, folder], capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(name: str, folder: str) -> dict[str, Any]:
    """Open a data set, and make the batches of one epoch as a run makes them."""
    for file_name, (address, _) in PrimeKG.files.items():
        PrimeKG.files[file_name] = address, PublishedFile()
    STRINGActions.published.clear()
    start = time.perf_counter()
    dataset: Any = PrimeKG(folder) if name == "PrimeKG" else STRINGActions(folder, "STRING")
    train = dataset.split()[0]
    opened = time.perf_counter()
    batches = BatchIndices(training_indices(train, 0, 0), 4096 if name == "PrimeKG" else 2048)
    for _ in make_loader(SeededBatches(train, 0, 0), batches, 0):
        pass
    return {
        "items": len(train),
        "open_s": opened - start,
        "epoch_s": time.perf_counter() - opened,
        "peak_gb": peak_gb(),
    }


def write_prime_kg(folder: Path, share: float) -> None:
    """PrimeKG's edges, and BioBridge's files of nodes."""
    folder.mkdir()
    first = dict(zip(NODES, np.cumsum([0, *NODES.values()]).tolist()))
    kind_of = [kind for kind, number in NODES.items() for _ in range(number)]
    cells = [f"{i},{i},{kind},a name of usual length {i},NCBI" for i, kind in enumerate(kind_of)]
    with (folder / "kg.csv").open("w") as file:
        file.write(HEADER)
        for (a, b), thousands in EDGES.items():
            pairs = list(_pairs(NODES[a], NODES[b], int(500 * thousands * share)))
            for reverse in (False, True):
                for x, y in pairs:
                    ends = cells[first[a] + x], cells[first[b] + y]
                    file.write(f"{a}_{b},linked,{','.join(ends[::-1] if reverse else ends)}\n")
    for kind, file_name in prime_kg_files.NODES.items():
        if kind not in ("gene/protein", "drug"):  # which hold more than numbers
            numbers = range(first[kind], first[kind] + NODES[kind])
            _write_table(folder / file_name, ("node_index",), [(i,) for i in numbers])
    drugs = np.arange(first["drug"], first["drug"] + NODES["drug"])
    np.savez(folder / "drug.npz", node_index=drugs, embedding=np.zeros((len(drugs), 512), "f4"))
    rows = enumerate(random_proteins(NODES["gene/protein"], 450), first["gene/protein"])
    _write_table(folder / "protein.csv", ("node_index", "sequence"), rows)


def write_string(folder: Path, network: str = "STRING", share: float = 1.0) -> None:
    """One of GNN-PPI's networks, each pair with two actions in both directions."""
    folder.mkdir(exist_ok=True)
    if network == "STRING":
        actions, sequences = STRINGActions.gnn_ppi_string
    else:
        (actions, _), (sequences, _) = STRINGActions.files[network]
    number, num_pair = STRINGActions.published[actions]
    number = number or 15_335  # about which public texts disagree
    names = [f"9606.ENSP{i:011d}" for i in range(number)]
    lines = ["item_id_a\titem_id_b\tmode\taction\tis_directional\ta_is_acting\tscore\n"]
    chain = zip(range(number - 1), range(1, number))  # which keeps the network in one part
    pairs = {*chain, *_pairs(number, number, int(num_pair * share))}
    for k, (a, b) in enumerate(sorted(pairs)):
        for mode in (ACTIONS[k % 7], ACTIONS[(k + 3) % 7]):
            lines += [f"{names[x]}\t{names[y]}\t{mode}\t\tf\tf\t400\n" for x, y in ((a, b), (b, a))]
    (folder / actions).write_text("".join(lines))
    rows = [f"{name}\t{residues}\n" for name, residues in zip(names, random_proteins(number, 450))]
    (folder / sequences).write_text("".join(rows))


def _pairs(first: int, second: int, number: int) -> Iterator[tuple[int, int]]:
    """Pairs of two different numbers below the limits, small ones more often than large ones."""
    draw = np.random.default_rng([first, second])
    low = (first * draw.random(number) ** 2).astype(int).tolist()
    high = (second * draw.random(number) ** 2).astype(int).tolist()
    return ((a, b) for a, b in zip(low, high) if a != b)


def random_proteins(number: int, residues: int, spread: float = 0.5) -> Iterator[str]:
    """Proteins of about so many residues; without a spread, of just so many."""
    draw = np.random.default_rng([number, residues])
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    sizes = (residues * draw.lognormal(-(spread**2) / 2, spread, number)).astype(int)
    return ("".join(draw.choice(letters, size)) for size in sizes.clip(30, 8000).tolist())


def _write_table(path: Path, header: tuple[str, ...], rows: Any) -> None:
    lines = (",".join(map(str, row)) + "\n" for row in (header, *rows))
    path.write_text("".join(lines))


if __name__ == "__main__":
    main()
