"""How a collection has grown: its totals, snapshot by snapshot."""

from __future__ import annotations

import msgspec


class HistoryPoint(msgspec.Struct, frozen=True, order=True):
    """What one snapshot of a collection came to.

    `committed_at` is the committer's time in UTC (`2025-04-20T03:12:09Z`); `packages` counts those
    with at least one spec, `specs` all that could be read.
    """

    committed_at: str
    packages: int
    specs: int
