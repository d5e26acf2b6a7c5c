"""Publishing: a report to where it was asked for."""

from __future__ import annotations

from pathlib import Path

from cachediff.errors import UsageError
from cachediff.store.atomic import write_atomically


def publish(path: Path, report: str) -> None:
    """Write `report` to `path`: whole or, on an error, not at all.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        write_atomically(path, report.encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
