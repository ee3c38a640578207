"""A split whose proteins are made once, since a fixed encoder needs them only once."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch.utils import data as torch_data
from torchdrug import data

from protclip_td.models.kept_proteins import KeptProteins, has_only_residues, protein_keys


class KeptItems(torch_data.Dataset):
    """Items that are the same in every epoch, without their proteins from the second time on.

    Making a protein of a sequence takes longer than a step of the head that is trained on a fixed
    encoder. So the first time that an item is asked for, the key of each of its proteins is kept in
    memory beside its other values, and from then on `KeptProteins` take the proteins' place in a
    batch. Loaders in processes of their own, which end with the epoch, make the proteins anew.

    Parameters:
        dataset (Dataset): items are dicts

    Example::

        >>> from protclip_td.data.proteins import to_protein
        >>> proteins = [{"graph": to_protein(residues)} for residues in ("MKT", "GAVLIPF")]
        >>> train_set = KeptItems(proteins)
        >>> train_set.get_batch([0, 1])["graph"].num_residues
        tensor([3, 7])
        >>> type(train_set.get_batch([1, 0])["graph"]).__name__
        'KeptProteins'
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self._keys: dict[int, dict[str, bytes]] = {}
        self._rest: dict[int, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.dataset[index]

    def get_batch(self, indices: Sequence[int]) -> dict[str, Any]:
        """Items as a batch; see the class for what is in the place of their proteins."""
        if any(index not in self._keys for index in indices):
            return self._first(indices)
        batch = data.graph_collate([self._rest[index] for index in indices])
        for name in self._keys[indices[0]]:
            keys = [self._keys[index][name] for index in indices]
            batch[name] = KeptProteins(keys, partial(self._load, indices, name))
        return batch

    def _first(self, indices: Sequence[int]) -> dict[str, Any]:
        items = [self.dataset[index] for index in indices]
        batch = data.graph_collate(items)
        if torch_data.get_worker_info() is None:
            self._remember(indices, items, batch)
        return batch

    def _remember(
        self, indices: Sequence[int], items: Sequence[dict[str, Any]], batch: dict[str, Any]
    ) -> None:
        packs = {name: pack for name, pack in batch.items() if isinstance(pack, data.Graph)}
        inputs = {name: pack.node_feature.float() for name, pack in packs.items()}
        if not all(has_only_residues(pack, inputs[name]) for name, pack in packs.items()):
            return
        keys = {name: protein_keys(pack, inputs[name]) for name, pack in packs.items()}
        for place, (index, item) in enumerate(zip(indices, items)):
            self._keys[index] = {name: keys[name][place] for name in packs}
            self._rest[index] = {name: item[name] for name in item if name not in packs}

    def _load(self, indices: Sequence[int], name: str) -> Any:
        """The pack of proteins itself, where features are not kept after all."""
        return data.graph_collate([self.dataset[index][name] for index in indices])
