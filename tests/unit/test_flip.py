"""AAV, Thermostability and Reaction from tiny files in the layout of the downloads."""

import os
import zipfile

import downstream_files as files
import pytest

from protclip_td.data.digests import md5_of
from protclip_td.datasets import AAV, Reaction, Thermostability
from protclip_td.errors import InputError
from protclip_td.tasks.shared_space import label_texts


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def letters(item):
    return bytes(item["graph"].residue_letter.tolist()).decode()


def test_splits_follow_both_columns(folder, monkeypatch):
    files.make("thermostability", folder, monkeypatch)
    dataset = Thermostability(str(folder))
    proteins = files.sequences(28)
    train, valid, test = dataset.split()
    assert [letters(item) for item in valid] == proteins[::5]
    assert [letters(item) for item in test] == proteins[1::5]
    assert [letters(item) for item in train] == [s for i, s in enumerate(proteins) if i % 5 > 1]
    assert dataset.tasks == ["target"]
    assert test[0]["target"] == pytest.approx(100 * files.hydropathy(proteins[1]), abs=1e-4)
    assert sorted(os.listdir(folder / "thermostability")) == [
        "human_cell.csv",
        "splits.zip",
        "splits.zip.unpacked",
    ]


@pytest.mark.parametrize("lazy", [False, True])
def test_aav_keeps_the_mutated_region(folder, monkeypatch, lazy):
    files.make("aav", folder, monkeypatch)
    dataset = AAV(str(folder), lazy=lazy)
    whole = AAV(str(folder), keep_mutation_region=False)
    for part, protein in zip(dataset, whole):
        assert letters(part) == letters(protein)[474:674]
        assert part["target"] == protein["target"]
    assert {letters(item) for item in dataset} == set(files.sequences(28))


@pytest.mark.parametrize(("cls", "name"), [(AAV, "human_cell"), (Thermostability, "two_vs_many")])
def test_unknown_splits(cls, name, tmp_path):
    with pytest.raises(InputError, match=rf"split: '{name}' given; expected one of \w+, "):
        cls(str(tmp_path), split=name)


HEADER = ["sequence", "target", "set", "validation"]
GOOD = [["MKV", "1", "train", "False"], ["MLA", "2", "train", "True"], ["MGG", "3", "test", ""]]


