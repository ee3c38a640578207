"""PrimeKG's files: their names and addresses, their sizes and checksums."""

from protclip_td.data.outside.remote import PublishedFile
from protclip_td.datasets.prime_kg_graph import DRUG, PROTEIN

# BioBridge keeps them with git's large file storage, which this address resolves, and which has
# their sizes and checksums.
_BIOBRIDGE = (
    "https://media.githubusercontent.com/media/RyanWangZf/BioBridge/"
    "950634099bcbcbc81f7beddc4e6f8d1eee6b55ab/data/"
)
#: The edges.
EDGES = "kg.csv"
#: What says which nodes of a type count; proteins have their sequences there, drugs their vectors.
NODES = {
    PROTEIN: "protein.csv",
    "biological_process": "biological.csv",
    "molecular_function": "molecular.csv",
    "cellular_component": "cellular.csv",
    "disease": "disease.csv",
    DRUG: "drug.pkl",
}
#: Address of each file, and what is known of it.
FILES = {
    EDGES: (
        "https://dataverse.harvard.edu/api/access/datafile/6180620",
        PublishedFile(981_751_236, md5="aac8191d4fbc5bf09cdf8c3c78b4e75f"),
    ),
    "protein.csv": (
        f"{_BIOBRIDGE}Processed/protein.csv",
        PublishedFile(
            11_745_993, sha256="b828055ebac94878b2e87e70f1a4fc55c2f21e30456405716078655607fb6f31"
        ),
    ),
    "biological.csv": (
        f"{_BIOBRIDGE}Processed/biological.csv",
        PublishedFile(
            6_794_154, sha256="51f4cce36ddaf9aaa61847433c3176270167c861f2b172c9139731c079b64055"
        ),
    ),
    "molecular.csv": (
        f"{_BIOBRIDGE}Processed/molecular.csv",
        PublishedFile(
            2_238_456, sha256="724004e50527fa7cf991eef5ebd9995167e1ec8d0ddf311c3efbb30067239483"
        ),
    ),
    "cellular.csv": (
        f"{_BIOBRIDGE}Processed/cellular.csv",
        PublishedFile(
            1_052_879, sha256="fa57e0875c37a96896b6f82e227001fe5d95e6b25a799a775d9877da0a0bbe8d"
        ),
    ),
    "disease.csv": (
        f"{_BIOBRIDGE}Processed/disease.csv",
        PublishedFile(
            11_437_983, sha256="d37bf294a331db02d04387246d06600236d3b7ac115b5a2660e71fcdcc38c71e"
        ),
    ),
    "drug.pkl": (
        f"{_BIOBRIDGE}embeddings/esm2b_unimo_pubmedbert/drug.pkl",
        PublishedFile(
            28_736_118, sha256="c51c618c427c4da3b963d65e0a469f1d8b0a8f76ef43ffef71c706485c0a6cc9"
        ),
    ),
}
