"""A timeline in words: the same sentences and tables for every format that people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from cachediff.model.lives import HashLife, Point
from cachediff.model.timeline import HashTimeline, PackageTimeline, StackTimeline, Stay, Timeline
from cachediff.reports.phrases import Show, counted, joined
from cachediff.reports.timeline.events import (
    CAME,
    UNKNOWN,
    WENT,
    event_rows,
    moment,
    night_rows,
    stack_changes,
)


class Row(msgspec.Struct, frozen=True):
    """One row of a table, each cell markup already; `kind` says what the last of them tells of.

    It is that of an event (`CAME`, `WENT`, `UNKNOWN`), or ''.
    """

    cells: tuple[str, ...]
    kind: str = ""


class Table(msgspec.Struct, frozen=True):
    """A table, never without a row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class Document(msgspec.Struct, frozen=True):
    """All that is said of a timeline: markup, of which the values from data went through a `Show`."""

    title: str
    headline: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]


def document(timeline: Timeline, show: Show) -> Document:
    """Put a timeline into words."""
    if isinstance(timeline, PackageTimeline):
        return _of_package(timeline, show)
    if isinstance(timeline, StackTimeline):
        return _of_stack(timeline, show)
    return _of_hash(timeline, show)


def _of_package(timeline: PackageTimeline, show: Show) -> Document:
    where = _home(timeline, show)
    rows = tuple(
        Row((moment(row.point), show(row.point.commit[:12]), row.said), row.kind)
        for row in event_rows(timeline, show)
    )
    nothing = "nothing happened to it"
    title = f"{show(timeline.package)} in {where}"
    if timeline.stack is not None:
        title = f"{show(timeline.package)} and stack {show(timeline.stack)} in {where}"
        nothing = f"it neither joined nor left {show(timeline.stack)}"
    tables = [Table("What happened", ("When (UTC)", "Commit", "What"), rows)] if rows else []
    if timeline.stack is None and timeline.versions:
        tables.append(_versions(timeline, show))
    return Document(
        title=title,
        headline=_state(timeline),
        notes=(
            *([] if rows else [f"As far as the snapshots of that time tell, {nothing}."]),
            _known(timeline, len(timeline.points)),
        ),
        tables=tuple(tables),
    )


def _state(timeline: PackageTimeline) -> str:
    """Since when there is a package, and whether there still is."""
    first, last, newest = timeline.first, timeline.last, timeline.newest
    if first is None or last is None:
        return "Not known: its manifest could not be read in any snapshot."
    since = f"first seen {moment(first)} UTC"
    if first == timeline.oldest:
        since += ", in the first snapshot"
    if last == newest:
        return f"There in the newest snapshot, {moment(newest)} UTC; {since}."
    seen = f"last seen {moment(last)} UTC"
    if timeline.gone is None:
        return f"Not known since: it could not be read after it was {seen}; {since}."
    return f"Gone: {seen}, not there any more on {moment(timeline.gone)} UTC; {since}."


def _known(timeline: PackageTimeline | StackTimeline, inside: int) -> str:
    """How much of the past is known at all."""
    oldest, newest = timeline.oldest, timeline.newest
    span = timeline.span
    told = ""
    if span.since is not None or span.until is not None:
        limits = [("from", span.since), ("until", span.until)]
        asked = " ".join(f"{word} {_time(limit)} UTC" for word, limit in limits if limit)
        told = f" Asked for is what happened {asked}: {counted(inside, 'snapshot')}."
    return (
        f"Snapshots are stored from {moment(oldest)} to {moment(newest)} UTC: what happened before the"
        f" first, or when between two of them, is not known.{told}"
    )


def _time(limit: str) -> str:
    return limit[:16].replace("T", " ")


def _versions(timeline: PackageTimeline, show: Show) -> Table:
    rows = []
    for life in reversed(timeline.versions):
        served = life.gone is None and life.last == timeline.newest
        kind = CAME if served else WENT if life.gone else UNKNOWN
        now = _now(life.last, life.gone, served=served, word="gone")
        rows.append(Row((show(life.version), _first(life.first, timeline.oldest), now), kind))
    return Table("Versions", ("Version", "First seen (UTC)", "Now"), tuple(rows))


def _first(first: Point, oldest: Point) -> str:
    return f"{moment(first)}{' (first snapshot)' * (first == oldest)}"


