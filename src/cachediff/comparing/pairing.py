"""Pairing: which spec that is gone moved on to which spec that is new.

Specs of one package that are on one side only are paired, most alike first, as many as possible at each
step: first those with equal build keys, then those that differ in one aspect (version, compiler,
variants, os and target), then in two, in three, in all four. Never across platforms: a build for darwin
does not become one for linux.

Within a step, specs fall into groups that agree on everything else, and within a group any two can be
paired, apart from one rule: an unknown compiler matches any, two known ones only if they are equal. The
most pairs are had by pairing equal compilers first, then known ones with unknown ones, then what is left
of the unknown (`docs/decisions/0004-pairing.md` has the proof). Nothing depends on the order of the
input, and swapping the sides swaps the pairs: every choice is made on what both directions share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from itertools import combinations, product
from operator import attrgetter

from cachediff.comparing.stacks import stacks_differ
from cachediff.model.spec import Spec
from cachediff.model.version import Version

Pair = tuple[Spec, Spec]
Pairing = tuple[list[Pair], list[Spec], list[Spec]]
"""Pairs of (old, new), then the old and the new specs that are left."""

_ASPECTS: dict[str, Callable[[Spec], Hashable]] = {
    "version": attrgetter("build.version"),
    "compiler": attrgetter("build.compiler"),
    "variants": attrgetter("build.variants"),
    "system": attrgetter("build.os", "build.target"),
}
_STEPS = [
    frozenset(differing)
    for size in range(len(_ASPECTS) + 1)
    for differing in combinations(_ASPECTS, size)
]
_NEAREST_LIMIT = 250_000
"""Combinations of distinct builds in one group up to which the most alike are looked for."""

_hash = attrgetter("hash")
_platform = attrgetter("build.platform")
_build_and_stacks = attrgetter("build", "stacks")


def pair(old: Iterable[Spec], new: Iterable[Spec]) -> Pairing:
    """Pair specs of one package; what is left of each side comes in hash order.

    `old` and `new` have no hash in common.
    """
    olds, news = sorted(old, key=_hash), sorted(new, key=_hash)
    # The bulk of every rebuild wave needs nothing of the rest: same build, same stacks, new hash.
    pairs, olds, news = _pair_groups(olds, news, _build_and_stacks, _take_known)
    if olds and news:
        versions = sorted({spec.build.version for specs in (olds, news) for spec in specs})
        take = partial(_take_most_alike, {version: rank for rank, version in enumerate(versions)})
        for differing in _STEPS:
            may_match = {*differing, "compiler"}
            agreeing = [get for name, get in _ASPECTS.items() if name not in may_match]
            found, olds, news = _pair_groups(
                olds,
                news,
                _all(_platform, *agreeing),
                take if "compiler" in differing else partial(_take_matching_compilers, take),
            )
            pairs += found
            if not olds or not news:
                break
    return pairs, olds, news


def _pair_groups(
    olds: list[Spec],
    news: list[Spec],
    key: Callable[[Spec], Hashable],
    take: Callable[[list[Spec], list[Spec]], Pairing],
) -> Pairing:
    """Let `take` pair the specs of each group that agree on `key`."""
    old_groups, new_groups = _group(olds, key), _group(news, key)
    pairs: list[Pair] = []
    for agreed in old_groups.keys() & new_groups.keys():
        found, old_groups[agreed], new_groups[agreed] = take(old_groups[agreed], new_groups[agreed])
        pairs += found
    return pairs, _in_order(old_groups), _in_order(new_groups)


def _take_known(olds: list[Spec], news: list[Spec]) -> Pairing:
    """Pair, in hash order, specs of the same build, unless its compiler is unknown."""
    if olds[0].build.compiler is None:
        return [], olds, news
    pairs = list(zip(olds, news, strict=False))
    return pairs, olds[len(pairs) :], news[len(pairs) :]


def _take_matching_compilers(
    take: Callable[[list[Spec], list[Spec]], Pairing], olds: list[Spec], news: list[Spec]
) -> Pairing:
    """Pair specs whose compilers match: equal ones, then known with unknown, then both unknown."""
    compiler = _ASPECTS["compiler"]
    old_by, new_by = _group(olds, compiler), _group(news, compiler)
    old_unknown, new_unknown = old_by.pop(None, []), new_by.pop(None, [])
    pairs: list[Pair] = []
    for name in old_by.keys() & new_by.keys():
        found, old_by[name], new_by[name] = take(old_by[name], new_by[name])
        pairs += found
    old_known, new_known = _in_order(old_by), _in_order(new_by)
    forward, old_known, new_unknown = take(old_known, new_unknown)
    backward, old_unknown, new_known = take(old_unknown, new_known)
    both, old_unknown, new_unknown = take(old_unknown, new_unknown)
    pairs += [*forward, *backward, *both]
    return pairs, old_known + old_unknown, new_known + new_unknown


def _take_most_alike(ranks: Mapping[Version, int], olds: list[Spec], news: list[Spec]) -> Pairing:
    """Pair as many as there are on the shorter side, any with any, the most alike first."""
    old_shapes, new_shapes = _group(olds, _build_and_stacks), _group(news, _build_and_stacks)
    if len(old_shapes) * len(new_shapes) > _NEAREST_LIMIT:
        olds, news = sorted(olds, key=_hash), sorted(news, key=_hash)
        pairs = list(zip(olds, news, strict=False))
        return pairs, olds[len(pairs) :], news[len(pairs) :]
    pairs = []
    shapes = product(old_shapes.values(), new_shapes.values())
    for old, new in sorted(shapes, key=lambda shape: _unlikeness(ranks, shape[0][0], shape[1][0])):
        found = list(zip(old, new, strict=False))
        del old[: len(found)], new[: len(found)]
        pairs += found
    return pairs, _in_order(old_shapes), _in_order(new_shapes)


def _unlikeness(ranks: Mapping[Version, int], old: Spec, new: Spec) -> tuple[object, ...]:
    """What to pair first, smallest first; the same for (new, old).

    Fewest differences in what may differ, then same stacks, then the nearest version (counted in
    versions that the package has here), the newer of two that are as near, then hash order.
    """
    a, b = old.build, new.build
    old_rank, new_rank = ranks[a.version], ranks[b.version]
    return (
        _name(a.compiler) != _name(b.compiler),
        (a.os != b.os) + (a.target != b.target),
        0 if a.variants is b.variants else len({*a.variants} ^ {*b.variants}),
        stacks_differ(old.stacks, new.stacks),
        abs(old_rank - new_rank),
        -max(old_rank, new_rank),
        *sorted((old.hash, new.hash)),
    )


def _name(compiler: str | None) -> str | None:
    return compiler and compiler.partition("@")[0]


def _all(*gets: Callable[[Spec], Hashable]) -> Callable[[Spec], Hashable]:
    return lambda spec: tuple(get(spec) for get in gets)


def _group(specs: Iterable[Spec], key: Callable[[Spec], Hashable]) -> dict[Hashable, list[Spec]]:
    groups: defaultdict[Hashable, list[Spec]] = defaultdict(list)
    for spec in specs:
        groups[key(spec)].append(spec)
    return groups


def _in_order(groups: Mapping[Hashable, list[Spec]]) -> list[Spec]:
    return sorted((spec for specs in groups.values() for spec in specs), key=_hash)
