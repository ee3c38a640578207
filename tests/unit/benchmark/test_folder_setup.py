"""What binds a folder of results, and the folder of each job in it."""

import json

import pytest

from protclip_td.benchmark import choose
from protclip_td.benchmark.folder_setup import SETUP_FILE, Setup, check_setup, write_setup
from protclip_td.benchmark.identity import Identity, identify_value
from protclip_td.benchmark.jobs import plan
from protclip_td.errors import InputError

RIGHT = Identity("right")


def job_of(name, folder, role="model"):
    return next(plan(*choose([name]), [(role, 0)], folder))


def begin_run(folder, role="model", day=1):
    run = folder / "runs" / "bin" / f"{role}-seed0" / f"2026-01-0{day}_00-00-00"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("")


def test_only_runs_bind_a_folder(tmp_path):
    def keep(**encoders):
        given = {role: Identity(encoder) for role, encoder in encoders.items()}
        setup = check_setup(Setup(given, {"lr": Identity("1")}), tmp_path)
        write_setup(setup, tmp_path)
        return {role: encoder.given for role, encoder in setup.encoders.items()}

    def kept():
        found = json.loads((tmp_path / SETUP_FILE).read_text())
        return {
            part: {name: value["given"] for name, value in identities.items()}
            for part, identities in found.items()
        }

    keep(model="wrong", control="wrong, too")
    keep(model="right")
    assert kept() == {"encoders": {"model": "right"}, "flags": {"lr": "1"}}
    begin_run(tmp_path)
    keep(model="right", control="another")
    with pytest.raises(InputError, match="holds results of right, and now model is other"):
        keep(model="other")
    assert keep(model="right") == {"model": "right"}  # of the control nothing was run
    begin_run(tmp_path, "control")
    keep(model="right", control="plain")
    assert keep(model="right") == {"model": "right", "control": "plain"} == kept()["encoders"]
    for content in ("{", "[]", '{"encoders": {"model": "right"}}'):
        (tmp_path / SETUP_FILE).write_text(content)
        with pytest.raises(InputError, match=rf"{SETUP_FILE} is damaged .*remove the file"):
            keep(model="right")


def test_a_run_is_bound_by_the_flags_it_knows(tmp_path):
    flags = {"bridge_dim": Identity("24"), "lr": Identity("1")}
    setup = Setup({"model": RIGHT}, flags)
    assert setup.in_words() == {"model": "right, bridge_dim=24, lr=1"}
    assert setup.of(job_of("prot2mf", tmp_path)) == {"encoder": RIGHT, **flags}
    assert setup.of(job_of("bin", tmp_path)) == {"encoder": RIGHT, "lr": flags["lr"]}


def test_a_control_is_bound_by_the_text_encoder_it_borrows(tmp_path):
    """Also where the runs of the model were removed, and another model takes their place."""
    control = Identity("plain")

    def of(name, **flags):
        setup = Setup({"model": RIGHT, "control": control}, flags)
        return setup.of(job_of(name, tmp_path, "control"))

    assert of("prot2mf") == {"encoder": control, "text_encoder": RIGHT}
    given = {"text_encoder": Identity("bert")}
    assert of("prot2mf", **given) == {"encoder": control, **given}
    assert of("bin") == {"encoder": control}


@pytest.mark.parametrize(
    ("one", "other"), [("0.002", "2e-3"), ("true", "True"), ("null", "~"), ("[0, 1]", "[0,1]")]
)
def test_a_value_written_in_another_way_is_the_same_setting(one, other):
    first, second, third = map(identify_value, (one, other, "3e-3"))
    assert first.means(second)
    assert str(first) == str(second)
    assert not first.means(third)


def test_a_job_that_never_ran_is_nobodys(tmp_path):
    job = job_of("bin", tmp_path)
    job.claim({"encoder": Identity("wrong")})
    job.claim({"encoder": RIGHT})
    begin_run(tmp_path)
    job.claim({"encoder": RIGHT})
    with pytest.raises(InputError, match=r"was run with right, and now it would be with wrong"):
        job.claim({"encoder": Identity("wrong")})
    for content in ("{", "[]", '{"setup": "right"}'):
        (job.folder / "job.json").write_text(content)
        with pytest.raises(InputError, match=r"job.json is damaged .*remove .*bin/model-seed0 to"):
            job.claim({"encoder": RIGHT})


def test_the_last_run_that_was_begun_goes_on(tmp_path):
    assert job_of("bin", tmp_path).find_begun() is None
    for day in (1, 2):
        begin_run(tmp_path, day=day)
    assert job_of("bin", tmp_path).find_begun().name == "2026-01-02_00-00-00"
