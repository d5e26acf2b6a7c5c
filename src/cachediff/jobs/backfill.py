"""Taking in the past: snapshots of collections at all commits of a span, by any number of workers."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from cachediff.errors import NameNotFoundError, StoreError, UsageError
from cachediff.jobs.chunks import Chunk, chunks_of
from cachediff.jobs.cluster import Cluster
from cachediff.jobs.fetch import fetch_for
from cachediff.jobs.lanes import Task, give_out
from cachediff.jobs.locking import sole_run
from cachediff.jobs.mixing import check_not_mixed
from cachediff.jobs.stepping import Place, Told
from cachediff.jobs.workers import Here, Pool, Workers
from cachediff.model.snapshot import Origin
from cachediff.model.span import Span
from cachediff.queries import Catalogue
from cachediff.sources import GitSource, History, SnapshotName, close_names, parse_name
from cachediff.store import StoredSnapshot


class Backfilled(msgspec.Struct, frozen=True):
    """What became of one collection: so many snapshots were taken, and so many had been before.

    `first` and `last` are the times of the oldest and the newest commit of the span that changed it,
    empty where there is none.
    """

    source: str
    collection: str
    first: str
    last: str
    taken: int
    there: int


class Result(msgspec.Struct, frozen=True):
    """What a backfill comes to; `problems` are sentences, one for each thing that could not be done."""

    collections: tuple[Backfilled, ...]
    problems: tuple[str, ...]


class _Planned(msgspec.Struct, frozen=True):
    """A collection, what is to be stored of it, and what need not be."""

    place: Place
    collection: str
    chunks: list[Chunk]
    unchanged: list[Origin]
    stored: set[str]

    def tasks(self) -> list[Task]:
        """The chunks of which something is not stored."""
        return [
            (self.place, chunk)
            for chunk in self.chunks
            if any(str(origin.commit) not in self.stored for origin in chunk.origins)
        ]

    @property
    def origins(self) -> list[Origin]:
        """All that is to be stored, or is."""
        return [origin for chunk in self.chunks for origin in chunk.origins]


def backfill(
    names: Catalogue,
    texts: Sequence[str],
    folder: Path,
    span: Span,
    now: datetime,
    *,
    jobs: int = 1,
    dask: str | None = None,
) -> Result:
    """Store the collections that `texts` name at every commit of `span` that changed them.

    Names are `[SOURCE:]COLLECTION`; a glob means all that ever matched. What is stored is left as it
    is. It is done by this process or by `jobs` of them or, where `dask` is the address of a scheduler,
    by its workers; for the same history and the same names all of them write the same bytes, however
    often they were killed and begun again. `now`, which is aware, is told to others that want to run.

    Raises:
        UsageError: one of `texts` is no name, or has no history.
        NameNotFoundError: there is no such source, or there never was such a collection.
        SourceError: a source cannot be read, or what is stored of it is of another repository, or there
            is no such scheduler.
        StoreError: the store cannot be read, or another run is at work in it.
    """
    wanted = [_name(text) for text in texts]
    fetch_for(names, texts, folder)
    problems: list[str] = []
    found: list[tuple[Place, History, list[str]]] = []
    for source in dict.fromkeys(name.source for name in wanted):
        git = names.source(source)
        history = git.history()
        problems += _unknown(git, history, span, names.notices)
        patterns = [name for name in wanted if name.source == source]
        place = _place(names, source, git, history)
        chosen = _chosen(patterns, git, history)
        check_not_mixed(names, git, chosen[0])
        found.append((place, history, chosen))
    with sole_run(names.settings.state, now) as holder:
        if holder:
            raise StoreError(f"another run is at work: {holder}", "run this again when it is done")
        plans = [
            planned
            for place, history, collections in found
            for planned in _plan(names, place, history, collections, span, problems)
        ]
        if tasks := [task for planned in plans for task in planned.tasks()]:
            problems += _take(names, tasks, jobs, dask)
        done = tuple(_backfilled(names, planned, problems) for planned in plans)
    return Result(done, tuple(problems))


def _name(text: str) -> SnapshotName:
    name = parse_name(text)
    if name.when is not None or name.back or os.sep in text:
        raise UsageError(
            f"{text!r} is not the name of a collection",
            "with --since a name is [SOURCE:]COLLECTION, such as develop or develop-*",
        )
    return name


def _chosen(wanted: Sequence[SnapshotName], source: GitSource, history: History) -> list[str]:
    """The collections that are meant, each once, sorted."""
    chosen = set()
    for name in wanted:
        matches = fnmatch.filter(history.changes, name.collection) if name.is_glob else ()
        if name.collection not in history.changes and not matches:
            raise NameNotFoundError(
                f"there never was a collection {name.collection!r} in {source.name}",
                close_names(name.collection, history.changes),
            )
        chosen |= {*matches} or {name.collection}
    return sorted(chosen)


def _unknown(source: GitSource, history: History, span: Span, notices: list[str]) -> Iterator[str]:
    """What is not known of a history that should be; that it begins later is no more than a notice."""
    begins = f"the history of {source.name} begins at {history.begins}"
    if history.cut and span.since < history.begins:
        yield f"{begins}, and not before: {history.cut}"
    elif span.since[:10] < history.begins[:10]:
        notices.append(begins)
    for time, reason in history.gaps:
        if span.since <= time <= span.until:
            yield f"nothing is stored of {time}: {reason}"


def _place(names: Catalogue, source: str | None, git: GitSource, history: History) -> Place:
    (settings,) = names.sources_of([f"{source}:*" if source else "*"], Path())
    return Place(settings, git.name, names.settings.store, names.cache, history.tip)


def _plan(
    names: Catalogue,
    place: Place,
    history: History,
    collections: Sequence[str],
    span: Span,
    problems: list[str],
) -> Iterator[_Planned]:
    for collection in collections:
        try:
            listed = names.store.list(place.name, collection).snapshots
            stored = list(names.store.intact(listed))  # what is damaged is taken anew
        except StoreError as error:  # no name for a folder
            problems.append(f"{collection} is not stored: {error.message}")
            continue
        chunks, unchanged = chunks_of(history.changes[collection], span, stored)
        yield _Planned(place, collection, chunks, unchanged, _commits(stored))


def _take(names: Catalogue, tasks: Sequence[Task], jobs: int, dask: str | None) -> list[str]:
    """Have all tasks done, and tell how far that is."""
    of = sum(len(chunk.origins) for _, chunk in tasks)
    done = 0

    def told(more: int = 1) -> None:
        nonlocal done
        done += more
        if names.progress:
            names.progress("Taking snapshots", done, of)

    workers = _workers(tasks, jobs, dask, told)
    try:
        # One who works here tells of each snapshot himself.
        apart = not isinstance(workers, Here)
        return give_out(tasks, workers, lambda chunk: told(len(chunk.origins) if apart else 0))
    except BaseException:
        workers.stop()
        raise
    finally:
        workers.close()


def _workers(tasks: Sequence[Task], jobs: int, dask: str | None, told: Told) -> Workers:
    if dask:
        return Cluster(dask, len(tasks))
    processes = min(jobs, len(tasks))
    return Here(told) if processes == 1 else Pool(processes)


def _backfilled(names: Catalogue, planned: _Planned, problems: list[str]) -> Backfilled:
    """What became of a collection, by what is stored of it now; so also where workers died."""
    wanted = [str(origin.commit) for origin in planned.origins]
    now = _commits(names.store.list(planned.place.name, planned.collection).snapshots)
    before = sum(commit in planned.stored for commit in wanted)
    after = sum(commit in now for commit in wanted)
    if after < len(wanted) and not problems:
        problems.append(
            f"{len(wanted) - after} of {len(wanted)} snapshots of {planned.collection} are not in"
            f" {names.store.location}: the workers must have the same store there"
        )
    times = sorted(str(origin.committed_at) for origin in planned.origins + planned.unchanged)
    return Backfilled(
        source=planned.place.name,
        collection=planned.collection,
        first=times[0] if times else "",
        last=times[-1] if times else "",
        taken=after - before,
        there=before + len(planned.unchanged),
    )


def _commits(stored: Sequence[StoredSnapshot]) -> set[str]:
    return {one.commit for one in stored}
