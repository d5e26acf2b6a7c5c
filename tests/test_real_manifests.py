"""Real manifests of Spack's public cache, across every change of format that they went through.

They are not part of this project: they are looked for beside it, in `../shared`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from commands import cachediff, compared, succeeds
from contract import check_document
from pages import page, record
from repositories import Content, write_repository

SHARED = Path(__file__).parents[2] / "shared"
REAL = SHARED / "real" / "cache-site"
SEEDS = SHARED / "seeds"

pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real manifests are not there: ../shared/real/cache-site"
)

RELEASES = [
    "develop-2024-06-09",
    "develop-2025-03-23",
    "develop-2025-03-30",
    "develop-2025-04-06",
    "develop-2025-04-20",
    "develop-2025-06-01",
    "develop-2025-07-13",
]
PAIRS = [*pairwise(RELEASES), (RELEASES[0], RELEASES[-1])]

# Manifests of `develop` that are there from several nights, the oldest first.
NIGHTS = {
    "bats": ["006531f6ab", "2891240b7e", "0082aed8e8"],
    "aida": ["0082aed8e8", "9fdccfaf28"],
    "alpgen": ["0082aed8e8", "7c07587c27"],
    "armpl-gcc": ["0082aed8e8", "b14c44a261"],
}

RENAMED = {
    "oneapi": "intel-oneapi-compilers",
    "clang": "llvm",
    "rocmcc": "llvm-amdgpu",
    "intel": "intel-oneapi-compilers-classic",
    "arm": "acfl",
}

Files = dict[str, Content]
Record = dict[str, Any]


def files(folder: str, root: str) -> Files:
    """The real files of one folder, by their paths below `root`."""
    return {
        f"{root}/{path.relative_to(REAL / folder)}": path.read_bytes()
        for path in sorted((REAL / folder).rglob("*"))
        if path.is_file()
    }


def records(collection: str) -> dict[str, dict[str, Record]]:
    """The raw records of a collection, as the files have them: by package, then by hash."""
    found = {}
    for path in (REAL / collection).glob("*/specs.md"):
        (line,) = (
            line for line in path.read_text().splitlines() if line.startswith("spec_details: ")
        )
        listed = json.loads(line.removeprefix("spec_details: "))
        found[path.parent.name] = {one["hash"]: one for one in listed}
    return found


def meaning(record: Record) -> dict[str, Any]:
    """What a record says, apart from how it is spelt; its own rules, to check those of the project."""
    name, _, version = record["compiler"].partition("@")
    compiler = f"{RENAMED.get(name, name)}@{version.lstrip('=')}"
    variants = set()
    for variant in record["variants"]:
        key, equals, value = variant.replace(":=", "=", 1).partition("=")
        listed = ",".join(sorted(value.split(",")))
        variants.add(key + equals + listed)
    (found,) = record["versions"]
    return {
        "version": found,
        "compiler": None if name == "none" else compiler,
        "platform": record["platform"],
        "os": record["os"],
        "target": record["target"],
        "variants": variants,
        "stacks": set(record["stacks"]) - {"root"},
    }


def differing(old: Record, new: Record) -> set[str]:
    """The fields in which two records say something else; one that is unknown says nothing."""
    before, after = meaning(old), meaning(new)
    return {
        field
        for field in before
        if before[field] != after[field] and None not in (before[field], after[field])
    }


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One commit for each release; before the first, its manifests as they were before a rewrite."""
    first = RELEASES[0]
    rewritten = {
        **files(f"{first}@82f2f700f7", f"_cache/{first}"),
        **files(f"{first}@b445feb552", f"_cache/{first}"),
    }
    commits = [files(first, f"_cache/{first}") | rewritten]
    commits += [files(release, f"_cache/{release}") for release in RELEASES]
    return write_repository(tmp_path_factory.mktemp("real") / "cache", commits)


