"""A run that is killed and resumed is the run that was never killed, bit for bit."""

import json
import multiprocessing
import socket
from multiprocessing import forkserver
from pathlib import Path

import pytest
import torch
import toy_training
from toy_training import (
    fill_disk,
    interrupt,
    interrupt_after_agreeing,
    interrupt_and_pass_on,
    interrupt_twice,
    kill_now,
    kill_while_saving,
    only_run,
    run_child,
    say_slowly,
    terminate,
)

from protclip_td.training.checkpointing import load_checkpoint

# A server that has imported everything forks each process of these tests, fresh and fast.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["toy_training"])


@pytest.fixture(scope="module", autouse=True)
def server():
    """Start the server where it finds what to import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        forkserver.ensure_running()


def start(*args, **kwargs):
    process = PROCESSES.Process(target=run_child, args=args, kwargs=kwargs)
    process.start()
    return process


def finish(process):
    process.join(60)
    status = process.exitcode
    process.kill()  # should it hang
    return status


def run_to_end(*args, **kwargs):
    return finish(start(*args, **kwargs))


def outcome(folder):
    """Everything that must be the same: all numbers but the times, and all weights."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    rows = [
        {key: row[key] for key in row if key != "seconds" and not key.endswith("_per_s")}
        for row in rows
    ]
    state = load_checkpoint(folder / "checkpoints" / "last.pt")
    best = load_checkpoint(folder / "checkpoints" / "best.pt")
    tensors = [*state["model"].values(), *best["model"].values(), state["random"][0]["torch"]]
    tensors += [value["exp_avg"] for value in state["optimizer"]["state"].values()]
    results = json.loads((folder / "results.json").read_text())
    return rows, results, tensors


def assert_same(folder, reference):
    rows, results, tensors = outcome(folder)
    expected_rows, expected_results, expected_tensors = reference
    assert rows == expected_rows
    assert results == expected_results
    assert all(torch.equal(a, b) for a, b in zip(tensors, expected_tensors, strict=True))


def stopped_run(tmp_path, at, status=-9, **options):
    """The folder of a run that ended with this status."""
    assert run_to_end(tmp_path / "run", at=at, **options) == status
    return only_run(tmp_path / "run")


def assert_resumes(folder, reference, **options):
    """The run goes on to the end, and arrives where the undisturbed one did."""
    assert run_to_end(folder.parent, resume=folder, **options) == 0
    assert_same(folder, reference)


