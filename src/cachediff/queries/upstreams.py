"""What git knows of what is stored: in which order it came, what was rewritten since, what is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from typing import TYPE_CHECKING, TypeAlias

from cachediff.errors import NameNotFoundError, SourceError
from cachediff.model.lives import Collection, Point

if TYPE_CHECKING:
    from cachediff.queries.catalogue import Catalogue
    from cachediff.sources import GitSource
    from cachediff.sources.line import Line
    from cachediff.store import StoredSnapshot

Stored: TypeAlias = Mapping[Collection, Sequence["StoredSnapshot"]]
"""Stored snapshots, by time of commit."""


class Upstreams:
    """The sources of what is stored, as far as their repositories are at hand and whole.

    Each is asked once for the line of its branch. Where that has nothing of what is stored, it is the line
    of another one.
    """

    def __init__(self, names: Catalogue, stored: Stored) -> None:
        self._stored = stored
        self._found: dict[str, tuple[GitSource, Line]] = {}
        for name in sorted({source for source, _ in stored}):
            try:
                source = names.source(name if name in names.settings.sources else None)
                line = source.line()
            except (NameNotFoundError, SourceError):
                continue
            if source.name == name and any(
                one.commit in line.places
                for (of, _), some in stored.items()
                if of == name
                for one in some
            ):
                self._found[name] = source, line

    def ordered(self, collection: Collection) -> tuple[list[StoredSnapshot], set[str]] | None:
        """What is stored of a collection, in the order of its history; and the commits left out of that.

        These are not in the history any more, which has others instead. None where that is not known.
        """
        source, line = self._found.get(collection[0], (None, None))
        stored = self._stored[collection]
        if source is None or line is None:
            return None
        there = sorted(
            (one for one in stored if one.commit in line.places),
            key=lambda one: line.places[one.commit],
        )
        if not there:
            return None
        try:
            path = source.path_of(collection[1])
            left = line.contradicted([one.origin for one in stored], path)
        except SourceError:
            return None
        others = [one for one in stored if one.commit not in line.places and one.commit not in left]
        return in_time(there, others), left

    def gone(self, known: Mapping[Collection, str]) -> Iterator[tuple[Collection, str | None]]:
        """The collections that are gone, and not `known` to be, each with the time; with None what is back.

        A clone that is behind what is stored, or known, says nothing of that.
        """
        from cachediff.sources import GoneError

        for name, (source, line) in self._found.items():
            try:
                there = set(source.collections())
            except GoneError:
                there = set()
            except (NameNotFoundError, SourceError):
                continue
            for collection, some in self._stored.items():
                of, short = collection
                if of != name or not some:
                    continue
                if short in there:
                    if collection in known and known[collection] <= line.newest:
                        yield collection, None
                elif collection not in known and some[-1].committed_at <= line.newest:
                    yield collection, source.changed_at(short)


def in_time(
    ordered: Sequence[StoredSnapshot], others: Sequence[StoredSnapshot]
) -> list[StoredSnapshot]:
    """`ordered`, as they are, with each of `others` before the first that is later."""
    return list(merge(ordered, sorted(others, key=_place), key=_place))


def _place(stored: StoredSnapshot) -> Point:
    return Point(stored.committed_at, stored.commit)
