"""Pairing: which spec that is gone moved on to which spec that is new.

Specs of one package that are on one side only are paired, most alike first, as many as possible at each
step: first those with equal build keys, then those that differ in one aspect (version, compiler,
variants, os and target), then in two, in three, in all four. Never across platforms: a build for darwin
does not become one for linux.

Within a step, specs fall into groups that agree on everything else, and within a group any two can be
paired, apart from one rule: an unknown compiler matches any, two known ones only if they are equal. The
most pairs are had by pairing equal compilers first, then unknown ones as far as that costs no pair, then
known with unknown ones (`docs/decisions/0004-pairing.md` has the proof). Nothing depends on the order of
the input, and swapping the sides swaps the pairs: every choice is made on what both directions share.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from itertools import chain, combinations, product
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from cachediff.comparing.stacks import told
from cachediff.model.spec import Spec
from cachediff.model.version import Version

Pair = tuple[Spec, Spec]
Pairing = tuple[list[Pair], list[Spec], list[Spec]]
"""Pairs of (old, new), then the old and the new specs that are left."""

_Ranks: TypeAlias = Mapping[Version, int]
"""The place of each version among those of the package, in Spack's order."""

_ASPECTS = {
    "version": ["build.version"],
    "compiler": [],  # not to be looked up by: an unknown one matches any
    "variants": ["build.variants"],
    "system": ["build.os", "build.target"],
}
_STEPS = [
    (
        attrgetter(
            "build.platform", *chain(*(_ASPECTS[name] for name in _ASPECTS.keys() - differing))
        ),
        "compiler" in differing,
    )
    for size in range(len(_ASPECTS) + 1)
    for differing in map(frozenset, combinations(_ASPECTS, size))
]
"""For each step, what a pair agrees in, and whether its compilers may differ."""
_EQUAL_BUILDS = _STEPS[0][0]

_WEIGHED_LIMIT = 50_000
"""Combinations of distinct builds and stacks in one group up to which all of them are weighed."""

_hash = attrgetter("hash")
_compiler = attrgetter("build.compiler")
_build_and_stacks = attrgetter("build", "stacks")


def pair(old: Iterable[Spec], new: Iterable[Spec]) -> Pairing:
    """Pair specs of one package; what is left of each side comes in hash order.

    `old` and `new` have no hash in common.
    """
    olds, news = sorted(old, key=_hash), sorted(new, key=_hash)
    # The bulk of every rebuild wave needs nothing of the rest: same build, same stacks, new hash.
    take_alike = partial(_take_alike, _agreements_of_known(chain(olds, news)))
    pairs, olds, news = _pair_groups(olds, news, _build_and_stacks, take_alike)
    if olds and news:
        versions = sorted({spec.build.version for specs in (olds, news) for spec in specs})
        ranks = {version: rank for rank, version in enumerate(versions)}
        for agreement, any_compiler in _STEPS:
            take = partial(_take_any if any_compiler else _take_matching_compilers, ranks)
            found, olds, news = _pair_groups(olds, news, agreement, take)
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
    if not pairs:
        return [], olds, news
    return pairs, _in_order(old_groups), _in_order(new_groups)


def _agreements_of_known(specs: Iterable[Spec]) -> frozenset[Hashable]:
    """What builds of known compilers are apart from these, if there are any of unknown ones."""
    builds = {spec.build: spec for spec in specs}
    if all(build.compiler is not None for build in builds):
        return frozenset()
    return frozenset(
        _EQUAL_BUILDS(spec) for build, spec in builds.items() if build.compiler is not None
    )


def _take_alike(known: frozenset[Hashable], olds: list[Spec], news: list[Spec]) -> Pairing:
    """Pair, in hash order, specs of the same build and stacks.

    Not if its compiler is unknown and there are `known` ones that it may match: see the module.
    """
    if olds[0].build.compiler is None and _EQUAL_BUILDS(olds[0]) in known:
        return [], olds, news
    pairs = list(zip(olds, news, strict=False))
    return pairs, olds[len(pairs) :], news[len(pairs) :]


