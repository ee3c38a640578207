"""Files that are fetched: whole, checked and at once, or a message that says it all."""

import hashlib
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from protclip_td.data.digests import md5_of
from protclip_td.data.outside import remote
from protclip_td.data.outside.remote import DataFile, PublishedFile, fetch, fetch_all
from protclip_td.errors import InputError

CONTENT = b"MKTAYIAKQR\n" * 1000
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KNOWN = {"size": len(CONTENT), "sha256": SHA256}


@pytest.fixture
def url(publish):
    """Address of a published file."""
    return publish("splits.zip", CONTENT)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "datasets" / "aav"


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_missing_file_is_fetched_and_then_kept(url, folder, tmp_path):
    path = fetch(url, folder, md5=MD5)
    assert path == folder / "splits.zip"
    assert path.read_bytes() == CONTENT
    (tmp_path / "published" / "splits.zip").unlink()
    assert fetch(url, str(folder), md5=MD5) == path
    assert fetch("https://nowhere.invalid/splits.zip?raw=true", folder) == path
    assert fetch(url, folder, name="splits.zip") == path
    assert files(folder) == ["splits.zip"]


def test_without_internet_the_message_says_it_all(folder):
    address = "file:///no/such/place/splits.zip"
    with pytest.raises(InputError) as error:
        fetch(address, folder, name="aav.zip", md5=MD5)
    lines = str(error.value).splitlines()
    assert lines[0].startswith("aav.zip is missing and cannot be fetched (")
    assert lines[0].endswith("Put it in place by hand.")
    assert lines[1:] == [
        "  file:   aav.zip",
        f"  from:   {address}",
        "  size:   not known",
        f"  MD5:    {MD5}",
        f"  folder: {folder}",
    ]
    assert files(folder) == []


def test_another_checksum_is_not_used_and_nothing_loops(url, folder, monkeypatch):
    opened = []
    urlopen = remote.urlopen
    monkeypatch.setattr(remote, "urlopen", lambda *a, **k: opened.append(a) or urlopen(*a, **k))
    with pytest.raises(InputError, match=f"it arrived with another checksum, MD5 {MD5}") as error:
        fetch(url, folder, md5="0" * 32)
    assert f"size:   {len(CONTENT):,} bytes\n  MD5:    {'0' * 32}" in str(error.value)
    assert files(folder) == []
    assert len(opened) == 1


def test_a_damaged_file_that_is_there_is_left_alone(url, folder):
    folder.mkdir(parents=True)
    (folder / "splits.zip").write_bytes(CONTENT[:100])
    found = hashlib.md5(CONTENT[:100]).hexdigest()
    with pytest.raises(InputError, match=rf"(?s)checksum, MD5 {found}. Remove it.*MD5:    {MD5}"):
        fetch(url, folder, md5=MD5)
    assert (folder / "splits.zip").read_bytes() == CONTENT[:100]


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"size": 12_000}, "incomplete, with 11,000 of 12,000 bytes"),
        ({"sha256": "0" * 64}, f"with another checksum, SHA-256 {SHA256}"),
        ({"size": 11_000, "sha256": "0" * 64}, f"with another checksum, SHA-256 {SHA256}"),
    ],
)
def test_size_and_sha256_count_as_well(url, folder, known, message):
    path = folder / "splits.zip"
    wrong, right = (DataFile(path, url, PublishedFile(**facts)) for facts in (known, KNOWN))
    with pytest.raises(InputError, match=rf"splits.zip is missing .*it arrived {message}"):
        fetch_all([wrong])
    assert files(folder) == []
    assert fetch_all([right]) == fetch_all([right]) == [path]
    with pytest.raises(
        InputError, match=rf"is there, but it is damaged or another file: {message}"
    ):
        fetch_all([wrong])


def test_what_is_known_is_said_without_internet(folder):
    file = DataFile(folder / "splits.zip", "file:///no/such/place", PublishedFile(**KNOWN))
    with pytest.raises(InputError, match=f"size:   11,000 bytes\n  SHA256: {SHA256}\n"):
        fetch_all([file])


def test_what_an_interrupted_download_left_is_never_used(url, folder):
    """Nor kept once its process must be dead; that of another process is left alone."""
    folder.mkdir(parents=True)
    old, new = (folder / f".splits.zip.{digit * 32}.tmp" for digit in "1f")
    foreign = folder / ".notes.tmp"
    for part in (old, new, foreign):
        part.write_bytes(CONTENT[:100])
    for part in (old, foreign):
        os.utime(part, (time.time() - 4000,) * 2)
    assert fetch(url, folder, md5=MD5).read_bytes() == CONTENT
    assert files(folder) == sorted([new.name, foreign.name, "splits.zip"])


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError("disk full")])
def test_an_interruption_leaves_nothing(url, folder, failure, monkeypatch):
    def copy(source, target, size):
        target.write(source.read(100))
        raise failure

    monkeypatch.setattr(remote.shutil, "copyfileobj", copy)
    with pytest.raises((KeyboardInterrupt, InputError)):
        fetch(url, folder, md5=MD5)
    assert files(folder) == []


