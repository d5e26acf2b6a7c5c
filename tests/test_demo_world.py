"""The made-up upstream: its pages look like the real ones, and what it promises is in it.

Everything is read back out of a real repository with git, tarfile and json, by nothing of cachediff.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cachediff.demo import Night, demo_history, upstream_history
from cachediff.demo.packages import packages, real_packages
from cachediff.demo.pages import Build, Record, page_2024, page_2025
from cachediff.demo.stacks import DEMO, UPSTREAM
from cachediff.demo.world import World

Specs = dict[str, dict[str, Any]]

# _cache/develop-2024-06-09/bricks/specs.md of the repository behind cache.spack.io.
REAL_2024 = """\
---
title: "bricks"
layout: cache
categories: [package, develop-2024-06-09]
meta: {"versions": ["2023.08.25"], "compilers": ["gcc@=11.4.0", "gcc@=9.4.0"], "oss": ["ubuntu20.04", "ubuntu22.04"], "platforms": ["linux"], "targets": ["ppc64le", "x86_64_v3"], "stacks": ["e4s", "e4s-power", "root"], "num_specs": 3, "num_specs_by_stack": {"e4s-power": 2, "root": 3, "e4s": 1}}
spec_details: [{"hash": "dm5zipxmq6fbfmhcffbhum5kigjmfvui", "compiler": "gcc@=9.4.0", "versions": ["2023.08.25"], "os": "ubuntu20.04", "platform": "linux", "target": "ppc64le", "variants": ["build_system=cmake", "build_type=Release", "+cuda", "generator=make", "~ipo", "patches=7fe8d1d"], "stacks": ["e4s-power", "root"], "size": "-", "tarball": "https://binaries.spack.io/develop-2024-06-09/build_cache/linux-ubuntu20.04-ppc64le/gcc-9.4.0/bricks-2023.08.25/linux-ubuntu20.04-ppc64le-gcc-9.4.0-bricks-2023.08.25-dm5zipxmq6fbfmhcffbhum5kigjmfvui.spack"}, {"hash": "fi4sdbbdwyfxg3ff4p6zpjky6q3ivegj", "compiler": "gcc@=11.4.0", "versions": ["2023.08.25"], "os": "ubuntu22.04", "platform": "linux", "target": "x86_64_v3", "variants": ["build_system=cmake", "build_type=Release", "~cuda", "generator=make", "~ipo", "patches=7fe8d1d"], "stacks": ["root", "e4s"], "size": "-", "tarball": "https://binaries.spack.io/develop-2024-06-09/build_cache/linux-ubuntu22.04-x86_64_v3/gcc-11.4.0/bricks-2023.08.25/linux-ubuntu22.04-x86_64_v3-gcc-11.4.0-bricks-2023.08.25-fi4sdbbdwyfxg3ff4p6zpjky6q3ivegj.spack"}, {"hash": "wkz2vg3sqvnjabzft4eunwqbuugpkgnj", "compiler": "gcc@=9.4.0", "versions": ["2023.08.25"], "os": "ubuntu20.04", "platform": "linux", "target": "ppc64le", "variants": ["build_system=cmake", "build_type=Release", "~cuda", "generator=make", "~ipo", "patches=7fe8d1d"], "stacks": ["e4s-power", "root"], "size": "-", "tarball": "https://binaries.spack.io/develop-2024-06-09/build_cache/linux-ubuntu20.04-ppc64le/gcc-9.4.0/bricks-2023.08.25/linux-ubuntu20.04-ppc64le-gcc-9.4.0-bricks-2023.08.25-wkz2vg3sqvnjabzft4eunwqbuugpkgnj.spack"}]
---"""  # noqa: E501

# _cache/develop-2025-07-13/bricks/specs.md of the same.
REAL_2025 = """\
---
title: "bricks"
layout: cache
categories: [package, develop-2025-07-13]
meta: {"compilers": ["gcc@11.4.0", "intel-oneapi-compilers@2025.1.0"], "num_specs": 3, "num_specs_by_stack": {"e4s": 2, "e4s-oneapi": 1, "root": 3}, "oss": ["ubuntu22.04"], "platforms": ["linux"], "stacks": ["e4s", "e4s-oneapi", "root"], "targets": ["x86_64_v3"], "versions": ["2023.08.25"]}
spec_details: [{"compiler": "gcc@11.4.0", "hash": "26g74fxlsd45fwmis6i5nn672jhzf7pb", "os": "ubuntu22.04", "platform": "linux", "size": "-", "stacks": ["e4s", "root"], "target": "x86_64_v3", "variants": ["build_system=cmake", "build_type=Release", "commit=d81725055c117c4b63a1b3835c6b634768b5bea7", "~cuda", "generator=make", "~ipo", "patches:=7fe8d1d"], "versions": ["2023.08.25"]}, {"compiler": "intel-oneapi-compilers@2025.1.0", "hash": "aavpzwumzg3uar6pwve7g6zdj2bydsbx", "os": "ubuntu22.04", "platform": "linux", "size": "-", "stacks": ["e4s-oneapi", "root"], "target": "x86_64_v3", "variants": ["build_system=cmake", "build_type=Release", "commit=d81725055c117c4b63a1b3835c6b634768b5bea7", "~cuda", "generator=make", "~ipo", "patches:=7fe8d1d"], "versions": ["2023.08.25"]}, {"compiler": "gcc@11.4.0", "hash": "ggopilp5zr7vehln6byayzu4xdvndj7v", "os": "ubuntu22.04", "platform": "linux", "size": "-", "stacks": ["e4s", "root"], "target": "x86_64_v3", "variants": ["build_system=cmake", "build_type=Release", "commit=d81725055c117c4b63a1b3835c6b634768b5bea7", "+cuda", "generator=make", "~ipo", "patches:=7fe8d1d"], "versions": ["2023.08.25"]}]
---"""  # noqa: E501


def git(repository: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, input=stdin, check=True, capture_output=True).stdout


def imported(path: Path, stream: Iterable[bytes]) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(path)], check=True)
    git(path, "fast-import", "--quiet", stdin=b"".join(stream))
    return path


def pages(repository: Path, revision: str, collection: str = "develop") -> dict[str, str]:
    archive = git(repository, "archive", revision, f"_cache/{collection}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name.split("/")[2]: file.read().decode() for name, file in files.items() if file}


def meta_and_specs(page: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lines = page.split("\n")
    assert [lines[0], lines[2], lines[-1]] == ["---", "layout: cache", "---"]
    assert len(lines) == 7
    return (
        json.loads(lines[4].removeprefix("meta: ")),
        json.loads(lines[5].removeprefix("spec_details: ")),
    )


def specs_of(page: str) -> Specs:
    specs = meta_and_specs(page)[1]
    by_hash = {spec["hash"]: spec for spec in specs}
    assert len(by_hash) == len(specs)
    return by_hash


def without(spec: dict[str, Any], *fields: str) -> str:
    return json.dumps({key: spec[key] for key in sorted(spec) if key not in fields})


def as_2025(spec: dict[str, Any]) -> str:
    """What a spec says in the older layout, spelled as the newer one does."""
    compiler = spec["compiler"].replace("@=", "@")
    if compiler.startswith("oneapi@"):
        compiler = f"intel-{compiler.replace('@', '-compilers@')}"
    lists = ("fabrics=", "patches=", "languages=", "amdgpu_target=", "cuda_arch=")
    variants = [v.replace("=", ":=", 1) if v.startswith(lists) else v for v in spec["variants"]]
    changed = spec | {
        "compiler": compiler,
        "variants": variants,
        "stacks": sorted(spec["stacks"]),
    }
    return without(changed, "tarball")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imported(tmp_path_factory.mktemp("demo") / "upstream.git", demo_history())


@pytest.fixture(scope="module")
def nights(demo: Path) -> dict[str, str]:
    """The commit of each night, oldest first, by its date."""
    log = git(demo, "log", "--reverse", "--format=%cs %H", "main").decode().split("\n")
    return dict(line.split(" ") for line in log if line)


def change(demo: Path, nights: dict[str, str], night: str, package: str) -> tuple[Specs, Specs]:
    """The package in `develop` on the night before and on that night."""
    before = list(nights)[list(nights).index(night) - 1]
    return (
        specs_of(pages(demo, nights[before])[package]),
        specs_of(pages(demo, nights[night])[package]),
    )


# Pages


@pytest.mark.parametrize(
    ("layout", "collection", "real"),
    [(page_2024, "develop-2024-06-09", REAL_2024), (page_2025, "develop-2025-07-13", REAL_2025)],
)
def test_a_page_has_the_bytes_of_the_real_one(layout: Any, collection: str, real: str) -> None:
    records = [
        Record(
            spec["hash"],
            Build(
                version=spec["versions"][0],
                compiler=spec["compiler"].replace("@=", "@"),
                platform=spec["platform"],
                os=spec["os"],
                target=spec["target"],
                variants=tuple(variant.replace(":=", "=") for variant in spec["variants"]),
            ),
            tuple(spec["stacks"]),
        )
        for spec in meta_and_specs(real)[1]
    ]
    assert layout(collection, "bricks", records) == real.encode()


def test_2024_keeps_the_order_given_and_2025_sorts() -> None:
    world = World(real_packages()[:3], 90, DEMO, seed=1)
    for name, records in world.records.items():
        old = meta_and_specs(page_2024("develop", name, records).decode())[1]
        new = meta_and_specs(page_2025("develop", name, records[::-1]).decode())[1]
        assert [spec["hash"] for spec in old] == [record.hash for record in records]
        assert [tuple(spec["stacks"]) for spec in old] == [record.stacks for record in records]
        assert [spec["hash"] for spec in new] == sorted(record.hash for record in records)


def test_meta_agrees_with_the_specs(demo: Path, nights: dict[str, str]) -> None:
    found = [pages(demo, "main", f"develop-2025-03-{day}") for day in ("02", "16", "30")]
    found.append(pages(demo, nights["2025-02-24"]))
    checked = 0
    for page in (page for collection in found for page in collection.values()):
        meta, specs = meta_and_specs(page)
        stacks = Counter(stack for spec in specs for stack in spec["stacks"])
        assert meta == {
            "compilers": sorted({spec["compiler"] for spec in specs}),
            "num_specs": len(specs),
            "num_specs_by_stack": dict(stacks),
            "oss": sorted({spec["os"] for spec in specs}),
            "platforms": sorted({spec["platform"] for spec in specs}),
            "stacks": sorted(stacks),
            "targets": sorted({spec["target"] for spec in specs}),
            "versions": sorted({version for spec in specs for version in spec["versions"]}),
        }
        assert stacks["root"] == len(specs)
        checked += 1
    assert checked > 500


# The demo


def test_the_demo_is_the_same_bytes_everywhere() -> None:
    stream = b"".join(demo_history())
    assert stream == b"".join(demo_history())
    # The same on every platform and Python; a change to the demo changes it, and that is all right.
    assert hashlib.sha256(stream).hexdigest()[:16] == "a18c3146ebab61b3"


def test_git_finds_nothing_wrong_with_the_demo(demo: Path, nights: dict[str, str]) -> None:
    git(demo, "fsck", "--full", "--strict")
    assert len(nights) == 38
    assert len(git(demo, "rev-list", "main").split()) == 38
    collections = git(demo, "ls-tree", "--name-only", "main:_cache").decode().split()
    sundays = ("2025-03-02", "2025-03-09", "2025-03-16", "2025-03-23", "2025-03-30")
    assert sorted(collections) == ["develop", *(f"develop-{day}" for day in sundays)]
    every_night = git(demo, "log", "--format=%h", "main", "--", "_cache/develop").split()
    assert len(every_night) == 38


def test_the_demo_is_a_small_cache_of_four_stacks(demo: Path, nights: dict[str, str]) -> None:
    specs = [specs_of(page) for page in pages(demo, nights["2025-02-24"]).values()]
    assert 120 <= len(specs) <= 130
    assert 2_500 < sum(map(len, specs)) < 3_500
    stacks = {stack for package in specs for spec in package.values() for stack in spec["stacks"]}
    assert stacks == {"e4s", "e4s-oneapi", "hep", "ml-linux-x86_64-cuda", "root"}


def test_a_dated_collection_is_a_copy_of_develop_and_stays(
    demo: Path, nights: dict[str, str]
) -> None:
    for name in ("develop-2025-03-02", "develop-2025-03-23"):
        then, last = pages(demo, nights[name[-10:]]), pages(demo, "main", name)
        copied = {
            package: page.replace("/develop/", f"/{name}/").replace(", develop]", f", {name}]")
            for package, page in then.items()
        }
        assert last == copied


def test_a_dated_collection_is_rewritten_in_another_order(
    demo: Path, nights: dict[str, str]
) -> None:
    name = "develop-2025-03-09"
    before = pages(demo, nights["2025-03-09"], name)
    after = pages(demo, nights["2025-03-10"], name)
    assert before.keys() == after.keys()
    assert all(before[package] != after[package] for package in before)
    for package, page in before.items():
        old, new = specs_of(page), specs_of(after[package])
        assert {hash_: as_2025(spec) for hash_, spec in old.items()} == {
            hash_: as_2025(spec) for hash_, spec in new.items()
        }


def test_the_change_of_layout_is_spelling_only(demo: Path, nights: dict[str, str]) -> None:
    before, after = pages(demo, nights["2025-03-14"]), pages(demo, nights["2025-03-15"])
    assert before.keys() == after.keys()
    for package, page in before.items():
        old, new = specs_of(page), specs_of(after[package])
        assert all("tarball" in spec for spec in old.values())
        assert {hash_: as_2025(spec) for hash_, spec in old.items()} == {
            hash_: without(spec) for hash_, spec in new.items()
        }
    compilers = [spec["compiler"] for page in before.values() for spec in specs_of(page).values()]
    assert set(compilers) == {"gcc@=11.4.0", "gcc@=13.2.0", "oneapi@=2024.2.1"}


@pytest.mark.parametrize(
    ("night", "package", "old_version", "new_version"),
    [
        ("2025-02-26", "cmake", "3.31.5", "3.31.6"),
        ("2025-03-06", "openmpi", "5.0.6", "5.0.7"),
        ("2025-03-11", "py-setuptools", "76.0.0", "75.8.2"),
        ("2025-03-13", "zlib-ng", "2.2.3", "2.2.4"),
        ("2025-03-26", "hdf5", "1.14.5", "1.14.6"),
    ],
)
def test_a_version_moves(
    demo: Path,
    nights: dict[str, str],
    night: str,
    package: str,
    old_version: str,
    new_version: str,
) -> None:
    before, after = change(demo, nights, night, package)
    gone = [spec for hash_, spec in before.items() if hash_ not in after]
    come = [spec for hash_, spec in after.items() if hash_ not in before]
    assert {spec["versions"][0] for spec in gone} == {old_version}
    assert {spec["versions"][0] for spec in come} == {new_version}
    fields = ("hash", "versions", "tarball")
    assert Counter(without(s, *fields) for s in gone) == Counter(without(s, *fields) for s in come)


@pytest.mark.parametrize(("night", "packages"), [("2025-02-28", 42), ("2025-03-27", 63)])
def test_a_wave_of_rebuilds_changes_hashes_only(
    demo: Path, nights: dict[str, str], night: str, packages: int
) -> None:
    days = list(nights)
    before = pages(demo, nights[days[days.index(night) - 1]])
    after = pages(demo, nights[night])
    rebuilt = 0
    for package, page in before.items():
        old, new = specs_of(page), specs_of(after[package])
        fields = ("hash", "tarball")
        rebuilt += not old.keys() & new.keys() and (
            Counter(without(spec, *fields) for spec in old.values())
            == Counter(without(spec, *fields) for spec in new.values())
        )
    # An ordinary night may touch some of them as well.
    assert packages - 8 <= rebuilt <= packages + 8


def test_packages_come_and_go(demo: Path, nights: dict[str, str]) -> None:
    names = {day: set(pages(demo, commit)) for day, commit in nights.items()}
    first = names["2025-02-24"]
    assert "likwid" not in first
    assert names["2025-03-04"] == first | {"likwid"}
    assert names["2025-03-19"] == (first | {"likwid"}) - {"py-nose"}
    assert names["2025-04-02"] == names["2025-03-19"]


def test_two_builds_become_one(demo: Path, nights: dict[str, str]) -> None:
    before, after = change(demo, nights, "2025-03-18", "bats")
    (one,) = after.values()
    assert sorted(spec["compiler"] for spec in before.values()) == [
        "gcc@11.4.0",
        "intel-oneapi-compilers@2024.2.1",
    ]
    assert one["compiler"] == "none"
    assert one["hash"] not in before
    assert set(one["stacks"]) == {s for spec in before.values() for s in spec["stacks"]}
    fields = ("hash", "compiler", "stacks")
    assert {without(spec, *fields) for spec in before.values()} == {without(one, *fields)}


def test_a_variant_changes(demo: Path, nights: dict[str, str]) -> None:
    before, after = change(demo, nights, "2025-03-20", "kokkos")
    gone = [spec for hash_, spec in before.items() if hash_ not in after]
    assert all("~openmp" in spec["variants"] for spec in gone)
    assert len(gone) > 10
    assert all("+openmp" in spec["variants"] for spec in after.values())
    assert len(before) == len(after)


def test_a_package_is_restacked(demo: Path, nights: dict[str, str]) -> None:
    before, after = change(demo, nights, "2025-03-21", "boost")
    assert before.keys() == after.keys()
    joined = [h for h, spec in after.items() if spec["stacks"] != before[h]["stacks"]]
    assert joined
    for hash_, spec in after.items():
        assert without(spec, "stacks") == without(before[hash_], "stacks")
        assert set(spec["stacks"]) - set(before[hash_]["stacks"]) <= {"hep"}
        assert "e4s" not in spec["stacks"] or "hep" in spec["stacks"]


def test_only_trilinos_leaves_e4s_after_the_newest_dated_collection(demo: Path) -> None:
    def in_e4s(collection: str) -> set[str]:
        found = pages(demo, "main", collection)
        found.pop("paraview")
        specs = {package: specs_of(page).values() for package, page in found.items()}
        return {p for p, listed in specs.items() if any("e4s" in s["stacks"] for s in listed)}

    assert in_e4s("develop-2025-03-30") - in_e4s("develop") == {"trilinos"}
    assert len(specs_of(pages(demo, "main")["trilinos"])) > 30


def test_the_last_night_cuts_off_one_manifest(demo: Path, nights: dict[str, str]) -> None:
    last = pages(demo, "main")
    whole = pages(demo, nights["2025-04-01"])["paraview"]
    assert whole.startswith(last.pop("paraview"))
    for page in last.values():
        specs_of(page)


# The upstream at size


def test_upstream_has_exactly_the_size_asked_for() -> None:
    stream = b"".join(upstream_history())
    assert stream.count(b'"hash": ') == 60_264
    assert stream.count(b"\nM 100644 inline _cache/develop/") == 1_300
    assert stream == b"".join(upstream_history())
    assert stream != b"".join(upstream_history(seed=1))


def test_specs_are_spread_as_unevenly_as_upstream() -> None:
    sizes = sorted(len(r) for r in World(packages(1_300), 60_264, UPSTREAM, 0).records.values())
    assert sizes[0] == 1
    assert sizes[650] < 30
    assert 300 < sizes[-1] < 1_000


def test_upstream_nights_change_what_they_say(tmp_path: Path) -> None:
    history = upstream_history(
        packages=40,
        specs=1_500,
        nights=[Night("nightly", manifests=10), Night("rebuilt", rebuild_only=True)],
    )
    repository = imported(tmp_path / "upstream.git", history)
    git(repository, "fsck", "--full", "--strict")
    assert git(repository, "rev-parse", "rebuilt") == git(repository, "rev-parse", "main")
    base, nightly, rebuilt = (
        {package: specs_of(page) for package, page in pages(repository, tag).items()}
        for tag in ("base", "nightly", "rebuilt")
    )
    assert sum(map(len, base.values())) == 1_500
    assert {len(collection) for collection in (base, nightly, rebuilt)} == {40}

    changed = [package for package in base if base[package] != nightly[package]]
    assert len(changed) == 10
    before = sum(len(base[package]) for package in changed)
    kept = sum(len(base[package].keys() & nightly[package].keys()) for package in changed)
    assert 0.4 < kept / before < 0.6
    assert any(len(base[package]) != len(nightly[package]) for package in changed)
    assert any(
        {spec["versions"][0] for spec in nightly[package].values()}
        - {spec["versions"][0] for spec in base[package].values()}
        for package in changed
    )

    for package, specs in nightly.items():
        assert not specs.keys() & rebuilt[package].keys()
        assert Counter(without(spec, "hash") for spec in specs.values()) == Counter(
            without(spec, "hash") for spec in rebuilt[package].values()
        )


def test_many_specs_differ_in_nothing_but_hash() -> None:
    world = World(packages(300), 14_000, UPSTREAM, 3)
    twins = [
        max(Counter((r.build, frozenset(r.stacks)) for r in records).values())
        for records in world.records.values()
    ]
    assert sum(1 for count in twins if count > 1) > 200
    hashes = {record.hash for records in world.records.values() for record in records}
    assert len(hashes) == 14_000


@pytest.mark.parametrize("seed", range(20))
def test_a_night_always_changes_a_package_and_never_empties_it(seed: int) -> None:
    world = World(real_packages()[:2], 2, DEMO, seed)
    for _ in range(30):
        for name, before in list(world.records.items()):
            world.churn(name)
            assert world.records[name]
            assert world.records[name] != before


def test_packages_are_a_growing_list_of_different_names() -> None:
    many = packages(13_000)
    assert many[:500] == packages(500)
    assert many[: len(real_packages())] == real_packages()
    assert len({package.name for package in many}) == 13_000
    assert all(package.versions and package.variants for package in many)


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(ValueError, match="not 1000000"):
        packages(1_000_000)
    with pytest.raises(ValueError, match="9 specs cannot be spread over 10 packages"):
        World(packages(10), 9, DEMO, 0)


def test_git_refuses_a_stream_that_was_cut_off(tmp_path: Path) -> None:
    *most, last = upstream_history(packages=3, specs=9)
    assert last == b"done\n"
    with pytest.raises(subprocess.CalledProcessError):
        imported(tmp_path / "upstream.git", most)
