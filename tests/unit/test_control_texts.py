"""A control of a benchmark with texts reads them with the model's text encoder."""

import json

import pytest

from protclip_td.benchmark.catalogue import choose
from protclip_td.benchmark.jobs import Job
from protclip_td.benchmark.settings import Settings


@pytest.fixture
def protclip(tmp_path):
    """What tells a ProtCLIP folder."""
    (tmp_path / "config.json").write_text(json.dumps({"protein_model_config": {}}))
    return str(tmp_path)


def texts_of(model, name="prot2mf", role="control", **flags):
    """Which flags of a run are about texts."""
    settings = Settings({"model": model, "control": "random:ESM-2-8M"}, flags)
    (benchmark,) = choose([name])
    job = Job(benchmark, benchmark.cases[0], role, 0, "folder")
    found = dict(flag.removeprefix("--").split("=", 1) for flag in settings.job_flags(job))
    return {key: found[key] for key in ("text_encoder", "tokenizer") if key in found}


def test_a_folder_and_its_tokenizer(protclip):
    assert texts_of(protclip) == {"text_encoder": protclip}
    assert texts_of(protclip, tokenizer="words") == {"text_encoder": protclip, "tokenizer": "words"}
    assert texts_of(protclip, role="model", tokenizer="words") == {"tokenizer": "words"}
    assert texts_of(protclip, text_encoder="bert") == {"text_encoder": "bert"}
    assert texts_of(protclip, name="bin") == {}


def test_a_model_given_as_a_block():
    block = "{class: ProtCLIP, checkpoint: here, tokenizer: words}"
    assert texts_of(block) == {"text_encoder": "here", "tokenizer": "words"}
    block = "{class: ProtCLIP, protein_encoder: a, text_encoder: b}"
    assert texts_of(block) == {"text_encoder": "b"}
    assert texts_of("ProteinCNN") == {}  # the run says that it needs one
