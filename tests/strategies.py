"""Snapshots in pairs, made by Hypothesis, and single specs, made by hand.

There are few distinct values of everything, so that specs are often alike, and often in more than one
way; every value that means something of its own is there: unknown compilers and stacks, versions that
are equal and spelt differently, packages on one side only, manifests that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from cachediff.model.snapshot import Manifest, Problem
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version

Stacks = tuple[str, ...] | None
Pages = tuple[Manifest | None, Manifest | None]
"""The manifests of one package, old and new."""

KNOWN_STACKS: list[Stacks] = [
    (),
    ("root",),
    ("e4s",),
    ("e4s", "root"),
    ("e4s", "ml", "root"),
    ("ml", "root"),
]

FIELDS = ("version", "compiler", "platform", "os", "target", "variants")


def spec(
    letter: str,
    version: str = "1.0",
    compiler: str | None = "gcc@11.4.0",
    *,
    package: str = "hdf5",
    platform: str = "linux",
    os: str = "ubuntu22.04",
    target: str = "x86_64_v3",
    variants: str = "+shared",
    stacks: str | None = "e4s root",
) -> Spec:
    """A spec whose hash is all one letter; `variants` and `stacks` are apart by spaces."""
    split_stacks = None if stacks is None else tuple(sorted(stacks.split()))
    split_variants = tuple(sorted(variants.split()))
    build = Build(package, Version(version), compiler, platform, os, target, split_variants)
    return Spec(letter * 32, build, split_stacks)


def manifest(*specs: Spec, package: str = "hdf5") -> Manifest:
    """The manifest that lists these specs, in the order given."""
    return Manifest(package, specs)


def unreadable(package: str = "hdf5") -> Manifest:
    """A manifest that could not be read."""
    problem = Problem(f"{package}/specs.md", "record 1: hash: expected `str`")
    return Manifest(package, (), (problem,), readable=False)


def builds(package: str = "hdf5") -> SearchStrategy[Build]:
    """Builds of one package; `1.0` and `1_00` are one version."""
    return st.builds(
        Build,
        package=st.just(package),
        version=st.sampled_from(["1.0", "1_00", "1.1", "2.0", "develop"]).map(Version),
        compiler=st.sampled_from([None, "gcc@11.4.0", "gcc@12.1.0", "llvm@15.0.0"]),
        platform=st.sampled_from(["linux", "linux", "linux", "darwin"]),
        os=st.sampled_from(["ubuntu22.04", "rhel8"]),
        target=st.sampled_from(["x86_64_v3", "x86_64_v3", "zen4"]),
        variants=st.sampled_from([("+shared",), ("+mpi", "+shared"), ("+mpi", "~shared")]),
    )


@st.composite
def rivals(draw: DrawFn, package: str = "hdf5") -> list[Build]:
    """Builds of one package that are alike: each value is that of one of two, or unknown."""
    one, other = draw(builds(package)), draw(builds(package))
    choices = [st.sampled_from([getattr(one, name), getattr(other, name)]) for name in FIELDS]
    choices[FIELDS.index("compiler")] = st.sampled_from([None, one.compiler, other.compiler])
    mixed = st.builds(Build, st.just(package), *choices)
    return draw(st.lists(mixed, min_size=1, max_size=6))


@st.composite
def specs_of_two_sides(
    draw: DrawFn, package: str, stacks: SearchStrategy[Stacks], most: int
) -> tuple[tuple[Spec, ...], tuple[Spec, ...]]:
    """Specs of one package on either side, some hashes on both; in any order."""
    some = draw(rivals(package))
    hashes = draw(st.permutations(ascii_lowercase[:most]))
    sides: tuple[list[Spec], list[Spec]] = [], []
    for letter in hashes[: draw(st.integers(0, most))]:
        hash_, build = (package[0] + letter) * 16, draw(st.sampled_from(some))
        for side in draw(st.sampled_from([(0,), (1,), (0, 1)])):
            sides[side].append(Spec(hash_, build, draw(stacks)))
    old, new = sides
    return tuple(old), tuple(draw(st.permutations(new)))


@st.composite
def collections(
    draw: DrawFn, *, known_stacks: bool = False, most_packages: int = 4, most_specs: int = 10
) -> list[Pages]:
    """The manifests of two snapshots, a package at a time, with the packages in any order.

    No hash is listed by two packages. With `known_stacks` every spec says which stacks it is in.
    """
    stacks = st.sampled_from(KNOWN_STACKS if known_stacks else [None, *KNOWN_STACKS])
    names = draw(st.permutations(["adios2", "bats", "cmake", "dray", "hdf5"]))
    return [
        draw(_pages(package, stacks, most_specs))
        for package in names[: draw(st.integers(0, most_packages))]
    ]


@st.composite
def _pages(draw: DrawFn, package: str, stacks: SearchStrategy[Stacks], most: int) -> Pages:
    old, new = draw(specs_of_two_sides(package, stacks, most))
    fate = draw(st.sampled_from(["changed", "changed", "changed", "equal", "old only", "new only"]))
    if fate == "equal":
        page = draw(_page(package, old))
        return page, page
    if fate == "old only":
        return draw(_page(package, old)), None
    if fate == "new only":
        return None, draw(_page(package, new))
    return draw(_page(package, old)), draw(_page(package, new))


def _page(package: str, specs: Iterable[Spec]) -> SearchStrategy[Manifest]:
    claim = Problem(f"{package}/specs.md", "meta says otherwise")
    read = manifest(*specs, package=package)
    doubted = Manifest(package, read.specs, (claim,))
    return st.sampled_from([read] * 6 + [doubted, unreadable(package)])
