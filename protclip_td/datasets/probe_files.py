"""PROBE's files: where they are from, and reading its similarity matrices."""

import math
from pathlib import Path

import numpy as np

from protclip_td.data.outside.remote import DataFile
from protclip_td.data.reading.table import read_table
from protclip_td.errors import InputError

# As the README of github.com/HUBioDataLab/PROBE has them. Google Drive answers with a page where a
# file is large, so they are not fetched.
_DRIVE = "https://drive.google.com/uc?export=download&id="
#: All matrices and sparse pairs.
ZIP_URL = f"{_DRIVE}1elGfjI4jwzcjOBT6LoMnz-7DtdwPFV6i"
#: PROBE's own sequences, which have a name only here.
FASTA_URL = f"{_DRIVE}1wXF2lmj4ZTahMrl66QpYM2TvHmbcIL6b"
FASTA_FILE = "swiss_prot_human_canonical.fasta"
_SOURCE = (
    f"{ZIP_URL} (PROBE's zip; the file is in its preprocess or auxilary_input. PROBE's own "
    f"sequences are at {FASTA_URL}; put beside this file as {FASTA_FILE}, they are used instead "
    "of UniProt's)"
)
# More than the last digits of a similarity as they may be rounded.
_ROUNDING = 1e-3
#: PROBE's benchmarks, and of which matrix each is.
MATRIX_OF = {"500": "500", "200": "200", "sparse": "500"}


def read_probe(matrix: Path, coordinates: Path | None = None) -> tuple[list[str], np.ndarray]:
    """Read one of PROBE's benchmarks.

    Parameters:
        matrix (Path): similarities
        coordinates (Path, optional): the pairs in it that count, of ``sparse``

    Returns:
        list of str and array: n accessions, and their similarities, (n, n), NaN where a pair does
        not count

    Raises:
        InputError: a file has another layout
    """
    accessions, similarity = _read_matrix(matrix)
    if coordinates is not None:
        similarity = _only(similarity, _read_coordinates(coordinates, len(accessions)))
    return accessions, similarity


def files_of(folder: Path, aspect: str, proteins: str) -> list[DataFile]:
    """The files of one of PROBE's benchmarks: the matrix, and for ``sparse`` the pairs in it.

    Parameters:
        folder (Path): holds the files under their published names
        aspect (str): ``MF``, ``BP`` or ``CC``
        proteins (str): ``500``, ``200`` or ``sparse``, some pairs of the 500
    """
    size = MATRIX_OF[proteins]
    names = [f"human_{aspect}_proteinSimilarityMatrix_for_highest_annotated_{size}_proteins.csv"]
    if proteins == "sparse":
        names.append(f"SparsifiedSimilarityCoordinates_{aspect}_for_highest_500.npy")
    return [DataFile(folder / name, _SOURCE, by_hand=True) for name in names]


def _read_matrix(path: Path) -> tuple[list[str], np.ndarray]:
    """A header of accessions and a row of numbers for each of them, in the same order.

    PROBE's code reads nothing but the half above the diagonal, so that half counts. The other one
    may be empty; if it is not, it tells whether the rows are in the order of the header.
    """
    table = read_table(path)
    accessions = list(table.columns)
    if len(table) != len(accessions):
        raise InputError(
            f"{path}: {len(table)} rows for {len(accessions)} proteins in the header; expected a "
            "square matrix, a row for each protein of the header"
        )
    similarity = np.empty((len(accessions), len(accessions)), dtype=np.float32)
    for column, accession in enumerate(accessions):
        for row, cell in enumerate(table.column(accession)):
            similarity[row, column] = _number(cell, f"{table.where(row)}: {accession}")
    upper = np.triu_indices(len(accessions), 1)
    lower = similarity.T[upper]
    is_empty = not lower[~np.isnan(lower)].any()
    if not is_empty and not np.allclose(
        similarity[upper], lower, rtol=0, atol=_ROUNDING, equal_nan=True
    ):
        raise InputError(f"{path}: the matrix is not symmetric, so its rows are in another order")
    similarity.T[upper] = similarity[upper]
    return accessions, similarity


def _number(cell: str, where: str) -> float:
    if cell in ("", "NA"):  # as R writes what it could not compute
        return math.nan
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"{where}: {cell!r} is no number; expected a similarity") from None


def _read_coordinates(path: Path, num: int) -> np.ndarray:
    try:
        with path.open("rb") as file:
            pairs = np.lib.format.read_array(file, allow_pickle=False)
    # What a damaged header makes of NumPy is not foreseeable. Its own words advise to unpickle the
    # file, which would run whatever is in there.
    except Exception as error:
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}); expected a .npy of integers (m, 2). "
            "Replace it"
        ) from error
    fits = pairs.ndim == 2 and pairs.shape[1] == 2 and np.issubdtype(pairs.dtype, np.integer)
    if not fits or pairs.size == 0 or pairs.min() < 0 or pairs.max() >= num:
        raise InputError(
            f"{path} holds {pairs.dtype} {pairs.shape}; expected integers (m, 2), places in the "
            f"matrix of {num} proteins"
        )
    return pairs


def _only(similarity: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Keep some pairs; as in PROBE's code, only those above the diagonal count."""
    kept = np.full_like(similarity, np.nan)
    first, second = pairs[pairs[:, 0] < pairs[:, 1]].T
    kept[first, second] = similarity[first, second]
    return kept
