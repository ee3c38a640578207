"""Measures one configuration of the training step; `pretrain_step.py` runs it in a fresh process.

Command line: settings as JSON. The last line of the output is the result as JSON.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from matmul import MatmulRate
from step_flops import StepContent, step_flops
from torchdrug import core, data, datasets, layers, models, tasks  # noqa: F401

_before = time.perf_counter()
import protclip_td  # noqa: E402, F401

IMPORT_SECONDS = time.perf_counter() - _before

from protclip_td.datasets.protanno import ProtAnno  # noqa: E402
from protclip_td.models.protclip import ProtCLIP  # noqa: E402
from protclip_td.tasks.pretraining import ProteinTextPretraining  # noqa: E402


class Probe:
    """Listens at the two encoders of a model: what goes through them, and how long it takes.

    Attributes:
        computed (int): tokens through the protein encoder, padding included
        real (int): those that are no padding
        encoded_texts (list of int): tokens of each text that went through the text encoder
        text_seconds (float): time spent asking the text encoder, kept results included
    """

    def __init__(self, model: ProtCLIP) -> None:
        self.computed = self.real = 0
        self.encoded_texts: list[int] = []
        self.text_seconds = 0.0
        protein, text = model.protein_encoder, model.text_encoder
        protein.padded_states = self._listen(protein.padded_states, self._on_proteins)
        text.padded_states = self._listen(text.padded_states, self._on_texts)
        text.token_states = self._time(text.token_states)
        text.means = self._time(text.means)

    def _on_proteins(self, lengths: list[int], computed: int) -> None:
        self.computed += computed
        self.real += sum(lengths)

    def _on_texts(self, lengths: list[int], computed: int) -> None:
        self.encoded_texts += lengths

    def _listen(self, run: Callable, tell: Callable) -> Callable:
        def heard(token_ids: torch.Tensor, mask: torch.Tensor | None = None, *rest: Any) -> Any:
            rows, width = token_ids.shape
            tell([width] * rows if mask is None else mask.sum(1).tolist(), token_ids.numel())
            return run(token_ids, mask, *rest)

        return heard

    def _time(self, run: Callable) -> Callable:
        def timed(*args: Any) -> Any:
            start = time.perf_counter()
            try:
                return run(*args)
            finally:
                self.text_seconds += time.perf_counter() - start

        return timed


@dataclass
class Epoch:
    """Sums over the steps of one epoch; `possible` is what the matmul rate would have done."""

    pairs: int = 0
    residues: int = 0
    seconds: float = 0.0
    text_seconds: float = 0.0
    flops: float = 0.0
    possible: float = 0.0
    rates: list[float] = field(default_factory=list)


class StepBenchmark:
    """Full training steps of ProtCLIP's four losses on the built-in sample.

    Parameters:
        settings (dict): see the defaults in `pretrain_step.py`
        folder (str): where the sample's store may be made
    """

    def __init__(self, settings: dict[str, Any], folder: str) -> None:
        torch.manual_seed(0)
        self.settings = settings
        self.dataset = ProtAnno(folder, verbose=0)
        self.train_set = self.dataset.split()[0]
        self.model = ProtCLIP(
            settings["protein_encoder"],
            settings["text_encoder"],
            gradient_checkpointing=settings["gradient_checkpointing"],
        )
        self.task = ProteinTextPretraining(self.model)
        self.task.preprocess(*self.dataset.split())
        self.task.train()
        trained = [p for p in self.task.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(trained, lr=1e-5)
        self.probe = Probe(self.model)
        self.matmul = MatmulRate()

    def run(self) -> dict[str, Any]:
        """All epochs, as a plain result."""
        epochs = [self._epoch(number) for number in range(self.settings["epochs"])]
        return {
            **self.settings,
            "threads": torch.get_num_threads(),
            "import_seconds": IMPORT_SECONDS,
            "num_train": len(self.train_set),
            "padding": 1 - self.probe.real / self.probe.computed,
            # Linux counts kilobytes.
            "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
            "epochs": [vars(epoch) for epoch in epochs],
            "bf16_matmul_ratio": self._bf16_matmul_ratio(),
        }

    def _bf16_matmul_ratio(self) -> float:
        """How much faster the machine multiplies matrices in bf16; about 1 or less if it cannot."""
        in_bf16 = MatmulRate(torch.bfloat16)
        ratios = [in_bf16() / self.matmul() for _ in range(3)]
        return sorted(ratios)[1]

    def _batches(self, epoch: int) -> Iterator[dict[str, Any]]:
        self.train_set.set_epoch(epoch)
        generator = torch.Generator().manual_seed(epoch)
        loader = data.DataLoader(
            self.train_set,
            self.settings["batch_size"],
            shuffle=True,
            drop_last=True,
            generator=generator,
        )
        for number, batch in enumerate(loader):
            if number == self.settings["steps"]:
                return
            yield batch

    def _epoch(self, number: int) -> Epoch:
        epoch = Epoch()
        rate = self.matmul()
        for batch in self._batches(number):
            seconds = self._timed_step(batch, epoch)
            before, rate = rate, self.matmul()
            epoch.rates.append(rate)
            epoch.possible += seconds * (before + rate) / 2
        print(f"  epoch {number + 1}: {epoch.pairs / epoch.seconds:.2f} pairs/s", file=sys.stderr)
        return epoch

    def _timed_step(self, batch: dict[str, Any], epoch: Epoch) -> float:
        self.probe.encoded_texts.clear()
        self.probe.text_seconds = 0.0
        start = time.perf_counter()
        self._step(batch)
        seconds = time.perf_counter() - start
        epoch.seconds += seconds
        epoch.text_seconds += self.probe.text_seconds
        content = self._content(batch)
        epoch.flops += step_flops(self.model, content, self.task.mask_rate)
        epoch.pairs += len(content.residues)
        epoch.residues += sum(content.residues)
        return seconds

    def _step(self, batch: dict[str, Any]) -> None:
        in_bf16 = self.settings["precision"] == "bf16"
        with torch.autocast("cpu", torch.bfloat16) if in_bf16 else nullcontext():
            loss, _ = self.task(batch)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def _content(self, batch: dict[str, Any]) -> StepContent:
        encoded = list(self.probe.encoded_texts)
        _, text_tokens = self.model.text_encoder.token_states(batch["biotext"])
        properties = [sum(map(bool, row)) for row in zip(*batch["property_text"].values())]
        return StepContent(
            batch["graph"].num_residues.tolist(), text_tokens.tolist(), properties, encoded
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(StepBenchmark(json.loads(sys.argv[1]), folder).run()))
