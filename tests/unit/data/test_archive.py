"""Archives from outside: unpacked whole, into their folder and nowhere else."""

import errno
import gzip
import io
import os
import stat
import tarfile
import zipfile
from types import SimpleNamespace

import pytest
from torchdrug.utils import file as torchdrug_file

from protclip_td.data.outside import archive, unpacked
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
        (ours / f"{name}.unpacked").unlink()
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
    assert contents(tmp_path).keys() == {"go.obo.gz", "go.obo.gz.unpacked", "go.obo"}


def test_gzip_that_was_replaced_is_unpacked_anew(tmp_path):
    path = tmp_path / "go.obo.gz"
    path.write_bytes(members(b"[Term]\n"))
    unpack(path)
    path.write_bytes(members(b"[Type]\n"))
    os.utime(path, ns=(0, 0))  # an older release
    assert unpack(path).read_bytes() == b"[Type]\n"


KINDS = pytest.mark.parametrize("name", ["splits.zip", "splits.tar", "splits.tar.gz"])


def edit(path, content):
    """Write other content in place, later than the old one."""
    later = path.stat().st_mtime_ns + 10**9
    path.write_bytes(content)
    os.utime(path, ns=(later, later))


@KINDS
def test_files_that_are_there_are_kept_and_others_replaced(name, tmp_path):
    """Half ones, and those of the right size with other content."""
    path = make(tmp_path / name)
    (tmp_path / "aav").mkdir()
    (tmp_path / "top.txt").write_bytes(b"y" * 99)
    (tmp_path / "aav" / "two_vs_many.csv").write_bytes(b"sequence,tar")
    (tmp_path / "aav" / "README").touch()
    os.utime(tmp_path / "aav" / "README", ns=(0, 0))
    unpack(path)
    assert (tmp_path / "top.txt").read_bytes() == b"x" * 99
    assert (tmp_path / "aav" / "two_vs_many.csv").read_bytes() == FILES["aav/two_vs_many.csv"]
    assert (tmp_path / "aav" / "README").stat().st_mtime_ns == 0


@KINDS
@pytest.mark.parametrize("member", [None, "top.txt"])
def test_a_file_that_was_changed_after_unpacking_is_not_used(member, name, tmp_path, caplog):
    path = make(tmp_path / name)
    unpack(path, member)
    assert not caplog.records
    edit(tmp_path / "top.txt", b"y" * 99)
    unpack(path, member)
    assert (tmp_path / "top.txt").read_bytes() == b"x" * 99
    assert f"top.txt differs from what {path} holds, and is unpacked again" in caplog.text


@KINDS
def test_contents_are_compared_once(name, tmp_path, monkeypatch):
    path = make(tmp_path / name)
    compared = []
    holds = archive._holds
    monkeypatch.setattr(
        archive, "_holds", lambda target, m: compared.append(target.name) or holds(target, m)
    )
    unpack(path)
    unpack(path)
    assert compared == []
    edit(tmp_path / "top.txt", b"x" * 99)  # as after copying a folder
    unpack(path)
    unpack(path)
    unpack(path, "aav/README")
    unpack(path)
    assert compared == ["top.txt"]


def test_files_of_the_same_name_in_two_folders_are_told_apart(tmp_path):
    path = make(tmp_path / "splits.zip", {"a.csv": b"1", "splits/a.csv": b"2"})
    assert unpack(path, "splits/a.csv").read_bytes() == b"2"
    unpack(path)
    assert contents(tmp_path / "splits") == {"a.csv": b"2"}
    assert (tmp_path / "a.csv").read_bytes() == b"1"


def test_an_archive_that_was_replaced_is_compared(tmp_path):
    path = make(tmp_path / "splits.tar")
    unpack(path)
    make(path, FILES | {"top.txt": b"z" * 99})
    os.utime(path, ns=(0, 0))  # an older release
    unpack(path)
    assert (tmp_path / "top.txt").read_bytes() == b"z" * 99


