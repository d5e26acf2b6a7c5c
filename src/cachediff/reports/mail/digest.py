"""Many nights as one mail: each in a line, then each as a mail of its own would tell it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from email.message import MIMEPart
from pathlib import Path

import msgspec
from markupsafe import Markup, escape

from cachediff.model.changelog import Changelog
from cachediff.model.envelope import Envelope
from cachediff.reports import overview
from cachediff.reports.mail.body import LARGEST, Figure, code, key_figures, told_sections
from cachediff.reports.mail.message import POLICY, begun, set_boundaries
from cachediff.reports.mail.nights import (
    DigestNight,
    filed,
    importance,
    left_out,
    sentences,
    summary,
)
from cachediff.reports.mail.subjects import clauses, subject_line
from cachediff.reports.page.rows import ARROW, html
from cachediff.reports.phrases import joined
from cachediff.reports.sections import Section, Table, TooLargeError, fit
from cachediff.reports.templating import render
from cachediff.reports.text import render_text
from cachediff.reports.visible import visible

__all__ = ["DigestNight", "digest_subject", "render_digest"]

LARGEST_TEXT = 200_000
"""Most bytes of all nights as text, where it can be had by telling fewer rows of each."""

_MOST_NIGHTS = 14
_MOST_ROWS = (25, 10, 3)
_WIDTH = 78
_LONGEST = 2_000

_Told = Sequence[tuple[DigestNight, Changelog]]
"""The nights that are told at length, in their order."""


class _Body(msgspec.Struct, frozen=True):
    """A night as the template lays it out; all but its name is markup, or sections of it."""

    name: str
    title: Markup
    headline: Markup
    filed: Markup
    figures: list[Figure]
    findings: Section
    warnings: Section
    notes: Section
    sections: list[Section]
    sides: Section


def digest_subject(nights: Sequence[DigestNight]) -> str:
    """`[cachediff] 3 nights, 1 red: RED: trilinos removed`: how many, and what matters most of them."""
    first = min(nights, key=importance)
    told = clauses(first.changelog) if first.changelog else [f"{first.name}: {first.note}"]
    return subject_line(f"[cachediff] {summary(nights)}: ", told)


def render_digest(
    nights: Sequence[DigestNight],
    *,
    envelope: Envelope,
    own_id: str,
    committed_at: str | None,
    still_due: Sequence[str] = (),
    templates: Path | None = None,
) -> str:
    """Render nights (at least one) as a message (RFC 5322): ASCII, its lines ended by CRLF.

    First there is a line about each, then each with the first rows of its groups, as text and as HTML;
    of very many nights, the most important. Nothing is attached: of each night its report is named.
    `own_id` is its Message-ID, `committed_at` its date, and `still_due` names the jobs of which a night
    is missing. The same arguments give the same bytes.

    Raises:
        ReportError: an address or Message-ID of the envelope is none, or a template cannot be rendered.
    """
    message = begun(digest_subject(nights), envelope, own_id, committed_at)
    missing = f"Still due, and not told here: {joined(still_due, visible)}" if still_due else ""
    markup, told = _html(nights, missing, templates)
    message.set_content(_text(nights, told, missing), cte="quoted-printable")
    body = MIMEPart(POLICY)
    body.set_content(markup, subtype="html", cte="quoted-printable")
    message.make_alternative()
    message.attach(body)  # type: ignore[arg-type] # typeshed wants a whole message
    set_boundaries(message)
    return message.as_bytes().decode("ascii")


def _text(nights: Sequence[DigestNight], told: _Told, missing: str) -> str:
    lines = [summary(nights), *filter(None, [missing]), ""]
    for night in nights:
        changelog = night.changelog
        headline = overview.headline(changelog, visible) if changelog else night.note
        lines += _wrapped(f"{night.name}: {headline}", "")
        for sentence in sentences(changelog, _whole) if changelog else ():
            lines += _wrapped(sentence, "  ")
    bodies = ""
    for limit in _MOST_ROWS:
        bodies = "".join(_text_of(night, changelog, limit) for night, changelog in told)
        if len(bodies.encode("utf-8", "backslashreplace")) <= LARGEST_TEXT:
            break
    rest = left_out(nights, len(told))
    return "\n".join(lines) + f"\n{bodies}" + f"\n{rest}\n" * bool(rest)


def _text_of(night: DigestNight, changelog: Changelog, limit: int) -> str:
    text = render_text(changelog, width=_WIDTH, colour=False, limit=limit)
    return f"\n\n{night.name}\n{'=' * len(night.name)}\n\n{text}\n{filed(night)}\n"


def _wrapped(sentence: str, indent: str) -> list[str]:
    below = f"{indent}    "
    return textwrap.wrap(sentence, _WIDTH, initial_indent=indent, subsequent_indent=below)


def _whole(value: str) -> str:
    return visible(value, _LONGEST)


def _html(nights: Sequence[DigestNight], missing: str, templates: Path | None) -> tuple[str, _Told]:
    """The HTML in at most `LARGEST` bytes, and what is told at length in it."""
    places = sorted(range(len(nights)), key=lambda place: importance(nights[place]))
    for most in range(_MOST_NIGHTS, 0, -1):
        kept = sorted(places[:most])
        told = [
            (nights[place], changelog) for place in kept if (changelog := nights[place].changelog)
        ]
        try:
            return _laid_out(nights, told, missing, templates), told
        except TooLargeError:
            continue  # headings are not cut: those of fewer nights may fit
    return _laid_out(nights, [], missing, templates), []


def _laid_out(
    nights: Sequence[DigestNight], told: _Told, missing: str, templates: Path | None
) -> str:
    from css_inline import CSSInliner

    inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
    parts = [list(told_sections(changelog)) for _, changelog in told]
    lines = Section("", 1, Table((), tuple((night.name, _line(night)) for night in nights)))

    def lay_out(sections: Sequence[Section]) -> str:
        overviewed, *rest = sections
        bodies = []
        for (night, changelog), part in zip(told, parts, strict=True):
            bodies.append(_body(night, changelog, rest[: len(part)]))
            rest = rest[len(part) :]
        laid_out = render(
            "digest.html.j2",
            templates,
            title=summary(nights),
            still_due=missing,
            overview=overviewed,
            nights=bodies,
            left_out=left_out(nights, len(told)),
        )
        return inliner.inline(laid_out)

    return fit(lay_out, [lines, *(section for part in parts for section in part)], LARGEST)


def _line(night: DigestNight) -> Markup:
    if night.changelog is None:
        note = escape(visible(night.note, _LONGEST))
        return html(f'<span class="red">{note}</span>') if night.unreadable else note
    said = "".join(
        f'<br><span class="red">{each}</span>' for each in sentences(night.changelog, code)
    )
    return html(overview.headline(night.changelog, code) + said)


def _body(night: DigestNight, changelog: Changelog, sections: Sequence[Section]) -> _Body:
    findings, warnings, notes, *groups, sides = sections
    return _Body(
        name=night.name,
        title=html(overview.title(changelog.comparison, code, ARROW)),
        headline=html(overview.headline(changelog, code)),
        filed=escape(filed(night)),
        figures=key_figures(changelog),
        findings=findings,
        warnings=warnings,
        notes=notes,
        sections=groups,
        sides=sides,
    )
