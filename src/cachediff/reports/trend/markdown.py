"""A trend in GitHub's Markdown: a table of its lines, and a folded one of its points."""

from __future__ import annotations

from collections.abc import Iterator

from cachediff.model.trend import CollectionTrend, Trend
from cachediff.reports.markdown import code
from cachediff.reports.phrases import counted
from cachediff.reports.trend import lines
from cachediff.reports.trend.tables import NOTES, every_point, summary

_WORDS = 2
"""The columns that hold words: the first ones, and notes. All others hold numbers."""


def render_markdown(trend: Trend) -> str:
    """Render a trend as GitHub Flavored Markdown, the last line ended; values stand in code spans."""
    return "\n".join(line for told in trend.collections for line in _collection(told, trend))


def _collection(told: CollectionTrend, trend: Trend) -> Iterator[str]:
    yield f"## {lines.heading(told, trend, code, '→')}\n"
    yield from _table(*summary(told, trend, code))
    for sentence in (
        *lines.warnings(told, trend.by, code),
        lines.gaps(told, trend),
        lines.left_out(told, trend.by),
    ):
        if sentence:
            yield f"{sentence}\n"
    yield f"<details>\n<summary>{counted(len(told.points), 'snapshot')}</summary>\n"
    yield from _table(*every_point(told, trend, code))
    yield "</details>\n"


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    noted = columns[-1] == NOTES
    numbers = len(columns) - _WORDS - noted
    yield f"|{' --- |' * _WORDS}{' ---: |' * numbers}{' --- |' * noted}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
