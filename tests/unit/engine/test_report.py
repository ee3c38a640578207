import json

import pytest
from matplotlib.figure import Figure
from PIL import Image

from protclip_td.training.curves import draw_curves
from protclip_td.training.history import History
from protclip_td.training.listener import Plan
from protclip_td.training.progress import Progress
from protclip_td.training.report import epoch_report, metrics_table, shorten

LOSSES = {"contrastive loss": 2.08, "bsr loss": 2.9, "mlm loss": 2.95, "pda loss": 0.61}
RETRIEVAL = {
    "protein-to-text R@1": 0.25, "text-to-protein R@1": 0.2, "chance R@1": 0.05,
    "protein-to-text median rank": 4.0, "text-to-protein median rank": 5.0,
    "chance median rank": 10.5,
}  # fmt: skip


def step_row(step, epoch=1):
    row = {"kind": "step", "step": step, "epoch": epoch, "lr": 1e-5, "gradient norm": 1.0}
    return row | {"pairs_per_s": 2.4} | LOSSES


def epoch_row(epoch, step):
    row = {"kind": "epoch", "epoch": epoch, "step": step, "seconds": 12.3}
    row |= {f"train {name}": value for name, value in LOSSES.items()}
    return row | {f"valid {name}": value for name, value in (LOSSES | RETRIEVAL).items()}


class FakeConsole:
    is_shown = True

    def __init__(self):
        self.lines = []

    def say(self, text=""):
        self.lines += text.splitlines()


def test_losses_go_by_their_names():
    assert shorten(LOSSES) == "contrastive 2.080  bsr 2.900  mlm 2.950  pda 0.610"


def test_metrics_stand_beside_chance():
    table = metrics_table(RETRIEVAL)
    assert table[0].split() == ["protein-to-text", "text-to-protein", "chance"]
    assert table[1].split() == ["R@1", "0.250", "0.200", "0.050"]
    assert table[2].split() == ["median", "rank", "4.0", "5.0", "10.5"]


def test_metrics_with_a_target_stand_beside_its_chance():
    """As TorchDrug names them, with the target behind."""
    table = metrics_table({"accuracy [loc]": 0.5, "chance accuracy [loc]": 0.1, "MCC [loc]": 0.3})
    assert table[0].split() == ["model", "chance"]
    assert table[1].split() == ["accuracy", "[loc]", "0.500", "0.100"]
    assert len(table[0]) == len(table[1])
    assert table[2:] == ["MCC [loc]  0.3000"]


def test_metrics_without_chance_are_listed():
    assert metrics_table({"accuracy": 0.5}) == ["accuracy  0.5000"]


def test_an_epoch_fits_80_columns():
    row = epoch_row(1, 26) | {"valid mlm loss": 3.05}
    lines = epoch_report(row, num_epoch=3).splitlines()
    assert lines[0] == "epoch 1/3: step 26, 12 s"
    assert lines[1] == "  train  contrastive 2.080  bsr 2.900  mlm 2.950  pda 0.610"
    assert lines[2] == "  valid  contrastive 2.080  bsr 2.900  mlm 3.050  pda 0.610"
    assert max(map(len, lines)) <= 80
    assert epoch_report(row | {"seconds": 0.268}, num_epoch=3).splitlines()[0].endswith("26, 0.3 s")


def test_plain_lines_where_there_is_no_terminal(capsys):
    console = FakeConsole()
    progress = Progress(console, interval=2)
    progress.on_epoch_start(Plan(3, 26, "pairs"), epoch=1, step=0)
    for step in (1, 2, 3):
        progress.on_step(step_row(step))
    assert len(console.lines) == 1
    assert console.lines[0].startswith("step 2 (epoch 1): contrastive 2.080")
    assert console.lines[0].endswith("lr 1.0e-05  2.4 pairs/s")
    progress.on_epoch(epoch_row(1, 3))
    assert console.lines[1] == "epoch 1/3: step 3, 12 s"
    assert capsys.readouterr().err == ""


