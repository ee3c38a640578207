"""The release of UniProt is taken from the file that UniProt puts beside its data."""

import pytest

from protclip_td.protanno.release import release_of

_TEXT = """UniProt Knowledgebase Release {0} consists of:
UniProtKB/Swiss-Prot Release {0} of 24-Jan-2024
UniProtKB/TrEMBL Release {0} of 24-Jan-2024
"""


@pytest.fixture
def release(tmp_path):
    def put(folder, number):
        (tmp_path / folder).mkdir(exist_ok=True)
        if number:
            (tmp_path / folder / "reldate.txt").write_text(_TEXT.format(number))
        return tmp_path / folder / "uniprot_sprot.dat.gz"

    return put


def test_stated_beside_the_files(release):
    assert release_of([release("a", "2024_01"), release("b", "2024_01")]) == "2024_01"


@pytest.mark.parametrize("other", [None, "2023_05"])
def test_files_that_do_not_agree_have_none(release, other):
    assert release_of([release("a", "2024_01"), release("b", other)]) is None
