"""By which protocol, and on how much data, a finished run was tested."""

from collections.abc import Iterable, Mapping
from typing import Any

from protclip_td.benchmark.jobs import Result

# What a data manifest says about the size of a task.
_SIZES = ("candidates", "proteins", "pairs")


def protocols_of(results: Iterable[Result]) -> list[dict[str, Any]]:
    """The protocols of several finished runs, each once; as a rule there is one.

    Parameters:
        results (list of Result): the runs

    Returns:
        list of dict: ``name`` of the protocol, None where there is only one and no flag has changed
        the test set, and the numbers without which a metric means nothing, as far as the task has
        them: ``candidates``, ``proteins`` and ``pairs``
    """
    found: list[dict[str, Any]] = []
    for result in results:
        protocol = _protocol(result)
        if protocol not in found:
            found.append(protocol)
    return found


def _protocol(result: Result) -> dict[str, Any]:
    sizes = {size: result.manifest[size] for size in _SIZES if size in result.manifest}
    if "number of candidates" in result.metrics:  # where they are all proteins of the split
        sizes["candidates"] = int(result.metrics["number of candidates"])
    return {"name": _name(result.manifest, result.split), **sizes}


def _name(manifest: Mapping[str, Any], test_split: str) -> str | None:
    """The protocol, and all in which the test differs from it."""
    parts = (manifest.get("protocol"), test_split if test_split != "test" else None)
    return ", ".join(filter(None, parts)) or None


def protocols_in_words(protocols: Iterable[Mapping[str, Any]]) -> str:
    """Protocols for the table.

    Example::

        >>> protocols_in_words([{"name": "clean", "candidates": 28642}])
        'clean, 28,642 candidates'
    """
    return " / ".join(", ".join(_words(protocol)) for protocol in protocols)


def _words(protocol: Mapping[str, Any]) -> list[str]:
    name = [protocol["name"]] if protocol["name"] else []
    return name + [f"{protocol[size]:,} {size}" for size in _SIZES if size in protocol]


def is_comparable(number: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a published number was made by the protocol of a row's runs, on the same network."""
    named = {protocol["name"] for protocol in row["protocols"]}
    if not number["protocol"]:
        return named <= {None}
    same_network = all(
        protocol.get("pairs") == number["pairs"] for protocol in row["protocols"] if number["pairs"]
    )
    return named == {number["protocol"]} and same_network
