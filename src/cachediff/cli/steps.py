"""`cachediff compare --steps`: a span, a step at a time, to where it is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cachediff.cli.output import ROWS_OF_A_GROUP, Format
from cachediff.cli.pieces import terminal, write_pieces

if TYPE_CHECKING:
    from cachediff.model.selection import Selection
    from cachediff.queries import Catalogue

STEP_FORMATS = (Format.TEXT, Format.MARKDOWN, Format.HTML, Format.JSON)


def write_steps(
    names: Catalogue,
    sides: tuple[str, str],
    selection: Selection,
    format_: Format,
    output: Path | None,
    *,
    everything: bool,
) -> bool:
    """Write the steps from one snapshot to another; whether anything selected differed in one.

    Raises:
        CachediffError: a snapshot cannot be had, or they are not two of one collection.
    """
    from cachediff.changelog import arrange
    from cachediff.comparing import check_selection
    from cachediff.jobs.fetch import fetch_for
    from cachediff.queries.steps import Steps
    from cachediff.reports import Layout
    from cachediff.reports.steps import FORMATS, ToldSteps

    check_selection(selection)
    fetch_for(names, sides, Path.cwd())
    old, new = (names.open(side, Path.cwd()) for side in sides)
    steps = Steps(names, old, new, selection)
    width, colour = terminal(output)
    limited = format_ is Format.TEXT and not everything
    layout = Layout(width=width, colour=colour, limit=ROWS_OF_A_GROUP if limited else None)
    told = ToldSteps(steps.old, steps.new, steps, names.notices, selected=bool(selection))
    write_pieces(FORMATS[format_](told, arrange, layout), output)
    if format_ is Format.TEXT and output is None:
        names.notices.clear()  # the report has told them
    return steps.differs
