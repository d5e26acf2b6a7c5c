"""A changelog as one page that needs nothing else: no network, no server, and to be read no script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from cachediff.model.changelog import Changelog
from cachediff.model.comparison import Comparison, Side
from cachediff.model.history import HistoryPoint
from cachediff.reports import overview
from cachediff.reports.page.assets import assets
from cachediff.reports.page.builds import builds_json
from cachediff.reports.page.packages import PackageTable, anchors, package_table
from cachediff.reports.page.rows import ARROW, code, html, linking
from cachediff.reports.page.sections import coverage_table, section
from cachediff.reports.phrases import Show
from cachediff.reports.plots import plots
from cachediff.reports.templating import render
from cachediff.reports.visible import visible


class SideCard(msgspec.Struct, frozen=True):
    """One of the two sides: what it is, and how much of it was read."""

    name: str
    source: str
    collection: str
    commit: str
    committed: str
    read: str


class Figure(msgspec.Struct, frozen=True):
    """A key figure: a number, what it counts, and the topic to filter packages by, '' for none."""

    number: str
    label: str
    kind: str = ""


class ProblemLine(msgspec.Struct, frozen=True):
    """One problem, on one side."""

    side: str
    manifest: str
    reason: str


def render_page(
    changelog: Changelog, *, history: Sequence[HistoryPoint] = (), templates: Path | None = None
) -> str:
    """Render a changelog as an HTML page, the last line ended.

    `history` is how the collection has grown, for a plot; `templates` a folder of the user's own.
    Values from data are escaped, and what would act instead of being seen is spelled out.

    Raises:
        ReportError: the template cannot be rendered.
    """
    comparison = changelog.comparison
    ids = anchors(changelog.packages)
    link = linking(ids)
    table = package_table(changelog, ids)
    drawn = plots(changelog, history)
    return render(
        "comparison.html.j2",
        templates,
        assets=assets(),
        title=overview.title(comparison, visible, ARROW),
        heading=html(overview.title(comparison, code, ARROW)),
        headline=html(_sentence(overview.headline(changelog, _told(ids, table)))),
        findings=[html(finding) for finding in overview.red_lines(comparison, code)],
        warnings=[html(warning) for warning in overview.warnings(comparison, code)],
        notes=[html(note) for note in _notes(changelog)],
        sides=[_side("OLD", comparison.old), _side("NEW", comparison.new)],
        figures=list(_figures(changelog, {each.value for each in table.kinds})),
        specs=None if comparison.untold else (comparison.old.specs, comparison.new.specs),
        plots=drawn.plots,
        plots_missing=drawn.missing,
        sections=[section(group, link) for group in changelog.groups],
        coverage=[coverage_table(each, comparison, link) for each in changelog.coverage],
        problems=list(_problems(comparison)),
        table=table,
        builds=builds_json(changelog.packages),
    )


def _told(ids: dict[str, str], table: PackageTable) -> Show:
    """What shows the names in a headline, which may be of packages or of stacks."""
    stacks = {choice.text for choice in table.stacks}
    return linking({name: anchor for name, anchor in ids.items() if visible(name) not in stacks})


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _notes(changelog: Changelog) -> Iterator[str]:
    comparison = changelog.comparison
    yield from filter(
        None,
        (
            overview.selection(comparison, code),
            overview.spec_counts(comparison),
            overview.counting_rule(changelog),
            overview.untold_stacks(comparison),
            *overview.accepted(comparison, code),
        ),
    )


def _side(name: str, side: Side) -> SideCard:
    origin = side.origin
    return SideCard(
        name=name,
        source=visible(origin.source),
        collection=visible(origin.collection),
        commit=visible(origin.commit[:12]) if origin.commit else "",
        committed=visible(overview.moment(origin.committed_at)) if origin.committed_at else "",
        read=overview.coverage(side),
    )


def _figures(changelog: Changelog, kinds: set[str]) -> Iterator[Figure]:
    for topic, number, label in overview.figures(changelog):
        yield Figure(f"{number:,}", label, topic if topic in kinds else "")


def _problems(comparison: Comparison) -> Iterator[ProblemLine]:
    for name, side in (("OLD", comparison.old), ("NEW", comparison.new)):
        for problem in side.problems:
            yield ProblemLine(name, visible(problem.manifest), visible(problem.reason))
