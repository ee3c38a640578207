"""What runs on the CPU runs on a GPU, too: a pretended one, with the same numbers, or a real one.

On a machine with a GPU: ``pytest -m gpu tests/integration/test_on_gpu.py``.
"""

import json

import downstream_files
import gene_ontology_files
import graph_files
import pytest
import torch
from helpers import tiny_model
from pretended_gpu import GPU, pretended_gpu

from protclip_td import cli

# One benchmark for each task and criterion, by `fix_encoder`; some tasks do not tune.
NAMES = {
    "true": (
        *("fluorescence", "prot2mf", "shs27k"),
        *("similarity_mf", "zero_shot_reaction", "text_to_protein"),
    ),
    "false": ("fluorescence", "bin", "ec", "human_ppi"),
}
FLAGS = ("--num_epoch=1", "--batch_size=16", "--lr=1e-3")
SIZES = {"true": ("--hidden_dim=16", "--bridge_dim=24", "--num_layer=1"), "false": ()}

TIMES = ("seconds", "kind")


@pytest.fixture(params=["pretended", pytest.param("real", marks=pytest.mark.gpu)])
def gpu(request):
    """A GPU, and whether it gives the numbers of the CPU: a real one draws dropout of its own."""
    if request.param == "real":
        yield False
        return
    with pretended_gpu():
        yield True


def only_run(folder):
    (run,) = (results.parent for results in folder.glob("*/results.json"))
    return run


def assert_close(found, expected):
    """Two runs have the same metrics, each step's and each epoch's."""

    def rows(run):
        lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        return [
            {k: v for k, v in line.items() if k not in TIMES and not k.endswith("_per_s")}
            for line in lines
        ]

    for row, other in zip(rows(found), rows(expected), strict=True):
        # Pieces of another size are summed in another order.
        assert row == pytest.approx(other, rel=1e-4, abs=1e-4)


def test_pretraining(gpu, tmp_path, tiny_protein_folder, tiny_text_folder):
    command = [
        *("run", "-c", "pretrain.yaml", f"--data_dir={tmp_path}/data", "--num_epoch=1"),
        *(f"--protein_encoder={tiny_protein_folder}", f"--text_encoder={tiny_text_folder}"),
        "--draws_per_epoch=16",
    ]
    assert cli.main([*command, f"--output_dir={tmp_path}/cpu"]) == 0
    assert cli.main([*command, f"--output_dir={tmp_path}/gpu", "--gpus=[0]"]) == 0
    if gpu:
        assert_close(only_run(tmp_path / "gpu"), only_run(tmp_path / "cpu"))


@pytest.fixture(scope="module")
def data(tmp_path_factory, sample_path):
    """Files of the benchmarks in `NAMES`."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patches:
        # Retrieval by text takes the texts of Gene Ontology terms.
        for name in ("fluorescence", "bin", "ec", "human_ppi", "zero_shot_reaction", "go_mf"):
            downstream_files.make(name, folder, patches)
        proteins = downstream_files.sequences(40, shortest=30)
        graph_files.write_prime_kg(folder, proteins)
        graph_files.allow_small_graph(patches)
        graph_files.write_string_actions(folder, proteins)
        gene_ontology_files.write_probe(folder, sample_path)
        yield folder


@pytest.mark.parametrize("fixed", ["true", "false"], ids=["fixed", "tuned"])
def test_benchmarks(gpu, fixed, data, tmp_path, tiny_protein_folder, tiny_text_folder):
    checkpoint = tmp_path / "tiny"
    tiny_model(tiny_protein_folder, tiny_text_folder).save_pretrained(checkpoint)
    command = ["benchmark", *NAMES[fixed], f"--checkpoint={checkpoint}", f"--path={data}", *FLAGS]
    command += [f"--fix_encoder={fixed}", *SIZES[fixed]]
    assert cli.main([*command, "-o", f"{tmp_path}/cpu"]) == 0
    assert cli.main([*command, "-o", f"{tmp_path}/gpu", "--gpus=[0]"]) == 0
    found = sorted((tmp_path / "gpu").glob("runs/*/*/"))
    assert len(found) >= len(NAMES[fixed])
    for folder in found if gpu else ():
        expected = tmp_path / "cpu" / folder.relative_to(tmp_path / "gpu")
        assert_close(only_run(folder), only_run(expected))


def test_the_pretended_one_refuses_two_devices():
    with pretended_gpu():
        here, there = torch.ones(3), torch.ones(3, device=GPU)
        assert there.device == (there + 1).device == there.new_zeros(2).device == GPU
        assert (there.cpu() + here).device.type == "cpu"
        assert torch.equal(there[torch.tensor([0, 2])].cpu(), here[:2])
        with pytest.raises(RuntimeError, match="on the CPU with some on GPU"):
            here + there
        with pytest.raises(RuntimeError, match="on the CPU with some on GPU"):
            here[torch.tensor([0], device=GPU)]
        with pytest.raises(TypeError, match="can't convert cuda:0"):
            there.numpy()
    assert not torch.cuda.is_initialized()
