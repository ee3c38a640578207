"""Proteins and targets from a CSV or TSV table, as items of TorchDrug's tasks."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from torch.utils import data as torch_data
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.compat.targets import check_seen
from protclip_td.data.proteins import to_protein
from protclip_td.data.reading.table import Table, read_table
from protclip_td.data.residues import check_sequence
from protclip_td.data.split_names import SPLITS
from protclip_td.datasets.columns import MISSING
from protclip_td.datasets.indexing import takes_slices
from protclip_td.datasets.labels import check_found, check_labels
from protclip_td.datasets.splits import split_by_key, split_by_name
from protclip_td.datasets.targets import read_targets
from protclip_td.errors import InputError

logger = logging.getLogger(__name__)


@R.register("datasets.ProteinTable")
class ProteinTable(torch_data.Dataset, core.Configurable):
    """Proteins, or pairs of proteins, with prediction targets from the columns of a table.

    What a column means decides the TorchDrug task that can learn it:

    =================  ===============================  =============================
    ``target_type``    cell                             TorchDrug's task
    =================  ===============================  =============================
    ``number``         ``0.17`` (empty: missing)        PropertyPrediction with mse
    ``class``          ``Nucleus`` (empty: missing)     PropertyPrediction with ce
    ``labels``         ``Nucleus;Cytoplasm`` or empty   MultipleBinaryClassification
    ``residue_class``  ``HHHTEE``, ``?`` for no label   NodePropertyPrediction with ce
    =================  ===============================  =============================

    With two sequence columns, ``number`` and ``class`` are targets of InteractionPrediction.

    Missing numbers and classes are counted in a warning and left out of loss and metric. ``NA``,
    ``nan``, ``None`` and `columns.MISSING`'s other spellings are missing, too: a class that is
    really called so needs another name.

    Classes and labels that are all whole numbers are sorted by value, and ``1``, ``01`` and
    ``1.0`` are one of them. Otherwise each spelling is its own; ``1.1`` is not ``1.10``.

    Parameters:
        path (str): CSV or TSV file with a header line
        target (str or list of str): target column(s); several for ``number`` and ``class`` only
        target_type (str, optional): what the cells mean, see above
        sequence (str or list of str, optional): the column of the sequences, or the two columns
            of a pair. Residues are one-letter and upper case; X, B, Z, U and O are kept for models
            that know them.
        split (str, optional): column that names each row's split, ``train``, ``valid`` or
            ``test``. Without it, they are drawn by ``seed``; equal sequences (or pairs) share a
            split.
        split_fractions (list of float, optional): shares of train, valid and test when drawn
        seed (int, optional): seed of the draw
        transform (Callable, optional): TorchDrug transform of an item

    Raises:
        InputError: no such file or column, a sequence with letters that are no residues, a target
            that cannot be read, or an unknown ``target_type``; each with file and line

    Example::

        >>> dataset = ProteinTable("stability.csv", target="stability")
        >>> train, valid, test = dataset.split()
        >>> sorted(train[0])
        ['graph', 'stability']
    """

    def __init__(
        self,
        path: str,
        target: str | Sequence[str],
        target_type: str = "number",
        sequence: str | Sequence[str] = "sequence",
        split: str | None = None,
        split_fractions: Sequence[float] = (0.8, 0.1, 0.1),
        seed: int = 0,
        transform: Callable[[dict], dict] | None = None,
    ) -> None:
        table = read_table(path)
        self.path = table.path
        self.sha256 = table.sha256
        self.target_type = target_type
        self.transform = transform
        self.sequences = _sequences(table, _as_list(sequence))
        self.targets = read_targets(table, _as_list(target), target_type, self.sequences)
        #: Where each name of a split stands first, and in which column.
        self.named_at: dict[str, str] = {}
        if split is not None:
            self.rows = split_by_name(table.column(split))
            self.named_at = {
                name: f"{table.where(rows[0])}: {split!r}" for name, rows in self.rows.items()
            }
        else:
            keys = [" ".join(sorted(sequences)) for sequences in self.sequences]
            self.rows = split_by_key(keys, split_fractions, seed)

    @property
    def tasks(self) -> list[str]:
        """Names of the things to predict: target columns, or labels for ``labels``."""
        return self.targets.tasks

    @property
    def label_names(self) -> list[str] | None:
        """Names of the labels, or of the classes of an only target, for zero-shot tasks."""
        return self.targets.label_names

    @property
    def manifest(self) -> dict[str, Any]:
        """What the data are, for the folder of a run."""
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            "tasks": self.tasks,
            "classes": self.targets.classes,
        }

    def split(self, keys: Sequence[str] | None = None) -> list[torch_data.Subset]:
        """Subsets of the table.

        Parameters:
            keys (list of str, optional): names of the splits, training first; by default train,
                valid and test, and then no row may be in another

        Raises:
            InputError: a row in another split, a split without a row, class or label, or a class
                that training has no example of
        """
        self._check_names(keys)
        keys = keys or SPLITS
        for key in keys:
            if key not in self.rows:
                found = {name: len(rows) for name, rows in self.rows.items()}
                raise InputError(f"{self.path}: split {key!r} has no row; found {found}")
        self._check_classes(keys)
        if self.target_type == "labels":
            labels = {key: self.targets.labels_of(self.rows[key]) for key in keys}
            check_labels(str(self.path), self.tasks, labels)
        return [torch_data.Subset(self, self.rows[key]) for key in keys]

    def _check_names(self, keys: Sequence[str] | None) -> None:
        """Rows under a name that nobody asks for would be lost without a word."""
        others = [name for name in self.named_at if name not in (*SPLITS, *(keys or ()))]
        if others and keys is None:
            raise InputError(
                f"{self.named_at[others[0]]} is {others[0]!r}; expected {', '.join(SPLITS)}. "
                "Remove rows that are not to be used; if it is another test set, give `test_split`"
            )
        if others:
            count = sum(len(self.rows[name]) for name in others)
            logger.warning("%s: %d rows of splits %s are not used", self.path, count, others)

    def _check_classes(self, keys: Sequence[str]) -> None:
        """The first split is for training, and has to have an example of each class."""
        for task, names in self.targets.classes.items():
            present = {
                key: [names[i] for i in self.targets.classes_of(task, self.rows[key])]
                for key in keys
            }
            where = f"{self.path}: {task!r}"
            check_found(where, "class", present)
            check_seen(where, present[keys[0]], present, "change the split")

    def __len__(self) -> int:
        return len(self.sequences)

    @takes_slices
    def __getitem__(self, index: int) -> dict[str, Any]:
        """One item: ``graph`` (``graph1`` and ``graph2`` for a pair) and the targets by name."""
        proteins = [to_protein(sequence) for sequence in self.sequences[index]]
        item: dict[str, Any] = dict(zip(_graph_keys(len(proteins)), proteins))
        with proteins[0].residue():
            for name, values in self.targets.per_residue.items():
                setattr(proteins[0], name, values[index])
        item.update({name: values[index] for name, values in self.targets.per_item.items()})
        return self.transform(item) if self.transform else item


def _graph_keys(num_protein: int) -> list[str]:
    return ["graph"] if num_protein == 1 else ["graph1", "graph2"]


def _sequences(table: Table, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The proteins of each row, one or two."""
    if len(names) not in (1, 2):
        raise InputError(f"sequence: {len(names)} columns given; expected one, or two for a pair")
    for name in names:
        for row, sequence in enumerate(table.column(name)):
            check_sequence(sequence, f"{table.where(row)}: {name!r}")
        # N, A, U and L are residues, so these words can be peptides.
        if count := sum(sequence in MISSING for sequence in table.column(name)):
            what = "%s: %d rows have NA or NULL as %r; they are read as peptides, not as missing"
            logger.warning(what, table.path, count, name)
    return list(zip(*(table.column(name) for name in names)))


def _as_list(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