def test_where_nothing_can_be_kept_contents_are_compared(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    path = make(tmp_path / "splits.zip")
    monkeypatch.setattr(unpacked, "write_json", refuse)
    unpack(path)
    (tmp_path / "top.txt").write_bytes(b"y" * 99)
    unpack(path)
    assert (tmp_path / "top.txt").read_bytes() == b"x" * 99


@pytest.mark.parametrize("kept", [b"", b"\xff", b"[]", b"{}", b'{"archive": STATE, "files": 1}'])
def test_what_was_kept_may_be_damaged(kept, tmp_path):
    path = make(tmp_path / "splits.zip")
    unpack(path)
    state = str(unpacked.state(path)).encode()
    (tmp_path / "splits.zip.unpacked").write_bytes(kept.replace(b"STATE", state))
    (tmp_path / "top.txt").write_bytes(b"y" * 99)
    unpack(path)
    assert (tmp_path / "top.txt").read_bytes() == b"x" * 99


def test_files_are_on_the_disk_before_that_is_kept(tmp_path, monkeypatch):
    """Else a power cut could leave garbage of the right size."""
    path = make(tmp_path / "splits.zip")
    found = []
    monkeypatch.setattr(os, "sync", lambda: found.append(set(os.listdir(tmp_path))))
    unpack(path)
    unpack(path)
    assert found == [{"splits.zip", "aav", "top.txt"}]


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


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip(kind, tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        info = zipfile.ZipInfo("link")
        info.external_attr = (kind | 0o777) << 16
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="'link' is a link or a device"):
        unpack(path)


def test_links_on_the_way(tmp_path):
    folder = tmp_path / "datasets"
    folder.mkdir()
    (folder / "aav").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads out of"):
        unpack(make(folder / "splits.zip"))
    assert not (tmp_path / "two_vs_many.csv").exists()


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a/b"], "'a' would be a file and a folder at once"),
        (["a/b", "a"], "'a' would be a file and a folder at once"),
        (["there"], "'there' would be a file and a folder at once"),
        (["old.txt/b"], "'old.txt' would be a file and a folder at once"),
        (["a/" + 300 * "b"], r"'a/b{38}…' has too long a name \(302 letters\)"),
        (["/".join(["a"] * 2000)], r"'(a/){20}…' has too long a name \(3999 letters\)"),
        (["evil.{kind}"], r"'evil.{kind}' would replace .*/evil.{kind}\."),
        (["./evil.{kind}.md5"], r"'evil.{kind}.md5' would replace"),
        (["evil.{kind}.unpacked"], r"'evil.{kind}.unpacked' would replace"),
    ],
)
def test_places_that_no_file_can_take(names, message, kind, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "old.txt").write_bytes(b"old")
    names = [name.replace("{kind}", kind) for name in names]
    path = make(tmp_path / f"evil.{kind}", {"innocent.txt": b"x"} | dict.fromkeys(names, b"evil"))
    before = contents(tmp_path)
    message = message.replace("{kind}", kind)
    with pytest.raises(InputError, match=f"not safe to unpack: {message}.*Nothing was unpacked"):
        unpack(path)
    assert contents(tmp_path) == before
    assert unpack(path, "innocent.txt").read_bytes() == b"x"
    if names == [path.name]:
        with pytest.raises(InputError, match="would replace"):
            unpack(path, path.name)


def test_of_a_name_that_occurs_twice_the_last_one_counts(tmp_path):
    path = tmp_path / "splits.tar"
    make(path, {"top.txt": b"old", "./top.txt": b"new"})
    for _ in range(2):
        assert unpack(path).read_bytes() == b"new"
        (tmp_path / "splits.tar.unpacked").unlink()


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


@pytest.mark.parametrize("name", [b"\xff\xff.txt", b"\0\0.txt"])
def test_damaged_names_in_a_zip_archive(name, tmp_path):
    path = make(tmp_path / "splits.zip", {"é.txt": b"x"})
    path.write_bytes(path.read_bytes().replace("é.txt".encode(), name))
    with pytest.raises(InputError, match=r"splits.zip is damaged"):
        unpack(path)
    assert contents(tmp_path).keys() == {"splits.zip"}


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
