"""Holdings: the collections of a source, and the snapshots stored of them."""

from __future__ import annotations

import msgspec

from cachediff.errors import SourceError
from cachediff.queries.catalogue import Catalogue
from cachediff.sources import newest_first
from cachediff.store import DamagedReceipt, StoredSnapshot


class HeldCollection(msgspec.Struct, frozen=True):
    """One collection: how many snapshots of it are stored, and the newest of them.

    `in_source` is whether the source has it, None where the source could not be read.
    """

    name: str
    in_source: bool | None
    stored: int
    newest: StoredSnapshot | None


class Holdings(msgspec.Struct, frozen=True):
    """A source and its collections, newest first, and the receipts that cannot be read.

    Where the source itself could not be read (`was_read`), the collections are those that are stored.
    """

    source: str
    collections: tuple[HeldCollection, ...]
    damaged: tuple[DamagedReceipt, ...]
    was_read: bool


def holdings(names: Catalogue, name: str | None) -> Holdings:
    """What there is of one source; of a source that cannot be read, what is stored, with a notice.

    Raises:
        NameNotFoundError: there is no such source.
        SourceError: the source, which has no name, cannot be read, and nothing is stored.
        StoreError: the store cannot be read.
    """
    available: list[str] | None = None
    try:
        source = names.source(name)
        title, available = source.name, source.collections()
        listing = names.store.list(title)
    except SourceError as error:
        title, listing = name or "store", names.store.list(name)
        if name is None and not listing.snapshots and not listing.damaged:
            raise
        names.notices.append(error.message)
    stored: dict[str, list[StoredSnapshot]] = {}
    for snapshot in listing.snapshots:
        stored.setdefault(snapshot.collection, []).append(snapshot)
    collections = []
    for collection in newest_first({*(available or ()), *stored}):
        taken = stored.get(collection, [])
        in_source = None if available is None else collection in available
        newest = taken[-1] if taken else None
        collections.append(HeldCollection(collection, in_source, len(taken), newest))
    return Holdings(title, tuple(collections), listing.damaged, available is not None)
