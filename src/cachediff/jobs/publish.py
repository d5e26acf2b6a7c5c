"""Publishing: a report to where it was asked for, and into the folder of all that were published."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from cachediff.errors import UsageError
from cachediff.files import write_atomically
from cachediff.jobs.filing import file_report, rebuild_index
from cachediff.model.comparison import Comparison
from cachediff.queries import Catalogue, history
from cachediff.queries.filed import FILES
from cachediff.reports import Layout


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


def publish_report(
    names: Catalogue,
    job: str,
    comparison: Comparison,
    *,
    templates: Path | None,
    today: date,
    night: str | None = None,
    formats: Collection[str] = tuple(FILES),
) -> Path:
    """File a report of `job` in the folder of reports, and list it in the index page and the feed.

    It is filed in `formats`, and in JSON in any case. Returns the folder of the report; see
    `file_report`. What the user should be told is in `names.notices`.

    Raises:
        ReportError: a template fails, or the new side has no time.
        UsageError: `job` cannot be the name of a folder, or the folder cannot be written.
    """
    folder = names.settings.reports
    layout = Layout(templates=templates, history=history(names, comparison.new.origin))
    path = file_report(folder, job, comparison, layout, today=today, night=night, formats=formats)
    names.notices += rebuild_index(folder, templates)
    return path
