"""The four properties of a biotext and UniProt's protein-existence levels, each named once.

Source: ProtCLIP (Zhou et al., AAAI 2025), section on ProtAnno.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a biotext, and where the formats that hold it keep it.

    Parameters:
        key (str): name inside the project, such as in an item's `property_text`
        label (str): how a biotext announces it, without the colon
        topic (str): topic of UniProt's comment block (`CC -!-`), "" for the name (`DE`)
        uniprot_columns (tuple of str): column of a UniProt TSV export, current name first
        protst_column (str): column of a ProtST TSV
    """

    key: str
    label: str
    topic: str
    uniprot_columns: tuple[str, ...]
    protst_column: str


#: The K = 4 properties, in the order in which every biotext has them.
PROPERTIES = (
    Property("protein_name", "PROTEIN NAME", "", ("Protein names",), "ProteinName"),
    Property("function", "FUNCTION", "FUNCTION", ("Function [CC]", "Function"), "Function"),
    Property(
        "subcellular_location",
        "SUBCELLULAR LOCATION",
        "SUBCELLULAR LOCATION",
        ("Subcellular location [CC]", "Subcellular location"),
        "SubcellularLocation",
    ),
    Property(
        "similarity",
        "SIMILARITY",
        "SIMILARITY",
        ("Sequence similarities",),
        "Similarity",
    ),
)

#: Their keys, in the paper's order.
PROPERTY_KEYS = tuple(p.key for p in PROPERTIES)

#: Sample confidence C: UniProt's protein existence. Smaller is better.
PROTEIN_EXISTENCE = {
    1: "Evidence at protein level",
    2: "Evidence at transcript level",
    3: "Inferred from homology",
    4: "Predicted",
    5: "Uncertain",
}

CONFIDENCES = tuple(PROTEIN_EXISTENCE)

#: How many properties can be present; the paper's property coverage R is this divided by 4.
COVERAGES = (1, 2, 3, 4)

#: Shape :math:`(5, 4)` of a table of numbers by confidence and coverage.
GROUPS_SHAPE = (len(CONFIDENCES), len(COVERAGES))
