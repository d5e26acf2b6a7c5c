"""The spans of hashes as they are written, a point at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from cachediff.index import schema, spans
from cachediff.index.hashes import Packed, unpacked
from cachediff.index.spans import Spans


class Histories:
    """The spans of hashes, at the point `new` of a collection whose points before it are `known`."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, known: frozenset[int], new: int
    ) -> None:
        self._path = path
        self._connection = connection
        self._known = known
        self._new = new
        self._spans: dict[int, Spans] = {}
        self._numbers: dict[Spans, int] = {}
        self._ended: dict[int, int] = {}
        self._begun: dict[int, int] = {}
        self._changed: list[tuple[Packed, int, int]] = []

    def living(self, hash_: Packed, kinds: frozenset[int]) -> tuple[int, int]:
        """The kind and the history of a hash that is there, as one of `kinds`.

        Raises `DamagedIndexError` if it is not, although the snapshot before has it.
        """
        for kind, history in self._connection.execute(
            "SELECT kind, history FROM life WHERE hash = ?", (hash_,)
        ):
            if kind in kinds and spans.is_open(self._of(history), self._known):
                return kind, history
        raise schema.DamagedIndexError(f"{self._path} is damaged: {unpacked(hash_)} is missing")

    def end(self, hash_: Packed, kinds: frozenset[int]) -> None:
        """A hash that was there, as one of `kinds`, is not any more."""
        kind, history = self.living(hash_, kinds)
        after = self._after(
            self._ended, history, lambda these: spans.ended(these, self._known, self._new)
        )
        self._changed.append((hash_, kind, after))

    def begin(self, hash_: Packed, kind: int) -> None:
        """A hash is there that was not."""
        row = self._connection.execute(
            "SELECT history FROM life WHERE hash = ? AND kind = ?", (hash_, kind)
        ).fetchone()
        history = row[0] if row else 0
        after = self._after(self._begun, history, lambda these: spans.begun(these, self._new))
        self._changed.append((hash_, kind, after))

    def write(self) -> None:
        """Write what was ended and begun."""
        self._connection.executemany(
            "INSERT INTO life VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET history = excluded.history",
            self._changed,
        )

    def _after(self, known: dict[int, int], history: int, change: Callable[[Spans], Spans]) -> int:
        if history not in known:
            known[history] = self._number(change(self._of(history)))
        return known[history]

    def _of(self, history: int) -> Spans:
        if history not in self._spans:
            row = self._connection.execute(
                "SELECT spans FROM history WHERE id = ?", (history,)
            ).fetchone()
            self._spans[history] = spans.decoded(row[0]) if row else ()
        return self._spans[history]

    def _number(self, these: Spans) -> int:
        if these not in self._numbers:
            kept = (spans.encoded(these),)
            row = (
                self._connection.execute("SELECT id FROM history WHERE spans = ?", kept).fetchone()
                or self._connection.execute(
                    "INSERT INTO history (spans) VALUES (?) RETURNING id", kept
                ).fetchone()
            )
            self._numbers[these] = row[0]
        return self._numbers[these]