@pytest.fixture(scope="module")
def documents(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], dict[str, Any]]:
    """Every pair, compared."""
    environment = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    return {pair: compared(*pair, folder=repository, environment=environment) for pair in PAIRS}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0][8:]}..{pair[1][8:]}")
class TestEachPair:
    def test_conforms(self, documents: dict[tuple[str, str], Any], pair: tuple[str, str]) -> None:
        check_document(documents[pair])
        for side, collection in zip(("old", "new"), pair, strict=True):
            there = records(collection)
            assert documents[pair][side]["problems"] == []
            assert documents[pair][side]["manifests"] == len(there)
            assert documents[pair][side]["specs"] == sum(map(len, there.values()))

    def test_says_of_a_pair_what_the_records_say(
        self, documents: dict[tuple[str, str], Any], pair: tuple[str, str]
    ) -> None:
        old, new = map(records, pair)
        checked = 0
        for package in documents[pair]["packages"]:
            name = package["package"]
            for change in package["changes"]:
                if change["old"] and change["new"]:
                    fields = differing(
                        old[name][change["old"]["hash"]], new[name][change["new"]["hash"]]
                    )
                    assert set(change["fields"]) == fields, change
                    assert change["kind"] == kind_of(change, fields)
                    checked += 1
        assert checked

    def test_removes_and_adds_nothing_that_is_only_spelt_anew(
        self, documents: dict[tuple[str, str], Any], pair: tuple[str, str]
    ) -> None:
        old, new = map(records, pair)
        for package in documents[pair]["packages"]:
            name = package["package"]
            gone = [old[name][c["old"]["hash"]] for c in package["changes"] if not c["new"]]
            come = [new[name][c["new"]["hash"]] for c in package["changes"] if not c["old"]]
            assert all(differing(a, b) - {"stacks"} for a in gone for b in come)

    def test_accounts_for_every_hash_once(
        self, documents: dict[tuple[str, str], Any], pair: tuple[str, str]
    ) -> None:
        old, new = map(records, pair)
        changed = {package["package"]: package for package in documents[pair]["packages"]}
        for name in old.keys() | new.keys():
            before, after = set(old.get(name, ())), set(new.get(name, ()))
            changes = changed[name]["changes"] if name in changed else []
            told = [
                {change[side]["hash"] for change in changes if change[side]}
                for side in ("old", "new")
            ]
            assert before - told[0] == after - told[1], "the rest is on both sides"
            assert told[0] <= before
            assert told[1] <= after

    def test_names_the_versions_that_are_in_the_files(
        self, documents: dict[tuple[str, str], Any], pair: tuple[str, str]
    ) -> None:
        old, new = (
            {
                name: {one["versions"][0] for one in package.values()}
                for name, package in records(collection).items()
            }
            for collection in pair
        )
        changed = {package["package"]: package for package in documents[pair]["packages"]}
        for name in old.keys() | new.keys():
            before, after = old.get(name, set()), new.get(name, set())
            if name not in changed:
                assert before == after
                continue
            versions = changed[name]["versions"]
            assert set(versions["added"]) == after - before
            assert set(versions["removed"]) == before - after
            assert set(versions["kept"]) == before & after


def kind_of(change: dict[str, Any], fields: set[str]) -> str:
    """What a pair with these fields is; the versions of these manifests are plain numbers."""
    if change["old"]["hash"] == change["new"]["hash"]:
        return "restacked"
    if "version" in fields:
        before, after = (
            tuple(map(int, change[side]["version"].split("."))) for side in ("old", "new")
        )
        return "upgraded" if before < after else "downgraded"
    return "changed" if fields - {"stacks"} else "rebuilt"


