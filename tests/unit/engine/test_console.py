"""What reaches the terminal, and what the log alone."""

import logging
import warnings

import pytest

from protclip_td.training.console import Console


@pytest.mark.filterwarnings("always")
def test_messages_are_kept_until_there_is_a_log_and_only_our_own_are_shown(
    tmp_path, capsys, caplog
):
    with Console() as console:
        logging.getLogger("protclip_td.data").warning("a row was left out")
        logging.getLogger("torchdrug.core").warning("a step was taken")
        warnings.warn("a name is old", FutureWarning, stacklevel=1)
        console.log_to(tmp_path / "log.txt")
        logging.getLogger("protclip_td.data").warning("another row")
        logged = (tmp_path / "log.txt").read_text()
    said = capsys.readouterr()
    assert (said.out, said.err) == ("note: a row was left out\nnote: another row\n", "")
    for line in ("protclip_td.data: a row was left out", "torchdrug.core: a step was taken",
                 "FutureWarning: a name is old", "protclip_td.data: another row"):  # fmt: skip
        assert logged.count(line) == 1
    assert caplog.messages == []  # the root logger may have a handler for the terminal
    logging.getLogger("protclip_td.data").warning("when it is over")
    assert caplog.messages == ["when it is over"]
    assert (tmp_path / "log.txt").read_text() == logged


def test_ranks_behind_the_first_are_silent(capsys):
    with Console(is_shown=False) as console:
        console.say("twice")
        logging.getLogger("protclip_td").warning("twice")
    assert capsys.readouterr().out == ""
