"""Gates: each rule over small comparisons, what is accepted, and what holds for all comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachediff.comparing import compare, select
from cachediff.gates import NewestByPattern, check_gates
from cachediff.model.change import ChangeKind
from cachediff.model.comparison import Comparison
from cachediff.model.gates import (
    SUSPECT_GATE,
    Acceptance,
    CollectionMissing,
    Evidence,
    Finding,
    Gate,
    Kind,
    LeftStack,
    NewestCollection,
    NoCollection,
    PackageEvidence,
    PackageRemoved,
    ReadingEvidence,
    Rule,
    SideEvidence,
    StackEvidence,
    StackShrank,
    Suspect,
    Unreadable,
    VersionRemoved,
    is_red,
)
from cachediff.model.snapshot import Manifest, Origin, Totals
from cachediff.model.version import Version
from strategies import Pages, collections, manifest, spec, unreadable

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
LOSSES: list[Rule] = [
    LeftStack(),
    VersionRemoved(),
    PackageRemoved(),
    StackShrank(percent=0),
    Kind(kinds=("*",)),
]


def compared(*pages: Pages, collection: tuple[str, str] = ("monday", "tuesday")) -> Comparison:
    """Two collections, of these manifests; of two names, neither is suspect for being smaller."""
    old, new = (Origin("cache", name) for name in collection)
    return compare(old, new, pages, Totals())


def found(
    comparison: Comparison,
    *rules: Rule,
    accept: Sequence[Acceptance] = (),
    newest: NewestByPattern | None = None,
    now: datetime = NOW,
) -> tuple[Finding, ...]:
    """What gates of these rules find; each is named after its rule."""
    gates = [Gate(str(type(rule).__struct_config__.tag), rule) for rule in rules]
    return check_gates(gates, accept, comparison, select=select, newest=newest or {}, now=now)


def evidence(comparison: Comparison, rule: Rule) -> tuple[Evidence, ...]:
    """The evidence of the one finding of a rule; none where there is no finding."""
    findings = found(comparison, rule)
    assert all(finding.evidence for finding in findings)
    return findings[0].evidence if findings else ()


def packages(comparison: Comparison, rule: Rule) -> list[PackageEvidence]:
    """The evidence that is about packages."""
    return [each for each in evidence(comparison, rule) if isinstance(each, PackageEvidence)]


HDF5 = (
    manifest(
        spec("a", "1.0", stacks="e4s ml root"),
        spec("b", "1.0", stacks="e4s root"),
        spec("c", "1.1", stacks="ml root"),
        spec("d", "2.0", stacks="ml root"),
    ),
    manifest(spec("d", "2.0", stacks="ml root")),
)
"""Leaves e4s, and loses two versions."""

CMAKE = (manifest(spec("e", "3.0", package="cmake", stacks="e4s root"), package="cmake"), None)
"""Is gone."""

BATS = (
    manifest(*(spec(letter, package="bats") for letter in "fgh"), package="bats"),
    manifest(*(spec(letter, package="bats") for letter in "fg"), package="bats"),
)
"""Has lost one of three builds, all of e4s."""


class TestRules:
    def test_left_stack(self) -> None:
        comparison = compared(HDF5, CMAKE, BATS)
        cmake, hdf5 = PackageEvidence("cmake", 1, ("e4s",)), PackageEvidence("hdf5", 2, ("e4s",))
        assert evidence(comparison, LeftStack()) == (cmake, hdf5)
        assert evidence(comparison, LeftStack(packages=("hdf*", "x"))) == (hdf5,)
        assert evidence(comparison, LeftStack(stacks=("e?s",))) == (cmake, hdf5)
        assert evidence(comparison, LeftStack(stacks=("ml",))) == ()

    def test_left_several_stacks(self) -> None:
        one = manifest(spec("a", stacks="e4s ml root")), manifest(spec("a", stacks="root"))
        assert evidence(compared(one), LeftStack()) == (
            PackageEvidence("hdf5", 1, ("e4s",)),
            PackageEvidence("hdf5", 1, ("ml",)),
        )

    def test_version_removed(self) -> None:
        comparison = compared(HDF5, CMAKE, BATS)
        old = PackageEvidence("hdf5", 3, ("e4s", "ml"), (Version("1.0"), Version("1.1")))
        cmake = PackageEvidence("cmake", 1, ("e4s",), (Version("3.0"),))
        assert evidence(comparison, VersionRemoved()) == (cmake, old)
        assert evidence(comparison, VersionRemoved(packages=("hdf5",), stacks=("e4s",))) == (
            PackageEvidence("hdf5", 2, ("e4s", "ml"), (Version("1.0"),)),
        )
        assert evidence(comparison, VersionRemoved(stacks=("none",))) == ()

    def test_a_version_that_is_upgraded_away_is_gone(self) -> None:
        upgraded = manifest(spec("a", "1.0")), manifest(spec("b", "1.1"))
        gone = PackageEvidence("hdf5", 1, ("e4s",), (Version("1.0"),))
        assert evidence(compared(upgraded), VersionRemoved()) == (gone,)

    def test_package_removed(self) -> None:
        comparison = compared(HDF5, CMAKE, BATS)
        gone = PackageEvidence("cmake", 1, ("e4s",), (Version("3.0"),))
        assert evidence(comparison, PackageRemoved()) == (gone,)
        assert evidence(comparison, PackageRemoved(stacks=("e4s",))) == (gone,)
        assert evidence(comparison, PackageRemoved(stacks=("ml",))) == ()
        assert evidence(comparison, PackageRemoved(packages=("hdf5",))) == ()

    @pytest.mark.parametrize(
        ("percent", "shrank"), [(0, True), (33.3, True), (33.4, False), (34, False), (100, False)]
    )
    def test_stack_shrank(self, percent: float, shrank: bool) -> None:
        lost = StackEvidence("e4s", (3, 2), (1, 1))
        assert evidence(compared(BATS), StackShrank(percent)) == ((lost,) if shrank else ())

    def test_stack_shrank_by_packages(self) -> None:
        grown = manifest(spec("a")), manifest(*(spec(letter) for letter in "abcxyz"))
        comparison = compared(grown, CMAKE)
        lost = StackEvidence("e4s", (2, 6), (2, 1))
        assert evidence(comparison, StackShrank(40)) == (lost,)
        assert evidence(comparison, StackShrank(50)) == ()
        assert evidence(comparison, StackShrank(40, ("ml",))) == ()

    def test_unreadable(self) -> None:
        doubted = Manifest("bats", BATS[0].specs, unreadable("bats").problems)
        comparison = compared((HDF5[0], unreadable()), (doubted, doubted), CMAKE)
        reading = ReadingEvidence(1, 2, ("hdf5",))
        assert evidence(comparison, Unreadable()) == (reading,)
        assert evidence(comparison, Unreadable(allowed=1)) == ()
        assert evidence(compared((unreadable(), HDF5[0])), Unreadable()) == ()

    def test_kind(self) -> None:
        comparison = compared(HDF5, CMAKE, BATS)
        removed = ChangeKind.REMOVED
        bats, cmake = (
            PackageEvidence(package, 1, ("e4s",), kind=removed) for package in ("bats", "cmake")
        )
        hdf5 = PackageEvidence("hdf5", 3, ("e4s", "ml"), kind=removed)
        assert evidence(comparison, Kind(("rem*",))) == (bats, cmake, hdf5)
        assert evidence(comparison, Kind(("removed",), specs=("cmake", "hdf5@1.1"))) == (
            cmake,
            PackageEvidence("hdf5", 1, ("ml",), kind=removed),
        )
        assert evidence(comparison, Kind(("removed",), os=("rhel*",))) == ()
        assert evidence(comparison, Kind(("added", "rebuilt"))) == ()

    def test_kinds_of_one_package(self) -> None:
        both = manifest(spec("a"), spec("b")), manifest(spec("a", stacks="ml"), spec("c", "9"))
        kinds = [each.kind for each in packages(compared(both), Kind(("*",)))]
        assert kinds == ["restacked", "upgraded"]

    def test_collection_missing(self) -> None:
        rule = CollectionMissing("develop-*", 7)
        week = NewestCollection("develop-2026-11-14", NOW - timedelta(days=7))
        older = msgspec.structs.replace(week, since=week.since - timedelta(seconds=1))
        nothing = compared()
        assert found(nothing, rule, newest={"develop-*": week}) == ()
        (late,) = found(nothing, rule, newest={"develop-*": older})
        assert late.evidence == (older,)
        (none,) = found(nothing, rule, newest={"develop-*": None})
        assert none.evidence == (NoCollection(),)
        assert found(nothing, rule, newest={}) == (), "where it is not known, nothing is said"


class TestSuspect:
    LOST = ((HDF5[0], None), CMAKE, BATS)
    COLLECTION = ("develop", "develop")

    def test_one_finding_for_all_losses(self) -> None:
        comparison = compared(*self.LOST, collection=self.COLLECTION)
        assert comparison.new.suspect
        reason = SideEvidence("new", comparison.new.suspect)
        (finding,) = found(comparison, *LOSSES, Unreadable())
        assert finding == Finding(SUSPECT_GATE, (reason,))
        own = Gate("believe", Suspect())
        for gates in ([own, Gate("left", LeftStack())], [Gate("left", LeftStack()), own]):
            (finding,) = check_gates(gates, (), comparison, select=select, newest={}, now=NOW)
            assert finding == Finding(own, (reason,))

    def test_nobody_asked(self) -> None:
        comparison = compared(*self.LOST, collection=self.COLLECTION)
        assert found(comparison, Unreadable()) == ()

    def test_an_old_side(self) -> None:
        comparison = compared((unreadable(), HDF5[0]), CMAKE[::-1])
        assert comparison.old.suspect
        (finding,) = found(comparison, *LOSSES)
        assert finding.evidence == (SideEvidence("old", comparison.old.suspect),)

    def test_believable(self) -> None:
        assert found(compared(BATS), Suspect()) == ()


class TestAccepting:
    LEFT = LeftStack()

    @pytest.mark.parametrize(
        ("acceptance", "accepted"),
        [
            ({}, ["cmake", "hdf5"]),
            ({"packages": ("cm*",)}, ["cmake"]),
            ({"stacks": ("e4s",)}, ["cmake", "hdf5"]),
            ({"stacks": ("ml",)}, []),
            ({"packages": ("hdf5",), "stacks": ("ml",)}, []),
            ({"gate": "other"}, []),
            ({"until": date(2026, 11, 21)}, ["cmake", "hdf5"]),
            ({"until": date(2026, 11, 20)}, []),
        ],
        ids=str,
    )
    def test_what_it_covers(self, acceptance: dict[str, object], accepted: list[str]) -> None:
        values = {"gate": "left-stack", "until": date(2027, 1, 1), "reason": "known"} | acceptance
        findings = found(
            compared(HDF5, CMAKE), self.LEFT, accept=[msgspec.convert(values, Acceptance)]
        )
        told = {
            each.package: finding.accepted is not None
            for finding in findings
            for each in finding.evidence
            if isinstance(each, PackageEvidence)
        }
        assert told == {"cmake": "cmake" in accepted, "hdf5": "hdf5" in accepted}
        assert is_red(findings) == (len(accepted) < 2)
        assert len(findings) == (2 if len(accepted) == 1 else 1)

    def test_what_is_not_accepted_comes_first(self) -> None:
        first = Acceptance("left-stack", date(2027, 1, 1), "known", packages=("cmake",))
        second = Acceptance("left-stack", date(2027, 1, 1), "known too", packages=("c*", "hdf5"))
        comparison = compared(HDF5, CMAKE)
        findings = found(comparison, self.LEFT, accept=[first])
        assert [finding.accepted for finding in findings] == [None, first]
        findings = found(comparison, self.LEFT, accept=[first, second])
        assert [finding.accepted for finding in findings] == [first, second]
        assert [len(finding.evidence) for finding in findings] == [1, 1]
        assert not is_red(findings)

    def test_all_stacks_have_to_be_accepted(self) -> None:
        accept = [Acceptance("version-removed", date(2027, 1, 1), "known", stacks=("ml",))]
        assert is_red(found(compared(HDF5), VersionRemoved(), accept=accept))

    def test_the_day_is_that_of_utc(self) -> None:
        accept = [Acceptance("left-stack", date(2026, 11, 20), "known")]
        evening = datetime.fromisoformat("2026-11-21T01:00:00+02:00")
        assert not is_red(found(compared(HDF5), self.LEFT, accept=accept, now=evening))

    def test_no_package_is_not_any_package(self) -> None:
        accept = [Acceptance("stack-shrank", date(2027, 1, 1), "known", packages=("*",))]
        assert is_red(found(compared(BATS), StackShrank(), accept=accept))
        accept = [Acceptance("stack-shrank", date(2027, 1, 1), "known", stacks=("e4s",))]
        assert not is_red(found(compared(BATS), StackShrank(), accept=accept))

    def test_unreadable_packages(self) -> None:
        comparison = compared((HDF5[0], unreadable()), BATS, (None, unreadable("dray")))
        for globs, red in ((("hdf5", "dray"), False), (("hdf5",), True)):
            accept = [Acceptance("unreadable", date(2027, 1, 1), "known", packages=globs)]
            assert is_red(found(comparison, Unreadable(), accept=accept)) is red


@settings(deadline=None)
@given(collections())
def test_the_same_trips_nothing(pages: list[Pages]) -> None:
    same = [(old or new, old or new) for old, new in pages]
    assert found(compared(*same), *LOSSES, Suspect()) == ()


@settings(deadline=None)
@given(collections(), st.randoms(use_true_random=False))
def test_order_does_not_matter(pages: list[Pages], random: Random) -> None:
    comparison = compared(*pages)
    told = list(comparison.packages)
    random.shuffle(told)
    shuffled = msgspec.structs.replace(comparison, packages=tuple(told))
    stacks = list(comparison.stacks.items())
    random.shuffle(stacks)
    shuffled = msgspec.structs.replace(shuffled, stacks=dict(stacks))
    rules = [*LOSSES, Unreadable(), Suspect()]
    assert found(shuffled, *rules) == found(comparison, *rules)


@settings(deadline=None)
@given(collections())
def test_what_is_unknown_is_no_loss(pages: list[Pages]) -> None:
    unknown = {
        page.package for pair in pages for page in pair if page is not None and not page.readable
    }
    for finding in found(compared(*pages), *LOSSES):
        for each in finding.evidence:
            assert not isinstance(each, PackageEvidence) or each.package not in unknown


@settings(deadline=None)
@given(collections(known_stacks=True))
def test_losses_are_those_of_the_specs(pages: list[Pages]) -> None:
    """Against what can be counted without a comparison."""
    comparison = compared(*pages)
    if comparison.old.suspect or comparison.new.suspect:
        return
    gone, left = set(), set()
    for old, new in pages:
        if old is None or not old.readable or (new is not None and not new.readable):
            continue
        before = {stack for each in old.specs for stack in each.stacks or ()} - {"root"}
        after = {stack for each in (new.specs if new else ()) for stack in each.stacks or ()}
        left |= {(old.package, stack) for stack in before - after}
        if old.specs and not (new and new.specs):
            gone.add(old.package)
    assert {each.package for each in packages(comparison, PackageRemoved())} == gone
    assert {(each.package, *each.stacks) for each in packages(comparison, LeftStack())} == left
