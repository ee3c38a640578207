"""Proteins and how similar their functions are: PROBE's benchmark, or a user's own proteins."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch.utils import data as torch_data
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.checks import check_choice, check_count
from protclip_td.data.digests import md5_by_name
from protclip_td.data.gene_ontology.annotations import read_annotations
from protclip_td.data.gene_ontology.lin_similarity import lin_similarity
from protclip_td.data.gene_ontology.ontology import ASPECTS, read_ontology
from protclip_td.data.outside.remote import DataFile, fetch_all
from protclip_td.data.proteins import to_protein
from protclip_td.data.reading.sequences import read_sequences
from protclip_td.datasets.probe_files import (
    FASTA_FILE,
    FASTA_URL,
    MATRIX_OF,
    files_of,
    read_probe,
)
from protclip_td.errors import InputError
from protclip_td.wording import first_few

logger = logging.getLogger(__name__)

#: Reviewed human proteins of UniProt today; some of PROBE's may have been merged since.
HUMAN_URL = (
    "https://rest.uniprot.org/uniprotkb/stream?compressed=true&format=fasta"
    "&query=%28organism_id%3A9606%29+AND+%28reviewed%3Atrue%29"
)
HUMAN_FILE = "human_reviewed.fasta.gz"


@R.register("datasets.PROBE")
class PROBE(torch_data.Dataset, core.Configurable):
    """Human proteins and the similarity of their annotations in the Gene Ontology.

    The similarities are PROBE's matrices (Lin's measure, best matches, without IEA), or with
    `annotation` and `ontology` the same measure computed here, for any proteins.

    Statistics:
        - the human proteins with the most annotations, called the 500: 497 (MF), 497 (BP) and
          495 (CC); the 200 of them: 200 each; about 246 pairs of the 500 (``sparse``)
        - All are test proteins; nothing is trained.

    Source: PROBE (Unsal et al., Nature Machine Intelligence 2022). Licences: PROBE's files GPL-3.0,
    sequences (UniProt) and annotations (GO, GOA) CC BY 4.0.

    Parameters:
        path (str): folder; PROBE's files lie in its ``probe/``
        aspect (str): ``MF`` (molecular function), ``BP`` (biological process) or ``CC`` (cellular
            component)
        proteins (int or str, optional): PROBE's 500, 200 or ``sparse``
        sequences (str, optional): FASTA or UniProtKB flat file with the proteins; by default
            PROBE's own in ``probe/swiss_prot_human_canonical.fasta`` if somebody put it there
            (https://drive.google.com/uc?export=download&id=1wXF2lmj4ZTahMrl66QpYM2TvHmbcIL6b),
            else ``probe/human_reviewed.fasta.gz``, which is fetched from UniProt if missing. A
            flat file also finds proteins whose accession was merged into another
        annotation (str, optional): GAF file to compute similarities from, instead of PROBE's
        ontology (str, optional): ``go-basic.obo`` or ``go.obo``, as new as `annotation`
        without_evidence (list of str, optional): evidence codes of `annotation` to leave out
        num_protein (int, optional): with `annotation`, how many of the sequences to take, those
            with the most annotations first
        allow_missing (bool, optional): leave out proteins of PROBE's matrix that `sequences`
            lacks, as PROBE does, instead of refusing; the manifest's protocol then says so

    Raises:
        InputError: a file is missing or cannot be read, a matrix is smaller than PROBE's, a GO id
            is not in the ontology, a protein has no sequence, or less than two proteins are left

    Example::

        >>> dataset = PROBE("~/protein-datasets", aspect="MF")
        >>> sorted(dataset[0])
        ['graph', 'index', 'similarity']
        >>> len(dataset[0]["similarity"]) == len(dataset)  # to all, NaN where it does not count
        True
    """

    #: Proteins of PROBE's matrices, by the number in their names and by aspect; no checksum is
    #: published.
    published: ClassVar[dict[str, dict[str, int]]] = {
        "500": {"MF": 497, "BP": 497, "CC": 495},
        "200": {"MF": 200, "BP": 200, "CC": 200},
    }

    def __init__(
        self,
        path: str,
        aspect: Literal["MF", "BP", "CC"],
        proteins: Literal[500, 200, "sparse"] = 500,
        sequences: str | None = None,
        annotation: str | None = None,
        ontology: str | None = None,
        without_evidence: Sequence[str] = ("IEA",),
        num_protein: int = 500,
        allow_missing: bool = False,
    ) -> None:
        self.folder = Path(path).expanduser() / "probe"
        self.missing: list[str] = []
        check_choice("aspect", aspect, tuple(ASPECTS.values()))
        check_choice("proteins", str(proteins), list(MATRIX_OF))
        check_count("num_protein", num_protein)
        self.aspect, self.proteins = aspect, str(proteins)
        #: MD5 of each file that was used.
        self.used: dict[str, str] = {}
        self.is_published = annotation is None and ontology is None
        if annotation is not None and ontology is not None:
            evidence = tuple(without_evidence)
            self._compute(sequences, annotation, ontology, evidence, num_protein)
        elif self.is_published:
            self._take_published(sequences, allow_missing)
        else:
            raise InputError(
                "annotation, ontology: one given without the other; similarities are computed from "
                "both, a GAF file and go-basic.obo, or read from PROBE's matrices"
            )
        if len(self.accessions) < 2:
            raise InputError(
                f"{self.aspect}: {len(self.accessions)} proteins with sequence and annotation; "
                "similarity needs two or more"
            )
        if not self._num_pair():
            raise InputError(f"{self.aspect}: no pair of proteins has a similarity")

    def _num_pair(self) -> int:
        return int((~self.similarity.isnan()).triu(1).sum())

    def _take_published(self, sequences: str | None, allow_missing: bool) -> None:
        wanted = files_of(self.folder, self.aspect, self.proteins)
        path, *files = self._fetch(sequences, wanted)
        accessions, similarity = read_probe(*files)
        self._check_size(files[0], len(accessions))
        found = read_sequences(path, set(accessions), also_secondary=True)
        self._keep_checksums(path, *files)
        missing = [accession for accession in accessions if accession not in found]
        if missing and not allow_missing:
            raise InputError(
                f"{path}: {first_few(missing)} of PROBE's {len(accessions)} proteins have no "
                f"sequence there. Put PROBE's own sequences, {FASTA_URL}, into {self.folder} as "
                f"{FASTA_FILE}; or give a UniProtKB flat file as `sequences`, which knows merged "
                "accessions; or leave them out with `allow_missing: true`, which makes the result "
                "less comparable"
            )
        if missing:
            logger.warning("%s: left out for want of a sequence: %s", path, first_few(missing))
        present = np.array([accession in found for accession in accessions])
        self.accessions = [accession for accession in accessions if accession in found]
        self.sequences = [found[accession] for accession in self.accessions]
        self.similarity = torch.from_numpy(similarity[present][:, present])
        self.missing = missing

    def _check_size(self, matrix: Path, size: int) -> None:
        """A matrix of which rows and columns were cut looks whole."""
        least = self.published.get(MATRIX_OF[self.proteins], {}).get(self.aspect, 0)
        if size < least:
            raise InputError(
                f"{matrix} is cut or another file: it has {size} proteins; expected PROBE's "
                f"{least}. Replace it"
            )

    def _compute(
        self,
        sequences: str | None,
        annotation: str,
        ontology: str,
        without_evidence: Sequence[str],
        num_protein: int,
    ) -> None:
        terms = read_ontology(ontology)
        annotations = read_annotations(annotation, terms, self.aspect, without_evidence)
        (path,) = self._fetch(sequences)
        found = read_sequences(path, set(annotations))
        self._keep_checksums(path, annotation, ontology)
        most_first = sorted(found, key=lambda protein: (-len(annotations[protein]), protein))
        self.accessions = most_first[:num_protein]
        self.sequences = [found[accession] for accession in self.accessions]
        similarity = lin_similarity(self.accessions, annotations, terms)
        self.similarity = torch.from_numpy(similarity)

    def _fetch(self, sequences: str | None, others: Sequence[DataFile] = ()) -> list[Path]:
        """The file of sequences, given or PROBE's, and others."""
        if sequences:
            return [Path(sequences).expanduser(), *fetch_all(others)]
        own = self.folder / FASTA_FILE
        if own.is_file():
            return [own, *fetch_all(others)]
        return fetch_all([DataFile(self.folder / HUMAN_FILE, HUMAN_URL), *others])

    def _keep_checksums(self, *files: str | Path) -> None:
        self.used = md5_by_name(Path(file).expanduser() for file in files)

    @property
    def manifest(self) -> dict[str, Any]:
        """What the data are, for the folder of a run."""
        return {
            "files": self.used,
            "aspect": self.aspect,
            "protocol": self._protocol(),
            "proteins": len(self.accessions),
            "pairs": self._num_pair(),
            "left out for want of a sequence": self.missing,
        }

    def _protocol(self) -> str | None:
        if not self.is_published:
            return "similarities computed from a GAF file"
        return "proteins left out" if self.missing else None

    def split(self) -> list[torch_data.Subset]:
        """Training and validation set, both empty, and the test set of all proteins."""
        return [torch_data.Subset(self, rows) for rows in ((), (), range(len(self)))]

    def __len__(self) -> int:
        return len(self.accessions)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One item: ``graph``, its ``similarity`` to all proteins, (n,), and its ``index``."""
        return {
            "graph": to_protein(self.sequences[index]),
            "similarity": self.similarity[index],
            "index": index,
        }
