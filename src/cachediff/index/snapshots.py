"""What the index was made of: the snapshots that were taken in, and those that could not be read."""

from __future__ import annotations

import sqlite3
from collections import defaultdict

import msgspec

from cachediff.model.lives import Collection, Point

_POINTS = """
SELECT source, name, committed_at, object_id, sha256
FROM point JOIN collection ON collection = collection.id ORDER BY point.id
"""
_PASSED_OVER = """
SELECT source, name, committed_at, object_id, sha256
FROM passed_over JOIN collection ON collection = collection.id
"""


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


def passed_over_snapshots(
    connection: sqlite3.Connection,
) -> dict[Collection, set[IndexedSnapshot]]:
    """The snapshots that could not be read when it was their turn."""
    found: defaultdict[Collection, set[IndexedSnapshot]] = defaultdict(set)
    for source, name, time, commit, sha256 in connection.execute(_PASSED_OVER):
        found[source, name].add(IndexedSnapshot(Point(time, commit.hex()), sha256.hex()))
    return dict(found)
