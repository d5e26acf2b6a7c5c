"""Comparing two opened snapshots: only what may differ is read, and it is read as it is compared."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cachediff.queries.in_git import GitSnapshot
from cachediff.queries.opened import OpenedSnapshot, Pages, differing_packages, read_both

if TYPE_CHECKING:
    from cachediff.model.comparison import Comparison
    from cachediff.model.snapshot import Totals
    from cachediff.queries.along import Along


def compare_opened(old: OpenedSnapshot, new: OpenedSnapshot) -> Comparison:
    """All changes from `old` to `new`.

    Raises:
        SourceError: a source failed while it was being read.
    """
    with _collector_paused():
        differing = differing_packages(old, new)
        return compare_pages(old, new, differing, read_both(old, new, sorted(differing)))


def compare_pages(
    old: OpenedSnapshot,
    new: OpenedSnapshot,
    differing: Set[str],
    pages: Iterator[Pages],
    told: Callable[[Iterator[Pages]], Iterator[Pages]] = iter,
    along: tuple[Totals, Along] | None = None,
) -> Comparison:
    """All changes between two snapshots that are the same but for the packages `differing`.

    `pages` reads these, in order of package; `told` makes of them what is compared. What is remembered
    of a snapshot is what it lists itself, whatever is told. `along` is what is equal, and a walk that
    has begun the step from one to the other.

    Raises:
        SourceError: a source failed while it was being read.
    """
    from cachediff.comparing import compare
    from cachediff.queries.sharing import SharedHashes

    equal, walk = along or (_known_totals(old, new, differing), None)
    if equal is None:
        equal = new.totals_without(differing)
    if walk or equal.specs:
        shared = walk or SharedHashes(old, new, differing)
        watched = told(shared.watched(pages))
        comparison = compare(old.origin, new.origin, watched, equal, shared.found())
    else:
        comparison = compare(old.origin, new.origin, told(pages), equal)
    for side in (old, new):
        if isinstance(side, GitSnapshot):
            side.remember(differing, equal)
    return comparison


def _known_totals(old: OpenedSnapshot, new: OpenedSnapshot, differing: Set[str]) -> Totals | None:
    """What is equal on both sides, out of what either side is known to come to as a whole.

    The new one is known if it was compared before, the old one if it was the new one last night.
    """
    for side in (new, old):
        if isinstance(side, GitSnapshot) and (totals := side.known_totals_without(differing)):
            return totals
    return None


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Hold the cyclic collector: a comparison makes hundreds of thousands of objects and no cycle.

    Every few hundred of them it would look through all the others again, which takes longer than the
    comparison itself.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
