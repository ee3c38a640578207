"""What `--help` says, and how a run's configuration comes back."""

import re
import shutil

import pytest

from protclip_td.config import load_config, load_resumed, manual, shipped_configs
from protclip_td.errors import InputError


def test_manual_has_header_variables_defaults_and_explanations(write):
    text = (
        "# A toy.\n#\n#   its command\n\nlr: {{ lr | default(1e-4) }}  # learning rate\n"
        "# Where the data lie.\npath: {{ path }}\n"
    )
    lines = manual.describe(write(text=text)).splitlines()
    assert lines[2:5] == ["A toy.", "", "  its command"]
    assert lines[-2:] == [
        "  --lr    learning rate (default: 0.0001)",
        "  --path  Where the data lie. (needed)",
    ]


def test_manual_without_variables(write):
    assert manual.describe(write()).endswith("It has no variables.")


def test_shipped_configurations_are_listed_with_their_purpose():
    lines = manual.list_shipped().splitlines()
    (line,) = [line for line in lines if line.startswith("  pretrain ")]
    assert "Pretrain ProtCLIP on the built-in sample" in line
    assert all(len(line) <= 80 for line in lines)


def test_the_purpose_of_each_shipped_configuration_is_a_whole_sentence():
    listed = "\n".join(manual.list_shipped().splitlines()[1:])
    purposes = dict(re.findall(r"(?m)^  (\S+) +((?:.*\n? {9,})*.*)", listed))
    purposes = {name: " ".join(purpose.split()) for name, purpose in purposes.items()}
    assert purposes.keys() == shipped_configs().keys()
    assert [purpose for purpose in purposes.values() if not re.search(r"[.?]$", purpose)] == []
    assert purposes["downstream/stability"] == "Stability: of small designed proteins."
    assert purposes["downstream/bin"].endswith("bound to a membrane or soluble?")
    assert purposes["downstream/ppi_affinity"].endswith("2,421 train, 203 valid, 326 test pairs.")
    assert purposes["downstream/go_bp"].endswith("ProtCLIP (paper) AUPR .567 and Fmax .574.")


@pytest.mark.parametrize("name", shipped_configs())
def test_manuals_of_shipped_configurations_fit_a_terminal(name):
    first, *lines = manual.describe(name).splitlines()
    assert first.endswith(f"{name}.yaml")
    assert [line for line in lines if len(line) > 80] == []


@pytest.fixture
def run_folder(write, tmp_path):
    """A run folder that was started with lr 1e-3."""
    path = write(("lr: 1.0e-4", "lr: {{ lr }}"))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(load_config(path, ["--lr", "1e-3"]).rendered)
    return folder


def test_resumed_run_keeps_its_settings(run_folder, tmp_path):
    assert load_resumed(run_folder).optimizer.lr == 1e-3
    again = load_resumed(run_folder, str(tmp_path / "config.yaml"), ["--lr", "1e-3"])
    assert again.optimizer.lr == 1e-3


def test_resuming_with_other_settings(run_folder, tmp_path):
    message = r"has 1 mistake\n  optimizer.lr: 0.1 now, and the run was started with 0.001"
    with pytest.raises(InputError, match=message):
        load_resumed(run_folder, str(tmp_path / "config.yaml"), ["--lr", "0.1"])


def test_flags_alone_cannot_change_a_run(run_folder):
    message = r"^--lr: a run goes on with its own settings; .*checkpoint: .*run/checkpoints/best"
    with pytest.raises(InputError, match=message):
        load_resumed(run_folder, flags=["--lr", "0.1"])


@pytest.mark.parametrize(
    ("old", "new", "is_refused"),
    [
        ("lr: 0.001", "lr: 0.01", "optimizer.lr: 0.01 now, and the run was started with 0.001"),
        ("num_epoch: 1", "num_epoch: 2", "train.num_epoch: 2 now"),
        ("batch_size: 2", "batch_size: 4", "engine.batch_size: 4 now"),
        ("criterion: mse", "criterion: ce", "task.criterion: ce now"),
        ("hidden_dims: [8, 8]", "hidden_dims: [9]", r"task.model.hidden_dims: \[9\] now"),
        ("  batch_size: 2\n", "", "engine.batch_size: None now"),
        ("engine:", "engine:\n  gradient_interval: 3", "engine.gradient_interval: 3 now"),
        ("engine:", "fix_encoder: true\nengine:", "fix_encoder: True now"),
        ("max_length: 30", "max_length: 31", ""),
        ("engine:", "engine:\n  log_interval: 7", ""),
    ],
)
def test_a_run_s_file_may_change_in_what_decides_nothing(run_folder, old, new, is_refused):
    """Or what its checkpoints and its data tell of."""
    file = run_folder / "config.yaml"
    shutil.copy(file, run_folder / ".config.yaml")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    if not is_refused:
        assert load_resumed(run_folder).train.num_epoch == 1
        return
    with pytest.raises(InputError, match=rf"config\.yaml has 1 mistake\n  {is_refused}"):
        load_resumed(run_folder)


def test_where_an_encoder_was_from_may_change(run_folder):
    """Its weights are in the checkpoint by now; what it does with them may not."""
    file = run_folder / "config.yaml"
    block = re.compile(r"  model:\n(    .*\n)+")
    begun = "  model: {class: ProtCLIP, protein_encoder: random:ESM-2-8M, readout: mean}\n"
    text = block.sub(begun, file.read_text())
    (run_folder / ".config.yaml").write_text(text)
    file.write_text(text.replace("random:ESM-2-8M", "/elsewhere"))
    assert load_resumed(run_folder).task.model.protein_encoder == "/elsewhere"
    file.write_text(text.replace("readout: mean", "readout: projection"))
    with pytest.raises(InputError, match=r"task\.model\.readout: projection now"):
        load_resumed(run_folder)


def test_a_whole_block_that_is_gone(run_folder):
    file = run_folder / "config.yaml"
    shutil.copy(file, run_folder / ".config.yaml")
    text = file.read_text()
    block = text[text.index("engine:") : text.index("train:")]
    file.write_text(text.replace(block, ""))
    with pytest.raises(InputError, match=r"engine\.batch_size: None now, and the run was started"):
        load_resumed(run_folder)


def test_a_slip_in_a_run_s_file_is_explained(run_folder, tmp_path):
    file = run_folder / "config.yaml"
    shutil.copy(file, run_folder / ".config.yaml")
    file.write_text(file.read_text().replace("optimizer:", "optimiser:"))
    with pytest.raises(InputError, match="optimiser: unknown key; did you mean `optimizer`"):
        load_resumed(run_folder)


def test_a_changed_file_cannot_vouch_for_itself(run_folder):
    file = run_folder / "config.yaml"
    shutil.copy(file, run_folder / ".config.yaml")
    file.write_text(file.read_text().replace("lr: 0.001", "lr: 0.5"))
    with pytest.raises(
        InputError, match=r"optimizer\.lr: 0\.5 now, and the run was started with 0.0"
    ):
        load_resumed(run_folder, str(file))


def test_resuming_what_is_no_run(tmp_path):
    with pytest.raises(
        InputError, match=r"is not a run folder: it has no config\.yaml\. Give the folder of"
    ):
        load_resumed(tmp_path)
