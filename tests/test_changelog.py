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
    CoverageChange,
    Difference,
    Extent,
    FieldCoverage,
    Group,
    News,
    PairRow,
    PresenceRow,
    Row,
    StackRow,
    Step,
    Topic,
    Traits,
    UnknownRow,
    WaveRow,
)
from cachediff.model.comparison import CoverageTotals, Merge, PackageComparison
from cachediff.model.selection import Selection
from cachediff.model.snapshot import Problem
from cachediff.model.version import Version
from report_cases import (
    BOTH,
    CASES,
    E4S,
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
        [PairRow("a", V1, V2, 3, ("e4s",), step=Step.MAJOR)],
    ),
    "an upgrade whose old version keeps other builds says so": (
        package("a", upgrade("x"), kept=("1.0",)),
        Topic.UPGRADED,
        [PairRow("a", V1, V2, 1, ("e4s",), old_stays=True, step=Step.MAJOR)],
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
                step=Step.MAJOR,
            )
        ],
    ),
    "pairs that differ in several ways are told without values": (
        package("a", upgrade("x", compiler="gcc@13.2.0"), upgrade("y", compiler="gcc@12.3.0")),
        Topic.UPGRADED,
        [PairRow("a", V1, V2, 2, ("e4s",), (Difference("compiler", (), (), 2),), step=Step.MAJOR)],
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
        Topic.PACKAGES_ADDED,
        [
            PresenceRow(
                "a", Extent.PACKAGE, (Version("1.9"), Version("1.10")), 2, ("e4s", "radiuss")
            )
        ],
    ),
    "the last specs of a version": (
        package(
            "a",
            removed(spec("a 1")),
            removed(spec("a 2")),
            removed(spec("a 3", "2.0")),
            kept=("2.0",),
        ),
        Topic.VERSIONS_REMOVED,
        [PresenceRow("a", Extent.VERSION, (V1,), 2, ("e4s",))],
    ),
    "some specs of a version that stays": (
        package(
            "a",
            removed(spec("a 1")),
            removed(spec("a 2")),
            removed(spec("a 3", "2.0")),
            kept=("2.0",),
        ),
        Topic.BUILDS_REMOVED,
        [PresenceRow("a", Extent.BUILDS, (V2,), 1, ("e4s",), TRAITS)],
    ),
    "compilers are named only where all of them are known": (
        package("a", added(spec("a 1")), added(spec("a 2", compiler=None)), kept=("1.0",)),
        Topic.BUILDS_ADDED,
        [
            PresenceRow(
                "a", Extent.BUILDS, (V1,), 2, ("e4s",), Traits((), ("ubuntu22.04",), ("x86_64_v3",))
            )
        ],
    ),
    "stacks that are unknown are not told": (
        package("a", removed(spec("a 1", stacks=None)), status="removed"),
        Topic.PACKAGES_REMOVED,
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
        Topic.BUILDS_MERGED,
        [PresenceRow("a", Extent.MERGED, (V1,), 1, ("e4s",), TRAITS)],
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
        Topic.BUILDS_SPLIT,
        [PresenceRow("a", Extent.SPLIT, (V1,), 1, ("e4s",), TRAITS)],
    ),
}


@pytest.mark.parametrize(("told", "topic", "expected"), FOLDS.values(), ids=FOLDS)
def test_rows(told: PackageComparison, topic: Topic, expected: list[Row]) -> None:
    assert list(rows(arrange(comparison(told)), topic)) == expected


def test_groups_are_in_the_order_of_telling_and_none_is_empty() -> None:
    changelog = arrange(CASES["every-kind"]())
    others = {Topic.UNKNOWN, Topic.BUILDS_MERGED, Topic.BUILDS_SPLIT}
    assert [each.topic for each in changelog.groups] == [
        topic for topic in Topic if topic not in others
    ]
    assert all(each.rows for each in changelog.groups)


