"""Builds that became one: a compiler no longer told from another, two stacks sharing one spec.

The pairing makes one pair and one removal of it. That removal is no loss, and the reader is told so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cachediff.comparing.stacks import told
from cachediff.model.comparison import Merge
from cachediff.model.spec import Build, Spec


def find_merges(left: Sequence[Spec], pairs: Iterable[tuple[Spec, Spec]]) -> tuple[Merge, ...]:
    """Which of the specs that are `left` on one side live on in a spec of the other side.

    `pairs` are (spec of this side, spec of the other side). A left spec lives on in the other half of a
    pair that is the same build and in all of its stacks, where the first half was not. Unknown stacks
    tell of no merge. With the sides swapped, one build that became several is found.
    """
    if not left:
        return ()
    grown: defaultdict[tuple[object, ...], list[tuple[Spec, Spec]]] = defaultdict(list)
    for mine, other in sorted(pairs, key=lambda specs: specs[1].hash):
        if told(mine.stacks or ()) < told(other.stacks or ()) and _matches(mine.build, other.build):
            grown[_but_compiler(other.build)].append((mine, other))
    joined: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for spec in left:
        for mine, other in grown.get(_but_compiler(spec.build), ()):
            if _lives_on(spec, mine, other):
                joined[other.hash, mine.hash].append(spec.hash)
                break
    return tuple(Merge(one, (first, *several)) for (one, first), several in sorted(joined.items()))


def _lives_on(spec: Spec, mine: Spec, other: Spec) -> bool:
    stacks = told(spec.stacks or ())
    return (
        stacks <= told(other.stacks or ())
        and not stacks <= told(mine.stacks or ())
        and _matches(spec.build, other.build)
    )


def _matches(a: Build, b: Build) -> bool:
    """Whether two builds are the same, an unknown compiler matching any."""
    known = a.compiler is None or b.compiler is None or a.compiler == b.compiler
    return known and _but_compiler(a) == _but_compiler(b)


def _but_compiler(build: Build) -> tuple[object, ...]:
    return build.version, build.platform, build.os, build.target, build.variants
