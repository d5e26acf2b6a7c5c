"""Publishing: a report into the folder of all that were published."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from cachediff.jobs.filing import file_report, rebuild_index
from cachediff.model.comparison import Comparison
from cachediff.queries import Catalogue, history
from cachediff.queries.filed import FILES
from cachediff.reports import Layout


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
