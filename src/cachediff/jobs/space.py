"""Free space: a run begins only where there is room for what it writes."""

from __future__ import annotations

from pathlib import Path

from cachediff.config import Settings
from cachediff.errors import StoreError
from cachediff.queries.disk import free_bytes

_MIB = 1024 * 1024


def check_space(settings: Settings, cache: Path) -> None:
    """Refuse to begin where less is free than the settings ask for.

    Looked at are the file systems of the store, if it is a folder, of its state, of the reports and of
    `cache`, the folder of mirrors.

    Raises:
        StoreError: there is less; or it cannot be told how much there is.
    """
    if not settings.free_space:
        return
    stores = [settings.store] if isinstance(settings.store, Path) else []
    for folder in dict.fromkeys((*stores, settings.state, settings.reports, cache)):
        free = free_bytes(folder)
        if free < settings.free_space * _MIB:
            raise StoreError(
                f"{folder}: {free // _MIB:,} MiB are free, and free_space in {settings.file} asks for"
                f" {settings.free_space:,} MiB; nothing was begun",
                "free some: what interrupted writes had left is removed already, and retention removes"
                " nothing before a run is done. What is asked for is set by free_space, 0 for nothing",
            )
