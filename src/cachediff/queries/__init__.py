"""Queries: what only reads. Names to snapshots, two snapshots to a comparison, what there is."""

from __future__ import annotations

from cachediff.queries.catalogue import Catalogue
from cachediff.queries.comparison import compare_opened
from cachediff.queries.history import history
from cachediff.queries.in_git import GitSnapshot
from cachediff.queries.opened import LoadedSnapshot, OpenedSnapshot, load

__all__ = [
    "Catalogue",
    "GitSnapshot",
    "LoadedSnapshot",
    "OpenedSnapshot",
    "compare_opened",
    "history",
    "load",
]
