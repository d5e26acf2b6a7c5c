"""Steps: a span of a collection's history, told as comparisons of each snapshot with the one before."""

from __future__ import annotations

import msgspec

from cachediff.model.comparison import Comparison
from cachediff.model.lives import Point


class Bridge(msgspec.Struct, frozen=True):
    """A package that can be read again, and the snapshot in which it was read last."""

    package: str
    last_read: Point


class Step(msgspec.Struct, frozen=True):
    """One step: all changes from a snapshot of the span to the next one.

    The old side is the snapshot before, but for the packages `bridged` (by name): they could not be
    read there, and can be now, so that they are compared with what was read of them last. They are
    counted on the old side as that.
    """

    comparison: Comparison
    bridged: tuple[Bridge, ...] = ()
