"""A trend as one page that needs nothing else: plots where they can be drawn, and tables."""

from __future__ import annotations

from importlib.resources import files

from cachediff.model.trend import CollectionTrend, Trend
from cachediff.reports.page.rows import ARROW, code, html
from cachediff.reports.phrases import counted, joined
from cachediff.reports.plots.trends import trend_plots
from cachediff.reports.templating import template
from cachediff.reports.trend import lines
from cachediff.reports.trend.tables import NOTES, every_point, summary
from cachediff.reports.visible import visible


def render_page(trend: Trend) -> str:
    """Render a trend as an HTML page, the last line ended.

    Values from data are escaped, and what would act instead of being seen is spelled out.
    """
    style = files("cachediff.reports").joinpath("assets", "style.css").read_text("utf-8")
    drawn = trend_plots(trend)
    names = [f"{told.source} {told.collection}" for told in trend.collections]
    return template("history/trend.html.j2", None).render(
        style=html(style),  # ours; nothing from data is in it
        title=f"Trend of {joined(names, visible)}",
        heading=html(f"Trend of {joined(names, code)}"),
        collections=[_collection(told, trend) for told in trend.collections],
        plots=drawn.plots,
        plots_missing=drawn.missing,
    )


def _collection(told: CollectionTrend, trend: Trend) -> dict[str, object]:
    notes = (lines.gaps(told, trend), lines.left_out(told, trend.by))
    return {
        "name": f"{visible(told.source)} {visible(told.collection)}",
        "heading": html(lines.heading(told, trend, code, ARROW)),
        "warnings": [html(warning) for warning in lines.warnings(told, trend.by, code)],
        "notes": [note for note in notes if note],
        "summary": _table(*summary(told, trend, code)),
        "size": counted(len(told.points), "snapshot"),
        "points": _table(*every_point(told, trend, code)),
    }


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> dict[str, object]:
    return {
        "columns": [html(column) for column in columns],
        "notes": NOTES,
        "rows": [[html(cell) for cell in row] for row in rows],
    }
