"""A span of history: of which commits snapshots are taken."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Every(StrEnum):
    """Snapshots of all commits, or of the last one of each UTC day or ISO week.

    Commits that changed the collection are meant; others have nothing new to store.
    """

    COMMIT = "commit"
    DAY = "day"
    WEEK = "week"


class Span(msgspec.Struct, frozen=True):
    """From `since` to `until`, both included: times in UTC as in `Origin`; by default, all of history."""

    since: str = ""
    until: str = "~"  # after all digits
    every: Every = Every.COMMIT
