"""Spack's order of versions.

The cases marked "Spack" are those of its own `lib/spack/spack/test/versions.py`.
"""

from __future__ import annotations

import copy
import itertools
import operator
import pickle
import random
import sys

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cachediff.model.spec import Build
from cachediff.model.version import Version

COMMIT = "0123456789abcdef0123456789abcdef01234567"

ASCENDING = [
    # Spack: test_two_segments, test_three_segments, test_close_numbers, test_date_stamps
    ["1.0", "2.0", "2.0.1"],
    ["4.999.9", "5.0"],
    ["20101121", "20101122"],
    # Spack: test_develop
    ["1.0", "1.1", "1.develop", "2.1", "develop"],
    ["0.5", "0.5.develop"],
    ["1.develop.1", "1.develop.2"],
    ["develop.1", "develop.2"],
    ["system", "9.0", "stable", "trunk", "head", "master", "main", "develop", "develop.local"],
    ["mydevelopmentnightmare", "1.1"],
    ["1.mydevelopmentnightmare", "1.1"],
    # Spack: test_alpha: only the whole words are prereleases
    ["2.0.1", "2.0.1a"],
    # Spack: test_patch, test_nums_and_patch
    ["5.5p1", "5.5p2", "5.5p10", "5.6p1", "6.5p1"],
    # Spack: test_num_alpha_with_no_separator, test_alpha_with_dots
    ["10xyz", "10.1xyz"],
    ["xyz10", "xyz10.1"],
    ["xyz.4", "2", "8"],
    # Spack: test_prereleases
    [
        *(f"6.0{word}{number}" for word in ("alpha", "beta", "rc") for number in ("", 0, 1, 2)),
        "6.0",
    ],
    # Spack: test_alpha_beta, test_double_alpha: not prereleases, but words like any other
    ["10a1", "10a2", "10b2"],
    ["1.0a", "1.0aa"],
    # Spack: test_padded_numbers, test_rpm_oddities
    ["10.0001", "10.0039"],
    ["1b.fc17", "1.fc17", "1g.fc17"],
    # Spack: test_total_order_versions_and_ranges: a git version comes right after its version
    ["1.1", "git.develop=1.1", "1.2rc1", "1.2", "git.bar=1.2", "git.foo=1.2", "1.2.0", "1.3"],
    # Prereleases are so at the end only, and sort after everything that is less than their release
    ["1.1.9", "1.2alpha", "1.2beta", "1.2rc1", "1.2", "1.2.rc.1.1", "1.2.1rc1", "1.2.1"],
    ["1.1", "1.2-rc.9", "1.2-rc.10", "1.2", "1.2final1", "1.2.0"],
    ["", "alpha", "rc1", "0"],
    # Numbers above words, infinities above numbers, wherever they stand; words by code point
    ["1.2", "1.2.Z", "1.2.a", "1.2.b", "1.2.0", "1.2.99", "1.2.stable", "1.2.develop", "1.3"],
    ["Develop", "developer", "mainline", "0"],
    ["1.2.3", "1.2.3a", "1.2.3.0"],
    ["fow", "fow_2021", "fow_2021_01", "fow_2021_01_01", "fow_2021_02", "2021"],
    ["r0b", "r10a", "0"],
    ["", "a", "0", "0.0"],
    # Git refs
    ["1.2", f"{COMMIT}=1.2", "git.main=1.2", "1.3", "main", "git.main=main"],
    ["1.2", "foo=1.2", "1.2.0"],
    ["alpha", "0", COMMIT, "git.a", "git.b", "0.0", "0.1"],
    # As found in the build cache
    ["5.4.0", "6.2.4", "6.3.2", "23.10_gcc-12.2", "24.04", "2023.08.25"],
    ["9e", "9f"],
    ["2.4.3-cuda11", "2.4.3-cuda12", "2.4.3-1"],
    # More digits than `int` accepts
    ["1", "9" * 4_299, "8" * 5_000, "9" * 5_000, "1" + "0" * 5_000, "develop"],
    # Not versions at all
    ["1.2", "1.2 3", "1.2+cuda", "1.2é", "1.2.0"],
    ["\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT ONE}", "\ud800", "1"],
]

