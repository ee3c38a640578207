"""An epoch of interactions on a network of STRING's size: seconds, and memory.

    python benchmarks/graph_ppi.py

15,335 proteins and 593,397 pairs drawn at random, with random labels; the proteins' vectors are
random, too, of ESM-2-650M's width. What is measured is GNN-PPI's head in the settings of
yaml_configs/downstream/string.yaml: loading, messages over the training pairs, and each step.
"""

import argparse
import resource
import time
from functools import partial

import numpy as np
import torch

from protclip_td.datasets.string_actions_split import draw_split
from protclip_td.engine import ResumableEngine
from protclip_td.tasks import MultiLabelInteraction

NUM_PROTEIN, NUM_PAIR, NUM_ACTION = 15_335, 593_397, 7


class Network(torch.utils.data.Dataset):
    """What `datasets.STRINGActions` offers, drawn at random."""

    def __init__(self, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        drawn = min(2 * NUM_PAIR + 100_000, NUM_PROTEIN**2)  # about half of them are kept
        keys = generator.choice(NUM_PROTEIN**2, drawn, replace=False)
        first, second = np.divmod(keys, NUM_PROTEIN)
        self.pairs = np.stack([first, second], axis=1)[first < second][:NUM_PAIR]
        targets = generator.random((len(self.pairs), NUM_ACTION)) < 0.3
        self.targets = torch.from_numpy(targets).float()
        self.sequences = [""] * NUM_PROTEIN
        self.tasks = list(range(NUM_ACTION))
        self.parts = draw_split(self.pairs, "random", 0.2, 0.1, seed)

    def message_pairs(self) -> np.ndarray:
        """Training pairs alone, as in the clean protocol."""
        return self.pairs[self.parts.train]

    def split(self) -> list[torch.utils.data.Subset]:
        """Training, validation and test pairs."""
        return [torch.utils.data.Subset(self, rows) for rows in self.parts]

    def __len__(self) -> int:
        return len(self.pairs)

    def get_batch(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """Pairs as a batch."""
        first, second = torch.from_numpy(self.pairs[indices]).T
        return {"node1": first, "node2": second, "targets": self.targets[indices]}


def main(arguments: list[str] | None = None) -> None:
    """Train an epoch, or its beginning, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=1280, help="width of the proteins' vectors")
    parser.add_argument("--batches", type=int, help="stop after so many of the epoch's batches")
    options = parser.parse_args(arguments)
    dataset = Network()
    model = torch.nn.Linear(1, 1).requires_grad_(False)
    model.output_dim = options.width
    task = MultiLabelInteraction(model)
    splits = dataset.split()
    task.preprocess(*splits)
    task._compute_vectors = partial(torch.randn, NUM_PROTEIN, options.width)
    optimizer = torch.optim.Adam(task.head.parameters(), lr=1e-3, weight_decay=5e-4)
    engine = ResumableEngine(task, *splits, optimizer, batch_size=2048)
    start = time.perf_counter()
    engine.train(1, options.batches)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    steps = engine.position.step
    print(f"{len(dataset.pairs):,} pairs, {len(splits[0]):,} of them train, width {options.width}")
    print(f"{steps} steps of 2,048 pairs: {seconds:.1f} s, {seconds / steps:.2f} s each")
    print(f"peak memory of the process: {peak:.2f} GB")


if __name__ == "__main__":
    main()
