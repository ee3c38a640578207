"""Small inputs, and builds that go through everything a large one goes through."""

import json

import pytest
from protanno_builds import ALL, contents, use_small_sizes

from protclip_td.protanno.phases import build


@pytest.fixture
def small(monkeypatch):
    use_small_sizes(monkeypatch)


@pytest.fixture
def inputs(tmp_path, sample_path):
    """The sample, and pairs in another format."""
    lines = tmp_path / "more.jsonl"
    pairs = [{"seq": "MK" + "A" * n, "text": f"FUNCTION: Thing {n}."} for n in range(40)]
    lines.write_text("\n".join(map(json.dumps, [*pairs, {"seq": "M1", "text": "FUNCTION: x"}])))
    return [sample_path, lines]


@pytest.fixture
def undisturbed(tmp_path, inputs, small):
    """What a build in one process makes of the inputs."""
    return contents(build(inputs, tmp_path / "undisturbed", ALL).folder)
