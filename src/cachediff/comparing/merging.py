"""Builds that became one: a compiler no longer told from another, two stacks sharing one spec.

The pairing makes one pair and one removal of it. That removal is no loss, and the reader is told so.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TypeAlias

from cachediff.comparing.stacks import told
from cachediff.model.comparison import Merge
from cachediff.model.spec import Spec

_Grown: TypeAlias = tuple[str | None, frozenset[str], frozenset[str]]
"""The compiler of a build that is in more stacks than before, and its stacks before and after."""

_Becoming: TypeAlias = tuple[str, list[str]]
"""The hash of one build, and the hashes of those that live on in it."""

_but_compiler = attrgetter(
    "build.version", "build.platform", "build.os", "build.target", "build.variants"
)


def find_merges(left: Sequence[Spec], pairs: Iterable[tuple[Spec, Spec]]) -> tuple[Merge, ...]:
    """Which of the specs that are `left` on one side live on in a spec of the other side.

    `pairs` are (spec of this side, spec of the other side). A left spec lives on in the other half of a
    pair that is the same build and in all of its stacks, where the first half was not. Where several
    are, it is the one in which the fewest live on. Unknown stacks tell of no merge. With the sides
    swapped, one build that became several is found.
    """
    if not left:
        return ()
    # There may be thousands of builds that a left spec cannot tell apart: these share a queue.
    grown: defaultdict[object, dict[_Grown, deque[_Becoming]]] = defaultdict(dict)
    for mine, other in sorted(pairs, key=lambda pair: pair[1].hash):
        if _grew(mine, other):
            key = other.compiler, told(mine.stacks or ()), told(other.stacks or ())
            queue = grown[_but_compiler(other)].setdefault(key, deque())
            queue.append((other.hash, [mine.hash]))
    for spec in left:
        queues = grown.get(_but_compiler(spec), {})
        fitting = [queue for key, queue in queues.items() if _lives_on(spec, *key)]
        if fitting:
            queue = min(fitting, key=lambda queue: (len(queue[0][1]), queue[0][0]))
            queue[0][1].append(spec.hash)
            queue.rotate(-1)
    becoming = [one for queues in grown.values() for queue in queues.values() for one in queue]
    return tuple(Merge(one, tuple(several)) for one, several in sorted(becoming) if several[1:])


def _grew(mine: Spec, other: Spec) -> bool:
    """Whether a spec moved on as the same build, into more stacks."""
    return (
        mine.stacks is not None
        and other.stacks is not None
        and told(mine.stacks) < told(other.stacks)
        and _may_be(mine.compiler, other.compiler)
        and _but_compiler(mine) == _but_compiler(other)
    )


def _lives_on(
    spec: Spec, compiler: str | None, before: frozenset[str], after: frozenset[str]
) -> bool:
    stacks = told(spec.stacks or ())
    return stacks <= after and not stacks <= before and _may_be(spec.compiler, compiler)


def _may_be(compiler: str | None, other: str | None) -> bool:
    """Whether two compilers can be the same, an unknown one being any."""
    return compiler is None or other is None or compiler == other
