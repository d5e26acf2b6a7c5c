"""What upstream has no more, and what is stored of it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence

from cachediff.errors import NameNotFoundError, StoreError
from cachediff.model.snapshot import Origin
from cachediff.sources import GitSource, GoneError, SnapshotName, newest_first
from cachediff.store import SnapshotStore
from cachediff.store import StoredSnapshot as Stored

_COMMIT = re.compile("[0-9a-f]{7,64}")


def stored_like(store: SnapshotStore, source: str, name: SnapshotName) -> list[Stored]:
    """The stored snapshots of the collections that `name` means or matches, oldest first of each.

    There are none where the store cannot be read: what is in git is to be had without it.
    """
    collections = _collections(store, source, name) if name.is_glob else [name.collection]
    return [one for collection in collections for one in _stored(store, source, collection)]


def names_a_commit(name: SnapshotName, kept: Sequence[Stored]) -> bool:
    """Whether the WHEN of `name` is the commit of one of the snapshots that are stored of it."""
    is_id = bool(name.when and _COMMIT.fullmatch(name.when)) and not name.is_glob
    return is_id and any(stored.commit.startswith(str(name.when)) for stored in kept)


def with_what_is_stored(
    error: NameNotFoundError, name: SnapshotName, kept: Sequence[Stored]
) -> NameNotFoundError:
    """`error` with a hint that says what is stored of `name`, and how to name what was there last."""
    hints = [_said_of(kept)] if kept else []
    if isinstance(error, GoneError) and not name.is_glob:
        hints.append(f"compare with what was there: {name.collection}@{error.commit[:12]}")
    error.hint = "; ".join(filter(None, [*hints, error.hint]))
    return error


def vanished(
    store: SnapshotStore, source: GitSource, name: SnapshotName, chosen: Origin
) -> Iterator[str]:
    """Say which stored collections the glob `name` would have meant, had they not gone from upstream.

    `chosen` is what the name means now. What was not there yet at the time of its commit has not gone.
    """
    commit, moment = str(chosen.commit), str(chosen.committed_at)
    kept = newest_first({*_collections(store, source.name, name), chosen.collection})
    newer = kept[: kept.index(chosen.collection)]
    there = source.collections(commit) if newer else []
    for collection in newer:
        stored = _stored(store, source.name, collection)
        if collection not in there and stored and stored[-1].committed_at <= moment:
            gone = source.gone(collection, commit)
            what = gone.message if gone else f"there is no collection {collection!r} any more"
            yield f"{what}; {name.text} would mean it; {_said_of(stored)}"


def _collections(store: SnapshotStore, source: str, name: SnapshotName) -> list[str]:
    """The collections that are stored and that the glob `name` matches."""
    try:
        return fnmatch.filter(store.collections(source), name.collection)
    except StoreError:
        return []


def _stored(store: SnapshotStore, source: str, collection: str) -> Sequence[Stored]:
    try:
        return store.list(source, collection).snapshots
    except StoreError:
        return ()


def _said_of(snapshots: Sequence[Stored]) -> str:
    """A clause that says what is stored; `snapshots` are one or more."""
    newest = max(snapshots, key=lambda one: one.committed_at)
    name = f"{newest.collection}@{newest.commit[:12]} of {newest.committed_at}"
    if len(snapshots) == 1:
        return f"stored is {name}"
    return f"stored are {len(snapshots):,} snapshots, the newest {name}"
