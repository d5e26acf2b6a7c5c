"""Publishing: a report to where it was asked for."""

from __future__ import annotations

from pathlib import Path

from cachediff.errors import UsageError
from cachediff.store.atomic import write_atomically


def publish(path: Path, report: str) -> None:
    """Write `report` to `path`: whole or, on an error, not at all. Missing folders are made.

    Raises:
        UsageError: it cannot be written.
    """
    content = report.encode("utf-8", "backslashreplace")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # a device or a pipe stays what it is
        else:
            write_atomically(path.resolve(), content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
