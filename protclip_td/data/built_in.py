"""The data that come with the package."""

from pathlib import Path

#: The built-in sample: 209 real UniProtKB entries.
SAMPLE = Path(__file__).parent / "sample" / "uniprot_sample.dat.gz"
