"""Retention: stored snapshots are thinned out, but for those that something refers to."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import date
from enum import StrEnum
from itertools import chain, groupby
from pathlib import Path
from typing import TypeAlias

import msgspec

from cachediff.errors import NameNotFoundError, SourceError, UsageError
from cachediff.jobs.elsewhere import filed_elsewhere, mark
from cachediff.model.filed import FiledReport
from cachediff.model.jobs import Retention
from cachediff.model.snapshot import Origin
from cachediff.queries import Catalogue
from cachediff.queries.filed import read_filed
from cachediff.queries.stored_names import find_stored
from cachediff.sources import PREVIOUS, SnapshotName, parse_name, until
from cachediff.store import StoredSnapshot
from cachediff.store.ledger import DoneNight, Ledger


class Reason(StrEnum):
    """Why a stored snapshot stays; where there are several, the first of these is told."""

    NEWEST = "the newest of its collection"
    DAILY = "the last of its day"
    WEEKLY = "the last of its week"
    MONTHLY = "the last of its month"
    KEEP = "named by retention.keep"
    REPORT = "a report refers to it"
    JOB = "a job refers to it"


class Thinned(msgspec.Struct, frozen=True):
    """Which snapshots went, or would go, oldest first in each collection; how many stay, and why.

    `withheld` says why none went although some should have, and is empty otherwise.
    """

    removed: tuple[StoredSnapshot, ...] = ()
    kept: dict[Reason, int] = {}
    withheld: str = ""


_Key: TypeAlias = tuple[str, str, str]
"""Source, collection, and the id of a commit or a tree: what a snapshot is known by.

