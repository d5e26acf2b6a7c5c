"""The plan of a backfill: which commits are to be stored, cut into chunks that are taken apart.

A chunk begins with a whole snapshot, and each that follows is a step on the one before. Where it is
cut follows from the history alone, and so do all bytes that are written: not from how many processes
write them, nor from how often they were killed.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

import msgspec

from cachediff.model.snapshot import Origin
from cachediff.model.span import Every, Span
from cachediff.store import StoredSnapshot

LENGTH = 50
"""The most snapshots of a chunk: a reader goes through as many files, at most, to the whole one."""


class Chunk(msgspec.Struct, frozen=True):
    """Consecutive snapshots of one collection, oldest first."""

    origins: tuple[Origin, ...]


_PERIOD: Mapping[Every, Callable[[Origin], object]] = {
    Every.COMMIT: lambda origin: origin.commit,
    Every.DAY: lambda origin: str(origin.committed_at)[:10],
    Every.WEEK: lambda origin: _day(origin).isocalendar()[:2],
}


def chunks_of(
    changes: Sequence[Origin], span: Span, stored: Sequence[StoredSnapshot]
) -> tuple[list[Chunk], list[Origin]]:
    """What is to be stored of one collection; and which commits need not be, and are not yet.

    `changes` are those of its whole history, oldest first; `stored` is what the store has of it. A
    commit need not be stored where a snapshot of another commit, just before it, has the same tree: as
    after upstream rewrote its history.
    """
    # The last of a period is the last until then, or a span that ends in it would have nothing of it.
    until = [origin for origin in changes if str(origin.committed_at) <= span.until]
    wanted = [
        (number, origin)
        for number, origin in enumerate(_thinned(until, span.every))
        if span.since <= str(origin.committed_at)
    ]
    others = _others(stored, {str(origin.commit) for _, origin in wanted})
    times = [_place(origin) for origin in others]
    chunks: list[Chunk] = []
    unchanged: list[Origin] = []
    before = ("", "")
    for _, group in groupby(wanted, key=lambda one: one[0] // LENGTH):
        origins = []
        for _, origin in group:
            place = _place(origin)
            index = bisect(times, place) - 1
            if index >= 0 and times[index] > before and others[index].tree == origin.tree:
                unchanged.append(origin)
            else:
                origins.append(origin)
            before = place
        if origins:
            chunks.append(Chunk(tuple(origins)))
    return chunks, unchanged


def _thinned(changes: Sequence[Origin], every: Every) -> Iterator[Origin]:
    """The last change of each period, unless nothing has changed since that of the one before."""
    period = _PERIOD[every]
    last = {period(origin): origin for origin in changes}
    tree = None
    for origin in changes:
        if last[period(origin)] is origin and origin.tree != tree:
            tree = origin.tree
            yield origin


def _others(stored: Sequence[StoredSnapshot], commits: set[str]) -> list[Origin]:
    """What is stored of other commits, oldest first."""
    return sorted((one.origin for one in stored if one.commit not in commits), key=_place)


def _place(origin: Origin) -> tuple[str, str]:
    """What snapshots are ordered by."""
    return str(origin.committed_at), str(origin.commit)


def _day(origin: Origin) -> date:
    return date.fromisoformat(str(origin.committed_at)[:10])
