"""Comparing two opened snapshots: only what may differ is read, and it is read as it is compared."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from cachediff.comparing import compare
from cachediff.model.comparison import Comparison
from cachediff.queries.opened import OpenedSnapshot, read_both


def compare_opened(old: OpenedSnapshot, new: OpenedSnapshot) -> Comparison:
    """All changes from `old` to `new`.

    Raises:
        SourceError: a source failed while it was being read.
    """
    packages = sorted(old.entries.keys() | new.entries.keys())
    equal = {
        package
        for package in packages
        if (id_ := old.entries.get(package)) is not None and id_ == new.entries.get(package)
    }
    differing = [package for package in packages if package not in equal]
    with _collector_paused():
        summaries = new.summaries(sorted(equal))
        return compare(old.origin, new.origin, read_both(old, new, differing), summaries)


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
