"""What a ProtAnno build is asked for."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from protclip_td.checks import check_choice, check_count
from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.data.sampling.rule import Rule
from protclip_td.errors import InputError
from protclip_td.properties import CONFIDENCES, COVERAGES

#: What becomes of entries with the same sequence.
IDENTICAL = ("best", "merge", "keep")

#: How the sampling rule is applied: at every draw, or once while building.
SAMPLING = ("weighted", "thin")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Everything but inputs that decides what is in a store, and what is used of it by default.

    Defaults are those of `data.sampling.rule.Rule`: the paper's, but for the split (ours).

    Parameters:
        read (ReadOptions, optional): how entries are read
        confidences (tuple of int, optional): levels of sample confidence to keep and to draw from;
            None to keep all and to leave it open which are drawn from
        coverages (tuple of int, optional): the same for numbers of present properties
        keep_all (bool, optional): keep all of Swiss-Prot whatever its confidence and coverage, as
            ProtAnno-D does
        identical (str, optional): of entries with the same sequence, keep the "best" (confidence,
            then coverage, then reviewed); the same, with the properties that it lacks taken from
            the others ("merge"); or all of them ("keep")
        sampling (str, optional): "weighted" keeps all that is eligible, to be drawn by group;
            "thin" keeps each entry with probability :math:`C^{-3} R^{1/2}` (released code)
        confidence_exponent (float, optional): exponent of C in that rule
        coverage_exponent (float, optional): exponent of R in that rule
        seed (int, optional): of the coins of "thin", and proposed for the draw
        valid_fraction (float, optional): share of sequences held out for validation, may be 0
        test_fraction (float, optional): share of sequences held out for test, may be 0
        identity (float, optional): sequences that MMseqs2 finds at least this identical to an
            excluded one are left out too; None for equal ones alone

    Raises:
        InputError: an option is out of range
    """

    read: ReadOptions = field(default_factory=ReadOptions)
    confidences: tuple[int, ...] | None = tuple(Rule.confidences)
    coverages: tuple[int, ...] | None = tuple(Rule.coverages)
    keep_all: bool = False
    identical: str = "best"
    sampling: str = "weighted"
    confidence_exponent: float = Rule.confidence_exponent
    coverage_exponent: float = Rule.coverage_exponent
    seed: int = Rule.seed
    valid_fraction: float = Rule.valid_fraction
    test_fraction: float = Rule.test_fraction
    identity: float | None = None

    def __post_init__(self) -> None:
        self._rule()  # raises if it is none
        check_choice("identical", self.identical, IDENTICAL)
        check_choice("sampling", self.sampling, SAMPLING)
        self._check_numbers()
        self._check_reachable()
        if self.sampling == "thin":
            self._check_chances()

    def _rule(self) -> Rule:
        """The rule that these options mean by themselves; what they leave open is its default."""
        stated = {f.name: getattr(self, f.name) for f in fields(Rule)}
        return Rule(**{name: value for name, value in stated.items() if value is not None})

    def _check_numbers(self) -> None:
        if self.identity is not None and not 0 < self.identity <= 1:
            raise InputError(f"identity is {self.identity}; expected above 0 and at most 1")
        check_count("min_residues", self.read.min_residues)

    def _check_reachable(self) -> None:
        """Coverage is counted out of all properties, whichever are read."""
        most = len(self.read.properties)
        if self.coverages is not None and min(self.coverages) > most and not self.keep_all:
            raise InputError(
                f"coverages is {list(self.coverages)}, which no entry reaches with {most} "
                f"properties ({', '.join(self.read.properties)}); give --coverages up to {most}"
            )

    def _check_chances(self) -> None:
        for confidence in self.confidences or CONFIDENCES:
            for coverage in self.coverages or COVERAGES:
                chance = self.chance(confidence, coverage)
                if chance > 1:
                    raise InputError(
                        f"with confidence_exponent {self.confidence_exponent:g} and "
                        f"coverage_exponent {self.coverage_exponent:g} an entry of confidence "
                        f"{confidence} and coverage {coverage}/4 would be kept with a probability "
                        f"of {chance:.3g}; thinning needs exponents that give at most 1"
                    )

    def chance(self, confidence: int, coverage: int) -> float:
        """The probability with which "thin" keeps an entry of a group.

        Example::

            >>> BuildOptions().chance(2, 4)
            0.125
        """
        return confidence**self.confidence_exponent * (coverage / 4) ** self.coverage_exponent

    @property
    def held_out(self) -> float:
        """Share of the sequences that is not for training."""
        return self._rule().held_out

    def as_dict(self) -> dict[str, Any]:
        """The same as plain types, for a manifest."""
        record = asdict(self)
        record = {**record.pop("read"), **record}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in record.items()}
