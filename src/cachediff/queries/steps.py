"""A span told in steps: consecutive snapshots of one collection, each compared with the one before.

The steps add up to the comparison of the ends; docs/decisions/0017-steps-add-up.md says what that means.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import msgspec

from cachediff.comparing import select, unmatched
from cachediff.errors import DamagedSnapshotError, UsageError
from cachediff.model.lives import Point
from cachediff.model.selection import Selection
from cachediff.model.snapshot import Manifest, Origin, Snapshot
from cachediff.model.steps import Bridge, Step
from cachediff.queries.along import Along
from cachediff.queries.catalogue import Catalogue
from cachediff.queries.comparison import compare_pages
from cachediff.queries.opened import (
    LoadedSnapshot,
    OpenedSnapshot,
    Pages,
    ReadWhole,
    StoredSnapshot,
    differing_packages,
)
from cachediff.sources import SnapshotName, close_names
from cachediff.sources.spans import commits_between
from cachediff.store import OpenedSnapshot as OpenedStored
from cachediff.store import StoredSnapshot as Stored


class _Place(NamedTuple):
    """A snapshot of a span: its tree, and what opens it; None where it turns out to be damaged."""

    tree: str | None
    open: Callable[[], OpenedSnapshot | None]


class Steps:
    """The snapshots of one collection from `old` to `new`, in the order of its commits.

    Where either end comes from git, these are the commits in which the collection changed, else the
    snapshots that are stored. `differs` says whether anything that is selected differed in a step that
    was told.
    """

    def __init__(
        self, names: Catalogue, old: OpenedSnapshot, new: OpenedSnapshot, selection: Selection
    ) -> None:
        """Find what lies between two snapshots.

        Raises:
            UsageError: they are not of one collection, or of no commits, or `new` does not follow `old`.
            SourceError, StoreError: git failed, or the store cannot be read.
        """
        self.old, self.new = old.origin, new.origin
        self.differs = False
        self._names = names
        self._selection = selection
        self._packages = {*old.entries, *new.entries}
        self._before: OpenedStored | None = None
        _check(self.old, self.new)
        stored = isinstance(old, StoredSnapshot) and isinstance(new, StoredSnapshot)
        between = self._stored() if stored else self._in_git()
        self._places = [_Place(self.old.tree, lambda: old), *between]
        if self.new.tree is None or self._places[-1].tree != self.new.tree:
            self._places.append(_Place(self.new.tree, lambda: new))

    def __iter__(self) -> Iterator[Step]:
        """Each step, in order; of each package, what was read last is kept in memory, and no more.

        When the last one was taken, notices tell what was selected and never there.

        Raises:
            SourceError, StoreError: a snapshot cannot be read. One that is stored and damaged is passed
                over, with a notice; the step after it then begins at the snapshot before it.
        """
        stacks, untold = set[str](), 0
        for step in steps_of(self._opened()):
            whole = step.comparison
            self._packages |= {package.package for package in whole.packages}
            stacks |= whole.stacks.keys()
            untold += sum(whole.stacks_untold)
            told = select(whole, self._selection)
            self.differs |= told.differs
            yield msgspec.structs.replace(step, comparison=told)
        for noun, pattern in unmatched(self._selection, self._packages, stacks):
            if noun == "package" or not (untold or len(self._places) == 1):
                close = close_names(pattern, self._packages if noun == "package" else stacks)
                self._names.notices.append(f"no {noun} in any step matches {pattern!r}; {close}")

    def _opened(self) -> Iterator[OpenedSnapshot]:
        for done, place in enumerate(self._places, 1):
            if (opened := place.open()) is not None:
                yield opened
            if self._names.progress:
                self._names.progress("Comparing steps", done, len(self._places))

    def _in_git(self) -> Iterator[_Place]:
        source = self._names.source(self.old.source)
        if reason := source.repository.no_way(str(self.old.commit), str(self.new.commit)):
            what, hint = reason
            other = "compare them without --steps, or what is stored between them with --stored"
            raise UsageError(what, hint or other)
        for point, tree in commits_between(source, self.old, self.new):
            yield _Place(tree, self._opener(point) if tree else self._empty(point))

    def _opener(self, point: Point) -> Callable[[], OpenedSnapshot]:
        name = self._name(point.commit)
        return lambda: self._names.open_name(name)

    def _empty(self, point: Point) -> Callable[[], OpenedSnapshot]:
        """What opens a collection at a commit at which it is not there: it has no manifest."""
        origin = Origin(self.new.source, self.new.collection, point.commit, point.committed_at)
        return lambda: LoadedSnapshot(Snapshot(origin, (), {}))

    def _stored(self) -> Iterator[_Place]:
        begin, end = Point.of(self.old), Point.of(self.new)
        if begin > end:
            raise UsageError(
                f"{_told(self.old)} is later than {_told(self.new)}", "steps go forward in time"
            )
        listing = self._names.store.list(self.old.source, self.old.collection)
        self._names.notices += [
            f"{receipt.path} was passed over: {receipt.reason}" for receipt in listing.damaged
        ]
        for stored in listing.snapshots:
            if begin < Point(stored.committed_at, stored.commit) < end:
                yield _Place(stored.tree, self._stored_opener(stored))

    def _stored_opener(self, stored: Stored) -> Callable[[], OpenedSnapshot | None]:
        def open_stored() -> OpenedSnapshot | None:
            with contextlib.suppress(DamagedSnapshotError):
                self._before = self._names.store.open(stored, self._before)
                return StoredSnapshot(self._before)
            try:
                return self._names.open_stored(self._name(stored.commit))
            except DamagedSnapshotError as error:
                self._names.notices.append(f"passed over: {error.message}")
                return None

        return open_stored

    def _name(self, commit: str) -> SnapshotName:
        return SnapshotName(commit, self.new.source, self.new.collection, when=commit)


def steps_of(snapshots: Iterable[OpenedSnapshot]) -> Iterator[Step]:
    """Each snapshot compared with the one before it; every manifest that changed is read once.

    Raises `SourceError` where a source fails while it is read.
    """
    reader, bridges = _Reader(), _Bridges()
    along: Along | None = None
    for old, new in pairwise(snapshots):
        differing = differing_packages(old, new)
        before = reader.read_old(old, differing)
        pages = reader.read(new, sorted(differing))
        if not _alike(old, new):
            along = None
        elif along is None and isinstance(old, ReadWhole):
            along = Along(old.totals_without(frozenset()), old.listed)
        walk = (along.begin(new, differing, before), along) if along else None
        told = partial(bridges.over, old=old.origin)
        comparison = compare_pages(old, new, differing, pages, told, walk)
        yield Step(comparison, tuple(bridges.used))


def _alike(old: OpenedSnapshot, new: OpenedSnapshot) -> bool:
    """Whether both have all at hand, of the same parsers: what is equal then comes to the same."""
    return isinstance(old, ReadWhole) and isinstance(new, ReadWhole) and old.parser == new.parser


class _Reader:
    """Reads what differs; what is new in one step is what is old in a later one."""

    def __init__(self) -> None:
        self._now: dict[str, Manifest] = {}

    def read_old(self, old: OpenedSnapshot, packages: Set[str]) -> dict[str, Manifest]:
        """The old manifests of those of `packages` that have one."""
        here = packages & old.entries.keys()
        unread = sorted(here - self._now.keys())
        self._now |= {page.package: page for page in old.read(unread)}
        return {name: self._now[name] for name in here}

    def read(self, new: OpenedSnapshot, packages: Sequence[str]) -> Iterator[Pages]:
        """The old and the new manifest of each package, one package at a time, once the old are read."""
        news = new.read([name for name in packages if name in new.entries])
        for name in packages:
            before = self._now.pop(name, None)
            after = next(news) if name in new.entries else None
            if after:
                self._now[name] = after
            yield before, after
        next(news, None)  # ends the read: it is then that what was learned is remembered


class _Bridges:
    """Where a package could not be read: what was read of it last, until it can be read again.

    `used` are those of the last step.
    """

    def __init__(self) -> None:
        self.used: list[Bridge] = []
        self._last_read: dict[str, tuple[Manifest | None, Point]] = {}

    def over(self, pages: Iterator[Pages], old: Origin) -> Iterator[Pages]:
        """The pages of a step, where a package can be read again against what was read of it last."""
        self.used = []
        for before, after in pages:
            package = next(page.package for page in (before, after) if page)
            told = before
            if after and not after.readable:
                if before is None or before.readable:
                    self._last_read[package] = before, Point.of(old)
            elif package in self._last_read:
                told, last_read = self._last_read.pop(package)
                self.used.append(Bridge(package, last_read))
            if told or after:
                yield told, after


def _check(old: Origin, new: Origin) -> None:
    if (old.source, old.collection) != (new.source, new.collection):
        raise UsageError(
            f"steps are those of one collection, and these are two: {old.source}:{old.collection}"
            f" and {new.source}:{new.collection}",
            f"name one at two times: {new.collection}@HEAD~7 {new.collection} --steps",
        )
    if old.commit is None or new.commit is None:
        raise UsageError(
            "folders have no commits, so that there are no steps between them",
            "name a collection at two times, such as: develop@HEAD~7 develop --steps",
        )


def _told(origin: Origin) -> str:
    return f"{origin.collection} at {str(origin.commit)[:12]} ({origin.committed_at})"
