"""The index, read: what became of packages, stacks and hashes, in a few milliseconds."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection as Some
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from cachediff.errors import UsageError
from cachediff.index import schema, snapshots
from cachediff.index.hash_lives import Teller
from cachediff.index.hashes import between, packed
from cachediff.index.snapshots import IndexedSnapshot, PassedOver
from cachediff.index.telling import PointOrder, package_stacks, step_of, version_lives
from cachediff.model.comparison import PackageStatus
from cachediff.model.coverage import COVERED
from cachediff.model.lives import (
    Collection,
    HashLife,
    PackageStep,
    Point,
    PointTotals,
    VersionLife,
)

NOT_KNOWN = "none"
"""What is not known of a spec, its compiler or its stacks, is counted as this."""

_TOTALS = """
SELECT id, manifests, unreadable, packages, specs, suspect FROM point WHERE collection = ?
"""
_COVERED = """
SELECT point, field, text, covered.specs, covered.packages
FROM point JOIN covered ON point = point.id LEFT JOIN text ON text.id = value WHERE collection = ?
"""
_STEPS = """
SELECT step.*, added.text, removed.text, joined.text, gone.text
FROM step LEFT JOIN text AS added ON added.id = versions_added
    LEFT JOIN text AS removed ON removed.id = versions_removed
    LEFT JOIN text AS joined ON joined.id = stacks_joined
    LEFT JOIN text AS gone ON gone.id = stacks_left
WHERE collection = ? AND package = ?
"""
_TELLING = """
SELECT point, text FROM telling LEFT JOIN text ON text.id = stacks
WHERE collection = ? AND package = ?
"""
_OF_STACK = """
SELECT package, text, point FROM stack_step JOIN text ON text.id = package
WHERE collection = ? AND stack = (SELECT id FROM text WHERE text = ?)
"""
_PACKAGES = """
SELECT DISTINCT text FROM text JOIN
    (SELECT collection, package FROM step UNION SELECT collection, package FROM unknown)
    ON package = text.id
