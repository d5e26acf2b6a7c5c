"""What the index knows of the stored snapshots of one collection, held against what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from cachediff.errors import DamagedSnapshotError
from cachediff.index import IndexedSnapshot, Reason
from cachediff.model.lives import Point
from cachediff.queries.upstreams import in_time

if TYPE_CHECKING:
    from cachediff.store import SnapshotStore, StoredSnapshot


class Known(msgspec.Struct, frozen=True):
    """The `snapshots` of a collection that are in the index, in order, and those that were passed over."""

    snapshots: Sequence[IndexedSnapshot]
    passed_over: Mapping[IndexedSnapshot, Reason]

    @property
    def rewritten(self) -> set[str]:
        """The commits that were not of upstream's history any more when git was asked last."""
        return {
            one.point.commit
            for one, reason in self.passed_over.items()
            if reason is Reason.REWRITTEN
        }

    def ordered(self, stored: Sequence[StoredSnapshot]) -> tuple[list[StoredSnapshot], set[str]]:
        """As `Upstreams.ordered`, as far as that is known without git: what is new goes by its time."""
        places = {one.point.commit: place for place, one in enumerate(self.snapshots)}
        left = self.rewritten - places.keys()
        there = sorted(
            (one for one in stored if one.commit in places), key=lambda one: places[one.commit]
        )
        others = [one for one in stored if one.commit not in places and one.commit not in left]
        return in_time(there, others), left

    def readable(
        self, store: SnapshotStore, stored: Sequence[StoredSnapshot]
    ) -> list[StoredSnapshot]:
        """These, but those that were damaged when they were passed over, and still are."""
        return [
            one
            for one in stored
            if self.passed_over.get(known_by(one)) is not Reason.DAMAGED
            or not _is_damaged(store, one)
        ]


def known_by(stored: StoredSnapshot) -> IndexedSnapshot:
    """What a stored snapshot is known by in the index."""
    return IndexedSnapshot(Point(stored.committed_at, stored.commit), stored.sha256)


def _is_damaged(store: SnapshotStore, stored: StoredSnapshot) -> bool:
    try:
        store.open(stored)
    except DamagedSnapshotError:
        return True
    return False
