"""Which letters are residues."""

import pytest

from protclip_td.data.residues import RESIDUE_LETTERS, check_sequence, foreign_letters
from protclip_td.errors import InputError


@pytest.mark.parametrize(
    ("sequence", "foreign"),
    [
        (RESIDUE_LETTERS, ""),
        ("", ""),
        ("MK*L-", "*-"),
        ("mkMK", "km"),
        ("MKÄ", "Ä"),  # two bytes
        ("MK\ud800", "\ud800"),  # half a character, which no encoding has
    ],
)
def test_foreign_letters(sequence, foreign):
    assert foreign_letters(sequence) == foreign


def test_half_a_character_is_no_residue():
    with pytest.raises(InputError, match=r"record 3: letters .* are no residues"):
        check_sequence("MK\ud800", "record 3")
