"""Which changes are told: comparing comes first, so that a selection never makes a removal."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediff.comparing import check_selection, compare, select, unmatched
from cachediff.errors import UsageError
from cachediff.model.change import Change, ChangeKind
from cachediff.model.comparison import (
    Comparison,
    CoverageTotals,
    PackageCounts,
    PackageStatus,
    SpecCounts,
)
from cachediff.model.selection import Selection
from cachediff.model.snapshot import Origin, Totals
from cachediff.model.spec import Spec
from strategies import Pages, collections, manifest, spec, unreadable

OLD = Origin("cache", "develop-2025-04-20")
NEW = Origin("cache", "develop")


def cmake(letter: str, version: str = "3.30", **fields: str) -> Spec:
    return spec(letter, version, package="cmake", **fields)


PAGES: list[Pages] = [
    (
        manifest(
            spec("a", "1.14.3", stacks="e4s ml root"),
            spec("b", "1.12.2", None, stacks="ml root"),
            spec("c", "1.14.3", os="rhel8", target="zen4", stacks="e4s root"),
            spec("d", "1.10.0", platform="darwin", stacks="radiuss root"),
        ),
        manifest(
            spec("m", "1.14.5", stacks="e4s ml root"),
            spec("b", "1.12.2", None, stacks="e4s ml root"),
            spec("n", "1.14.3", os="rhel8", target="zen4", stacks="e4s root"),
        ),
    ),
    (
        manifest(cmake("e", compiler="intel-oneapi-compilers@2024.2.1"), package="cmake"),
        manifest(cmake("o", compiler="llvm@15.0.0", stacks="ml root"), package="cmake"),
    ),
    (None, manifest(spec("p", "5.3.0", package="py-numpy", stacks="radiuss"), package="py-numpy")),
    (manifest(spec("q", package="zlib"), package="zlib"), unreadable("zlib")),
    (manifest(spec("r", package="bats"), package="bats"),) * 2,
]
WHOLE = compare(OLD, NEW, PAGES, Totals())
"""
hdf5: a -> m upgraded, b restacked, c -> n rebuilt, d removed; cmake: e -> o changed, out of e4s into ml;
py-numpy: p added; zlib: unknown; bats: unchanged.
"""


def told(comparison: Comparison) -> str:
    """The packages that are unknown by name, the changes by the letters of their hashes."""
    unknown = [p.package for p in comparison.packages if p.status is PackageStatus.UNKNOWN]
    changes = [
        "".join(side.hash[0] for side in (change.old, change.new) if side)
        for package in comparison.packages
        for change in package.changes
    ]
    return " ".join([*unknown, *sorted(changes)])


SELECTIONS: dict[str, tuple[Selection, str]] = {
    "everything": (Selection(), "zlib am bb cn d eo p"),
    "a package": (Selection(specs=("hdf5",)), "am bb cn d"),
    "a glob of packages": (Selection(specs=("py-*",)), "p"),
    "several": (Selection(specs=("py-*", "cmake")), "eo p"),
    "every package": (Selection(specs=("*",)), "zlib am bb cn d eo p"),
    "a version": (Selection(specs=("hdf5@1.14.3",)), "am cn"),
    "a version that only the new side has": (Selection(specs=("hdf5@1.14.5",)), "am"),
    "a glob of versions": (Selection(specs=("hdf5@1.1[02]*",)), "bb d"),
    "exactly a version": (Selection(specs=("hdf5@=1.10.0",)), "d"),
    "a version of any package": (Selection(specs=("*@3.30",)), "zlib eo"),
    "an unknown package, whatever its version": (Selection(specs=("zlib@9",)), "zlib"),
    "a name that is only part of one": (Selection(specs=("hdf",)), ""),
    "a name in other letters": (Selection(specs=("HDF5",)), ""),
    "an unchanged package": (Selection(specs=("bats",)), ""),
    "a hash, which may be in what could not be read": (
        Selection(specs=("/" + "a" * 32,)),
        "zlib am",
    ),
    "the beginning of a hash on the new side": (Selection(specs=("/nnn",)), "zlib cn"),
    "a hash that is nowhere": (Selection(specs=("/ab",)), "zlib"),
    "a hash or a package": (Selection(specs=("/p", "cmake")), "zlib eo p"),
    "a stack": (Selection(stacks=("e4s",)), "zlib am bb cn eo"),
    "a stack on the old side, or on the new": (Selection(stacks=("ml",)), "zlib am bb eo"),
    "a glob of stacks": (Selection(stacks=("rad*",)), "zlib d p"),
    "root is never news": (Selection(stacks=("root",)), "zlib"),
    "an os": (Selection(oss=("rhel*",)), "zlib cn"),
    "a target": (Selection(targets=("zen4",)), "zlib cn"),
    "a compiler by its name": (Selection(compilers=("gcc",)), "zlib am cn d p"),
    "a compiler by name and version": (Selection(compilers=("gcc@11.4.0",)), "zlib am cn d p"),
    "a compiler in another spelling": (Selection(compilers=("gcc@=11.4.0",)), "zlib am cn d p"),
    "a glob of compilers": (Selection(compilers=("gcc@12*", "llvm@*")), "zlib eo"),
    "a compiler by its old name": (Selection(compilers=("oneapi",)), "zlib eo"),
    "a compiler on the new side, by its old name": (Selection(compilers=("clang@15*",)), "zlib eo"),
    "compilers that are unknown": (Selection(compilers=("none",)), "zlib bb"),
    "a kind": (Selection(kinds=("removed",)), "zlib d"),
    "a glob of kinds": (Selection(kinds=("re*",)), "zlib bb cn d"),
    "several kinds": (Selection(kinds=("added", "changed")), "zlib eo p"),
    "several options, all of which have to match": (
        Selection(specs=("hdf5",), stacks=("ml",), kinds=("up*", "rebuilt")),
        "am",
    ),
    "options that match only on different sides": (
        Selection(compilers=("llvm",), stacks=("e4s",)),
        "zlib",
    ),
}


@pytest.mark.parametrize(("selection", "expected"), SELECTIONS.values(), ids=SELECTIONS)
def test_what_a_selection_tells(selection: Selection, expected: str) -> None:
    check_selection(selection)
    selected = select(WHOLE, selection)
    assert told(selected) == expected
    changes = sum(len(package.changes) for package in selected.packages)
    assert selected.left_out == 6 - changes
    assert selected.selection == selection


def test_the_totals_are_of_what_is_told() -> None:
    selected = select(WHOLE, Selection(stacks=("e4s",), kinds=("upgraded", "changed")))
    assert selected.package_counts == PackageCounts(changed=2, unchanged=1, unknown=1)
    assert selected.spec_counts == SpecCounts(upgraded=1, changed=1, unchanged=1, unknown=(1, 0))
    assert selected.stacks == {"e4s": CoverageTotals((4, 4), (3, 2), (), ("cmake",))}
    assert (selected.old, selected.new) == (WHOLE.old, WHOLE.new)
    only_hdf5 = select(WHOLE, Selection(specs=("hdf5",)))
    assert only_hdf5.package_counts == PackageCounts(changed=1, unchanged=1, unknown=1)
    assert only_hdf5.stacks == {"radiuss": CoverageTotals((1, 1), (1, 1), (), ("hdf5",))}


def values(comparison: Comparison) -> dict[str, str]:
    """The values that are covered, by field, in order; `+` and `-` for packages gained and lost."""
    return {
        field: " ".join(
            value + "+" * len(totals.packages_gained) + "-" * len(totals.packages_lost)
            for value, totals in coverage.items()
        )
        for field, coverage in comparison.coverage.items()
    }


def test_coverage_is_of_what_is_told() -> None:
    assert values(WHOLE) == {
        "platform": "darwin- linux+",
        "os": "rhel8 ubuntu22.04+",
        "target": "x86_64_v3+ zen4",
        "compiler": "gcc@11.4.0+ intel-oneapi-compilers@2024.2.1- llvm@15.0.0+ none",
    }
    assert values(select(WHOLE, Selection(specs=("cmake",)))) == {
        "platform": "",
        "os": "",
        "target": "",
        "compiler": "intel-oneapi-compilers@2024.2.1- llvm@15.0.0+",
    }
    chosen = Selection(specs=("hdf5",), oss=("rhel*",), targets=("zen4",), compilers=("gcc",))
    selected = select(WHOLE, chosen)
    assert values(selected) == {
        "platform": "darwin-",
        "os": "rhel8",
        "target": "zen4",
        "compiler": "gcc@11.4.0",
    }
    assert selected.coverage["target"]["zen4"] == WHOLE.coverage["target"]["zen4"]
    assert values(select(WHOLE, Selection(compilers=("none", "clang"))))["compiler"] == (
        "llvm@15.0.0+ none"
    )


def test_what_nothing_matches_is_named() -> None:
    selection = Selection(specs=("hdf5", "hdf6@1.*", "py-*", "/abc"), stacks=("e4s", "e5s"))
    assert unmatched(selection, ["hdf5", "py-numpy"], ["e4s"]) == [
        ("package", "hdf6"),
        ("stack", "e5s"),
    ]
    assert unmatched(selection, [], []) != []


def test_a_change_that_is_told_is_told_whole() -> None:
    (package,) = select(WHOLE, Selection(specs=("hdf5",), kinds=("upgraded",))).packages
    (whole,) = [package for package in WHOLE.packages if package.package == "hdf5"]
    upgrades = tuple(change for change in whole.changes if change.kind is ChangeKind.UPGRADED)
    # b joined e4s and d left radiuss, which is no part of an upgrade.
    assert (whole.stacks_left, whole.stacks_joined) == (("radiuss",), ())
    assert package == msgspec.structs.replace(whole, changes=upgrades, stacks_left=())


def test_of_the_stacks_that_a_package_left_those_are_told_that_are_selected() -> None:
    def left(**selected: tuple[str, ...]) -> tuple[str, ...]:
        told = select(WHOLE, Selection(specs=("hdf5",), **selected)).packages
        return told[0].stacks_left

    assert left() == left(stacks=("rad*", "e4s")) == left(kinds=("removed",)) == ("radiuss",)
    assert left(stacks=("e4s",)) == left(targets=("zen4",)) == left(kinds=("rebuilt",)) == ()


selections = st.builds(
    Selection,
    specs=st.sampled_from([(), ("*",), ("hdf5",), ("*@1.*", "bats"), ("/b",)]),
    stacks=st.sampled_from([(), ("*",), ("e4s",), ("m*",)]),
    oss=st.sampled_from([(), ("rhel8",)]),
    targets=st.sampled_from([(), ("zen4",)]),
    compilers=st.sampled_from([(), ("gcc",), ("none",)]),
    kinds=st.sampled_from([(), ("re*",), ("added", "upgraded"), ("changed",)]),
)


@given(collections(), selections)
def test_changes_are_told_or_counted_as_left_out(pages: list[Pages], selection: Selection) -> None:
    whole = compare(OLD, NEW, pages, Totals())
    selected = select(whole, selection)

    def changes(comparison: Comparison) -> list[Change]:
        return [change for package in comparison.packages for change in package.changes]

    everything = changes(whole)
    assert all(change in everything for change in changes(selected))
    assert len(changes(selected)) + selected.left_out == len(everything)
    kinds = Counter(change.kind.value for change in changes(selected))
    assert selected.spec_counts == SpecCounts(
        **kinds, unchanged=whole.spec_counts.unchanged, unknown=whole.spec_counts.unknown
    )
    assert select(whole, Selection()) == whole
    assert changes(select(whole, Selection(specs=("*",)))) == everything


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(kinds=("updated",)), "there is no kind 'updated'"),
        (Selection(kinds=("added", "Removed")), "there is no kind 'Removed'"),
        (Selection(stacks=("e4s", "")), "a pattern is empty"),
        (Selection(specs=("",)), "a pattern is empty"),
        (Selection(specs=("/",)), "'/' cannot select specs"),
        (Selection(specs=("/abc1",)), "'/abc1' cannot select specs"),
        (Selection(specs=("/" + "a" * 33,)), f"'/{'a' * 33}' cannot select specs"),
        (Selection(specs=("hdf5@",)), "'hdf5@' cannot select specs"),
        (Selection(specs=("@1.14",)), "'@1.14' cannot select specs"),
        (Selection(specs=("hdf5@1.12:",)), "'hdf5@1.12:' cannot select specs"),
        (Selection(specs=("hdf5+mpi",)), "'hdf5+mpi' cannot select specs"),
        (Selection(specs=("hdf5~mpi",)), "'hdf5~mpi' cannot select specs"),
        (Selection(specs=("hdf5%gcc",)), "'hdf5%gcc' cannot select specs"),
        (Selection(specs=("hdf5@1.14 %gcc",)), "'hdf5@1.14 %gcc' cannot select specs"),
        (Selection(specs=("hdf5/abcd",)), "'hdf5/abcd' cannot select specs"),
    ],
    ids=str,
)
def test_what_can_never_select_anything_is_refused(selection: Selection, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_selection(selection)
    assert refused.value.message == message
    assert refused.value.hint
