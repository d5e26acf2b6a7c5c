"""Timelines: what a word means in a log, and what became of what it means."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from cachediff.errors import NameNotFoundError, UsageError
from cachediff.model.comparison import PackageStatus
from cachediff.model.lives import Collection, HashLife, PackageStep, Point
from cachediff.model.timeline import (
    Event,
    HashChoice,
    HashTimeline,
    PackageTimeline,
    StackNight,
    StackPoint,
    StackTimeline,
    Stay,
    TimeRange,
)
from cachediff.queries.homes import (
    home,
    home_of_package,
    is_hash,
    is_long,
    no_package,
    some_of,
)

if TYPE_CHECKING:
    from cachediff.index import Index
    from cachediff.queries.catalogue import Catalogue


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a log is asked: of `what`, a package or a hash, or of a `stack`, or of a package in one.

    `collection` is `[SOURCE:]COLLECTION`, a glob of it, or None.
    """

    what: str | None = None
    stack: str | None = None
    collection: str | None = None
    span: TimeRange = TimeRange()


def find_timeline(
    names: Catalogue, index: Index, question: Question
) -> PackageTimeline | StackTimeline | HashTimeline | HashChoice:
    """What `index` tells of what is asked for; the hashes that may be meant, where it is not one.

    A word that is the name of a package means the package, with `/` before it a hash; one of at least
    7 letters means a hash if it is the beginning of one.

    Raises:
        NameNotFoundError: there is no such package, hash, stack or collection, or no snapshot of that
            time; the hint says what there is.
        UsageError: the question contradicts itself, or more than one collection may be meant.
        StoreError: the index cannot be read.
    """
    collections = index.collections()
    if not collections:
        raise NameNotFoundError(
            f"no snapshot is stored in {names.store.location}, and nothing is known of the past",
            "take some: cachediff snapshot develop --since DATE",
        )
    what, stack = question.what, question.stack
    if what is None:
        if stack is None:
            raise UsageError("log of what?", "name a package, a hash or a stack: --stack e4s")
        return _stack(index, home(names, collections, question.collection), stack, question.span)
    if what.startswith("/"):
        return _hash(index, what[1:], question)
    found = home_of_package(names, index, collections, what, question.collection)
    if found is not None:
        return _package(index, found, what, question)
    if is_hash(what) and is_long(what) and index.lives(what):
        return _hash(index, what, question)
    raise no_package(names, index, collections, what, question.collection)


def _inside(points: Sequence[Point], where: Collection, span: TimeRange) -> tuple[Point, ...]:
    """The points in the span: at least one."""
    inside = tuple(point for point in points if span.holds(point))
    if not inside:
        source, collection = where
        limits = ((f" {word} {limit}" if limit else "") for word, limit in _limits(span))
        raise NameNotFoundError(
            f"no snapshot of {source}:{collection} is stored{''.join(limits)}",
            f"there are {len(points):,}, from {points[0].committed_at} to {points[-1].committed_at};"
            " more of the past can be taken: cachediff snapshot --since DATE",
        )
    return inside


def _limits(span: TimeRange) -> list[tuple[str, str | None]]:
    return [("from", span.since), ("until", span.until)]


def _package(index: Index, where: Collection, package: str, question: Question) -> PackageTimeline:
    points = index.points(*where)
    inside = _inside(points, where, question.span)
    steps = {step.point: step for step in index.package_steps(*where, package)}
    specs = dict(zip(points, _specs(points, steps), strict=True))
    seen = [point for point in points if specs[point]]
    last = seen[-1] if seen else None
    after = [point for point in points if specs[point] == 0 and last and last < point]
    span = question.span
    events = [event for event in _events(points, steps, specs) if span.holds(event.step.point)]
    stack = question.stack
    if stack is not None:
        events = [
            event
            for event in events
            if event.is_unknown or stack in (*event.step.stacks_joined, *event.step.stacks_left)
        ]
        if all(event.is_unknown for event in events):
            _check_stack(index, where, stack)
    return PackageTimeline(
        source=where[0],
        collection=where[1],
        package=package,
        stack=stack,
        span=span,
        oldest=points[0],
        newest=points[-1],
        first=seen[0] if seen else None,
        last=last,
        gone=after[0] if after else None,
        points=inside,
        specs=tuple(specs[point] for point in inside),
        versions=tuple(index.versions(*where, package)),
        events=tuple(events[::-1]),
    )


def _specs(points: Sequence[Point], steps: dict[Point, PackageStep]) -> list[int | None]:
    """How many specs a package has at each point; what nothing is told of is as it was read last."""
    specs: list[int | None] = []
    known = 0
    for point in points:
        step = steps.get(point)
        if step is not None and step.status is PackageStatus.UNKNOWN:
            specs.append(None)
            continue
        if step is not None:
            known = step.specs
        specs.append(known)
    return specs


