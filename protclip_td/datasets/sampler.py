"""The property-driven draw for a plain PyTorch data loader."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch.utils import data as torch_data

from protclip_td.checks import check_positive
from protclip_td.data.sampling.held_out import num_rows, split_rows
from protclip_td.data.sampling.rows import Rows, draw_rows
from protclip_td.data.sampling.rule import PAPER_EXPONENTS, rule_for
from protclip_td.data.store.manifest import Group
from protclip_td.data.store.reading import Store
from protclip_td.errors import InputError

_AT_ONCE = 1 << 13  # draws over all ranks that are looked up together


class PropertyDrivenSampler(torch_data.Sampler[int]):
    """Rows of a store, drawn anew each epoch by sample confidence and property coverage.

    A group of entries is drawn with P ∝ C⁻³ · √R · N, then a row in it: none twice in an epoch
    where the group is larger than its share, and all of a smaller one before any comes again. What
    is drawn depends on seed and epoch alone, so it is the same for any number of workers, and
    together the ranks draw what one process would; each gets rows of few blocks. Memory does not
    grow with the store.

    Parameters:
        groups (sequence of Group): what to draw from; `of` takes a store's training rows
        num_draws (int): draws per epoch over all ranks; what does not divide by the number of
            ranks is left out at the end
        exponents (tuple of float, optional): of confidence and of coverage, (−3, ½) in the paper
        rank (int, optional): this process, from 0
        num_ranks (int, optional): number of processes
        seed (int, optional): another seed, another draw; the same on all ranks

    Raises:
        InputError: no entry to draw from, or a number out of range

    Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.

    Example::

        >>> sampler = PropertyDrivenSampler.of(store, num_draws=100)
        >>> loader = torch.utils.data.DataLoader(store, 20, sampler=sampler, collate_fn=list)
        >>> for epoch in range(2):
        ...     sampler.set_epoch(epoch)
        ...     print(sum(len(entries) for entries in loader))
        100
        100
    """

    def __init__(
        self,
        groups: Sequence[Group],
        num_draws: int,
        exponents: tuple[float, float] = PAPER_EXPONENTS,
        rank: int = 0,
        num_ranks: int = 1,
        seed: int = 0,
    ) -> None:
        self._groups = [group for group in groups if group.size]
        _check(self._groups, num_draws, rank, num_ranks, seed)
        self.draw = draw_rows(self._groups, num_draws, exponents, seed)
        self.rank = rank
        self.num_ranks = num_ranks
        # Positions over all ranks: handed out, begun at, to begin at next.
        self.position = self._start = self._begin = 0
        self._go_to(epoch=0, position=0, dealt_to=num_ranks)

    @classmethod
    def of(
        cls,
        store: Store,
        num_draws: int | None = None,
        rank: int = 0,
        num_ranks: int = 1,
        **rule: Any,
    ) -> "PropertyDrivenSampler":
        """The draw from a store's training rows by the rule it was built for, as ProtAnno has it.

        Parameters:
            store (Store): where the rows are
            num_draws (int, optional): draws per epoch over all ranks, by default one per row
            rank (int, optional): this process, from 0
            num_ranks (int, optional): number of processes
            rule: fields of `data.sampling.rule.Rule` that shall be others

        Raises:
            InputError: no row is left to train on, or something is out of range
        """
        wanted = rule_for(store.manifest["options"], **rule)
        groups = split_rows(store, wanted)["train"]
        draws = num_rows(groups) if num_draws is None else num_draws
        return cls(groups, draws, wanted.exponents, rank, num_ranks, wanted.seed)

    def __len__(self) -> int:
        return self.draw.num_draws // self.num_ranks

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch, counted from 0; where it has begun already, as after a resume, go on."""
        if epoch != self.epoch:
            self._go_to(epoch, position=0, dealt_to=self.num_ranks)

    def __iter__(self) -> Iterator[int]:
        # Every iteration is a whole epoch, but for the first one after a state was loaded.
        self.position = self._start = self._begin
        self._begin = 0
        end = self.draw.num_draws - (self.draw.num_draws - self.position) % self.num_ranks
        step = max(1, _AT_ONCE // self.num_ranks) * self.num_ranks
        for begin in range(self.position, end, step):
            positions = np.arange(begin + self.rank, min(begin + step, end), self.num_ranks)
            for row in self._rows.at(positions).tolist():
                self.position += self.num_ranks
                yield row

    def state_dict(self, num_used: int | None = None) -> dict[str, int]:
        """Where the draw stands, a few numbers for a checkpoint; the same on all ranks.

        Parameters:
            num_used (int, optional): draws that this rank has used in this iteration, which may
                have begun in the middle of the epoch. By default all that were handed out, of
                which a data loader with workers holds some back.

        Raises:
            InputError: more than were handed out
        """
        position = self.position
        if num_used is not None:
            position = self._start + num_used * self.num_ranks
            if not self._start <= position <= self.position:
                handed_out = (self.position - self._start) // self.num_ranks
                raise InputError(
                    f"PropertyDrivenSampler: num_used is {num_used}; expected 0 to {handed_out}, "
                    "as many draws as this iteration has handed out"
                )
        return {
            "seed": self.draw.seed,
            "epoch": self.epoch,
            "position": position,
            "num_ranks": self._dealt_to,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another sampler stood; what is left of its epoch comes next, then whole ones.

        Its ranks may have been more or fewer: the rest of the epoch is then dealt out as it was
        begun, so that no row is drawn twice and none is missed.

        Raises:
            InputError: the state is of another seed
        """
        if state["seed"] != self.draw.seed:
            raise InputError(
                f"PropertyDrivenSampler: the state is of a draw with seed {state['seed']}, this "
                f"one has seed {self.draw.seed}; give the same seed to go on"
            )
        self._go_to(state["epoch"], state["position"], state["num_ranks"])

    def _go_to(self, epoch: int, position: int, dealt_to: int) -> None:
        self.epoch = epoch
        self.position = self._start = self._begin = position
        self._dealt_to = dealt_to
        self._rows = Rows(self._groups, self.draw.order(epoch, dealt_to))


def _check(groups: Sequence[Group], num_draws: int, rank: int, num_ranks: int, seed: int) -> None:
    if not groups:
        raise InputError("PropertyDrivenSampler: no entry in the groups given; nothing to draw")
    if not 0 <= rank < num_ranks:
        raise InputError(
            f"PropertyDrivenSampler: rank {rank} of {num_ranks} given; expected a rank from 0 to "
            "num_ranks - 1"
        )
    if num_draws < num_ranks:
        raise InputError(
            f"PropertyDrivenSampler: num_draws is {num_draws}; expected at least one per rank, "
            f"that is {num_ranks}"
        )
    check_positive("PropertyDrivenSampler: seed", seed, may_be_zero=True)
