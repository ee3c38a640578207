"""What of a ProtAnno store is used, and how it is drawn."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any

from protclip_td.checks import check_positive
from protclip_td.errors import InputError
from protclip_td.properties import CONFIDENCES, COVERAGES

# At both ends 5 ** 200 * 4 ** 200 = 1e260: with 1e12 entries it is still below a float's 1e308, and
# its inverse above 1e-308.
_LARGEST_EXPONENT = 200


@dataclass(frozen=True)
class Rule:
    """The sampling rule and the split; the defaults are the paper's, but for the split (ours).

    Parameters:
        confidences (collection of int, optional): levels of sample confidence to keep, 1 to 5
        coverages (collection of int, optional): numbers of present properties to keep, 1 to 4
        confidence_exponent (float, optional): a draw's chance grows with C to this power
        coverage_exponent (float, optional): a draw's chance grows with R to this power
        valid_fraction (float, optional): share of sequences held out for validation
        test_fraction (float, optional): share of sequences held out for test
        seed (int, optional): seed of the draws

    Raises:
        InputError: something is out of range

    Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.
    """

    confidences: Collection[int] = (1, 2, 3)
    coverages: Collection[int] = (3, 4)
    confidence_exponent: float = -3.0
    coverage_exponent: float = 0.5
    valid_fraction: float = 0.1
    test_fraction: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        _check_levels("confidences", self.confidences, CONFIDENCES)
        _check_levels("coverages", self.coverages, COVERAGES)
        check_positive("seed", self.seed, may_be_zero=True)
        if not (self.valid_fraction >= 0 and self.test_fraction >= 0 and self.held_out < 1):
            raise InputError(
                f"valid_fraction is {self.valid_fraction} and test_fraction {self.test_fraction}; "
                "expected two shares from 0 that leave some sequences to train on"
            )
        for name in ("confidence_exponent", "coverage_exponent"):
            value = getattr(self, name)
            if not -_LARGEST_EXPONENT <= value <= _LARGEST_EXPONENT:
                raise InputError(
                    f"{name} is {value}; expected a number from {-_LARGEST_EXPONENT} to "
                    f"{_LARGEST_EXPONENT}, beyond which the weights of the draw may be no numbers"
                )

    @property
    def held_out(self) -> float:
        """Share of the sequences that is not for training."""
        return self.valid_fraction + self.test_fraction

    @property
    def exponents(self) -> tuple[float, float]:
        """Of confidence and of coverage."""
        return self.confidence_exponent, self.coverage_exponent

    def as_dict(self) -> dict[str, Any]:
        """The same as plain types, for a manifest."""
        levels = {"confidences": list(self.confidences), "coverages": list(self.coverages)}
        return {**asdict(self), **levels}


#: Of confidence and of coverage.
PAPER_EXPONENTS = (Rule.confidence_exponent, Rule.coverage_exponent)


def rule_for(options: dict[str, Any], **given: Any) -> Rule:
    """The rule for a store: what is given, else what the store was built for, else the defaults.

    Whatever the store was built with counts, be it all levels or no held-out sequences. A level or
    fraction that is None or missing in its options was left open.

    Parameters:
        options (dict): what its manifest says that it was built with
        given: fields of `Rule`; None stands for the default

    Example::

        >>> options = {"sampling": "thin", "keep_all": True, "seed": 1}
        >>> rule = rule_for(options, valid_fraction=0.2)
        >>> rule.confidences, rule.exponents, rule.valid_fraction, rule.seed
        ((1, 2, 3, 4, 5), (0.0, 0.0), 0.2, 1)
    """
    stated = {key: value for key, value in given.items() if value is not None}
    return Rule(**{**_built_for(options), **stated})


def _built_for(options: dict[str, Any]) -> dict[str, Any]:
    """What the options that a store was built with mean for the draw."""
    meant = {f.name: options[f.name] for f in fields(Rule) if options.get(f.name) is not None}
    if options.get("keep_all"):
        # Whatever else is in the store is Swiss-Prot's, kept on purpose.
        meant |= {"confidences": CONFIDENCES, "coverages": COVERAGES}
    if options.get("sampling") == "thin":
        # The weights were applied already.
        meant |= {"confidence_exponent": 0.0, "coverage_exponent": 0.0}
    return meant


def _check_levels(name: str, given: Collection[int], known: Collection[int]) -> None:
    if not given or not set(given) <= set(known):
        raise InputError(f"{name} is {list(given)}; expected at least one of {list(known)}")
