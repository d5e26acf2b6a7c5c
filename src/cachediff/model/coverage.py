"""Coverage: how many specs, and packages, each stack, platform, os, target and compiler has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from cachediff.model.spec import ROOT_STACK, Spec

COVERED = ("stack", "platform", "os", "target", "compiler")
"""The fields of a spec of which a collection covers several values."""

Coverage: TypeAlias = dict[str, dict[str | None, int]]
"""How many specs have a value, by field (all of `COVERED`) and value. `root` is left out.

The value None counts specs of which it is not known: those that do not tell their stacks, or compiler.
"""

CoverageCounts: TypeAlias = dict[str, dict[str | None, tuple[int, int]]]
"""Of several packages: how many (specs, packages) have a value, by field and value as in `Coverage`."""


def coverage_of(specs: Sequence[Spec]) -> Coverage:
    """What the specs of one package cover."""
    stacks = _count_stacks([spec.stacks for spec in specs])
    platforms: dict[str | None, int] = {}
    oss: dict[str | None, int] = {}
    targets: dict[str | None, int] = {}
    compilers: dict[str | None, int] = {}
    # There are far fewer builds than specs, and they remember their hash.
    for build, number in Counter([spec.build for spec in specs]).items():
        platforms[build.platform] = platforms.get(build.platform, 0) + number
        oss[build.os] = oss.get(build.os, 0) + number
        targets[build.target] = targets.get(build.target, 0) + number
        compilers[build.compiler] = compilers.get(build.compiler, 0) + number
    return dict(zip(COVERED, (stacks, platforms, oss, targets, compilers), strict=True))


def stack_counts(stacks: Iterable[tuple[str, ...] | None]) -> dict[str, int]:
    """How many specs with these stacks each stack lists (`root` left out), by name."""
    counts = _count_stacks(stacks)
    return {name: counts[name] for name in sorted(name for name in counts if name is not None)}


def _count_stacks(stacks: Iterable[tuple[str, ...] | None]) -> dict[str | None, int]:
    counts: dict[str | None, int] = {}
    for names, number in Counter(stacks).items():
        for name in (None,) if names is None else names:
            counts[name] = counts.get(name, 0) + number
    counts.pop(ROOT_STACK, None)
    return counts


def no_coverage() -> CoverageCounts:
    """What no package covers."""
    return {field: {} for field in COVERED}


def combined(counts: CoverageCounts, more: CoverageCounts, sign: int = 1) -> CoverageCounts:
    """What both cover together, or, where `sign` is -1, what the first covers without the other."""
    both = no_coverage()
    for field, values in both.items():
        mine, others = counts[field], more[field]
        for value in mine.keys() | others.keys():
            specs, packages = mine.get(value, (0, 0))
            more_specs, more_packages = others.get(value, (0, 0))
            if specs + sign * more_specs:
                values[value] = specs + sign * more_specs, packages + sign * more_packages
    return both


class CoverageTally:
    """Specs and packages by what they cover, as packages are gone through."""

    def __init__(self, counts: CoverageCounts) -> None:
        self._counts = {
            field: {value: [*numbers] for value, numbers in values.items()}
            for field, values in counts.items()
        }

    def add(self, coverage: Mapping[str, Mapping[str | None, int]]) -> None:
        """Add what one more package covers."""
        for field, values in coverage.items():
            counts = self._counts[field]
            for value, specs in values.items():
                try:
                    numbers = counts[value]
                except KeyError:
                    numbers = counts[value] = [0, 0]
                numbers[0] += specs
                numbers[1] += 1

    def counts(self) -> CoverageCounts:
        """What has been added, and what was there before."""
        return {
            field: {value: (specs, packages) for value, (specs, packages) in values.items()}
            for field, values in self._counts.items()
        }
