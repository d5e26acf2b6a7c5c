"""What happened, one row a snapshot; snapshots that tell the same in a row are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby, pairwise

import msgspec

from cachediff.model.comparison import PackageStatus
from cachediff.model.lives import HashLife, PackageStep, Point
from cachediff.model.spec import ROOT_STACK
from cachediff.model.timeline import Event, HashTimeline, PackageTimeline, StackPoint, StackTimeline
from cachediff.reports.phrases import Show, bounded, counted

CAME, WENT, UNKNOWN = "came", "went", "unknown"
"""Kinds of rows: of what came or is there, of what went, of what is not known or not to be believed.

'' is any other: also one that tells both of what came and of what went.
"""

_LONG = 36 * 60 * 60
"""Seconds without a snapshot that are said: two nights are a day apart, give or take half of one."""


class EventRow(msgspec.Struct, frozen=True):
    """What is said of a point, or of several of which it is the last."""

    point: Point
    said: str
    kind: str


class NightRow(msgspec.Struct, frozen=True):
    """What is said of a stack at a point, and what it comes to there."""

    point: Point
    packages: str
    specs: str
    said: str
    kind: str


def moment(point: Point) -> str:
    """The time of a point, to the minute, in UTC: `2025-04-20 03:12`."""
    return point.committed_at[:16].replace("T", " ")


def event_rows(timeline: PackageTimeline, show: Show) -> Iterator[EventRow]:
    """The events of a package, those that only rebuild it, or are unknown, as one where they follow."""
    for (rebuild, unknown), found in groupby(
        timeline.events, lambda event: (event.is_rebuild, event.is_unknown)
    ):
        events = list(found)
        if len(events) > 1 and (rebuild or unknown):
            yield _folded(events)
        else:
            yield from (_row(event, timeline, show) for event in events)


def _folded(events: Sequence[Event]) -> EventRow:
    last, first = events[0].step.point, events[-1].step.point
    when = f"{len(events):,} snapshots between {moment(first)} and {moment(last)}"
    if events[0].is_unknown:
        return EventRow(last, f"unknown at {when}: its manifest could not be read", UNKNOWN)
    specs = sum(event.step.counts.rebuilt for event in events)
    return EventRow(last, f"rebuilt at {when}: {counted(specs, 'spec')}", "")


def _row(event: Event, timeline: PackageTimeline, show: Show) -> EventRow:
    step = event.step
    came = ", ".join(map(show, step.versions_added))
    went = ", ".join(map(show, step.versions_removed))
    joined = ", ".join(map(show, step.stacks_joined))
    left = ", ".join(map(show, step.stacks_left))
    kind = _kind(came=bool(came or joined), went=bool(went or left))
    match step.status:
        case PackageStatus.UNKNOWN:
            parts, kind = ["unknown: its manifest could not be read"], UNKNOWN
        case None:
            first = step.point == timeline.oldest
            known = "in the first snapshot" if first else "read for the first time"
            parts = [f"{known}: {counted(step.specs, 'spec')}", f"version {came}" * bool(came)]
            parts.append(f"in {joined}" * bool(joined))
        case PackageStatus.ADDED:
            parts = [f"added: {counted(step.specs, 'spec')}", f"version {came}" * bool(came)]
            parts.append(f"in {joined}" * bool(joined))
        case PackageStatus.REMOVED:
            parts = [f"removed: {counted(step.counts.removed, 'spec')}"]
            parts += [f"version {went}" * bool(went), f"from {left}" * bool(left)]
        case PackageStatus.CHANGED:
            parts = [
                f"version {came} in" * bool(came),
                f"version {went} out" * bool(went),
                f"joined {joined}" * bool(joined),
                f"left {left}" * bool(left),
                _counts(step),
            ]
    said = " · ".join(filter(None, [*parts, _gap(event), _doubt(event, timeline, show)]))
    return EventRow(step.point, said, UNKNOWN if event.doubt else kind)


def _kind(*, came: bool, went: bool) -> str:
    return "" if came == went else CAME if came else WENT


def _doubt(event: Event, timeline: PackageTimeline, show: Show) -> str:
    """What an event is worth where what it tells of is missing from a suspect snapshot."""
    if event.doubt is None:
        return ""
    if event.doubt == event.step.point:
        return suspect(timeline.suspicions, event.doubt, show)
    return _back(event.doubt)


def suspect(suspicions: Mapping[Point, str], point: Point | None, show: Show) -> str:
    """Say why a point is suspect: `suspect: develop lost 38 of its 40 manifests`; '' where it is not."""
    return f"suspect: {show(suspicions[point])}" if point and point in suspicions else ""


def _back(doubt: Point) -> str:
    return f"back after the suspect snapshot of {moment(doubt)}"


def _counts(step: PackageStep) -> str:
    """`12 rebuilt, 3 added: 54 specs`."""
    counts = msgspec.structs.asdict(step.counts)
    told = ", ".join(f"{number:,} {kind}" for kind, number in counts.items() if number)
    return f"{told}: {counted(step.specs, 'spec')} now" if told else ""


def _gap(event: Event) -> str:
    """What to know of when it happened: after how long a time that nothing is known of."""
    if event.after is None:
        return ""
    if event.unread:
        return f"compared with {moment(event.after)}, when it was last read"
    start, end = (
        datetime.fromisoformat(point.committed_at) for point in (event.after, event.step.point)
    )
    if (end - start).total_seconds() > _LONG:
        return f"no snapshot since {moment(event.after)}"
    return ""


def night_rows(timeline: StackTimeline, show: Show) -> Iterator[NightRow]:
    """What joined and left a stack, one row a point; at the end what was in it at the first snapshot."""
    for night in timeline.nights:
        said = [f"left: {_packages(night.left, PackageStatus.REMOVED, show)}" * bool(night.left)]
        for doubt in dict.fromkeys(event.doubt for event in night.joined):
            events = [event for event in night.joined if event.doubt == doubt]
            back = f", {_back(doubt)}" if doubt and doubt != night.at.point else ""
            said.append(f"joined{back}: {_packages(events, PackageStatus.ADDED, show)}")
        at = night.at
        if at.unreadable:
            said.append(f"{counted(at.unreadable, 'manifest')} could not be read")
        if at.untold:
            said.append(f"the stacks of {counted(at.untold, 'spec')} are not told")
        gaps = {_gap(event): None for event in (*night.left, *night.joined) if not event.unread}
        doubtful = any(event.doubt for event in (*night.left, *night.joined))
        kind = UNKNOWN if doubtful else _kind(came=bool(night.joined), went=bool(night.left))
        why = suspect(timeline.suspicions, at.point, show)
        yield _night(at, " · ".join(filter(None, (*said, *gaps, why))), kind)
    first = timeline.points[0]
    if first.point == timeline.oldest and (first.specs or first.at_least):
        yield _night(first, "in the first snapshot", "")


def _night(at: StackPoint, said: str, kind: str) -> NightRow:
    packages, specs = (bounded(n, at_least=at.at_least) for n in (at.packages, at.specs))
    return NightRow(at.point, packages, specs, said, kind)


def _packages(events: Sequence[Event], status: PackageStatus, show: Show) -> str:
    """Names, each with what else there is to know of it."""
    names = []
    for event in events:
        notes = [status.value] if event.step.status is status else []
        notes += [_gap(event)] if event.unread else []
        names.append(show(event.step.package) + (f" ({', '.join(notes)})" if notes else ""))
    return ", ".join(names)


def stack_changes(timeline: HashTimeline, show: Show) -> Iterator[tuple[Point, HashLife, str, str]]:
    """What stacks a hash was in, and when it joined or left one, newest first, with the kind of row."""
    changes = []
    for stay in timeline.stays:
        life = stay.life
        begin = life.stacks[0]
        changes.append((begin.point, life, _stacks(begin.stacks, show), ""))
        for before, after in pairwise(life.stacks):
            if before.stacks is None or after.stacks is None:
                said, kind = _stacks(after.stacks, show), ""
            else:
                old, new = (set(each.stacks or ()) - {ROOT_STACK} for each in (before, after))
                moves = (("joined", sorted(new - old)), ("left", sorted(old - new)))
                said = " · ".join(
                    f"{word} {', '.join(map(show, each))}" for word, each in moves if each
                )
                kind = _kind(came=bool(new - old), went=bool(old - new))
            if said:
                changes.append((after.point, life, said, kind))
    changes.sort(key=lambda change: change[0], reverse=True)
    yield from changes


def _stacks(stacks: tuple[str, ...] | None, show: Show) -> str:
    if stacks is None:
        return "stacks not told"
    told = [show(stack) for stack in stacks if stack != ROOT_STACK]
    return f"in {', '.join(told)}" if told else "in no stack"
