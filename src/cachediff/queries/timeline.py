"""Timelines: what a word means in a log, and what became of what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from cachediff.errors import NameNotFoundError, UsageError
from cachediff.model.lives import Collection, HashLife, Point
from cachediff.model.timeline import (
    HashChoice,
    HashTimeline,
    PackageTimeline,
    StackStay,
    StackTimeline,
    Stay,
    TimeRange,
)
from cachediff.queries.events import doubts_of, ends_of, events_of, specs_of
from cachediff.queries.homes import (
    collections_of,
    home,
    home_of_package,
    is_hash,
    is_long,
    no_package,
    some_of,
)
from cachediff.queries.spans import points_in
from cachediff.queries.stack_timeline import check_stack, stack_timeline

if TYPE_CHECKING:
    from cachediff.index import Index
    from cachediff.queries.catalogue import Catalogue

_MOST_FITTING = 5


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
    collections = collections_of(names, index, question.collection)
    what, stack = question.what, question.stack
    if what is None:
        if stack is None:
            raise UsageError("log of what?", "name a package, a hash or a stack: --stack e4s")
        return stack_timeline(
            index, home(names, collections, question.collection), stack, question.span
        )
    if what.startswith("/"):
        return _hash(index, collections, what[1:], question)
    found = home_of_package(names, index, collections, what, question.collection)
    if found is not None:
        return _package(index, found, what, question)
    if is_hash(what) and is_long(what) and index.has_hash(what):
        return _hash(index, collections, what, question)
    _check_word(index, collections, what)
    raise no_package(names, index, collections, what, question.collection)


def _check_word(index: Index, collections: Sequence[Collection], what: str) -> None:
    """Refuse what is more than the name of a package, or may mean several, and say what to type."""
    package, at, _ = what.partition("@")
    if at and package:
        raise UsageError(
            f"{what!r} is more than a package, and a log is of a package",
            f"its log has its versions: cachediff log {package}",
        )
    if any(char in what for char in "*?["):
        known = {name for each in collections for name in index.packages(*each)}
        fitting = sorted(name for name in known if fnmatchcase(name, what))
        hint = ""
        if fitting:
            more = f" and {len(fitting) - _MOST_FITTING:,} more" if fitting[_MOST_FITTING:] else ""
            hint = f"it fits {', '.join(fitting[:_MOST_FITTING])}{more}: cachediff log {fitting[0]}"
        raise UsageError(f"{what!r} may mean several packages, and a log is of one", hint)


def _package(index: Index, where: Collection, package: str, question: Question) -> PackageTimeline:
    points = index.points(*where)
    inside = points_in(points, where, question.span)
    steps = {step.point: step for step in index.package_steps(*where, package)}
    specs = dict(zip(points, specs_of(points, steps), strict=True))
    first, last, gone = ends_of(
        points, [None if (n := specs[each]) is None else n > 0 for each in points]
    )
    span = question.span
    suspicions = index.suspicions(*where)
    doubts = doubts_of(steps.values(), suspicions)
    events = [
        msgspec.structs.replace(event, doubt=doubts.get((event.step.point, package)))
        for event in events_of(points, steps, specs)
        if span.holds(event.step.point)
    ]
    stack = question.stack
    in_stack = None
    stacks = dict(index.package_stacks(*where, package))
    if stack is not None:
        in_stack = _in_stack(points, specs, stacks, stack)
        events = [
            event
            for event in events
            if event.is_unknown or stack in (*event.step.stacks_joined, *event.step.stacks_left)
        ]
        if in_stack.first is None and all(event.is_unknown for event in events):
            check_stack(index, where, stack)
    return PackageTimeline(
        source=where[0],
        collection=where[1],
        package=package,
        stack=stack,
        in_stack=in_stack,
        untold=sum(specs[each] is not None and stacks[each] is None for each in points),
        suspicions=suspicions,
        span=span,
        oldest=points[0],
        newest=points[-1],
        first=first,
        last=last,
        gone=gone,
        points=inside,
        specs=tuple(specs[point] for point in inside),
        versions=tuple(index.versions(*where, package)),
        events=tuple(events[::-1]),
    )


def _in_stack(
    points: Sequence[Point],
    specs: Mapping[Point, int | None],
    stacks: Mapping[Point, frozenset[str] | None],
    stack: str,
) -> StackStay:
    """When a package was in a stack; not known where it cannot be read, or its stacks are not told."""
    told = [stacks[each] if specs[each] is not None else None for each in points]
    return StackStay(*ends_of(points, [None if each is None else stack in each for each in told]))


def _hash(
    index: Index, collections: Sequence[Collection], prefix: str, question: Question
) -> HashTimeline | HashChoice:
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
    asked = [
        life
        for life in lives
        if (life.source, life.collection) in collections and _is_asked(life, question.collection)
    ]
    if not asked:
        had = sorted({f"{life.source}:{life.collection}" for life in lives})
        raise NameNotFoundError(
            f"no hash /{prefix} was ever in {question.collection or 'a source that is set'}",
            f"it is or was in {some_of(had)}",
        )
    newest = {life.hash: life for life in sorted(asked, key=lambda life: life.last)}
    if len(newest) > 1:
        return HashChoice(prefix, tuple(newest[hash_] for hash_ in sorted(newest)))
    homes = {(life.source, life.collection) for life in asked}
    stays = [
        stay
        for where in homes
        for stay in _stays(
            index, where, [life for life in asked if (life.source, life.collection) == where]
        )
    ]
    stays.sort(key=lambda stay: (stay.life.source, stay.life.collection))
    stays.sort(key=lambda stay: (stay.life.last, stay.life.first), reverse=True)
    return HashTimeline(asked[0].hash, tuple(stays))


def _stays(index: Index, where: Collection, lives: Sequence[HashLife]) -> Iterator[Stay]:
    """The stays of a hash in one collection, whose `lives` there are in order."""
    points, suspicions = index.points(*where), index.suspicions(*where)
    removed = index.gone().get(where)
    is_back = False
    for life in lives:
        doubt = suspicions.get(life.gone) if life.gone else None
        yield Stay(life, points[0], points[-1], doubt, is_back, removed)
        is_back = doubt is not None


def _is_asked(life: HashLife, collection: str | None) -> bool:
    """Whether a life is in a collection that `[SOURCE:]GLOB` fits."""
    if collection is None:
        return True
    source, colon, glob = collection.rpartition(":")
    return (not colon or life.source == source) and fnmatchcase(life.collection, glob)
