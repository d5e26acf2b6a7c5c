"""Taking one chunk of a backfill: what a worker does, be it this process, another, or another machine.

From one commit to the next only manifests that changed are read and parsed; all of them at once, so
that git makes the next ones meanwhile, and what a mirror lacks is fetched in one request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from cachediff.config import SourceSettings
from cachediff.errors import CachediffError, DamagedSnapshotError, StoreError
from cachediff.jobs.behind import Behind
from cachediff.jobs.chunks import Chunk
from cachediff.manifests import PARSER_VERSION, Interner, parse
from cachediff.model.snapshot import Manifest, Origin, PackageFiles, Snapshot
from cachediff.sources import GitSource, Repository, clone_mirror, mirror_path, steps
from cachediff.store import Carried, SnapshotStore, StoredSnapshot, shelf_at

Told = Callable[[], object]
"""Called after each snapshot that was stored, or could not be."""


class Place(msgspec.Struct, frozen=True):
    """Where a worker finds what it works with; it opens all of that itself.

    `name` is what the source is called; `cache` has its mirror. `tip` is the newest commit: a mirror
    that may lack it is brought up to date, unless `is_fetched` says that this was done.
    """

    source: SourceSettings
    name: str
    store: Path | str
    cache: Path
    tip: str
    is_fetched: bool = True


class Stepper:
    """A source and a store, opened, and the collection that was read last, in memory."""

    def __init__(self, place: Place) -> None:
        repository = _repository(place)
        settings = place.source
        self._source = GitSource(
            repository, place.name, settings.manifests, settings.branch or "HEAD"
        )
        self._shelf = Behind(shelf_at(place.store))
        self._store = SnapshotStore(self._shelf, PARSER_VERSION)
        self._interner = Interner()
        self._at = _State()

    def take(self, chunk: Chunk, told: Told) -> list[str]:
        """Store what is not stored of a chunk; what could not be stored comes back, a sentence each."""
        problems: list[str] = []
        stored, damaged = self._stored(chunk)
        for origin in damaged:
            # With the bytes that it had, the steps on it are whole again.
            opened = self._store.find_base(origin)
            problems += self._attempt([origin], opened.carry() if opened else None, told)
        if damaged:
            stored, _ = self._stored(chunk)
        for base, start, end in self._gaps(stored):
            problems += self._attempt(chunk.origins[start:end], base, told)
        return problems

    def _stored(self, chunk: Chunk) -> tuple[list[StoredSnapshot | None], list[Origin]]:
        """What is stored of a chunk, in its order, and what is stored but damaged."""
        origins = {str(origin.commit): origin for origin in chunk.origins}
        first = chunk.origins[0]
        listed = self._store.list(first.source, first.collection).snapshots
        there = [one for one in listed if one.commit in origins]
        intact = {one.commit: one for one in self._store.intact(there)}
        damaged = [origins[one.commit] for one in there if one.commit not in intact]
        return [intact.get(commit) for commit in origins], damaged

    def _attempt(
        self, origins: Sequence[Origin], base: Carried | None, told: Told
    ) -> Sequence[str]:
        try:
            problems = self._take(origins, base, told)
            self._finish()
        except CachediffError as error:
            when = f"{origins[0].committed_at} to {origins[-1].committed_at}"
            return [f"{origins[0].collection}, {when}: {error.message}"]
        return problems

    def close(self) -> None:
        """End git, and give up what waits to be written."""
        self.stop_writing()
        self._source.repository.close()

    def stop_writing(self) -> None:
        """Give up what waits to be written; the file that is being written is waited for."""
        self._shelf.close()

    def _finish(self) -> None:
        try:
            self._shelf.finish()
        except OSError as error:
            raise StoreError(f"the store cannot be written: {error.strerror or error}") from error

    def _gaps(
        self, stored: Sequence[StoredSnapshot | None]
    ) -> Iterator[tuple[Carried | None, int, int]]:
        """The stretches that are to be stored: from where, to where, and what they go on from.

        What is stored and should be gone on from, but is damaged, is stored anew.
        """
        start = 0
        while None in stored[start:]:
            start = stored.index(None, start)
            end = next((i for i in range(start, len(stored)) if stored[i]), len(stored))
            base = None
            while start and (before := stored[start - 1]):
                try:
                    base = self._store.carry(before)
                    break
                except DamagedSnapshotError:
                    start -= 1
            # What other parsers read is not carried on.
            yield base if base and base.parser == PARSER_VERSION else None, start, end
            start = end

    def _take(self, origins: Sequence[Origin], base: Carried | None, told: Told) -> list[str]:
        """Store consecutive snapshots, the first of them as a step on `base`."""
        problems: list[str] = []
        if base:
            self._at = _State(base.object_ids, dict(base.manifests))
        elif self._at.collection != origins[0].collection:
            self._at = _State()
        state = self._at
        state.collection = origins[0].collection
        for step in steps(self._source, origins, state.ids):
            problem = step.problem
            if not problem:
                state.become(step.entries, step.changed, self._interner)
                if state.incomplete:
                    problem = "this clone lacks some of its manifests"
            if problem:
                problems.append(_not_stored(step.origin, problem))
            else:
                base = self._write(step.origin, base)
            told()
        return problems

    def _write(self, origin: Origin, base: Carried | None) -> Carried:
        ids, manifests = self._at.ids, self._at.manifests
        if base is None:
            pages = tuple(manifests[package] for package in sorted(ids))
            return self._store.begin(Snapshot(origin, pages, ids))
        before = base.object_ids
        changed = [manifests[package] for package, id_ in ids.items() if before.get(package) != id_]
        return self._store.write_step(origin, ids, changed, base)


class _State:
    """A collection in memory, as it was read last.

    `incomplete` are the packages of which something is missing from this clone.
    """

    def __init__(
        self, ids: dict[str, str] | None = None, manifests: dict[str, Manifest] | None = None
    ) -> None:
        self.collection = ""
        self.ids = ids or {}
        self.manifests = manifests or {}
        self.incomplete: set[str] = set()

    def become(
        self, ids: dict[str, str], changed: Iterable[PackageFiles], interner: Interner
    ) -> None:
        """Become a collection of these object ids, of which this has changed."""
        # All is read before anything becomes another: the next chunk goes on from here, if it fails.
        read = [(parse(files, interner), files.complete) for files in changed]
        for gone in self.ids.keys() - ids.keys():
            del self.manifests[gone]
            self.incomplete.discard(gone)
        for manifest, complete in read:
            self.manifests[manifest.package] = manifest
            if complete:
                self.incomplete.discard(manifest.package)
            else:
                self.incomplete.add(manifest.package)
        self.ids = ids


def take_chunk(place: Place, chunk: Chunk, told: Told = lambda: None) -> list[str]:
    """What `Stepper.take` does, in whatever process or thread; what is opened is kept for the next."""
    try:
        stepper = _opened(place)
    except CachediffError as error:
        return [f"{chunk.origins[0].collection}: {error.message}"]
    return stepper.take(chunk, told)


def _not_stored(origin: Origin, reason: str) -> str:
    return f"{origin.collection} at {origin.committed_at} is not stored: {reason}"


_kept = threading.local()


def _opened(place: Place) -> Stepper:
    if getattr(_kept, "place", None) != place:
        close_kept()
        _kept.stepper, _kept.place = Stepper(place), place
    stepper: Stepper = _kept.stepper
    return stepper


def kept() -> Stepper | None:
    """What this thread keeps open."""
    stepper: Stepper | None = getattr(_kept, "stepper", None)
    return stepper


def close_kept() -> None:
    """Close it."""
    if stepper := kept():
        stepper.close()
        _kept.place = _kept.stepper = None


def _repository(place: Place) -> Repository:
    if place.source.path is not None:
        return Repository(Path(place.source.path))
    url = str(place.source.url)
    path = mirror_path(place.cache, url)
    if not path.is_dir():
        return clone_mirror(url, path)
    repository = Repository(path, mirror=True)
    if not place.is_fetched:
        repository.fetch()
    return repository
