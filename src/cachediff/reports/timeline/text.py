"""A timeline for a terminal, or for a file that is read like one.

Rich is given `Text` objects only, never strings that it could take for markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING

from rich.text import Text

from cachediff.model.timeline import Timeline
from cachediff.reports.terminal import columns, fit
from cachediff.reports.timeline.document import document
from cachediff.reports.timeline.events import CAME, UNKNOWN, WENT
from cachediff.reports.timeline.tables import Table
from cachediff.reports.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {CAME: "green", WENT: "red", UNKNOWN: "yellow", "": ""}


def render_text(timeline: Timeline, *, width: int | None, colour: bool) -> str:
    """Render a timeline as lines of text.

    `width` is that of the terminal, in cells: what is longer continues below, indented. None is for
    what is no terminal: lines are as long as they are, and have no `colour`, which allows ANSI styles.
    """
    lines = _lines(timeline)
    if width is None:  # and the console, which takes a while to load, is not needed
        return "".join(f"{head.plain}{tail.plain}".rstrip() + "\n" for head, tail in lines)
    file = StringIO()
    console = _console(file, width)
    for head, tail in lines:
        for line in fit(console, head, tail):
            line.rstrip()
            if colour:
                console.print(line, soft_wrap=True)
            else:
                file.write(f"{line.plain}\n")
    return file.getvalue()


def _console(file: StringIO, width: int) -> Console:
    from rich.console import Console

    return Console(
        file=file,
        width=width,
        color_system="standard",
        force_terminal=True,
        force_jupyter=False,
        no_color=False,
        legacy_windows=False,
        _environ={},  # Rich would otherwise look for NO_COLOR, TERM and COLUMNS itself
    )


def _lines(timeline: Timeline) -> Iterator[tuple[Text, Text]]:
    """Every line as its fixed part and the part that may be continued below."""
    told = document(timeline, visible)
    yield Text(), Text(told.title, "bold")
    yield Text(), Text(told.headline)
    for note in told.notes:
        yield Text(), Text(note, "dim")
    for table in told.tables:
        yield Text(), Text()
        yield Text(table.title, "bold"), Text()
        yield from columns(list(_rows(table)))


def _rows(table: Table) -> Iterator[list[Text]]:
    yield [Text(name, "dim") for name in table.columns]
    for row in table.rows:
        *cells, last = row.cells
        yield [*(Text(cell) for cell in cells), Text(last, _STYLES[row.kind])]
