"""A span as one page: a section a step, folded unless it is the only one, the newest last."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from itertools import chain, islice

import msgspec
from markupsafe import Markup

from cachediff.model.steps import Step
from cachediff.reports import Arrange, overview
from cachediff.reports.page.rows import ARROW, code, html
from cachediff.reports.page.sections import CoverageTable, Section, coverage_table, section
from cachediff.reports.steps import ToldSteps
from cachediff.reports.steps.phrases import Count, bridges, end, title, unchanged
from cachediff.reports.templating import template
from cachediff.reports.visible import visible


class StepSection(msgspec.Struct, frozen=True):
    """One step, as the template lays it out."""

    anchor: str
    open: bool
    moment: str
    commit: str
    red: bool
    headline: Markup
    warnings: tuple[Markup, ...]
    notes: tuple[Markup, ...]
    groups: tuple[Section, ...]
    coverage: tuple[CoverageTable, ...]


def page_pieces(span: ToldSteps, arrange: Arrange) -> Iterator[str]:
    """The page of a span, a step at a time. Values from data are escaped, as in that of a comparison."""
    style = files("cachediff.reports").joinpath("assets", "style.css").read_text("utf-8")
    count = Count(span)
    return template("history/steps.html.j2", None).generate(
        style=Markup(style),  # noqa: S704 - ours; nothing from data is in it
        title=title(span, visible, ARROW),
        heading=html(title(span, code, ARROW)),
        ends=html(f"{end(span.old, code)} {ARROW} {end(span.new, code)}"),
        steps=_sections(count.told(), arrange),
        count=count.sentence,
        notices=(visible(each, 2_000) for each in span.notices),
    )


def _sections(steps: Iterator[Step], arrange: Arrange) -> Iterator[StepSection]:
    """A section of each step; an only one is open."""
    begun = list(islice(steps, 2))
    alone = len(begun) == 1
    for number, step in enumerate(chain(begun, steps), 1):
        yield _section(number, step, arrange, alone=alone)


def _section(number: int, step: Step, arrange: Arrange, *, alone: bool) -> StepSection:
    comparison = step.comparison
    changelog = arrange(comparison)
    new = comparison.new.origin
    notes = (
        overview.spec_counts(comparison),
        overview.counting_rule(changelog),
        overview.selection(comparison, code),
        overview.untold_stacks(comparison),
        unchanged(step),
        bridges(step, code, brief=False),
    )
    return StepSection(
        anchor=f"_step-{number}",
        open=alone,
        moment=visible(overview.moment(new.committed_at or "")),
        commit=visible((new.commit or "")[:12]),
        red=any(side.suspect for side in (comparison.old, comparison.new)),
        headline=html(overview.headline(changelog, code)),
        warnings=tuple(html(each) for each in overview.warnings(comparison, code)),
        notes=tuple(html(each) for each in notes if each),
        groups=tuple(section(group, code) for group in changelog.groups),
        coverage=tuple(coverage_table(each, comparison, code) for each in changelog.coverage),
    )
