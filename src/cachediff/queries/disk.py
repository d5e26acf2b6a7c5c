"""The disk: which mirrors there are, and how much is free."""

from __future__ import annotations

import shutil
from pathlib import Path

from cachediff.config import Settings
from cachediff.errors import StoreError
from cachediff.sources import mirror_path


def mirrors_of(settings: Settings, cache: Path) -> list[Path]:
    """The mirrors, in the cache folder `cache`, of the upstreams in the settings, there or not."""
    urls = {source.url for source in settings.sources.values() if source.url is not None}
    return [mirror_path(cache, url) for url in sorted(urls)]


def free_bytes(folder: Path) -> int:
    """How many bytes are free where `folder` is or, if it was not made yet, the nearest one above it.

    Raises:
        StoreError: that cannot be told.
    """
    try:
        there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
        return shutil.disk_usage(there).free
    except OSError as error:
        raise StoreError(f"{folder} cannot be looked at: {error.strerror}") from error