def test_a_rewritten_collection_has_no_changes(repository: Path) -> None:
    first = RELEASES[0]
    for package, before in (("bricks", "82f2f700f7"), ("armpl-gcc", "b445feb552")):
        paths = [REAL / folder / package / "specs.md" for folder in (f"{first}@{before}", first)]
        assert paths[0].read_bytes() != paths[1].read_bytes()
    then = f"{first}@HEAD~{len(RELEASES)}"
    out = succeeds("compare", then, first, "--exit-code", folder=repository)
    assert out.startswith("No changes\n")
    document = compared(then, first, folder=repository)
    assert document["old"]["tree"] != document["new"]["tree"]
    assert document["packages"] == []
    check_document(document)


def test_two_builds_that_became_one_are_told_as_that(
    repository: Path, documents: dict[tuple[str, str], Any]
) -> None:
    pair = ("develop-2025-03-23", "develop-2025-03-30")
    old, new = (records(collection)["bats"] for collection in pair)
    (one,) = new
    assert len(old) == 2
    assert {"e4s", "e4s-oneapi"} <= set(new[one]["stacks"])

    (bats,) = (p for p in documents[pair]["packages"] if p["package"] == "bats")
    assert Counter(change["kind"] for change in bats["changes"]) == {"rebuilt": 1, "removed": 1}
    (merge,) = bats["merged"]
    assert merge["one"] == one
    assert set(merge["several"]) == set(old)
    assert bats["split"] == []
    assert bats["stacks"] == {"joined": [], "left": []}

    text = succeeds("compare", *pair, folder=repository)
    assert re.search(r"bats +1\.10\.0 .*2 builds became 1", text)
    assert re.search(r"Builds merged .*\n  bats .*became one with another build", text)
    markdown = succeeds("compare", *pair, "--format", "markdown", folder=repository)
    assert re.search(r"`bats`.*2 builds became 1", markdown)
    assert re.search(r"`bats`.*became one with another build", markdown)


@pytest.mark.parametrize("package", NIGHTS)
def test_nights_of_develop(tmp_path: Path, package: str) -> None:
    commits = [
        {
            f"_cache/develop/{package}/specs.md": (
                REAL / f"develop@{night}/{package}/specs.md"
            ).read_bytes()
        }
        for night in NIGHTS[package]
    ]
    repository = write_repository(tmp_path / "cache", commits)
    for back, (before, after) in enumerate(pairwise(NIGHTS[package])):
        distance = len(commits) - 1 - back
        document = compared(
            f"develop@HEAD~{distance}..develop@HEAD~{distance - 1}", folder=repository
        )
        check_document(document)
        old, new = (records(f"develop@{night}")[package] for night in (before, after))
        (told,) = document["packages"]
        for change in told["changes"]:
            if change["old"] and change["new"]:
                fields = differing(old[change["old"]["hash"]], new[change["new"]["hash"]])
                assert set(change["fields"]) == fields


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gone: Files = {"_cache/libsigsegv": None, "_cache/zlib": None}
    commits: list[Files] = [
        files("legacy@a083123abf", "_cache"),
        gone | files("legacy@695e510dcf", "_cache/develop"),
        {
            "_cache/develop/zlib": None,
            "_cache/develop/libsigsegv": None,
            "_cache/develop/zlib/specs.md": page([record("zlib/1", "1.3.1")], "zlib"),
            "_cache/develop/libsigsegv/specs.md": page([record("s/1", "2.14")], "libsigsegv"),
        },
    ]
    return write_repository(tmp_path_factory.mktemp("legacy") / "cache", commits)


