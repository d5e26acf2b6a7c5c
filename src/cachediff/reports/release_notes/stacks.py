"""The part of release notes that is about stacks: all of them in one table, then each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

import msgspec

from cachediff.model.changelog import Topic
from cachediff.model.comparison import Comparison, CoverageTotals
from cachediff.reports.markdown import code
from cachediff.reports.phrases import counted
from cachediff.reports.release_notes.versions import ARROW, Moves, move, moves_in_stacks
from cachediff.reports.sections import Section, Table

_SUSPECT = " (suspect)"


class _Doubts(msgspec.Struct, frozen=True):
    """Whether it is not to be believed what stacks lost, and what they gained."""

    lost: bool
    gained: bool


def stack_sections(comparison: Comparison, withheld: Set[Topic]) -> Iterator[Section]:
    """One table of all stacks that changed, then one section for each of them."""
    moves = moves_in_stacks(comparison)
    differing = {
        name: totals
        for name, totals in sorted(comparison.stacks.items())
        if moves[name]
        or totals.packages_lost
        or totals.packages_gained
        or totals.specs[0] != totals.specs[1]
    }
    title = f"Stacks: {len(differing):,} of {len(comparison.stacks):,} changed"
    columns = ("Stack", "Packages", "Specs", "Lost", "Gained", "Changed version")
    doubts = _Doubts(
        lost=bool(withheld & {Topic.LEFT_STACK, Topic.PACKAGES_REMOVED}),
        gained=bool(withheld & {Topic.JOINED_STACK, Topic.PACKAGES_ADDED}),
    )
    rows = [_stack_totals(name, totals, moves[name], doubts) for name, totals in differing.items()]
    yield Section(title, 2, table(columns, rows))
    for name, totals in differing.items():
        yield _stack(name, totals, moves[name], doubts)


def _stack_totals(
    name: str, totals: CoverageTotals, moves: Moves, doubts: _Doubts
) -> tuple[str, ...]:
    return (
        code(name),
        f"{totals.packages[0]:,} {ARROW} {totals.packages[1]:,}",
        f"{totals.specs[0]:,} {ARROW} {totals.specs[1]:,}",
        f"{len(totals.packages_lost):,}" + _SUSPECT * doubts.lost,
        f"{len(totals.packages_gained):,}" + _SUSPECT * doubts.gained,
        f"{len(moves):,}",
    )


def _stack(name: str, totals: CoverageTotals, moves: Moves, doubts: _Doubts) -> Section:
    lost = () if doubts.lost else totals.packages_lost
    gained = () if doubts.gained else totals.packages_gained
    rows = [(code(package), "lost") for package in lost]
    rows += [(code(package), "gained") for package in gained]
    rows += [
        (code(package), ", ".join(move(old, new) for old, new in sorted(of_package)))
        for package, of_package in sorted(moves.items())
    ]
    counts = [
        f"{counted(number, 'package')} {fate}"
        for number, fate in (
            (len(totals.packages_lost), "lost" + _SUSPECT * doubts.lost),
            (len(totals.packages_gained), "gained" + _SUSPECT * doubts.gained),
            (len(moves), "changed version"),
        )
        if number
    ]
    title = f"{code(name)}: {', '.join(counts)}"
    return Section(title, 4, table(("Package", "Change"), rows))


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table | None:
    """Lay out rows, without the columns that none of them fills; None where there are none."""
    filled = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    if not rows:
        return None
    return Table(
        columns=tuple(columns[place] for place in filled),
        rows=tuple(tuple(row[place] for place in filled) for row in rows),
    )
