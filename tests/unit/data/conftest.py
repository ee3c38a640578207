"""What several tests of data need."""

import pytest

from protclip_td.data.reading.readers import read_pairs


@pytest.fixture
def read(tmp_path):
    """Reads a text in whatever format; gives the entries and the rejections."""

    def reader(text, **options):
        path = tmp_path / "pairs.data"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        rejected = []
        return list(read_pairs(path, on_reject=rejected.append, **options)), rejected

    return reader


@pytest.fixture
def publish(tmp_path):
    """Put a file where it can be fetched from; gives its address."""

    def publish(name, content):
        path = tmp_path / "published" / name
        path.parent.mkdir()
        path.write_bytes(content)
        return path.as_uri()

    return publish