def _now(last: Point, gone: Point | None, *, served: bool, word: str) -> str:
    if served:
        return "there" if word == "gone" else "served"
    if gone is None:
        return f"not known since {moment(last)}: its package could not be read"
    return f"{word} between {moment(last)} and {moment(gone)}"


def _of_stack(timeline: StackTimeline, show: Show) -> Document:
    where = _home(timeline, show)
    rows = tuple(
        Row(
            (
                moment(row.point),
                show(row.point.commit[:12]),
                f"{row.packages:,}",
                f"{row.specs:,}",
                row.said,
            ),
            row.kind,
        )
        for row in night_rows(timeline, show)
    )
    columns = ("When (UTC)", "Commit", "Packages", "Specs", "What joined and left")
    newest = timeline.points[-1]
    unread = [point.unreadable for point in timeline.points if point.unreadable]
    notes = [_known(timeline, len(timeline.points))]
    if not rows:
        notes.insert(0, "As far as the snapshots of that time tell, nothing joined or left it.")
    if unread:
        notes.append(
            f"In {counted(len(unread), 'snapshot')} some manifests could not be read (up to"
            f" {max(unread):,}): whether their packages were in it then is not known."
        )
    return Document(
        title=f"Stack {show(timeline.stack)} in {where}",
        headline=f"{counted(newest.packages, 'package')} and {counted(newest.specs, 'spec')} in it"
        f" on {moment(newest.point)} UTC.",
        notes=tuple(notes),
        tables=(Table("Night by night", columns, rows),) if rows else (),
    )


def _of_hash(timeline: HashTimeline, show: Show) -> Document:
    newest = timeline.stays[0].life
    stays = tuple(
        Row(
            (
                _collection(stay.life, show),
                _first(stay.life.first, stay.oldest),
                moment(stay.life.last),
                _now(stay.life.last, stay.life.gone, served=stay.is_served, word="pruned"),
            ),
            CAME if stay.is_served else UNKNOWN if stay.is_unknown else WENT,
        )
        for stay in timeline.stays
    )
    changes = tuple(
        Row((moment(point), _collection(life, show), said), kind)
        for point, life, said, kind in stack_changes(timeline, show)
    )
    tables = [Table("Where", ("Collection", "First seen (UTC)", "Last seen (UTC)", "Now"), stays)]
    if changes:
        tables.append(Table("Stacks", ("When (UTC)", "Collection", "What"), changes))
    return Document(
        title=f"{show(newest.package)}@{show(newest.version)} /{show(timeline.hash)}",
        headline=_served(timeline.stays, show),
        notes=tuple(_builds(timeline.stays, show)),
        tables=tuple(tables),
    )


def _served(stays: Sequence[Stay], show: Show) -> str:
    serving = sorted({(s.life.source, s.life.collection) for s in stays if s.is_served})
    names = {f"{source}:{collection}": None for source, collection in serving}
    if names:
        newest = "its newest snapshot" if len(names) == 1 else "their newest snapshots"
        return f"Served by {joined(list(names), show)}, as of {newest}."
    last = max(stay.life.last for stay in stays)
    if any(stay.is_unknown for stay in stays):
        return f"Not known to be served: last seen {moment(last)} UTC."
    return f"Not served any more: last seen {moment(last)} UTC."


def _builds(stays: Sequence[Stay], show: Show) -> Iterator[str]:
    """What was built, once for all collections that tell the same."""
    told: dict[str, list[str]] = {}
    for stay in stays:
        life = stay.life
        names = told.setdefault(_build(life, show), [])
        if (name := f"{life.source}:{life.collection}") not in names:
            names.append(name)
    for build, names in told.items():
        where = f", as {joined(names, show)} {'tells' if len(names) == 1 else 'tell'}"
        yield f"{build}{where * (len(told) > 1)}."


def _build(life: HashLife, show: Show) -> str:
    system = " ".join(map(show, (life.platform, life.os, life.target)))
    compiler = (
        f"with {show(life.compiler)}" if life.compiler else "with a compiler that is not known"
    )
    variants = ", ".join(map(show, life.variants))
    package = f"{show(life.package)}@{show(life.version)}"
    return f"{package} built for {system} {compiler}" + (f"; {variants}" if variants else "")


def _collection(life: HashLife, show: Show) -> str:
    return show(f"{life.source}:{life.collection}")


def _home(timeline: PackageTimeline | StackTimeline, show: Show) -> str:
    return show(f"{timeline.source}:{timeline.collection}")
