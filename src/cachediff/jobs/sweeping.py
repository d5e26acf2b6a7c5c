"""Sweeping: what interrupted writes left in the store and among the reports is removed."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path, PurePath

from cachediff.files import TEMPORARY
from cachediff.queries import Catalogue

AGE = timedelta(hours=1)
"""What changed since may still be written: other commands do, beside a run."""

_LEVELS = ("", "*/", "*/*/")
"""In the store: source, collection; in the folder of reports: job, date."""
_OURS = re.compile(r"\.[0-9a-f]{16}\.tmp")
"""Other programs have files that end in .tmp as well, and the folder of reports may be theirs, too."""


def sweep(names: Catalogue, now: datetime) -> tuple[PurePath, ...]:
    """Remove unfinished files and folders that are older than an hour at `now` (aware); their paths.

    Those are temporary ones, in the store (the outbox in it included) and in the folder of reports, and
    Parquet files that no receipt needs. What cannot be removed stays for the next time. Whoever calls holds
    the lock of the store (`sole_run`). Mirrors are cleared where they are fetched.

    Raises:
        StoreError: the store cannot be read.
    """
    settings = names.settings
    stores = [settings.store] if isinstance(settings.store, Path) else []
    left = {
        path
        for folder in {*stores, settings.state, settings.reports}
        for level in _LEVELS
        for path in folder.glob(f"{level}{TEMPORARY}")
        if _OURS.fullmatch(path.name)
    }
    swept = {path for path in left if _removed(path, now)}
    return tuple(sorted({*swept, *names.store.sweep((now - AGE).timestamp())}))


def _removed(path: Path, now: datetime) -> bool:
    try:
        changed = path.lstat().st_mtime
        if changed > (now - AGE).timestamp():
            return False
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True
