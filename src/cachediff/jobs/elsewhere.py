"""Reports that were filed in another folder than the one that is there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cachediff.errors import UsageError
from cachediff.files import write_atomically
from cachediff.store.ledger import DoneNight, Ledger

SINCE = ".since"
"""In the folder of reports: the number, in the ledger, of the first night that was reported there."""


def filed_elsewhere(reports: Path, ledger: Ledger) -> Iterator[DoneNight]:
    """The nights of which the report was not filed in the folder that is there now, but in another.

    That may be as good as ever, as where the folder was moved, or is not mounted. A report that was in
    this one and is gone was removed by someone, and refers to nothing any more.
    """
    reported = _reported(ledger)
    since = _since(reports, reported)
    return (night for number, night in reported.items() if since is None or number < since)


def mark(reports: Path, ledger: Ledger) -> None:
    """Write down since which night reports are filed in this folder, if it has any and does not say so.

    Raises:
        UsageError: it cannot be written.
    """
    since = _since(reports, _reported(ledger))
    if since is not None and not (reports / SINCE).exists():
        try:
            write_atomically(reports / SINCE, b"%d\n" % since)
        except OSError as error:
            raise UsageError(f"{reports / SINCE} cannot be written: {error.strerror}") from error


def _reported(ledger: Ledger) -> dict[int, DoneNight]:
    """The nights with a report, by number."""
    nights = ledger.nights_between(0, ledger.newest())
    return {number: night for number, night in nights.items() if night.report}


def _since(reports: Path, reported: Mapping[int, DoneNight]) -> int | None:
    """The number of the first night that was reported in this folder; None if unknown."""
    try:
        return int((reports / SINCE).read_bytes())
    except FileNotFoundError:
        there = (
            number for number, night in reported.items() if (reports / str(night.report)).is_dir()
        )
        return min(there, default=None)
    except (OSError, ValueError):
        return None
