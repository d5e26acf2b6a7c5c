"""Stored snapshots: immutable, self-describing Parquet files, and what is derived from manifests."""

from __future__ import annotations

from cachediff.store.hashes import ListedHashes, beginning
from cachediff.store.opened import OpenedSnapshot
from cachediff.store.receipts import DamagedReceipt, StoredSnapshot, StoreListing
from cachediff.store.shelf import shelf_at
from cachediff.store.snapshots import SnapshotStore
from cachediff.store.steps import Carried, StepLimits
from cachediff.store.summaries import SummaryCache

__all__ = [
    "Carried",
    "DamagedReceipt",
    "ListedHashes",
    "OpenedSnapshot",
    "SnapshotStore",
    "StepLimits",
    "StoreListing",
    "StoredSnapshot",
    "SummaryCache",
    "beginning",
    "shelf_at",
]
