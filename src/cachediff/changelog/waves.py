"""Waves: many packages rebuilt together, told as one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from cachediff.model.changelog import PairRow, Row, WaveRow

FEWEST = 5
"""Packages from which on a wave is told as one."""


def fold_waves(rows: Iterable[Row]) -> list[Row]:
    """Fold the rows of rebuilt packages of which nothing is to be said but that, by their stacks.

    A row that says more (stacks that differ, builds that became one) stays, and so do the rows of
    stacks in which fewer than `FEWEST` packages were rebuilt.
    """
    told: list[Row] = []
    plain: defaultdict[str, list[PairRow]] = defaultdict(list)
    for row in rows:
        if isinstance(row, PairRow) and not (row.differences or row.merged[0] or row.split[0]):
            plain[row.package].append(row)
        else:
            told.append(row)
    waves: defaultdict[tuple[str, ...], dict[str, list[PairRow]]] = defaultdict(dict)
    for package, rebuilt in plain.items():
        stacks = {stack for row in rebuilt for stack in row.stacks}
        waves[tuple(sorted(stacks))][package] = rebuilt
    for stacks_of_all, packages in waves.items():
        if len(packages) < FEWEST:
            told += [row for rebuilt in packages.values() for row in rebuilt]
        else:
            told.append(_wave(stacks_of_all, packages))
    return told


def _wave(stacks: tuple[str, ...], packages: dict[str, list[PairRow]]) -> WaveRow:
    counts = Counter({name: sum(row.count for row in rows) for name, rows in packages.items()})
    lead = min(counts, key=lambda name: (-counts[name], name))
    return WaveRow(lead, tuple(sorted(counts)), counts.total(), stacks)
