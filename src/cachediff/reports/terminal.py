"""Lines of a terminal: aligned columns, and what does not fit continued below, indented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST_COLUMN = 40
_NARROWEST_TAIL = 20
_INDENT = 2
_GAP = 2


def columns(
    rows: Sequence[Sequence[Text]], *, close: int | None = None
) -> Iterator[tuple[Text, Text]]:
    """Align rows of equally many cells.

    Gives for each row its line up to the last cell, padded, and the last cell, which is not. Columns
    without content take no room; a cell wider than the widest column pushes its own row only. The
    column with the number `close` stands close to the next, where that has content.
    """
    widths = [
        min(_WIDEST_COLUMN, max(cell.cell_len for cell in column))
        for column in zip(*(row[:-1] for row in rows), strict=True)
    ]
    gaps = [_GAP] * len(widths)
    if close is not None and widths and widths[close + 1]:
        gaps[close] = 1
    for row in rows:
        head = Text(" " * _INDENT)
        for cell, width, gap in zip(row, widths, gaps, strict=False):  # all but the last cell
            if width:
                head.append_text(cell)
                head.append(" " * (max(width - cell.cell_len, 0) + gap))
        yield head, row[-1]


def fit(console: Console, head: Text, tail: Text) -> Iterator[Text]:
    """Break a line between words where it is wider than the console; `tail` stays below itself."""
    room = console.width - head.cell_len
    if tail.cell_len <= room:
        yield head + tail
        return
    if room < _NARROWEST_TAIL:
        yield head
        head, room = Text(" " * 2 * _INDENT), console.width - 2 * _INDENT
    for number, line in enumerate(tail.wrap(console, max(room, _NARROWEST_TAIL))):
        yield (Text(" " * head.cell_len) if number else head) + line
