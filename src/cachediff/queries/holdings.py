"""Holdings: the collections of a source, and the snapshots stored of them."""

from __future__ import annotations

import msgspec

from cachediff.errors import SourceError
from cachediff.queries.catalogue import Catalogue
from cachediff.sources import newest_first
from cachediff.store import DamagedReceipt, StoredSnapshot


class HeldCollection(msgspec.Struct, frozen=True):
    """One collection: whether the source has it, how many snapshots are stored, the newest of them."""

    name: str
    in_source: bool
    stored: int
    newest: StoredSnapshot | None


class Holdings(msgspec.Struct, frozen=True):
    """A source and its collections, newest first, and the receipts that cannot be read."""

    source: str
    collections: tuple[HeldCollection, ...]
    damaged: tuple[DamagedReceipt, ...]


def holdings(names: Catalogue, name: str | None) -> Holdings:
    """What there is of one source; of a source that cannot be read, what is stored, with a notice.

    Raises:
        NameNotFoundError: there is no such source.
        StoreError: the store cannot be read.
    """
    try:
        source = names.source(name)
        title, available = source.name, source.collections()
    except SourceError as error:
        title, available = name or "store", []
        names.notices.append(error.message)
    listing = names.store.list(title if available or name else None)
    stored: dict[str, list[StoredSnapshot]] = {}
    for snapshot in listing.snapshots:
        stored.setdefault(snapshot.collection, []).append(snapshot)
    collections = []
    for collection in newest_first({*available, *stored}):
        taken = stored.get(collection, [])
        newest = taken[-1] if taken else None
        collections.append(HeldCollection(collection, collection in available, len(taken), newest))
    return Holdings(title, tuple(collections), listing.damaged)
