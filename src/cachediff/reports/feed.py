"""The feed of reports: Atom, RFC 4287."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cachediff.model.filed import FiledReport
from cachediff.reports.templating import render
from cachediff.reports.visible import visible

MOST_ENTRIES = 50
"""Entries of a feed: a reader fetches all of it each time."""

_FEED_ID = "tag:cachediff,2026:reports"
_MEDIA_TYPES = {
    "html": "text/html",
    "markdown": "text/markdown",
    "text": "text/plain",
    "release-notes": "text/markdown",
    "eml": "message/rfc822",
    "json": "application/json",
}
"""What an entry links to: the first of these formats that is there."""
_NEVER = "1970-01-01T00:00:00Z"
"""When a feed without entries was last updated: it must say some time, and no clock is read."""


def render_feed(reports: Sequence[FiledReport], *, templates: Path | None) -> str:
    """Render the feed of the newest of `reports`, which are newest first.

    An entry has the id and time of its report, and the feed the newest of these times. Links are
    relative to the feed, which can be served from anywhere.
    """
    told = reports[:MOST_ENTRIES]
    return render(
        "feed.xml.j2",
        templates,
        id=_FEED_ID,
        updated=max((report.updated for report in told), default=_NEVER),
        entries=[_entry(report) for report in told],
    )


def _entry(report: FiledReport) -> dict[str, object]:
    format_ = next((each for each in _MEDIA_TYPES if each in report.formats), "")
    return {
        "id": report.id,
        "job": report.job,
        "updated": report.updated,
        "title": f"{'RED: ' * report.red}{visible(report.new.collection)}: {report.headline}",
        "paragraphs": [*report.suspicions, report.headline, _compared(report)],
        "link": f"{report.job}/{report.name}/{report.formats.get(format_, '')}",
        "media_type": _MEDIA_TYPES.get(format_, "text/html"),
    }


def _compared(report: FiledReport) -> str:
    sides = (
        f"{visible(side.source)}:{visible(side.collection)}" for side in (report.old, report.new)
    )
    return " → ".join(sides)
