"""The five benchmarks, and a bridge that is small."""

ENDS = {
    "prot2bp": ("gene/protein", "biological_process"),
    "prot2mf": ("gene/protein", "molecular_function"),
    "prot2cc": ("gene/protein", "cellular_component"),
    "prot2drug": ("gene/protein", "drug"),
    "disease2prot": ("disease", "gene/protein"),
}
NAMES = tuple(ENDS)
SMALL = {"hidden_dim": 32, "num_layer": 1, "num_head": 4}
