"""A changelog in GitHub's Markdown, to be pasted in an issue or a release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from cachediff.model.changelog import Changelog, Group, PairRow, PresenceRow, Row, StackRow, Topic
from cachediff.model.comparison import Comparison
from cachediff.reports import details, overview
from cachediff.reports.phrases import listed
from cachediff.reports.visible import visible

if TYPE_CHECKING:
    from jinja2 import Template

_ARROW = "→"
_MOST_OPEN = 15
_BACKTICKS = re.compile(r"`+")


class Table(msgspec.Struct, frozen=True):
    """A table as the template lays it out: every cell is Markdown already."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0

    @property
    def folded(self) -> bool:
        """Whether the table is too long to stand open."""
        return len(self.rows) > _MOST_OPEN


class Section(msgspec.Struct, frozen=True):
    """A heading, with a table or else a sentence below it."""

    title: str
    table: Table | None = None
    note: str = ""


def render_markdown(changelog: Changelog, *, limit: int | None) -> str:
    """Render a changelog as GitHub Flavored Markdown, the last line ended.

    `limit` is the most rows of a group to list, None for every row and every list in full; what is
    left out is counted. Whatever comes from data stands in code spans, in which nothing is markup, a
    link or a mention.
    """
    comparison = changelog.comparison
    return _template().render(
        title=_title(comparison),
        suspicions=overview.suspicions(comparison, code),
        headline=overview.headline(changelog, code),
        spec_counts=overview.spec_counts(comparison),
        counting_rule=overview.counting_rule(changelog.tally),
        selection=overview.selection(comparison, code),
        sections=[
            *(_group(group, changelog, limit) for group in changelog.groups),
            *_stacks(changelog, limit),
            _sides(comparison),
            *_problems(comparison, limit),
        ],
    )


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


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cachediff.reports"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - of HTML, which would show in code spans; see `code`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("comparison.md.j2")


def _title(comparison: Comparison) -> str:
    """Name what tells the two sides apart: collections, else days, else commits."""
    old, new = comparison.old.origin, comparison.new.origin
    if (old.source, old.collection) != (new.source, new.collection):
        if old.collection != new.collection:
            return f"{code(old.collection)} {_ARROW} {code(new.collection)}"
        return f"{code(old.source)} {_ARROW} {code(new.source)}: {code(new.collection)}"
    days = (old.committed_at or "")[:10], (new.committed_at or "")[:10]
    commits = (old.commit or "")[:12], (new.commit or "")[:12]
    for before, after in (days, commits):
        if before and after and before != after:
            return f"{code(new.collection)}: {code(before)} {_ARROW} {code(after)}"
    return code(new.collection)


def _group(group: Group, changelog: Changelog, limit: int | None) -> Section:
    title = f"{details.TITLES[group.topic]}: {details.size(group, changelog.tally)}"
    if group.withheld:
        why, option = details.withheld(group)
        return Section(title, note=f"{why[0].upper()}{why[1:]} (`{option}` lists them).")
    rows = [_cells(row, group.topic, brief=limit is not None) for row in group.rows[:limit]]
    columns = ("Package", "What", "Version", "Specs", "Details", "Stacks")
    return Section(title, _table(columns, rows, len(group.rows)))


def _cells(row: Row, topic: Topic, *, brief: bool) -> tuple[str, ...]:
    version, count, stacks = "", "", ""
    if isinstance(row, PairRow):
        count, version = f"{row.count:,}", code(row.new.text)
        if row.old != row.new:
            version = f"{code(row.old.text)} {_ARROW} {version}"
    elif isinstance(row, PresenceRow):
        count = f"{row.count:,}"
        version = listed([each.text for each in row.versions], code, brief=brief)
    if isinstance(row, PairRow | PresenceRow | StackRow) and topic is not Topic.RESTACKED:
        stacks = listed(row.stacks, code, brief=brief)
    said = "; ".join(details.details(row, code, _ARROW, brief=brief))
    return code(row.package), details.label(row, topic), version, count, said, stacks


def _stacks(changelog: Changelog, limit: int | None) -> Iterator[Section]:
    totals = changelog.comparison.stacks
    if not changelog.stacks:
        return
    rows = [
        (
            code(tally.stack),
            f"{tally.specs[0]:,} {_ARROW} {tally.specs[1]:,}",
            *(
                listed(packages, code, brief=limit is not None)
                for packages in (
                    totals[tally.stack].packages_lost,
                    totals[tally.stack].packages_gained,
                )
            ),
        )
        for tally in changelog.stacks[:limit]
    ]
    columns = ("Stack", "Specs", "Packages lost", "Packages gained")
    title = f"Stacks: {len(changelog.stacks):,} of {len(totals):,} differ"
    yield Section(title, _table(columns, rows, len(changelog.stacks)))


def _sides(comparison: Comparison) -> Section:
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
    return Section("What was compared", _table(columns, rows, len(rows)))


def _problems(comparison: Comparison, limit: int | None) -> Iterator[Section]:
    problems = [
        (name, code(problem.manifest), code(problem.reason))
        for name, side in (("OLD", comparison.old), ("NEW", comparison.new))
        for problem in side.problems
    ]
    if problems:
        table = _table(("", "Manifest", "Problem"), problems[:limit], len(problems))
        yield Section(f"Problems: {len(problems):,}", table)


def _table(columns: Sequence[str], rows: Sequence[tuple[str, ...]], total: int) -> Table:
    """Lay out rows, without the columns that none of them fills."""
    filled = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    return Table(
        columns=tuple(columns[place] for place in filled),
        rows=tuple(tuple(row[place] for place in filled) for row in rows),
        left_out=total - len(rows),
    )
