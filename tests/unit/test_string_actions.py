"""Reading a network of actions, and the files of its splits."""

import gzip
import json
from itertools import combinations

import graph_files
import numpy as np
import pytest
import torch
from torchdrug.data import graph_collate

from protclip_td.data.digests import md5_of
from protclip_td.datasets import STRINGActions
from protclip_td.datasets.string_actions import Size
from protclip_td.datasets.string_actions_reader import (
    ACTIONS,
    Network,
    largest_component,
    read_network,
    sequences_of,
)
from protclip_td.errors import InputError

# What `conftest.py` takes away from the small networks of tests.
PUBLISHED, KNOWN = STRINGActions.published, STRINGActions.known

HEADER = "\t".join(graph_files.ACTIONS_HEADER)


def line(first, second, mode):
    return f"{first}\t{second}\t{mode}\t\tt\tf\t900"


def write(path, *lines, end="\n"):
    path.write_bytes((end.join([HEADER, *lines]) + end).encode())
    return path


@pytest.fixture
def data(pairs, tmp_path):
    graph_files.write_string_actions(tmp_path, [entry.sequence for entry in pairs])
    return str(tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_lines_of_a_pair_are_one_pair(tmp_path, end, mark):
    path = write(
        tmp_path / "a.txt",
        line("P2", "P1", "binding"), line("P1", "P2", "reaction"),
        line("P3", "P1", "ptmod"), line("P1", "P2", "binding"), end=end,
    )  # fmt: skip
    path.write_bytes(mark + path.read_bytes())
    network = read_network(path)
    assert network.proteins == ["P2", "P1", "P3"]
    assert network.pairs.tolist() == [[1, 0], [1, 2]]
    assert network.labels.tolist() == [[1, 1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0]]


def test_columns_of_the_labels_are_those_of_gnn_ppi(tmp_path):
    columns = "reaction,binding,ptmod,activation,inhibition,catalysis,expression"
    lines = [line("P0", f"P{i}", mode) for i, mode in enumerate(columns.split(","), 1)]
    assert read_network(write(tmp_path / "a.txt", *lines)).labels.tolist() == np.eye(7).tolist()


def test_gzip_and_fasta_are_read_as_well(tmp_path):
    plain = write(tmp_path / "a.txt", line("P1", "P2", "binding"))
    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_network(packed).proteins == ["P1", "P2"]
    fasta = tmp_path / "s.fa.gz"
    fasta.write_bytes(gzip.compress(b">P2 some words\nMKV\nLA\n>P1\nMK\n"))
    assert sequences_of(fasta, ["P1", "P2"]) == ["MK", "MKVLA"]


def test_the_largest_part_that_hangs_together():
    pairs = np.array([[0, 5], [1, 2], [2, 3], [3, 4], [4, 1]])
    labels = np.eye(7, dtype=np.uint8)[[0, 1, 2, 3, 4]]
    part = largest_component(Network(list("abcdef"), pairs, labels))
    assert part.proteins == list("bcde")
    assert part.pairs.tolist() == [[0, 1], [1, 2], [2, 3], [3, 0]]
    assert part.labels.tolist() == labels[1:].tolist()


def test_the_largest_part_has_the_most_proteins_not_the_most_pairs():
    everyone_with_everyone, chain = combinations(range(4), 2), zip(range(4, 9), range(5, 10))
    pairs = np.array([*everyone_with_everyone, *chain])
    part = largest_component(Network(list("abcdefghij"), pairs, np.zeros((11, 7), np.uint8)))
    assert part.proteins == list("efghij")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line("P1", "P2", "bindin")], r"line 2: action 'bindin' is none of \['reaction'"),
        ([line("P1", "P2", "binding"), "P1\tP3"], "line 3: 2 cells; the header has 7"),
        ([line("P1", "P1", "binding")], "no action of two proteins below it"),
        ([], "no action of two proteins below it"),
    ],
)
def test_bad_actions(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        read_network(write(tmp_path / "a.txt", *lines))


def test_lines_of_a_protein_that_acts_on_itself_are_left_out_and_counted(tmp_path, caplog):
    lines = [line("P1", "P2", "binding"), line("P3", "P1", "ptmod")]
    selves = [line("P9", "P9", "binding"), line("P1", "P1", "reaction")]
    with_them = read_network(write(tmp_path / "a.txt", selves[0], lines[0], selves[1], lines[1]))
    assert [each.message for each in caplog.records] == [
        f"{tmp_path}/a.txt: left out 2 lines of a protein acting on itself"
    ]
    without = read_network(write(tmp_path / "b.txt", *lines))
    assert with_them.proteins == without.proteins == ["P1", "P2", "P3"]
    assert with_them.pairs.tolist() == without.pairs.tolist()
    assert with_them.labels.tolist() == without.labels.tolist()
    assert len(caplog.records) == 1


def test_bad_files(tmp_path):
    (tmp_path / "a.txt").write_text("protein1\tprotein2\tmode\n")
    with pytest.raises(ValueError, match=r"no column \['item_id_a', 'item_id_b'\]"):
        read_network(tmp_path / "a.txt")
    lines = [line(f"P{i}", f"P{i + 1}", "binding") for i in range(1000)]
    whole = gzip.compress("\n".join([HEADER, *lines]).encode())
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a.gz: the gzip file is cut off"):
        read_network(tmp_path / "a.gz")


def test_damaged_gzip_is_named_wherever_the_damage_is(tmp_path):
    lines = [line(f"P{i}", f"P{i * i}", "binding") for i in range(2, 300)]
    whole = gzip.compress("\n".join([HEADER, *lines]).encode())
    for place in range(10, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 255
        (tmp_path / "a.gz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.gz"):
            read_network(tmp_path / "a.gz")


@pytest.mark.parametrize("packed", [False, True])
def test_half_a_network_is_not_used(data, tmp_path, monkeypatch, packed):
    path = tmp_path / "string_actions" / "protein.actions.SHS27k.STRING.txt"
    size = Size(len(STRINGActions(data).sequences), len(STRINGActions(data)))
    monkeypatch.setattr(STRINGActions, "published", {path.name: size})
    assert len(STRINGActions(data)) == size.pairs
    lines = path.read_bytes().splitlines(keepends=True)
    half = b"".join(lines[: len(lines) // 2])
    path.write_bytes(gzip.compress(half) if packed else half)
    message = rf"SHS27k.STRING.txt is not whole .*; expected {size.proteins} in {size.pairs} pairs"
    with pytest.raises(InputError, match=message) as error:
        STRINGActions(data)
    way_out = f"STRINGActions.published.pop('{path.name}')"
    assert f"call {way_out} in Python first" in str(error.value)
    eval(way_out)
    assert len(STRINGActions(data, split_file=str(tmp_path / "half.json"))) < size.pairs


@pytest.mark.parametrize(
    ("change", "refused"),
    [((0, 0), False), ((1, 0), True), ((0, 1), True), ((None, 0), False), ((None, 1), True)],
)
def test_pairs_are_counted_always_and_proteins_where_texts_agree(
    data, tmp_path, monkeypatch, change, refused
):
    name = "protein.actions.SHS27k.STRING.txt"
    whole = STRINGActions(data)
    proteins = None if change[0] is None else len(whole.sequences) + change[0]
    size = Size(proteins, len(whole) + change[1])
    monkeypatch.setattr(STRINGActions, "published", {name: size})
    if not refused:
        assert len(STRINGActions(data)) == len(whole)
        return
    wanted = f"{proteins} in {size.pairs}" if proteins else f"{size.pairs}"
    with pytest.raises(InputError, match=rf"it has .* pairs; expected {wanted} pairs\. Remove it"):
        STRINGActions(data)


def test_a_line_too_few_is_told_beside_the_lines_left_out(data, tmp_path, monkeypatch, caplog):
    """Where a published number counts pairs that are none here, the log says how many."""
    path = tmp_path / "string_actions" / "protein.actions.SHS27k.STRING.txt"
    whole = STRINGActions(data)
    with path.open("a") as file:
        file.write(line("A", "A", "binding") + "\n")
    size = Size(len(whole.sequences), len(whole) + 1)
    monkeypatch.setattr(STRINGActions, "published", {path.name: size})
    with pytest.raises(InputError, match=rf"in {len(whole)} pairs; expected .* {size.pairs} pairs"):
        STRINGActions(data)
    assert "left out 1 lines of a protein acting on itself" in caplog.text


def test_sequences_of_another_size_are_not_used(data, monkeypatch):
    """A last sequence that was cut looks whole."""
    name = "protein.SHS27k.sequences.dictionary.tsv"
    monkeypatch.setattr(STRINGActions, "known", {name: KNOWN[name]})
    with pytest.raises(InputError, match=rf"{name} is there, .* of 1,002,278 bytes"):
        STRINGActions(data)


def test_manifest_holds_the_checksums_of_both_files(data, tmp_path):
    folder = tmp_path / "string_actions"
    before = STRINGActions(data).manifest
    actions, sequences = (name for name, _ in STRINGActions.files["SHS27k"])
    assert before["files"] == {name: md5_of(folder / name) for name in (actions, sequences)}
    rows = [line.split("\t") for line in (folder / sequences).read_text().splitlines()]
    (folder / sequences).write_text("".join(f"{name}\t{s[:10]}\n" for name, s in rows))
    after = STRINGActions(data).manifest
    assert {key for key in before if before[key] != after[key]} == {"files"}


def test_published_sizes_are_those_of_the_files_and_of_the_manual():
    names = [STRINGActions.files[name][0][0] for name in ("SHS27k", "SHS148k")]
    assert list(PUBLISHED) == [*names, STRINGActions.gnn_ppi_string[0]]
    for size in PUBLISHED.values():
        proteins = f"{size.proteins:,} proteins, " if size.proteins else ", "
        assert f"{proteins}{size.pairs:,} pairs" in STRINGActions.__doc__
    assert PUBLISHED[STRINGActions.gnn_ppi_string[0]] == (None, 593_397)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (">P1\nMKV\n>P2\nMK\n>P3\nMK\n>P1\nMKVL\n", "P1 comes twice, with different sequences"),
        ("P1\tMKV\nP2\tMK\nP3\tMK\nP1\tMKVL\n", "line 4: P1 comes twice, with different seq"),
        ("P1\tMKV\n", "no sequence for 2 of 3 proteins of the network: P2, P3"),
        ("P1\tMKV\nP2\tM-V\nP3\tMK\n", "P2: letters '-' are no residues"),
        ("P1\tMKV\nP2\tMKV*\nP3\tMK\n", r"P2: letters '\*' are no residues"),
        ("P1\tMKV\nP2\t\nP3\tMK\n", "P2: the sequence is empty"),
    ],
)
def test_bad_sequences(tmp_path, content, message):
    (tmp_path / "s.tsv").write_text(content)
    with pytest.raises(ValueError, match=message):
        sequences_of(tmp_path / "s.tsv", ["P1", "P2", "P3"])


def test_a_batch_is_its_items(data):
    dataset = STRINGActions(data)
    expected = graph_collate([dataset[row] for row in (5, 0, 7)])
    first, second = dataset[5]["node1"], dataset[5]["node2"]
    assert [first, second] == dataset.network.pairs[5].tolist()
    assert type(first) is int
    batch = dataset.get_batch([5, 0, 7])
    assert list(batch) == list(expected) == ["node1", "node2", "targets"]
    assert all(torch.equal(values, expected[name]) for name, values in batch.items())
    assert batch["targets"].dtype == torch.float32


def test_items(data, pairs):
    dataset = STRINGActions(data)
    item = dataset[0]
    first, second = (dataset.sequences[item[key]] for key in ("node1", "node2"))
    modes = graph_files._modes(first, second)
    assert item["targets"].tolist() == [float(action in modes) for action in ACTIONS]
    assert dataset.tasks == list(ACTIONS)
    assert len(dataset.sequences) == len(pairs)


def test_string_from_its_own_files_or_from_gnn_ppis(data, tmp_path):
    folder = tmp_path / "string_actions"
    actions, sequences = (folder / file for file, _ in STRINGActions.files["SHS27k"])
    rows = [line.split("\t") for line in sequences.read_text().splitlines()]
    fasta = "".join(f">{name} human\n{sequence}\n" for name, sequence in [*rows, ("A", "MK")])
    lonely = line("A", "B", "binding")
    packed = gzip.compress((actions.read_text() + lonely + "\n").encode())
    (folder / "9606.protein.actions.v11.0.txt.gz").write_bytes(packed)
    (folder / "9606.protein.sequences.v11.0.fa.gz").write_bytes(gzip.compress(fasta.encode()))
    small = STRINGActions(data)
    raw = STRINGActions(data, "STRING")
    assert raw.network.proteins == small.network.proteins
    assert (raw.network.pairs == small.network.pairs).all()
    for file, name in zip((actions, sequences), STRINGActions.gnn_ppi_string):
        lines = file.read_text().splitlines(keepends=True)
        assert len(STRINGActions(data, "STRING")) == len(raw)  # one of the two is not enough
        (folder / name).write_text("".join(lines[:120] if file == actions else lines))
    cut = STRINGActions(data, "STRING", split_file=str(tmp_path / "cut.json"))
    assert 0 < len(cut) < len(raw)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "SHS28k"}, "name: 'SHS28k' given; expected one of"),
        ({"split": "bsf"}, "split: 'bsf' given"),
        ({"protocol": "strict"}, "protocol: 'strict' given"),
        ({"test_fraction": 1.0}, "test_fraction: 1.0 given; expected a share"),
        ({"valid_fraction": 1.0}, "valid_fraction: 1.0 given; expected a share"),
        ({"valid_fraction": 0.001}, "nothing is left for one of"),
    ],
)
def test_bad_options(data, options, message):
    with pytest.raises(ValueError, match=message):
        STRINGActions(data, **options)


