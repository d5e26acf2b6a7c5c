"""A span for a terminal: a few lines a step; with `limit` None, each step's whole report."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

from rich.console import Console
from rich.text import Text

from cachediff.model.steps import Step
from cachediff.reports import Arrange, Layout, overview
from cachediff.reports.steps import ToldSteps
from cachediff.reports.steps.phrases import Count, bridges, end, heading, title, unchanged, unread
from cachediff.reports.terminal import fit
from cachediff.reports.text import render_text
from cachediff.reports.visible import visible

_INDENT = "  "
_Line = tuple[str, str, str]
"""What a line begins with, what may be continued below that, and its style."""


def text_pieces(span: ToldSteps, arrange: Arrange, layout: Layout) -> Iterator[str]:
    """The lines of a span, a step at a time; `layout` as for a comparison."""
    yield _lines([("", title(span, visible, "->"), "bold")], layout)
    yield _lines([("", f"{end(span.old, visible)} -> {end(span.new, visible)}", "dim")], layout)
    count = Count(span)
    for step in count.told():
        yield "\n" + _lines(_step(step, arrange, layout), layout)
        if layout.limit is None:
            told = render_text(
                arrange(step.comparison), width=layout.width, colour=layout.colour, limit=None
            )
            yield f"\n{told}"
    yield "\n" + _lines([("", count.sentence(), "dim")], layout)
    yield _lines([("", f"Note: {visible(each, 2_000)}", "yellow") for each in span.notices], layout)


def _step(step: Step, arrange: Arrange, layout: Layout) -> Iterator[_Line]:
    comparison = step.comparison
    brief = layout.limit is not None
    yield "", heading(step, visible), "bold"
    if brief:
        for suspicion in overview.suspicions(comparison, visible):
            yield _INDENT, suspicion, "bold yellow"
        yield _INDENT, overview.headline(arrange(comparison), visible), ""
        yield _INDENT, overview.spec_counts(comparison), "dim"
        yield _INDENT, unread(step, visible, brief=True), "yellow"
    yield _INDENT, unchanged(step), "dim"
    yield _INDENT, bridges(step, visible, brief=brief), "yellow"


def _lines(lines: Iterator[_Line] | list[_Line], layout: Layout) -> str:
    file = StringIO()
    console = Console(
        file=file,
        width=layout.width,
        color_system="standard" if layout.colour else None,
        force_terminal=layout.colour,
        force_jupyter=False,
        no_color=not layout.colour,
        legacy_windows=False,
        _environ={},  # Rich would otherwise look for NO_COLOR, TERM and COLUMNS itself
    )
    for head, tail, style in lines:
        for line in fit(console, Text(head), Text(tail, style)) if tail else ():
            console.print(line, soft_wrap=True)
    return file.getvalue()
