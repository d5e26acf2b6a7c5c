"""Sweeping: what interrupted writes left in the store, among the reports and in mirrors is removed."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from cachediff.files import TEMPORARY
from cachediff.queries import Catalogue
from cachediff.queries.disk import mirrors_of
from cachediff.sources import sweep_mirror

AGE = timedelta(hours=1)
"""What changed since may still be written: other commands do, beside a run."""

_LEVELS = ("", "*/", "*/*/")
"""In the store: source, collection; in the folder of reports: job, date."""
_OURS = re.compile(r"\.[0-9a-f]{16}\.tmp")
"""Other programs have files that end in .tmp as well, and the folder of reports may be theirs, too."""


def sweep(names: Catalogue, now: datetime) -> tuple[Path, ...]:
    """Remove unfinished files and folders that are older than an hour at `now` (aware); their paths.

    Those are temporary ones, in the store (the outbox in it included) and in the folder of reports; and
    those of git in mirrors, of any age where no process is at work in one. What cannot be removed stays
    for the next time. A Parquet file without a receipt stays as well: it may be that of a snapshot whose
    receipt was lost (`verify` names it). Whoever calls holds the lock of the store (`sole_run`).
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
    swept = [path for path in sorted(left) if _removed(path, now)]
    for mirror in mirrors_of(settings, names.cache):
        swept += sweep_mirror(mirror)
    return tuple(swept)


def _removed(path: Path, now: datetime) -> bool:
    try:
        if path.lstat().st_mtime > (now - AGE).timestamp():
            return False
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True