class TestLegacy:
    """2021 and 2022: most `spec-N.json` are missing here."""

    def test_a_missing_spec_file_is_a_problem_and_not_a_removal(self, legacy: Path) -> None:
        document = compared("default@HEAD~2", "develop@HEAD~1", folder=legacy)
        check_document(document)
        assert [package["status"] for package in document["packages"]] == ["unknown"] * 2
        for side, manifest, reason in (
            ("old", "libsigsegv/index.md", "60 of 61 listed files are missing"),
            ("new", "libsigsegv", "no manifest here"),
            ("new", "zlib/specs.md", "4 of 7 listed files are missing"),
        ):
            reasons = {one["manifest"]: one["reason"] for one in document[side]["problems"]}
            assert reasons[manifest].startswith(reason)
        done = cachediff(
            "compare", "default@HEAD~2", "develop@HEAD~1", "--exit-code", folder=legacy
        )
        assert done.code == 1
        assert done.out.startswith("libsigsegv and zlib could not be compared, no other changes\n")
        assert "0 of 2 manifests read" in done.out

    def test_a_package_of_2021_without_its_page_is_a_problem(self, legacy: Path) -> None:
        document = compared("default@HEAD~2", "default@HEAD~2", folder=legacy)
        problems = {one["manifest"]: one["reason"] for one in document["new"]["problems"]}
        assert problems["zlib"].startswith("no manifest here")

    def test_what_could_not_be_read_is_not_new_either(self, legacy: Path) -> None:
        document = compared("develop@HEAD~1", "develop", folder=legacy)
        check_document(document)
        assert document["summary"]["packages"]["unknown"] == 2
        assert document["summary"]["specs"]["added"] == 0
        assert document["summary"]["specs"]["unknown"] == [0, 2]

    def test_old_layouts_with_their_files_compare_with_that_of_today(self, tmp_path: Path) -> None:
        """The real pages, cut down to the entries whose files are there."""
        index = (REAL / "legacy@a083123abf/libsigsegv/index.md").read_text()
        index = re.sub(r'(?m)^ - ".*": spec-(?!0\.)\d+\.json\n', "", index)
        specs = (REAL / "legacy@695e510dcf/zlib/specs.md").read_text()
        specs = re.sub(r"(?m)^ - spec-[23]\.json\n", "", specs)
        specs = re.sub(r"(?m)^ - 'zlib@1\.2\.8%gcc@7\.5\.0.*\n", "", specs)
        zlib = {
            **files("legacy@695e510dcf", "_cache/develop"),
            **files("legacy@67ef50047f", "_cache/develop"),
        }
        zlib = {path: content for path, content in zlib.items() if "/zlib/" in path}
        spec0 = (REAL / "legacy@a083123abf/libsigsegv/spec-0.json").read_bytes()
        today = record(
            "zlib/1", "1.2.12", compiler="gcc@7.5.0", os="ubuntu18.04", target="x86_64",
            variants=["+optimize", "+pic", "+shared", "patches:=0d38234"],
        )  # fmt: skip
        sigsegv = record("sigsegv/1", "2.13", compiler="none", os="rhel8", target="x86_64")
        commits: list[Files] = [
            {"_cache/libsigsegv/index.md": index, "_cache/libsigsegv/spec-0.json": spec0},
            {"_cache/libsigsegv": None, **zlib, "_cache/develop/zlib/specs.md": specs},
            {
                "_cache/develop/zlib": None,
                "_cache/develop/zlib/specs.md": page([today], "zlib"),
                "_cache/develop/libsigsegv/specs.md": page([sigsegv], "libsigsegv"),
            },
        ]
        repository = write_repository(tmp_path / "cache", commits)

        document = compared("develop@HEAD~1", "develop", "zlib", folder=repository)
        assert document["old"]["unreadable"] == 0
        assert document["old"]["specs"] == 5
        (told,) = document["packages"]
        (pair,) = (change for change in told["changes"] if change["new"])
        assert pair["kind"] == "rebuilt"
        assert pair["fields"] == [], "unknown stacks do not differ, and := is only spelling"
        first = json.loads((REAL / "legacy@695e510dcf/zlib/spec-0.json").read_text())
        assert pair["old"]["hash"] == first["spec"]["nodes"][0]["hash"]
        assert told["versions"] == {"added": [], "removed": ["1.2.8"], "kept": ["1.2.12"]}

        # The pages of 2022 do not tell stacks: what is known of a stack is not all of it.
        document = compared("develop@HEAD~1", "develop", folder=repository)
        check_document(document)
        assert document["stacks_untold"] == [5, 0]
        assert document["stacks"] == {}
        assert document["coverage"]["os"]["ubuntu18.04"]["specs"] == [5, 1]
        assert document["coverage"]["os"]["rhel8"]["packages_gained"] == ["libsigsegv"]
        selected = ("develop@HEAD~1", "develop", "--stack", "e4s", "--format", "json")
        document = json.loads(cachediff("compare", *selected, folder=repository).out)
        assert document["notices"] == ["specs that do not tell their stacks, and match none: 5"]

        document = compared("default@HEAD~2", "develop", "libsigsegv", folder=repository)
        (told,) = document["packages"]
        (pair,) = told["changes"]
        assert (pair["kind"], pair["fields"]) == ("upgraded", ["version"])
        assert pair["old"]["compiler"] == "gcc@8.3.1"


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seeds are not there: ../shared/seeds")
class TestSeeds:
    def folder(self, tmp_path: Path, name: str, edit: Any = None) -> Path:
        """The seed manifests as a folder; `edit` changes the records of each package."""
        for seed in sorted(SEEDS.iterdir()):
            text = seed.read_text()
            (title,) = re.findall(r'(?m)^title: "(.*)"', text)
            if edit:
                head, _, rest = text.partition("\nspec_details: ")
                line, _, tail = rest.partition("\n")
                head = re.sub(r"(?m)^meta: .*", "meta: {}", head)
                changed = json.dumps(edit(title, json.loads(line)))
                text = f"{head}\nspec_details: {changed}\n{tail}"
            path = tmp_path / name / title / "specs.md"
            path.parent.mkdir(parents=True)
            path.write_text(text)
        return tmp_path / name

    def test_a_seed_compared_with_itself(self, tmp_path: Path) -> None:
        folders = [self.folder(tmp_path, name) for name in ("old", "new")]
        document = compared(*folders, folder=tmp_path)
        check_document(document)
        assert document["packages"] == []
        assert document["new"]["problems"] == []
        assert document["summary"]["specs"]["unchanged"] == 56 + 24 + 66

    def test_order_is_no_change(self, tmp_path: Path) -> None:
        def turn(_: str, listed: list[Record]) -> list[Record]:
            for one in listed:
                one["stacks"].reverse()
                one["variants"].reverse()
            return listed[::-1]

        folders = self.folder(tmp_path, "old"), self.folder(tmp_path, "new", turn)
        out = succeeds("compare", *folders, "--exit-code", folder=tmp_path)
        assert out.startswith("No changes\n")

    def test_each_edit_is_found(self, tmp_path: Path) -> None:
        edited: dict[str, list[str]] = {}

        def edit(package: str, listed: list[Record]) -> list[Record]:
            edited[package] = [one["hash"] for one in listed]
            if package == "py-gast":
                return listed[1:]
            if package == "py-ml-dtypes":
                listed[0]["stacks"].append("a-new-stack")
                return listed
            listed[0]["hash"] = "a" * 32
            listed[0]["versions"] = ["99.0"]
            return listed

        folders = self.folder(tmp_path, "old"), self.folder(tmp_path, "new", edit)
        document = compared(*folders, folder=tmp_path)
        check_document(document)
        changes = {package["package"]: package["changes"] for package in document["packages"]}
        (gone,) = changes["py-gast"]
        assert (gone["kind"], gone["old"]["hash"]) == ("removed", edited["py-gast"][0])
        (moved,) = changes["py-ml-dtypes"]
        assert moved["kind"] == "restacked"
        assert set(moved["new"]["stacks"]) - set(moved["old"]["stacks"]) == {"a-new-stack"}
        (upgraded,) = changes["py-astunparse"]
        assert upgraded["kind"] == "upgraded"
        assert upgraded["fields"] == ["version"]
        assert upgraded["old"]["hash"] == edited["py-astunparse"][0]
        assert upgraded["new"]["version"] == "99.0"
