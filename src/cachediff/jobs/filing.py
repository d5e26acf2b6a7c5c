"""Filing: reports under `<job>/<date>/`, and the index page and feed of all that are there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from datetime import date
from itertools import count
from pathlib import Path

import msgspec

from cachediff.changelog import arrange
from cachediff.errors import ReportError, UsageError
from cachediff.files import write_atomically, write_folder_atomically
from cachediff.model.changelog import Changelog
from cachediff.model.comparison import Comparison
from cachediff.model.filed import FiledReport
from cachediff.model.gates import is_red
from cachediff.queries.filed import FILES, JOB, RECORD, Record, checked_time, read_filed
from cachediff.reports import FORMATS, Layout
from cachediff.reports.visible import visible

INDEX = "index.html"
FEED = "feed.xml"


def file_report(
    folder: Path,
    job: str,
    comparison: Comparison,
    layout: Layout,
    *,
    today: date,
    night: str | None = None,
    formats: Collection[str] = tuple(FILES),
) -> Path:
    """Write a report into `folder`, as `<job>/<date>/`, in `formats` and in JSON; return that path.

    The date is that of the new side's commit (UTC), or `today` where it has none; that of `night`, a
    time as in `Origin`, where it is not about a commit but about there being none. A report is there
    whole or not at all, and is never overwritten: the same comparison once more changes nothing and
    gives the report that is there; another one of the same date becomes `<date>.2`, `<date>.3`. Its
    mail answers that of the report of the same job before it. `layout` says the templates, the history
    and the envelope; nothing is left out.

    Raises:
        ReportError: the new side's time is none, or a template fails.
        UsageError: `job` cannot be the name of a folder, or the folder cannot be written.
    """
    check_job(job)
    updated = _updated(comparison, night, today)
    changelog = arrange(comparison)
    # How the sides came to be read may be told differently the next time: it is the same report.
    bare = msgspec.structs.replace(comparison, notices=())
    sha256 = hashlib.sha256(_encoded(FORMATS["json"](bare, arrange, layout))).hexdigest()
    while True:
        # Anew each time round: another process may have filed a report meanwhile.
        filed = [report for report in read_filed(folder).reports if report.job == job]
        of_day = [report for report in filed if report.name[:10] == updated[:10]]
        for report in of_day:
            if report.sha256 == sha256:
                return folder / job / report.name
        path = _free(folder / job, updated[:10])
        wanted = {name: file for name, file in FILES.items() if name in {"json", *formats}}
        told = _layout(layout, job, filed, path)
        files = _files(path, changelog, updated, sha256, told, wanted)
        try:
            write_folder_atomically(path, files)
        except FileExistsError:
            if not path.exists():
                raise UsageError(f"{folder / job} is not a folder") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error
        else:
            return path


def check_job(job: str) -> None:
    """Refuse a job that cannot be the name of a folder.

    Raises:
        UsageError: it cannot.
    """
    if not JOB.fullmatch(job) or job in (INDEX, FEED):
        raise UsageError(
            f"{job!r} cannot be the name of a job",
            "it is the name of a folder: up to 100 letters, digits and . _ -, no dot or dash first",
        )


def rebuild_index(folder: Path, templates: Path | None) -> tuple[str, ...]:
    """Write the index page and the feed of all reports in `folder`.

    Returns what the user should be told: reports that were passed over, because they are damaged.

    Raises:
        ReportError: a template fails.
        UsageError: the folder cannot be written.
    """
    from cachediff.reports.feed import render_feed
    from cachediff.reports.index import render_index

    filed = read_filed(folder)
    while True:
        try:
            _write(folder / INDEX, render_index(filed.reports, templates=templates))
            _write(folder / FEED, render_feed(filed.reports, templates=templates))
        except OSError as error:
            raise UsageError(f"{folder} cannot be written: {error.strerror}") from error
        before, filed = filed, read_filed(folder)
        if filed == before:  # else another process filed a report, and may have written before us
            return filed.notices


def _updated(comparison: Comparison, night: str | None, today: date) -> str:
    committed_at = night or comparison.new.origin.committed_at
    if committed_at is None:
        return f"{today.isoformat()}T00:00:00Z"
    try:
        return checked_time(committed_at)
    except ValueError as error:
        raise ReportError(f"the time of NEW is none: {committed_at!r}") from error


def _free(folder: Path, day: str) -> Path:
    """The first path for a report of this day at which there is nothing."""
    return next(
        path
        for number in count(1)
        if not (path := folder / (day if number == 1 else f"{day}.{number}")).exists()
    )


def _layout(layout: Layout, job: str, filed: list[FiledReport], path: Path) -> Layout:
    """The layout of a report to be filed at `path`, which answers the one before it."""
    place = _place(path.name)
    before = [each for each in filed if _place(each.name) < place and each.message_id]
    previous = max(before, key=lambda report: _place(report.name), default=None)
    envelope = msgspec.structs.replace(
        layout.envelope, job=job, previous=previous.message_id if previous else None
    )
    return Layout(
        templates=layout.templates,
        history=layout.history,
        envelope=envelope,
    )


def _place(name: str) -> tuple[str, int]:
    day, _, number = name.partition(".")
    return day, int(number or 1)


def _files(
    path: Path,
    changelog: Changelog,
    updated: str,
    sha256: str,
    layout: Layout,
    wanted: dict[str, str],
) -> dict[str, bytes]:
    """Every file of the report to be filed at `path`; `wanted` are those of its formats."""
    from cachediff.reports.mail.message_ids import message_id
    from cachediff.reports.overview import headline, suspicions

    comparison = changelog.comparison
    job = path.parent.name
    record = Record(
        job=job,
        name=path.name,
        updated=updated,
        headline=headline(changelog, visible),
        suspicions=tuple(suspicions(comparison, visible)),
        old=comparison.old.origin,
        new=comparison.new.origin,
        sha256=sha256,
        # What is not filed as a mail is none that the next one could answer.
        message_id=message_id(comparison, layout.envelope) if "eml" in wanted else "",
        formats=wanted,
        red=is_red(comparison.findings),
        untold=comparison.untold,
    )
    files = {
        file: _encoded(FORMATS[format_](comparison, lambda _: changelog, layout))
        for format_, file in wanted.items()
    }
    told = {"schema": record.schema, **msgspec.to_builtins(record)}
    return files | {RECORD: _encoded(f"{json.dumps(told, indent=1)}\n")}


def _encoded(report: str) -> bytes:
    return report.encode("utf-8", "backslashreplace")


def _write(path: Path, report: str) -> None:
    """Write a file, unless it is there as it should be."""
    content = _encoded(report)
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
