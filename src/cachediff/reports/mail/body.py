"""The HTML of a mail: short, laid out in tables, its styles in the elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from markupsafe import Markup, escape

from cachediff.model.changelog import Changelog, FieldCoverage, Group, StackRow, Topic
from cachediff.model.comparison import Comparison, Side
from cachediff.reports import details, overview
from cachediff.reports.page.rows import ARROW, html, line
from cachediff.reports.sections import Section, Table, fit
from cachediff.reports.templating import render
from cachediff.reports.visible import visible

LARGEST = 95_000
"""Most bytes of the HTML: Gmail cuts at 102 kB."""

_MOST_ROWS = 25
_LONGEST = 100

# What is cut last has the lowest; the rest in the order of telling.
_SIDES, _FINDINGS, _WARNINGS, _NOTES = range(4)
_RANKS: dict[str, int] = {topic: 10 * place for place, topic in enumerate(Topic, 1)}
_PROBLEMS, _STACKS = (_RANKS[Topic.DOWNGRADED] + extra for extra in (1, 2))
_COVERAGE = _RANKS[Topic.CHANGED] + 1


class Picture(msgspec.Struct, frozen=True):
    """A plot in the mail: its address is `cid:` and `cid`."""

    title: str
    alternative: str
    cid: str


class Figure(msgspec.Struct, frozen=True):
    """A key figure: a number, and what it counts."""

    number: str
    label: str


def render_body(
    changelog: Changelog,
    *,
    pictures: Sequence[Picture],
    plots_missing: str,
    attached: str,
    templates: Path | None,
) -> str:
    """Render a changelog as the HTML of a mail, in at most `LARGEST` bytes of UTF-8.

    The first rows of each group are told; where that is too long, rows are cut from the end of the
    least important groups, and counted. `attached` says
    where the whole of it is, `plots_missing` why there are no pictures.

    Raises:
        ReportError: the template cannot be rendered, or not in so few bytes.
    """
    from css_inline import CSSInliner

    # Styles that only some clients know (dark, narrow) stay where they are.
    inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
    comparison = changelog.comparison
    title = html(overview.title(comparison, code, ARROW))
    headline = html(overview.headline(changelog, code))
    figures = key_figures(changelog)

    def lay_out(sections: Sequence[Section]) -> str:
        findings, warnings, notes, *groups, sides = sections
        laid_out = render(
            "mail.html.j2",
            templates,
            title=title,
            headline=headline,
            figures=figures,
            findings=findings,
            warnings=warnings,
            notes=notes,
            sections=groups,
            sides=sides,
            pictures=pictures,
            plots_missing=plots_missing,
            attached=attached,
        )
        return inliner.inline(laid_out)

    return fit(lay_out, list(told_sections(changelog)), LARGEST)


def code(value: str) -> str:
    """Return a value as a `<code>` element: however hostile, it takes no more than 600 bytes."""
    return f"<code>{escape(visible(visible(value), _LONGEST))}</code>"


def key_figures(changelog: Changelog) -> list[Figure]:
    """The key figures, in the order of telling."""
    return [Figure(f"{number:,}", label) for _, number, label in overview.figures(changelog)]


def told_sections(changelog: Changelog) -> Iterator[Section]:
    """Red findings, warnings, notes, every group and table, and the sides, in the order of the mail."""
    comparison = changelog.comparison
    sides = (("OLD", comparison.old), ("NEW", comparison.new))
    findings = overview.red_lines(comparison, code)
    warnings = overview.warnings(comparison, code)
    notes = (
        overview.spec_counts(comparison),
        overview.counting_rule(changelog),
        overview.selection(comparison, code),
        overview.untold_stacks(comparison),
        *overview.accepted(comparison, code),
    )
    yield Section("", _FINDINGS, _table([(html(each),) for each in findings]))
    yield Section("", _WARNINGS, _table([(html(each),) for each in warnings]))
    yield Section("", _NOTES, _table([(html(each),) for each in notes if each]))
    for group in changelog.groups:
        yield _group(group)
    yield from _problems(comparison)
    for coverage in changelog.coverage:
        yield _coverage(coverage, comparison)
    yield Section("Compared", _SIDES, _table([(name, _side(side)) for name, side in sides]))


def _group(group: Group) -> Section:
    rank = _RANKS[group.topic]
    title = f"{details.TITLES[group.topic]}: {details.size(group)}"
    if group.withheld:
        return Section(title, rank, note=details.withheld(group))
    rows = []
    for row in group.rows[:_MOST_ROWS]:
        told = line(group.topic, row, code)
        specs = f"\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{told.specs}" if told.specs else ""
        stacks = f"{'' if isinstance(row, StackRow) else 'in '}{told.stacks}" if told.stacks else ""
        said = (told.what, f"{told.versions} {specs}".strip(), told.details, stacks)
        rows.append((told.sentence,) if told.sentence else (told.package, _joined(*said)))
    return Section(title, rank, _table(rows, len(group.rows)))


def _coverage(coverage: FieldCoverage, comparison: Comparison) -> Section:
    totals = comparison.totals(coverage.field)
    rows = []
    for tally in coverage.tallies[:_MOST_ROWS]:
        lost, gained = details.lost_and_gained(totals[tally.value], comparison, code, brief=True)
        said = [
            f"{tally.packages[0]:,} {ARROW} {tally.packages[1]:,} packages",
            f"{tally.specs[0]:,} {ARROW} {tally.specs[1]:,} specs",
            *([f"lost {lost}"] * bool(lost)),
            *([f"gained {gained}"] * bool(gained)),
        ]
        rows.append((html(code(tally.value)), _joined(*said)))
    title = details.FIELDS[coverage.field]
    size = f"{len(coverage.tallies):,} of {coverage.values:,} differ"
    rank = _STACKS if coverage.field == "stack" else _COVERAGE
    return Section(f"{title}: {size}", rank, _table(rows, len(coverage.tallies)))


def _problems(comparison: Comparison) -> Iterator[Section]:
    problems = [
        (name, problem)
        for name, side in (("OLD", comparison.old), ("NEW", comparison.new))
        for problem in side.problems
    ]
    if problems:
        rows = [
            (html(code(each.manifest)), html(f"{name}: {code(each.reason)}"))
            for name, each in problems[:_MOST_ROWS]
        ]
        yield Section(f"Problems: {len(problems):,}", _PROBLEMS, _table(rows, len(problems)))


def _side(side: Side) -> Markup:
    origin = side.origin
    moment = overview.moment(origin.committed_at) if origin.committed_at else "no date"
    return _joined(
        f"{code(origin.source)} {code(origin.collection)}",
        f"{code((origin.commit or 'no commit')[:12])} {escape(visible(moment, _LONGEST))}",
        overview.coverage(side),
    )


def _joined(*phrases: str) -> Markup:
    return html("; ".join(filter(None, phrases)))


def _table(rows: Sequence[tuple[str, ...]], total: int | None = None) -> Table:
    return Table((), tuple(rows), 0 if total is None else total - len(rows))