def flip_of(folder, text, monkeypatch, cls=Thermostability, split="human_cell"):
    """The data set of one CSV text."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "splits.zip", "w") as zipped:
        zipped.writestr(f"splits/{split}.csv", text)
    monkeypatch.setattr(cls, "md5", md5_of(folder / "splits.zip"))
    return cls(str(folder.parent), split)


def table(rows, header=HEADER, end="\n"):
    return "".join(",".join(row) + end for row in [header, *rows])


def test_windows_line_ends_a_mark_and_quoted_newlines(tmp_path, monkeypatch):
    text = "\ufeff" + table(
        [*GOOD, ['"MMM\r\n"', '"4"', "test", ""]], [*HEADER[:3], '"validation"'], "\r\n"
    )
    dataset = flip_of(tmp_path / "thermostability", text, monkeypatch)
    assert dataset.num_samples == [1, 1, 2]
    assert dataset.sequences == ["MKV", "MLA", "MGG", "MMM"]


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (GOOD, ["sequence", "score", "set", "validation"], "has no column 'target'; it has"),
        ([*GOOD, ["MKV", "warm", "test", ""]], HEADER, "line 5: 'target' is 'warm'; expected a"),
        ([*GOOD, ["MKJV", "1", "test", ""]], HEADER, "line 5: 'sequence': letters 'J' are no"),
        ([*GOOD, ["**", "1", "test", ""]], HEADER, "line 5: 'sequence': the sequence is empty"),
        ([*GOOD, ["MKV", "1", "dev", ""]], HEADER, "line 5: 'set' is 'dev'; expected train or"),
        ([*GOOD, ["MKV", "1", "train", "x"]], HEADER, "line 5: 'validation' is 'x'; expected True"),
        (GOOD[:2], HEADER, "split 'test' has no row; found {'train': 1, 'valid': 1, 'test': 0}"),
        (GOOD[1:], HEADER, "split 'train' has no row"),
    ],
)
def test_tables_that_cannot_be_used(rows, header, message, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=message):
        flip_of(tmp_path / "thermostability", table(rows, header), monkeypatch)


def test_marks_between_the_residues_are_left_out(tmp_path, monkeypatch, caplog):
    rows = [*GOOD, ["MK*v-A", "4", "test", ""], ["MKV*", "5", "test", ""]]
    dataset = flip_of(tmp_path / "thermostability", table(rows), monkeypatch)
    assert dataset.sequences == ["MKV", "MLA", "MGG", "MKVA", "MKV"]
    assert "human_cell.csv: left out of 2 sequences what is no letter, as FLIP does" in caplog.text


def test_the_region_is_cut_out_by_position_with_the_marks(tmp_path, monkeypatch):
    rows = [*GOOD, ["AAMK*VCC", "4", "test", ""]]
    monkeypatch.setattr(AAV, "region", slice(2, 6))
    dataset = flip_of(tmp_path / "aav", table(rows), monkeypatch, AAV, "two_vs_many")
    assert dataset.sequences[-1] == "MKV"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        *((cell, "valid") for cell in ("True", "TRUE", "t", "yes", "1", "1.0")),
        *((cell, "train") for cell in ("False", "f", "No", "0", "0.0", "", "nan", "NaN")),
    ],
)
def test_spellings_of_validation(tmp_path, monkeypatch, cell, expected):
    rows = [*GOOD, ["MMM", "4", "train", cell]]
    dataset = flip_of(tmp_path / "thermostability", table(rows), monkeypatch)
    assert dataset.num_samples == ([1, 2, 1] if expected == "valid" else [2, 1, 1])


def test_a_test_row_that_is_marked_for_validation_stays_in_the_test_set(tmp_path, monkeypatch):
    rows = [*GOOD, ["MMM", "4", "test", "True"]]
    dataset = flip_of(tmp_path / "thermostability", table(rows), monkeypatch)
    assert dataset.num_samples == [1, 1, 2]
    assert [letters(item) for item in dataset.split()[2]] == ["MGG", "MMM"]


def test_missing_targets_are_counted(tmp_path, monkeypatch, caplog):
    rows = [*GOOD, ["MMM", "", "test", ""]]
    dataset = flip_of(tmp_path / "thermostability", table(rows), monkeypatch)
    assert "1 rows have no 'target' and do not count" in caplog.text
    assert len(dataset) == 4


def test_an_archive_without_the_split(tmp_path, monkeypatch):
    files.make("thermostability", tmp_path, monkeypatch)
    with pytest.raises(InputError, match=r"splits.zip has no file 'splits/mixed_split.csv'"):
        Thermostability(str(tmp_path), split="mixed_split")


def test_reaction(folder, monkeypatch):
    files.make("zero_shot_reaction", folder, monkeypatch)
    dataset = Reaction(str(folder))
    assert [len(split) for split in dataset.split()] == list(files.SIZES)
    assert dataset.tasks == ["label"]
    assert dataset.label_names[2] == "nitrogenase."
    assert {item["label"] for item in dataset} == {0, 1, 2}


def test_names_of_reactions_cut_between_two_lines(folder, monkeypatch):
    """Before anything is encoded: a task asks for the names when it is put together."""
    files.make("zero_shot_reaction", folder, monkeypatch)
    path = folder / "Reaction" / "reaction_name.tsv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    dataset = Reaction(str(folder))
    message = "reaction_name.tsv: no reaction 2 in column 'id'; expected the numbers 0 to 2, each"
    with pytest.raises(InputError, match=message):
        label_texts("ZeroShotClassification", None, "{}", dataset.split()[2])


def test_names_of_reactions_cut_in_the_last_line(folder, monkeypatch):
    files.make("zero_shot_reaction", folder, monkeypatch)
    path = folder / "Reaction" / "reaction_name.tsv"
    monkeypatch.setattr(Reaction, "label_size", path.stat().st_size)
    path.write_text(path.read_text()[:-5])
    message = r"reaction_name\.tsv is there, .*: incomplete, with \d+ of \d+ bytes"
    with pytest.raises(InputError, match=message):
        Reaction(str(folder)).label_names  # noqa: B018


def test_who_wants_no_names_of_reactions_needs_none(folder, monkeypatch, offline):
    files.make("zero_shot_reaction", folder, monkeypatch)
    (folder / "Reaction" / "reaction_name.tsv").unlink()
    dataset = Reaction(str(folder))
    assert len(dataset) == sum(files.SIZES)
    with pytest.raises(InputError, match=r"reaction_name\.tsv is missing and cannot be fetched"):
        dataset.label_names  # noqa: B018


def test_one_message_names_both_files_of_reaction(folder, monkeypatch):
    monkeypatch.setattr(Reaction, "url", "http://127.0.0.1:9/Reaction.zip")
    monkeypatch.setattr(Reaction, "label_url", "http://127.0.0.1:9/reaction_name.tsv")
    message = rf"(?s)file:   Reaction.zip\n.*file:   reaction_name.tsv\n.*{folder}/Reaction\n"
    with pytest.raises(InputError, match=message):
        Reaction(str(folder))


@pytest.mark.parametrize(
    ("ids", "message"),
    [("013", "no reaction 2 in column 'id'; expected the numbers 0 to 2"), ("0x1", "no reaction 2"),
     ("011", "no reaction 2"), ("123", "no reaction 0")],
)  # fmt: skip
def test_names_of_reactions_without_a_number(folder, monkeypatch, ids, message):
    files.make("zero_shot_reaction", folder, monkeypatch)
    rows = "".join(f"{number}\tname\n" for number in ids)
    (folder / "Reaction" / "reaction_name.tsv").write_text(f"id\tname\n{rows}")
    dataset = Reaction(str(folder))
    with pytest.raises(InputError, match=rf"reaction_name.tsv: {message}"):
        dataset.label_names  # noqa: B018


def test_another_archive_of_reactions_is_refused(folder, monkeypatch):
    files.make("zero_shot_reaction", folder, monkeypatch)
    monkeypatch.setattr(Reaction, "md5", "0" * 32)
    with pytest.raises(InputError, match=r"Reaction\.zip.* MD5"):
        Reaction(str(folder))


def make_reactions(folder, monkeypatch, change):
    """With changed labels."""
    files.make_proteins(Reaction, "label", lambda rank, _: change(rank % 3), folder, monkeypatch)
    files.make_reaction_names(folder)


def test_reactions_numbered_by_floats(folder, monkeypatch):
    make_reactions(folder, monkeypatch, float)
    dataset = Reaction(str(folder))
    assert {type(label) for label in dataset.targets["label"]} == {int}


def test_reactions_that_are_not_numbered(folder, monkeypatch):
    make_reactions(folder, monkeypatch, lambda number: number - 0.5)
    message = r"Reaction_train.lmdb, record 0: 'label' is \S+; expected the number of a class"
    with pytest.raises(InputError, match=message):
        Reaction(str(folder))
