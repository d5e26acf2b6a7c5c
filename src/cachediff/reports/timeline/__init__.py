"""Decides how a timeline looks, in each format; what is said is the same in all that people read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from cachediff.model.timeline import Timeline

__all__ = ["FORMATS", "TimelineLayout"]


class TimelineLayout(msgspec.Struct, frozen=True, kw_only=True):
    """How wide the terminal is, None where there is none, and whether to use colours in it."""

    width: int | None = None
    colour: bool = False


def _text(timeline: Timeline, layout: TimelineLayout) -> str:
    from cachediff.reports.timeline.text import render_text

    return render_text(timeline, width=layout.width, colour=layout.colour)


def _markdown(timeline: Timeline, _layout: TimelineLayout) -> str:
    from cachediff.reports.timeline.markdown import render_markdown

    return render_markdown(timeline)


def _html(timeline: Timeline, _layout: TimelineLayout) -> str:
    from cachediff.reports.timeline.page import render_page

    return render_page(timeline)


def _json(timeline: Timeline, _layout: TimelineLayout) -> str:
    from cachediff.reports.timeline.json import render_json

    return render_json(timeline)


FORMATS: Mapping[str, Callable[[Timeline, TimelineLayout], str]] = MappingProxyType(
    {"text": _text, "markdown": _markdown, "html": _html, "json": _json}
)
"""How a timeline becomes a report, by the name of the format."""
