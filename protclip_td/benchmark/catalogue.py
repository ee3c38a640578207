"""The benchmarks: the 22 of the paper and the extras."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from protclip_td.errors import InputError
from protclip_td.wording import did_you_mean


@dataclass(frozen=True)
class Case:
    """One thing to run: a benchmark, or one of its splits.

    Parameters:
        name (str): name of the benchmark, with the split behind it if it has several
        flags (dict): variables of the configuration that make the case
    """

    name: str
    flags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    Parameters:
        name (str): as on the command line, and of its configuration
        title (str): what is predicted
        group (str): which of the paper's five kinds of task it is, or an extra
        metrics (tuple of str): first words of the metrics for the table, the headline first
        data (tuple of str): files below the data folder; several that serve alike with ``|``
            between them, and with ``+`` those that do so only together
        splits (tuple of str): splits that are run one after the other
        is_extra (bool): not among the 22
        needs_text (bool): whether the encoder has to have a text side
        trained (str): what can be trained: ``all``, the ``head`` on a fixed encoder, or ``nothing``
    """

    name: str
    title: str
    group: str
    metrics: tuple[str, ...]
    data: tuple[str, ...]
    splits: tuple[str, ...] = ()
    is_extra: bool = False
    needs_text: bool = False
    trained: str = "all"

    @property
    def cases(self) -> list[Case]:
        """What is to be run for it."""
        if not self.splits:
            return [Case(self.name)]
        return [Case(f"{self.name}-{split}", {"split": split}) for split in self.splits]


_CLASS = ("accuracy", "matthews correlation coefficient")
_ANNOTATION = ("f1_max", "auprc@micro")
_MUTATION = ("spearmanr", "root mean squared error")
_RANKING = ("mrr filtered", "mrr first hit", "recall@10")
_SIMILARITY = ("spearmanr [manhattan]", "spearmanr [cosine]", "spearmanr [euclidean]")
_INTERACTION = ("micro_f1",)
_PPI_SPLITS = ("random", "bfs", "dfs")

_CHAINS = ("annot.tsv", "test.csv", "train.txt", "valid.txt", "sequences.fasta")
# Under TorchDrug's name or under DeepFRI's.
_EC, _GO = (
    tuple(f"{folder}_{name}|{folder}_{release}_{name}" for name in _CHAINS)
    for folder, release in (
        ("EnzymeCommission/nrPDB-EC", "2020.04"),
        ("GeneOntology/nrPDB-GO", "2019.06.18"),
    )
)
_NODES = ("protein", "biological", "molecular", "cellular", "disease")
_PRIMEKG = (
    *(f"primekg/{name}.csv" for name in ("kg", *_NODES)),
    "primekg/drug.pkl|primekg/drug.npz",
)
_STRING = {
    "shs27k": (
        "string_actions/protein.actions.SHS27k.STRING.txt",
        "string_actions/protein.SHS27k.sequences.dictionary.tsv",
    ),
    "shs148k": (
        "string_actions/protein.actions.SHS148k.STRING.txt",
        "string_actions/protein.SHS148k.sequences.dictionary.tsv",
    ),
    # STRING's own, or GNN-PPI's cut of it.
    "string": (
        "string_actions/9606.protein.actions.v11.0.txt.gz+"
        "string_actions/9606.protein.sequences.v11.0.fa.gz|"
        "string_actions/9606.protein.actions.all_connected.txt+"
        "string_actions/protein.STRING_all_connected.sequences.dictionary.tsv",
    ),
}


def _annotation(name: str, title: str, data: tuple[str, ...]) -> Benchmark:
    return Benchmark(name, title, "protein classification", _ANNOTATION, data)


def _mutation(name: str, title: str, file: str) -> Benchmark:
    return Benchmark(name, title, "mutation effect prediction", _MUTATION, (file,))


def _cross_modal(name: str, title: str) -> Benchmark:
    return Benchmark(name, title, "cross-modal transformation", _RANKING, _PRIMEKG, trained="head")


