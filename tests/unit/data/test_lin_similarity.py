"""Lin's similarity against slow formulas, GOATOOLS and FastSemSim on real annotations."""

import gzip
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from gene_ontology_files import LIN_REFERENCE, ONTOLOGY, annotated_entries, write_gaf
from goatools.godag.go_tasks import get_go2ancestors
from goatools.obo_parser import GODag
from goatools.semantic import TermCounts, get_info_content, lin_sim, lin_sim_calc

from protclip_td.data.gene_ontology.annotations import read_annotations
from protclip_td.data.gene_ontology.lin_similarity import (
    information_content,
    lin_of_terms,
    lin_similarity,
)
from protclip_td.data.gene_ontology.ontology import read_ontology

ASPECTS = ("MF", "BP", "CC")


@pytest.fixture(scope="module")
def real(sample_path, tmp_path_factory):
    """Real terms and annotations: with part_of, and (for GOATOOLS) with is_a alone."""
    folder = tmp_path_factory.mktemp("gene_ontology")
    text = gzip.decompress(ONTOLOGY.read_bytes()).decode()
    only_is_a = "".join(
        line for line in text.splitlines(True) if not line.startswith("relationship")
    )
    (folder / "go.obo").write_text(text)
    (folder / "is_a.obo").write_text(only_is_a)
    return folder, write_gaf(annotated_entries(sample_path), folder / "sample.gaf")


def read(real, aspect, name="go.obo"):
    folder, gaf = real
    ontology = read_ontology(folder / name)
    return ontology, read_annotations(gaf, ontology, aspect)


def counts_of_goatools(real, annotations, relationships, name):
    graph = GODag(str(real[0] / name), optional_attrs={"relationship"}, prt=None)
    terms = {protein: set(own) for protein, own in annotations.items()}
    return graph, TermCounts(graph, terms, relationships=relationships)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_information_content_is_goatools(real, aspect):
    ontology, annotations = read(real, aspect)
    ours = information_content(annotations, ontology)
    _, counts = counts_of_goatools(real, annotations, {"part_of"}, "go.obo")
    theirs = {term: get_info_content(term, counts) for term in ours}
    assert len(ours) > 100
    assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_similarity_of_terms_is_goatools(real, aspect):
    """GOATOOLS counts over part_of if told to, but looks for common ancestors over is_a alone."""
    ontology, annotations = read(real, aspect, "is_a.obo")
    information = information_content(annotations, ontology)
    terms = sorted(set().union(*annotations.values()))[:60]
    ours = lin_of_terms(terms, information, ontology)
    graph, counts = counts_of_goatools(real, annotations, None, "is_a.obo")
    theirs = [[lin_sim(one, other, graph, counts) for other in terms] for one in terms]
    assert np.ptp(theirs) == 1
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_similarity_of_terms_over_part_of_is_goatools(real, aspect):
    """Its counts, its ancestors over part_of and its formula, put together."""
    ontology, annotations = read(real, aspect)
    terms = sorted(set().union(*annotations.values()))[:60]
    ours = lin_of_terms(terms, information_content(annotations, ontology), ontology)
    graph, counts = counts_of_goatools(real, annotations, {"part_of"}, "go.obo")
    above = get_go2ancestors(set(graph.values()), {"part_of"})
    above = {term: above.get(term, set()) | {term} for term in terms}

    def theirs(one, other):
        shared = max(get_info_content(term, counts) for term in above[one] & above[other])
        return lin_sim_calc(one, other, shared, counts)

    expected = [[theirs(one, other) for other in terms] for one in terms]
    np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_similarity_of_proteins_is_fastsemsims(real, aspect):
    """Best matches of all 36 proteins, computed by `make_lin_reference.py`."""
    ontology, annotations = read(real, aspect)
    reference = json.loads(LIN_REFERENCE.read_text())[aspect]
    proteins, rows = reference["proteins"], reference["similarity"]
    ours = lin_similarity(proteins, annotations, ontology)
    theirs = np.concatenate(rows)
    assert len(proteins) > 30
    assert np.ptp(theirs) > 0.9
    np.testing.assert_allclose(ours[np.tril_indices(len(proteins), -1)], theirs, atol=2e-6)


def slow_lin(one, other, information, ontology):
    common = ontology.ancestors(one) & ontology.ancestors(other)
    if one == other:
        return 1.0
    total = information[one] + information[other]
    return 2 * max(information[term] for term in common) / total if total else 0.0


@pytest.mark.parametrize("aspect", ASPECTS)
def test_similarity_of_proteins_pair_by_pair(real, aspect):
    """With part_of, from the formulas."""
    ontology, annotations = read(real, aspect)
    information = information_content(annotations, ontology)
    proteins = sorted(annotations)[:12]
    ours = lin_similarity(proteins, annotations, ontology)
    for i, one in enumerate(proteins):
        for j, other in enumerate(proteins):
            table = [
                [slow_lin(t, u, information, ontology) for u in annotations[other]]
                for t in annotations[one]
            ]
            best = [max(row) for row in table] + [max(column) for column in zip(*table)]
            assert ours[i, j] == pytest.approx(sum(best) / len(best), abs=1e-5)


def test_information_is_counted_over_all_proteins_and_unknown_ones_are_nan(real):
    ontology, annotations = read(real, "MF")
    one, other = sorted(annotations)[:2]
    whole = lin_similarity(sorted(annotations), annotations, ontology)
    found = lin_similarity([one, "X99999", other], annotations, ontology)
    assert found[0, 2] == whole[0, 1]
    assert np.isnan(found[1]).all()
    assert np.isnan(found[:, 1]).all()
    np.testing.assert_array_equal(whole, whole.T)
    np.testing.assert_allclose(np.diag(whole), 1, atol=1e-6)


def test_the_rarer_term_says_more():
    """Numbers by hand: four proteins under the root, two of them kinases, one of a rarer kind."""

    above = {"root": {"root"}, "kinase": {"kinase", "root"}, "other": {"other", "root"},
             "rare": {"rare", "kinase", "root"}}  # fmt: skip
    ontology = SimpleNamespace(ancestors=above.__getitem__)
    annotations = {"A": {"rare"}, "B": {"kinase"}, "C": {"other"}, "D": {"root"}}
    information = information_content(annotations, ontology)
    assert information == pytest.approx(
        {"root": 0, "kinase": math.log(2), "rare": math.log(4), "other": math.log(4)}
    )
    found = lin_similarity(list("ABCD"), annotations, ontology)
    assert found[0, 1] == pytest.approx(2 * math.log(2) / (math.log(2) + math.log(4)))
    assert found[0, 2] == 0
    assert found[3, 3] == 1  # the same term, even if it says nothing
    assert found[0, 3] == 0
