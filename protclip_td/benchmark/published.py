"""Numbers that others have published, each with where it is from; what was not found is absent."""

from typing import NamedTuple

PAPER = "ProtCLIP (Zhou et al., AAAI 2025)"
_PROTST = "ProtST (Xu et al., ICML 2023)"
_BIOBRIDGE = "BioBridge (Wang et al., ICLR 2024), as reported for ProtCLIP"
_GNN_PPI = "GNN-PPI (Lv et al., IJCAI 2021)"
_SAPROT = "SaProt (Su et al., ICLR 2024)"
_PROTGO = "ProtGO (Hu et al., NeurIPS 2024), table 5"


class PublishedNumber(NamedTuple):
    """One published number.

    Parameters:
        model (str): whose it is
        value (float): in the unit of our metric; accuracies and F1 as shares of one
        source (str): who published it
        remark (str): what to know about it, or ""
        protocol (str): name of the protocol that it can be compared with, as the table shows it;
            "" for that of the publication, where ours has no name of its own
        pairs (int): pairs of the network that it is from, 0 where it is from none
    """

    model: str
    value: float
    source: str
    remark: str = ""
    protocol: str = ""
    pairs: int = 0


_LEAKS = "split: published, where training holds the reverse of test triplets"
_TEST_SELECTS = "protocol: published, where test edges select the epoch and carry messages"
_OTHER_CUT = (
    f"{_TEST_SELECTS}; on GNN-PPI's cut of STRING, which is run here only where both of its files "
    "are in place, else the largest connected part of STRING v11"
)


def _annotation(paper: tuple, esm: float, protst: tuple) -> dict[str, tuple[PublishedNumber, ...]]:
    """AUPR and Fmax of a function annotation benchmark; ESM-2's AUPR was not found."""
    found: dict[str, tuple[PublishedNumber, ...]] = {
        "auprc@micro": (PublishedNumber("ProtCLIP", paper[0], PAPER),),
        "f1_max": (
            PublishedNumber("ProtCLIP", paper[1], PAPER),
            PublishedNumber("ESM-2", esm, _PROTGO),
        ),
    }
    for key, value in zip(found, protst):
        if value is not None:
            found[key] += (PublishedNumber("ProtST-ESM-2", value, _PROTST),)
    return found


def _ranking(protclip: float, biobridge: float) -> dict[str, tuple[PublishedNumber, ...]]:
    return {
        "mrr filtered": (
            PublishedNumber("ProtCLIP", protclip, PAPER, _LEAKS, "published"),
            PublishedNumber("BioBridge", biobridge, _BIOBRIDGE, _LEAKS, "published"),
        )
    }


def _interaction(
    micro_f1: float, pairs: int, remark: str = _TEST_SELECTS
) -> dict[str, tuple[PublishedNumber, ...]]:
    return {
        "micro_f1": (PublishedNumber("GNN-PPI", micro_f1, _GNN_PPI, remark, "published", pairs),)
    }


def _string(micro_f1: float) -> dict[str, tuple[PublishedNumber, ...]]:
    return _interaction(micro_f1, 593_397, _OTHER_CUT)


#: Published numbers by case and metric.
PUBLISHED: dict[str, dict[str, tuple[PublishedNumber, ...]]] = {
    "bin": {"accuracy": (PublishedNumber("ProtST", 0.925, _PROTST, "rounded"),)},
    "sub": {
        "accuracy": (
            PublishedNumber("ESM-2", 0.8209, _SAPROT, "on a split of its own", "SaProt's"),
        )
    },
    "ec": _annotation((0.906, 0.908), 0.874, (None, 0.878)),
    "go_bp": _annotation((0.567, 0.574), 0.472, (0.342, 0.482)),
    "go_mf": _annotation((0.696, 0.691), 0.662, (0.647, 0.668)),
    "go_cc": _annotation((0.582, 0.541), 0.472, (0.364, 0.487)),
    "prot2bp": _ranking(0.224, 0.136),
    "prot2mf": _ranking(0.475, 0.326),
    "prot2cc": _ranking(0.414, 0.319),
    "prot2drug": _ranking(0.409, 0.172),
    "disease2prot": _ranking(0.161, 0.084),
    "shs27k-random": _interaction(0.8791, 7_624),
    "shs27k-bfs": _interaction(0.6381, 7_624),
    "shs27k-dfs": _interaction(0.7472, 7_624),
    "shs148k-random": _interaction(0.9226, 44_488),
    "shs148k-bfs": _interaction(0.7137, 44_488),
    "shs148k-dfs": _interaction(0.8267, 44_488),
    "string-random": _string(0.9543),
    "string-bfs": _string(0.7837),
    "string-dfs": _string(0.9107),
    "zero_shot_sub": {"accuracy": (PublishedNumber("ProtST-ESM-1b", 0.44, _PROTST),)},
}
