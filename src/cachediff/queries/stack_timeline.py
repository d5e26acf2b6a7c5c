"""Timelines of stacks: what joined and left one."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from cachediff.errors import NameNotFoundError
from cachediff.index import NOT_KNOWN
from cachediff.model.lives import Collection, PackageStep, Point
from cachediff.model.timeline import Event, StackNight, StackPoint, StackTimeline, TimeRange
from cachediff.queries.events import doubts_of, events_of, specs_of
from cachediff.queries.spans import after_gaps, points_in

if TYPE_CHECKING:
    from cachediff.index import Index


def stack_timeline(index: Index, where: Collection, stack: str, span: TimeRange) -> StackTimeline:
    """What joined and left a stack of the collection `where`.

    Raises `NameNotFoundError` where there is no such stack, or no snapshot of that time.
    """
    points = index.points(*where)
    inside = points_in(points, where, span)
    gaps = after_gaps(points)
    totals = {
        total.point: StackPoint(
            total.point,
            *total.coverage["stack"].get(stack, (0, 0)),
            total.unreadable,
            total.coverage["stack"].get(NOT_KNOWN, (0, 0))[0],
            gap,
        )
        for total, gap in zip(index.totals(*where), gaps, strict=True)
    }
    if not any(total.specs for total in totals.values()):  # or it is misspelt
        check_stack(index, where, stack)
    before = dict(zip(points[1:], points, strict=False))
    suspicions = index.suspicions(*where)
    all_steps = index.stack_steps(*where, stack)
    doubts = doubts_of(all_steps, suspicions)
    nights = []
    for point, steps in groupby(all_steps, lambda step: step.point):
        if span.holds(point):
            events = [
                msgspec.structs.replace(
                    _stack_event(index, where, totals, step, before.get(point)),
                    doubt=doubts.get((point, step.package)),
                )
                for step in steps
            ]
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
        suspicions=suspicions,
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
    specs = dict(zip(points, specs_of(points, steps), strict=True))
    events = events_of(points, steps, specs)
    return next(each for each in events if each.step.point == step.point)


def check_stack(index: Index, where: Collection, stack: str) -> None:
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
