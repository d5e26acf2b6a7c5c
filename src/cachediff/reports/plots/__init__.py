"""Plots of a changelog, for the page (SVG) and for mail (PNG), each from one description.

What draws them comes with `pip install cachediff[plots]`; without it there are none, and the report
says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec

import msgspec

from cachediff.model.changelog import Changelog
from cachediff.model.comparison import Comparison
from cachediff.model.history import HistoryPoint
from cachediff.reports.phrases import counted
from cachediff.reports.plots.counts import (
    TELLING,
    Cell,
    Tallies,
    cells,
    changes_by_stack,
    most_changed,
)
from cachediff.reports.visible import visible

MISSING = "no plots: they need pip install 'cachediff[plots]'"


class Plot(msgspec.Struct, frozen=True):
    """One plot.

    `key` names it (`history`, `changes`, `packages`): a safe id, file name and Content-ID. `title` is its
    heading and `alternative` one sentence that says what it shows, with the figures: both plain
    text, safe to look at, not escaped. `svg` is an `<svg>` element, with the alternative as its
    label, to put into a page as it is: it has no ids, no scripts, no styles and nothing to load. Its
    text is in `currentColor`; its marks have colours that do on dark and on light, and classes
    (`plot-upgraded`, ...) by which a page can give them others.
    """

    key: str
    title: str
    alternative: str
    svg: str

    def png(self) -> bytes:
        """The same as a PNG on white, twice as wide as the SVG; drawn when asked for (50 ms)."""
        from cachediff.reports.plots.svg import png

        return png(self.svg)


class Plots(msgspec.Struct, frozen=True):
    """The plots of a changelog; none where there is nothing to see.

    `missing` says in one line why there are none where there could be some, else it is ''.
    """

    plots: tuple[Plot, ...] = ()
    missing: str = ""


def plots(changelog: Changelog, history: Sequence[HistoryPoint]) -> Plots:
    """Draw what there is to see of a changelog, and how its collection has grown (oldest first).

    Where nothing differs there is nothing to see. How a collection has grown takes two points; what
    changed takes changes, which are not drawn where they are withheld for a suspect side; packages
    against stacks take two of each.
    """
    drawings = list(_drawings(changelog, history)) if changelog.comparison.differs else []
    if not drawings:
        return Plots()
    if not all(map(find_spec, ("lets_plot", "resvg_py"))):
        return Plots(missing=MISSING)
    return Plots(tuple(draw() for draw in drawings))


def _drawings(
    changelog: Changelog, history: Sequence[HistoryPoint]
) -> Iterator[Callable[[], Plot]]:
    comparison = changelog.comparison
    if len(history) > 1:
        yield lambda: _history(history)
    if any(group.withheld for group in changelog.groups):
        return
    if tallies := changes_by_stack(comparison):
        yield lambda: _changes(tallies, comparison)
    names, all_names = most_changed(comparison)
    found = cells(comparison, names)
    if len(names) > 1 and len({cell.stack for cell in found}) > 1:
        yield lambda: _packages(found, len(names), all_names)


def _history(history: Sequence[HistoryPoint]) -> Plot:
    from cachediff.reports.plots.drawing import lines

    first, last = history[0], history[-1]
    alternative = (
        f"Over {counted(len(history), 'snapshot')} from {first.committed_at[:10]} to "
        f"{last.committed_at[:10]}, specs went from {first.specs:,} to {last.specs:,} "
        f"(between {min(point.specs for point in history):,} and "
        f"{max(point.specs for point in history):,}) and packages from {first.packages:,} to "
        f"{last.packages:,}."
    )
    return Plot(
        key="history",
        title="Specs and packages read, over the stored snapshots",
        alternative=alternative,
        svg=lines(history, alternative),
    )


def _changes(tallies: Tallies, comparison: Comparison) -> Plot:
    from cachediff.reports.plots.drawing import bars

    total = sum(len(package.changes) for package in comparison.packages)
    top = tallies.bars[0]
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in top.kinds)
    where = "; most in" if len(tallies.bars) > 1 else " in"
    left_out = f"; {counted(tallies.left_out, 'more stack')} not shown" if tallies.left_out else ""
    alternative = f"{counted(total, 'change')}{where} {visible(top.stack)}: {kinds}{left_out}."
    return Plot(
        key="changes",
        title="Changes by stack and kind",
        alternative=alternative,
        svg=bars(tallies.bars, alternative),
    )


def _packages(found: Sequence[Cell], shown: int, of: int) -> Plot:
    from cachediff.reports.plots.drawing import tiles

    which = f"{shown} packages" if shown == of else f"the {shown} of {of:,} packages"
    most = "" if shown == of else "the most "
    stacks = counted(len({cell.stack for cell in found}), "stack")
    kinds = Counter(cell.kind for cell in found)
    cells = ", ".join(f"{kinds[kind]:,} {kind}" for kind in TELLING if kinds[kind])
    alternative = (
        f"What matters most of {which} with {most}changes other than rebuilds, in each of {stacks}: "
        f"{cells}."
    )
    return Plot(
        key="packages",
        title="What matters most of each package in each stack",
        alternative=alternative,
        svg=tiles(found, alternative),
    )
