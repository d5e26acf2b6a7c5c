"""Two snapshots to all changes between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediff.comparing import compare
from cachediff.model.change import Change, ChangeKind
from cachediff.model.comparison import (
    Comparison,
    CoverageTotals,
    Merge,
    PackageComparison,
    PackageCounts,
    PackageStatus,
    SpecCounts,
)
from cachediff.model.snapshot import Manifest, ManifestSummary, Origin, Problem, Totals
from cachediff.model.spec import Spec
from cachediff.model.version import Version
from strategies import Pages, collections, manifest, spec, unreadable

OLD = Origin("cache", "develop-2025-04-20")
NEW = Origin("cache", "develop")


def compared(pages: Iterable[Pages]) -> Comparison:
    """The comparison of everything that is in `pages`, all of it read."""
    return compare(OLD, NEW, pages, Totals())


def one(old: Iterable[Spec] | None, new: Iterable[Spec] | None) -> PackageComparison | None:
    """What is said of one package with these specs; None for no manifest."""
    sides = [None if specs is None else manifest(*specs) for specs in (old, new)]
    comparison = compared([(sides[0], sides[1])])
    return comparison.packages[0] if comparison.packages else None


def specs_of(page: Manifest | None) -> tuple[Spec, ...]:
    return page.specs if page else ()


def stacks_of(specs: Iterable[Spec]) -> set[str]:
    return {stack for one in specs for stack in one.stacks or ()} - {"root"}


def differ(old: Spec, new: Spec) -> list[str]:
    """The fields in which two specs are known to differ, as DESIGN says."""
    fields = []
    if None not in {old.compiler, new.compiler} and old.compiler != new.compiler:
        fields.append("compiler")
    fields += [name for name in ("os", "target") if getattr(old, name) != getattr(new, name)]
    if None not in (old.stacks, new.stacks) and stacks_of([old]) != stacks_of([new]):
        fields.append("stacks")
    fields += [name for name in ("variants", "version") if getattr(old, name) != getattr(new, name)]
    return sorted(fields)


@given(collections())
def test_a_snapshot_compared_with_itself_says_nothing(pages: list[Pages]) -> None:
    comparison = compared([(old, old) for old, _ in pages if old])
    read = [old for old, _ in pages if old and old.readable]
    unread = [old.package for old, _ in pages if old and not old.readable]
    assert [package.package for package in comparison.packages] == sorted(unread)
    assert all(package.changes == () for package in comparison.packages)
    specs = sum(len(page.specs) for page in read)
    assert comparison.spec_counts == SpecCounts(unchanged=specs)
    assert all(totals.specs[0] == totals.specs[1] for totals in comparison.stacks.values())
    assert comparison.differs == bool(unread)


MIRRORED = {
    "added": "removed",
    "removed": "added",
    "upgraded": "downgraded",
    "downgraded": "upgraded",
}


def mirrored(comparison: Comparison) -> Comparison:
    """The same, told from the other side."""
    counts, specs = comparison.package_counts, comparison.spec_counts
    return msgspec.structs.replace(
        comparison,
        old=comparison.new,
        new=comparison.old,
        package_counts=msgspec.structs.replace(counts, added=counts.removed, removed=counts.added),
        spec_counts=msgspec.structs.replace(
            specs,
            added=specs.removed,
            removed=specs.added,
            upgraded=specs.downgraded,
            downgraded=specs.upgraded,
            unknown=specs.unknown[::-1],
        ),
        stacks=mirrored_coverage(comparison.stacks),
        stacks_untold=comparison.stacks_untold[::-1],
        coverage={field: mirrored_coverage(found) for field, found in comparison.coverage.items()},
        packages=tuple(map(mirrored_package, comparison.packages)),
    )


def mirrored_coverage(coverage: dict[str, CoverageTotals]) -> dict[str, CoverageTotals]:
    return {
        value: CoverageTotals(
            totals.specs[::-1], totals.packages[::-1], totals.packages_lost, totals.packages_gained
        )
        for value, totals in coverage.items()
    }


def mirrored_package(package: PackageComparison) -> PackageComparison:
    changes = [
        Change(
            ChangeKind(MIRRORED.get(change.kind, change.kind)),
            change.fields,
            change.new,
            change.old,
        )
        for change in package.changes
    ]
    hashes = [(one.old.hash if one.old else "", one.new.hash if one.new else "") for one in changes]
    order = sorted(range(len(changes)), key=lambda index: (changes[index].kind, hashes[index]))
    return msgspec.structs.replace(
        package,
        status=PackageStatus(MIRRORED.get(package.status, package.status)),
        versions_added=package.versions_removed,
        versions_removed=package.versions_added,
        stacks_joined=package.stacks_left,
        stacks_left=package.stacks_joined,
        changes=tuple(changes[index] for index in order),
        merged=package.split,
        split=package.merged,
    )


@given(collections())
def test_swapping_the_sides_mirrors_everything(pages: list[Pages]) -> None:
    there = compare(OLD, NEW, pages, Totals())
    back = compare(NEW, OLD, [(new, old) for old, new in pages], Totals())
    assert back == mirrored(there)


@given(collections(), st.integers())
def test_the_order_of_the_input_does_not_matter(pages: list[Pages], seed: int) -> None:
    random = Random(seed)

    def shuffled(page: Manifest | None) -> Manifest | None:
        specs = random.sample(specs_of(page), len(specs_of(page)))
        return page and msgspec.structs.replace(page, specs=tuple(specs))

    again = [(shuffled(old), shuffled(new)) for old, new in random.sample(pages, len(pages))]
    assert repr(compared(again)) == repr(compared(pages))


@given(collections())
def test_every_spec_of_each_side_is_accounted_for_once(pages: list[Pages]) -> None:
    comparison = compared(pages)
    told = {package.package: package for package in comparison.packages}
    unchanged = 0
    unknown = [0, 0]
    for old, new in pages:
        package = next(page.package for page in (old, new) if page)
        said = told.get(package)
        if said and said.status is PackageStatus.UNKNOWN:
            unknown[0] += len(specs_of(old))
            unknown[1] += len(specs_of(new))
            continue
        changes = said.changes if said else ()
        olds, news = ({one.hash: one for one in specs_of(page)} for page in (old, new))
        old_told = Counter(change.old.hash for change in changes if change.old)
        new_told = Counter(change.new.hash for change in changes if change.new)
        same = {
            hash_
            for hash_ in olds.keys() & news.keys()
            if "stacks" not in differ(olds[hash_], news[hash_])
        }
        assert old_told == Counter(olds.keys() - same)
        assert new_told == Counter(news.keys() - same)
        unchanged += len(same)
    counts = comparison.spec_counts
    assert counts.unchanged == unchanged
    assert counts.unknown == tuple(unknown)
    paired = counts.rebuilt + counts.upgraded + counts.downgraded + counts.changed
    kept = paired + counts.restacked + counts.unchanged
    assert counts.removed + kept + unknown[0] == comparison.old.specs
    assert counts.added + kept + unknown[1] == comparison.new.specs
    assert comparison.old.specs == sum(len(specs_of(old)) for old, _ in pages)
    assert comparison.new.specs == sum(len(specs_of(new)) for _, new in pages)
    kinds = Counter(change.kind.value for package in told.values() for change in package.changes)
    assert dict(kinds) == {kind: getattr(counts, kind) for kind in kinds}


@given(collections())
def test_a_change_lists_the_fields_that_differ_and_is_of_the_kind_that_they_make(
    pages: list[Pages],
) -> None:
    for package in compared(pages).packages:
        for change in package.changes:
            if change.old is None or change.new is None:
                assert change.fields == ()
                assert change.kind == ("removed" if change.old else "added")
                continue
            fields = differ(change.old, change.new)
            assert list(change.fields) == fields
            if change.old.hash == change.new.hash:
                kind = "restacked"
                assert fields == ["stacks"]
            elif "version" in fields:
                older = change.old.version < change.new.version
                kind = "upgraded" if older else "downgraded"
            else:
                kind = "changed" if set(fields) - {"stacks"} else "rebuilt"
            assert change.kind == kind


@given(collections())
def test_what_cannot_be_read_is_unknown_and_nothing_else(pages: list[Pages]) -> None:
    comparison = compared(pages)
    unread = {page.package for both in pages for page in both if page and not page.readable}
    told = {p.package: p for p in comparison.packages if p.status is PackageStatus.UNKNOWN}
    assert told == {name: PackageComparison(name, PackageStatus.UNKNOWN) for name in unread}
    assert comparison.package_counts.unknown == len(unread)
    for side, each in ((comparison.old, 0), (comparison.new, 1)):
        manifests = [both[each] for both in pages if both[each]]
        assert side.manifests == len(manifests)
        assert side.unreadable == sum(not page.readable for page in manifests if page)
        assert side.packages == sum(bool(specs_of(page)) for page in manifests)
        assert side.problems == tuple(
            sorted(p for page in manifests if page for p in page.problems)
        )
    for totals in comparison.stacks.values():
        assert not unread & {*totals.packages_gained, *totals.packages_lost}


@given(collections())
def test_packages_are_counted_once_and_told_in_order(pages: list[Pages]) -> None:
    comparison = compared(pages)
    names = [package.package for package in comparison.packages]
    assert names == sorted(set(names))
    statuses = Counter(package.status.value for package in comparison.packages)
    quiet = [
        both
        for both in pages
        if next(page.package for page in both if page) not in names and any(map(specs_of, both))
    ]
    assert comparison.package_counts == PackageCounts(**statuses, unchanged=len(quiet))
    for package in comparison.packages:
        old, new = next(
            both for both in pages if package.package in [page.package for page in both if page]
        )
        if package.status is PackageStatus.ADDED:
            assert not specs_of(old)
        elif package.status is PackageStatus.REMOVED:
            assert not specs_of(new)
        elif package.status is PackageStatus.CHANGED:
            assert specs_of(old)
            assert specs_of(new)


@given(collections())
def test_versions_and_stacks_of_a_package_are_those_of_its_specs(pages: list[Pages]) -> None:
    told = {package.package: package for package in compared(pages).packages}
    for old, new in pages:
        said = told.get(next(page.package for page in (old, new) if page))
        if said is None or said.status is PackageStatus.UNKNOWN:
            continue
        before, after = ({one.version for one in specs_of(page)} for page in (old, new))
        assert said.versions_added == tuple(sorted(after - before))
        assert said.versions_removed == tuple(sorted(before - after))
        assert said.versions_kept == tuple(sorted(before & after))
        if None in {one.stacks for page in (old, new) for one in specs_of(page)}:
            assert said.stacks_joined == said.stacks_left == ()
        else:
            left, joined = (stacks_of(specs_of(page)) for page in (old, new))
            assert said.stacks_joined == tuple(sorted(joined - left))
            assert said.stacks_left == tuple(sorted(left - joined))


def covered(one: Spec, field: str) -> set[str | None]:
    """The values of a field that a spec covers."""
    if field == "stack":
        return {None} if one.stacks is None else {*stacks_of([one])}
    return {getattr(one, field)}


def expected_coverage(pages: list[Pages], field: str) -> dict[str, CoverageTotals]:
    """The totals of the values of one field, as DESIGN says."""
    comparable = [both for both in pages if all(page.readable for page in both if page)]
    values = {
        v for both in comparable for page in both for s in specs_of(page) for v in covered(s, field)
    }
    expected = {}
    for value in values:
        specs, packages = [0, 0], [0, 0]
        gained, lost = [], []
        for both in comparable:
            numbers = [sum(value in covered(s, field) for s in specs_of(page)) for page in both]
            for side in (0, 1):
                specs[side] += numbers[side]
                packages[side] += numbers[side] > 0
            if any(None in covered(s, field) for page in both for s in specs_of(page)):
                continue
            name = next(page.package for page in both if page)
            if numbers[1] and not numbers[0]:
                gained.append(name)
            if numbers[0] and not numbers[1]:
                lost.append(name)
        expected[value or "none"] = CoverageTotals(
            (specs[0], specs[1]),
            (packages[0], packages[1]),
            tuple(sorted(gained)),
            tuple(sorted(lost)),
        )
    return expected


@given(collections())
def test_coverage_is_of_what_could_be_compared(pages: list[Pages]) -> None:
    comparison = compared(pages)
    fields = ["platform", "os", "target", "compiler"]
    assert comparison.coverage == {field: expected_coverage(pages, field) for field in fields}
    assert list(comparison.coverage) == fields
    stacks = expected_coverage(pages, "stack")
    untold = stacks.pop("none").specs if "none" in stacks else (0, 0)
    assert comparison.stacks_untold == untold
    assert comparison.stacks == ({} if any(untold) else stacks)
    for totals in (comparison.stacks, *comparison.coverage.values()):
        assert list(totals) == sorted(totals)


@given(collections(known_stacks=True))
def test_stacks_gain_and_lose_the_packages_that_joined_and_left(pages: list[Pages]) -> None:
    comparison = compared(pages)
    assert comparison.stacks_untold == (0, 0)
    for stack, totals in comparison.stacks.items():
        said = [(p.package, p.stacks_joined, p.stacks_left) for p in comparison.packages]
        assert totals.packages_gained == tuple(name for name, joined, _ in said if stack in joined)
        assert totals.packages_lost == tuple(name for name, _, left in said if stack in left)


@given(collections())
def test_every_spec_has_one_platform_os_target_and_compiler(pages: list[Pages]) -> None:
    comparison = compared(pages)
    sides = (comparison.old, comparison.new)
    known = tuple(
        side.specs - unknown
        for side, unknown in zip(sides, comparison.spec_counts.unknown, strict=True)
    )
    for coverage in comparison.coverage.values():
        specs = [totals.specs for totals in coverage.values()]
        assert (sum(old for old, _ in specs), sum(new for _, new in specs)) == known
        for totals in coverage.values():
            for number, packages, side in zip(totals.specs, totals.packages, sides, strict=True):
                assert (number > 0) == (packages > 0)
                assert packages <= min(number, side.packages)
            assert (
                totals.packages[1] - totals.packages[0]
                == len(totals.packages_gained) - len(totals.packages_lost)
                or "none" in coverage
            )


@given(collections(), st.data())
def test_manifests_that_are_known_to_be_equal_need_not_be_read(
    pages: list[Pages], data: st.DataObject
) -> None:
    same = [old.package for old, new in pages if old and old == new]
    trusted = data.draw(st.sets(st.sampled_from(same))) if same else set()
    equal: dict[str, ManifestSummary] = {}
    differing: list[Pages] = []
    for old, new in pages:
        if old and old.package in trusted:
            equal[old.package] = old.summary()
        else:
            differing.append((old, new))
    assert repr(compare(OLD, NEW, iter(differing), Totals.of(equal))) == repr(compared(pages))


@given(collections(), st.data())
def test_totals_add_up(pages: list[Pages], data: st.DataObject) -> None:
    summaries = {old.package: old.summary() for old, _ in pages if old}
    some = data.draw(st.sets(st.sampled_from(sorted(summaries)))) if summaries else set()
    part = Totals.of({name: summary for name, summary in summaries.items() if name in some})
    rest = Totals.of({name: summary for name, summary in summaries.items() if name not in some})
    whole = Totals.of(summaries)
    assert part.plus(rest) == rest.plus(part) == whole
    assert whole.minus(part) == rest


@given(collections())
def test_builds_that_became_one_were_told_apart_before(pages: list[Pages]) -> None:
    for package in compared(pages).packages:
        pairs = {c.new.hash: c.old for c in package.changes if c.old and c.new}
        ones = {c.new.hash: c.new for c in package.changes if c.old and c.new}
        removed = {c.old.hash: c.old for c in package.changes if c.old and not c.new}
        joined = [hash_ for merge in package.merged for hash_ in merge.several]
        assert len(joined) == len(set(joined))
        for merge in package.merged:
            first, *others = merge.several
            assert pairs[merge.one].hash == first
            assert others == sorted(others)
            assert others
            for hash_ in others:
                assert set(differ(removed[hash_], ones[merge.one])) <= {"stacks"}
                assert stacks_of([removed[hash_]]) <= stacks_of([ones[merge.one]])
                assert not stacks_of([removed[hash_]]) <= stacks_of([pairs[merge.one]])


A, B = spec("a"), spec("b")
KINDS: dict[str, tuple[Spec, Spec, str, str]] = {
    "rebuilt": (A, B, "rebuilt", ""),
    "rebuilt into another stack": (A, spec("b", stacks="ml root"), "rebuilt", "stacks"),
    "upgraded": (A, spec("b", "1.1"), "upgraded", "version"),
    "downgraded": (A, spec("b", "1.0rc1"), "downgraded", "version"),
    "upgraded to develop": (spec("a", "9.9"), spec("b", "develop"), "upgraded", "version"),
    "another spelling is no other version": (A, spec("b", "1_00"), "rebuilt", ""),
    "another compiler": (A, spec("b", compiler="gcc@12.1.0"), "changed", "compiler"),
    "a compiler that became unknown": (A, spec("b", compiler=None), "rebuilt", ""),
    "other variants": (A, spec("b", variants="~shared"), "changed", "variants"),
    "another os and target": (A, spec("b", os="rhel8", target="zen4"), "changed", "os target"),
    "all that can differ": (
        A,
        spec("b", "2.0", "gcc@12.1.0", os="rhel8", target="zen4", variants="~shared", stacks="ml"),
        "upgraded",
        "compiler os stacks target variants version",
    ),
    "restacked": (A, spec("a", stacks="e4s ml root"), "restacked", "stacks"),
}


@pytest.mark.parametrize(("old", "new", "kind", "fields"), KINDS.values(), ids=KINDS)
def test_one_spec_is_one_change(old: Spec, new: Spec, kind: str, fields: str) -> None:
    package = one([old], [new])
    assert package is not None
    assert package.status is PackageStatus.CHANGED
    assert package.changes == (Change(ChangeKind(kind), tuple(fields.split()), old, new),)


UNCHANGED: dict[str, tuple[Spec, Spec]] = {
    "the same": (A, A),
    "root is never news": (A, spec("a", stacks="e4s")),
    "stacks that are unknown": (A, spec("a", stacks=None)),
    "a compiler that is unknown": (A, spec("a", compiler=None)),
}


@pytest.mark.parametrize(("old", "new"), UNCHANGED.values(), ids=UNCHANGED)
def test_what_is_no_change(old: Spec, new: Spec) -> None:
    comparison = compared([(manifest(old), manifest(new))])
    assert not comparison.differs
    assert comparison.spec_counts == SpecCounts(unchanged=1)
    assert comparison.package_counts.unchanged == 1


@pytest.mark.parametrize("nothing", [None, []], ids=["no manifest", "an empty manifest"])
def test_a_package_on_one_side_is_added_or_removed(nothing: list[Spec] | None) -> None:
    specs = [spec("b", "2_0"), spec("a", "1.0"), spec("c", "2.0")]
    added, removed = one(nothing, specs), one(specs, nothing)
    assert added is not None
    assert removed is not None
    assert added.status is PackageStatus.ADDED
    assert [change.new for change in added.changes] == sorted(specs, key=lambda one: one.hash)
    assert {change.kind for change in added.changes} == {ChangeKind.ADDED}
    assert added.versions_added == removed.versions_removed == (Version("1.0"), Version("2.0"))
    assert [version.text for version in added.versions_added] == ["1.0", "2.0"]
    assert added.stacks_joined == removed.stacks_left == ("e4s",)
    assert removed.status is PackageStatus.REMOVED
    assert {change.kind for change in removed.changes} == {ChangeKind.REMOVED}


def test_no_manifest_and_an_empty_one_are_no_change() -> None:
    assert one(None, []) is one([], None) is one([], []) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (manifest(A), unreadable()),
        (unreadable(), manifest(A)),
        (unreadable(), unreadable()),
        (None, unreadable()),
        (unreadable(), None),
    ],
)
def test_an_unreadable_side_makes_a_package_unknown(
    old: Manifest | None, new: Manifest | None
) -> None:
    comparison = compared([(old, new)])
    assert comparison.packages == (PackageComparison("hdf5", PackageStatus.UNKNOWN),)
    assert comparison.spec_counts == SpecCounts(unknown=(len(specs_of(old)), len(specs_of(new))))
    assert comparison.stacks == {}
    assert comparison.differs


GCC = spec("a", compiler="gcc@11.4.0", stacks="e4s root")
ONEAPI = spec("b", compiler="intel-oneapi-compilers@2024.2.1", stacks="e4s-oneapi root")
BOTH = spec("x", compiler=None, stacks="e4s e4s-oneapi root")
BECAME = [("x", "1.1"), ("y", "1.0"), ("z", "1.1")]
MERGES: dict[str, tuple[list[Spec], list[Spec], tuple[Merge, ...]]] = {
    "two compilers that became unknown, in both stacks": (
        [GCC, ONEAPI],
        [BOTH],
        (Merge("x" * 32, ("a" * 32, "b" * 32)),),
    ),
    "one that kept its hash, now in both stacks": (
        [spec("c", compiler=None, stacks="e4s"), ONEAPI],
        [spec("c", compiler=None, stacks="e4s e4s-oneapi")],
        (Merge("c" * 32, ("c" * 32, "b" * 32)),),
    ),
    "three that became one": (
        [GCC, ONEAPI, spec("c", stacks="ml root")],
        [spec("x", compiler=None, stacks="e4s e4s-oneapi ml")],
        (Merge("x" * 32, ("a" * 32, "b" * 32, "c" * 32)),),
    ),
    "two of each that became two are spread evenly": (
        [*(spec(letter, stacks="e4s") for letter in "ab")]
        + [spec(letter, stacks="ml") for letter in "cd"],
        [spec("x", stacks="e4s ml"), spec("y", stacks="e4s ml")],
        (
            Merge("x" * 32, ("a" * 32, "c" * 32)),
            Merge("y" * 32, ("b" * 32, "d" * 32)),
        ),
    ),
    "three copies that became two, in the same stack": (
        [spec("a"), spec("b"), spec("c")],
        [spec("x"), spec("y")],
        (),
    ),
    "another version": ([GCC, spec("b", "1.1", stacks="e4s-oneapi")], [BOTH], ()),
    "another known compiler": (
        [GCC, ONEAPI],
        [spec("x", stacks="e4s e4s-oneapi")],
        (),
    ),
    "the first of those that are as good, in hash order of what they became": (
        [GCC, spec("b", compiler=None, stacks="e4s"), spec("c", compiler="llvm@15", stacks="ml")],
        [spec(letter, compiler=None, stacks="e4s ml") for letter in "xy"],
        (Merge("x" * 32, ("b" * 32, "c" * 32)),),
    ),
    "several, in hash order of what they became": (
        [
            *(spec(letter, "1.1", stacks="e4s") for letter in "ac"),
            *(spec(letter, "1.1", stacks="ml") for letter in "df"),
            *(spec("b", "1.0", stacks="e4s"), spec("e", "1.0", stacks="ml")),
        ],
        [spec(letter, version, stacks="e4s ml") for letter, version in BECAME],
        (
            Merge("x" * 32, ("a" * 32, "d" * 32)),
            Merge("y" * 32, ("b" * 32, "e" * 32)),
            Merge("z" * 32, ("c" * 32, "f" * 32)),
        ),
    ),
    "one that moved to the other's stack": (
        [spec("a", stacks="ml"), spec("b", compiler=None, stacks="e4s")],
        [spec("x", stacks="e4s")],
        (),
    ),
    "a stack that is in none of them": (
        [GCC, spec("b", stacks="e4s-oneapi ml")],
        [BOTH],
        (),
    ),
    "stacks that were unknown": (
        [spec("a", stacks=None), spec("b", stacks="e4s-oneapi")],
        [spec("x", stacks="e4s e4s-oneapi")],
        (),
    ),
}


@pytest.mark.parametrize(("olds", "news", "merges"), MERGES.values(), ids=MERGES)
def test_builds_that_became_one_are_one_pair_and_removals(
    olds: list[Spec], news: list[Spec], merges: tuple[Merge, ...]
) -> None:
    there, back = one(olds, news), one(news, olds)
    assert there is not None
    assert back is not None
    assert there.merged == back.split == merges
    assert there.split == back.merged == ()
    kinds = Counter(change.kind for change in there.changes)
    assert kinds[ChangeKind.REMOVED] == len(olds) - len(news)


def test_packages_roll_up_into_stacks() -> None:
    comparison = compared(
        [
            (
                manifest(spec("a", stacks="e4s"), spec("b", stacks="ml"), package="hdf5"),
                manifest(spec("c", stacks="e4s"), package="hdf5"),
            ),
            (None, manifest(spec("d", stacks="ml root"), package="zlib")),
            (manifest(spec("e", stacks="e4s"), package="bats"), unreadable("bats")),
            (
                manifest(spec("f", stacks="ml"), package="cmake"),
                manifest(spec("f", stacks="e4s"), package="cmake"),
            ),
        ]
    )
    assert comparison.stacks == {
        "e4s": CoverageTotals((1, 2), (1, 2), ("cmake",), ()),
        "ml": CoverageTotals((2, 1), (2, 1), ("zlib",), ("cmake", "hdf5")),
    }


def test_packages_roll_up_into_what_they_are_built_for() -> None:
    comparison = compared(
        [
            (
                manifest(spec("a", os="rhel8"), spec("b", target="zen4")),
                manifest(spec("c"), spec("d", compiler="llvm@18")),
            ),
            (None, manifest(spec("e", package="zlib", platform="darwin"), package="zlib")),
            (manifest(spec("f", package="bats"), package="bats"), unreadable("bats")),
            (
                manifest(spec("g", package="cmake", compiler="llvm@18"), package="cmake"),
                manifest(spec("h", package="cmake", compiler=None, os="rhel8"), package="cmake"),
            ),
        ]
    )
    assert comparison.coverage == {
        "platform": {
            "darwin": CoverageTotals((0, 1), (0, 1), ("zlib",)),
            "linux": CoverageTotals((3, 3), (2, 2)),
        },
        "os": {
            "rhel8": CoverageTotals((1, 1), (1, 1), ("cmake",), ("hdf5",)),
            "ubuntu22.04": CoverageTotals((2, 3), (2, 2), ("zlib",), ("cmake",)),
        },
        "target": {
            "x86_64_v3": CoverageTotals((2, 4), (2, 3), ("zlib",)),
            "zen4": CoverageTotals((1, 0), (1, 0), (), ("hdf5",)),
        },
        # The unknown compiler of cmake may still be llvm@18.
        "compiler": {
            "gcc@11.4.0": CoverageTotals((2, 2), (1, 2), ("zlib",)),
            "llvm@18": CoverageTotals((1, 1), (1, 1), ("hdf5",)),
            "none": CoverageTotals((0, 1), (0, 1)),
        },
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (spec("a", stacks=None), spec("a")),
        (spec("a", stacks=None), spec("b")),
        (spec("a", stacks=None), spec("b", "1.1")),
    ],
    ids=["the same spec", "rebuilt", "upgraded"],
)
def test_stacks_that_one_side_does_not_tell_are_no_gain_and_no_loss(old: Spec, new: Spec) -> None:
    for sides in ((old, new), (new, old)):
        comparison = compared([(manifest(sides[0]), manifest(sides[1]))])
        assert comparison.stacks == {}
        assert sum(comparison.stacks_untold) == 1
        assert all(
            package.stacks_joined == package.stacks_left == () for package in comparison.packages
        )


def test_one_spec_that_does_not_tell_its_stacks_leaves_no_stack_known() -> None:
    told = manifest(spec("a")), manifest(spec("b"))
    added = None, manifest(spec("c", package="zlib", stacks="ml"), package="zlib")
    untold = manifest(spec("d", package="bats", stacks=None), package="bats")
    assert compared([told, added]).stacks["ml"] == CoverageTotals((0, 1), (0, 1), ("zlib",))
    comparison = compared([told, added, (untold, None)])
    assert comparison.stacks == {}
    assert comparison.stacks_untold == (1, 0)
    assert compare(OLD, NEW, [told], Totals.of({"bats": untold.summary()})).stacks_untold == (1, 1)
    unknown = compared([told, added, (untold, unreadable("bats"))])
    assert unknown.stacks_untold == (0, 0)
    assert unknown.stacks.keys() == {"e4s", "ml"}


@given(st.permutations(["bats", "cmake", "hdf5"]))
def test_a_hash_that_several_manifests_list_is_a_problem_of_that_side(order: list[str]) -> None:
    listed = [manifest(spec("a", package=name), package=name) for name in order]
    pages: list[Pages] = [(page, None) for page in listed]
    comparison = compared([*pages, (None, manifest(spec("a", package="zlib"), package="zlib"))])
    reason = f"hash {'a' * 32} is also listed by bats"
    assert comparison.old.problems == (Problem("cmake", reason), Problem("hdf5", reason))
    assert comparison.new.problems == ()
    assert comparison.old.specs == comparison.spec_counts.removed == 3


THEN = Origin("cache", "develop", "1" * 40, "2025-04-20T03:00:00Z")
NOW = Origin("cache", "develop", "2" * 40, "2025-04-21T03:00:00Z")


def suspect(
    before: int,
    after: int,
    *,
    old: Origin = THEN,
    new: Origin = NOW,
    unread: tuple[int, int] = (0, 0),
) -> tuple[str | None, str | None]:
    """Why either side is suspect, with manifests of four specs each, of which some are unreadable."""

    def page(number: int, side: int, count: int) -> Manifest | None:
        name = f"package{number}"
        specs = tuple(Spec(f"{name}-{i}", A.build, ()) for i in range(4))
        read = unreadable(name) if number < unread[side] else Manifest(name, specs)
        return read if number < count else None

    pages = [(page(n, 0, before), page(n, 1, after)) for n in range(max(before, after))]
    comparison = compare(old, new, pages, Totals())
    return comparison.old.suspect, comparison.new.suspect


def test_a_collection_that_shrank_is_suspect() -> None:
    assert suspect(4, 4) == (None, None)
    assert suspect(4, 3) == (None, None)
    assert suspect(100, 74) == (None, "develop lost 26 of its 100 manifests")
    assert suspect(2_000, 10) == (None, "develop lost 1,990 of its 2,000 manifests")
    assert suspect(4, 0) == (None, "develop lost 4 of its 4 manifests")
    assert suspect(0, 0) == (None, None)


def test_a_collection_that_grew_is_not_suspect() -> None:
    assert suspect(74, 100) == (None, None)
    assert suspect(1, 2_000) == (None, None)


def test_the_later_commit_is_suspect_whichever_side_it_is_on() -> None:
    lost = "develop lost 26 of its 100 manifests"
    assert suspect(74, 100, old=NOW, new=THEN) == (lost, None)
    assert suspect(100, 74, old=NOW, new=THEN) == (None, None)


def test_without_dates_the_new_side_is_the_later_one() -> None:
    folder = Origin("folder", "develop")
    lost = "develop lost 26 of its 100 manifests"
    assert suspect(100, 74, old=folder, new=folder) == (None, lost)
    assert suspect(74, 100, old=folder, new=folder) == (None, None)


def test_a_collection_with_all_manifests_but_fewer_specs_is_suspect() -> None:
    olds = [Spec(f"{number:032}", A.build, ("e4s",)) for number in range(100)]
    for kept, lost in ((75, None), (74, "develop lost 26 of its 100 specs")):
        more, fewer = manifest(*olds), manifest(*olds[:kept])
        there = compare(THEN, NOW, [(more, fewer)], Totals())
        back = compare(NOW, THEN, [(fewer, more)], Totals())
        assert (there.old.suspect, there.new.suspect) == (None, lost)
        assert (back.old.suspect, back.new.suspect) == (lost, None)
    summary = manifest(*olds).summary()
    assert compare(
        THEN, NOW, [(manifest(*olds[:50]), None)], Totals.of({"zlib": summary})
    ).new.suspect


def test_what_cannot_be_read_is_not_lost() -> None:
    assert suspect(4, 4, unread=(0, 3)) == (None, None)
    assert suspect(4, 4, unread=(3, 0)) == (None, None)
    assert suspect(4, 2, unread=(0, 1)) == (None, "develop lost 2 of its 4 manifests")


NOTHING = {
    "none could be read": (4, 9, (0, 9), "none of the 9 manifests of {} could be read"),
    "there is none": (4, 0, (0, 0), "{} has no manifest"),
    "there is none, and not all could be read": (4, 0, (3, 0), "{} has no manifest"),
    "neither side could be read": (4, 9, (4, 9), None),
    "neither side has any that could be read": (4, 0, (4, 0), None),
    "one could be read": (4, 9, (0, 8), None),
}


@pytest.mark.parametrize(("before", "after", "unread", "reason"), NOTHING.values(), ids=NOTHING)
def test_a_side_of_which_nothing_could_be_read_is_suspect_whatever_the_collections(
    before: int, after: int, unread: tuple[int, int], reason: str | None
) -> None:
    there = suspect(before, after, old=OLD, new=NEW, unread=unread)
    back = suspect(after, before, old=NEW, new=OLD, unread=(unread[1], unread[0]))
    assert there == (None, reason and reason.format("develop"))
    assert back == (reason and reason.format("develop"), None)


@pytest.mark.parametrize(
    ("old", "new"),
    [(OLD, NEW), (THEN, Origin("mirror", "develop")), (Origin("mirror", "develop"), NOW)],
)
def test_another_collection_is_not_suspect_for_being_smaller(old: Origin, new: Origin) -> None:
    assert suspect(100, 1, old=old, new=new) == (None, None)
    assert suspect(1, 100, old=old, new=new) == (None, None)


@given(collections())
def test_swapping_the_sides_swaps_the_suspicion(pages: list[Pages]) -> None:
    there = compare(THEN, NOW, pages, Totals())
    back = compare(NOW, THEN, [(new, old) for old, new in pages], Totals())
    assert bool(there.old.suspect) == bool(back.new.suspect)
    assert bool(there.new.suspect) == bool(back.old.suspect)
