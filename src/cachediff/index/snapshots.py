"""What the index was made of: the snapshots that were taken in, and those that were passed over."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from enum import StrEnum
from typing import TypeAlias

import msgspec

from cachediff.model.lives import Collection, Point

_POINTS = """
SELECT source, name, committed_at, object_id, sha256
FROM point JOIN collection ON collection = collection.id ORDER BY point.id
"""
_PASSED_OVER = """
SELECT source, name, committed_at, object_id, sha256, reason
FROM passed_over JOIN collection ON collection = collection.id
"""


class Reason(StrEnum):
    """Why a stored snapshot is not in the index."""

    DAMAGED = "damaged"
    """It could not be read when it was its turn."""
    REWRITTEN = "rewritten"
    """It is not in the history of its source's branch, which has something else of that time."""


PassedOver: TypeAlias = dict[Collection, dict["IndexedSnapshot", Reason]]
"""The snapshots that were passed over, and why."""


class IndexedSnapshot(msgspec.Struct, frozen=True):
    """A snapshot by which a point is known: its time and commit, and the digest of its file."""

    point: Point
    sha256: str


def indexed_snapshots(connection: sqlite3.Connection) -> dict[Collection, list[IndexedSnapshot]]:
    """The snapshots that were taken in, in the order of each collection."""
    found: defaultdict[Collection, list[IndexedSnapshot]] = defaultdict(list)
    for source, name, time, commit, sha256 in connection.execute(_POINTS):
        found[source, name].append(IndexedSnapshot(Point(time, commit.hex()), sha256.hex()))
    return dict(found)


def passed_over_snapshots(connection: sqlite3.Connection) -> PassedOver:
    """The snapshots that are stored and were not taken in."""
    found: PassedOver = defaultdict(dict)
    for source, name, time, commit, sha256, reason in connection.execute(_PASSED_OVER):
        snapshot = IndexedSnapshot(Point(time, commit.hex()), sha256.hex())
        found[source, name][snapshot] = Reason(reason)
    return dict(found)


def gone_collections(connection: sqlite3.Connection) -> dict[Collection, str]:
    """The collections that upstream has no more, each with the time at which it had not."""
    return {
        (source, name): time
        for source, name, time in connection.execute(
            "SELECT source, name, gone FROM collection WHERE gone IS NOT NULL"
        )
    }
