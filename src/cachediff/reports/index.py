"""The page that lists every report, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from cachediff.model.filed import FiledReport
from cachediff.model.snapshot import Origin
from cachediff.reports.overview import moment
from cachediff.reports.templating import render
from cachediff.reports.visible import visible

FORMAT_TITLES = {
    "html": "HTML",
    "markdown": "Markdown",
    "text": "text",
    "release-notes": "release notes",
    "eml": "mail",
    "json": "JSON",
}
"""What each format is called in a link, in the order of the links."""


def render_index(reports: Sequence[FiledReport], *, templates: Path | None) -> str:
    """Render the page of `reports`, which are newest first; its links are relative to their folder."""
    from markupsafe import Markup

    style = files("cachediff.reports").joinpath("assets", "style.css").read_text("utf-8")
    return render(
        "index.html.j2",
        templates,
        style=Markup(style),  # noqa: S704 - ours; nothing from data is in it
        reports=[_shown(report) for report in reports],
    )


def _shown(report: FiledReport) -> dict[str, object]:
    folder = f"{report.job}/{report.name}"
    links = [
        (title, f"{folder}/{report.formats[format_]}")
        for format_, title in FORMAT_TITLES.items()
        if format_ in report.formats
    ]
    return {
        "job": report.job,
        "name": report.name,
        "updated": report.updated,
        "moment": moment(report.updated),
        "red": report.red,
        "headline": report.headline,
        "suspicions": report.suspicions,
        "old": _side(report.old),
        "new": _side(report.new),
        "link": links[0][1] if links else "",
        "links": links,
    }


def _side(origin: Origin) -> dict[str, str]:
    return {
        "source": visible(origin.source),
        "collection": visible(origin.collection),
        "commit": visible((origin.commit or "no commit")[:12]),
        "moment": visible(moment(origin.committed_at)) if origin.committed_at else "no date",
    }
