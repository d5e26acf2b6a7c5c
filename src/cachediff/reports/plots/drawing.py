"""Draws plots with Lets-Plot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import count, pairwise
from statistics import median
from typing import Any

from cachediff.model.change import ChangeKind
from cachediff.model.history import HistoryPoint
from cachediff.reports.plots.counts import TELLING, Bar, Cell
from cachediff.reports.plots.svg import GRID, svg, veiled
from cachediff.reports.visible import visible

# Each can be told from white, from black and from the others.
_FILLS: Mapping[str, str] = {
    ChangeKind.REMOVED: "#cf4b42",
    ChangeKind.DOWNGRADED: "#d98a1f",
    ChangeKind.UPGRADED: "#3b82c4",
    ChangeKind.ADDED: "#3f9b5b",
    ChangeKind.CHANGED: "#9067c6",
    ChangeKind.REBUILT: "#9aa1a9",
    ChangeKind.RESTACKED: "#27a0a8",
}
_LINE = "#3b82c5"
_CLASSES = {colour: f"plot-{kind}" for kind, colour in _FILLS.items()} | {_LINE: "plot-line"}

# In pixels: the width of a plot, and what its height is made of.
_WIDTH = 640
_HISTORY, _STEPS, _BAR, _TILE, _AXIS, _LEGEND = 300, 220, 24, 19, 42, 34
_LETTER = 6.6

_LEAST_COLUMNS = 16
_LONGEST_LABEL = 32
_MOST_POINTS = 60
_FEW = 6
_MOST_STEPS = 4
_SHORTEST = 4
_PAUSE = 3
_NUMBER = ",.2~f"


def lines(history: Sequence[HistoryPoint], alternative: str) -> str:
    """Specs and packages over time, one below the other, each on a scale of its own."""
    import lets_plot as lp

    days = [date.fromisoformat(point.committed_at[:10]).toordinal() for point in history]
    ends = sorted({days[0], (days[0] + days[-1]) // 2, days[-1]})
    data = {
        "day": days * 2,
        "number": [point.specs for point in history] + [point.packages for point in history],
        "what": ["specs"] * len(days) + ["packages"] * len(days),
    }
    plot = (
        _canvas(data, _HISTORY)
        + lp.aes("day", "number")
        + lp.geom_line(color=_LINE, size=0.9, sampling="none")
        + lp.facet_wrap("what", ncol=1, scales="free_y", order=-1)
        + lp.scale_x_continuous(
            breaks=ends, labels=[date.fromordinal(day).isoformat() for day in ends]
        )
        + lp.scale_y_continuous(format=_NUMBER)
        + whole_numbers(
            {
                "specs": [point.specs for point in history],
                "packages": [point.packages for point in history],
            },
            most=2,
        )
        + lp.theme(axis_text_x=lp.element_text(angle=0))
    )
    if len(history) <= _MOST_POINTS:
        plot += lp.geom_point(color=_LINE, size=2)
    return _svg(plot, alternative)


def steps(times: Sequence[str], values: Sequence[int | None], name: str, alternative: str) -> str:
    """A number at each of these times, ascending; not known where it is None.

    The line pauses there, and where the times are much farther apart than usual.
    """
    import lets_plot as lp

    days = [_day(time) for time in times]
    usual = median(later - day for day, later in pairwise(days))
    runs: list[int] = []
    for place, value in enumerate(values):
        begins = place == 0 or (values[place - 1] is None and value is not None)
        begins = begins or days[place] - days[place - 1] > _PAUSE * usual
        runs.append(begins + (runs[-1] if runs else 0))
    known = [place for place, value in enumerate(values) if value is not None]
    ticks = _ticks(max(value for value in values if value is not None))
    length = Counter(runs[place] for place in known)

    def rows(places: Sequence[int]) -> dict[str, list[Any]]:
        return {
            "day": [days[place] for place in places],
            "number": [values[place] for place in places],
            "run": [runs[place] for place in places],
            "what": [name] * len(places),
        }

    lines = [place for place in known if length[runs[place]] > 1]
    dots = known if len(known) <= _MOST_POINTS else sorted({*known} - {*lines})
    plot = (
        _canvas({}, _STEPS)
        + lp.aes("day", "number", group="run")
        + lp.facet_wrap("what", ncol=1)
        + _dates(days)
        + lp.scale_y_continuous(format=_NUMBER, breaks=ticks, limits=[0, ticks[-1]])
        + lp.theme(axis_text_x=lp.element_text(angle=0), axis_title="blank")
    )
    if lines:
        plot += lp.geom_step(data=rows(lines), color=_LINE, size=0.9, sampling="none")
    if dots:
        plot += lp.geom_point(data=rows(dots), color=_LINE, size=2, sampling="none")
    return _svg(plot, alternative)


def spans(lives: Sequence[tuple[str, str, str]], times: tuple[str, str], alternative: str) -> str:
    """What was there from when until when: a name, its first and its last time, in the order given.

    Equal names share a line. `times` are the ends of the axis.
    """
    import lets_plot as lp

    names = list(dict.fromkeys(name for name, _, _ in lives))
    data = {
        "name": [str(names.index(name)) for name, _, _ in lives],
        "first": [_day(first) for _, first, _ in lives],
        "last": [_day(last) for _, _, last in lives],
    }
    plot = (
        _canvas(data, _AXIS + _BAR * len(names))
        + lp.geom_segment(
            lp.aes(x="first", xend="last", y="name", yend="name"), color=_LINE, size=3
        )
        + lp.geom_point(lp.aes("first", "name"), color=_LINE, size=3)
        + _dates([_day(time) for time in (*times, *(each for life in lives for each in life[1:]))])
        + lp.scale_y_discrete(**_names(names, reverse=True), expand=[0, 0.8])
        + lp.theme(axis_text_x=lp.element_text(angle=0), axis_title="blank")
    )
    return _svg(plot, alternative)


def whole_numbers(panels: Mapping[str, Sequence[int]], most: int) -> Any:
    """What gives each panel, of these numbers, a scale from one round number to another.

    It has about `most` steps, and is so long that all that is marked on it is whole.
    """
    import lets_plot as lp

    rows = []
    for panel, numbers in panels.items():
        step = _step(max(max(numbers) - min(numbers), _SHORTEST), most)
        low, high = min(numbers) // step * step, -(-max(numbers) // step) * step
        rows += [(panel, low), (panel, max(high, low + _SHORTEST))]
    data = {"what": [panel for panel, _ in rows], "number": [edge for _, edge in rows]}
    return lp.geom_blank(lp.aes(y="number"), data=data, inherit_aes=False)


def _ticks(highest: int) -> list[int]:
    """A few round numbers from 0 to one that is not less than `highest`."""
    step = _step(highest, _MOST_STEPS)
    return list(range(0, max(-(-highest // step), 1) * step + 1, step))


def _step(length: int, most: int) -> int:
    """The least of 1, 2, 5, 10, 20, ... of which `most` at most are in this length."""
    return next(
        int(nice * 10**power)
        for power in count()
        for nice in (1, 2, 5)
        if nice * 10**power * most >= length
    )


def _day(time: str) -> float:
    """A time as in `Origin` as days, of which a plot makes places."""
    return datetime.fromisoformat(time).timestamp() / 86_400


def _dates(days: Sequence[float]) -> Any:
    """An axis of days, of which the ends and the middle are named."""
    import lets_plot as lp

    first, last = min(days), max(days)
    ends = sorted({first, (first + last) / 2, last})
    labels = [datetime.fromtimestamp(day * 86_400, UTC).date().isoformat() for day in ends]
    return lp.scale_x_continuous(breaks=ends, labels=labels, limits=[first, last])


def bars(tallies: Sequence[Bar], alternative: str) -> str:
    """Changes by stack, a bar each, and by kind, stacked in the bar."""
    import lets_plot as lp

    rows = [
        (str(number), kind.value, count)
        for number, bar in enumerate(tallies)
        for kind, count in bar.kinds
    ]
    longest = max(bar.changes for bar in tallies)
    whole = list(range(longest + 1)) if longest < _FEW else None
    data = dict(zip(("stack", "kind", "changes"), map(list, zip(*rows, strict=True)), strict=True))
    plot = (
        _canvas(data, _LEGEND + _AXIS + _BAR * len(tallies))
        + lp.aes("changes", "stack", fill="kind")
        + lp.geom_bar(stat="identity", orientation="y", width=0.72, size=0)
        + lp.scale_x_continuous(format=_NUMBER, breaks=whole, expand=[0, 0])
        + lp.scale_y_discrete(**_names([bar.stack for bar in tallies], reverse=True))
        + _legend(kind for bar in tallies for kind, _ in bar.kinds)
    )
    return _svg(plot, alternative)


def tiles(cells: Sequence[Cell], alternative: str) -> str:
    """Packages from top to bottom, stacks from left to right, and the kind where they meet."""
    import lets_plot as lp

    packages = sorted({cell.package for cell in cells})
    stacks = sorted({cell.stack for cell in cells})
    data = {
        "package": [str(packages.index(cell.package)) for cell in cells],
        "stack": [str(stacks.index(cell.stack)) for cell in cells],
        "kind": [cell.kind.value for cell in cells],
    }
    names = _LETTER * max(len(_label(stack)) for stack in stacks)
    plot = (
        _canvas(data, _LEGEND + round(names) + _TILE * len(packages))
        + lp.aes("stack", "package", fill="kind")
        + lp.geom_tile(width=0.9, height=0.86, size=0, sampling="none")
        + lp.scale_x_discrete(**_names(stacks, at_least=_LEAST_COLUMNS))
        + lp.scale_y_discrete(**_names(packages, reverse=True))
        + _legend(cell.kind for cell in cells)
        + lp.theme(axis_text_x=lp.element_text(angle=90, size=12))
    )
    return _svg(plot, alternative)


def _names(values: Sequence[str], *, reverse: bool = False, at_least: int = 0) -> dict[str, Any]:
    """A discrete axis of these values, known by their numbers, with room for `at_least` as many."""
    numbers = [str(number) for number in range(max(len(values), at_least))]
    return {
        "limits": numbers[::-1] if reverse else numbers,
        "breaks": numbers[: len(values)],
        "labels": [veiled(_label(value)) for value in values],
    }


def _label(value: str) -> str:
    return visible(value, _LONGEST_LABEL)


def _legend(kinds: Iterable[ChangeKind]) -> Any:
    import lets_plot as lp

    present = set(kinds)
    shown = [kind for kind in TELLING if kind in present]
    return lp.scale_fill_manual(
        values=[_FILLS[kind] for kind in shown],
        limits=[kind.value for kind in shown],
        guide=lp.guide_legend(nrow=1),
    )


def _canvas(data: Mapping[str, object], height: int) -> Any:
    """An empty plot of these columns, with nothing around it but a grid."""
    import lets_plot as lp

    return (
        lp.ggplot(dict(data))
        + lp.ggsize(_WIDTH, height)
        + lp.theme_minimal()
        + lp.theme(
            title="blank",
            plot_background="blank",
            panel_background="blank",
            panel_grid=lp.element_line(color=GRID, size=1),
            panel_grid_minor="blank",
            axis_ticks="blank",
            tooltip="blank",
            legend_background="blank",
            legend_position="top",
            legend_justification="right",
            legend_text=lp.element_text(size=12),
            legend_key_size=12,
            plot_margin=[2, 14, 2, 2],
        )
    )


def _svg(plot: Any, alternative: str) -> str:
    return svg(plot.to_svg(), alternative, _CLASSES)