def _take_matching_compilers(ranks: _Ranks, olds: list[Spec], news: list[Spec]) -> Pairing:
    """Pair specs whose compilers match: equal ones, both unknown, then known with unknown."""
    old_by, new_by = _group(olds, _compiler), _group(news, _compiler)
    old_unknown, new_unknown = old_by.pop(None, []), new_by.pop(None, [])
    pairs: list[Pair] = []
    for name in old_by.keys() & new_by.keys():
        found, old_by[name], new_by[name] = _take_any(ranks, old_by[name], new_by[name])
        pairs += found
    old_known, new_known = _in_order(old_by), _in_order(new_by)
    # Each pair of two unknown beyond these would cost a known one on either side its partner.
    spare = max(0, len(old_unknown) - len(new_known), len(new_unknown) - len(old_known))
    both, old_unknown, new_unknown = _take_any(ranks, old_unknown, new_unknown, spare)
    forward, old_known, new_unknown = _take_any(ranks, old_known, new_unknown)
    backward, old_unknown, new_known = _take_any(ranks, old_unknown, new_known)
    pairs += [*both, *forward, *backward]
    return pairs, old_known + old_unknown, new_known + new_unknown


def _take_any(
    ranks: _Ranks, olds: list[Spec], news: list[Spec], most: int = sys.maxsize
) -> Pairing:
    """Pair as many as there are on the shorter side (or `most`), any with any, most alike first."""
    most = min(most, len(olds), len(news))
    if not most:
        return [], olds, news
    old_shapes, new_shapes = _group(olds, _build_and_stacks), _group(news, _build_and_stacks)
    if len(old_shapes) * len(new_shapes) > _WEIGHED_LIMIT:
        olds, news = sorted(olds, key=_alphabetical), sorted(news, key=_alphabetical)
        return list(zip(olds[:most], news, strict=False)), olds[most:], news[most:]
    pairs: list[Pair] = []
    for old, new in _most_alike_first(ranks, old_shapes.values(), new_shapes.values()):
        number = min(len(old), len(new), most - len(pairs))
        pairs += zip(old[:number], new[:number], strict=True)
        del old[:number], new[:number]
        if len(pairs) == most:
            break
    return pairs, _in_order(old_shapes), _in_order(new_shapes)


def _most_alike_first(
    ranks: _Ranks, olds: Iterable[list[Spec]], news: Iterable[list[Spec]]
) -> list[tuple[list[Spec], list[Spec]]]:
    """Combine specs of one build and stacks with such of the other side, in the order of pairing."""
    sides = ([(_Traits.of(specs[0], ranks), specs) for specs in side] for side in (olds, news))
    shapes = sorted(product(*sides), key=lambda both: _unlikeness(both[0][0], both[1][0]))
    return [(old, new) for (_, old), (_, new) in shapes]


class _Traits(NamedTuple):
    """What a spec is weighed by. `compiler` is its name, `version` the rank of its version."""

    compiler: str | None
    os: str
    target: str
    variants: frozenset[str]
    stacks: frozenset[str] | None
    version: int
    hash: str

    @classmethod
    def of(cls, spec: Spec, ranks: _Ranks) -> _Traits:
        build, stacks = spec.build, spec.stacks
        return cls(
            build.compiler and build.compiler.partition("@")[0],
            build.os,
            build.target,
            frozenset(build.variants),
            None if stacks is None else told(stacks),
            ranks[build.version],
            spec.hash,
        )


def _unlikeness(a: _Traits, b: _Traits) -> tuple[object, ...]:
    """What to pair first, smallest first; the same for (b, a).

    Fewest differences in what may differ, then same stacks, then the nearest version (counted in
    versions that the package has here), the newer of two that are as near, then hash order.
    """
    return (
        a.compiler != b.compiler,
        (a.os != b.os) + (a.target != b.target),
        len(a.variants ^ b.variants),
        a.stacks != b.stacks and a.stacks is not None and b.stacks is not None,
        abs(a.version - b.version),
        -max(a.version, b.version),
        min(a.hash, b.hash),
        max(a.hash, b.hash),
    )


def _alphabetical(spec: Spec) -> tuple[object, ...]:
    """Where a spec stands beside its like on the other side, where there are too many to weigh."""
    build = spec.build
    return (
        build.compiler or "",
        build.os,
        build.target,
        build.variants,
        spec.stacks or (),
        build.version,
        spec.hash,
    )


def _group(specs: Iterable[Spec], key: Callable[[Spec], Hashable]) -> dict[Hashable, list[Spec]]:
    groups: defaultdict[Hashable, list[Spec]] = defaultdict(list)
    for spec in specs:
        groups[key(spec)].append(spec)
    return groups


def _in_order(groups: Mapping[Hashable, list[Spec]]) -> list[Spec]:
    return sorted((spec for specs in groups.values() for spec in specs), key=_hash)
