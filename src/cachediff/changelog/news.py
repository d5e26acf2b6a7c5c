"""News: what a headline says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cachediff.model.changelog import News, Row, Topic
from cachediff.model.comparison import CoverageTotals


def news(
    rows: Mapping[Topic, Sequence[Row]], stacks: Mapping[str, CoverageTotals]
) -> Iterator[News]:
    """Which packages are news, topic by topic; `rows` are unfolded.

    A package that left a stack is told so also where it is gone altogether. One that is new, or
    restacked, is not told again under a stack that it joined or left.
    """
    packages = {topic: {row.package for row in rows.get(topic, ())} for topic in Topic}
    lost = {stack: set(totals.packages_lost) for stack, totals in stacks.items()}
    gained = {
        stack: set(totals.packages_gained) - packages[Topic.PACKAGES_ADDED]
        for stack, totals in stacks.items()
    }
    packages[Topic.RESTACKED] -= set().union(*lost.values(), *gained.values())
    for topic in Topic:
        if topic is Topic.LEFT_STACK:
            yield from _moves(topic, lost)
        elif topic is Topic.JOINED_STACK:
            yield from _moves(topic, gained)
        elif packages[topic]:
            yield News(topic, tuple(sorted(packages[topic])))


def _moves(topic: Topic, packages: Mapping[str, set[str]]) -> Iterator[News]:
    for stack in sorted(packages, key=lambda stack: (-len(packages[stack]), stack)):
        if packages[stack]:
            yield News(topic, tuple(sorted(packages[stack])), stack)