def test_missing_files_say_where_they_belong(tmp_path, offline):
    with pytest.raises(ValueError, match=r"SHS27k.STRING.txt and 1 more are missing") as error:
        STRINGActions(str(tmp_path))
    said = str(error.value)
    for name, _ in STRINGActions.files["SHS27k"]:
        assert f"file:   {name}\n" in said
    assert said.count(f"folder: {tmp_path}/string_actions") == 2


def test_actions_of_shs148k_are_fetched(data, tmp_path, monkeypatch):
    published = tmp_path / "published"
    (tmp_path / "string_actions").rename(published)
    names = [name for name, _ in STRINGActions.files["SHS148k"]]
    for name in names:
        (published / name.replace("148k", "27k")).rename(published / name)
    assert STRINGActions.files["SHS148k"][0][1] == "https://zenodo.org/records/7213401/files/"
    files = tuple((name, f"file://{published}/") for name in names)
    monkeypatch.setitem(STRINGActions.files, "SHS148k", files)
    assert len(STRINGActions(data, "SHS148k").sequences) == 16
    actions = tmp_path / "string_actions" / names[0]
    actions.write_bytes(actions.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"damaged .*MD5(.|\n)*SHS148k.* is also in http://yell"):
        STRINGActions(data, "SHS148k")


def test_the_message_for_shs148k_names_the_other_place(tmp_path, offline):
    with pytest.raises(
        InputError, match=r"^protein.actions.SHS148k.STRING.txt and 1 more"
    ) as error:
        STRINGActions(str(tmp_path), "SHS148k")
    said = str(error.value)
    name = "protein.actions.SHS148k.STRING.txt"
    assert f"from:   https://zenodo.org/records/7213401/files/{name}\n" in said
    assert f"\n{name} is also in http://yellowstone.cs.ucla.edu/" in said
    with pytest.raises(InputError, match="SHS27k") as error:
        STRINGActions(str(tmp_path), "SHS27k")
    assert "is also in" not in str(error.value)


def test_actions_that_nothing_can_learn_are_told(data, tmp_path, caplog):
    num_pair = len(dataset := STRINGActions(data))
    binding = [i for i in range(num_pair) if dataset[i]["targets"][1]]
    rest = [i for i in range(num_pair) if i not in binding]
    path = tmp_path / "binding.json"
    path.write_text(json.dumps({"train_index": rest, "valid_index": binding}))
    caplog.clear()
    STRINGActions(data, split_file=str(path))
    assert "['binding', 'activation'] occur in test only" in caplog.text
