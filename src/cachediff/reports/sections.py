"""Sections of a report that has to fit in a size: whole, or with the least important rows cut."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

import msgspec

from cachediff.errors import ReportError

_MOST_OPEN = 15


class Table(msgspec.Struct, frozen=True):
    """A table as the template lays it out: every cell is markup already.

    `left_out` counts the rows that a limit leaves out, `cut` those that the size of the report does.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0
    cut: int = 0

    @property
    def folded(self) -> bool:
        """Whether the table is too long to stand open."""
        return len(self.rows) > _MOST_OPEN


class Section(msgspec.Struct, frozen=True):
    """A heading, with a table or else a sentence below it.

    Where a report is too long, sections are cut from the greatest `rank` down; those of rank 0 never.
    """

    title: str
    rank: int
    table: Table | None = None
    note: str = ""


class TooLargeError(ReportError):
    """A report that does not fit in a size, however much of it is cut."""


def fit(
    lay_out: Callable[[Sequence[Section]], str], sections: Sequence[Section], max_size: int | None
) -> str:
    """Lay out sections in at most `max_size` bytes of UTF-8: whole, or with as few rows cut as it takes.

    Rows are cut from the end of a section, and from the sections of the greatest rank first.

    Raises:
        TooLargeError: without any row it is still too long.
    """

    def size(kept: int) -> int:
        return len(lay_out(_cut(sections, kept)).encode("utf-8", "backslashreplace"))

    report = lay_out(sections)
    if max_size is None or len(report.encode("utf-8", "backslashreplace")) <= max_size:
        return report
    if (least := size(0)) > max_size:
        raise TooLargeError(
            f"the report does not fit in {max_size:,} bytes", f"it takes at least {least:,}"
        )
    total = sum(len(each.table.rows) for each in sections if each.table and each.rank)
    kept = bisect_left(range(1, total), max_size + 1, key=size)
    while (
        size(kept) > max_size
    ):  # the last row of a section can take less than to say that it is cut
        kept -= 1
    return lay_out(_cut(sections, kept))


def _cut(sections: Sequence[Section], kept: int) -> list[Section]:
    """The sections with `kept` rows, the most important ones, of those that can be cut."""
    places = sorted(range(len(sections)), key=lambda place: (sections[place].rank, place))
    cut = list(sections)
    for place in places:
        section = sections[place]
        if section.table and section.rank:
            rows = section.table.rows[:kept]
            kept -= len(rows)
            missing = len(section.table.rows) - len(rows)
            table = msgspec.structs.replace(section.table, rows=rows, cut=missing)
            cut[place] = msgspec.structs.replace(section, table=table)
    return cut