def saved_position(folder):
    """Where the last checkpoint stands."""
    return load_checkpoint(folder / "checkpoints" / "last.pt")["position"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A run that nobody disturbed."""
    output_dir = tmp_path_factory.mktemp("runs") / "whole"
    assert run_to_end(output_dir) == 0
    rows, *rest = outcome(only_run(output_dir))
    assert [row["step"] for row in rows if row["kind"] == "step"] == list(range(1, 10))
    assert [row["epoch"] for row in rows if row["kind"] == "epoch"] == [1, 2, 3]
    return rows, *rest


@pytest.mark.parametrize(
    ("batch", "num_worker"), [(1, 0), (5, 0), (9, 0), (12, 0), (18, 0), (10, 2)]
)
def test_killed_at_a_batch_and_resumed(tmp_path, reference, batch, num_worker):
    folder = stopped_run(tmp_path, at={batch: kill_now}, num_worker=num_worker)
    assert_resumes(folder, reference, num_worker=num_worker)


def test_killed_while_saving(tmp_path, reference):
    folder = stopped_run(tmp_path, at={11: kill_while_saving})
    assert saved_position(folder)["step"] == 4
    assert_resumes(folder, reference)
    assert not list(folder.rglob("*.tmp"))


def test_full_disk_stops_and_leaves_the_checkpoints(tmp_path, reference):
    folder = stopped_run(tmp_path, at={9: fill_disk}, status=1)
    assert "could not be written: File too large" in (tmp_path / "run.out").read_text()
    assert saved_position(folder)["step"] == 4
    assert_resumes(folder, reference)


def test_killed_again_and_again(tmp_path, reference):
    folder = stopped_run(tmp_path, at={6: kill_now})
    for batch in (4, 5):  # counted from the resume
        assert run_to_end(folder.parent, resume=folder, at={batch: kill_now}) == -9
    assert_resumes(folder, reference)


def unfolded(text):
    """A text without the line breaks that fit it into 80 columns."""
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("event", "status"),
    [(interrupt, 130), (terminate, 143), (interrupt_after_agreeing, 130)],
)
def test_signal_stops_after_the_step_with_a_checkpoint(tmp_path, reference, event, status):
    folder = stopped_run(tmp_path, at={9: event}, status=status)
    # Batch 9 belongs to step 5, the second of the second epoch; checkpoints come every second.
    position = saved_position(folder)
    assert (position["epoch"], position["batch"], position["step"]) == (1, 4, 5)
    message = unfolded((tmp_path / "run.out").read_text())
    name, again = {130: ("SIGINT", "another Ctrl-C"), 143: ("SIGTERM", "Ctrl-C")}[status]
    said = f"\n{name}: stopping once a checkpoint can be written; {again} stops at once\n"
    assert said in (tmp_path / "run.out").read_text()
    assert len(said.strip()) <= 80
    assert f"after step 5. Go on with: python -m torchdrug.run --resume {folder}" in message
    assert_resumes(folder, reference)


@pytest.mark.parametrize("epoch", [1, 3])
def test_signal_in_the_validation_stops_there(tmp_path, reference, epoch):
    """Also in that of the last epoch, behind which there is no step any more."""
    folder = stopped_run(tmp_path, at={f"evaluate {6 * epoch}": interrupt}, status=130)
    position = saved_position(folder)
    assert (position["epoch"], position["batch"], position["step"]) == (epoch, 0, 3 * epoch)
    assert not (folder / "results.json").exists()
    assert_resumes(folder, reference)


def test_second_ctrl_c_ends_at_once(tmp_path, reference):
    folder = stopped_run(tmp_path, at={9: interrupt_twice}, status=-2)
    assert (tmp_path / "run.out").read_text().count("SIGINT: stopping") == 1
    assert saved_position(folder)["step"] == 4
    assert_resumes(folder, reference)


def test_signals_passed_on_do_not_break_the_checkpoint(tmp_path, reference):
    folder = stopped_run(tmp_path, at={9: interrupt_and_pass_on}, status=130)
    assert saved_position(folder)["step"] == 5
    assert_resumes(folder, reference)


def test_resume_of_a_finished_run_changes_nothing(tmp_path, reference):
    assert_resumes(stopped_run(tmp_path, at=None, status=0), reference)


def test_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, reference):
    folder = stopped_run(tmp_path, at={11: kill_now})
    last = folder / "checkpoints" / "last.pt"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1  # one bit
    last.write_bytes(content)
    assert_resumes(folder, reference)
    said = unfolded((tmp_path / "run.out").read_text())
    assert f"The checkpoint {last} is damaged" in said
    assert f"Going back to {folder / 'checkpoints' / 'previous.pt'}" in said


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_two(folder, at=None, first_at=None, **kwargs):
    """Two processes in one group; `at` happens in the second."""
    port = free_port()
    first = start(folder, rank=0, port=port, at=first_at, **kwargs)
    return first, start(folder, rank=1, port=port, at=at, **kwargs)


def run_two(*args, **kwargs):
    first, second = start_two(*args, **kwargs)
    return finish(first), finish(second)


# In two processes an epoch is three batches, and two steps.
@pytest.mark.parametrize(
    ("at", "status", "step"),
    [({5: terminate}, 143, 3), ({4: interrupt_after_agreeing}, 130, 4)],
)
def test_two_processes_stop_and_resume_together(tmp_path, at, status, step):
    assert run_two(tmp_path / "whole") == (0, 0)
    assert run_two(tmp_path / "run", at=at) == (status, status)
    folder = only_run(tmp_path / "run")
    assert saved_position(folder)["step"] == step
    assert len(load_checkpoint(folder / "checkpoints" / "last.pt")["random"]) == 2
    assert run_two(tmp_path / "run", resume=folder) == (0, 0)
    assert_same(folder, outcome(only_run(tmp_path / "whole")))


def test_no_process_ends_before_the_stop_is_told(tmp_path):
    """Where one has ended, torchrun ends the others, the one that tells it among them."""
    first, second = start_two(tmp_path / "run", at={5: interrupt}, first_at={5: say_slowly})
    assert finish(second) == 130
    assert "Stopped by SIGINT after step 3" in (tmp_path / "run.out").read_text()
    assert finish(first) == 130


def test_toy_is_worth_resuming():
    """The toy draws random numbers in the items and in the model, or these tests show nothing."""
    item, again = (toy_training.ToySet()[0]["x"] for _ in range(2))
    assert not torch.equal(item, again)
    task = toy_training.ToyTask()
    batch = {"x": torch.ones(2, 4)}
    assert task(batch)[0] != task(batch)[0]
