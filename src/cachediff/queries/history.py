"""History: how a collection has grown, out of what is stored of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachediff.errors import StoreError
from cachediff.model.history import HistoryPoint

if TYPE_CHECKING:
    from cachediff.model.snapshot import Origin
    from cachediff.queries.catalogue import Catalogue


def history(names: Catalogue, origin: Origin) -> tuple[HistoryPoint, ...]:
    """What the stored snapshots of the collection of `origin` came to, oldest first, none newer than it.

    Only receipts are read; those that are damaged are passed over, with a notice. There is none where
    the collection has no commits, or a name that cannot be stored.
    """
    if origin.committed_at is None:
        return ()
    try:
        listing = names.store.list(origin.source, origin.collection)
    except StoreError:
        return ()
    names.notices += [
        f"{receipt.path} was passed over: {receipt.reason}" for receipt in listing.damaged
    ]
    points = {
        HistoryPoint(stored.committed_at, stored.packages, stored.specs)
        for stored in listing.snapshots
        if stored.committed_at <= origin.committed_at
    }
    return tuple(sorted(points))
