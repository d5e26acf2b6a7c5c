"""Steps: they add up to the comparison of the ends, whatever could not be read in between."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from hashlib import sha1
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from browser import Opened, launched
from cachediff.changelog import arrange
from cachediff.manifests import PARSER_VERSION
from cachediff.model.comparison import Comparison, PackageComparison, PackageStatus
from cachediff.model.lives import Point
from cachediff.model.snapshot import Manifest, Origin, Problem, Snapshot, Totals
from cachediff.model.spec import Build, Spec
from cachediff.model.steps import Bridge, Step
from cachediff.model.version import Version
from cachediff.queries import LoadedSnapshot, compare_opened
from cachediff.queries.steps import steps_of
from cachediff.reports import Layout
from cachediff.reports.reading import read_json
from cachediff.reports.steps import FORMATS, ToldSteps
from cachediff.store import SummaryCache
from commands import cachediff, in_terminal, refuses, succeeds
from contract import check_document
from hostile_strings import HOSTILE_STRINGS, comparison_of
from pages import page, record
from repositories import Commit, add_commits, git, write_repository
from strategies import KNOWN_STACKS, unreadable

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
GOLDEN = Path(__file__).parent / "golden" / "steps"
SUFFIXES = {"text": "txt", "markdown": "md", "html": "html", "json": "json"}
STYLES = re.compile(r"(<style>).*?(</style>)", re.DOTALL)
HTML = "{http://www.w3.org/1999/xhtml}"

PACKAGES = ("adios2", "bats", "cmake")
VERSIONS = ("1.0", "1_00", "1.1", "2.0")

_Nights = list[dict[str, Manifest]]
"""The manifests of each night, by package."""


# The property.


@st.composite
def nights(draw: DrawFn, *, told_stacks: bool, shared: bool = False) -> _Nights:
    """Nights of one collection; a hash is one build for ever, in stacks that change.

    Where hashes are `shared`, several packages may list the same, which is a problem.
    """
    stacks = KNOWN_STACKS if told_stacks else [None, *KNOWN_STACKS]
    pool = {
        package: [
            (
                f"{'a' if shared else package[0]}{letter}" * 16,
                draw(
                    st.builds(
                        Build,
                        st.just(package),
                        st.sampled_from(VERSIONS).map(Version),
                        st.sampled_from([None, "gcc@11.4.0", "llvm@15.0.0"]),
                        st.just("linux"),
                        st.just("ubuntu22.04"),
                        st.sampled_from(["x86_64_v3", "zen4"]),
                        st.sampled_from([("+shared",), ("~shared",)]),
                    )
                ),
            )
            for letter in "abcde"
        ]
        for package in PACKAGES
    }

    def manifest(package: str) -> Manifest | None:
        fate = draw(st.sampled_from(["read", "read", "read", "unreadable", "gone", "empty"]))
        if fate == "unreadable":
            # Broken in one way or another: two nights in a row may differ.
            problem = Problem(f"{package}/specs.md", f"record {draw(st.integers(1, 3))} is none")
            return Manifest(package, (), (problem,), readable=False)
        if fate != "read":
            return Manifest(package, ()) if fate == "empty" else None
        chosen = draw(st.lists(st.sampled_from(pool[package]), unique_by=lambda each: each[0]))
        return Manifest(
            package,
            tuple(
                Spec(hash_, build, draw(st.sampled_from(stacks))) for hash_, build in sorted(chosen)
            ),
        )

    made: _Nights = []
    for _ in range(draw(st.integers(2, 6))):
        night = dict(made[-1]) if made else {}
        for package in draw(st.lists(st.sampled_from(PACKAGES), unique=True)):
            night.pop(package, None)
            if told := manifest(package):
                night[package] = told
        made.append(night)
    return made


def snapshot(number: int, night: Mapping[str, Manifest]) -> Snapshot:
    commit = f"{number:040x}"
    moment = f"2025-01-{number + 1:02}T12:00:00Z"
    return Snapshot(
        Origin("demo", "develop", commit, moment, sha1(repr(night).encode()).hexdigest()),
        tuple(night[package] for package in sorted(night)),
        {package: sha1(repr(told).encode()).hexdigest() for package, told in night.items()},
    )


def taken(made: _Nights) -> list[Step]:
    return list(steps_of(LoadedSnapshot(snapshot(n, night)) for n, night in enumerate(made)))


def whole(made: _Nights) -> Comparison:
    ends = (snapshot(0, made[0]), snapshot(len(made) - 1, made[-1]))
    return compare_opened(*map(LoadedSnapshot, ends))


def readable(night: Mapping[str, Manifest], package: str) -> bool:
    return package not in night or night[package].readable


def read_at_both_ends(made: _Nights) -> list[str]:
    return [name for name in PACKAGES if readable(made[0], name) and readable(made[-1], name)]


def hashes(night: Mapping[str, Manifest], packages: Collection[str]) -> set[str]:
    return {spec.hash for name in packages if name in night for spec in night[name].specs}


def of_package(comparison: Comparison, name: str) -> PackageComparison | None:
    return next((each for each in comparison.packages if each.package == name), None)


def net(
    steps: list[Step],
    name: str,
    came: Callable[[PackageComparison], Collection[Any]],
    went: Callable[[PackageComparison], Collection[Any]],
) -> dict[Any, int]:
    """How often each value came rather than went, where that is not as often."""
    total: Counter[Any] = Counter()
    for step in steps:
        if told := of_package(step.comparison, name):
            total.update(came(told))
            total.subtract(went(told))
    return {value: number for value, number in total.items() if number}


@settings(deadline=None, max_examples=100)
@given(nights(told_stacks=False))
def test_the_hashes_add_up(made: _Nights) -> None:
    packages = read_at_both_ends(made)
    now = hashes(made[0], packages)
    for step in taken(made):
        for told in step.comparison.packages:
            if told.package not in packages:
                continue
            gone = {change.old.hash for change in told.changes if change.old}
            come = {change.new.hash for change in told.changes if change.new}
            assert gone <= now, "what goes was there"
            assert not (come - gone) & now, "what comes was not"
            now = (now - gone) | come
    assert now == hashes(made[-1], packages)


@settings(deadline=None, max_examples=100)
@given(nights(told_stacks=True))
def test_versions_and_stacks_add_up(made: _Nights) -> None:
    steps, all_at_once = taken(made), whole(made)
    for name in read_at_both_ends(made):
        told = of_package(all_at_once, name)
        assert net(
            steps, name, lambda each: each.versions_added, lambda each: each.versions_removed
        ) == {
            **dict.fromkeys(told.versions_added if told else (), 1),
            **dict.fromkeys(told.versions_removed if told else (), -1),
        }
        assert net(steps, name, lambda each: each.stacks_joined, lambda each: each.stacks_left) == {
            **dict.fromkeys(told.stacks_joined if told else (), 1),
            **dict.fromkeys(told.stacks_left if told else (), -1),
        }


@settings(deadline=None, max_examples=40)
@given(nights(told_stacks=False) | nights(told_stacks=False, shared=True))
def test_a_step_is_the_comparison_of_its_two_nights_unless_it_is_bridged(made: _Nights) -> None:
    for step, number in zip(taken(made), range(1, len(made)), strict=True):
        sides = (snapshot(each, made[each]) for each in (number - 1, number))
        plain = compare_opened(*map(LoadedSnapshot, sides))
        bridged = {bridge.package for bridge in step.bridged}
        for name in PACKAGES:
            if name not in bridged:
                assert of_package(step.comparison, name) == of_package(plain, name)
        assert step.comparison.new.problems == plain.new.problems
        if not bridged:
            assert step.comparison == plain


@settings(deadline=None, max_examples=40)
@given(nights(told_stacks=False))
def test_each_step_adds_up_by_itself(made: _Nights) -> None:
    text = "".join(told_as("json", taken(made)))
    for step in json.loads(text)["steps"]:
        check_document(step["comparison"])


@settings(deadline=None, max_examples=40)
@given(nights(told_stacks=False))
def test_bridges_are_what_could_not_be_read_and_can_be_again(made: _Nights) -> None:
    for step, number in zip(taken(made), range(1, len(made)), strict=True):
        for name in PACKAGES:
            before = [night for night in range(number) if readable(made[night], name)]
            expected = (
                readable(made[number], name)
                and not readable(made[number - 1], name)
                and bool(before)
            )
            bridge = [each.last_read for each in step.bridged if each.package == name]
            assert bridge == ([point(before[-1])] if expected else [])


def point(number: int) -> Point:
    return Point(f"2025-01-{number + 1:02}T12:00:00Z", f"{number:040x}")


class Counting(LoadedSnapshot):
    """A snapshot that notes which manifests are read to be compared."""

    def __init__(self, told: Snapshot, read: list[tuple[str, str | None]]) -> None:
        super().__init__(told)
        self._told = told
        self._read = read

    def totals_without(self, packages: Set[str]) -> Totals:
        return LoadedSnapshot(self._told).totals_without(packages)

    def read(self, packages: Collection[str]) -> Iterator[Manifest]:
        for package in packages:
            self._read.append((package, self.entries[package]))
        return super().read(packages)


def test_each_manifest_that_changed_is_read_once() -> None:
    def night(number: int) -> dict[str, Manifest]:
        def one(package: str, version: int) -> Manifest:
            build = Build(package, Version("1"), None, "linux", "os", "target", ())
            return Manifest(package, (Spec(f"{package[0]}{version}" * 16, build, ()),))

        return {"adios2": one("adios2", number), "bats": one("bats", number // 3)}

    read: list[tuple[str, str | None]] = []
    for _ in steps_of(Counting(snapshot(n, night(n)), read) for n in range(9)):
        pass
    assert sorted(Counter(read).values()) == [1] * (9 + 3)


# In git, and in the store.


def world(*nights: Mapping[str, Any]) -> Iterator[Commit]:
    """Commits of `develop`: the records of each package, None for no manifest, a text for a bad one."""
    for night in nights:
        yield {
            f"_cache/develop/{package}/specs.md": (
                page(told, package) if isinstance(told, list) else told
            )
            for package, told in night.items()
        }


HDF5 = [record("hdf5/1"), record("hdf5/2", "1.2")]
BROKEN = "---\ntitle: not a manifest\n---"
BASE = {"hdf5": HDF5, "zlib": [record("zlib/1")], "cmake": [record("cmake/1", "3.30")]}

CASES: dict[str, list[Mapping[str, Any]]] = {
    "moves": [
        BASE,
        {"zlib": [record("zlib/2", "1.3")]},
        {"hdf5": [HDF5[0]], "xz": [record("xz/1")]},
        {"zlib": [record("zlib/3", "1.3", stacks=["root"])], "cmake": None},
    ],
    "unknown-nights": [
        BASE,
        {"hdf5": BROKEN},
        {"zlib": [record("zlib/2", "1.3")]},
        {"hdf5": [HDF5[0], record("hdf5/3", "1.3")]},
    ],
    "gone-and-back": [BASE, {"hdf5": None, "zlib": None, "cmake": None}, BASE],
    "no-steps": [BASE, {"hdf5": HDF5}],
}


def written(folder: Path, *nights: Mapping[str, Any]) -> Path:
    return write_repository(folder / "cache", world(*nights))


def steps_in(folder: Path, *arguments: str) -> list[Any]:
    text = succeeds("compare", *arguments, "--steps", "--format", "json", folder=folder)
    document = json.loads(text)
    assert document["schema"] == "cachediff/steps/1"
    for step in document["steps"]:
        check_document(step["comparison"])
        assert read_json(json.dumps(step["comparison"]).encode())
    return list(document["steps"])


def packages(step: Any) -> dict[str, str]:
    return {each["package"]: each["status"] for each in step["comparison"]["packages"]}


@pytest.mark.parametrize("form", sorted(SUFFIXES))
@pytest.mark.parametrize(
    "case", sorted({*CASES, *(each.name for each in GOLDEN.glob("*") if GOLDEN.is_dir())})
)
def test_golden(tmp_path: Path, case: str, form: str) -> None:
    assert case in CASES, f"{GOLDEN / case} is the expectation of no case"
    repository = written(tmp_path, *CASES[case])
    span = (f"develop@HEAD~{len(CASES[case]) - 1}", "develop", "--steps")
    report = STYLES.sub(r"\1…\2", succeeds("compare", *span, "--format", form, folder=repository))
    expected = GOLDEN / case / f"expected.{SUFFIXES[form]}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(report, encoding="utf-8", newline="")
    assert expected.is_file(), f"{expected} is missing"
    golden = expected.read_bytes().decode()
    assert golden.strip(), f"{expected} is empty"
    assert report == golden


def test_golden_folders_hold_expectations_only() -> None:
    names = {f"expected.{suffix}" for suffix in SUFFIXES.values()}
    for case in CASES:
        assert {path.name for path in (GOLDEN / case).iterdir()} == names


def test_what_happened_while_a_manifest_could_not_be_read_shows_when_it_can(
    tmp_path: Path,
) -> None:
    repository = written(tmp_path, *CASES["unknown-nights"])
    first, second, third = steps_in(repository, "develop@HEAD~3", "develop")
    assert packages(first) == {"hdf5": "unknown"}
    assert packages(second) == {"hdf5": "unknown", "zlib": "changed"}
    assert packages(third) == {"hdf5": "changed"}
    (bridge,) = third["bridged"]
    assert bridge["package"] == "hdf5"
    assert bridge["last_read"]["committed_at"] == "2025-01-01T12:00:00Z"
    (told,) = third["comparison"]["packages"]
    assert told["versions"] == {"added": ["1.3"], "removed": ["1.2"], "kept": ["1.0"]}
    assert third["comparison"]["old"]["unreadable"] == 0
    assert first["bridged"] == second["bridged"] == []


def test_what_was_read_last_is_not_taken_for_what_a_commit_holds(tmp_path: Path) -> None:
    """What is remembered of a tree is what is in it, with steps or without."""
    # On the second night nothing is equal, so that nothing is remembered of it before the third.
    repository = written(
        tmp_path,
        {"hdf5": HDF5, "zlib": [record("zlib/1")]},
        {"hdf5": BROKEN, "zlib": [record("zlib/2")]},
        {"hdf5": [HDF5[0]]},
    )
    remembered = []
    for cache, steps in (("with", ["--steps"]), ("without", [])):
        environment = {"XDG_CACHE_HOME": str(tmp_path / cache)}
        begin = "develop@HEAD~2" if steps else "develop@HEAD~1"
        done = cachediff(
            "compare", begin, "develop", *steps, folder=repository, environment=environment
        )
        assert done.code == 0
        summaries = SummaryCache(
            tmp_path / cache / "cachediff" / "manifests.sqlite", PARSER_VERSION
        )
        for back in (1, 0):
            tree = "tree:" + git(repository, "rev-parse", f"HEAD~{back}:_cache/develop")
            hashes = summaries.get_hashes(tree)
            assert hashes is not None
            remembered.append((steps, summaries.get_sharing(tree), hashes.encode()))
        summaries.close()
    assert [each[1:] for each in remembered[:2]] == [each[1:] for each in remembered[2:]]


def test_a_collection_that_was_gone_for_a_night_is_suspect_and_not_an_error(
    tmp_path: Path,
) -> None:
    first, second = steps_in(
        written(tmp_path, *CASES["gone-and-back"]), "develop@HEAD~2", "develop"
    )
    assert first["comparison"]["new"]["suspect"] == "develop lost 3 of its 3 manifests"
    assert first["comparison"]["summary"]["specs"]["removed"] == 4
    assert second["comparison"]["summary"]["specs"]["added"] == 4


def test_steps_are_the_commits_that_changed_the_collection(tmp_path: Path) -> None:
    repository = written(tmp_path, BASE)
    other = {"_cache/e4s/zlib/specs.md": page([record("zlib/1")], "zlib")}
    add_commits(
        repository, [*world({"zlib": []}), other, *world({"zlib": HDF5[:0]}), other], start=1
    )
    (step,) = steps_in(repository, "develop@HEAD~4", "develop")
    assert step["comparison"]["new"]["committed_at"] == "2025-01-02T12:00:00Z"


def test_a_merge_is_one_step(tmp_path: Path) -> None:
    repository = written(tmp_path, BASE)
    git(repository, "config", "user.name", "Test")
    git(repository, "config", "user.email", "test@cache.example")
    git(repository, "checkout", "--quiet", "-b", "side")
    for version in ("1.1", "1.2"):
        manifest = repository / "_cache" / "develop" / "zlib" / "specs.md"
        manifest.write_text(page([record("zlib/1", version)], "zlib"))
        git(repository, "commit", "--quiet", "--all", "--message", version)
    git(repository, "checkout", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "--message", "merge", "side")
    (step,) = steps_in(repository, "develop@HEAD~1", "develop")
    assert step["comparison"]["new"]["commit"] == git(repository, "rev-parse", "HEAD")
    assert len(steps_in(repository, "develop@main~1", "develop@side")) == 2


def test_a_side_that_was_merged_is_no_beginning(tmp_path: Path) -> None:
    """What happened on it was told as the merge: nobody went from it to the end."""
    repository = written(tmp_path, *CASES["moves"][:2])
    git(repository, "config", "user.name", "Test")
    git(repository, "config", "user.email", "test@cache.example")
    git(repository, "checkout", "--quiet", "-b", "side", "HEAD~1")
    (repository / "_cache" / "develop" / "cmake" / "specs.md").write_text(BROKEN)
    git(repository, "commit", "--quiet", "--all", "--message", "side")
    git(repository, "checkout", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "--message", "merge", "side")
    merge = git(repository, "rev-parse", "--short=12", "HEAD")
    for command in (
        ("compare", "develop@side", "develop", "--steps"),
        ("bisect", "zlib@1.3 added", "--since", "side"),
    ):
        said = refuses(*command, folder=repository)
        assert f"is on a branch that was merged, all at once, in {merge}" in said
        assert f"{merge}~1" in said
    assert len(steps_in(repository, f"develop@{merge}~1", "develop")) == 1


def test_stored_snapshots_are_steps_and_one_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    repository = written(tmp_path, *CASES["moves"])
    succeeds("snapshot", *(f"develop@HEAD~{back}" for back in (3, 2, 1, 0)), folder=repository)
    span = ("develop@2025-01-01", "develop")
    stored, in_git = steps_in(repository, *span, "--stored"), steps_in(repository, *span)
    assert [packages(each) for each in stored] == [packages(each) for each in in_git]
    assert len(steps_in(repository, "develop@previous", "develop")) == 1
    (second,) = (repository / "snapshots").rglob("20250102*.parquet")
    second.write_bytes(b"damaged")
    done = cachediff("compare", *span, "--stored", "--steps", "--format", "json", folder=repository)
    assert len(json.loads(done.out)["steps"]) == 3
    assert "it was read from git instead" in done.err
    (repository / "elsewhere").mkdir()
    config = repository / "elsewhere" / "config.yaml"
    config.write_text("sources: {cache: {path: nowhere}}\nstore: ../snapshots\n")
    done = cachediff(
        *("compare", *span, "--stored", "--steps", "--format", "json", "--config", config),
        folder=repository,
    )
    first, _ = json.loads(done.out)["steps"]
    assert packages(first) == {"hdf5": "changed", "xz": "added", "zlib": "changed"}
    assert "passed over" in done.err


def test_stored_steps_are_those_of_git(tmp_path: Path) -> None:
    """All of them, whatever is carried from one to the next: totals, coverage, who shares a hash."""
    shared = {"hdf5": [*HDF5, record("both")], "bats": [record("both")]}
    made = (
        {"cmake": [record("cmake")], **shared},
        {"cmake": [record("cmake/2", os="rhel9")]},
        {"zlib": BROKEN},
        {"bats": [record("bats")]},
        {"zlib": [record("both", target="zen4")]},
        {"hdf5": None},
    )
    repository = written(tmp_path, *made)
    span = ("develop@HEAD~5", "develop")
    for back in range(5, -1, -1):
        succeeds("snapshot", f"develop@HEAD~{back}", folder=repository)
    in_git = steps_in(repository, *span)
    assert len(in_git) == 5
    assert steps_in(repository, "develop@2025-01-01", "develop", "--stored") == in_git
    shared_with = [step["comparison"]["new"]["problems"] for step in in_git]
    assert sum("is also listed by" in json.dumps(each) for each in shared_with) == 3


def test_a_selection_narrows_each_step(tmp_path: Path) -> None:
    repository = written(tmp_path, *CASES["moves"])
    span = ("compare", "develop@HEAD~3", "develop", "zlib", "--kind", "upgraded", "--steps")
    told = json.loads(succeeds(*span, "-f", "json", folder=repository))
    assert [packages(each) for each in told["steps"]] == [{"zlib": "changed"}, {}, {}]
    text = succeeds("compare", "develop@HEAD~3", "develop", "zlib", "--steps", folder=repository)
    assert text.endswith("\n3 steps, 1 of them without anything selected\n")
    done = cachediff("compare", "develop@HEAD~3", "develop", "zlbi", "--steps", folder=repository)
    assert "no package in any step matches 'zlbi'; did you mean zlib?" in done.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("develop@HEAD~1", "develop"), 1), (("develop", "develop"), 0)],
)
def test_the_exit_code(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    repository = written(tmp_path, *CASES["moves"])
    done = cachediff("compare", *arguments, "--steps", "--exit-code", folder=repository)
    assert done.code == code


def test_changes_that_cancel_out_count_as_changes(tmp_path: Path) -> None:
    repository = written(tmp_path, *CASES["gone-and-back"])
    span = ("compare", "develop@HEAD~2", "develop", "--exit-code")
    assert cachediff(*span, folder=repository).code == 0
    assert cachediff(*span, "--steps", folder=repository).code == 1


# What cannot be had.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("develop", "develop@HEAD~1"), "is not among the commits before"),
        (("develop@HEAD~1", "other"), "steps are those of one collection, and these are two"),
        (("_cache/develop", "_cache/develop"), "folders have no commits"),
        (("develop@HEAD~1", "develop", "-f", "eml"), "not as eml"),
        (("develop@HEAD~1", "develop", "-f", "release-notes"), "not as release-notes"),
        (("develop@HEAD~1", "develop", "-o", "x.eml"), "not as eml"),
        (("develop@HEAD~1", "develop", "--publish", "x"), "--publish is for one comparison"),
        (("develop@HEAD~1", "develop", "--templates", "."), "--templates is for one"),
        (
            ("develop@HEAD~1", "develop", "-f", "markdown", "--max-size", "100"),
            "--max-size is for one",
        ),
        (("develop@HEAD~1", "develop", "--kind", "x"), "there is no kind 'x'"),
    ],
)
def test_what_is_refused(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    repository = written(tmp_path, BASE)
    other = {"_cache/other/zlib/specs.md": page([record("zlib/1")], "zlib")}
    add_commits(repository, [other], start=1)
    git(repository, "reset", "--quiet", "--hard")
    assert message in refuses("compare", *arguments, "--steps", folder=repository)


def test_a_rewritten_history_has_no_steps_from_what_it_left_behind(tmp_path: Path) -> None:
    repository = written(tmp_path, *CASES["moves"])
    old = git(repository, "rev-parse", "HEAD")
    git(repository, "update-ref", "refs/heads/main", "HEAD~2")
    add_commits(repository, world({"hdf5": []}), start=2)
    message = refuses("compare", f"develop@{old}", "develop", "--steps", folder=repository)
    assert "upstream rewrote its history" in message


def test_a_history_that_is_cut_off_says_what_to_do(tmp_path: Path) -> None:
    repository = written(tmp_path, *CASES["moves"])
    git(repository, "branch", "old", "main~3")
    git(tmp_path, "clone", "--quiet", "--depth", "2", repository.as_uri(), "shallow")
    git(tmp_path / "shallow", "fetch", "--quiet", "--depth=1", "origin", "old:old")
    message = refuses("compare", "develop@old", "develop", "--steps", folder=tmp_path / "shallow")
    assert "git fetch --unshallow" in message


# How it looks.


def told_as(form: str, steps: Collection[Step], limit: int | None = 20) -> str:
    ends = (Origin("demo", "develop", "a" * 40, "2025-01-01T12:00:00Z"),) * 2
    layout = Layout(width=100, limit=limit)
    return "".join(FORMATS[form](ToldSteps(*ends, steps, ("a <b>note</b>",)), arrange, layout))


def hostile(values: tuple[str, ...]) -> Step:
    bridges = tuple(Bridge(value, Point("2025-01-01T12:00:00Z", "a" * 40)) for value in values)
    return Step(comparison_of(values), bridges)


def parsed(text: str) -> Element:
    document = html5lib.HTMLParser(strict=True).parse(text)
    assert isinstance(document, Element)
    return document


def test_hostile_strings_are_only_text() -> None:
    plain = {each.tag for each in parsed(told_as("html", [hostile(("a", "b"))])).iter()}
    for start in range(0, len(HOSTILE_STRINGS), 100):
        values = HOSTILE_STRINGS[start : start + 100]
        document = parsed(told_as("html", [hostile(values)]))
        for each in document.iter():
            assert each.tag in plain
            assert not [name for name in each.attrib if name.startswith("on") or name == "href"]
        assert not list(document.iter(HTML + "script"))
    for form in ("text", "markdown", "json"):
        for limit in (20, None):
            report = told_as(form, [hostile(HOSTILE_STRINGS[:40])], limit)
            assert all(line.isprintable() for line in report.removesuffix("\n").split("\n"))
    for line in told_as("markdown", [hostile(HOSTILE_STRINGS)]).split("\n"):
        assert "<script" not in re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line)


def test_bridges_are_told_in_every_format() -> None:
    step = hostile(("zlib-ng",))
    for form in ("text", "markdown", "html"):
        assert "Read again: " in told_as(form, [step])
    assert json.loads(told_as("json", [step]))["steps"][0]["bridged"] == [
        {
            "package": "zlib-ng",
            "last_read": {"committed_at": "2025-01-01T12:00:00Z", "commit": "a" * 40},
        }
    ]


def test_a_terminal_has_colours_and_its_width(tmp_path: Path) -> None:
    repository = written(tmp_path, *CASES["unknown-nights"])
    span = ("compare", "develop@HEAD~3", "develop", "--steps")
    code, shown, _ = in_terminal(*span, folder=repository, columns=60)
    assert code == 0
    assert "\x1b[1m" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert all(len(line) <= 60 for line in plain.splitlines())
    assert " ".join(plain.split()) == " ".join(succeeds(*span, folder=repository).split())


def test_the_page_can_be_used(tmp_path: Path) -> None:
    repository = written(tmp_path, *CASES["unknown-nights"])
    file = repository / "steps.html"
    succeeds("compare", "develop@HEAD~3", "develop", "--steps", "-o", file, folder=repository)
    with launched(tmp_path) as browser:
        for scheme in SCHEMES:
            opened = Opened(browser, file, scheme=scheme)
            summaries = opened.page.locator(".step > summary")
            assert summaries.count() == 3
            summaries.last.click()
            assert opened.page.locator(".step >> nth=2").get_by_role("table").first.is_visible()
            assert opened.violations() == []
            opened.close()


def test_a_page_of_one_step_is_open(tmp_path: Path) -> None:
    repository = written(tmp_path, *CASES["moves"])
    for back, are_open in ((1, 1), (2, 0)):
        span = ("compare", f"develop@HEAD~{back}", "develop", "--steps", "--format", "html")
        document = parsed(succeeds(*span, folder=repository))
        folded = list(document.iter(HTML + "details"))
        steps = [each for each in folded if each.get("class") == "step"]
        assert len(steps) == back
        assert sum("open" in each.attrib for each in steps) == are_open


def test_a_step_in_which_only_the_order_changed_says_why_it_is_one(tmp_path: Path) -> None:
    repository = written(tmp_path, {"hdf5": HDF5}, {"hdf5": HDF5[::-1]})
    for form in ("text", "markdown", "html"):
        span = ("compare", "develop@HEAD~1", "develop", "--steps", "--format", form)
        told = succeeds(*span, folder=repository)
        assert "No changes" in told
        assert "Upstream committed a change that changes no spec" in told


def test_what_could_never_be_read_before_stays_unknown_when_it_can() -> None:
    made = [{"bats": unreadable("bats")}, {"bats": Manifest("bats", ())}]
    (step,) = taken(made)
    assert of_package(step.comparison, "bats") == of_package(whole(made), "bats")
    assert [each.status for each in step.comparison.packages] == [PackageStatus.UNKNOWN]
