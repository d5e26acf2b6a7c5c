"""Rows of the index, told as the model says: the stays of hashes."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from cachediff.index.hashes import Packed, unpacked
from cachediff.index.spans import OPEN, Spans, decoded
from cachediff.index.telling import PointOrder, Unknown
from cachediff.model.lives import Collection, HashLife, StackChange

_list = msgspec.json.Decoder(tuple[str, ...]).decode
_system = msgspec.json.Decoder(tuple[str | None, str, str, str]).decode

_KIND = """
SELECT kind.package, package.text, version.text, system.text, variants.text, stacks.text
FROM kind JOIN text AS package ON package.id = kind.package
    JOIN text AS version ON version.id = kind.version
    JOIN text AS system ON system.id = kind.system
    JOIN text AS variants ON variants.id = kind.variants
    LEFT JOIN text AS stacks ON stacks.id = kind.stacks
WHERE kind.id = ?
"""
_RESTACKED = """
SELECT point, text FROM restacked LEFT JOIN text ON text.id = stacks
WHERE hash = ? AND kind = ? ORDER BY point
"""


class _Kind(msgspec.Struct, frozen=True):
    """What a hash is; `number` is that of its package."""

    number: int
    package: str
    version: str
    system: tuple[str | None, str, str, str]
    variants: tuple[str, ...]
    stacks: tuple[str, ...] | None


class Teller:
    """Tells the stays of hashes; what many of them share is looked up once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._kinds: dict[int, _Kind] = {}
        self._spans: dict[int, Spans] = {}
        self._unknown: dict[tuple[int, int], Unknown] = {}
        self._collections: dict[int, Collection] = {}
        self._orders: dict[int, PointOrder] = {}
        self._homes: dict[int, int] = {}

    def lives(self, rows: Iterable[tuple[Packed, int, int]]) -> list[HashLife]:
        """The stays of rows of hash, kind and history, by hash, first point and collection."""
        self._find_points()
        lives = []
        for kept, kind, history in rows:
            if history not in self._spans:
                self._spans[history] = self._look_up_spans(history)
            if kind not in self._kinds:
                self._kinds[kind] = self._look_up_kind(kind)
            changes = self._connection.execute(_RESTACKED, (kept, kind)).fetchall()
            lives += [
                self._life(unpacked(kept), self._kinds[kind], span, changes)
                for span in self._spans[history]
            ]
        lives.sort(
            key=lambda life: (life.hash, life.first, life.source, life.collection, life.package)
        )
        return lives

    def _life(
        self,
        hash_: str,
        kind: _Kind,
        span: tuple[int, int],
        changes: Sequence[tuple[int, str | None]],
    ) -> HashLife:
        home = self._homes[span[0]]
        source, collection = self._collections[home]
        order = self._orders[home]
        first, gone = span[0], None if span[1] == OPEN else span[1]
        here = [
            (point, stacks)
            for point, stacks in changes
            if self._homes[point] == home and first < point and (gone is None or point < gone)
        ]
        compiler, platform, os, target = kind.system
        return HashLife(
            source=source,
            collection=collection,
            hash=hash_,
            package=kind.package,
            version=kind.version,
            compiler=compiler,
            platform=platform,
            os=os,
            target=target,
            variants=kind.variants,
            first=order.point(first),
            last=order.last_known(gone, self._when_unknown(home, kind.number)),
            gone=None if gone is None else order.point(gone),
            stacks=(
                StackChange(order.point(first), kind.stacks),
                *(
                    StackChange(order.point(point), None if stacks is None else _list(stacks))
                    for point, stacks in here
                ),
            ),
        )

    def _find_points(self) -> None:
        rows: defaultdict[int, list[tuple[int, str, bytes]]] = defaultdict(list)
        for home, *row in self._connection.execute(
            "SELECT collection, id, committed_at, object_id FROM point ORDER BY id"
        ):
            rows[home].append((row[0], row[1], row[2]))
            self._homes[row[0]] = home
        self._orders = {home: PointOrder.of(some) for home, some in rows.items()}
        self._collections = {
            home: (source, name)
            for home, source, name in self._connection.execute(
                "SELECT id, source, name FROM collection"
            )
        }

    def _look_up_spans(self, history: int) -> Spans:
        (kept,) = self._connection.execute(
            "SELECT spans FROM history WHERE id = ?", (history,)
        ).fetchone()
        return decoded(kept)

    def _look_up_kind(self, kind: int) -> _Kind:
        number, package, version, system, variants, stacks = self._connection.execute(
            _KIND, (kind,)
        ).fetchone()
        return _Kind(
            number,
            package,
            version,
            _system(system),
            _list(variants),
            None if stacks is None else _list(stacks),
        )

    def _when_unknown(self, collection: int, package: int) -> Unknown:
        if (collection, package) not in self._unknown:
            self._unknown[collection, package] = self._connection.execute(
                "SELECT first, until FROM unknown WHERE collection = ? AND package = ?",
                (collection, package),
            ).fetchall()
        return self._unknown[collection, package]