EQUAL = [
    # Spack: test_two_segments, test_develop
    ["1.0", "1.0"],
    ["develop.local", "develop.local"],
    # Spack: test_underscores, test_padded_numbers
    ["2.0", "2_0", "2-0"],
    ["10.0001", "10.1"],
    # Spack's separators are nothing but the end of a segment
    ["1.2b", "1.2.b", "1-2_b", "1.2.b.", "1..2b"],
    ["1.2rc1", "1.2-rc1", "1.2.rc.1", "1.2_rc_01"],
    ["1.2", "1.2final"],
    ["0", "00", "000"],
    ["1" + "0" * 5_000, "01" + "0" * 5_000],
    ["", "-", "  "],
    ["1.2", "=1.2", "@=1.2", " 1.2\n"],
    ["git.foo=1.2", "git.foo=1_02", "foo=1.2", "=git.foo=1.2"],
    [COMMIT, f"git.{COMMIT}", f"{COMMIT}=0"],
]

COMPARISONS = [operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge]

words = st.sampled_from(
    ["a", "b", "p", "fc", "alpha", "beta", "rc", "final", "stable", "main", "develop", "Main", "é+"]
)
numbers = st.integers(0, 12).map(str) | st.from_regex(r"0{0,2}[0-9]{1,40}", fullmatch=True)
segments = st.lists(words | numbers, max_size=5)
separators = st.text("._-", min_size=1, max_size=2)


@st.composite
def plain_texts(draw: st.DrawFn) -> str:
    return "".join(s + draw(separators | st.just("")) for s in draw(segments))


texts = st.one_of(
    plain_texts(),
    st.builds("{}{}={}".format, st.sampled_from(["", "git."]), plain_texts(), plain_texts()),
    st.sampled_from([COMMIT, "git.main", "=1.2"]),
    st.text(max_size=6),
    st.text("01ar.-=@ é", max_size=6),
)


@pytest.mark.parametrize("ascending", ASCENDING, ids=lambda row: f"{row[0][:9]}..{row[-1][:9]}")
def test_order(ascending: list[str]) -> None:
    for lower, higher in itertools.combinations(map(Version, ascending), 2):
        outcome = [compare(lower, higher) for compare in COMPARISONS]
        assert outcome == [True, True, False, True, False, False], (lower, higher)
        outcome = [compare(higher, lower) for compare in COMPARISONS]
        assert outcome == [False, False, False, True, True, True], (lower, higher)


@pytest.mark.parametrize("equal", EQUAL, ids=lambda row: row[0][:9])
def test_equality(equal: list[str]) -> None:
    for one, other in itertools.product(map(Version, equal), repeat=2):
        outcome = [compare(one, other) for compare in COMPARISONS]
        assert outcome == [False, True, True, False, False, True], (one, other)
        assert hash(one) == hash(other)


def test_a_git_version_is_not_the_version_that_it_is_said_to_be() -> None:
    assert len({Version("1.2"), Version("git.main=1.2"), Version(f"{COMMIT}=1.2")}) == 3
    assert Version("git.a_b=1.2") != Version("git.a.b=1.2"), "separators do matter in a ref"


@given(texts, texts, texts)
def test_the_order_is_total_and_agrees_with_equality_and_hash(a: str, b: str, c: str) -> None:
    low, middle, high = sorted(map(Version, (a, b, c)))
    assert low <= middle <= high
    assert low <= high
    for one, other in itertools.product((low, middle, high), repeat=2):
        assert (one < other) + (one == other) + (one > other) == 1
        assert (one <= other) == (one < other or one == other)
        assert (one >= other) == (other <= one)
        assert (one != other) == (not one == other)  # noqa: SIM201
        if one == other:
            assert hash(one) == hash(other)
    assert (low == high) == (low == middle == high)


@given(st.lists(texts, max_size=12), st.randoms(use_true_random=False))
def test_sorting_does_not_depend_on_the_order_of_the_input(
    found: list[str], shuffler: random.Random
) -> None:
    shuffled = shuffler.sample(found, len(found))
    assert sorted(map(Version, found)) == sorted(map(Version, shuffled))


