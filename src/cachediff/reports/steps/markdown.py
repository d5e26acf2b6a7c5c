"""A span in GitHub's Markdown: the report of each step, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from cachediff.reports import Arrange, Layout
from cachediff.reports.markdown import code, render_markdown
from cachediff.reports.steps import ToldSteps
from cachediff.reports.steps.phrases import Count, bridges, end, title, unchanged

_ARROW = "→"


def markdown_pieces(span: ToldSteps, arrange: Arrange, layout: Layout) -> Iterator[str]:
    """The Markdown of a span, a step at a time; `layout` as for a comparison."""
    yield f"# {title(span, code, _ARROW)}\n\n"
    yield f"{end(span.old, code)} {_ARROW} {end(span.new, code)}\n"
    count = Count(span)
    for step in count.told():
        told = render_markdown(
            arrange(step.comparison), limit=layout.limit, templates=layout.templates
        )
        yield f"\n{told}"
        if committed := unchanged(step):
            yield f"\n{committed}\n"
        if bridged := bridges(step, code, brief=layout.limit is not None):
            yield f"\n{bridged}\n"
    yield f"\n{count.sentence()}\n"
    for notice in span.notices:
        yield f"\n> [!NOTE]\n> Note: {code(notice)}\n"
