"""Decides how a changelog looks, in each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from cachediff.model.changelog import Changelog

__all__ = ["FORMATS", "Layout"]


class Layout(msgspec.Struct, frozen=True):
    """What a reader asks of a report; a format heeds what it has a use for.

    `width` is that of the terminal, in cells; `colour` allows ANSI styles; `limit` is the most rows
    of a group to list, None for all.
    """

    width: int
    colour: bool
    limit: int | None


def _text(changelog: Changelog, layout: Layout) -> str:
    from cachediff.reports.text import render_text

    return render_text(changelog, width=layout.width, colour=layout.colour, limit=layout.limit)


def _markdown(changelog: Changelog, layout: Layout) -> str:
    from cachediff.reports.markdown import render_markdown

    return render_markdown(changelog, limit=layout.limit)


def _json(changelog: Changelog, _: Layout) -> str:
    from cachediff.reports.json import render_json

    return render_json(changelog.comparison)


FORMATS: Mapping[str, Callable[[Changelog, Layout], str]] = MappingProxyType(
    {
        "text": _text,
        "markdown": _markdown,
        "json": _json,
    }
)
"""How a changelog becomes a report, by the name of the format."""