What is the same as a stored snapshot, tree for tree, is not stored again (`find_unchanged`), so that
a report may tell of another commit than the one that is stored.
"""


def thin(names: Catalogue, ledger: Ledger) -> Thinned:
    """Remove the stored snapshots that retention does not keep; see `would_thin`.

    Whoever calls holds the lock of the store (`sole_run`). It can be interrupted at any time: what is
    not removed yet is whole, and is removed the next time.

    Raises:
        CachediffError: as for `would_thin`; the folder of reports cannot be written; or a snapshot
            cannot be removed, and those after it stay.
    """
    thinned = would_thin(names, ledger)
    if names.settings.retention:
        mark(names.settings.reports, ledger)
    for stored in thinned.removed:
        names.store.remove(stored)
    return thinned


def would_thin(names: Catalogue, ledger: Ledger | None) -> Thinned:
    """What `thin` would remove now, and what it would keep; nothing is removed without `retention`.

    `ledger` is None where no night was done yet. Damaged receipts are neither counted nor removed.
    Where it cannot be told what a name refers to, all of its collection stays; where the record of a
    report cannot be read, nothing is removed at all.

    Raises:
        StoreError: the store or the ledger cannot be read.
        UsageError: the folder of reports cannot be read.
    """
    retention = names.settings.retention
    if retention is None:
        return Thinned()
    filed = read_filed(names.settings.reports)
    if filed.notices:
        return Thinned(withheld=f"no snapshot is removed: {filed.notices[0]}")
    elsewhere = filed_elsewhere(names.settings.reports, ledger) if ledger else ()
    compared = chain(_of_reports(filed.reports), _of_reports(elsewhere))
    snapshots = names.store.list().snapshots
    referred: dict[StoredSnapshot, Reason] = {}
    for reason, stays in (
        (Reason.JOB, _of_jobs(names, ledger, snapshots)),
        (Reason.REPORT, _of_origins(compared, snapshots)),
        (Reason.KEEP, _of_names(names, retention.keep, snapshots)),
    ):
        referred |= dict.fromkeys(stays, reason)
    kept = choose(snapshots, retention, referred)
    return Thinned(
        removed=tuple(stored for stored in snapshots if stored not in kept),
        kept=dict(Counter(kept.values())),
    )


def choose(
    snapshots: Sequence[StoredSnapshot],
    retention: Retention,
    referred: Mapping[StoredSnapshot, Reason],
) -> dict[StoredSnapshot, Reason]:
    """Which of `snapshots`, that are in order of time in each collection, stay, and why.

    `referred` are those that stay in any case. Days, weeks (from Monday on) and months are those of the
    commit, in UTC; those without a snapshot are not counted.
    """
    kept = dict(referred)
    for _, taken in groupby(snapshots, key=_collection):
        newest_first = list(taken)[::-1]
        for reason, most, period in (
            (Reason.MONTHLY, retention.monthly, lambda day: (day.year, day.month)),
            (Reason.WEEKLY, retention.weekly, lambda day: day.isocalendar()[:2]),
            (Reason.DAILY, retention.daily, lambda day: day),
        ):
            kept |= dict.fromkeys(_last_of_each(newest_first, period, most), reason)
        kept[newest_first[0]] = Reason.NEWEST
    return kept


def _collection(stored: StoredSnapshot) -> tuple[str, str]:
    return stored.source, stored.collection


def _last_of_each(
    newest_first: Iterable[StoredSnapshot], period: Callable[[date], object], most: int
) -> list[StoredSnapshot]:
    """The last snapshot of each of the newest `most` periods that have one."""
    last: dict[object, StoredSnapshot] = {}
    for stored in newest_first:
        last.setdefault(period(date.fromisoformat(stored.committed_at[:10])), stored)
    return list(last.values())[:most]


def _of_origins(
    origins: Iterable[Origin], snapshots: Iterable[StoredSnapshot]
) -> Iterator[StoredSnapshot]:
    """The snapshots that `origins` are those of."""
    known = {key for origin in origins for key in _keys(origin)}
    return (stored for stored in snapshots if not known.isdisjoint(_keys(stored.origin)))


def _keys(origin: Origin) -> Set[_Key]:
    ids = (origin.commit, origin.tree)
    return {(origin.source, origin.collection, id_) for id_ in ids if id_ is not None}


def _of_reports(reports: Iterable[FiledReport | DoneNight]) -> Iterator[Origin]:
    for report in reports:
        yield from (report.old, report.new)


def _of_jobs(
    names: Catalogue, ledger: Ledger | None, snapshots: Sequence[StoredSnapshot]
) -> Iterator[StoredSnapshot]:
    """What jobs name, by @WHEN or by its path; and what each told last, also one that is set no more."""
    settings = names.settings
    texts = [text for job in settings.jobs.values() for text in (job.old, job.new)]
    here = (settings.file or settings.state).parent
    paths = {(here / text).resolve() for text in texts}
    yield from (stored for stored in snapshots if Path(stored.path).resolve() in paths)
    pinned = [text for text in texts if parse_name(text).when not in (None, PREVIOUS)]
    yield from _of_names(names, pinned, snapshots)
    nights = ledger.nights_between(0, ledger.newest()).values() if ledger else ()
    told_last = {night.job: night for night in nights}.values()
    origins = (origin for night in told_last for origin in (night.old, night.new))
    yield from _of_origins(origins, snapshots)


def _of_names(
    names: Catalogue, texts: Iterable[str], snapshots: Sequence[StoredSnapshot]
) -> Iterator[StoredSnapshot]:
    """What `texts` name; of all collections that a glob matches, and without @WHEN all of them."""
    for text in texts:
        name = parse_name(text)
        source = name.source or next(iter(names.settings.sources))
        for (of, collection), group in groupby(snapshots, key=_collection):
            if of == source and fnmatch.fnmatchcase(collection, name.collection):
                taken = list(group)
                exact = SnapshotName(text, source, collection, when=name.when)
                meant = _meant(names, exact)
                yield from taken if meant is None else _of_origins(meant, taken)


def _meant(names: Catalogue, name: SnapshotName) -> list[Origin] | None:
    """What a name means, in the store and in its source; None where that cannot be told for certain."""
    if name.when is None:
        return None
    origins = []
    try:
        origins.append(find_stored(names.store, name.source, name, []).origin)
    except NameNotFoundError:
        pass  # it may be a tag or a branch
    except UsageError:
        return None
    if name.when != PREVIOUS:
        try:
            origins.append(names.source(name.source).open(name).origin)
        except (NameNotFoundError, SourceError):
            # A date means what is stored until then, wherever the rest of the history went.
            if until(name.when) is None:
                return None
    return origins
