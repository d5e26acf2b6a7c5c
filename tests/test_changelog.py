"""What is said of a comparison: folding, counting, order, and what must not be said."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediff.changelog import arrange
from cachediff.model.change import Change, ChangeKind
from cachediff.model.changelog import (
    Changelog,
    Difference,
    Extent,
    Group,
    PackageTally,
    PairRow,
    PresenceRow,
    Row,
    StackRow,
    StackTally,
    Topic,
    Traits,
    UnknownRow,
)
from cachediff.model.comparison import Merge, PackageComparison, Selection, StackTotals
from cachediff.model.snapshot import Problem
from cachediff.model.version import Version
from report_cases import (
    BOTH,
    CASES,
    added,
    comparison,
    hash_of,
    package,
    pair,
    removed,
    side,
    spec,
)

V1, V2 = Version("1.0"), Version("2.0")
TRAITS = Traits(("gcc@11.4.0",), ("ubuntu22.04",), ("x86_64_v3",))


def rows(changelog: Changelog, topic: Topic) -> tuple[Row, ...]:
    return group(changelog, topic).rows


def group(changelog: Changelog, topic: Topic) -> Group:
    (found,) = [each for each in changelog.groups if each.topic is topic]
    return found


def upgrade(label: str, **new: str) -> Change:
    return pair("upgraded", spec(f"a {label} old"), spec(f"a {label} new", "2.0", **new))  # type: ignore[arg-type]


FOLDS: dict[str, tuple[PackageComparison, Topic, list[Row]]] = {
    "specs that differ in nothing but their hash are one row": (
        package("a", *[upgrade(f"{n}") for n in range(3)]),
        Topic.UPGRADED,
        [PairRow("a", V1, V2, 3, ("e4s",))],
    ),
    "an upgrade whose old version keeps other builds says so": (
        package("a", upgrade("x"), kept=("1.0",)),
        Topic.UPGRADED,
        [PairRow("a", V1, V2, 1, ("e4s",), old_stays=True)],
    ),
    "what else differs in some pairs is told with their number": (
        package("a", upgrade("x"), upgrade("y", compiler="gcc@12.3.0")),
        Topic.UPGRADED,
        [
            PairRow(
                "a",
                V1,
                V2,
                2,
                ("e4s",),
                (Difference("compiler", ("gcc@11.4.0",), ("gcc@12.3.0",), 1),),
            )
        ],
    ),
    "pairs that differ in several ways are told without values": (
        package("a", upgrade("x", compiler="gcc@13.2.0"), upgrade("y", compiler="gcc@12.3.0")),
        Topic.UPGRADED,
        [PairRow("a", V1, V2, 2, ("e4s",), (Difference("compiler", (), (), 2),))],
    ),
    "a change is a row for each set of differences": (
        package(
            "a",
            pair("changed", spec("a 1"), spec("a 2", os="ubuntu24.04")),
            pair("changed", spec("a 3"), spec("a 4", compiler="gcc@12.3.0")),
            pair("changed", spec("a 5"), spec("a 6", os="ubuntu24.04", stacks=BOTH)),
        ),
        Topic.CHANGED,
        [
            PairRow(
                "a",
                V1,
                V1,
                1,
                ("e4s",),
                (Difference("compiler", ("gcc@11.4.0",), ("gcc@12.3.0",), 1),),
            ),
            PairRow(
                "a",
                V1,
                V1,
                2,
                ("e4s", "radiuss"),
                (
                    Difference("os", ("ubuntu22.04",), ("ubuntu24.04",), 2),
                    Difference("stacks", (), ("radiuss",), 1),
                ),
            ),
        ],
    ),
    "of variants, those on one side alone are told": (
        package(
            "a",
            pair(
                "changed",
                spec("a 1", variants=("+shared", "~cuda")),
                spec("a 2", variants=("+cuda", "+shared", "cuda_arch=80")),
            ),
        ),
        Topic.CHANGED,
        [
            PairRow(
                "a",
                V1,
                V1,
                1,
                ("e4s",),
                (Difference("variants", ("~cuda",), ("+cuda", "cuda_arch=80"), 1),),
            )
        ],
    ),
    "a compiler that became unknown is not told": (
        package("a", pair("rebuilt", spec("a 1"), spec("a 2", compiler=None))),
        Topic.REBUILT,
        [PairRow("a", V1, V1, 1, ("e4s",))],
    ),
    "root is no stack, neither in a difference nor in a list": (
        package("a", pair("restacked", spec("a 1", stacks=("e4s",)), spec("a 1", stacks=BOTH))),
        Topic.RESTACKED,
        [PairRow("a", V1, V1, 1, ("e4s", "radiuss"), (Difference("stacks", (), ("radiuss",), 1),))],
    ),
    "a whole package is one row, its versions in Spack's order": (
        package(
            "a",
            added(spec("a 1", "1.10", stacks=BOTH)),
            added(spec("a 2", "1.9")),
            status="added",
            joined=("e4s", "radiuss"),
        ),
        Topic.ADDED,
        [
            PresenceRow(
                "a", Extent.PACKAGE, (Version("1.9"), Version("1.10")), 2, ("e4s", "radiuss")
            )
        ],
    ),
    "the last specs of a version are told from some of a version that stays": (
        package(
            "a",
            removed(spec("a 1")),
            removed(spec("a 2")),
            removed(spec("a 3", "2.0")),
            kept=("2.0",),
        ),
        Topic.REMOVED,
        [
            PresenceRow("a", Extent.VERSION, (V1,), 2, ("e4s",)),
            PresenceRow("a", Extent.BUILDS, (V2,), 1, ("e4s",), TRAITS),
        ],
    ),
    "compilers are named only where all of them are known": (
        package("a", added(spec("a 1")), added(spec("a 2", compiler=None)), kept=("1.0",)),
        Topic.ADDED,
        [
            PresenceRow(
                "a", Extent.BUILDS, (V1,), 2, ("e4s",), Traits((), ("ubuntu22.04",), ("x86_64_v3",))
            )
        ],
    ),
    "stacks that are unknown are not told": (
        package("a", removed(spec("a 1", stacks=None)), status="removed"),
        Topic.REMOVED,
        [PresenceRow("a", Extent.PACKAGE, (V1,), 1, ())],
    ),
    "a package that stays and leaves a stack": (
        package("a", removed(spec("a 1")), kept=("1.0",), left=("e4s", "hep")),
        Topic.LEFT_STACK,
        [StackRow("a", ("e4s", "hep"))],
    ),
    "builds that became one, on the pair": (
        package(
            "a",
            pair("rebuilt", spec("a 1"), spec("a one")),
            removed(spec("a 2")),
            merged=(Merge(hash_of("a one"), (hash_of("a 1"), hash_of("a 2"))),),
        ),
        Topic.REBUILT,
        [PairRow("a", V1, V1, 1, ("e4s",), merged=(2, 1))],
    ),
    "builds that became one, on the removal": (
        package(
            "a",
            pair("rebuilt", spec("a 1"), spec("a one")),
            removed(spec("a 2")),
            removed(spec("a 3")),
            merged=(Merge(hash_of("a one"), (hash_of("a 1"), hash_of("a 2"))),),
        ),
        Topic.REMOVED,
        [
            PresenceRow("a", Extent.BUILDS, (V1,), 1, ("e4s",), TRAITS),
            PresenceRow("a", Extent.MERGED, (V1,), 1, ("e4s",), TRAITS),
        ],
    ),
    "a build that became several, on the pair": (
        package(
            "a",
            pair("rebuilt", spec("a one"), spec("a 1")),
            added(spec("a 2")),
            split=(Merge(hash_of("a one"), (hash_of("a 1"), hash_of("a 2"))),),
        ),
        Topic.REBUILT,
        [PairRow("a", V1, V1, 1, ("e4s",), split=(1, 2))],
    ),
    "a build that became several, on the addition": (
        package(
            "a",
            pair("rebuilt", spec("a one"), spec("a 1")),
            added(spec("a 2")),
            split=(Merge(hash_of("a one"), (hash_of("a 1"), hash_of("a 2"))),),
        ),
        Topic.ADDED,
        [PresenceRow("a", Extent.SPLIT, (V1,), 1, ("e4s",), TRAITS)],
    ),
}


@pytest.mark.parametrize(("told", "topic", "expected"), FOLDS.values(), ids=FOLDS)
def test_rows(told: PackageComparison, topic: Topic, expected: list[Row]) -> None:
    assert list(rows(arrange(comparison(told)), topic)) == expected


def test_groups_are_in_the_order_of_telling_and_none_is_empty() -> None:
    changelog = arrange(CASES["every-kind"]())
    assert [each.topic for each in changelog.groups] == [*Topic][1:]
    assert all(each.rows for each in changelog.groups)


def test_packages_count_once_under_each_kind_that_they_have() -> None:
    changelog = arrange(
        comparison(
            package("a", upgrade("1"), upgrade("2"), removed(spec("a 3")), kept=("1.0",)),
            package("b", added(spec("b 1")), status="added"),
            package("c", removed(spec("c 1")), status="removed"),
            package("d", status="unknown"),
        )
    )
    assert changelog.tally == PackageTally(
        unknown=1, added=1, removed=1, upgraded=1, lost_builds=1, differing=4
    )


def test_whole_packages_come_before_those_that_stay() -> None:
    changelog = arrange(
        comparison(
            package("a", removed(spec("a 1")), kept=("1.0",)),
            package("b", removed(spec("b 1")), removed(spec("b 2", "2.0")), kept=("2.0",)),
            package("z", removed(spec("z 1")), status="removed"),
        )
    )
    assert [
        (row.package, row.extent)
        for row in rows(changelog, Topic.REMOVED)
        if isinstance(row, PresenceRow)
    ] == [
        ("z", Extent.PACKAGE),
        ("b", Extent.VERSION),
        ("a", Extent.BUILDS),
        ("b", Extent.BUILDS),
    ]


def test_versions_are_ordered_as_versions() -> None:
    changelog = arrange(
        comparison(
            package(
                "a",
                *[
                    pair("rebuilt", spec(f"a {text}", text), spec(f"a {text} new", text))
                    for text in ("1.10", "develop", "1.9")
                ],
            )
        )
    )
    told = [row.old.text for row in rows(changelog, Topic.REBUILT) if isinstance(row, PairRow)]
    assert told == ["1.9", "1.10", "develop"]


def test_stacks_are_ordered_by_what_they_lost_and_equal_ones_are_left_out() -> None:
    changelog = arrange(
        comparison(
            stacks={
                "a": StackTotals((1, 1)),
                "b": StackTotals((1, 2)),
                "c": StackTotals((9, 9), ("p",), ("q",)),
                "d": StackTotals((9, 1), (), ("p", "q")),
            }
        )
    )
    assert changelog.stacks == (
        StackTally("d", (9, 1), lost=2, gained=0),
        StackTally("c", (9, 9), lost=1, gained=1),
        StackTally("b", (1, 2), lost=0, gained=0),
    )


BROKEN = Problem("a/specs.md", "not JSON")


@pytest.mark.parametrize(
    ("old_unreadable", "new_unreadable", "expected"),
    [
        (0, 1, UnknownRow("a", (), ("not JSON",))),
        (1, 0, UnknownRow("a", ("not JSON",), ())),
        (1, 1, UnknownRow("a", ("not JSON",), ("not JSON",))),
    ],
)
def test_a_side_that_was_read_whole_is_not_why_a_package_is_unknown(
    old_unreadable: int, new_unreadable: int, expected: UnknownRow
) -> None:
    other = Problem("a-b/specs.md", "another package")
    changelog = arrange(
        comparison(
            package("a", status="unknown"),
            old=side(unreadable=old_unreadable, problems=(BROKEN, other)),
            new=side(unreadable=new_unreadable, problems=(BROKEN, other)),
        )
    )
    assert changelog.groups == (Group(Topic.UNKNOWN, 1, 0, (expected,)),)


@pytest.mark.parametrize(
    ("case", "withheld"),
    [
        ("suspect-new", {Topic.REMOVED, Topic.LEFT_STACK}),
        ("suspect-old", {Topic.ADDED}),
        ("suspect-asked-for", set()),
        ("every-kind", set()),
    ],
)
def test_what_a_suspect_side_lacks_is_counted_and_not_listed(
    case: str, withheld: set[Topic]
) -> None:
    groups = arrange(CASES[case]()).groups
    assert {each.topic for each in groups if each.withheld} == withheld
    assert all(each.packages and bool(each.rows) is not each.withheld for each in groups)


def test_a_glob_over_kinds_asks_for_what_is_withheld() -> None:
    suspect = CASES["suspect-new"]()
    asked = msgspec.structs.replace(suspect, selection=Selection(kinds=("rem*",)))
    assert group(arrange(asked), Topic.REMOVED).rows
    other = msgspec.structs.replace(suspect, selection=Selection(kinds=("added",)))
    assert not group(arrange(other), Topic.REMOVED).rows


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_change_is_told_once(case: str) -> None:
    told = CASES[case]()
    specs = {each.topic: each.specs for each in arrange(told).groups}
    for kind in ChangeKind:
        assert specs.get(Topic(kind), 0) == getattr(told.spec_counts, kind)


VALUES = st.sampled_from(("1.0", "2.0"))
SPECS = st.builds(
    lambda n, version, compiler, stacks: spec(f"a {n}", version, compiler=compiler, stacks=stacks),
    st.integers(0, 10**9),
    VALUES,
    st.sampled_from(("gcc@11.4.0", "gcc@12.3.0", None)),
    st.sampled_from((("root",), ("e4s", "root"), BOTH)),
)
CHANGES = st.lists(
    st.one_of(
        st.builds(added, SPECS),
        st.builds(removed, SPECS),
        st.builds(
            pair, st.sampled_from(("rebuilt", "upgraded", "downgraded", "changed")), SPECS, SPECS
        ),
    ),
    max_size=12,
)


@given(CHANGES, st.randoms(use_true_random=False))
def test_rows_add_up_to_the_changes_in_whatever_order_they_come(
    changes: list[Change], shuffle: random.Random
) -> None:
    in_order = arrange(comparison(package("a", *changes)))
    assert sum(each.specs for each in in_order.groups) == len(changes)
    shuffle.shuffle(changes)
    assert arrange(comparison(package("a", *changes))).groups == in_order.groups
