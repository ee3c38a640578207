"""Archives from outside: unpacked whole, into their folder and nowhere else."""

import gzip
import io
import os
import tarfile
import zipfile
from types import SimpleNamespace

import pytest
from torchdrug.utils import file as torchdrug_file

from protclip_td.data.outside import archive
from protclip_td.data.outside.archive import unpack
from protclip_td.errors import InputError

FILES = {
    "aav/two_vs_many.csv": b"sequence,target\nMKV,1\n",
    "aav/README": b"",
    "top.txt": b"x" * 99,
}


def make(path, files=FILES, **extra):
    """An archive of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("aav/", b"")
            for name, content in files.items():
                zipped.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["splits.zip", "splits.tar", "splits.tar.gz", "splits.tgz"])
def test_as_torchdrug_unpacks(name, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        make(folder / name)
    assert unpack(ours / name) == ours
    member = "aav/two_vs_many.csv"
    assert unpack(ours / name, member) == ours / "two_vs_many.csv"
    if name != "splits.tgz":  # TorchDrug takes .tgz for an unknown kind
        torchdrug_file.extract(str(theirs / name))
        torchdrug_file.extract(str(theirs / name), member)
        (ours / name).unlink()
        (theirs / name).unlink()
        assert contents(ours) == contents(theirs)


def test_gzip(tmp_path):
    (tmp_path / "go.obo.gz").write_bytes(gzip.compress(b"format-version: 1.2\n"))
    path = unpack(tmp_path / "go.obo.gz")
    assert path == tmp_path / "go.obo"
    assert path.read_bytes() == b"format-version: 1.2\n"


def members(*contents):
    return b"".join(map(gzip.compress, contents))


def test_gzip_of_several_members_is_unpacked_once(tmp_path, monkeypatch):
    """The size at its end is that of the last of them."""
    path = tmp_path / "go.obo.gz"
    path.write_bytes(members(b"format-version: 1.2\n", b"[Term]\n"))
    assert unpack(path).read_bytes() == b"format-version: 1.2\n[Term]\n"
    monkeypatch.setattr(archive, "_write", None)  # nothing is unpacked again
    assert unpack(path) == tmp_path / "go.obo"


def test_gzip_that_somebody_else_has_unpacked_is_kept(tmp_path, monkeypatch):
    """Whatever its time is."""
    path, target = tmp_path / "go.obo.gz", tmp_path / "go.obo"
    path.write_bytes(members(b"format-version: 1.2\n", b"[Term]\n"))
    target.write_bytes(b"format-version: 1.2\n[Term]\n")
    os.utime(target, ns=(0, 0))
    monkeypatch.setattr(archive, "_write", None)  # nothing is unpacked again
    assert unpack(path) == target
    assert target.stat().st_mtime_ns == 0


def test_gzip_is_compared_and_not_believed_by_its_time(tmp_path):
    """A file of the same time as the archive may have other content."""
    path, target = tmp_path / "go.obo.gz", tmp_path / "go.obo"
    path.write_bytes(members(b"[Term]\n"))
    target.write_bytes(b"[Type]\n")
    for file in (path, target):
        os.utime(file, ns=(10**18, 10**18))
    assert unpack(path).read_bytes() == b"[Term]\n"


def test_gzip_that_is_not_unpacked_to_its_end_is_unpacked_anew(tmp_path):
    path, target = tmp_path / "go.obo.gz", tmp_path / "go.obo"
    path.write_bytes(members(b"format-version: 1.2\n", b"[Term]\n"))
    target.write_bytes(b"format-")  # by a killed gunzip, say; of the size of the last member
    assert unpack(path).read_bytes() == b"format-version: 1.2\n[Term]\n"
    assert contents(tmp_path).keys() == {"go.obo.gz", "go.obo"}


def test_gzip_that_was_replaced_is_unpacked_anew(tmp_path):
    path = tmp_path / "go.obo.gz"
    path.write_bytes(members(b"[Term]\n"))
    unpack(path)
    path.write_bytes(members(b"[Type]\n"))
    os.utime(path, ns=(0, 0))  # an older release
    assert unpack(path).read_bytes() == b"[Type]\n"


def test_files_that_are_there_are_kept_and_half_files_replaced(tmp_path):
    path = make(tmp_path / "splits.zip")
    (tmp_path / "top.txt").write_bytes(b"y" * 99)
    (tmp_path / "aav").mkdir()
    (tmp_path / "aav" / "two_vs_many.csv").write_bytes(b"sequence,tar")
    unpack(path)
    assert (tmp_path / "top.txt").read_bytes() == b"y" * 99
    assert (tmp_path / "aav" / "two_vs_many.csv").read_bytes() == FILES["aav/two_vs_many.csv"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside.txt", "aav/../../outside.txt"])
def test_no_way_out(kind, name, tmp_path):
    folder = tmp_path / "datasets"
    folder.mkdir()
    path = make(folder / f"evil.{kind}", {"innocent.txt": b"x", name: b"evil"})
    with pytest.raises(InputError, match=r"not safe to unpack: '.*outside.txt' leads out of"):
        unpack(path)
    assert os.listdir(folder) == [path.name]
    assert os.listdir(tmp_path) == ["datasets"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(kind, tmp_path):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(InputError, match="'link' is a link or a device"):
        unpack(path)


def test_links_in_a_zip_and_links_on_the_way(tmp_path):
    folder = tmp_path / "datasets"
    folder.mkdir()
    with zipfile.ZipFile(folder / "evil.zip", "w") as zipped:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="'link' is a link"):
        unpack(folder / "evil.zip")
    (folder / "aav").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads out of"):
        unpack(make(folder / "splits.zip"))
    assert not (tmp_path / "two_vs_many.csv").exists()


@pytest.mark.parametrize("name", ["splits.zip", "splits.tar.gz", "go.obo.gz"])
def test_damaged_archives(name, tmp_path):
    path = tmp_path / name
    noise = os.urandom(50_000)
    if name == "go.obo.gz":
        path.write_bytes(gzip.compress(noise))
    else:
        make(path, {"aav/two_vs_many.csv": noise})
    damaged = bytearray(path.read_bytes())
    damaged[20_000:20_010] = bytes(10)
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=f"{name} is damaged .*Remove it to have it fetched again"):
        unpack(path)
    assert contents(tmp_path).keys() == {name}
    for begun in (damaged[:2], b""):
        path.write_bytes(begun)
        with pytest.raises(InputError, match=f"{name} is damaged"):
            unpack(path)
    assert contents(tmp_path).keys() == {name}


@pytest.mark.parametrize("flipped", [1, 255])
def test_wherever_the_damage_is_it_is_said(flipped, tmp_path):
    make(tmp_path / "whole.zip")
    whole = (tmp_path / "whole.zip").read_bytes()
    folder = tmp_path / "somewhere"  # a damaged name may be another one, and unpacked
    folder.mkdir()
    messages = []
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= flipped
        (folder / "damaged.zip").write_bytes(damaged)
        try:
            unpack(folder / "damaged.zip")
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert all("damaged.zip" in message for message in messages)


def test_other_mistakes(tmp_path, monkeypatch):
    path = make(tmp_path / "splits.zip")
    with pytest.raises(InputError, match=r"splits.zip has no file 'gb1.csv'"):
        unpack(path, "gb1.csv")
    (tmp_path / "splits.rar").touch()
    with pytest.raises(InputError, match=r"expected a .zip, .tar, .tar.gz, .tgz or .gz archive"):
        unpack(tmp_path / "splits.rar")
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: SimpleNamespace(free=50))
    with pytest.raises(InputError, match=r"GB to be unpacked, and .* GB left"):
        unpack(path)
