"""What the user of the shipped pretrain.yaml sees when something is wrong: plain words."""

import gzip
import json

import pytest
import torch

from protclip_td import cli
from protclip_td.config import find_config
from protclip_td.wording import fold


@pytest.fixture
def pretrain(tmp_path, tiny_protein_folder, tiny_text_folder, capsys):
    """Runs pretrain.yaml, some lines replaced, with tiny encoders; gives status and message."""

    def run(*flags, **lines):
        text = find_config("pretrain").read_text()
        for key, value in lines.items():
            (old,) = [line for line in text.splitlines() if line.lstrip().startswith(f"{key}: ")]
            text = text.replace(old, f"{old.partition(key)[0]}{key}: {value}")
        config = tmp_path / "pretrain.yaml"
        config.write_text(text)
        settings = {
            "protein_encoder": tiny_protein_folder, "text_encoder": tiny_text_folder,
            "output_dir": tmp_path / "runs", "data_dir": tmp_path / "data",
            "draws_per_epoch": 2, "batch_size": 2, "num_epoch": 1,
        }  # fmt: skip
        words = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
        status = cli.main(["run", "-c", str(config), *words, *flags])
        return status, capsys.readouterr().err

    return run


def assert_plain(message):
    """One block in plain words that fits a terminal, apart from what has to stay whole."""
    assert message.startswith(("error: ", "error:\n"))  # the latter in front of a long path
    assert "Traceback" not in message
    assert fold(message) == message


@pytest.fixture(
    params=[
        ("empty", "the file is empty; expected a UniProtKB flat file or XML"),
        ("gzip cut off", "the gzip file is cut off. Get it again"),
        ("cut in an entry", "it ends in the middle of entry P16188. Get it again"),
        ("no sequence", "1 rejected (1 x no sequence); the first is P15455"),
        ("no residues", "1 rejected (1 x letters that are no residues); the first is P15455"),
        ("no property", "1 rejected (1 x no property); the first is line 1"),
    ],
    ids=lambda param: param[0],
)
def bad_data(request, tmp_path, sample_path):
    """A data file with something wrong, and the words that say so."""
    damage, words = request.param
    whole = sample_path.read_bytes()
    text = gzip.decompress(whole)
    first = text[: text.index(b"\n//\n") + 4]
    sequence = first.index(b"\nSQ ")
    contents = {
        "empty": b"",
        "gzip cut off": whole[:20_000],
        "cut in an entry": text[: text.index(b"\nAC   P16188;") + 50],
        "no sequence": first[:sequence] + b"\n//\n",
        "no residues": first[:sequence] + first[sequence:].replace(b"LL", b"L1"),
        "no property": b'{"seq": "MKT", "text": "nothing of the kind"}\n',
    }
    path = tmp_path / "entries.dat"
    path.write_bytes(contents[damage])
    return path, words


def test_bad_data(pretrain, bad_data):
    path, words = bad_data
    status, message = pretrain("--source", str(path))
    assert status == 2
    assert_plain(message)
    assert words in " ".join(message.split())
    assert str(path) in message


def test_missing_data(pretrain, tmp_path):
    status, message = pretrain("--source", str(tmp_path / "gone.dat"))
    assert status == 2
    assert_plain(message)
    assert f"{tmp_path}/gone.dat: no such file" in " ".join(message.split())


def test_no_entry_left_after_the_rule(pretrain):
    status, message = pretrain(confidences="[5]")
    assert status == 2
    assert_plain(message)
    words = " ".join(message.split())
    assert "confidences [5] and coverages [3, 4] keep 0 entries" in words
    assert "The store has confidences [1, 2, 3, 4]" in words


def test_batch_of_one_pair(pretrain):
    status, message = pretrain("--batch_size", "1")
    assert status == 2
    assert_plain(message)
    expected = "engine.batch_size: 1 given; ProteinTextPretraining needs at least 2 in a batch"
    assert expected in " ".join(message.split())


def test_infinite_loss_keeps_the_accessions(pretrain, tmp_path):
    status, message = pretrain(contrastive="1.0e+39")
    assert status == 1
    assert_plain(message)
    assert "The loss became infinite at step 1." in message
    (file,) = tmp_path.glob("runs/*/bad_batch.json")
    assert str(file) in message
    bad = json.loads(file.read_text())
    assert (bad["step"], len(bad["batches"][0]["accessions"])) == (1, 2)


def test_checkpoint_of_other_sizes_and_damaged(pretrain, tmp_path):
    weights = {"model.property_bank.prototype.weight": torch.zeros(4, 2)}
    path = tmp_path / "other.pt"
    torch.save({"model": weights}, path)
    status, message = pretrain(lr_ratio=f"1.0\ncheckpoint: {path}")
    assert status == 2
    assert_plain(message)
    assert "property_bank.prototype.weight: (4, 2) in the file, (512, 512)" in message
    path.write_bytes(path.read_bytes()[:-100])
    status, message = pretrain(lr_ratio=f"1.0\ncheckpoint: {path}")
    assert status == 2
    assert_plain(message)
    assert f"{path} is damaged" in " ".join(message.split())
