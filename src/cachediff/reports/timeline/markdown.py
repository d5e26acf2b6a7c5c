"""A timeline in GitHub's Markdown, to be pasted in an issue."""

from __future__ import annotations

from collections.abc import Iterator

from cachediff.model.timeline import Timeline
from cachediff.reports.markdown import code
from cachediff.reports.timeline.document import document
from cachediff.reports.timeline.tables import Table


def render_markdown(timeline: Timeline) -> str:
    """Render a timeline as GitHub Flavored Markdown, the last line ended.

    Whatever comes from data stands in code spans, in which nothing is markup, a link or a mention.
    """
    told = document(timeline, code)
    parts = [f"## {told.title}", told.headline, *told.notes]
    for table in told.tables:
        parts += [f"### {table.title}", "\n".join(_table(table))]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> Iterator[str]:
    yield _line(table.columns)
    yield _line(tuple("---" for _ in table.columns))
    for row in table.rows:
        yield _line(row.cells)


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
