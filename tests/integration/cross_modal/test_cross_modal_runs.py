"""Cross-modal transformation: runs of the shipped files."""

import json

import pytest
from cross_modal_sizes import ENDS, NAMES
from helpers import tiny_model

from protclip_td import cli
from protclip_td.building import build
from protclip_td.config import load_config
from protclip_td.models.text_encoder import TextEncoder


@pytest.mark.parametrize("name", NAMES)
def test_shipped_files_build_with_the_settings_of_the_paper(name, data, model, tiny_text_folder):
    flags = ["--path", data, "--encoder", "random:ESM-2-8M", "--text_encoder", tiny_text_folder]
    experiment = build(load_config(f"downstream/{name}", flags))
    task, engine = experiment.task, experiment.engine
    assert (task.bridge.hidden_dim, len(task.bridge.encoder.layers)) == (768, 6)
    assert (task.num_negative, experiment.dataset._negatives.shape[1]) == (5, 50)
    assert (engine.batch_size, engine.clip_grad_norm) == (4096, 1.0)
    (group,) = experiment.engine.optimizer.param_groups
    assert (group["initial_lr"], group["weight_decay"]) == (5e-4, 1e-4)
    assert experiment.engine.scheduler.warmup_ratio == 0.1
    manifest = experiment.dataset.manifest
    assert (manifest["from"], manifest["to"], manifest["split"]) == (*ENDS[name], "clean")


def flags_of(data):
    """Flags of a small run."""
    return [
        *(f"--path={data}", "--num_epoch=1", "--relations=target"),
        *("--bridge_dim=32", "--num_layer=1", "--num_head=4"),
    ]


def run(name, data, folder, *flags):
    return cli.main(["run", "-c", name, f"--output_dir={folder}", *flags_of(data), *flags])


def test_benchmark_with_a_control_that_has_no_texts(
    data, folders, tiny_text_folder, tmp_path, monkeypatch
):
    """The published checkpoint and a plain encoder, as the manual has it."""
    monkeypatch.setattr("protclip_td.training.recorder.draw_curves", lambda *_: None)
    read = []
    encode = TextEncoder._encode

    def note(encoder, texts, in_groups):
        read.extend(texts)
        return encode(encoder, texts, in_groups)

    monkeypatch.setattr(TextEncoder, "_encode", note)
    encoders = [
        f"--checkpoint={folders[1]}",
        "--control={class: ProteinCNN, input_dim: 21, hidden_dims: [8]}",
    ]
    where = [f"--output={tmp_path}/results", f"--tokenizer={tiny_text_folder}"]
    assert cli.main(["benchmark", "prot2mf", *encoders, *where, *flags_of(data)]) == 0
    rows = json.loads((tmp_path / "results" / "results.json").read_text())["rows"]
    (row,) = [row for row in rows if (row["case"], row["metric"]) == ("prot2mf", "mrr filtered")]
    assert 0 < row["control"]["mean"] <= 1
    assert row["protocols"] == [{"name": "clean, target's relations", "candidates": 20}]
    assert len(read) == len(set(read)) == 20  # each term once, for model and control together
    table = (tmp_path / "results" / "results.md").read_text()
    assert "clean, target's relations, 20 candidates" in table


def test_run_with_a_checkpoint(data, tiny_protein_folder, tiny_text_folder, tmp_path):
    tiny_model(tiny_protein_folder, tiny_text_folder).save_pretrained(tmp_path / "ProtCLIP")
    assert run("prot2drug", data, tmp_path / "run", f"--checkpoint={tmp_path}/ProtCLIP") == 0
    (folder,) = (tmp_path / "run").glob("*-*")
    results = json.loads((folder / "results.json").read_text())
    assert 0 < results["mrr filtered"] <= 1
    assert results["candidates"] == 20
    manifest = json.loads((folder / "data_manifest.json").read_text())
    assert (manifest["protocol"], manifest["selected_on"]) == ("clean, target's relations", "valid")


def test_run_with_another_encoder_and_no_validation(data, tiny_text_folder, tmp_path):
    encoder = "--encoder={class: ProteinCNN, input_dim: 21, hidden_dims: [16]}"
    flags = (encoder, f"--text_encoder={tiny_text_folder}", "--split=published")
    assert run("disease2prot", data, tmp_path / "run", *flags, "--valid_fraction=0") == 0
    (result,) = (tmp_path / "run").glob("*/results.json")
    assert json.loads(result.read_text())["epoch"] == 1


def test_an_encoder_that_would_be_trained_is_refused(data, tiny_protein_folder, tmp_path, capsys):
    flags = (f"--encoder={tiny_protein_folder}", "--target=prot2drug", "--fix_encoder=false")
    assert run("cross_modal", data, tmp_path / "run", *flags) == 2
    assert "set `fix_encoder: true`" in capsys.readouterr().err
