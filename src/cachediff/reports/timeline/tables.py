"""What a timeline is told in: a document of sentences and tables."""

from __future__ import annotations

import msgspec

from cachediff.model.lives import Point
from cachediff.reports.timeline.events import moment


class Row(msgspec.Struct, frozen=True):
    """One row of a table, each cell markup already; `kind` says what the last of them tells of.

    It is that of an event (`CAME`, `WENT`, `UNKNOWN`), or ''.
    """

    cells: tuple[str, ...]
    kind: str = ""


class Table(msgspec.Struct, frozen=True):
    """A table, never without a row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class Document(msgspec.Struct, frozen=True):
    """All that is said of a timeline: markup, of which the values from data went through a `Show`."""

    title: str
    headline: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]


def fate(last: Point, gone: Point | None, *, there: bool) -> str:
    """What became of something that was seen last at `last`: it is there, or gone since `gone`."""
    if there:
        return "there"
    if gone is None:
        return f"not known since {moment(last)}: its package could not be read"
    return f"gone between {moment(last)} and {moment(gone)}"