class CutOff(BaseHTTPRequestHandler):
    """A server that promises more than it sends, or that has nothing."""

    def do_GET(self):
        self.send_response(200 if "cut" in self.path else 404)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:5000] if "cut" in self.path else b"")

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), CutOff) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize(
    ("name", "message"),
    [("cut.zip", r"incomplete, with 5,000 of 11,000 bytes"), ("no.zip", "HTTP Error 404")],
)
def test_servers_that_fail(server, folder, name, message):
    with pytest.raises(InputError, match=message):
        fetch(f"{server}/{name}", folder)
    assert files(folder) == []


def attempts(monkeypatch):
    """Addresses that something is fetched from, as they come."""
    urlopen, opened = remote.urlopen, []
    monkeypatch.setattr(remote, "urlopen", lambda url, **k: opened.append(url) or urlopen(url, **k))
    return opened


def test_one_message_names_all_that_are_missing(folder, monkeypatch):
    """And one attempt is enough where nothing answers, which may take half a minute each."""
    opened = attempts(monkeypatch)
    folder.mkdir(parents=True)
    (folder / "there.txt").write_bytes(CONTENT)
    names = ("there.txt", "a.txt", "b.txt", "c.txt")
    wanted = [DataFile(folder / name, f"https://nowhere.invalid/{name}") for name in names]
    wanted[3] = wanted[3]._replace(published=PublishedFile(size=7))
    with pytest.raises(InputError) as error:
        fetch_all(wanted)
    first, *cards = str(error.value).split("  file:   ")
    assert first == (
        "a.txt and 2 more are missing and cannot be fetched. Put them in place by hand.\n"
    )
    assert [card.splitlines()[0] for card in cards] == ["a.txt", "b.txt", "c.txt"]
    assert f"  folder: {folder}\n  why:    <urlopen error" in cards[0]
    assert cards[1].endswith("  why:    not tried, since nowhere.invalid did not answer\n\n")
    assert "size:   7 bytes" in cards[2]
    assert opened == [wanted[1].source]


def test_each_file_has_its_own_reason(server, url, folder, monkeypatch):
    opened = attempts(monkeypatch)
    wanted = [
        DataFile(folder / "no.txt", f"{server}/no.txt"),
        DataFile(folder / "hand.txt", "https://a.page/", by_hand=True),
        DataFile(folder / "cut.txt", f"{server}/cut.txt"),
        DataFile(folder / "far.txt", "https://nowhere.invalid/far.txt"),
        DataFile(folder / "farther.txt", "https://nowhere.invalid/farther.txt"),
        DataFile(folder / "splits.zip", url, PublishedFile(md5=MD5)),
    ]
    with pytest.raises(InputError, match=r"^no.txt and 4 more are missing") as error:
        fetch_all(wanted)
    reasons = [line for line in str(error.value).splitlines() if line.startswith("  why:")]
    no, by_hand, cut, far, farther = (reason.partition(":")[2].strip() for reason in reasons)
    assert no.startswith("HTTP Error 404")
    assert by_hand == "no address of the file itself is known"
    assert cut == "it arrived incomplete, with 5,000 of 11,000 bytes"
    assert "<urlopen error" in far
    assert farther == "not tried, since nowhere.invalid did not answer"
    assert opened == [f"{server}/no.txt", f"{server}/cut.txt", wanted[3].source, url]
    assert files(folder) == ["splits.zip"]
    for file in wanted[:-1]:
        file.path.write_bytes(b"")
    assert fetch_all(wanted) == [file.path for file in wanted]


def test_a_damaged_file_is_told_before_anything_is_fetched(url, folder):
    folder.mkdir(parents=True)
    (folder / "there.txt").write_bytes(b"half")
    there = DataFile(folder / "there.txt", "a page", PublishedFile(size=8), by_hand=True)
    with pytest.raises(InputError, match=r"(?s)^there.txt is there, but .* 4 of 8 .*\. Replace it"):
        fetch_all([DataFile(folder / "splits.zip", url), there])
    assert files(folder) == ["there.txt"]


def test_a_download_that_breaks_off_tells_the_size_that_the_server_gave(url, folder, monkeypatch):
    def copy(*_):
        raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(remote.shutil, "copyfileobj", copy)
    with pytest.raises(InputError, match=r"(?s)fetched \(reset by peer\).*size:   11,000 bytes"):
        fetch(url, folder)


def test_md5(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(CONTENT * 200)
    assert md5_of(path) == hashlib.md5(CONTENT * 200).hexdigest()
