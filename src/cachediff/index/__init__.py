"""The index of lives: derived from the stored snapshots, rebuilt from them at any time."""

from __future__ import annotations

from cachediff.index.reading import NOT_KNOWN, Index
from cachediff.index.schema import DamagedIndexError
from cachediff.index.snapshots import IndexedSnapshot, PassedOver, Reason
from cachediff.index.writing import IndexWriter, PackageNews, PointNews

__all__ = [
    "NOT_KNOWN",
    "DamagedIndexError",
    "Index",
    "IndexWriter",
    "IndexedSnapshot",
    "PackageNews",
    "PassedOver",
    "PointNews",
    "Reason",
]
