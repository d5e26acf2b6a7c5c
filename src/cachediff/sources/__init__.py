"""Sources: where manifests come from. Names to commits, commits to listings, listings to raw files."""

from __future__ import annotations

from cachediff.sources.collections import GitSource
from cachediff.sources.commits import History
from cachediff.sources.folder import FolderCollection
from cachediff.sources.git import Progress
from cachediff.sources.git_collection import GitCollection
from cachediff.sources.gone import GoneError
from cachediff.sources.mirrors import clone_mirror, mirror_path
from cachediff.sources.names import (
    PREVIOUS,
    SnapshotName,
    choose,
    close_names,
    newest_first,
    parse_name,
    until,
)
from cachediff.sources.online import NotReachedError
from cachediff.sources.patience import Sleep, patiently
from cachediff.sources.repository import Repository, import_history
from cachediff.sources.steps import steps
from cachediff.sources.writing import sweep_mirror

__all__ = [
    "PREVIOUS",
    "FolderCollection",
    "GitCollection",
    "GitSource",
    "GoneError",
    "History",
    "NotReachedError",
    "Progress",
    "Repository",
    "Sleep",
    "SnapshotName",
    "choose",
    "clone_mirror",
    "close_names",
    "import_history",
    "mirror_path",
    "newest_first",
    "parse_name",
    "patiently",
    "steps",
    "sweep_mirror",
    "until",
]
