"""Taking snapshots: collections out of git into the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from cachediff import store
from cachediff.errors import StoreError
from cachediff.jobs.fetch import fetch_for
from cachediff.jobs.mixing import check_not_mixed
from cachediff.model.snapshot import Origin
from cachediff.queries import Catalogue, GitSnapshot, OpenedSnapshot, load
from cachediff.sources import SnapshotName
from cachediff.store import StoredSnapshot


class Taken(msgspec.Struct, frozen=True):
    """What became of one snapshot: `stored` holds its specs; `is_new` if it was written just now."""

    origin: Origin
    stored: StoredSnapshot
    is_new: bool


def take_snapshots(names: Catalogue, texts: Sequence[str], folder: Path) -> Iterator[Taken]:
    """Store the snapshots that `texts` name, or every collection of the first source if there is none.

    What is stored already, with the same tree, is not stored twice, unless it is damaged. One that
    cannot be stored does not keep the others from it.

    Raises:
        CachediffError: one cannot be read; those before it are stored.
        StoreError: one or more cannot be stored; all others are.
    """
    fetch_for(names, texts or ["*"], folder)
    failure: StoreError | None = None
    for opened in _opened(names, texts, folder):
        try:
            yield take(names, opened)
        except StoreError as error:
            names.notices += [failure.message] if failure else []
            failure = error
    if failure:
        raise failure


def _opened(names: Catalogue, texts: Sequence[str], folder: Path) -> Iterator[OpenedSnapshot]:
    if texts:
        yield from (names.open(text, folder) for text in texts)
        return
    for collection in names.source().collections():
        yield names.open_name(SnapshotName(collection, None, collection))


def take(names: Catalogue, opened: OpenedSnapshot) -> Taken:
    """Store a snapshot that is open, unless it is stored already, with the same tree and undamaged.

    Where the one before it is stored and whole, only the manifests that changed since are read.

    Raises:
        StoreError: it cannot be stored; so where it is of no commit, or manifests of it are not here.
        SourceError: what is stored of its source is of another repository.
    """
    known = names.store.find_unchanged(opened.origin)
    if known and not names.store.verify(known):
        return Taken(opened.origin, known, is_new=False)
    base = None
    if isinstance(opened, GitSnapshot):
        check_not_mixed(names, opened.collection.source, opened.origin.collection)
        base = names.store.find_base(opened.origin)
    stored = _whole(names, opened) if base is None else _step(names, opened, base)
    return Taken(opened.origin, stored, is_new=True)


def _whole(names: Catalogue, opened: OpenedSnapshot) -> StoredSnapshot:
    snapshot = load(opened)
    _check_complete(opened)
    return names.store.write(snapshot)


def _step(names: Catalogue, opened: OpenedSnapshot, base: store.OpenedSnapshot) -> StoredSnapshot:
    """Only what is not in `base` is read from git."""
    ids = {package: id_ for package, id_ in opened.entries.items() if id_ is not None}
    differing = sorted(package for package, id_ in ids.items() if base.entries.get(package) != id_)
    changed = list(opened.read(differing))
    _check_complete(opened)
    return names.store.write_step(opened.origin, ids, changed, base.carry(differing)).stored


def _check_complete(opened: OpenedSnapshot) -> None:
    if isinstance(opened, GitSnapshot) and not opened.complete:
        raise StoreError(
            f"{opened.origin.collection} is not stored: this clone lacks some of its manifests",
            "what is stored is kept for ever: take it from a clone without --filter",
        )
