"""Builds a ProtAnno store from any number of data files, in phases that can be broken off.

Every phase is a pure function of the inputs and options, cut into tasks whose results are files.
Whatever is there already is not made again, so a build that was killed goes on where it was, and
its bytes depend neither on that nor on the number of processes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from protclip_td.checks import check_count
from protclip_td.data.store.manifest import MANIFEST, read_manifest
from protclip_td.data.store.reading import Store
from protclip_td.errors import InputError
from protclip_td.protanno.build_lock import lock
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.cutting import cut_parts
from protclip_td.protanno.exclusion import prepare
from protclip_td.protanno.inputs import describe_inputs
from protclip_td.protanno.plan import begin
from protclip_td.protanno.progress import Progress
from protclip_td.protanno.publishing import finish, publish
from protclip_td.protanno.release import release_of
from protclip_td.protanno.request import Request
from protclip_td.protanno.sorting import sort_buckets
from protclip_td.protanno.staged_lines import coarse_bits
from protclip_td.protanno.staging import Staging, read_record, write_record
from protclip_td.protanno.staging_inputs import read_inputs
from protclip_td.protanno.workers import Workers, workers


def build(
    inputs: Sequence[str | Path],
    folder: str | Path,
    options: BuildOptions | None = None,
    exclude: Sequence[str | Path] = (),
    release: str | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    replace: bool = False,
    report: bool = True,
    quiet: bool = True,
) -> Store:
    """Build a ProtAnno store, or go on building it.

    Parameters:
        inputs (sequence of str): data files in any of the formats of `data.reading.formats.Format`
        folder (str): where the store shall be
        options (BuildOptions, optional): what shall be in it
        exclude (sequence of str, optional): FASTA files of sequences that must not be in it
        release (str, optional): UniProt release of the inputs, for the manifest; by default the
            one that `reldate.txt` beside them states
        jobs (int, optional): processes that work on it
        scheduler (str, optional): address of a Dask scheduler to work on it instead
        resume (bool, optional): go on although inputs were replaced since the build was begun
        replace (bool, optional): build although there is another store, and then replace it
        report (bool, optional): write a report with plots beside the store
        quiet (bool, optional): show no progress

    Returns:
        Store: the finished store; if it was there before, nothing is done

    Raises:
        InputError: inputs or options are wrong, or something is in the way; what is done is kept
    """
    paths = [Path(path).expanduser() for path in inputs]
    request = Request(
        paths,
        [Path(path).expanduser() for path in exclude],
        options or BuildOptions(),
        release or release_of(paths),
    )
    staging = Staging(Path(folder).expanduser().resolve())
    versions = request.check()
    check_count("--jobs", jobs)
    if _end_begun(staging):  # which may be what shall replace another one
        replace = replace and bool(request.differences(read_manifest(staging.folder)))
    if not _is_done(staging, request, replace):
        with _explained(staging), lock(staging):
            if _is_done(staging, request, replace):  # by another build, which had the lock
                staging.discard()
            else:
                staging.make()
                with workers(jobs, scheduler) as pool:
                    _build(staging, request, versions, pool, resume, report, quiet)
    return Store(folder)


@contextmanager
def _explained(staging: Staging) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"the ProtAnno store {staging.folder} could not be written: "
            f"{error.strerror or error}. What is done is kept: free some space, or see that you "
            "may write there, and call again to go on"
        ) from error


def _end_begun(staging: Staging) -> bool:
    """Put a store in its place if a build was killed at that; whether one is there now."""
    if not (staging.manifest.exists() or staging.discarded.exists()):
        return False
    with _explained(staging), lock(staging):
        staging.clean()
        if staging.manifest.exists():
            publish(staging)
        elif not staging.plan.exists():
            staging.discard()
    return (staging.folder / MANIFEST).exists()


def _is_done(staging: Staging, request: Request, replace: bool) -> bool:
    """Whether the folder holds the store that is asked for.

    Raises:
        InputError: it holds another one, or something else
    """
    if not (staging.folder / MANIFEST).exists():
        _check_empty(staging)
        return False
    manifest = read_manifest(staging.folder)  # raises if it is not a store's
    other = [] if replace else request.differences(manifest)
    if other:
        raise InputError(
            f"{staging.folder} holds a ProtAnno store with other {', '.join(other)}; with "
            "--replace it is replaced once the new one is finished"
        )
    return not replace


def _check_empty(staging: Staging) -> None:
    """Make sure that nothing is in the folder but what an earlier call has left there."""
    folder, ours = staging.folder, (staging.root, staging.discarded)
    foreign = [p.name for p in folder.iterdir() if p not in ours] if folder.is_dir() else []
    if foreign or (folder.exists() and not folder.is_dir()):
        raise InputError(
            f"{folder} holds no ProtAnno store but something else "
            f"({', '.join(sorted(foreign)[:3]) or 'it is a file'}); give a new or an empty folder"
        )


def _build(
    staging: Staging,
    request: Request,
    versions: dict[str, str],
    pool: Workers,
    resume: bool,
    report: bool,
    quiet: bool,
) -> None:
    """Run the phases that are not done yet."""
    described = describe_inputs(request.inputs)
    size = sum(record["size"] for record in described)
    options = {**request.asked(), "exclude": request.excluded()}
    plan = begin(staging, described, options, coarse_bits(size), resume)
    progress = Progress(size, quiet)
    if not staging.excluded.exists():
        write_record(staging.excluded, prepare(request.exclude, staging.root))
    if not staging.read.exists():
        with progress.reading():
            read_inputs(staging, plan, request.options, pool, progress)
    if not staging.sorted.exists():
        sort_buckets(staging, plan["bits"], request.options, pool, progress)
    if not staging.manifest.exists():
        parts = cut_parts(staging, pool, progress)
        finish(staging, parts, read_record(staging.excluded), request.asked(), versions, report)
    publish(staging)
