"""Taking snapshots: collections out of git into the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from cachediff.errors import StoreError
from cachediff.jobs.fetch import fetch_for
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

    Raises:
        StoreError: it cannot be stored; so where it is of no commit, or manifests of it are not here.
    """
    known = names.store.find_unchanged(opened.origin)
    if known and not names.store.verify(known):
        return Taken(opened.origin, known, is_new=False)
    snapshot = load(opened)
    if isinstance(opened, GitSnapshot) and not opened.complete:
        raise StoreError(
            f"{opened.origin.collection} is not stored: this clone lacks some of its manifests",
            "what is stored is kept for ever: take it from a clone without --filter",
        )
    return Taken(opened.origin, names.store.write(snapshot), is_new=True)
