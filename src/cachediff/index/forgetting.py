"""Forgetting: what the index was told, as if it had never been; inside a transaction of its writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Set

from cachediff.index import spans


def forget_points(connection: sqlite3.Connection, collection: int, points: Set[int]) -> None:
    """Forget `points`, at least one: the last ones of a collection, and what became of it at them."""
    execute = connection.execute
    first = min(points)
    for table in ("step", "stack_step", "telling"):
        execute(f"DELETE FROM {table} WHERE collection = ? AND point >= ?", (collection, first))  # noqa: S608
    execute("DELETE FROM unknown WHERE collection = ? AND first >= ?", (collection, first))
    execute(
        "UPDATE unknown SET until = NULL WHERE collection = ? AND until >= ?",
        (collection, first),
    )
    histories = execute("SELECT spans, id FROM history").fetchall()
    kept = [(spans.without(spans.decoded(old), points), number) for old, number in histories]
    connection.executemany(
        "UPDATE history SET spans = ?1 WHERE id = ?2 AND spans <> ?1",
        [(spans.encoded(each), number) for each, number in kept],
    )
    never = "SELECT id FROM history WHERE spans = ?", (spans.encoded(()),)
    execute(f"DELETE FROM life WHERE history IN ({never[0]})", never[1])  # noqa: S608
    execute("DELETE FROM history WHERE spans = ?", never[1])
    for table, column in (("restacked", "point"), ("covered", "point"), ("point", "id")):
        connection.executemany(
            f"DELETE FROM {table} WHERE {column} = ?",  # noqa: S608
            [(point,) for point in sorted(points)],
        )


def forget_collection(connection: sqlite3.Connection, collection: int) -> None:
    """Forget a collection that has no points any more, and which of its snapshots were passed over."""
    connection.execute("DELETE FROM passed_over WHERE collection = ?", (collection,))
    connection.execute("DELETE FROM collection WHERE id = ?", (collection,))


def forget_everything(connection: sqlite3.Connection) -> None:
    """Empty all tables."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
