"""Which of the entries with the same hashes go into a store: a pure function of them."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from protclip_td.data.digests import text_digest
from protclip_td.data.entry import Entry, Rejection
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.exclusion import Excluded

#: Reason in `rejected.tsv` of an entry whose accession came before with another sequence.
REPEATED = "same accession with another sequence"


@dataclass
class Selection:
    """What is kept, in the order of the store, and what became of the rest.

    Parameters:
        kept (list of Entry): sorted by hash, then accession
        dropped (dict): how many the options left out, by reason
        leaked (dict): how many are in excluded files, by number of the file and "identical" or
            "similar"
        rejections (list of Rejection): entries that contradict another one
        sources (list of int): number of the input that each of these is of
    """

    kept: list[Entry] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    leaked: Counter[tuple[int, str]] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)


def select(
    entries: Sequence[Entry],
    options: BuildOptions,
    excluded: Excluded,
    repeated: Mapping[tuple[int, int], Sequence[int]] | None = None,
) -> Selection:
    """Apply the options to all entries of some range of hashes.

    Parameters:
        entries (sequence of Entry): in any order, which has no effect
        options (BuildOptions): what is wanted
        excluded (Excluded): sequences that must not be kept
        repeated (dict, optional): hashes of accession and sequence of entries that give way to an
            earlier one of the same accession, and the number of the input that each is of
    """
    result = Selection()
    hashed = sorted((text_digest(e.sequence), e.accession, _rest(e), e) for e in entries)
    known = excluded.identical([digest for digest, *_ in hashed])
    late = {pair: iter(sources) for pair, sources in (repeated or {}).items()}
    rows = []
    for (digest, accession, _, entry), source in zip(hashed, known):
        if late and (pair := (text_digest(accession), digest)) in late:
            result.rejections.append(Rejection(accession, REPEATED, "the first one counts"))
            result.sources.append(next(late[pair]))
        elif source is not None:
            result.leaked[source, "identical"] += 1
        else:
            rows.append(entry)
    for entry in _one_of_each(rows, options, result.dropped):
        if options.sampling == "thin" and not _wins(entry, options):
            result.dropped["thinned"] += 1
        else:
            result.kept.append(entry)
    _leave_out_similar(result, excluded)
    return result


def _rest(entry: Entry) -> tuple[object, ...]:
    """Makes the order of entries that share sequence and accession always the same."""
    return entry.confidence, entry.properties, str(entry.reviewed), not entry.stated


def _one_of_each(
    rows: Sequence[Entry], options: BuildOptions, dropped: Counter[str]
) -> Iterator[Entry]:
    for _, twins in groupby(rows, key=lambda entry: entry.sequence):
        yield from _TREATMENT[options.identical](list(twins), options, dropped)


def _keep(twins: list[Entry], options: BuildOptions, dropped: Counter[str]) -> Iterator[Entry]:
    for entry in twins:
        reason = _ineligible(entry, options)
        if reason:
            dropped[reason] += 1
        else:
            yield entry


def _all(twins: list[Entry], options: BuildOptions, dropped: Counter[str]) -> Iterator[Entry]:
    different = [entry for entry, _ in groupby(twins)]  # what is the same in all stands together
    if len(different) < len(twins):
        dropped["same entry twice"] += len(twins) - len(different)
    yield from _keep(different, options, dropped)


def _best(twins: list[Entry], options: BuildOptions, dropped: Counter[str]) -> Iterator[Entry]:
    eligible = sorted(_keep(twins, options, dropped), key=lambda entry: _preference(entry, options))
    _count_twins(dropped, eligible[1:])
    yield from eligible[:1]


def _merge(twins: list[Entry], options: BuildOptions, dropped: Counter[str]) -> Iterator[Entry]:
    best, *others = sorted(twins, key=lambda entry: _preference(entry, options))
    _count_twins(dropped, others)
    found = zip(*(entry.properties for entry in (best, *others)))
    merged = replace(best, properties=tuple(next(filter(None, texts), "") for texts in found))
    yield from _keep([merged], options, dropped)


def _count_twins(dropped: Counter[str], others: Sequence[Entry]) -> None:
    if others:
        dropped["identical sequence"] += len(others)


_TREATMENT = {"keep": _all, "best": _best, "merge": _merge}


def _preference(entry: Entry, options: BuildOptions) -> tuple[object, ...]:
    """The smaller, the better.

    All of Swiss-Prot can only be kept if it never loses to TrEMBL, and a confidence that a file
    does not state is no reason to give up what another file states.
    """
    standing = (not entry.reviewed) if options.keep_all else False
    key = (standing, not entry.stated, entry.confidence, -entry.coverage, not entry.reviewed)
    return (*key, entry.accession, entry.properties)


def _ineligible(entry: Entry, options: BuildOptions) -> str | None:
    if options.keep_all and entry.reviewed:
        return None
    if options.confidences is not None and entry.confidence not in options.confidences:
        return "confidence"
    if options.coverages is not None and entry.coverage not in options.coverages:
        return "coverage"
    return None


def surely_dropped(entry: Entry, options: BuildOptions) -> str | None:
    """Why `select` would drop an entry whatever the others are, None if that depends on them."""
    return None if options.identical == "merge" else _ineligible(entry, options)


def _wins(entry: Entry, options: BuildOptions) -> bool:
    """Toss a coin which falls the same way for the same entry and seed, wherever it stands."""
    if options.keep_all and entry.reviewed:
        return True
    chance = options.chance(entry.confidence, entry.coverage)
    text = f"{options.seed} {entry.accession} {entry.sequence}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[-8:], "little") < chance * 2**64


def _leave_out_similar(result: Selection, excluded: Excluded) -> None:
    similar = excluded.similar(result.kept)
    for source in similar.values():
        result.leaked[source, "similar"] += 1
    result.kept = [entry for place, entry in enumerate(result.kept) if place not in similar]


def by_group(entries: Sequence[Entry]) -> dict[tuple[int, int], list[Entry]]:
    """The entries of each confidence and coverage, in their order."""
    groups: dict[tuple[int, int], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.confidence, entry.coverage].append(entry)
    return groups