@given(st.lists(st.integers(0), min_size=1), st.lists(st.integers(0), min_size=1))
def test_numeric_versions_are_ordered_as_their_numbers(a: list[int], b: list[int]) -> None:
    one, other = (Version(".".join(map(str, numbers))) for numbers in (a, b))
    assert [compare(one, other) for compare in COMPARISONS] == [
        compare(a, b) for compare in COMPARISONS
    ]


@given(st.integers(0), st.integers(0), st.integers(0, 4_000), st.integers(0, 4_000))
def test_digits_beyond_the_limit_of_int(a: int, b: int, zeros_a: int, zeros_b: int) -> None:
    limit = sys.get_int_max_str_digits()
    one = Version(f"{a}{'0' * limit}{'0' * zeros_a}")
    other = Version(f"{b}{'0' * limit}{'0' * zeros_b}")
    assert (one < other) == (a * 10**zeros_a < b * 10**zeros_b)
    assert (one == other) == (a * 10**zeros_a == b * 10**zeros_b)


@given(segments, st.data(), texts)
def test_separators_do_not_matter(parts: list[str], data: st.DataObject, other: str) -> None:
    assume(parts)

    def joined() -> Version:
        tail = "".join(data.draw(separators) + part for part in parts[1:])
        return Version(parts[0] + tail)

    one, same = joined(), joined()
    assert one == same
    assert (one < Version(other)) == (same < Version(other))


@given(segments, st.integers(0, 5))
def test_leading_zeros_do_not_matter(parts: list[str], zeros: int) -> None:
    padded = ["0" * zeros + part if part.isdigit() else part for part in parts]
    assert Version(".".join(parts)) == Version(".".join(padded))


@given(segments, st.sampled_from(["a", "0", "develop"]))
def test_a_version_is_less_than_one_that_it_begins(parts: list[str], more: str) -> None:
    text = ".".join(parts)
    assert Version(text) < Version(f"git.main={text}") < Version(f"{text}.{more}")


@given(st.lists(numbers, min_size=1, max_size=4), st.sampled_from(["alpha", "beta", "rc"]))
def test_a_prerelease_is_less_than_its_release(parts: list[str], word: str) -> None:
    text = ".".join(parts)
    assert Version(text + word) < Version(f"{text}{word}0") < Version(f"{text}{word}1")
    assert Version(f"{text}{word}1") < Version(text)


@given(st.text())
@example("=")
@example("@=")
@example("git.")
@example("git.=")
@example("a=b=c")
@example("\x00")
@example("\ud800")
@example("[" * 10_000)
@example("1." * 10_000)
@example("1=" * 10_000)
@example("9" * 100_000)
def test_any_text_is_a_version(text: str) -> None:
    version = Version(text)
    assert str(version) == version.text == text
    assert repr(version) == f"Version({text!r})"
    assert version == Version(text)
    assert hash(version) == hash(Version(text))


@given(texts)
def test_copies_and_pickles_are_equal(text: str) -> None:
    version = Version(text)
    copies = [
        copy.copy(version),
        copy.deepcopy(version),
        *(pickle.loads(pickle.dumps(version, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
    ]
    for made in copies:
        assert (made, hash(made), made.text) == (version, hash(version), text)


def test_it_is_immutable() -> None:
    version = Version("1.2")
    for name in ("text", "_key", "_hash", "another"):
        with pytest.raises(AttributeError):
            setattr(version, name, "1.3")
        with pytest.raises(AttributeError):
            delattr(version, name)
    assert version == Version("1.2")


def test_it_compares_with_versions_only() -> None:
    assert Version("1.2") != "1.2"
    assert not Version("1.2") == "1.2"  # noqa: SIM201
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError):
            compare(Version("1.2"), "1.2")


def test_builds_that_spell_their_version_differently_are_one() -> None:
    def build(version: str) -> Build:
        return Build("hdf5", Version(version), None, "linux", "ubuntu22.04", "x86_64_v3", ())

    assert {build("1.2"), build("1_2")} == {build("1.02")}
    assert build("1.2") != build("1.2.0")
    assert msgspec.structs.replace(build("1.2"), version=Version("1.3")) == build("1.3")
