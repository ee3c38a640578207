"""Cross-modal transformation: who reads the names of nodes."""

from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from cross_modal_sizes import SMALL
from torchdrug import models

from protclip_td.datasets import PrimeKG
from protclip_td.models import ProtCLIP
from protclip_td.tasks import CrossModalTransformation


def test_other_weights_of_a_text_encoder_of_the_task_s_own_give_other_vectors(
    data, model, tiny_text_folder
):
    dataset = PrimeKG(data)
    task = CrossModalTransformation(model, text_encoder=tiny_text_folder, **SMALL)
    task.preprocess(*dataset.split())
    disease, device = dataset.node_types.index("disease"), torch.device("cpu")
    before = task._known(device).vectors[disease]
    bert = task.frozen_text_encoder.model
    bert.load_state_dict({name: 2 * tensor for name, tensor in bert.state_dict().items()})
    assert not torch.allclose(task._known(device).vectors[disease], before)


def test_names_of_nodes_go_through_the_text_encoder_in_groups(data, model, monkeypatch):
    task = CrossModalTransformation(model, **SMALL)
    passes = Mock(wraps=model.text_encoder.padded_states)
    monkeypatch.setattr(model.text_encoder, "padded_states", passes)
    num_text = sum(map(len, texts_of(task, PrimeKG(data)).values()))
    assert 0 < passes.call_count < num_text / 2


def test_sources_may_be_paths(model, tiny_text_folder, folders):
    for folder in (tiny_text_folder, folders[0]):
        tasks = [
            CrossModalTransformation(model, text_encoder=kind(folder), tokenizer=kind(folder))
            for kind in (Path, str)
        ]
        assert tasks[0].config_dict() == tasks[1].config_dict()


def texts_of(task, dataset):
    """The vectors of all texts, by type."""
    task.preprocess(*dataset.split())
    vectors = task._known(torch.device("cpu")).vectors
    named = {dataset.node_types[kind]: found for kind, found in vectors.items()}
    return {kind: found for kind, found in named.items() if kind not in ("gene/protein", "drug")}


def test_another_encoder_reads_the_texts_of_a_protclip_folder(data, folders, tiny_text_folder):
    whole, published = folders
    dataset = PrimeKG(data)
    plain = models.ProteinCNN(21, [8]).requires_grad_(False)
    own = ProtCLIP(checkpoint=whole).requires_grad_(False)
    expected = texts_of(CrossModalTransformation(own, **SMALL), dataset)
    for options in (
        {"text_encoder": whole},
        {"text_encoder": published, "tokenizer": tiny_text_folder},
    ):
        found = texts_of(CrossModalTransformation(plain, **options, **SMALL), dataset)
        assert found.keys() == expected.keys() >= {"disease", "molecular_function"}
        assert all(torch.equal(found[kind], expected[kind]) for kind in expected)


def test_a_checkpoint_without_tokenizer_is_refused_before_anything_is_computed(
    data, folders, tiny_text_folder, monkeypatch
):
    monkeypatch.setattr("protclip_td.tasks.cross_modal.protein_vectors", None)
    splits = PrimeKG(data).split()
    model = ProtCLIP(checkpoint=folders[1])
    with pytest.raises(ValueError, match=r"Transformation reads texts, and the checkpoint has no"):
        CrossModalTransformation(model, **SMALL).preprocess(*splits)
    CrossModalTransformation(model, tokenizer=tiny_text_folder, **SMALL).preprocess(*splits)
