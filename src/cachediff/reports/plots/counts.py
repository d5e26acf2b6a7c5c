"""What plots show, as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from cachediff.model.change import ChangeKind
from cachediff.model.comparison import Comparison
from cachediff.model.spec import ROOT_STACK

NO_STACK = "(no stack told)"
"""Where changes stand of which neither side is in a stack, or tells its stacks."""

# What matters first, in the order in which a changelog tells it.
TELLING = (
    ChangeKind.REMOVED,
    ChangeKind.DOWNGRADED,
    ChangeKind.UPGRADED,
    ChangeKind.ADDED,
    ChangeKind.CHANGED,
    ChangeKind.REBUILT,
    ChangeKind.RESTACKED,
)
_MOST_BARS = 20
_MOST_PACKAGES = 40


class Bar(msgspec.Struct, frozen=True):
    """One stack, and how many changes of each kind have a side in it, in the order of telling."""

    stack: str
    kinds: tuple[tuple[ChangeKind, int], ...]

    @property
    def changes(self) -> int:
        """All of them."""
        return sum(number for _, number in self.kinds)


class Tallies(msgspec.Struct, frozen=True):
    """The stacks with the most changes, the most first, and how many more stacks have any."""

    bars: tuple[Bar, ...]
    left_out: int


class Cell(msgspec.Struct, frozen=True):
    """One package in one stack, and the kind of its changes there that is told first."""

    package: str
    stack: str
    kind: ChangeKind


def changes_by_stack(comparison: Comparison) -> Tallies | None:
    """Count changes by stack and kind, None where nothing changed.

    A change counts once in each stack that either of its sides is in.
    """
    together: Counter[tuple[ChangeKind, tuple[str, ...], tuple[str, ...]]] = Counter()
    for package in comparison.packages:
        together.update(
            (
                change.kind,
                (change.old and change.old.stacks) or (),
                (change.new and change.new.stacks) or (),
            )
            for change in package.changes
        )
    counts: dict[str, Counter[ChangeKind]] = {}
    for (kind, old, new), number in together.items():
        for stack in _stacks(old, new):
            counts.setdefault(stack, Counter())[kind] += number
    bars = sorted(
        (
            Bar(stack, tuple((kind, kinds[kind]) for kind in TELLING if kinds[kind]))
            for stack, kinds in counts.items()
        ),
        key=lambda bar: (-bar.changes, bar.stack),
    )
    return Tallies(tuple(bars[:_MOST_BARS]), len(bars[_MOST_BARS:])) if bars else None


def most_changed(comparison: Comparison) -> tuple[tuple[str, ...], int]:
    """Name the packages with the most changes other than rebuilds, and count all that have any."""
    counts = {
        package.package: sum(change.kind is not ChangeKind.REBUILT for change in package.changes)
        for package in comparison.packages
    }
    names = sorted(
        (each for each in counts if counts[each]), key=lambda each: (-counts[each], each)
    )
    return tuple(names[:_MOST_PACKAGES]), len(names)


def cells(comparison: Comparison, packages: Sequence[str]) -> tuple[Cell, ...]:
    """Say what happened, rebuilds apart, to each of these packages in each stack, by name."""
    first: dict[tuple[str, str], ChangeKind] = {}
    wanted = frozenset(packages)
    for package in comparison.packages:
        if package.package not in wanted:
            continue
        for change in package.changes:
            if change.kind is ChangeKind.REBUILT:
                continue
            old = (change.old and change.old.stacks) or ()
            new = (change.new and change.new.stacks) or ()
            for stack in _stacks(old, new):
                place = (package.package, stack)
                first[place] = min(first.get(place, change.kind), change.kind, key=TELLING.index)
    return tuple(Cell(package, stack, kind) for (package, stack), kind in sorted(first.items()))


def _stacks(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    return [stack for stack in {*old, *new} if stack != ROOT_STACK] or [NO_STACK]
