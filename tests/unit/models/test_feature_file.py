"""Rows by key on the disk: found again, never believed when damaged."""

import logging

import numpy as np
import pytest

from protclip_td.models.feature_file import FeatureFolder

KEYS = [bytes([i]) * 16 for i in range(3)]  # the first is all zeros, which strings would swallow
ROWS = np.arange(12, dtype=np.float32).reshape(3, 4) / 3


@pytest.fixture
def folder(tmp_path):
    FeatureFolder(tmp_path / "kept", 4).add(KEYS, ROWS)
    return tmp_path / "kept"


def test_rows_come_back_in_this_process_and_in_the_next(tmp_path):
    features = FeatureFolder(tmp_path / "kept", 4)
    assert len(features) == 0
    assert not (tmp_path / "kept").exists()  # nothing is made before there is a row
    features.add(KEYS[:1], ROWS[:1])
    features.add(KEYS[1:], ROWS[1:])
    for reader in (features, FeatureFolder(tmp_path / "kept", 4)):
        assert len(reader) == 3
        for key, row in zip(KEYS, ROWS):
            np.testing.assert_array_equal(reader.find(key), row)
    assert b"x" * 16 not in features


def test_two_writers_share_a_folder(folder):
    first, second = FeatureFolder(folder, 4), FeatureFolder(folder, 4)
    first.add([b"a" * 16], ROWS[:1])
    second.add([b"b" * 16], ROWS[1:2])
    assert len(FeatureFolder(folder, 4)) == 5


def test_half_a_row_is_none(folder):
    (path,) = folder.glob("*.rows")
    path.write_bytes(path.read_bytes()[:-1])
    features = FeatureFolder(folder, 4)
    assert [key in features for key in KEYS] == [True, True, False]


def test_an_altered_row_is_none(folder):
    (path,) = folder.glob("*.rows")
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    features = FeatureFolder(folder, 4)
    assert [key in features for key in KEYS] == [False, True, True]
    np.testing.assert_array_equal(features.find(KEYS[2]), ROWS[2])


def test_a_full_room_takes_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr("protclip_td.models.feature_file._MAX_BYTES", 80)
    features = FeatureFolder(tmp_path, 4)
    features.add(KEYS[:2], ROWS[:2])  # 36 bytes each
    features.add(KEYS[2:], ROWS[2:])
    assert len(features) == 2


def test_a_disk_that_takes_nothing_ends_the_keeping_only(tmp_path, caplog):
    (tmp_path / "kept").write_text("a file where the folder should be")
    features = FeatureFolder(tmp_path / "kept", 4)
    with caplog.at_level(logging.WARNING):
        features.add(KEYS[:1], ROWS[:1])
        features.add(KEYS[1:], ROWS[1:])
    assert len(features) == 0
    assert caplog.text.count("features are no longer kept") == 1
