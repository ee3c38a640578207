"""Real labels: a pretrained encoder, fixed, is worth more than a random one, and labels count.

The labels come from the names of Gene Ontology terms in the pairs beside the project: functions,
processes and components as they are, places in the cell for localization, and the six classes of
enzymes, whose terms are those of EC.
"""

import gzip
import json
from collections import Counter

import downstream_files as files
import pytest
import torch
from linear_heads import HEADLINES, as_numbers, experiment_of, features_and_targets, ridge
from places import PAIRS, PRETRAINED
from torchdrug import datasets

from protclip_td.models.kept_features import keep_features

RANDOM = "random:ESM-2-8M"
MAX_RESIDUES = 150  # 1,199 proteins
SECTIONS = {"MF": "FUNCTION: ", "BP": "Involved in ", "CC": "SUBCELLULAR LOCATION: "}
PLACES = ("membrane", "nucleus", "cytoplasm", "extracellular region", "mitochondrion")
ENZYMES = {
    "oxidoreductase activity": "1.-.-.-",
    "transferase activity": "2.-.-.-",
    "hydrolase activity": "3.-.-.-",
    "lyase activity": "4.-.-.-",
    "isomerase activity": "5.-.-.-",
    "ligase activity": "6.-.-.-",
}

pytestmark = pytest.mark.skipif(
    not (PAIRS.exists() and PRETRAINED.exists()),
    reason="needs real pairs and pretrained weights: docs/learning.md says which, and where",
)


def terms_of(text):
    """Names of terms by branch."""
    found = dict.fromkeys(SECTIONS, ())
    for sentence in text.rstrip(".").split(". "):
        for branch, beginning in SECTIONS.items():
            if sentence.startswith(beginning):
                found[branch] = sentence.removeprefix(beginning).split("; ")
    return found


@pytest.fixture(scope="module")
def proteins():
    """Sequences with their terms."""
    with gzip.open(PAIRS, "rt") as file:
        pairs = [json.loads(line) for line in file]
    return [
        (pair["seq"], terms_of(pair["text"])) for pair in pairs if len(pair["seq"]) <= MAX_RESIDUES
    ]


def make_places(cls, places, folder, monkeypatch, proteins):
    """PEER's archive with the first of some places that a protein is in."""
    records = [
        {"primary": sequence, "localization": next(i for i, p in enumerate(places) if p & place)}
        for sequence, terms in proteins
        if (place := set(terms["CC"])) & set().union(*places)
    ]
    files.make_lmdb(cls, folder, monkeypatch, files.split_up(records))


def make_bin(*to):
    """In a membrane, or elsewhere."""
    make_places(datasets.BinaryLocalization, [{PLACES[0]}, set(PLACES[1:])], *to)


def make_sub(*to):
    make_places(datasets.SubcellularLocalization, [{place} for place in PLACES], *to)


def named_chains(proteins):
    return {f"{i:04d}-A": sequence for i, (sequence, _) in enumerate(proteins)}


def make_ec(folder, monkeypatch, proteins):
    """Enzymes alone, as there."""
    enzymes = [(s, set(terms["MF"]) & set(ENZYMES)) for s, terms in proteins]
    enzymes = [(s, sorted(ENZYMES[name] for name in names)) for s, names in enzymes if names]
    named = named_chains(enzymes)
    found = {chain: numbers for chain, (_, numbers) in zip(named, enzymes)}
    files.write_ec(folder, named, list(ENZYMES.values()), found)


def make_go(folder, monkeypatch, proteins):
    """Terms that one of fifty proteins has; the texts have their names, so the ids are made up."""
    named, terms, found = named_chains(proteins), {}, {}
    for branch in SECTIONS:
        own = dict(zip(named, (all_terms[branch] for _, all_terms in proteins)))
        count = Counter(name for names in own.values() for name in names)
        ids = {
            name: f"GO:{i:07d}"
            for i, name in enumerate(sorted(count))
            if name and count[name] * 50 >= len(named)
        }
        terms[branch] = {term: name for name, term in ids.items()}
        found[branch] = {c: [ids[n] for n in names if n in ids] for c, names in own.items()}
    files.write_go(folder, named, terms, found)


MAKERS = {"bin": make_bin, "sub": make_sub, "ec": make_ec}
MAKERS |= dict.fromkeys(("go_mf", "go_bp", "go_cc"), make_go)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """What a fixed encoder said of a protein in one benchmark is not asked in the next."""
    return tmp_path_factory.mktemp("kept")


@pytest.mark.parametrize("name", MAKERS)
def test_pretrained_is_worth_more_than_random_and_shuffled_labels_nothing(
    name, kept, tmp_path, monkeypatch, proteins
):
    MAKERS[name](tmp_path, monkeypatch, proteins)

    def scores(encoder):
        """With the right labels, and the mean with shuffled ones."""
        experiment = experiment_of(name, tmp_path, encoder, "--fix_encoder=true")
        keep_features(experiment.task.model.eval(), kept)
        return score_and_control(experiment, HEADLINES[name])

    pretrained, shuffled = scores(PRETRAINED)
    untrained, _ = scores(RANDOM)
    assert pretrained > untrained + 0.03
    assert shuffled < untrained - 0.03


def score_and_control(experiment, metric):
    task = experiment.task
    feature, target = features_and_targets(experiment, "train")
    test_feature, test_target = features_and_targets(experiment, "test")

    def score(labels):
        pred = ridge(feature, as_numbers(task, labels), test_feature, strength=10)
        return float(task.evaluate(pred, test_target)[metric])

    shuffled = [score(target[torch.randperm(len(target))]) for _ in range(10)]
    return score(target), sum(shuffled) / len(shuffled)
