"""A changelog in GitHub's Markdown, to be pasted in an issue or a release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cachediff.model.changelog import (
    Changelog,
    FieldCoverage,
    Group,
    PairRow,
    PresenceRow,
    Row,
    StackRow,
    Topic,
    WaveRow,
)
from cachediff.model.comparison import Comparison
from cachediff.reports import details, overview
from cachediff.reports.phrases import listed
from cachediff.reports.sections import Section, Table, fit
from cachediff.reports.templating import render
from cachediff.reports.visible import visible

_ARROW = "→"
_MOST_IMPORTANT_FIRST = (
    Topic.UNKNOWN,
    Topic.LEFT_STACK,
    Topic.PACKAGES_REMOVED,
    Topic.VERSIONS_REMOVED,
    Topic.DOWNGRADED,
    "problems",
    Topic.BUILDS_REMOVED,
    Topic.UPGRADED,
    Topic.PACKAGES_ADDED,
    Topic.BUILDS_ADDED,
    Topic.BUILDS_MERGED,
    Topic.BUILDS_SPLIT,
    Topic.CHANGED,
    "stacks",
    "coverage",
    Topic.JOINED_STACK,
    Topic.RESTACKED,
    Topic.REBUILT,
)
_RANKS = {name: rank for rank, name in enumerate(_MOST_IMPORTANT_FIRST, 1)}
_BACKTICKS = re.compile(r"`+")


def render_markdown(
    changelog: Changelog,
    *,
    limit: int | None = None,
    max_size: int | None = None,
    templates: Path | None = None,
) -> str:
    """Render a changelog as GitHub Flavored Markdown, the last line ended.

    `limit` is the most rows of a group to list, None for every row and every list in full; what is
    left out is counted. `max_size` is the most bytes of UTF-8; rows are cut from the least important
    groups until it fits, and counted. Whatever comes from data stands in code spans, in which nothing
    is markup, a link or a mention. `templates` is a folder of the user's own.

    Raises:
        ReportError: the template cannot be rendered, or not in so few bytes.
    """
    comparison = changelog.comparison
    sections = [
        *(_group(group, limit) for group in changelog.groups),
        *(_coverage(coverage, changelog, limit) for coverage in changelog.coverage),
        compared(comparison),
        *_problems(comparison, limit),
    ]

    def lay_out(sections: Sequence[Section]) -> str:
        return render(
            "comparison.md.j2",
            templates,
            title=overview.title(comparison, code, _ARROW),
            suspicions=overview.suspicions(comparison, code),
            notices=overview.notices(comparison, code),
            findings=overview.red_lines(comparison, code),
            headline=overview.headline(changelog, code),
            spec_counts=overview.spec_counts(comparison),
            counting_rule=overview.counting_rule(changelog),
            selection=overview.selection(comparison, code),
            untold_stacks=overview.untold_stacks(comparison),
            accepted=overview.accepted(comparison, code),
            sections=sections,
        )

    return fit(lay_out, sections, max_size)


def code(value: str) -> str:
    r"""Return a value as a code span: the one place where GitHub links, mentions, formats nothing.

    A pipe would end the cell of a table, so that it stands between two spans, as an entity. (GitHub
    takes `\|` for an escaped pipe, but `\\|` for the end of a cell.)
    """
    return "&#124;".join(_span(part) if part else "" for part in visible(value).split("|"))


def _span(text: str) -> str:
    """Fence a text with more backticks than it has in a row, apart from those at its ends."""
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    # Markdown takes one space off each end, unless there is nothing but spaces.
    ends = text[0] + text[-1]
    pad = " " if "`" in ends or (ends == "  " and text.strip()) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _group(group: Group, limit: int | None) -> Section:
    rank = _RANKS[group.topic]
    title = f"{details.TITLES[group.topic]}: {details.size(group)}"
    if group.withheld:
        return Section(title, rank, note=details.withheld(group))
    rows = [_cells(row, group.topic, brief=limit is not None) for row in group.rows[:limit]]
    columns = ("Package", "What", "Version", "Specs", "Details", "Stacks")
    return Section(title, rank, _table(columns, rows, len(group.rows)))


def _cells(row: Row, topic: Topic, *, brief: bool) -> tuple[str, ...]:
    version, count, stacks = "", "", ""
    if isinstance(row, PairRow):
        count, version = f"{row.count:,}", code(row.new.text)
        if row.old != row.new:
            version = f"{code(row.old.text)} {_ARROW} {version}"
    elif isinstance(row, WaveRow):
        count = f"{row.count:,}"
    elif isinstance(row, PresenceRow):
        count = f"{row.count:,}"
        version = listed([each.text for each in row.versions], code, brief=brief)
    if isinstance(row, PairRow | PresenceRow | StackRow | WaveRow) and topic is not Topic.RESTACKED:
        stacks = listed(row.stacks, code, brief=brief)
    said = "; ".join(details.details(row, code, _ARROW, brief=brief))
    return details.packages(row, code), details.label(row, topic), version, count, said, stacks


def _coverage(coverage: FieldCoverage, changelog: Changelog, limit: int | None) -> Section:
    totals = changelog.comparison.totals(coverage.field)
    rows = [
        (
            code(tally.value),
            f"{tally.packages[0]:,} {_ARROW} {tally.packages[1]:,}",
            f"{tally.specs[0]:,} {_ARROW} {tally.specs[1]:,}",
            *details.lost_and_gained(
                totals[tally.value], changelog.comparison, code, brief=limit is not None
            ),
        )
        for tally in coverage.tallies[:limit]
    ]
    columns = ("", "Packages", "Specs", "Packages lost", "Packages gained")
    size = f"{len(coverage.tallies):,} of {coverage.values:,} differ"
    rank = _RANKS["stacks" if coverage.field == "stack" else "coverage"]
    title = f"{details.FIELDS[coverage.field]}: {size}"
    return Section(title, rank, _table(columns, rows, len(coverage.tallies)))


def compared(comparison: Comparison) -> Section:
    """Both sides: where they come from, of which commits, and how much of them could be read."""
    rows = [
        (
            name,
            code(side.origin.source),
            code(side.origin.collection),
            code(side.origin.commit[:12]) if side.origin.commit else "none",
            code(overview.moment(side.origin.committed_at)) if side.origin.committed_at else "",
            overview.coverage(side),
        )
        for name, side in (("OLD", comparison.old), ("NEW", comparison.new))
    ]
    columns = ("", "Source", "Collection", "Commit", "Committed", "Read")
    return Section("What was compared", 0, _table(columns, rows, len(rows)))


def _problems(comparison: Comparison, limit: int | None) -> Iterator[Section]:
    problems = [
        (name, code(problem.manifest), code(problem.reason))
        for name, side in (("OLD", comparison.old), ("NEW", comparison.new))
        for problem in side.problems
    ]
    if problems:
        table = _table(("", "Manifest", "Problem"), problems[:limit], len(problems))
        yield Section(f"Problems: {len(problems):,}", _RANKS["problems"], table)


def _table(columns: Sequence[str], rows: Sequence[tuple[str, ...]], total: int) -> Table:
    """Lay out rows, without the columns that none of them fills."""
    filled = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    return Table(
        columns=tuple(columns[place] for place in filled),
        rows=tuple(tuple(row[place] for place in filled) for row in rows),
        left_out=total - len(rows),
    )
