"""The files of DeepFRI's chains: fetched, checked, and read as rows or words."""

import csv
import io
from pathlib import Path
from typing import ClassVar

from protclip_td.data.digests import md5_by_name
from protclip_td.data.outside.remote import DataFile, PublishedFile, fetch_all
from protclip_td.data.reading.binary import check_text
from protclip_td.data.reading.text_lines import check_last_line
from protclip_td.errors import InputError

#: Endings of the names of the files that are always needed.
ENDINGS = ("_annot.tsv", "_test.csv", "_train.txt", "_valid.txt", "_sequences.fasta")
URL = "https://raw.githubusercontent.com/flatironinstitute/DeepFRI/master/preprocessing/data/"


class ChainFiles:
    """The files of one vocabulary in a folder, under TorchDrug's names or DeepFRI's.

    Parameters:
        folder (Path): where TorchDrug unpacks its archive
        prefix (str): TorchDrug's beginning of the names, such as ``nrPDB-EC``
        release (str): what DeepFRI's names have after it, such as ``_2020.04``
    """

    #: Chains of TorchDrug's splits, which leave some out, so that each list has at least as many.
    #: DeepFRI publishes no checksum; whether fewer lines are missing, the annotations tell.
    least: ClassVar[dict[str, dict[str, int]]] = {
        "nrPDB-EC": {"train": 15_011, "valid": 1_664, "test": 1_840},
        "nrPDB-GO": {"train": 27_496, "valid": 3_053, "test": 2_991},
    }

    #: Bytes of the files in DeepFRI's repository, as far as they are known.
    sizes: ClassVar[dict[str, int]] = {
        "nrPDB-EC_2020.04_test_sequences.fasta": 617_149,
        "nrPDB-GO_2019.06.18_test_sequences.fasta": 1_267_435,
        "nrPDB-GO_2019.06.18_sequences.fasta": 11_041_677,
        "nrPDB-GO_2019.06.18_test.csv": 58_261,
    }

    def __init__(self, folder: Path, prefix: str, release: str) -> None:
        self.folder, self.prefix, self.release = folder, prefix, release
        #: MD5 of each file that was used.
        self.used: dict[str, str] = {}

    def fetch(self) -> None:
        """Fetch what is always needed and not there.

        Raises:
            InputError: names all that are missing, if one cannot be fetched
        """
        fetch_all([self._file(ending) for ending in ENDINGS])

    def get(self, ending: str) -> Path:
        """A file of the folder, fetched from DeepFRI if it is not there.

        Raises:
            InputError: it cannot be fetched, or is not whole
        """
        (path,) = fetch_all([self._file(ending)])
        check_is_text(path)
        # DeepFRI's scripts end the last line, too; the script of the tables (CSV) is not published.
        if path.suffix != ".csv":
            check_last_line(path)
        self.used |= md5_by_name([path])
        return path

    def _file(self, ending: str) -> DataFile:
        path = self.path(ending)
        published = PublishedFile(size=self.sizes.get(path.name))
        return DataFile(path, URL + self.published(ending), published)

    def path(self, ending: str) -> Path:
        """Where a file is: under TorchDrug's name if that is there, else under DeepFRI's."""
        path = self.folder / f"{self.prefix}{ending}"
        return path if path.is_file() else self.folder / self.published(ending)

    def published(self, ending: str) -> str:
        """DeepFRI's name of a file."""
        return f"{self.prefix}{self.release}{ending}"


def check_is_text(path: Path) -> None:
    """Make sure that a file is text in UTF-8, as far as its first line tells."""
    with path.open("rb") as file:
        check_text(file.readline(), path, "text with DeepFRI's chains")


def read_rows(path: Path, delimiter: str) -> list[list[str]]:
    """Rows of a table of text, whatever its line ends."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [row for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{path} is damaged or no table of text ({error}); replace it") from error


def read_list(path: Path) -> list[str]:
    """Words of a text, whatever its line ends."""
    try:
        return path.read_text(encoding="utf-8-sig").split()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is damaged or no text ({error}); replace it") from error
