"""Decides how a changelog looks, in each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from cachediff.model.changelog import Changelog
from cachediff.model.comparison import Comparison

__all__ = ["FORMATS", "Arrange", "Layout"]


class Layout(msgspec.Struct, frozen=True):
    """What a reader asks of a report; a format heeds what it has a use for.

    `width` is that of the terminal, in cells; `colour` allows ANSI styles; `limit` is the most rows
    of a group to list, None for all.
    """

    width: int
    colour: bool
    limit: int | None


Arrange = Callable[[Comparison], Changelog]
"""What makes a changelog of a comparison; a format for programs has no need of one."""


def _text(comparison: Comparison, arrange: Arrange, layout: Layout) -> str:
    from cachediff.reports.text import render_text

    changelog = arrange(comparison)
    return render_text(changelog, width=layout.width, colour=layout.colour, limit=layout.limit)


def _markdown(comparison: Comparison, arrange: Arrange, layout: Layout) -> str:
    from cachediff.reports.markdown import render_markdown

    return render_markdown(arrange(comparison), limit=layout.limit)


def _json(comparison: Comparison, _arrange: Arrange, _layout: Layout) -> str:
    from cachediff.reports.json import render_json

    return render_json(comparison)


FORMATS: Mapping[str, Callable[[Comparison, Arrange, Layout], str]] = MappingProxyType(
    {
        "text": _text,
        "markdown": _markdown,
        "json": _json,
    }
)
"""How a comparison becomes a report, by the name of the format."""
