"""Decides how a trend looks, in each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from cachediff.errors import ReportError
from cachediff.model.trend import Trend

__all__ = ["FORMATS", "TrendLayout", "trend_png"]


class TrendLayout(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader asks of a trend; fields are as in `cachediff.reports.Layout`."""

    width: int = 1_000_000
    colour: bool = False


def _text(trend: Trend, layout: TrendLayout) -> str:
    from cachediff.reports.trend.text import render_text

    return render_text(trend, width=layout.width, colour=layout.colour)


def _markdown(trend: Trend, _layout: TrendLayout) -> str:
    from cachediff.reports.trend.markdown import render_markdown

    return render_markdown(trend)


def _json(trend: Trend, _layout: TrendLayout) -> str:
    from cachediff.reports.trend.json import render_json

    return render_json(trend)


def _html(trend: Trend, _layout: TrendLayout) -> str:
    from cachediff.reports.trend.page import render_page

    return render_page(trend)


FORMATS: Mapping[str, Callable[[Trend, TrendLayout], str]] = MappingProxyType(
    {"text": _text, "markdown": _markdown, "json": _json, "html": _html}
)
"""How a trend becomes a report, by the name of the format; `trend_png` is the picture."""


def trend_png(trend: Trend) -> bytes:
    """The plot of a trend as PNG, on white, with its title above.

    Raises:
        ReportError: what draws plots is not installed, or there is not one plot: of several
            collections by a field, or of one snapshot.
    """
    from cachediff.reports.plots.svg import png, titled
    from cachediff.reports.plots.trends import trend_plots

    drawn = trend_plots(trend)
    if drawn.missing:
        raise ReportError(drawn.missing)
    if not drawn.plots:
        raise ReportError("there is no plot of one snapshot", "a trend takes two")
    if len(drawn.plots) > 1:
        raise ReportError(
            f"a picture is one plot, and these are {len(drawn.plots)}",
            "name one collection, leave --by out, or make a page: --format html",
        )
    return png(titled(drawn.plots[0].svg, drawn.plots[0].title))
