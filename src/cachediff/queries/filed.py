"""Filed reports: what a folder of reports holds, as the file beside each of them says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from cachediff.errors import UsageError
from cachediff.model.filed import FiledReport
from cachediff.reports.mail.message_ids import is_message_id
from cachediff.reports.visible import visible

FILES = {
    "json": "comparison.json",
    "html": "report.html",
    "markdown": "report.md",
    "text": "report.txt",
    "eml": "report.eml",
    "release-notes": "release-notes.md",
}
"""The file of each format in the folder of a report."""

RECORD = "report.json"
"""What is known of a report, beside it."""

JOB = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
"""Names of jobs, which are names of folders."""

_NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:\.[1-9][0-9]{0,8})?")
_LONGEST = 2_000
"""Most characters of a sentence that is shown of a report."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Record(FiledReport, frozen=True, kw_only=True):
    """A filed report as it is written beside it."""

    schema: Literal["cachediff/report/1"] = "cachediff/report/1"


class Filed(msgspec.Struct, frozen=True):
    """The reports of a folder, newest first, and why what else is there is none."""

    reports: tuple[FiledReport, ...]
    notices: tuple[str, ...]


def read_filed(folder: Path) -> Filed:
    """The reports in `folder`, newest first by the time of their new side.

    Raises:
        UsageError: the folder cannot be read.
    """
    reports, notices = [], []
    try:
        for path in _report_folders(folder):
            try:
                reports.append(_read(path))
            except (OSError, ValueError, RecursionError) as error:
                notices.append(f"{path / RECORD} was passed over: {error}")
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from error
    reports.sort(key=lambda report: report.job)
    reports.sort(key=lambda report: (report.updated, report.number), reverse=True)
    return Filed(tuple(reports), tuple(notices))


def _report_folders(folder: Path) -> Iterator[Path]:
    for job in _named(folder, JOB):
        yield from _named(job, _NAME)


def _named(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        child for child in folder.iterdir() if pattern.fullmatch(child.name) and child.is_dir()
    )


def _read(path: Path) -> FiledReport:
    """The report in the folder `path`, with the formats that are there; `ValueError` if it is none."""
    record = msgspec.convert(json.loads((path / RECORD).read_bytes()), Record)
    if (record.job, record.name) != (path.parent.name, path.name):
        raise ValueError(f"it is that of {record.job}/{record.name}")
    checked_time(record.updated)
    there = {format_: file for format_, file in FILES.items() if (path / file).is_file()}
    return msgspec.structs.replace(
        record,
        # Anyone may have edited the file.
        headline=visible(record.headline, _LONGEST),
        suspicions=tuple(visible(suspicion, _LONGEST) for suspicion in record.suspicions),
        message_id=record.message_id if is_message_id(record.message_id) else "",
        formats=there,
    )


def checked_time(moment: str) -> str:
    """`moment`, if it is one as `Origin` writes it; else `ValueError`."""
    parsed = datetime.strptime(moment, _TIME).replace(tzinfo=UTC)
    if moment != f"{parsed.replace(tzinfo=None).isoformat()}Z":
        raise ValueError(f"{moment!r} is not a time")
    return moment