def test_bar_with_losses_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = Progress(FakeConsole(), interval=1)
    progress.on_epoch_start(Plan(3, 26, "pairs"), epoch=1, step=5)
    progress.on_step(step_row(6))
    progress._bars[0].refresh(), progress._bars[1].refresh()
    shown = capsys.readouterr().err.replace("\r", "\n").replace("\x1b[A", "\n")
    progress.on_end()
    assert "epoch 1/3" in shown
    assert "6/26" in shown
    assert "2.4 pairs/s" in shown
    assert "contrastive 2.080  bsr 2.900  mlm 2.950  pda 0.610  lr 1.0e-05" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_history_is_cut_to_a_checkpoint(tmp_path):
    history = History(tmp_path)
    for row in (step_row(1), step_row(2), epoch_row(1, 2), step_row(3, 2), epoch_row(2, 3)):
        history.append(row)
    with open(history.jsonl, "a") as file:
        file.write('{"kind": "step", "st')  # killed while writing
    history.cut(step=2, epoch=1)
    rows = [json.loads(line) for line in history.jsonl.read_text().splitlines()]
    assert [(row["kind"], row["step"]) for row in rows] == [("step", 1), ("step", 2), ("epoch", 2)]
    head, _ = history.csv.read_text().splitlines()
    assert head.startswith("epoch,step,seconds,train contrastive loss,")
    history.cut(step=2, epoch=0)  # a checkpoint of before the validation
    assert [(row["kind"], row["step"]) for row in history.rows()] == [("step", 1), ("step", 2)]
    assert not history.csv.read_text().strip()


@pytest.mark.parametrize("num_epoch", [0, 3])
def test_curves_are_a_picture(tmp_path, num_epoch):
    rows = [step_row(step) for step in range(1, 10)]
    rows += [epoch_row(epoch, 3 * epoch) for epoch in range(1, num_epoch + 1)]
    draw_curves(rows, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size[0] == 960


def points_of(line):
    return [(int(x), round(float(y), 3)) for x, y in zip(line.get_xdata(), line.get_ydata())]


def test_curves_are_of_the_numbers_they_are_named_after(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: figures.append(self))
    rows = [
        step_row(step) | {"lr": step / 10, "mlm loss": step + 1.0, "pda loss": step + 2.0}
        for step in (1, 2)
    ]
    rows += [
        epoch_row(epoch, 10 * epoch) | {f"valid {name}": epoch + i for i, name in enumerate(LOSSES)}
        for epoch in (1, 2)
    ]
    draw_curves(rows, tmp_path / "curves.png")
    losses, metrics, rate = figures[0].axes
    labels = [axis.get_ylabel() for axis in figures[0].axes]
    assert (labels, rate.get_xlabel()) == (
        ["loss", "validation", "learning rate"],
        "optimizer step",
    )
    legends = [[text.get_text() for text in axis.get_legend().texts] for axis in (losses, metrics)]
    assert legends == [[*LOSSES, "validation"], [name for name in RETRIEVAL if "rank" not in name]]
    drawn = {line.get_label(): line for line in losses.lines}
    assert points_of(drawn["mlm loss"]) == [(1, 2), (2, 3)]
    assert points_of(drawn["pda loss"]) == [(1, 3), (2, 4)]
    for number, name in enumerate(LOSSES):
        _, held_out = (line for line in losses.lines if line.get_color() == drawn[name].get_color())
        assert points_of(held_out) == [(10, 1 + number), (20, 2 + number)]
    shown = {line.get_label(): points_of(line) for line in metrics.lines}
    assert shown == {
        name: [(10, value), (20, value)] for name, value in RETRIEVAL.items() if "rank" not in name
    }
    assert [points_of(line) for line in rate.lines] == [[(1, 0.1), (2, 0.2)]]
