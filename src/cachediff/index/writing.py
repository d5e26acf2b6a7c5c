"""The index, written: a point after another, each in one transaction with what became of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import msgspec

from cachediff.index import schema, snapshots
from cachediff.index.forgetting import forget_collection, forget_everything, forget_points
from cachediff.index.hashes import packed
from cachediff.index.histories import Histories
from cachediff.index.snapshots import IndexedSnapshot, PassedOver, Reason
from cachediff.index.texts import Numbers
from cachediff.model.comparison import PackageStatus
from cachediff.model.coverage import COVERED, CoverageCounts, no_coverage
from cachediff.model.lives import Collection, PackageStep, StepCounts
from cachediff.model.spec import Spec

_NOT_KNOWN = 0
"""The number of a value that is not known; those of texts begin with 1."""
_TOTALS = ("manifests", "unreadable", "packages", "specs", "suspicion")
_COUNTS = StepCounts.__struct_fields__
_STEP = f"INSERT INTO step VALUES ({', '.join('?' * (9 + len(_COUNTS)))})"  # noqa: S608


class PointNews(msgspec.Struct, frozen=True, kw_only=True):
    """What one point comes to: as in `PointTotals`, but that what is not known is covered as None."""

    snapshot: IndexedSnapshot
    manifests: int
    unreadable: int
    packages: int
    specs: int
    coverage: CoverageCounts
    suspicion: str | None = None


class PackageNews(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one package at a point.

    `step` is None where nothing is to be told; where its status is `unknown` it stands for all points
    until `is_known` again. `come` are the specs that are new there, `restacked` those whose stacks are
    others now, `gone` the hashes that are not there any more. From here on, `is_untold` says, its
    stacks are not told, or they are again, and are those that it is `told_again` in.
    """

    package: str
    step: PackageStep | None = None
    is_known: bool = False
    come: Sequence[Spec] = ()
    restacked: Sequence[Spec] = ()
    gone: Sequence[str] = ()
    is_untold: bool = False
    told_again: Sequence[str] | None = None


