"""The rows of a changelog as a page lays them out: every cell is HTML already, and safe."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from markupsafe import Markup, escape

from cachediff.model.changelog import PairRow, PresenceRow, Row, StackRow, Topic, WaveRow
from cachediff.reports import details
from cachediff.reports.phrases import Show, listed
from cachediff.reports.visible import visible

ARROW = "→"


class Line(msgspec.Struct, frozen=True):
    """One row.

    `package` is its name, as a link to all that is told of it where there is such; `what` tells it
    from others of its group; `sentence` says it all instead, of a wave.
    """

    title: str
    package: Markup
    what: str
    versions: Markup
    specs: str
    details: Markup
    stacks: Markup
    sentence: Markup


def code(value: str) -> str:
    """Return a value as a `<code>` element."""
    return f"<code>{escape(visible(value))}</code>"


def linking(anchors: Mapping[str, str]) -> Show:
    """Return what shows the name of a package as a link to its anchor, where it has one."""

    def link(package: str) -> str:
        anchor = anchors.get(package)
        return f'<a href="#{anchor}">{code(package)}</a>' if anchor else code(package)

    return link


def line(topic: Topic, row: Row, link: Show) -> Line:
    """Lay out a row of a group; lists are brief."""
    versions, specs, stacks = "", "", ""
    if isinstance(row, PairRow):
        specs, versions = f"{row.count:,}", version(row)
    elif isinstance(row, WaveRow):
        specs = f"{row.count:,}"
    elif isinstance(row, PresenceRow):
        specs = f"{row.count:,}"
        versions = listed([each.text for each in row.versions], code, brief=True)
    if isinstance(row, PairRow | PresenceRow | StackRow) and topic is not Topic.RESTACKED:
        stacks = listed(row.stacks, code, brief=True)
    return Line(
        title=details.TITLES[topic],
        package=html(link(row.package)),
        what=details.label(row, topic),
        versions=html(versions),
        specs=specs,
        details=html("; ".join(details.details(row, code, ARROW, brief=True))),
        stacks=html(stacks),
        sentence=html(details.wave(row, link) if isinstance(row, WaveRow) else ""),
    )


def version(row: PairRow) -> str:
    """`1.14.3 → 1.14.5`, or the one version of both sides."""
    if row.old == row.new:
        return code(row.new.text)
    return f"{code(row.old.text)} {ARROW} {code(row.new.text)}"


def html(words: str) -> Markup:
    """Mark words as HTML: ours hold no markup, and every value among them went through a `Show`."""
    return Markup(words)  # noqa: S704 - the one place where words become HTML
