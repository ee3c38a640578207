"""The rule of a store: what is given, else what it was built for, else the paper's."""

from types import SimpleNamespace

import pytest

from protclip_td.data.sampling.held_out import split_rows
from protclip_td.data.sampling.rule import Rule, rule_for
from protclip_td.data.store.manifest import Group
from protclip_td.errors import InputError
from protclip_td.protanno.build_options import BuildOptions

# What `protclip-td protanno build` writes by default.
BUILT = BuildOptions().as_dict()


def rule_of(given=None, **options):
    return rule_for({**BUILT, **options}, **(given or {}))


def test_the_papers_by_default():
    assert rule_for({}) == Rule()
    assert rule_of().as_dict() == Rule().as_dict()
    assert (Rule().exponents, Rule().held_out) == ((-3.0, 0.5), 0.2)


def test_levels_that_were_left_open_are_the_papers():
    assert rule_of(confidences=None, coverages=None).as_dict() == Rule().as_dict()
    rule = rule_of(confidences=None, coverages=[4])
    assert (list(rule.confidences), list(rule.coverages)) == ([1, 2, 3], [4])


def test_all_levels_are_used_where_they_were_asked_for():
    rule = rule_of(confidences=[1, 2, 3, 4, 5], coverages=[1, 2, 3, 4])
    assert (list(rule.confidences), list(rule.coverages)) == ([1, 2, 3, 4, 5], [1, 2, 3, 4])


def test_what_the_store_was_built_for():
    rule = rule_of(confidences=[4], coverages=[1, 2], coverage_exponent=1.0, seed=7)
    assert (list(rule.confidences), list(rule.coverages)) == ([4], [1, 2])
    assert (rule.exponents, rule.seed) == ((-3.0, 1.0), 7)


def test_all_of_swiss_prot_is_used_where_it_was_kept():
    rule = rule_of(keep_all=True)
    assert (rule.confidences, rule.coverages) == ((1, 2, 3, 4, 5), (1, 2, 3, 4))
    assert rule_of({"confidences": [1]}, keep_all=True).confidences == [1]


def test_a_thinned_store_is_not_weighed_again():
    assert rule_of(sampling="thin").exponents == (0.0, 0.0)
    assert rule_of({"confidence_exponent": -1.0}, sampling="thin").exponents == (-1.0, 0.0)


def test_held_out_shares_are_the_stores_also_where_they_are_none():
    rule = rule_of(valid_fraction=0.0, test_fraction=0.05)
    assert (rule.valid_fraction, rule.test_fraction) == (0.0, 0.05)
    assert rule_of(valid_fraction=0.0, test_fraction=0.0).held_out == 0
    assert rule_of({"valid_fraction": 0.0}, test_fraction=0.05).held_out == 0.05


def test_given_zeros_count():
    rule = rule_of({"confidence_exponent": 0.0, "valid_fraction": 0.0, "seed": 0}, seed=3)
    assert (rule.confidence_exponent, rule.valid_fraction, rule.seed) == (0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"coverages": ()}, r"coverages is \[\]; expected at least one of"),
        ({"valid_fraction": float("nan")}, "leave some sequences to train on"),
        ({"test_fraction": -0.1}, "leave some sequences to train on"),
        (
            {"confidence_exponent": float("nan")},
            "confidence_exponent is nan; expected a number from -200",
        ),
        ({"coverage_exponent": float("inf")}, "coverage_exponent is inf; expected a number from"),
        ({"confidence_exponent": 1e9}, "is 1000000000.0; expected a number from -200 to 200, bey"),
        ({"coverage_exponent": -200.5}, "coverage_exponent is -200.5; expected a number from"),
        ({"seed": -1}, "seed: -1 given; expected 0 or above"),
    ],
)
def test_a_rule_out_of_range(wrong, message):
    with pytest.raises(InputError, match=message):
        Rule(**wrong)


def test_what_a_store_says_is_checked_too():
    with pytest.raises(InputError, match=r"confidences is \[9\]; expected at least one of"):
        rule_of(confidences=[9])


def test_each_split_knows_its_place_in_the_blocks_of_its_group():
    """Blocks of 512 rows begin where the group does."""
    store = SimpleNamespace(
        groups=[Group(1, 4, begin=100, size=5000)],
        boundary=lambda group, share: group.begin + round(group.size * share),
    )
    splits = split_rows(store, Rule(test_fraction=0.1, valid_fraction=0.3))
    places = {name: group[-3:] for name, (group,) in splits.items()}
    assert places == {"test": (100, 500, 0), "valid": (600, 1500, 500), "train": (2100, 3000, 464)}