def _similarity(aspect: str, title: str) -> Benchmark:
    matrix = f"human_{aspect}_proteinSimilarityMatrix_for_highest_annotated_500_proteins.csv"
    sequences = "probe/swiss_prot_human_canonical.fasta|probe/human_reviewed.fasta.gz"
    data = (sequences, f"probe/{matrix}")
    name = f"similarity_{aspect.lower()}"
    return Benchmark(
        name, title, "semantic similarity inference", _SIMILARITY, data, trained="nothing"
    )


def _interaction(name: str, title: str) -> Benchmark:
    group, data = "protein-protein interaction", _STRING[name]
    return Benchmark(name, title, group, _INTERACTION, data, _PPI_SPLITS, trained="head")


def _extra(name: str, title: str, metrics: tuple[str, ...], *data: str) -> Benchmark:
    return Benchmark(name, title, "extras", metrics, data, is_extra=True)


def _by_text(name: str, title: str, metrics: tuple[str, ...], *data: str) -> Benchmark:
    extra = _extra(name, title, metrics, *data)
    return replace(extra, needs_text=True, trained="nothing")


#: All benchmarks in the order in which they are run and shown.
BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("bin", "Binary localization", "protein classification", _CLASS,
              ("subcellular_localization_2.tar.gz",)),
    Benchmark("sub", "Subcellular localization", "protein classification", _CLASS,
              ("subcellular_localization.tar.gz",)),
    _annotation("ec", "Enzyme Commission", _EC),
    _annotation("go_bp", "Gene Ontology, biological process", _GO),
    _annotation("go_mf", "Gene Ontology, molecular function", _GO),
    _annotation("go_cc", "Gene Ontology, cellular component", _GO),
    _mutation("beta_lactamase", "Activity of beta-lactamase", "beta_lactamase.tar.gz"),
    _mutation("aav", "Fitness of AAV capsids", "aav/splits.zip"),
    _mutation("thermostability", "Melting temperature", "thermostability/splits.zip"),
    _mutation("fluorescence", "Fluorescence of GFP", "fluorescence.tar.gz"),
    _mutation("stability", "Stability of designed proteins", "stability.tar.gz"),
    _cross_modal("prot2bp", "Protein to biological process"),
    _cross_modal("prot2mf", "Protein to molecular function"),
    _cross_modal("prot2cc", "Protein to cellular component"),
    _cross_modal("prot2drug", "Protein to drug"),
    _cross_modal("disease2prot", "Disease to protein"),
    _similarity("MF", "Similarity of molecular functions"),
    _similarity("BP", "Similarity of biological processes"),
    _similarity("CC", "Similarity of cellular components"),
    _interaction("shs27k", "Types of interaction, SHS27k"),
    _interaction("shs148k", "Types of interaction, SHS148k"),
    _interaction("string", "Types of interaction, STRING"),
    _extra("human_ppi", "Human pairs that interact", _CLASS, "human_ppi.zip"),
    _extra("yeast_ppi", "Yeast pairs that interact", _CLASS, "yeast_ppi.zip"),
    _extra("ppi_affinity", "Affinity of pairs",
           ("root mean squared error", "spearmanr"), "ppi_affinity.zip"),
    _by_text("zero_shot_sub", "Localization by text", ("accuracy", "chance accuracy"),
             "subcellular_localization.tar.gz"),
    _by_text("zero_shot_reaction", "Reaction by text", ("accuracy", "chance accuracy"),
             "Reaction.zip", "Reaction/reaction_name.tsv"),
    _by_text("text_to_protein", "Proteins found by text",
             ("mrr first hit", "recall@10"), *_GO),
)  # fmt: skip


def choose(names: Sequence[str]) -> list[Benchmark]:
    """The benchmarks of some names, in their own order.

    Parameters:
        names (list of str): names; ``all`` are the 22, ``extras`` the others

    Raises:
        InputError: an unknown name; with the nearest right one

    Example::

        >>> [benchmark.name for benchmark in choose(["sub", "bin"])]
        ['bin', 'sub']
    """
    known = {benchmark.name for benchmark in BENCHMARKS}
    for name in names:
        if name not in known and name not in ("all", "extras"):
            hint = did_you_mean(name, [*known, "all", "extras"])
            raise InputError(f"there is no benchmark {name}{hint or '; --list shows all'}")
    return [
        benchmark
        for benchmark in BENCHMARKS
        if benchmark.name in names or ("extras" if benchmark.is_extra else "all") in names
    ]
