"""Decides how a changelog looks, in each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from cachediff.model.changelog import Changelog
from cachediff.model.comparison import Comparison
from cachediff.model.envelope import Envelope
from cachediff.model.history import HistoryPoint

__all__ = ["FORMATS", "Arrange", "Layout"]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader asks of a report, and what else there is to tell; a format heeds what it can use.

    `width` is that of the terminal, in cells; `colour` allows ANSI styles; `limit` is the most rows
    of a group to list, None for all. `max_size` is the most bytes of Markdown. `templates` is a folder
    of templates that take the place of ours. `history` is how the collection of the new side has
    grown, oldest first. `envelope` is what a mail is sent in.
    """

    width: int = 1_000_000
    colour: bool = False
    limit: int | None = None
    max_size: int | None = None
    templates: Path | None = None
    history: tuple[HistoryPoint, ...] = ()
    envelope: Envelope = Envelope()


Arrange = Callable[[Comparison], Changelog]
"""What makes a changelog of a comparison; a format for programs has no need of one."""


def _text(comparison: Comparison, arrange: Arrange, layout: Layout) -> str:
    from cachediff.reports.text import render_text

    changelog = arrange(comparison)
    return render_text(changelog, width=layout.width, colour=layout.colour, limit=layout.limit)


def _markdown(comparison: Comparison, arrange: Arrange, layout: Layout) -> str:
    from cachediff.reports.markdown import render_markdown

    return render_markdown(
        arrange(comparison),
        limit=layout.limit,
        max_size=layout.max_size,
        templates=layout.templates,
    )


def _html(comparison: Comparison, arrange: Arrange, layout: Layout) -> str:
    from cachediff.reports.page import render_page

    return render_page(arrange(comparison), history=layout.history, templates=layout.templates)


def _json(comparison: Comparison, _arrange: Arrange, _layout: Layout) -> str:
    from cachediff.reports.json import render_json

    return render_json(comparison)


def _eml(comparison: Comparison, arrange: Arrange, layout: Layout) -> str:
    from cachediff.reports.mail import render_mail

    return render_mail(
        arrange(comparison),
        envelope=layout.envelope,
        history=layout.history,
        templates=layout.templates,
    )


def _release_notes(comparison: Comparison, arrange: Arrange, layout: Layout) -> str:
    from cachediff.reports.release_notes import render_release_notes

    return render_release_notes(
        arrange(comparison), max_size=layout.max_size, templates=layout.templates
    )


FORMATS: Mapping[str, Callable[[Comparison, Arrange, Layout], str]] = MappingProxyType(
    {
        "text": _text,
        "markdown": _markdown,
        "html": _html,
        "json": _json,
        "eml": _eml,
        "release-notes": _release_notes,
    }
)
"""How a comparison becomes a report, by the name of the format."""
