"""What is stored and no history is told of: what cannot be read, and what upstream rewrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from cachediff.index import Reason
from cachediff.model.lives import Collection
from cachediff.queries.known import known_by

if TYPE_CHECKING:
    from cachediff.index import Index
    from cachediff.store import StoreListing

_DAY = len("2025-04-01")


class PassedOver(msgspec.Struct, frozen=True):
    """A stored snapshot, by its time, that the index does not tell of; and the reason.

    The time is empty where nothing tells it: a damaged receipt under a name that no receipt has.
    """

    committed_at: str
    reason: Reason


AllPassedOver: TypeAlias = Mapping[Collection, Sequence[PassedOver]]


def passed_over(listing: StoreListing, index: Index) -> AllPassedOver:
    """What `listing` has, and `index` passed over; a damaged receipt is that of a damaged snapshot."""
    known = index.passed_over()
    found: defaultdict[Collection, list[PassedOver]] = defaultdict(list)
    for stored in listing.snapshots:
        where = stored.source, stored.collection
        if reason := known.get(where, {}).get(known_by(stored)):
            found[where].append(PassedOver(stored.committed_at, reason))
    for receipt in listing.damaged:
        where = receipt.source, receipt.collection
        found[where].append(PassedOver(receipt.committed_at, Reason.DAMAGED))
    return found


def told_of(found: AllPassedOver) -> Iterator[str]:
    """A line for each collection and reason."""
    for (source, collection), some in sorted(found.items()):
        for reason in sorted({one.reason for one in some}):
            times = [one.committed_at for one in some if one.reason == reason]
            snapshots = "1 snapshot" if len(times) == 1 else f"{len(times):,} snapshots"
            newest = f" (newest {max(times)[:_DAY]})" if max(times) else ""
            told = f"no history is told of {'it' if len(times) == 1 else 'them'}"
            if reason is Reason.DAMAGED:
                what, hint = "cannot be read", "; what to do is told by: cachediff verify"
            else:
                what, hint = "taken of a history that upstream has rewritten since", ""
            yield f"{snapshots} of {source}:{collection} {what}{newest}: {told}{hint}"
