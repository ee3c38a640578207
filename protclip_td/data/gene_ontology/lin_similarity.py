"""Lin's similarity of proteins by their terms in the Gene Ontology.

The rarer a term, the more it says: the information content of term t is

    IC(t) = −ln(proteins with t or a term below it / proteins with any term)

and two terms are as similar as what they have in common says of what both say together:

    Lin(t, u) = 2 · max IC(common ancestors) / (IC(t) + IC(u))

Two proteins are compared by the best match of each term (BMA):

    s(a, b) = (Σ_{t∈a} max_{u∈b} Lin(t, u) + Σ_{u∈b} max_{t∈a} Lin(t, u)) / (|a| + |b|)

Sources: Resnik, IJCAI 1995 (information content); Lin, ICML 1998; GOSemSim (Yu et al.,
Bioinformatics 2010) for BMA, which PROBE's matrices were made with.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from protclip_td.data.gene_ontology.annotations import Annotations
from protclip_td.data.gene_ontology.ontology import Ontology


def information_content(annotations: Annotations, ontology: Ontology) -> dict[str, float]:
    """Information content of all terms that some protein has, itself or by a term below.

    Parameters:
        annotations (dict): terms of each protein, in one aspect
        ontology (Ontology): the terms

    Returns:
        dict: information content in nats, 0 for the root, by term

    Example::

        >>> root, binding = frozenset({"GO:0003674"}), frozenset({"GO:0005488"})
        >>> found = information_content({"A": binding, "B": root}, ontology)
        >>> found["GO:0005488"], found["GO:0003674"]  # ln 2, ln 1
        (0.693..., 0.0)
    """
    count: Counter[str] = Counter()
    for terms in annotations.values():
        count.update(set().union(*map(ontology.ancestors, terms)))
    return {term: math.log(len(annotations) / number) for term, number in count.items()}


def lin_of_terms(
    terms: Sequence[str], information: Mapping[str, float], ontology: Ontology
) -> np.ndarray:
    """Lin's similarity of all pairs of terms of one aspect.

    Parameters:
        terms (list of str): T different terms that some protein has
        information (dict): information content by term
        ontology (Ontology): the terms

    Returns:
        array: (T, T), float32; terms that have only the root in common have 0, equal terms 1
    """
    below: dict[str, list[int]] = {}
    for row, term in enumerate(terms):
        for ancestor in ontology.ancestors(term):
            below.setdefault(ancestor, []).append(row)
    common = np.zeros((len(terms), len(terms)), dtype=np.float32)
    # The most informative common ancestor comes last, and stays.
    for ancestor in sorted(below, key=information.__getitem__):
        rows = below[ancestor]
        if len(rows) > 1:
            common[np.ix_(rows, rows)] = information[ancestor]
    own = np.array([information[term] for term in terms], dtype=np.float32)
    total = own[:, None] + own[None, :]
    lin = np.divide(2 * common, total, out=np.zeros_like(common), where=total > 0)
    np.fill_diagonal(lin, 1)
    return lin


def lin_similarity(
    proteins: Sequence[str], annotations: Annotations, ontology: Ontology
) -> np.ndarray:
    """Lin's similarity of all pairs of proteins, by best matches of their terms.

    Information content is counted over all annotated proteins, not only the given ones.

    Parameters:
        proteins (list of str): n accessions
        annotations (dict): terms of each protein, in one aspect
        ontology (Ontology): the terms

    Returns:
        array: (n, n), float32, symmetric; NaN for proteins without a term

    Example::

        >>> similarity = lin_similarity(["P01911", "P01912"], annotations, ontology)
        >>> similarity[0, 1]  # two chains of MHC class II
        np.float32(0.5115...)
    """
    own = [annotations.get(protein, frozenset()) for protein in proteins]
    terms = sorted(set().union(*own))
    place = {term: row for row, term in enumerate(terms)}
    lin = lin_of_terms(terms, information_content(annotations, ontology), ontology)
    rows = [[place[term] for term in mine] for mine in own]
    has_term = np.zeros((len(own), len(terms)), dtype=np.float32)
    best = np.zeros((len(terms), len(own)), dtype=np.float32)
    for protein, mine in enumerate(rows):
        has_term[protein, mine] = 1
        best[:, protein] = lin[:, mine].max(axis=1, initial=0)
    # (n, n): for each term of the row's protein the best match in the column's, summed up.
    matched = has_term @ best
    number = has_term.sum(axis=1)
    total = number[:, None] + number[None, :]
    known = (number[:, None] > 0) & (number[None, :] > 0)
    unknown = np.full_like(matched, np.nan)
    return np.divide(matched + matched.T, total, out=unknown, where=known)
