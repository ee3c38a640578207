"""What a build is asked for, whether that can be met, and whether a store is that already."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protclip_td.data.digests import sha256_of
from protclip_td.data.reading.chunks import raw_chunks
from protclip_td.data.reading.readers import check_confidence
from protclip_td.data.reading.source import check_file
from protclip_td.errors import InputError
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.exclusion import check_fasta, check_mmseqs
from protclip_td.protanno.inputs import describe_inputs


@dataclass(frozen=True)
class Request:
    """Everything that decides what is in a store.

    Parameters:
        inputs (list of Path): data files
        exclude (list of Path): FASTA files of sequences that must not be in it
        options (BuildOptions): what shall be in it
        release (str, optional): UniProt release of the inputs
    """

    inputs: list[Path]
    exclude: list[Path]
    options: BuildOptions
    release: str | None

    def check(self) -> dict[str, str]:
        """Find all mistakes that cost nothing to find; returns versions of foreign programs.

        Raises:
            InputError: an input is missing, given twice or of no known format, it does not say how
                sure its proteins are, or what is to be excluded is not there
        """
        if not self.inputs:
            raise InputError("no input given; expected at least one data file")
        for path in self.inputs:
            raw_chunks(path)  # raises if there is no such file, or its format is unknown
            check_confidence(path, self.options.read)
        _check_no_twins(self.inputs)
        if self.options.identity is not None and not self.exclude:
            raise InputError("--identity is given, but no FASTA file to --exclude")
        for path in self.exclude:
            check_fasta(path)
        return check_mmseqs(self.options.identity)

    def asked(self) -> dict[str, Any]:
        """Options as they stand in the manifest."""
        return json.loads(json.dumps({**self.options.as_dict(), "release": self.release}))

    def excluded(self) -> list[str]:
        """Checksums of what is excluded."""
        return [sha256_of(check_file(path)) for path in self.exclude]

    def differences(self, manifest: dict[str, Any]) -> list[str]:
        """What of a store is not as asked for, in words."""
        before, now = manifest["options"], self.asked()
        other = [
            f"{key} ({before.get(key)!r}, not {now[key]!r})"
            for key in now
            if before.get(key) != now[key]
        ]
        if [record["sha256"] for record in manifest["excluded"]] != self.excluded():
            other.append("excluded files")
        if not self._is_of(manifest["inputs"]):
            other.append(f"inputs ({', '.join(record['name'] for record in manifest['inputs'])})")
        return other

    def _is_of(self, inputs: list[dict[str, Any]]) -> bool:
        """Whether a store's inputs are these; contents are compared last, as that takes longest."""
        before = [(record["name"], record["size"]) for record in inputs]
        now = [(record["name"], record["size"]) for record in describe_inputs(self.inputs)]
        return before == now and all(
            record["sha256"] == sha256_of(path) for record, path in zip(inputs, self.inputs)
        )


def _check_no_twins(paths: Sequence[Path]) -> None:
    seen: dict[tuple[int, int], Path] = {}
    for path in paths:
        status = path.stat()
        first = seen.setdefault((status.st_dev, status.st_ino), path)
        if first is not path:
            other = "" if first == path else f", also as {path}"
            raise InputError(f"an input is given twice: {first}{other}; give each once")
