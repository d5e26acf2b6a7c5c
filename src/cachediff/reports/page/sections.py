"""The sections of a page: groups, and what is covered."""

from __future__ import annotations

import msgspec
from markupsafe import Markup

from cachediff.model.changelog import CoverageChange, FieldCoverage, Group
from cachediff.model.comparison import Comparison, CoverageTotals
from cachediff.reports import details
from cachediff.reports.page.rows import Line, html, line
from cachediff.reports.phrases import Show
from cachediff.reports.visible import visible

_MOST_ROWS = 25
_COLUMNS = ("what", "versions", "specs", "details", "stacks")


class Section(msgspec.Struct, frozen=True):
    """A group: its first rows, how many `more` there are, or why there are none (`note`).

    `columns` are those that any line fills, beside the package.
    """

    topic: str
    title: str
    size: str
    packages: int
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    more: int
    note: str

    @property
    def waves(self) -> bool:
        """Whether a line stands for packages that it does not name."""
        return any(line.sentence for line in self.lines)


class CoverageLine(msgspec.Struct, frozen=True):
    """One value that is covered: numbers before and after, and the packages lost and gained."""

    value: str
    specs: tuple[int, int]
    packages: tuple[int, int]
    lost: Markup
    gained: Markup


class CoverageTable(msgspec.Struct, frozen=True):
    """What is covered of one field, of which `more` values differ than there are lines."""

    title: str
    size: str
    lines: tuple[CoverageLine, ...]
    more: int


def section(group: Group, link: Show) -> Section:
    """Lay out a group, with the names of packages as links."""
    lines = tuple(line(group.topic, row, link) for row in group.rows[:_MOST_ROWS])
    rows = [each for each in lines if not each.sentence]
    return Section(
        topic=group.topic,
        title=details.TITLES[group.topic],
        size=details.size(group),
        packages=group.packages,
        columns=tuple(name for name in _COLUMNS if any(getattr(each, name) for each in rows)),
        lines=lines,
        more=len(group.rows) - len(lines),
        note=details.withheld(group) if group.withheld else "",
    )


def coverage_table(coverage: FieldCoverage, comparison: Comparison, link: Show) -> CoverageTable:
    """Lay out what is covered of one field."""
    totals = comparison.totals(coverage.field)
    shown = coverage.tallies[:_MOST_ROWS]
    return CoverageTable(
        title=details.FIELDS[coverage.field],
        size=f"{len(coverage.tallies):,} of {coverage.values:,} differ",
        lines=tuple(
            _coverage_line(tally, totals[tally.value], comparison, link) for tally in shown
        ),
        more=len(coverage.tallies) - len(shown),
    )


def _coverage_line(
    tally: CoverageChange, totals: CoverageTotals, comparison: Comparison, link: Show
) -> CoverageLine:
    lost, gained = details.lost_and_gained(totals, comparison, link, brief=True)
    return CoverageLine(
        value=visible(tally.value),
        specs=tally.specs,
        packages=tally.packages,
        lost=html(lost),
        gained=html(gained),
    )
