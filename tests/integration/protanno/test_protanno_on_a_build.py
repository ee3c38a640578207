"""ProtAnno on a store that `protclip-td protanno build` has made."""

import numpy as np
import pytest

from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.datasets import ProtAnno
from protclip_td.properties import CONFIDENCES, COVERAGES
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.epochs import expected_epochs, training_counts
from protclip_td.protanno.phases import build


def built(tmp_path, sample_path, **options):
    """A store as `protclip-td protanno build` makes it."""
    return build([sample_path], tmp_path / "built", BuildOptions(**options), report=False).folder


def test_a_built_store_is_used_as_it_was_built_for(tmp_path, sample_path, sample_entries):
    options = {"keep_all": True, "identical": "keep", "valid_fraction": 0.3, "test_fraction": 0.1}
    folder = built(tmp_path, sample_path, **options)
    dataset = ProtAnno(folder)
    reviewed = sum(bool(entry.reviewed) for entry in sample_entries)
    assert dataset.composition().after.sum() == len(dataset) >= reviewed
    assert dataset.composition().after[:, :2].sum() > 0
    assert [table.tolist() for table in dataset.composition().splits.values()] == [
        dataset.store.manifest["splits"][name] for name in ("train", "valid", "test")
    ]
    assert ProtAnno(folder, coverages=[4]).composition().after[:, :3].sum() == 0


def test_a_thinned_store_is_drawn_from_evenly(tmp_path, sample_path):
    dataset = ProtAnno(built(tmp_path, sample_path, sampling="thin"))
    train = dataset.composition().splits["train"]
    np.testing.assert_allclose(dataset.composition().drawn, train / train.sum())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"confidences": CONFIDENCES, "coverages": COVERAGES},
        {"confidences": None, "coverages": None},
        {"sampling": "thin"},
        {"keep_all": True},
        {"valid_fraction": 0.0, "test_fraction": 0.0, "confidence_exponent": -1.0},
    ],
)
def test_the_report_expects_what_is_drawn(tmp_path, sample_path, options):
    dataset = ProtAnno(built(tmp_path, sample_path, **options))
    train = dataset.composition().splits["train"]
    np.testing.assert_array_equal(training_counts(dataset.store.manifest), train)
    times = dataset.composition().drawn * len(dataset.split()[0]) / np.maximum(train, 1)
    np.testing.assert_allclose(expected_epochs(dataset.store.manifest), times)


def test_a_store_built_with_nothing_held_out_is_all_trained_on(tmp_path, sample_path):
    dataset = ProtAnno(built(tmp_path, sample_path, valid_fraction=0.0, test_fraction=0.0))
    assert [len(part) for part in dataset.split()] == [len(dataset), 0, 0]


def test_properties_come_in_the_order_that_the_store_was_built_with(tmp_path, sample_path):
    order = ("similarity", "protein_name")
    options = {"read": ReadOptions(properties=order), "coverages": (2,)}
    item = ProtAnno(built(tmp_path, sample_path, **options))[0]
    assert item["biotext"].startswith("SIMILARITY: ")
    assert " PROTEIN NAME: " in item["biotext"]
    assert item["property_text"]["function"] == ""
