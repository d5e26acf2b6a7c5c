"""Plots of a trend: its lines over time, which pause where nothing is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import msgspec

from cachediff.model.trend import CollectionTrend, Trend, TrendPoint
from cachediff.reports.phrases import counted, joined
from cachediff.reports.plots import MISSING, Plot, Plots
from cachediff.reports.plots.svg import veiled
from cachediff.reports.trend.lines import NOUNS, Line, figures, lines_of
from cachediff.reports.visible import visible

# Each can be told from white, from black and from the others.
_COLOURS = (
    *("#3b82c5", "#3f9b5b", "#9067c6", "#cf4b42", "#27a0a8", "#b5638f", "#8a7a3d", "#5c7080"),
    "#9aa1a9",
)
_MARK = "#d98a1f"
_PANEL, _REST, _LEGEND = 200, 60, 22
_LEGEND_COLUMNS = 3
_LEGEND_LETTERS, _KEY = 96, 5
_LONGEST_LABEL = 80


class Series(msgspec.Struct, frozen=True):
    """A line of a plot: its name, the panel that it is in, and its numbers at points."""

    name: str
    panel: str
    line: Line
    points: Sequence[TrendPoint]

    def is_sure(self, place: int) -> bool:
        """Whether the number at a point is all that there is, and is believed."""
        return not (self.line.at_least[place] or self.points[place].suspicion)


def trend_plots(trend: Trend) -> Plots:
    """Draw a trend: one plot or, of several collections by a field, one each. It takes two points."""
    drawings = list(_drawings(trend))
    if drawings and not all(map(find_spec, ("lets_plot", "resvg_py"))):
        return Plots(missing=MISSING)
    return Plots(tuple(plot_of(*each) for each in drawings))


def _drawings(trend: Trend) -> Iterator[tuple[str, str, list[Series]]]:
    told = [each for each in trend.collections if len(each.points) > 1]
    if not told:
        return
    if trend.by is None:
        title = f"Specs and packages of {joined([_name(each) for each in told], visible)}"
        yield "trend", title, [series for each in told for series in _of_whole(each)]
        return
    for number, each in enumerate(told):
        lines = lines_of(each, trend.by)
        yield (
            f"trend-{number}",
            f"Specs of {visible(_name(each))} by {NOUNS[trend.by]}",
            [Series(line.label(visible), "specs", line, each.points) for line in lines],
        )


def _name(told: CollectionTrend) -> str:
    return f"{told.source} {told.collection}"


def _of_whole(told: CollectionTrend) -> list[Series]:
    name = visible(_name(told))
    return [Series(name, line.name, line, told.points) for line in lines_of(told, None)]


def plot_of(key: str, title: str, series: list[Series]) -> Plot:
    """The plot of some lines: they pause, and points are marked, where numbers are not sure."""
    said = [
        f"{each.name} {each.panel} {told.first} to {told.last}"
        for each in series
        for told in (figures(each.line, each.points),)
    ]
    days = sorted(point.point.committed_at[:10] for each in series for point in each.points)
    points = counted(max(len(each.points) for each in series), "snapshot")
    mark = _mark(series)
    alternative = (
        f"Over {points} from {days[0]} to {days[-1]}: {'; '.join(said)}."
        + f" Orange marks {mark}." * bool(mark)
    )
    caption = f"{title}, in {points} from {days[0]} to {days[-1]}" + (
        f"; orange dots are {mark}" * bool(mark)
    )
    return Plot(key, caption, visible(alternative, 2_000), _drawn(series, alternative))


def _mark(series: Sequence[Series]) -> str:
    """What is said of the points that are marked; '' where none is."""
    some = [
        "snapshots of which not all is known" * any(True in each.line.at_least for each in series),
        "suspect snapshots" * any(point.suspicion for each in series for point in each.points),
    ]
    return " or ".join(filter(None, some))


def _drawn(series: list[Series], alternative: str) -> str:
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
                    if len(part) > 1:
                        rows[key].append(value)
                    elif key in lonely:
                        lonely[key].append(value)
        for number, point in enumerate(each.points):
            if not each.is_sure(number):
                marks["day"].append(drawing._day(point.point.committed_at))
                marks["number"].append(each.line.numbers[number])
                marks["what"].append(each.panel)
    days = [drawing._day(point.point.committed_at) for each in series for point in each.points]
    labels = [visible(name, _LONGEST_LABEL) for name in names]
    columns = max(1, min(_LEGEND_COLUMNS, _LEGEND_LETTERS // (max(map(len, labels)) + _KEY)))
    legend = -(-len(names) // columns) * _LEGEND if len(names) > 1 else 0
    plot = (
        drawing._canvas({}, _PANEL * len(panels) + _REST + legend)
        + lp.facet_wrap("what", ncol=1, scales="free_y", order=-1)
        + drawing._dates(days)
        + lp.scale_y_continuous(format=drawing._NUMBER)
        + drawing.whole_numbers(
            {
                panel: [n for each in series if each.panel == panel for n in each.line.numbers]
                for panel in panels
            },
            most=4,
        )
        + lp.scale_color_manual(
            values=list(_COLOURS),
            limits=[str(number) for number in range(len(names))],
            labels=[veiled(label).replace(" ", "\N{NO-BREAK SPACE}") for label in labels],
            guide=lp.guide_legend(ncol=columns) if len(names) > 1 else "none",
        )
        + lp.theme(axis_text_x=lp.element_text(angle=0), axis_title="blank")
    )
    if rows["day"]:
        aes = lp.aes("day", "number", color="name", group="run")
        plot += lp.geom_line(aes, data=rows, size=0.9, sampling="none")
    if lonely["day"]:
        aes = lp.aes("day", "number", color="name")
        plot += lp.geom_point(aes, data=lonely, size=2, sampling="none")
    if marks["day"]:
        plot += lp.geom_point(
            lp.aes("day", "number"), data=marks, color=_MARK, size=3, sampling="none"
        )
    return drawing._svg(plot, alternative)


def _runs(series: Series) -> list[list[tuple[float, int]]]:
    """The parts of a line between gaps and points at which its numbers are not sure."""
    from cachediff.reports.plots import drawing

    runs: list[list[tuple[float, int]]] = [[]]
    for place, (point, number) in enumerate(zip(series.points, series.line.numbers, strict=True)):
        if point.after_gap or not series.is_sure(place):
            runs.append([])
        if series.is_sure(place):
            runs[-1].append((drawing._day(point.point.committed_at), number))
    return [run for run in runs if run]
