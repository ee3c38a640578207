"""Synthetic UniProtKB entries in any number, made by recombining the built-in sample's real ones.

    python benchmarks/synthetic_entries.py 100000 -o synthetic.dat.gz

They are like TrEMBL's in what decides size and speed, and like nothing in biology. Assumed:

- *Shares*: the paper's Table 1 and Figure 1 for ProtAnno-D; two in a thousand are Swiss-Prot's,
  with the shares of ProtAnno-S. The paper gives shares by confidence and by coverage, so the two
  are taken as independent.
- *Sequences*: lengths log-normal with a mean of 350 residues; pieces of 32 residues of real
  sequences, half of whose residues are replaced by others of the sample, since in a real store
  unrelated sequences lie side by side, and a compressor finds nothing that two of them share. All
  are different.
- *Texts*: those of TrEMBL come by families (see `scale_texts.py`); two fifths of the names that
  stand alone are "Uncharacterized protein". Those of Swiss-Prot hardly repeat.
- *The rest of an entry* (references, cross-references; skipped by every reader of pairs) is real
  lines of the sample, so that an entry has about 3 KB. Its organism says "synthetic construct".
"""

import argparse
import gzip
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from scale_flat_file import FlatFile
from scale_texts import FAMILIES, NAMES, Texts

from protclip_td.data.built_in import SAMPLE
from protclip_td.data.entry import Entry
from protclip_td.data.reading.readers import read_pairs
from protclip_td.protanno.paper import CONFIDENCE_SHARES, COVERAGE_SHARES, PAIRS

#: Share of ProtAnno-D's pairs that is Swiss-Prot's (paper).
REVIEWED = PAIRS["ProtAnno-S"] / PAIRS["ProtAnno-D"]

_CHUNK = 1_000
_PIECE = 32
_REPLACED = 0.5
_LOG_MEAN, _LOG_SIGMA = np.log(270.0), 0.72  # mean 350
_UNCHARACTERIZED = 0.4
# Which properties a coverage means, and how often: of name, function, location, similarity.
_SUBSETS: dict[int, tuple[tuple[float, tuple[int, int, int, int]], ...]] = {
    1: ((1.0, (1, 0, 0, 0)),),
    2: ((0.1, (1, 1, 0, 0)), (0.4, (1, 0, 1, 0)), (0.5, (1, 0, 0, 1))),
    3: ((0.15, (1, 1, 1, 0)), (0.55, (1, 1, 0, 1)), (0.3, (1, 0, 1, 1))),
    4: ((1.0, (1, 1, 1, 1)),),
}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def paper_shares(name: str = "ProtAnno-D") -> np.ndarray:
    """Share of each confidence (5 rows) and coverage (4 columns), which sum to 1."""
    table = np.outer(CONFIDENCE_SHARES[name], COVERAGE_SHARES[name])
    return table / table.sum()