WHERE collection IN (SELECT id FROM collection WHERE source = ?1 AND (?2 IS NULL OR name = ?2))
ORDER BY text
"""


class Index:
    """The index in the file `path`, opened for reading only; a context manager.

    All that is read is of the moment at which it was opened; a writer is waited for, and waits until this
    is closed. A source or collection, package or stack that was never seen has nothing. Every method raises
    `StoreError` where the file cannot be read, is damaged, or is not an index of this version, and
    `UsageError` where what is asked for is no text in Unicode.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = schema.open_to_read(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def snapshots(self) -> dict[Collection, list[IndexedSnapshot]]:
        """The snapshots that the points are made of, in the order of each collection."""
        with self._reading():
            return snapshots.indexed_snapshots(self._connection)

    def passed_over(self) -> PassedOver:
        """The snapshots that are stored and are not in the index, and why."""
        with self._reading():
            return snapshots.passed_over_snapshots(self._connection)

    def gone(self) -> dict[Collection, str]:
        """The collections that upstream has no more, each with the time of the commit that removed it."""
        with self._reading():
            return snapshots.gone_collections(self._connection)

    def collections(self) -> list[Collection]:
        """Every source and collection of which a snapshot is stored, sorted."""
        with self._reading():
            return self._connection.execute(
                "SELECT source, name FROM collection"
                " WHERE id IN (SELECT collection FROM point) ORDER BY source, name"
            ).fetchall()

    def points(self, source: str, collection: str) -> list[Point]:
        """The points of a collection, ascending."""
        with self._reading():
            return list(self._order(source, collection)[1].points)

    def totals(self, source: str, collection: str, since: str | None = None) -> list[PointTotals]:
        """What each point comes to, from the first one at or after the time `since` on, ascending.

        What is not known of a spec (its compiler, its stacks) is counted as `none`.
        """
        with self._reading():
            number, order = self._order(source, collection)
            coverage: defaultdict[int, dict[str, dict[str, tuple[int, int]]]] = defaultdict(
                lambda: {field: {} for field in COVERED}
            )
            for point, field, value, *numbers in self._connection.execute(_COVERED, (number,)):
                values = coverage[point][COVERED[field]]
                values[NOT_KNOWN if value is None else value] = numbers[0], numbers[1]
            rows = {row[0]: row[1:] for row in self._connection.execute(_TOTALS, (number,))}
            return [
                PointTotals(
                    point=order.point(id_),
                    manifests=manifests,
                    unreadable=unreadable,
                    packages=packages,
                    specs=specs,
                    suspicion=suspicion,
                    coverage={
                        field: dict(sorted(values.items()))
                        for field, values in coverage[id_].items()
                    },
                )
                for id_ in order.since(since)
                for manifests, unreadable, packages, specs, suspicion in [rows[id_]]
            ]

    def suspicions(self, source: str, collection: str) -> dict[Point, str]:
        """The points of a collection that are suspect, each with why; ascending."""
        with self._reading():
            number, order = self._order(source, collection)
            rows = self._connection.execute(
                "SELECT id, suspect FROM point WHERE collection = ? AND suspect IS NOT NULL"
                " ORDER BY id",
                (number,),
            )
            return {order.point(id_): suspicion for id_, suspicion in rows}

    def package_steps(self, source: str, collection: str, package: str) -> list[PackageStep]:
        """The points at which something became of a package, ascending.

        One at which it could not be read is told as `unknown`, each. One at which it is read again, and
        nothing has changed, is not told.
        """
        with self._reading():
            number, order = self._order(source, collection)
            steps = self._steps(number, order, package)
            steps += [
                PackageStep(
                    point=order.point(point),
                    package=package,
                    status=PackageStatus.UNKNOWN,
                    specs=0,
                )
                for first, until in self._unknown(number, package)
                for point in order.between(first, until)
            ]
        return sorted(steps, key=lambda step: order.number(step.point))

    def stack_steps(self, source: str, collection: str, stack: str) -> list[PackageStep]:
        """The steps with which a package joined or left `stack`, by point and package.

        A package that was added or removed with specs in it did so too. The stacks that are there at
        the first point are joined by nobody.
        """
        with self._reading():
            number, order = self._order(source, collection)
            steps = []
            for package, name, point in self._connection.execute(_OF_STACK, (number, stack)):
                row = self._connection.execute(
                    f"{_STEPS} AND point = ?", (number, package, point)
                ).fetchone()
                steps.append(step_of(row, name, order))
        return sorted(steps, key=lambda step: (order.number(step.point), step.package))

    def package_stacks(
        self, source: str, collection: str, package: str
    ) -> list[tuple[Point, frozenset[str] | None]]:
        """The stacks that a package is in from a point on, ascending; None where they are not told."""
        with self._reading():
            number, order = self._order(source, collection)
            told = self._connection.execute(_TELLING, (number, self._text(package))).fetchall()
            steps = self._steps(number, order, package)
            return package_stacks(steps, told, order)

    def packages(self, source: str, collection: str | None = None) -> list[str]:
        """The names of all packages ever seen in a collection, or in any of the source, sorted."""
        with self._reading():
            rows = self._connection.execute(_PACKAGES, (source, collection))
            return [package for (package,) in rows]

    def versions(self, source: str, collection: str, package: str) -> list[VersionLife]:
        """The stays of the versions of a package, by point, then in Spack's order."""
        with self._reading():
            number, order = self._order(source, collection)
            steps = self._steps(number, order, package)
            unknown = self._unknown(number, package)
            return version_lives((source, collection), package, steps, order, unknown)

    def lives(self, prefix: str) -> list[HashLife]:
        """The stays of every hash that begins with `prefix` (at least one character), in any collection.

        By hash, then by their first point, then source and collection.
        """
        if not prefix:
            raise ValueError("a prefix of a hash has at least one character")
        with self._reading():
            rows = [
                row
                for range_ in between(prefix)
                for row in self._connection.execute(
                    "SELECT hash, kind, history FROM life WHERE hash BETWEEN ? AND ?", range_
                )
            ]
            return Teller(self._connection).lives(rows)

    def has_hash(self, prefix: str) -> bool:
        """Whether any hash begins with `prefix` (at least one character)."""
        with self._reading():
            return any(
                self._connection.execute(
                    "SELECT 1 FROM life WHERE hash BETWEEN ? AND ? LIMIT 1", range_
                ).fetchone()
                for range_ in between(prefix)
            )

    def lives_of(self, hashes: Some[str]) -> dict[str, list[HashLife]]:
        """The stays of each of `hashes`, in the order of `lives`; a hash never seen has none."""
        found: dict[str, list[HashLife]] = {hash_: [] for hash_ in hashes}
        with self._reading():
            rows = [
                row
                for hash_ in found
                for row in self._connection.execute(
                    "SELECT hash, kind, history FROM life WHERE hash = ?", (packed(hash_),)
                )
            ]
            for life in Teller(self._connection).lives(rows):
                found[life.hash].append(life)
        return found

    def _order(self, source: str, collection: str) -> tuple[int, PointOrder]:
        """The number of a collection, and its points."""
        row = self._connection.execute(
            "SELECT id FROM collection WHERE source = ? AND name = ?", (source, collection)
        ).fetchone()
        number = row[0] if row else 0
        rows = self._connection.execute(
            "SELECT id, committed_at, object_id FROM point WHERE collection = ? ORDER BY id",
            (number,),
        )
        return number, PointOrder.of(rows)

    def _steps(self, collection: int, order: PointOrder, package: str) -> list[PackageStep]:
        rows = self._connection.execute(_STEPS, (collection, self._text(package)))
        return [step_of(row, package, order) for row in rows]

    def _unknown(self, collection: int, package: str) -> list[tuple[int, int | None]]:
        """The points from which on a package was unknown, each with the one at which it was not."""
        return self._connection.execute(
            "SELECT first, until FROM unknown WHERE collection = ? AND package = ?",
            (collection, self._text(package)),
        ).fetchall()

    def _text(self, text: str) -> int:
        row = self._connection.execute("SELECT id FROM text WHERE text = ?", (text,)).fetchone()
        return row[0] if row else 0

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """What cannot be understood is damage."""
        with schema.told(self._path):
            try:
                yield
            except UnicodeEncodeError as error:
                raise UsageError(f"{error.object!r} is no text in Unicode") from error
            except (LookupError, TypeError, ValueError) as error:
                raise schema.damaged(self._path) from error
