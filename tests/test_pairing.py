"""Which spec that is gone moved on to which spec that is new."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachediff.comparing.pairing import pair
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version
from strategies import rivals, spec

# The steps, as DESIGN has them: what the two halves of a pair differ in.
STEPS: list[set[str]] = [
    set(),
    {"version"},
    {"compiler"},
    {"variants"},
    {"system"},
    {"version", "compiler"},
    {"version", "variants"},
    {"version", "system"},
    {"compiler", "variants"},
    {"compiler", "system"},
    {"variants", "system"},
    {"version", "compiler", "variants"},
    {"version", "compiler", "system"},
    {"version", "variants", "system"},
    {"compiler", "variants", "system"},
    {"version", "compiler", "variants", "system"},
]


def differing(old: Spec, new: Spec) -> set[str]:
    """What two specs are known to differ in."""
    found = set()
    if old.version != new.version:
        found.add("version")
    if None not in {old.compiler, new.compiler} and old.compiler != new.compiler:
        found.add("compiler")
    if old.variants != new.variants:
        found.add("variants")
    if (old.os, old.target) != (new.os, new.target):
        found.add("system")
    return found


def most_pairs(
    olds: Sequence[Spec], news: Sequence[Spec], can_pair: Callable[[Spec, Spec], bool]
) -> int:
    """The size of a maximum matching, by augmenting paths (Kuhn 1955)."""
    partner: dict[str, Spec] = {}

    def settle(old: Spec, tried: set[str]) -> bool:
        for new in news:
            if new.hash not in tried and can_pair(old, new):
                tried.add(new.hash)
                if new.hash not in partner or settle(partner[new.hash], tried):
                    partner[new.hash] = old
                    return True
        return False

    return sum(settle(old, set()) for old in olds)


def letters(pairs: Iterable[tuple[Spec, Spec]]) -> str:
    """Pairs by the letters of their hashes, in order: `ax by`."""
    return " ".join(sorted(old.hash[0] + new.hash[0] for old, new in pairs))


@st.composite
def gone_and_come(draw: st.DrawFn) -> tuple[list[Spec], list[Spec]]:
    """Specs of one package, old and new, with no hash in common."""
    stacks = st.sampled_from([None, ("root",), ("e4s", "root"), ("e4s",), ("e4s", "ml")])
    some = draw(rivals())
    specs = [
        Spec(letter * 32, draw(st.sampled_from(some)), draw(stacks))
        for letter in draw(st.permutations("abcdefghijklmn"))
    ]
    middle = draw(st.integers(0, len(specs)))
    end = draw(st.integers(middle, len(specs)))
    return specs[:middle], specs[middle:end]


@given(gone_and_come())
@settings(max_examples=400)
def test_as_many_as_possible_are_paired_at_each_step(sides: tuple[list[Spec], list[Spec]]) -> None:
    olds, news = sides
    pairs, _, _ = pair(olds, news)
    assert all(old.platform == new.platform for old, new in pairs)
    for step in STEPS:
        found = [(old, new) for old, new in pairs if differing(old, new) == step]

        def can_pair(old: Spec, new: Spec, step: set[str] = step) -> bool:
            return old.platform == new.platform and differing(old, new) <= step

        assert len(found) == most_pairs(olds, news, can_pair), step
        olds = [old for old in olds if old not in [one for one, _ in found]]
        news = [new for new in news if new not in [other for _, other in found]]


@given(gone_and_come())
def test_every_spec_is_paired_or_left_once_and_what_is_left_admits_no_pair(
    sides: tuple[list[Spec], list[Spec]],
) -> None:
    pairs, old_left, new_left = pair(*sides)
    for side, left, paired in (
        (sides[0], old_left, [old for old, _ in pairs]),
        (sides[1], new_left, [new for _, new in pairs]),
    ):
        assert sorted(one.hash for one in side) == sorted(one.hash for one in [*left, *paired])
        assert left == sorted(left, key=lambda one: one.hash)
    assert not {one.platform for one in old_left} & {one.platform for one in new_left}


@given(gone_and_come(), st.randoms(use_true_random=False))
def test_neither_order_nor_direction_matters(
    sides: tuple[list[Spec], list[Spec]], random: object
) -> None:
    olds, news = sides
    pairs, old_left, new_left = pair(olds, news)
    shuffled = [sorted(side, key=lambda _: random.random()) for side in sides]  # type: ignore[attr-defined]
    again, *left_again = pair(*shuffled)
    assert set(again) == set(pairs)
    assert left_again == [old_left, new_left]
    back, *left_back = pair(news, olds)
    assert {(old, new) for new, old in back} == set(pairs)
    assert left_back == [new_left, old_left]


CASES: dict[str, tuple[list[Spec], list[Spec], str]] = {
    "nothing": ([], [], ""),
    "the same build with a new hash": ([spec("a")], [spec("b")], "ab"),
    "never across platforms": ([spec("a")], [spec("b", platform="darwin")], ""),
    "an equal build before a nearer hash": (
        [spec("a")],
        [spec("b", "1.1"), spec("z")],
        "az",
    ),
    "versions equal in another spelling are the same build": (
        [spec("a", "2_0"), spec("b", "3.0")],
        [spec("x", "2.00"), spec("y", "2.1")],
        "ax by",
    ),
    "a version before a compiler": (
        [spec("a")],
        [spec("x", compiler="gcc@12.1.0"), spec("y", "1.1")],
        "ay",
    ),
    "a compiler before a variant": (
        [spec("a")],
        [spec("x", variants="~shared"), spec("y", compiler="gcc@12.1.0")],
        "ay",
    ),
    "a variant before an operating system": (
        [spec("a")],
        [spec("x", os="rhel8"), spec("y", variants="~shared")],
        "ay",
    ),
    "one aspect before two": (
        [spec("a")],
        [spec("x", "1.1", "gcc@12.1.0"), spec("y", os="rhel8", target="zen4")],
        "ay",
    ),
    "two aspects before three": (
        [spec("a")],
        [spec("x", "1.1", "gcc@12.1.0", os="rhel8"), spec("y", variants="~shared", os="rhel8")],
        "ay",
    ),
    "everything may differ, but the platform": (
        [spec("a")],
        [spec("x", "2.0", "llvm@15.0.0", os="rhel8", target="zen4", variants="~shared")],
        "ax",
    ),
    "same stacks first": (
        [spec("a", stacks="e4s"), spec("b", stacks="ml")],
        [spec("x", stacks="ml"), spec("y", stacks="e4s")],
        "ay bx",
    ),
    "same stacks apart from root": (
        [spec("a", stacks="e4s"), spec("b", stacks="ml root")],
        [spec("x", stacks="ml"), spec("y", stacks="e4s root")],
        "ay bx",
    ),
    "same stacks before the nearest version": (
        [spec("a", "1.0", stacks="e4s")],
        [spec("x", "1.1", stacks="ml"), spec("y", "1.2", stacks="e4s")],
        "ay",
    ),
    "stacks that are unknown do not differ": (
        [spec("a", stacks="e4s")],
        [spec("x", stacks="ml"), spec("y", stacks=None)],
        "ay",
    ),
    "the nearest version": (
        [spec("a", "1.0"), spec("b", "2.0")],
        [spec("x", "2.1"), spec("y", "1.1")],
        "ay bx",
    ),
    "the nearest version, counted in versions": (
        [spec("a", "1.0"), spec("b", "1.1"), spec("c", "9.0")],
        [spec("w", "1.1"), spec("x", "1.0"), spec("y", "10.0")],
        "ax bw cy",
    ),
    "the newer of two that are as near": (
        [spec("a", "1.1")],
        [spec("x", "1.0"), spec("y", "1.2")],
        "ay",
    ),
    "the newer of two that are as near, backwards": (
        [spec("a", "1.0"), spec("b", "1.2")],
        [spec("x", "1.1")],
        "bx",
    ),
    "hash order": ([spec("b"), spec("a")], [spec("y"), spec("x"), spec("z")], "ax by"),
    "the same compiler at another version before another compiler": (
        [spec("a", compiler="gcc@11.4.0"), spec("b", compiler="llvm@15.0.0")],
        [spec("x", compiler="llvm@16.0.0"), spec("y", compiler="gcc@12.1.0")],
        "ay bx",
    ),
    "an unknown compiler is any compiler": (
        [spec("a", compiler=None)],
        [spec("x", "1.1", None), spec("y", compiler="gcc@11.4.0")],
        "ay",
    ),
    "an equal compiler before an unknown one": (
        [spec("a")],
        [spec("x", compiler=None), spec("y")],
        "ay",
    ),
    "an unknown compiler leaves a known one its only partner": (
        [spec("a", compiler=None), spec("b")],
        [spec("x"), spec("y", compiler="gcc@12.1.0")],
        "ay bx",
    ),
    "two unknown compilers do not cost two known ones their partners": (
        [spec("a", compiler=None), spec("b")],
        [spec("x", compiler=None), spec("y", compiler="gcc@12.1.0")],
        "ay bx",
    ),
    "two unknown compilers before a known one, where that costs nothing": (
        [spec("a"), spec("b", compiler=None)],
        [spec("x", compiler=None)],
        "bx",
    ),
    "copies of unknown ones are spared too": (
        [spec("a"), spec("b", compiler=None), spec("c", compiler=None)],
        [spec("x", compiler=None), spec("y", compiler=None), spec("z", compiler="gcc@12.1.0")],
        "ay bx cz",
    ),
    "as many unknown ones among themselves as can be spared": (
        [spec("a"), spec("b", compiler=None), spec("c", compiler=None, stacks="ml")],
        [spec("w", compiler=None, stacks="ml"), spec("x", compiler=None)],
        "bx cw",
    ),
    "every build with the sibling that is nearest in variants": (
        [spec("a", variants="+shared +mpi"), spec("b", variants="~shared ~mpi")],
        [spec("x", variants="~shared ~mpi +java"), spec("y", variants="+shared +mpi +java")],
        "ay bx",
    ),
    "nearest in variants before same stacks": (
        [spec("a", variants="+shared +mpi", stacks="e4s"), spec("b", variants="~shared ~mpi")],
        [
            spec("x", variants="~shared ~mpi +java", stacks="e4s"),
            spec("y", variants="+shared +mpi +java", stacks="ml"),
        ],
        "ay bx",
    ),
    "an operating system alone before one with its target": (
        [spec("a", target="zen4"), spec("b", target="x86_64_v3")],
        [spec("x", os="rhel8", target="x86_64_v3"), spec("y", os="rhel8", target="zen4")],
        "ay bx",
    ),
}


@pytest.mark.parametrize(("olds", "news", "expected"), CASES.values(), ids=CASES)
def test_the_most_alike_are_paired(olds: list[Spec], news: list[Spec], expected: str) -> None:
    assert letters(pair(olds, news)[0]) == expected
    assert letters((old, new) for new, old in pair(news, olds)[0]) == expected


PRIMES = {"a": 10_007, "b": 5_003}


def with_variants(names: Iterable[str], number: int, tag: str, **build: str) -> Iterable[Spec]:
    """Specs that all differ in their variants; each has the variants in `names` too."""
    for index in range(number):
        bits = [f"v{bit}={index >> bit & 1}" for bit in range(12)]
        yield Spec(
            # No order in common: the remainders are of another prime for every tag.
            f"{tag}{index * 7919 % PRIMES[tag[0]]:06}",
            Build(
                package="hdf5",
                version=Version(build.get("version", "1.0")),
                compiler=build.get("compiler", "gcc@11.4.0"),
                platform="linux",
                os=build.get("os", "rhel8"),
                target="zen4",
                variants=tuple(sorted([*bits, *names])),
            ),
            ("e4s", "root"),
        )


@pytest.mark.parametrize("number", [10, 1_000], ids=["few", "too many to weigh each against each"])
def test_a_recipe_that_gains_a_variant_pairs_each_build_with_its_own_sibling(number: int) -> None:
    olds = list(with_variants([], number, "a"))
    news = list(with_variants(["+java"], number, "b"))
    pairs, _, _ = pair(olds, news)
    assert len(pairs) == number
    assert all({*new.variants} - {*old.variants} == {"+java"} for old, new in pairs)


def one_group() -> tuple[list[Spec], list[Spec]]:
    return list(with_variants([], 5_000, "a")), list(with_variants(["+java"], 5_000, "b"))


def groups_as_large_as_are_weighed() -> tuple[list[Spec], list[Spec]]:
    sides: tuple[list[Spec], list[Spec]] = [], []
    for group in range(8):
        for side, names in zip(sides, ([], ["+java"]), strict=True):
            tag = f"{'ab'[bool(names)]}{group}"
            side.extend(with_variants(names, 223, tag, os=f"os{group}"))
    return sides


def everything_differs() -> tuple[list[Spec], list[Spec]]:
    sides: tuple[list[Spec], list[Spec]] = [], []
    for group in range(8):
        for side, name in zip(sides, "ab", strict=True):
            side.extend(
                with_variants(
                    [f"+{name}"],
                    223,
                    f"{name}{group}",
                    os=f"{name}{group}",
                    version=f"{group}.{name}",
                    compiler=f"gcc@{name}",
                )
            )
    return sides


def copies() -> tuple[list[Spec], list[Spec]]:
    build = spec("a").build
    return (
        [Spec(f"a{number:06}", build, (f"old{number}",)) for number in range(3_000)],
        [Spec(f"b{number:06}", build, (f"new{number}",)) for number in range(3_000)],
    )


@pytest.mark.parametrize(
    "sides", [one_group, groups_as_large_as_are_weighed, everything_differs, copies]
)
def test_thousands_of_specs_of_one_package_are_paired_in_seconds(
    sides: Callable[[], tuple[list[Spec], list[Spec]]],
) -> None:
    olds, news = sides()
    start = time.process_time()
    pairs, _, _ = pair(olds, news)
    assert len(pairs) == len(olds)
    assert time.process_time() - start < 10
    assert not {old.hash for old, new in pairs} & {new.hash for old, new in pairs}


def test_steps_are_all_that_can_differ() -> None:
    aspects = ("version", "compiler", "variants", "system")
    every = [
        {aspect for aspect, differs in zip(aspects, choice, strict=True) if differs}
        for choice in product([False, True], repeat=len(aspects))
    ]
    assert sorted(map(sorted, STEPS)) == sorted(map(sorted, every))
    assert [len(step) for step in STEPS] == sorted(len(step) for step in every)
