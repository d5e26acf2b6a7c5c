"""The index of lives: derived from the stored snapshots, rebuilt from them at any time."""

from __future__ import annotations

from cachediff.index.reading import Index
from cachediff.index.schema import DamagedIndexError
from cachediff.index.snapshots import IndexedSnapshot
from cachediff.index.writing import IndexWriter, PackageNews, PointNews

__all__ = [
    "DamagedIndexError",
    "Index",
    "IndexWriter",
    "IndexedSnapshot",
    "PackageNews",
    "PointNews",
]
