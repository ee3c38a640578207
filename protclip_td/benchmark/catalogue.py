"""The benchmarks: the 22 of the paper and the extras."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from protclip_td.config.mistakes import did_you_mean
from protclip_td.errors import InputError


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
        group (str): what kind of task it is
        metrics (tuple of str): first words of the metrics for the table, the headline first
        data (tuple of str): files below the data folder; several that serve alike with ``|``
            between them
        splits (tuple of str): splits that are run one after the other
        is_extra (bool): not among the 22
        needs_text (bool): whether the encoder has to have a text side
    """

    name: str
    title: str
    group: str
    metrics: tuple[str, ...]
    data: tuple[str, ...]
    splits: tuple[str, ...] = ()
    is_extra: bool = False
    needs_text: bool = False

    @property
    def cases(self) -> list[Case]:
        """What is to be run for it."""
        if not self.splits:
            return [Case(self.name)]
        return [Case(f"{self.name}-{split}", {"split": split}) for split in self.splits]


_LOCALIZATION = ("accuracy",)
_ANNOTATION = ("f1_max", "auprc@micro")
_MUTATION = ("spearmanr",)
_RANKING = ("mrr filtered", "mrr first hit", "recall@10")
_SIMILARITY = ("spearmanr [manhattan]", "spearmanr [cosine]", "spearmanr [euclidean]")
_INTERACTION = ("micro_f1",)
_PPI_SPLITS = ("random", "bfs", "dfs")
_PRIMEKG = ("primekg/kg.csv",)
_PROBE = ("probe/human_reviewed.fasta.gz",)
_STRING = ("string_actions",)

#: All benchmarks in the order in which they are run and shown.
BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("bin", "Binary localization", "classification", _LOCALIZATION,
              ("subcellular_localization_2.tar.gz",)),
    Benchmark("sub", "Subcellular localization", "classification", _LOCALIZATION,
              ("subcellular_localization.tar.gz",)),
    Benchmark("ec", "Enzyme Commission", "classification", _ANNOTATION, ("EnzymeCommission*",)),
    Benchmark("go_bp", "GO biological process", "classification", _ANNOTATION,
              ("GeneOntology*",)),
    Benchmark("go_mf", "GO molecular function", "classification", _ANNOTATION,
              ("GeneOntology*",)),
    Benchmark("go_cc", "GO cellular component", "classification", _ANNOTATION,
              ("GeneOntology*",)),
    Benchmark("beta_lactamase", "Beta-lactamase activity", "mutation effect", _MUTATION,
              ("beta_lactamase.tar.gz",)),
    Benchmark("aav", "AAV fitness", "mutation effect", _MUTATION, ("aav*",)),
    Benchmark("thermostability", "Thermostability", "mutation effect", _MUTATION,
              ("thermo*|meltome*",)),
    Benchmark("fluorescence", "Fluorescence", "mutation effect", _MUTATION,
              ("fluorescence.tar.gz",)),
    Benchmark("stability", "Stability", "mutation effect", _MUTATION, ("stability.tar.gz",)),
    Benchmark("prot2bp", "Protein to biological process", "cross-modal", _RANKING, _PRIMEKG),
    Benchmark("prot2mf", "Protein to molecular function", "cross-modal", _RANKING, _PRIMEKG),
    Benchmark("prot2cc", "Protein to cellular component", "cross-modal", _RANKING, _PRIMEKG),
    Benchmark("prot2drug", "Protein to drug", "cross-modal", _RANKING, _PRIMEKG),
    Benchmark("disease2prot", "Disease to protein", "cross-modal", _RANKING, _PRIMEKG),
    Benchmark("similarity_mf", "Similarity, molecular function", "semantic similarity",
              _SIMILARITY, (*_PROBE, "probe/*MF*")),
    Benchmark("similarity_bp", "Similarity, biological process", "semantic similarity",
              _SIMILARITY, (*_PROBE, "probe/*BP*")),
    Benchmark("similarity_cc", "Similarity, cellular component", "semantic similarity",
              _SIMILARITY, (*_PROBE, "probe/*CC*")),
    Benchmark("shs27k", "SHS27k interactions", "interaction", _INTERACTION, _STRING, _PPI_SPLITS),
    Benchmark("shs148k", "SHS148k interactions", "interaction", _INTERACTION, _STRING,
              _PPI_SPLITS),
    Benchmark("string", "STRING interactions", "interaction", _INTERACTION, _STRING, _PPI_SPLITS),
    Benchmark("human_ppi", "Human pairs", "extras", _LOCALIZATION, ("human_ppi.zip",),
              is_extra=True),
    Benchmark("yeast_ppi", "Yeast pairs", "extras", _LOCALIZATION, ("yeast_ppi.zip",),
              is_extra=True),
    Benchmark("ppi_affinity", "Affinity of pairs", "extras",
              ("root mean squared error", "spearmanr"), ("ppi_affinity.zip",), is_extra=True),
    Benchmark("zero_shot_sub", "Localization by text", "extras", ("accuracy",),
              ("subcellular_localization.tar.gz",), is_extra=True, needs_text=True),
    Benchmark("zero_shot_reaction", "Reaction by text", "extras", ("accuracy",),
              ("Reaction*|reaction*",), is_extra=True, needs_text=True),
    Benchmark("text_to_protein", "Text to protein", "extras", ("mrr", "recall@10"),
              ("GeneOntology*",), is_extra=True, needs_text=True),
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
