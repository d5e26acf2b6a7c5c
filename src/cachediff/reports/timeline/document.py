"""A timeline in words: the same sentences and tables for every format that people read."""

from __future__ import annotations

from cachediff.model.lives import Point
from cachediff.model.timeline import (
    PackageTimeline,
    StackStay,
    StackTimeline,
    Timeline,
)
from cachediff.reports.phrases import Show, counted
from cachediff.reports.timeline.events import (
    CAME,
    UNKNOWN,
    WENT,
    event_rows,
    moment,
    night_rows,
    suspect,
)
from cachediff.reports.timeline.hashes import of_hash
from cachediff.reports.timeline.tables import Document, Row, Table, fate


def document(timeline: Timeline, show: Show) -> Document:
    """Put a timeline into words."""
    if isinstance(timeline, PackageTimeline):
        return _of_package(timeline, show)
    if isinstance(timeline, StackTimeline):
        return _of_stack(timeline, show)
    return of_hash(timeline, show)


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
    notes = []
    if not (rows or (timeline.stack and timeline.untold)):
        notes.append(f"As far as the snapshots of that time tell, {nothing}.")
    if timeline.untold:
        notes.append(
            f"In {counted(timeline.untold, 'snapshot')} its stacks are not told: when it joined or left"
            " one then is not known."
        )
    stay = timeline.in_stack
    tables = [Table("What happened", ("When (UTC)", "Commit", "What"), rows)] if rows else []
    if timeline.stack is None and timeline.versions:
        tables.append(_versions(timeline, show))
    return Document(
        title=title,
        headline=_in_stack(timeline, stay, show) if stay else _state(timeline, show),
        notes=(*notes, _known(timeline, len(timeline.points))),
        tables=tuple(tables),
    )


def _state(timeline: PackageTimeline, show: Show) -> str:
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
    gone = f"not there any more on {moment(timeline.gone)} UTC"
    return f"Gone: {seen}, {gone}{_doubt(timeline, timeline.gone, show)}; {since}."


def _in_stack(timeline: PackageTimeline, stay: StackStay, show: Show) -> str:
    """Since when a package is in the stack that was asked for, and whether it still is."""
    stack, newest = show(timeline.stack or ""), timeline.newest
    if stay.first is None or stay.last is None:
        if timeline.untold or timeline.first is None:
            return f"Not known to have been in {stack}."
        return f"Never in {stack}, as far as the snapshots tell."
    since = f"first seen in it {moment(stay.first)} UTC"
    if stay.first == timeline.oldest:
        since += ", in the first snapshot"
    if stay.last == newest:
        return f"In {stack} in the newest snapshot, {moment(newest)} UTC; {since}."
    seen = f"last seen in it {moment(stay.last)} UTC"
    if stay.gone is None:
        return f"Not known to be in {stack} any more: {seen}; {since}."
    gone = f"not any more on {moment(stay.gone)} UTC"
    return f"Not in {stack}: {seen}, {gone}{_doubt(timeline, stay.gone, show)}; {since}."


def _doubt(timeline: PackageTimeline, gone: Point, show: Show) -> str:
    why = suspect(timeline.suspicions, gone, show)
    return f" ({why})" if why else ""


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
        why = suspect(timeline.suspicions, life.gone, show)
        kind = CAME if served else WENT if life.gone and not why else UNKNOWN
        now = " · ".join(filter(None, (fate(life.last, life.gone, there=served), why)))
        rows.append(Row((show(life.version), _first(life.first, timeline.oldest), now), kind))
    return Table("Versions", ("Version", "First seen (UTC)", "Now"), tuple(rows))


def _first(first: Point, oldest: Point) -> str:
    return f"{moment(first)}{' (first snapshot)' * (first == oldest)}"


def _of_stack(timeline: StackTimeline, show: Show) -> Document:
    where = _home(timeline, show)
    rows = tuple(
        Row(
            (
                moment(row.point),
                show(row.point.commit[:12]),
                row.packages,
                row.specs,
                row.said,
            ),
            row.kind,
        )
        for row in night_rows(timeline, show)
    )
    columns = ("When (UTC)", "Commit", "Packages", "Specs", "What joined and left")
    unread = [point.unreadable for point in timeline.points if point.unreadable]
    notes = [_known(timeline, len(timeline.points))]
    if not timeline.nights:
        notes.insert(0, "As far as the snapshots of that time tell, nothing joined or left it.")
    if unread:
        notes.append(
            f"In {counted(len(unread), 'snapshot')} some manifests could not be read (up to"
            f" {max(unread):,}): whether their packages were in it then is not known."
        )
    if untold := [point.untold for point in timeline.points if point.untold]:
        notes.append(
            f"In {counted(len(untold), 'snapshot')} some specs do not tell their stacks (up to"
            f" {max(untold):,}): whether they were in it then is not known, nor when they joined or left."
        )
    if doubtful := [point.point for point in timeline.points if point.point in timeline.suspicions]:
        when = f"{moment(doubtful[-1])} UTC"
        which = f"The snapshot of {when} is suspect"
        if len(doubtful) > 1:
            which = f"{len(doubtful):,} of these snapshots are suspect, the last at {when}"
        notes.append(f"{which}: {show(timeline.suspicions[doubtful[-1]])}.")
    return Document(
        title=f"Stack {show(timeline.stack)} in {where}",
        headline=_total(timeline, show),
        notes=tuple(notes),
        tables=(Table("Night by night", columns, rows),) if rows else (),
    )


def _total(timeline: StackTimeline, show: Show) -> str:
    """What is in a stack at the last point asked for."""
    last = timeline.points[-1]
    when = "In the newest snapshot" if last.point == timeline.newest else "In the snapshot"
    total = f"{counted(last.packages, 'package')} and {counted(last.specs, 'spec')}"
    why = suspect(timeline.suspicions, last.point, show)
    return (
        f"{when}, of {moment(last.point)} UTC: {'at least ' * last.at_least}{total}"
        + f"; it is {why}" * bool(why)
        + "."
    )


def _home(timeline: PackageTimeline | StackTimeline, show: Show) -> str:
    return show(f"{timeline.source}:{timeline.collection}")