def _events(
    points: Sequence[Point], steps: dict[Point, PackageStep], specs: dict[Point, int | None]
) -> list[Event]:
    events = []
    read: Point | None = None
    before: Point | None = None
    unread = 0
    for point in points:
        step = steps.get(point)
        unknown = specs[point] is None
        if step is not None:
            first = step.status is None
            after = None if first else before if unknown else read
            events.append(Event(step, after, 0 if unknown else unread))
        if unknown:
            unread += 1
        else:
            read, unread = point, 0
        before = point
    return events


def _check_stack(index: Index, where: Collection, stack: str) -> None:
    """Refuse a stack that no snapshot of the collection tells of."""
    known = {name for totals in index.totals(*where) for name in totals.coverage["stack"]} - {
        "none"
    }
    if stack not in known:
        from cachediff.sources.names import close_names

        source, collection = where
        raise NameNotFoundError(
            f"no stored snapshot of {source}:{collection} tells of a stack {stack!r}",
            close_names(stack, known),
        )


def _stack(index: Index, where: Collection, stack: str, span: TimeRange) -> StackTimeline:
    points = index.points(*where)
    inside = _inside(points, where, span)
    totals = {
        total.point: StackPoint(
            total.point, *total.coverage["stack"].get(stack, (0, 0)), total.unreadable
        )
        for total in index.totals(*where)
    }
    if not any(total.specs for total in totals.values()):  # or it is misspelt
        _check_stack(index, where, stack)
    before = dict(zip(points[1:], points, strict=False))
    nights = []
    for point, steps in groupby(index.stack_steps(*where, stack), lambda step: step.point):
        if span.holds(point):
            events = [_stack_event(index, where, totals, step, before.get(point)) for step in steps]
            nights.append(
                StackNight(
                    at=totals[point],
                    joined=tuple(each for each in events if stack in each.step.stacks_joined),
                    left=tuple(each for each in events if stack in each.step.stacks_left),
                )
            )
    return StackTimeline(
        source=where[0],
        collection=where[1],
        stack=stack,
        span=span,
        oldest=points[0],
        newest=points[-1],
        points=tuple(totals[point] for point in inside),
        nights=tuple(nights[::-1]),
    )


def _stack_event(
    index: Index,
    where: Collection,
    totals: dict[Point, StackPoint],
    step: PackageStep,
    before: Point | None,
) -> Event:
    """A step with what it was compared with: the point before, unless its package was unread there."""
    if before is None or not totals[before].unreadable:
        return Event(step, before)
    steps = {each.point: each for each in index.package_steps(*where, step.package)}
    points = list(totals)
    specs = dict(zip(points, _specs(points, steps), strict=True))
    events = _events(points, steps, specs)
    return next(each for each in events if each.step.point == step.point)


def _hash(index: Index, prefix: str, question: Question) -> HashTimeline | HashChoice:
    if question.stack is not None or question.span != TimeRange():
        raise UsageError("--stack, --since and --until are for packages and stacks, not for a hash")
    if not is_hash(prefix):
        raise UsageError(
            f"{prefix!r} is not the beginning of a hash",
            "a hash is 32 letters from a to z and digits from 2 to 7",
        )
    lives = index.lives(prefix)
    if not lives:
        raise NameNotFoundError(f"no stored snapshot ever had a hash /{prefix}")
    asked = [life for life in lives if _is_asked(life, question.collection)]
    if not asked:
        had = sorted({f"{life.source}:{life.collection}" for life in lives})
        raise NameNotFoundError(
            f"no hash /{prefix} was ever in {question.collection}",
            f"it is or was in {some_of(had)}",
        )
    newest = {life.hash: life for life in sorted(asked, key=lambda life: life.last)}
    if len(newest) > 1:
        return HashChoice(prefix, tuple(newest[hash_] for hash_ in sorted(newest)))
    homes = {(life.source, life.collection) for life in asked}
    points = {where: index.points(*where) for where in homes}
    ends = {where: (all_[0], all_[-1]) for where, all_ in points.items()}
    stays = [Stay(life, *ends[life.source, life.collection]) for life in asked]
    stays.sort(key=lambda stay: (stay.life.source, stay.life.collection))
    stays.sort(key=lambda stay: (stay.life.last, stay.life.first), reverse=True)
    return HashTimeline(asked[0].hash, tuple(stays))


def _is_asked(life: HashLife, collection: str | None) -> bool:
    """Whether a life is in a collection that `[SOURCE:]GLOB` fits."""
    if collection is None:
        return True
    source, colon, glob = collection.rpartition(":")
    return (not colon or life.source == source) and fnmatchcase(life.collection, glob)
