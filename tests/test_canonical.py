"""Canonical values: one spelling, whatever was found."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cachediff.model.canonical import (
    COMPILER_NAMES,
    FLAGS,
    canonical_compiler,
    canonical_stacks,
    canonical_variants,
)

# Texts made of what the functions look for, besides any text at all.
hostile = st.text() | st.text("ab0+~-:=,@'\" \n", max_size=12)
assignments = st.builds(
    "{}{}{}".format,
    st.sampled_from(["patches", "cflags", "x"]),
    st.sampled_from(["=", "==", ":=", ":=="]),
    st.text("abc,=:'\" ", max_size=8),
)


@pytest.mark.parametrize(
    ("found", "canonical"),
    [
        (None, None),
        ("", None),
        (" ", None),
        ("none", None),
        ("None", None),
        ("NONE", None),
        ("gcc@=11.4.0", "gcc@11.4.0"),
        ("gcc@11.4.0", "gcc@11.4.0"),
        (" gcc@11.4.0\n", "gcc@11.4.0"),
        ("gcc", "gcc"),
        ("oneapi@=2024.2.1", "intel-oneapi-compilers@2024.2.1"),
        ("intel-oneapi-compilers@2024.2.1", "intel-oneapi-compilers@2024.2.1"),
        ("clang@=15.0.7", "llvm@15.0.7"),
        ("clang", "llvm"),
        ("rocmcc@=6.2.4", "llvm-amdgpu@6.2.4"),
        ("intel@=2021.10.0", "intel-oneapi-compilers-classic@2021.10.0"),
        ("arm@=24.10", "acfl@24.10"),
        ("apple-clang@=16.0.0", "apple-clang@16.0.0"),
        ("nvhpc@=24.11", "nvhpc@24.11"),
        ("cce@=18.0.0", "cce@18.0.0"),
        ("xl@=16.1", "xl@16.1"),
        ("none-such@=1.0", "none-such@1.0"),
        ("gcc@=develop=13", "gcc@develop=13"),
    ],
)
def test_compilers(found: str | None, canonical: str | None) -> None:
    assert canonical_compiler(found) == canonical


def test_no_new_name_of_a_compiler_is_an_old_one() -> None:
    assert COMPILER_NAMES.keys().isdisjoint(COMPILER_NAMES.values())


@pytest.mark.parametrize(
    ("found", "canonical"),
    [
        ("+cuda", "+cuda"),
        ("~cuda", "~cuda"),
        ("-cuda", "~cuda"),
        ("-build-type", "~build-type"),
        ("++cuda", "++cuda"),
        ("--cuda", "~~cuda"),
        ("~~cuda", "~~cuda"),
        ("build_type=Release", "build_type=Release"),
        ("build_type==Release", "build_type==Release"),
        ("build_type:=Release", "build_type=Release"),
        ("build_type:==Release", "build_type==Release"),
        ("amdgpu_target:=gfx90a", "amdgpu_target=gfx90a"),
        # Lists are sets
        ("patches=b,a", "patches=a,b"),
        ("patches:=b,a", "patches=a,b"),
        ("patches==b,a,b", "patches==a,b"),
        ("patches:=ad23cca,b56ee82", "patches=ad23cca,b56ee82"),
        ("languages=fortran,c++,c", "languages=c,c++,fortran"),
        ("cuda_arch=90,80,9", "cuda_arch=80,9,90"),
        ("definitions=B=1,A=2", "definitions=A=2,B=1"),
        # A text is not
        ("languages='fortran,c'", "languages='fortran,c'"),
        ("languages:='fortran,c'", "languages='fortran,c'"),
        ('x="b,a"', 'x="b,a"'),
        ('x=c,"b,a"', 'x=c,"b,a"'),
        ("title=world, hello", "title=world, hello"),
        ("x=b,,a", "x=b,,a"),
        ("x=b,=a", "x=b,=a"),
        ("x===b,0", "x===b,0"),
        ("x:=b\na", "x=b\na"),
        ("x=", "x="),
        ("x:=", "x="),
        ("x=a:=b", "x=a:=b"),
        # Flags have an order
        ('cflags="-O3 -g"', 'cflags="-O3 -g"'),
        ("cflags:=-O3", "cflags=-O3"),
        ("cxxflags=-DX=2,1", "cxxflags=-DX=2,1"),
        ("ldflags==-Wl,-z,-a", "ldflags==-Wl,-z,-a"),
        # Neither a switch nor an assignment
        ("", ""),
        ("-", "-"),
        ("---cuda", "---cuda"),
        ("-O3 -g", "-O3 -g"),
        ("b,a", "b,a"),
        ("=b,a", "=b,a"),
        ("+x:=y", "+x:=y"),
        ("x=\nb,a", "x=\nb,a"),
        ("-cuda\n", "-cuda\n"),
    ],
)
def test_variants(found: str, canonical: str) -> None:
    assert canonical_variants([found]) == (canonical,)


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_the_order_of_flags_is_kept(flag: str) -> None:
    assert canonical_variants([f"{flag}:=-Wl,-b,-a"]) == (f"{flag}=-Wl,-b,-a",)


def test_variants_are_sorted_and_each_there_once() -> None:
    found = ["~mpi", "x:=b,a", "+shared", "-mpi", "x=a,b", "x==a,b", "build_system=cmake"]
    assert canonical_variants(found) == (
        "+shared",
        "build_system=cmake",
        "x==a,b",
        "x=a,b",
        "~mpi",
    )
    assert canonical_variants([]) == ()


def test_stacks_are_sorted_and_each_there_once() -> None:
    assert canonical_stacks(["root", "e4s", "root", "E4S"]) == ("E4S", "e4s", "root")
    assert canonical_stacks([]) == ()


@given(hostile | st.builds("{}@{}".format, st.sampled_from(sorted(COMPILER_NAMES)), hostile))
@example("gcc@==1")
@example("@=")
def test_compilers_are_canonical_once_and_for_all(found: str) -> None:
    canonical = canonical_compiler(found)
    assert canonical_compiler(canonical) == canonical


@given(st.lists(hostile | assignments), st.randoms(use_true_random=False))
@example(["x=c,=b,a"], random.Random(0))
def test_variants_are_canonical_once_and_for_all(found: list[str], shuffler: random.Random) -> None:
    canonical = canonical_variants(found)
    assert canonical_variants(canonical) == canonical
    assert canonical_variants(shuffler.sample(found * 2, len(found) * 2)) == canonical


@given(st.lists(st.from_regex(r"[a-z0-9+=]{1,4}", fullmatch=True), min_size=1))
def test_the_order_of_a_list_does_not_matter(members: list[str]) -> None:
    members = ["x" + member for member in members]
    (canonical,) = canonical_variants([f"patches:={','.join(members)}"])
    assert canonical == f"patches={','.join(sorted(set(members)))}"


@given(st.lists(hostile), st.randoms(use_true_random=False))
def test_stacks_are_canonical_once_and_for_all(found: list[str], shuffler: random.Random) -> None:
    canonical = canonical_stacks(found)
    assert canonical_stacks(canonical) == canonical
    assert canonical_stacks(shuffler.sample(found * 2, len(found) * 2)) == canonical
