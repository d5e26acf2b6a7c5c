"""A changelog for a terminal, or for a file that is read like one.

Rich is given `Text` objects only, never strings that it could take for markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import StringIO

from rich.console import Console
from rich.text import Text

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
from cachediff.model.comparison import Side
from cachediff.reports import details, overview
from cachediff.reports.phrases import listed
from cachediff.reports.terminal import columns, fit
from cachediff.reports.visible import visible

_STYLES = {
    Topic.UNKNOWN: "yellow",
    Topic.LEFT_STACK: "red",
    Topic.PACKAGES_REMOVED: "red",
    Topic.VERSIONS_REMOVED: "red",
    Topic.DOWNGRADED: "yellow",
    Topic.BUILDS_REMOVED: "red",
    Topic.UPGRADED: "green",
    Topic.PACKAGES_ADDED: "green",
    Topic.BUILDS_ADDED: "green",
}
_VERBS = ("lost", "gained")
_MOST_PROBLEMS = 5
_OLD_VERSION = 2
"""The cell of a row that the arrow and the new version follow."""
_TIMES = "\N{MULTIPLICATION SIGN}"
_SEPARATORS = re.compile(r"([._-])")

_Line = tuple[Text, Text]


def render_text(changelog: Changelog, *, width: int, colour: bool, limit: int | None) -> str:
    """Render a changelog as lines of text.

    `width` is that of the terminal, in cells: what is longer continues below, indented. A very large
    one keeps each row on its line. `colour` allows ANSI styles. `limit` is the most rows of a group
    to list, None for every row and every list in full; what is left out is counted.
    """
    file = StringIO()
    console = Console(
        file=file,
        width=width,
        color_system="standard",
        force_terminal=True,
        force_jupyter=False,
        no_color=False,
        legacy_windows=False,
        _environ={},  # Rich would otherwise look for NO_COLOR, TERM and COLUMNS itself
    )
    for head, tail in _lines(changelog, limit):
        for line in fit(console, head, tail):
            line.rstrip()
            if colour:
                console.print(line, soft_wrap=True)
            else:
                file.write(f"{line.plain}\n")  # twice as fast, which a long list shows
    return file.getvalue()


def _lines(changelog: Changelog, limit: int | None) -> Iterator[_Line]:
    """Every line as its fixed part and the part that may be continued below."""
    comparison = changelog.comparison
    for suspicion in overview.suspicions(comparison, visible):
        yield _line(suspicion, "bold yellow")
    for notice in overview.notices(comparison, _whole):
        yield _line(notice, "yellow")
    for finding in overview.red_lines(comparison, _whole):
        yield _line(finding, "bold red")
    yield _line(overview.headline(changelog, visible), "bold")
    for sentence in (
        overview.spec_counts(comparison),
        overview.counting_rule(changelog),
        overview.selection(comparison, visible),
        overview.untold_stacks(comparison),
        *overview.accepted(comparison, _whole),
    ):
        if sentence:
            yield _line(sentence, "dim")
    for group in changelog.groups:
        yield _line("")
        yield from _group(group, limit)
    for coverage in changelog.coverage:
        yield _line("")
        yield from _coverage(coverage, changelog, limit)
    yield _line("")
    yield from _sides(comparison.old, comparison.new)
    yield from _problems(comparison.old, comparison.new, limit)


def _whole(notice: str) -> str:
    return visible(notice, longest=2_000)


def _line(text: str, style: str = "") -> _Line:
    return Text(), Text(text, style)


def _heading(title: str, size: str, style: str) -> _Line:
    return Text.assemble((title, f"bold {style}".strip()), "  "), Text(size, "dim")


def _group(group: Group, limit: int | None) -> Iterator[_Line]:
    size = details.size(group)
    if group.withheld:
        size = f"{size}. {details.withheld(group)}"
    yield _heading(details.TITLES[group.topic], size, _STYLES.get(group.topic, ""))
    rows = group.rows[:limit]
    cells = [_cells(row, group.topic, brief=limit is not None) for row in rows]
    yield from columns(cells, close=_OLD_VERSION)
    yield from _left_out(len(group.rows) - len(rows))


def _left_out(number: int) -> Iterator[_Line]:
    if number:
        yield Text("  "), Text(f"… and {number:,} more rows (--all)", "dim")


def _cells(row: Row, topic: Topic, *, brief: bool) -> list[Text]:
    style = _STYLES.get(topic, "")
    label = Text(details.label(row, topic), style)
    old, new, count, stacks = Text(), Text(), Text(), ""
    if isinstance(row, PairRow):
        old, new = _moved(row, style) if row.old != row.new else (Text(visible(row.new.text)), new)
    if isinstance(row, PresenceRow):
        old = Text(listed([version.text for version in row.versions], visible, brief=brief))
    if isinstance(row, PairRow | PresenceRow | WaveRow):
        count = Text(f"{_TIMES}{row.count:,}", "dim")
    if isinstance(row, PairRow | PresenceRow | StackRow | WaveRow) and topic is not Topic.RESTACKED:
        stacks = listed(row.stacks, visible, brief=brief)
    said = " · ".join(details.details(row, visible, "->", brief=brief))
    tail = Text(said)
    tail.append(" · in " * bool(said and stacks), "dim")
    tail.append(stacks, "" if isinstance(row, StackRow) else "dim")
    return [Text(details.packages(row, visible)), label, old, new, count, tail]


def _moved(row: PairRow, style: str) -> tuple[Text, Text]:
    """Two versions, coloured from the first segment on in which they differ."""
    old, new = visible(row.old.text), visible(row.new.text)
    before, after = _SEPARATORS.split(old), _SEPARATORS.split(new)
    same = 0
    for left, right in zip(before, after, strict=False):
        if left != right:
            break
        same += len(left)
    return (
        Text.assemble(old[:same], (old[same:], "red")),
        Text.assemble(("-> ", "dim"), new[:same], (new[same:], style)),
    )


def _coverage(coverage: FieldCoverage, changelog: Changelog, limit: int | None) -> Iterator[_Line]:
    title = details.FIELDS[coverage.field]
    yield _heading(title, f"{len(coverage.tallies):,} of {coverage.values:,} differ", "")
    totals = changelog.comparison.totals(coverage.field)
    tallies = coverage.tallies[:limit]
    numbers = [[*tally.packages, *tally.specs] for tally in tallies]
    widths = [max(len(f"{number:,}") for number in column) for column in zip(*numbers, strict=True)]
    rows = []
    for tally, counts in zip(tallies, numbers, strict=True):
        packages, packages_after, specs, specs_after = (
            f"{number:{width},}" for number, width in zip(counts, widths, strict=True)
        )
        moved = details.lost_and_gained(
            totals[tally.value], changelog.comparison, visible, brief=limit is not None
        )
        said = [f"{verb} {names}" for verb, names in zip(_VERBS, moved, strict=True) if names]
        rows.append(
            [
                Text(visible(tally.value)),
                Text(f"{packages} -> {packages_after} packages"),
                Text(f"{specs} -> {specs_after} specs"),
                Text(" · ".join(said)),
            ]
        )
    yield from columns(rows)
    yield from _left_out(len(coverage.tallies) - len(tallies))


def _sides(old: Side, new: Side) -> Iterator[_Line]:
    yield _heading("Compared", "", "")
    rows = [
        [
            Text(name, "bold"),
            Text(visible(side.origin.source)),
            Text(visible(side.origin.collection)),
            Text(visible((side.origin.commit or "no commit")[:12])),
            Text(visible(overview.moment(side.origin.committed_at or "no date"))),
        ]
        for name, side in (("OLD", old), ("NEW", new))
    ]
    for line, side in zip(columns(rows), (old, new), strict=True):
        yield line
        yield Text(" " * 7), Text(overview.coverage(side), "yellow" if side.unreadable else "")


def _problems(old: Side, new: Side, limit: int | None) -> Iterator[_Line]:
    problems: Sequence[tuple[str, str, str]] = [
        (name, problem.manifest, problem.reason)
        for name, side in (("OLD", old), ("NEW", new))
        for problem in side.problems
    ]
    if not problems:
        return
    yield _line("")
    yield _heading("Problems", f"{len(problems):,}", "yellow")
    told = problems if limit is None else problems[:_MOST_PROBLEMS]
    yield from columns([[Text(name), Text(visible(m)), Text(visible(r))] for name, m, r in told])
    yield from _left_out(len(problems) - len(told))