def test_packages_count_once_under_each_topic_that_they_have() -> None:
    changelog = arrange(
        comparison(
            package("a", upgrade("1"), upgrade("2"), removed(spec("a 3")), kept=("1.0",)),
            package("b", added(spec("b 1")), status="added"),
            package("d", status="unknown"),
        )
    )
    assert {each.topic: (each.packages, each.specs) for each in changelog.groups} == {
        Topic.UNKNOWN: (1, 0),
        Topic.UPGRADED: (1, 2),
        Topic.BUILDS_REMOVED: (1, 1),
        Topic.PACKAGES_ADDED: (1, 1),
    }


def test_what_is_gone_is_told_apart_by_how_much_of_it_is() -> None:
    changelog = arrange(
        comparison(
            package("a", removed(spec("a 1")), kept=("1.0",)),
            package("b", removed(spec("b 1")), removed(spec("b 2", "2.0")), kept=("2.0",)),
            package("z", removed(spec("z 1")), status="removed"),
        )
    )
    assert [(each.topic, [row.package for row in each.rows]) for each in changelog.groups] == [
        (Topic.PACKAGES_REMOVED, ["z"]),
        (Topic.VERSIONS_REMOVED, ["b"]),
        (Topic.BUILDS_REMOVED, ["a", "b"]),
    ]


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("1.2.3", "2.0.0", Step.MAJOR),
        ("1.2.3", "1.3", Step.MINOR),
        ("1.2.3", "1.2.4", Step.PATCH),
        ("1.2", "1.2.1", Step.PATCH),
        ("1", "1.1", Step.MINOR),
        ("1.2_9", "1-3.0", Step.MINOR),
        ("1.2rc1", "1.2", Step.PATCH),
        ("1rc1", "1", Step.PATCH),
        ("2.0.1", "2.0.1a", Step.PATCH),
        ("1.14.5", "develop", Step.MAJOR),
        ("20230802.4", "20240829.1", Step.MAJOR),
        ("git.a=1.2", "git.b=1.2", Step.PATCH),
    ],
)
def test_steps(old: str, new: str, step: Step) -> None:
    for kind, one, other in (("upgraded", old, new), ("downgraded", new, old)):
        told = arrange(comparison(package("a", pair(kind, spec("a 1", one), spec("a 2", other)))))
        (row,) = rows(told, Topic(kind))
        assert isinstance(row, PairRow)
        assert row.step is step


def test_great_steps_come_first() -> None:
    versions = {"a": "1.0.1", "b": "1.1", "c": "2", "d": "1.2"}
    changelog = arrange(
        comparison(
            *[
                package(name, pair("upgraded", spec(f"{name} 1", "1.0"), spec(f"{name} 2", new)))
                for name, new in versions.items()
            ]
        )
    )
    assert [row.package for row in rows(changelog, Topic.UPGRADED)] == ["c", "b", "d", "a"]


def rebuilt(name: str, builds: int = 1, stacks: tuple[str, ...] = E4S) -> PackageComparison:
    return package(
        name,
        *[
            pair("rebuilt", spec(f"{name} {n}", stacks=stacks), spec(f"{name} {n}'", stacks=stacks))
            for n in range(builds)
        ],
    )


def test_many_packages_rebuilt_in_the_same_stacks_are_a_wave() -> None:
    packages = [rebuilt("a"), rebuilt("b", 3), *map(rebuilt, "cde"), rebuilt("z", 9, BOTH)]
    changelog = arrange(comparison(*packages))
    assert group(changelog, Topic.REBUILT) == Group(
        Topic.REBUILT,
        packages=6,
        specs=16,
        rows=(
            WaveRow("b", ("a", "b", "c", "d", "e"), 7, ("e4s",)),
            PairRow("z", V1, V1, 9, ("e4s", "radiuss")),
        ),
    )
    assert [each.package.package for each in changelog.packages] == [*"abcdez"]
    assert all(isinstance(row, PairRow) for each in changelog.packages for _, row in each.rows)


