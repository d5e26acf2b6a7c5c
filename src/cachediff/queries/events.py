"""Events: what became of a package at points, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cachediff.model.comparison import PackageStatus
from cachediff.model.lives import PackageStep, Point
from cachediff.model.timeline import Event


def specs_of(points: Sequence[Point], steps: dict[Point, PackageStep]) -> list[int | None]:
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


def events_of(
    points: Sequence[Point], steps: dict[Point, PackageStep], specs: dict[Point, int | None]
) -> list[Event]:
    """The steps of a package, in order, each with what it was compared with; `specs` as of `specs_of`."""
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


def doubts_of(
    steps: Iterable[PackageStep], suspicions: Mapping[Point, str]
) -> dict[tuple[Point, str], Point]:
    """By point and package, the suspect point at which something is missing that a step tells of.

    The steps are in order. It is that of a step that takes something away, or the one at which that went
    which a later one brings.
    """
    missing: dict[str, Point] = {}
    found = {}
    for step in steps:
        key = step.point, step.package
        if step.point in suspicions and (step.counts.removed or step.stacks_left):
            found[key] = missing[step.package] = step.point
        elif step.package in missing and (step.counts.added or step.stacks_joined):
            found[key] = missing.pop(step.package)
    return found


def ends_of(
    points: Sequence[Point], truths: Sequence[bool | None]
) -> tuple[Point | None, Point | None, Point | None]:
    """The first and last point at which something is true, and the first after that at which it is not."""
    true = [place for place, truth in enumerate(truths) if truth]
    if not true:
        return None, None, None
    gone = next((place for place in range(true[-1], len(points)) if truths[place] is False), None)
    return points[true[0]], points[true[-1]], None if gone is None else points[gone]
