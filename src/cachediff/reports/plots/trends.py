"""Plots of a trend: its lines over time, which pause where nothing is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import msgspec

from cachediff.model.trend import CollectionTrend, Trend, TrendPoint
from cachediff.reports.phrases import counted
from cachediff.reports.plots import MISSING, Plot, Plots
from cachediff.reports.plots.svg import veiled
from cachediff.reports.trend.lines import Line, figures, lines_of
from cachediff.reports.visible import visible

# Each can be told from white, from black and from the others.
_COLOURS = (
    *("#3b82c5", "#3f9b5b", "#9067c6", "#cf4b42", "#27a0a8", "#b5638f", "#8a7a3d", "#5c7080"),
    "#9aa1a9",
)
_MARK = "#d98a1f"
_PANEL, _REST, _LEGEND = 200, 60, 22
_LEGEND_COLUMNS = 3
_LONGEST_LABEL = 32


class _Series(msgspec.Struct, frozen=True):
    """A line of a plot: its name, the panel that it is in, and its numbers at points."""

    name: str
    panel: str
    line: Line
    points: Sequence[TrendPoint]


def trend_plots(trend: Trend) -> Plots:
    """Draw a trend: one plot or, of several collections by a field, one each. It takes two points."""
    drawings = list(_drawings(trend))
    if drawings and not all(map(find_spec, ("lets_plot", "resvg_py"))):
        return Plots(missing=MISSING)
    return Plots(tuple(_plot(*each) for each in drawings))


def _drawings(trend: Trend) -> Iterator[tuple[str, str, list[_Series]]]:
    told = [each for each in trend.collections if len(each.points) > 1]
    if not told:
        return
    if trend.by is None:
        title = "Specs and packages, over the stored snapshots"
        yield "trend", title, [series for each in told for series in _of_whole(each)]
        return
    for number, each in enumerate(told):
        title = f"Specs of {visible(each.collection)} by {trend.by}, over the stored snapshots"
        lines = lines_of(each, trend.by)
        yield (
            f"trend-{number}",
            title,
            [_Series(line.label(visible), "specs", line, each.points) for line in lines],
        )


def _of_whole(told: CollectionTrend) -> list[_Series]:
    name = f"{visible(told.source)} {visible(told.collection)}"
    return [_Series(name, line.name, line, told.points) for line in lines_of(told, None)]


def _plot(key: str, title: str, series: list[_Series]) -> Plot:
    marked = any(point.unreadable for each in series for point in each.points)
    said = [
        f"{each.name} {each.panel} {told.first} to {told.last}"
        for each in series
        for told in (figures(each.line, each.points),)
    ]
    days = sorted(point.point.committed_at[:10] for each in series for point in each.points)
    points = counted(max(len(each.points) for each in series), "snapshot")
    mark = " Orange marks snapshots with manifests that could not be read." * marked
    alternative = f"Over {points} from {days[0]} to {days[-1]}: {'; '.join(said)}.{mark}"
    caption = "; orange: there were more, which could not be read" * marked
    return Plot(key, f"{title}{caption}", visible(alternative, 2_000), _drawn(series, alternative))


def _drawn(series: list[_Series], alternative: str) -> str:
    import lets_plot as lp

    from cachediff.reports.plots import drawing

    names = list(dict.fromkeys(each.name for each in series))
    panels = list(dict.fromkeys(each.panel for each in series))
    rows: dict[str, list[Any]] = {key: [] for key in ("day", "number", "what", "name", "run")}
    marks: dict[str, list[Any]] = {key: [] for key in ("day", "number", "what")}
    lonely: dict[str, list[Any]] = {key: [] for key in ("day", "number", "what", "name")}
    for place, each in enumerate(series):
        for run, part in enumerate(_runs(each)):
            for day, number in part:
                for key, value in (
                    ("day", day),
                    ("number", number),
                    ("what", each.panel),
                    ("name", str(names.index(each.name))),
                    ("run", f"{place} {run}"),
                ):
                    rows[key].append(value)
                    if len(part) == 1 and key in lonely:
                        lonely[key].append(value)
        for point, number in zip(each.points, each.line.numbers, strict=True):
            if point.unreadable:
                marks["day"].append(drawing._day(point.point.committed_at))
                marks["number"].append(number)
                marks["what"].append(each.panel)
    days = [drawing._day(point.point.committed_at) for each in series for point in each.points]
    legend = -(-len(names) // _LEGEND_COLUMNS) * _LEGEND if len(names) > 1 else 0
    aes = lp.aes("day", "number", color="name")
    plot = (
        drawing._canvas(rows, _PANEL * len(panels) + _REST + legend)
        + lp.geom_line(
            lp.aes("day", "number", color="name", group="run"), size=0.9, sampling="none"
        )
        + lp.facet_wrap("what", ncol=1, scales="free_y", order=-1)
        + drawing._dates(sorted(days))
        + lp.scale_y_continuous(format=drawing._NUMBER)
        + lp.scale_color_manual(
            values=list(_COLOURS),
            limits=[str(number) for number in range(len(names))],
            labels=[veiled(visible(name, _LONGEST_LABEL)) for name in names],
            guide=lp.guide_legend(ncol=_LEGEND_COLUMNS) if len(names) > 1 else "none",
        )
        + lp.theme(axis_text_x=lp.element_text(angle=0), axis_title="blank")
    )
    if lonely["day"]:
        plot += lp.geom_point(aes, data=lonely, size=2, sampling="none")
    if marks["day"]:
        plot += lp.geom_point(
            lp.aes("day", "number"), data=marks, color=_MARK, size=3, sampling="none"
        )
    return drawing._svg(plot, alternative)


def _runs(series: _Series) -> list[list[tuple[float, int]]]:
    """The parts of a line between gaps and points at which manifests could not be read."""
    from cachediff.reports.plots import drawing

    runs: list[list[tuple[float, int]]] = [[]]
    for point, number in zip(series.points, series.line.numbers, strict=True):
        if point.after_gap or point.unreadable:
            runs.append([])
        if not point.unreadable:
            runs[-1].append((drawing._day(point.point.committed_at), number))
    return [run for run in runs if run]