class Synthetic:
    """Entries by number: the first hundred are the same whether a million follow or none.

    Parameters:
        seed (int, optional): another seed, another million
        confidences, coverages (sequence of int, optional): levels wanted, all by default; the
            others' shares are spread over them in proportion

    Example::

        >>> entries = list(Synthetic().entries(100))
        >>> len(entries), entries[0].accession
        (100, 'SYN0000000')
    """

    def __init__(
        self,
        seed: int = 0,
        confidences: Sequence[int] = (1, 2, 3, 4, 5),
        coverages: Sequence[int] = (1, 2, 3, 4),
    ) -> None:
        self.seed = seed
        real = list(read_pairs(SAMPLE))
        self._texts = Texts(real, seed)
        letters = "".join(entry.sequence for entry in real).encode()
        self._residues = np.frombuffer(letters, dtype=np.uint8)
        wanted = np.zeros((5, 4))
        wanted[np.ix_(np.array(confidences) - 1, np.array(coverages) - 1)] = 1
        swiss_prot = REVIEWED * paper_shares("ProtAnno-S")
        trembl = np.maximum(paper_shares("ProtAnno-D") - swiss_prot, 0)
        shares = np.stack([trembl * wanted, swiss_prot * wanted]).ravel()
        self._cells = np.cumsum(shares / shares.sum())
        self._families = _cumulative(1 / (np.arange(FAMILIES) + 20.0))
        self._variants = _cumulative(1 / (np.arange(NAMES) + 1.0))

    @cached_property
    def _flat_file(self) -> FlatFile:
        return FlatFile(SAMPLE)

    def entries(self, number: int) -> Iterator[Entry]:
        """The first `number` entries."""
        for begin in range(0, number, _CHUNK):
            yield from self._chunk(begin // _CHUNK)[: number - begin]

    def flat_text(self, number: int) -> Iterator[str]:
        """The first `number` entries as text of a flat file, one after the other."""
        for index, entry in enumerate(self.entries(number)):
            yield self._flat_file.text(entry, index)

    def _chunk(self, chunk: int) -> list[Entry]:
        generator = np.random.default_rng([self.seed, chunk])
        cells = np.searchsorted(self._cells, generator.random(_CHUNK), side="right")
        reviewed, cells = np.divmod(cells, 20)
        families = np.searchsorted(self._families, generator.random(_CHUNK))
        rare = generator.integers(FAMILIES, 100 * FAMILIES, _CHUNK)
        families = np.where(reviewed, rare, families)
        variants = np.searchsorted(self._variants, generator.random(_CHUNK))
        sequences = self._sequences(generator)
        coins = generator.random((2, _CHUNK))
        columns = (cells, reviewed, families, variants, *coins)
        rows = zip(*(column.tolist() for column in columns))
        return [
            self._entry(chunk * _CHUNK + i, sequence, *row)
            for i, (sequence, row) in enumerate(zip(sequences, rows))
        ]

    def _entry(
        self,
        index: int,
        sequence: str,
        cell: int,
        reviewed: int,
        family: int,
        variant: int,
        subset_coin: float,
        name_coin: float,
    ) -> Entry:
        confidence, coverage = cell // 4 + 1, cell % 4 + 1
        present = _subset(coverage, subset_coin)
        if coverage == 1 and not reviewed and name_coin < _UNCHARACTERIZED:
            name = "Uncharacterized protein"
        else:
            name = self._texts.name(family, variant)
        texts = (name, *self._texts.others(family, bool(reviewed)))
        name, function, place, kind = (text if use else "" for text, use in zip(texts, present))
        properties = (name, function, place, kind)
        return Entry(f"SYN{_base36(index)}", sequence, properties, confidence, bool(reviewed))

    def _sequences(self, generator: np.random.Generator) -> list[str]:
        """Sequences of one chunk, made in one go."""
        lengths = generator.lognormal(_LOG_MEAN, _LOG_SIGMA, _CHUNK).astype(np.int64)
        ends = np.cumsum(np.clip(lengths, 20, 36_000))
        pieces = -(-int(ends[-1]) // _PIECE)
        begins = generator.integers(0, len(self._residues) - _PIECE, pieces)
        letters = self._residues[(begins[:, None] + np.arange(_PIECE)).ravel()]
        replaced = generator.random(len(letters)) < _REPLACED
        letters[replaced] = generator.choice(self._residues, int(replaced.sum()))
        text = letters.tobytes().decode()
        starts = [0, *ends.tolist()]
        return ["M" + text[begin + 1 : end] for begin, end in pairwise(starts)]


def _cumulative(weights: np.ndarray) -> np.ndarray:
    return np.cumsum(weights / weights.sum())


def _subset(coverage: int, coin: float) -> tuple[int, int, int, int]:
    for share, present in _SUBSETS[coverage]:
        if coin < share:
            return present
        coin -= share
    return _SUBSETS[coverage][-1][1]


def _base36(number: int) -> str:
    """Seven digits, as the last seven of a TrEMBL accession."""
    digits = ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def write_flat_file(path: Path, number: int, seed: int = 0) -> int:
    """Write a gzip-compressed flat file of synthetic entries.

    Returns:
        its size before compression
    """
    size = 0
    # No name and no time in the header: the same bytes on every machine.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as file:
        for text in Synthetic(seed).flat_text(number):
            size += file.write(text.encode())
    return size


def main(argv: Sequence[str] | None = None) -> None:
    """Write a file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("number", type=int, help="entries")
    parser.add_argument("-o", "--output", type=Path, default=Path("synthetic.dat.gz"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    size = write_flat_file(args.output, args.number, args.seed)
    print(f"{args.output}: {args.number:,} synthetic entries, {size / args.number:,.0f} bytes each")


if __name__ == "__main__":
    main()
