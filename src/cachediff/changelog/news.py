"""News: what a headline says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cachediff.model.changelog import News, Row, StackRow, Topic

_MOVES = (Topic.LEFT_STACK, Topic.JOINED_STACK)


def news(rows: Mapping[Topic, Sequence[Row]]) -> Iterator[News]:
    """Which packages are news, topic by topic; `rows` are unfolded.

    Of packages that left stacks, or joined some, those of the same stacks are told together. A package
    of which this is told is not told again as restacked.
    """
    packages = {topic: {row.package for row in rows.get(topic, ())} for topic in Topic}
    packages[Topic.RESTACKED] -= packages[Topic.LEFT_STACK] | packages[Topic.JOINED_STACK]
    for topic in Topic:
        if topic in _MOVES:
            yield from _moves(topic, rows.get(topic, ()))
        elif packages[topic]:
            yield News(topic, tuple(sorted(packages[topic])))


def _moves(topic: Topic, rows: Iterable[Row]) -> Iterator[News]:
    packages: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if isinstance(row, StackRow):
            for stack in row.stacks:
                packages[stack].add(row.package)
    stacks: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for stack in sorted(packages):
        stacks[tuple(sorted(packages[stack]))].append(stack)
    for names in sorted(stacks, key=lambda names: (-len(names), stacks[names])):
        yield News(topic, names, tuple(stacks[names]))