def test_few_packages_are_no_wave_and_what_says_more_is_in_none() -> None:
    restacked = package("e", pair("rebuilt", spec("e 1"), spec("e 2", stacks=BOTH)))
    changelog = arrange(comparison(*map(rebuilt, "abcd"), restacked))
    told = rows(changelog, Topic.REBUILT)
    assert [row.package for row in told if isinstance(row, PairRow)] == [*"abcde"]


def test_news_is_told_in_the_order_of_topics_with_the_packages_that_it_is_about() -> None:
    changelog = arrange(
        comparison(
            package("a", upgrade("1"), removed(spec("a 3")), kept=("1.0",), left=("hep", "ml")),
            package("b", added(spec("b 1")), status="added", joined=("e4s",)),
            package("c", removed(spec("c 1")), status="removed", left=("e4s",)),
            package("d", upgrade("2"), left=("e4s", "hep"), joined=("radiuss",)),
        )
    )
    assert changelog.news == (
        News(Topic.LEFT_STACK, ("a", "d"), ("hep",)),
        News(Topic.LEFT_STACK, ("d",), ("e4s",)),
        News(Topic.LEFT_STACK, ("a",), ("ml",)),
        News(Topic.PACKAGES_REMOVED, ("c",)),
        News(Topic.BUILDS_REMOVED, ("a",)),
        News(Topic.UPGRADED, ("a", "d")),
        News(Topic.PACKAGES_ADDED, ("b",)),
        News(Topic.JOINED_STACK, ("d",), ("radiuss",)),
    )


def test_stacks_that_the_same_packages_left_are_told_together_and_not_as_restacked() -> None:
    moved = pair("restacked", spec("a 1", stacks=BOTH), spec("a 1", stacks=("root",)))
    changelog = arrange(comparison(package("a", moved, left=("e4s", "radiuss"))))
    assert changelog.news == (News(Topic.LEFT_STACK, ("a",), ("e4s", "radiuss")),)


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
                "a": CoverageTotals((1, 1), (1, 1)),
                "b": CoverageTotals((1, 2), (1, 1)),
                "c": CoverageTotals((9, 9), (2, 2), ("p",), ("q",)),
                "d": CoverageTotals((9, 1), (3, 1), (), ("p", "q")),
            }
        )
    )
    assert changelog.coverage[0] == FieldCoverage(
        "stack",
        4,
        (
            CoverageChange("d", (9, 1), (3, 1), lost=2, gained=0),
            CoverageChange("c", (9, 9), (2, 2), lost=1, gained=1),
            CoverageChange("b", (1, 2), (1, 1), lost=0, gained=0),
        ),
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
        ("suspect-new", {Topic.PACKAGES_REMOVED, Topic.BUILDS_REMOVED, Topic.LEFT_STACK}),
        ("suspect-old", {Topic.PACKAGES_ADDED}),
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
    assert group(arrange(asked), Topic.PACKAGES_REMOVED).rows
    other = msgspec.structs.replace(suspect, selection=Selection(kinds=("added",)))
    assert not group(arrange(other), Topic.PACKAGES_REMOVED).rows


TOPICS = {
    ChangeKind.ADDED: [Topic.PACKAGES_ADDED, Topic.BUILDS_ADDED, Topic.BUILDS_SPLIT],
    ChangeKind.REMOVED: [
        Topic.PACKAGES_REMOVED,
        Topic.VERSIONS_REMOVED,
        Topic.BUILDS_REMOVED,
        Topic.BUILDS_MERGED,
    ],
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_change_is_told_once(case: str) -> None:
    told = CASES[case]()
    changelog = arrange(told)
    specs = {each.topic: each.specs for each in changelog.groups}
    for kind in ChangeKind:
        topics = TOPICS.get(kind) or [Topic(kind)]
        assert sum(specs.get(topic, 0) for topic in topics) == getattr(told.spec_counts, kind)


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
