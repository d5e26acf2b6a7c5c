"""Stored snapshots by name: which of those that are in the store is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from cachediff.errors import NameNotFoundError, StoreError, UsageError
from cachediff.sources import PREVIOUS, SnapshotName, choose, until
from cachediff.store import DamagedReceipt, SnapshotStore
from cachediff.store import StoredSnapshot as Stored

_SHOWN = 12
"""Digits of a commit in a command to type: enough to mean one."""


def find_stored(
    store: SnapshotStore, source: str | None, name: SnapshotName, notices: list[str]
) -> Stored | DamagedReceipt:
    """The stored snapshot that `name` means; its receipt, where that is damaged.

    `source` is the source meant, None for any. What the user should know of receipts that were passed
    over is added to `notices`.

    Raises:
        NameNotFoundError: there is none; the hint says what there is.
        UsageError: the name is that of several.
    """
    listing = store.list(source)
    collections = {
        *(snapshot.collection for snapshot in listing.snapshots),
        *(receipt.collection for receipt in listing.damaged),
    }
    if not collections:
        of = f" of {source}" if source else ""
        raise NameNotFoundError(
            f"no snapshot{of} is stored in {store.location}",
            "take one: cachediff snapshot",
        )
    collection = choose(name, collections, "the store")
    damaged = [one for one in listing.damaged if one.collection == collection]
    # What a name means must not depend on what is damaged.
    taken: list[Stored | DamagedReceipt] = [one for one in damaged if one.commit]
    taken += [one for one in listing.snapshots if one.collection == collection]
    taken.sort(key=lambda one: one.path.stem)
    sources = sorted({snapshot.source for snapshot in taken})
    if len(sources) > 1:
        raise UsageError(
            f"{collection} is stored of several sources: {', '.join(sources)}",
            f"say which: {sources[0]}:{collection}",
        )
    chosen = _at(name, taken)
    notices += [
        f"{receipt.path} was passed over: {receipt.reason}. "
        f"Take it anew: {command_for(receipt.path)}"
        for receipt in damaged
        if receipt != chosen
    ]
    if chosen is None and name.when == PREVIOUS:
        raise NameNotFoundError(
            f"there is no stored snapshot of {collection} before the newest: it takes two",
            "take another when upstream has changed: cachediff snapshot",
        )
    if chosen is None:
        known = ", ".join(snapshot.committed_at for snapshot in taken[-5:])
        raise NameNotFoundError(
            f"there is no stored snapshot {name.text!r}",
            f"{collection} is stored of {known or 'no time'}",
        )
    return chosen


def stored_at(path: Path) -> Stored:
    """The stored snapshot whose file is at `path`, which is absolute.

    Raises:
        NameNotFoundError: there is no receipt of it.
        StoreError: its receipt is damaged.
    """
    folder = path.parent
    listing = SnapshotStore(folder.parent.parent).list(folder.parent.name, folder.name)
    for stored in listing.snapshots:
        if stored.path == path:
            return stored
    for receipt in listing.damaged:
        if receipt.path.with_suffix(path.suffix) == path:
            raise StoreError(f"{receipt.path} is damaged: {receipt.reason}")
    raise NameNotFoundError(
        f"{path} has no receipt beside it", "a stored snapshot is a .parquet and its .json"
    )


def command_for(path: PurePath) -> str:
    """What takes the snapshot whose file, or receipt, is at `path`: its whole name is in the path."""
    name = f"{path.parent.parent.name}:{path.parent.name}"
    commit = path.stem.partition("-")[2]
    return (
        f"cachediff snapshot {name}@{commit[:_SHOWN]}" if commit else f"cachediff snapshot {name}"
    )


def _at(
    name: SnapshotName, taken: Sequence[Stored | DamagedReceipt]
) -> Stored | DamagedReceipt | None:
    """Which of the snapshots of one collection, oldest first, is meant by the WHEN of `name`."""
    when = name.when
    if when is None:
        return taken[-1] if taken else None
    if when == PREVIOUS:
        return taken[-2] if len(taken) > 1 else None
    if moment := until(when):
        limit = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        return next((one for one in reversed(taken) if one.committed_at <= limit), None)
    matches = [one for one in taken if one.commit.startswith(when)]
    if len({one.commit for one in matches}) > 1:
        raise UsageError(f"several stored commits begin with {when!r}", "give more of it")
    return matches[0] if matches else None
