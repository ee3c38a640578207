"""Checksums kept beside files whose publishers give none."""

import subprocess

import pytest

from protclip_td.data.digests import md5_of
from protclip_td.data.outside.remote import fetch
from protclip_td.data.outside.vouched import keep_md5, kept_md5, md5_file
from protclip_td.errors import InputError

CONTENT = "1Z00-A\n2ABC-B\n"


@pytest.fixture
def url(publish):
    """Address of a list without a published checksum."""
    return publish("train.txt", CONTENT.encode())


def test_a_checksum_is_kept_and_read(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(CONTENT)
    assert kept_md5(path) is None
    keep_md5(path, md5_of(path))
    assert kept_md5(path) == md5_of(path)
    check = ["md5sum", "--check", "--strict", "train.txt.md5"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_a_checksum_as_other_tools_write_it(tmp_path):
    path = tmp_path / "train.txt"
    md5_file(path).write_bytes(b"\xef\xbb\xbf\r\n 0123456789ABCDEF0123456789ABCDEF *train.txt\r\n")
    assert kept_md5(path) == "0123456789abcdef0123456789abcdef"


def test_a_checksum_in_utf_16(tmp_path):
    path = tmp_path / "train.txt"
    md5_file(path).write_bytes(("0" * 32).encode("utf-16"))
    with pytest.raises(InputError, match=r"train.txt.md5 begins with .*expected the MD5 of train"):
        kept_md5(path)


@pytest.mark.parametrize("text", ["", "d41d8", "MD5 (train.txt) = " + "0" * 32, "0" * 33])
def test_what_begins_with_no_md5(tmp_path, text):
    path = tmp_path / "train.txt"
    md5_file(path).write_text(text)
    with pytest.raises(InputError, match=r"train.txt.md5 begins with .*expected the MD5 of train"):
        kept_md5(path)


def test_what_was_fetched_is_told_from_what_became_of_it(url, tmp_path):
    path = fetch(url, tmp_path / "data")
    assert fetch(url, tmp_path / "data") == path
    path.write_text(CONTENT[:7])
    message = (
        rf"(?s)is there, but it is damaged .* checksum, MD5 {md5_of(path)}\. Remove it to have it "
        r"fetched, or replace it and remove train.txt.md5, which has the MD5 below.*"
        rf"MD5:    {kept_md5(path)}\n"
    )
    with pytest.raises(InputError, match=message):
        fetch(url, tmp_path / "data")
    path.unlink()
    assert fetch(url, tmp_path / "data").read_text() == CONTENT


def test_a_checksum_of_an_older_download_does_not_refuse_a_new_one(url, tmp_path):
    path = fetch(url, tmp_path / "data")
    path.unlink()
    (tmp_path / "published" / "train.txt").write_text(CONTENT * 2)
    assert fetch(url, tmp_path / "data").read_text() == CONTENT * 2
    assert kept_md5(path) == md5_of(path)


def test_a_published_checksum_needs_none_beside(url, tmp_path):
    path = fetch(url, tmp_path / "data", md5=md5_of(tmp_path / "published" / "train.txt"))
    assert [file.name for file in path.parent.iterdir()] == ["train.txt"]


def test_a_file_put_there_by_hand_is_used(tmp_path):
    path = tmp_path / "data" / "train.txt"
    path.parent.mkdir()
    path.write_text(CONTENT)
    assert fetch("https://nowhere.invalid/train.txt", path.parent) == path
    assert not md5_file(path).exists()