class IndexWriter:
    """The index in the file `path`, which is made if it is not there; a context manager.

    One process writes at a time, any number read. What is not inside `transaction` is one of its own.
    When this is killed, all transactions that ended are there, whole, and nothing of any other.

    Every method raises `StoreError` where the file cannot be written, and `DamagedIndexError` where it
    is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = schema.open_to_write(path)
        self._numbers = Numbers(self._connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What is done inside is written as one, or, after an error, not at all."""
        with schema.told(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._numbers.forget()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def snapshots(self) -> dict[Collection, list[IndexedSnapshot]]:
        """The snapshots that are in the index, in the order of each collection."""
        with schema.told(self._path):
            return snapshots.indexed_snapshots(self._connection)

    def passed_over(self) -> PassedOver:
        """The snapshots that are stored and were not taken in."""
        with schema.told(self._path):
            return snapshots.passed_over_snapshots(self._connection)

    def coverage(self, collection: Collection) -> CoverageCounts:
        """What the newest point of a collection covers."""
        values = no_coverage()
        with schema.told(self._path):
            for field, value, specs, packages in self._connection.execute(
                "SELECT field, text, specs, packages FROM covered LEFT JOIN text ON value = text.id"
                " WHERE point = (SELECT max(id) FROM point WHERE collection = ?)",
                (self._collection(collection),),
            ):
                values[COVERED[field]][value] = specs, packages
        return values

    def unknown(self, collection: Collection) -> dict[str, int]:
        """The packages that are unknown at the newest point: the place of the first at which they were."""
        number = self._collection(collection)
        points = {point: place for place, point in enumerate(self._points(number))}
        with schema.told(self._path):
            rows = self._connection.execute(
                "SELECT text, first FROM unknown JOIN text ON package = text.id"
                " WHERE collection = ? AND until IS NULL",
                (number,),
            )
            return {package: points[first] for package, first in rows}

    def pass_over(self, collection: Collection, snapshot: IndexedSnapshot, reason: Reason) -> None:
        """Note that a snapshot is not taken in."""
        number = self._collection(collection)
        row = number, snapshot.point.committed_at, *_ids(snapshot), reason
        with schema.told(self._path):
            self._connection.execute(
                "INSERT OR REPLACE INTO passed_over VALUES (?, ?, ?, ?, ?)", row
            )

    def consider_again(self, collection: Collection, snapshot: IndexedSnapshot) -> None:
        """Forget that a snapshot was passed over."""
        with schema.told(self._path):
            self._connection.execute(
                "DELETE FROM passed_over WHERE object_id = ? AND collection ="
                " (SELECT id FROM collection WHERE (source, name) = (?, ?))",
                (_ids(snapshot)[0], *collection),
            )

    def gone(self) -> dict[Collection, str]:
        """The collections that upstream has no more, as in `Index.gone`."""
        with schema.told(self._path):
            return snapshots.gone_collections(self._connection)

    def set_gone(self, collection: Collection, time: str | None) -> None:
        """Note that upstream, as of `time`, has a collection no more; that it has it, for None."""
        with schema.told(self._path):
            self._connection.execute(
                "UPDATE collection SET gone = ? WHERE (source, name) = (?, ?)", (time, *collection)
            )

    def append(
        self, collection: Collection, point: PointNews, packages: Iterable[PackageNews]
    ) -> None:
        """Write a point that comes after all others of its collection; inside a `transaction`."""
        number = self._collection(collection)
        known = frozenset(self._points(number))
        (new,) = self._connection.execute(
            "INSERT INTO point (collection, committed_at, object_id, sha256, manifests, unreadable,"
            " packages, specs, suspect) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                number,
                point.snapshot.point.committed_at,
                *_ids(point.snapshot),
                *(getattr(point, field) for field in _TOTALS),
            ),
        ).fetchone()
        self.consider_again(collection, point.snapshot)
        self._connection.executemany(
            "INSERT INTO covered VALUES (?, ?, ?, ?, ?)",
            [
                (
                    new,
                    COVERED.index(field),
                    _NOT_KNOWN if value is None else self._numbers.text(value),
                    *numbers,
                )
                for field, values in point.coverage.items()
                for value, numbers in values.items()
            ],
        )
        histories = Histories(self._path, self._connection, known, new)
        for news in packages:
            package = self._numbers.text(news.package)
            if news.is_known:
                self._connection.execute(
                    "UPDATE unknown SET until = ?"
                    " WHERE collection = ? AND package = ? AND until IS NULL",
                    (new, number, package),
                )
            if news.step is not None:
                self._write_step(number, package, new, news.step)
            if news.is_untold or news.told_again is not None:
                again = news.told_again
                stacks = None if again is None else self._numbers.list(again)
                self._connection.execute(
                    "INSERT INTO telling VALUES (?, ?, ?, ?)", (number, package, new, stacks)
                )
            self._write_lives(package, new, news, histories)
        histories.write()

    def keep_only(self, collection: Collection, number: int) -> None:
        """Forget all points of a collection but the first `number`, as if they had never been."""
        with self.transaction():
            of = self._collection(collection)
            dropped = frozenset(self._points(of)[number:])
            if dropped:
                forget_points(self._connection, of, dropped)
            if not number:
                forget_collection(self._connection, of)

    def clear(self) -> None:
        """Forget everything."""
        with self.transaction():
            forget_everything(self._connection)
            self._numbers.forget()

    def _collection(self, collection: Collection) -> int:
        with schema.told(self._path):
            row = (
                self._connection.execute(
                    "SELECT id FROM collection WHERE source = ? AND name = ?", collection
                ).fetchone()
                or self._connection.execute(
                    "INSERT INTO collection (source, name) VALUES (?, ?) RETURNING id", collection
                ).fetchone()
            )
        return int(row[0])

    def _points(self, collection: int) -> list[int]:
        with schema.told(self._path):
            rows = self._connection.execute(
                "SELECT id FROM point WHERE collection = ? ORDER BY id", (collection,)
            )
            return [point for (point,) in rows]

    def _write_step(self, collection: int, package: int, point: int, step: PackageStep) -> None:
        if step.status is PackageStatus.UNKNOWN:
            self._connection.execute(
                "INSERT INTO unknown VALUES (?, ?, ?, NULL)", (collection, package, point)
            )
            return
        lists = (
            step.versions_added,
            step.versions_removed,
            step.stacks_joined,
            step.stacks_left,
        )
        self._connection.execute(
            _STEP,
            (
                collection,
                package,
                point,
                None if step.status is None else schema.STATUSES.index(step.status),
                step.specs,
                *(getattr(step.counts, field) for field in _COUNTS),
                *(self._numbers.list(texts) if texts else None for texts in lists),
            ),
        )
        if step.status is not None:
            self._connection.executemany(
                "INSERT INTO stack_step VALUES (?, ?, ?, ?)",
                [
                    (collection, self._numbers.text(stack), point, package)
                    for stack in (*step.stacks_joined, *step.stacks_left)
                ],
            )

    def _write_lives(
        self, package: int, point: int, news: PackageNews, histories: Histories
    ) -> None:
        here = frozenset(self._numbers.kinds(package).values())
        for hash_ in map(packed, news.gone):
            histories.end(hash_, here)
        for spec in news.come:
            histories.begin(packed(spec.hash), self._numbers.kind(package, spec))
        for spec in news.restacked:
            hash_ = packed(spec.hash)
            self._connection.execute(
                "INSERT INTO restacked VALUES (?, ?, ?, ?)",
                (hash_, histories.living(hash_, here)[0], point, self._numbers.stacks(spec.stacks)),
            )


def _ids(snapshot: IndexedSnapshot) -> tuple[bytes, bytes]:
    return bytes.fromhex(snapshot.point.commit), bytes.fromhex(snapshot.sha256)
