"""A span told in steps, in each format: pieces of text, a step at a time, so that one is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from cachediff.model.snapshot import Origin
from cachediff.model.steps import Step
from cachediff.reports import Arrange, Layout

__all__ = ["FORMATS", "ToldSteps"]


class ToldSteps(msgspec.Struct, frozen=True):
    """What there is to tell: the ends of a span, its steps, which are gone through once, and notices.

    `notices` may grow while the steps are gone through, and are told last. `selected` says that the
    steps hold only what was selected.
    """

    old: Origin
    new: Origin
    steps: Iterable[Step]
    notices: Sequence[str] = ()
    selected: bool = False


Pieces: TypeAlias = Callable[[ToldSteps, Arrange, Layout], Iterator[str]]


def _text(span: ToldSteps, arrange: Arrange, layout: Layout) -> Iterator[str]:
    from cachediff.reports.steps.text import text_pieces

    return text_pieces(span, arrange, layout)


def _markdown(span: ToldSteps, arrange: Arrange, layout: Layout) -> Iterator[str]:
    from cachediff.reports.steps.markdown import markdown_pieces

    return markdown_pieces(span, arrange, layout)


def _html(span: ToldSteps, arrange: Arrange, _layout: Layout) -> Iterator[str]:
    from cachediff.reports.steps.page import page_pieces

    return page_pieces(span, arrange)


def _json(span: ToldSteps, _arrange: Arrange, _layout: Layout) -> Iterator[str]:
    from cachediff.reports.steps.json import json_pieces

    return json_pieces(span)


FORMATS: Mapping[str, Pieces] = MappingProxyType(
    {"text": _text, "markdown": _markdown, "html": _html, "json": _json}
)
"""How a span becomes a report, by the name of the format."""
