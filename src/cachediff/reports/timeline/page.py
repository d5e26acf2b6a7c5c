"""A timeline as one page that needs nothing else: no network, no server, no script."""

from __future__ import annotations

from importlib.resources import files

from cachediff.model.timeline import Timeline
from cachediff.reports.page.rows import code, html
from cachediff.reports.plots.timelines import timeline_plots
from cachediff.reports.templating import render
from cachediff.reports.timeline.document import document
from cachediff.reports.visible import visible


def render_page(timeline: Timeline) -> str:
    """Render a timeline as an HTML page, the last line ended.

    Values from data are escaped, and what would act instead of being seen is spelled out.
    """
    told = document(timeline, code)
    drawn = timeline_plots(timeline)
    style = files("cachediff.reports").joinpath("assets", "style.css").read_text("utf-8")
    return render(
        "history/log.html.j2",
        None,
        style=html(style),  # ours; nothing from data is in it
        title=document(timeline, visible).title,
        heading=html(told.title),
        headline=html(told.headline),
        notes=[html(note) for note in told.notes],
        tables=[
            {
                "title": table.title,
                "columns": table.columns,
                "rows": [
                    {"kind": row.kind, "cells": [html(cell) for cell in row.cells]}
                    for row in table.rows
                ],
            }
            for table in told.tables
        ],
        plots=drawn.plots,
        plots_missing=drawn.missing,
    )
