"""`cachediff log`: since when, until when, how often."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import html5lib
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from browser import PHONE, Opened, launched
from cachediff.config import Settings, SourceSettings
from cachediff.demo import demo_history
from cachediff.manifests import PARSER_VERSION
from cachediff.model.comparison import PackageComparison, PackageStatus
from cachediff.model.lives import (
    HashLife,
    PackageStep,
    Point,
    StackChange,
    StepCounts,
    VersionLife,
)
from cachediff.model.snapshot import Manifest, Origin, Snapshot
from cachediff.model.spec import Spec
from cachediff.model.timeline import (
    Event,
    HashTimeline,
    PackageTimeline,
    StackNight,
    StackPoint,
    StackStay,
    StackTimeline,
    Stay,
    Timeline,
    TimeRange,
)
from cachediff.queries import Catalogue, LoadedSnapshot, compare_opened
from cachediff.queries.lives import open_index
from cachediff.queries.timeline import Question, find_timeline
from cachediff.reports.timeline import FORMATS, TimelineLayout
from cachediff.reports.timeline.events import CAME, WENT, event_rows
from cachediff.sources import import_history
from cachediff.store import SnapshotStore
from commands import Done, cachediff, in_terminal, refuses, succeeds
from hostile_strings import HOSTILE_STRINGS
from pages import dag_hash, page, record
from repositories import git, write_repository
from strategies import KNOWN_STACKS, Stacks, manifest, rivals, unreadable

GOLDEN = Path(__file__).parent / "golden" / "timelines"
SUFFIXES = {"text": "txt", "markdown": "md", "html": "html", "json": "json"}
LAYOUT = TimelineLayout(width=100)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class World(NamedTuple):
    """A folder with a `config.yaml`, and the commits of its upstream, oldest first."""

    folder: Path
    commits: list[str]
    environment: dict[str, str]

    def log(self, *arguments: str) -> Done:
        return cachediff("log", *arguments, folder=self.folder, environment=self.environment)

    def told(self, *arguments: str) -> Any:
        done = self.log(*arguments, "--format", "json")
        assert done.code == 0, done
        return json.loads(done.out)

    def refused(self, *arguments: str) -> str:
        return refuses("log", *arguments, folder=self.folder, environment=self.environment)


def world(folder: Path, upstream: Path, taken: Callable[[int], bool] = lambda _: True) -> World:
    """A world whose store has those commits of `develop` that are `taken`, by number."""
    (folder / "config.yaml").write_text(f"sources: {{cache: {{path: {upstream}}}}}\n")
    environment = {"XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    commits = git(upstream, "rev-list", "--reverse", "main").split()
    names = [f"develop@{commit}" for number, commit in enumerate(commits) if taken(number)]
    succeeds("snapshot", *names, folder=folder, environment=environment)
    return World(folder, commits, environment)


def pages(collection: str = "develop", **packages: Any) -> dict[str, str | None]:
    """Files of manifests: records by package, None for one that is gone, text for one as it is."""
    return {
        f"_cache/{collection}/{name.replace('_', '-')}/specs.md": content
        if content is None or isinstance(content, str)
        else page(content, name.replace("_", "-"), collection)
        for name, content in packages.items()
    }


def builds(*seeds: str, version: str = "1.0", stacks: str = "e4s root") -> list[dict[str, Any]]:
    return [record(seed, version, stacks=stacks.split()) for seed in seeds]


OLD = builds("hdf5 a", "hdf5 b", version="1.14.3", stacks="e4s hep root")
REBUILT = [builds(f"hdf5 {n}", "hdf5 b", version="1.14.3", stacks="e4s hep root") for n in range(4)]
MOVED = builds("hdf5 c", "hdf5 d", version="1.14.5", stacks="e4s hep root")
LEFT = builds("hdf5 c", "hdf5 d", version="1.14.5", stacks="hep root")
ZLIB = builds("zlib a")
REST: dict[str, Any] = {f"rest_{n}": builds(f"rest {n}", stacks="rest root") for n in range(9)}
"""Packages of which nothing is asked; without them a collection that loses one is suspect."""
NIGHTS = [
    pages(hdf5=OLD, zlib=ZLIB, **REST),  # 2025-01-01
    pages(hdf5=REBUILT[0]),
    pages(hdf5=REBUILT[1]),
    pages(hdf5=REBUILT[2]),
    pages(hdf5="---\nmeta: {\n"),  # 2025-01-05: cut off
    pages(hdf5=MOVED, likwid=builds("likwid a")),
    pages(zlib=builds("zlib b")),  # not taken, see `small`
    pages(zlib=builds("zlib c")),  # nor this one
    pages(hdf5=LEFT),  # 2025-01-09
    pages(likwid=None),
    pages(hdf5=None) | pages("releases/v1", hdf5=OLD),
    pages(hdf5=LEFT),  # 2025-01-12
    pages(hdf5="---\nmeta: {\n"),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Thirteen nights, of which two were slept through; in the last one hdf5 cannot be read."""
    folder = tmp_path_factory.mktemp("small")
    upstream = write_repository(folder / "upstream.git", NIGHTS, init=("--bare",))
    return world(folder, upstream, lambda number: number not in (6, 7))


def day(number: int) -> str:
    return f"2025-01-{number:02}T12:00:00Z"


# What is told, by way of the command.


def happened(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Day, status, specs, and what else there is, of each event."""
    return [
        (
            int(event["committed_at"][8:10]),
            event["status"],
            event["specs"],
            {kind: number for kind, number in event["counts"].items() if number},
            *(part for part in (event["versions"], event["stacks"]) if any(part.values())),
        )
        for event in events
    ]


def test_a_package(small: World) -> None:
    told = small.told("hdf5")
    assert (told["schema"], told["kind"]) == ("cachediff/log/1", "package")
    assert (told["source"], told["collection"]) == ("cache", "develop")
    assert happened(told["events"]) == [
        (13, "unknown", None, {}),
        (
            *(12, "added", 2, {"added": 2}),
            {"added": ["1.14.5"], "removed": []},
            {"joined": ["hep"], "left": []},
        ),
        (
            *(11, "removed", 0, {"removed": 2}),
            {"added": [], "removed": ["1.14.5"]},
            {"joined": [], "left": ["hep"]},
        ),
        (9, "changed", 2, {"restacked": 2}, {"joined": [], "left": ["e4s"]}),
        (6, "changed", 2, {"upgraded": 2}, {"added": ["1.14.5"], "removed": ["1.14.3"]}),
        (5, "unknown", None, {}),
        (4, "changed", 2, {"rebuilt": 1}),
        (3, "changed", 2, {"rebuilt": 1}),
        (2, "changed", 2, {"rebuilt": 1}),
        (
            *(1, None, 2, {}),
            {"added": ["1.14.3"], "removed": []},
            {"joined": ["e4s", "hep"], "left": []},
        ),
    ]
    after = {event["committed_at"]: event["after"] for event in told["events"]}
    assert after[day(1)] is None
    assert after[day(13)]["committed_at"] == day(12)
    assert after[day(9)]["committed_at"] == day(6)  # nothing is stored of the nights in between
    assert after[day(6)]["committed_at"] == day(4)  # it could not be read on the 5th
    assert [event["unread"] for event in told["events"]] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert told["first"] == told["oldest"]
    assert told["last"]["committed_at"] == day(12)
    assert told["gone"] is None
    assert [point["specs"] for point in told["points"]] == [2, 2, 2, 2, None, 2, 2, 2, 0, 2, None]
    assert [
        (life["version"], life["gone"] and life["gone"]["committed_at"])
        for life in told["versions"]
    ] == [
        ("1.14.3", day(6)),
        ("1.14.5", day(11)),
        ("1.14.5", None),
    ]


def test_nights_that_only_rebuild_are_one_line(small: World) -> None:
    for form in ("text", "markdown", "html"):
        done = small.log("hdf5", "--format", form)
        assert (
            "rebuilt at 3 snapshots between 2025-01-02 12:00 and 2025-01-04 12:00: 3 specs"
            in done.out
        )
        assert done.out.count("rebuilt") == 1


@pytest.mark.parametrize(
    ("counts", "more", "is_rebuild"),
    [
        ({"rebuilt": 3}, {}, True),
        ({"rebuilt": 3, "added": 1}, {}, False),
        ({"rebuilt": 3}, {"stacks_joined": ("e4s",)}, False),
        ({"rebuilt": 3}, {"stacks_left": ("e4s",)}, False),
        ({}, {}, False),
    ],
)
def test_what_is_but_a_rebuild(counts: Any, more: Any, is_rebuild: bool) -> None:
    step = PackageStep(
        point=Point(day(2), "2" * 40),
        package="hdf5",
        status=PackageStatus.CHANGED,
        specs=3,
        counts=StepCounts(**counts),
        **more,
    )
    assert Event(step, Point(day(1), "1" * 40)).is_rebuild is is_rebuild


@pytest.mark.parametrize(
    ("arguments", "days"),
    [
        (["hdf5", "--since", "2025-01-09"], [13, 12, 11, 9]),
        (["hdf5", "--since", "2025-01-09T12:00:01Z"], [13, 12, 11]),
        (["hdf5", "--until", "2025-01-02"], [2, 1]),
        (["hdf5", "--since", "2025-01-03T12:00", "--until", "2025-01-03T12:00"], [3]),
        (["hdf5", "--since", "2025-01-07", "--until", "2025-01-09"], [9]),
        (["hdf5", "--stack", "e4s"], [13, 9, 5, 1]),
        (["hdf5", "--stack", "hep", "--since", "2025-01-06"], [13, 12, 11]),
        (["zlib"], [9, 1]),
        (["likwid"], [10, 6]),
        (["hdf5", "--collection", "cache:dev*"], [13, 12, 11, 9, 6, 5, 4, 3, 2, 1]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_events_of_a_package(small: World, arguments: list[str], days: list[int]) -> None:
    told = small.told(*arguments)
    assert [int(event["committed_at"][8:10]) for event in told["events"]] == days
    inside = [point["committed_at"] for point in told["points"]]
    assert all(event["committed_at"] in inside for event in told["events"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["hdf5"],
            "Not known since: it could not be read after it was last seen 2025-01-12 12:00 UTC",
        ),
        (
            ["zlib"],
            "There in the newest snapshot, 2025-01-13 12:00 UTC; first seen 2025-01-01 12:00 UTC,",
        ),
        (["zlib"], "no snapshot since 2025-01-06 12:00"),
        (
            ["likwid"],
            "Gone: last seen 2025-01-09 12:00 UTC, not there any more on 2025-01-10 12:00 UTC; first",
        ),
        (["hdf5"], "compared with 2025-01-04 12:00, when it was last read"),
        (["hdf5"], "left e4s"),
        (["zlib", "--stack", "hep"], "it neither joined nor left hep"),
        (["zlib", "--since", "2024-06-01"], "what happened before the first, or when between"),
        (["zlib", "--since", "2025-01-10"], "nothing happened to it"),
        (["--stack", "e4s"], "left: hdf5 · no snapshot since 2025-01-06 12:00"),
        (["--stack", "e4s"], "joined: likwid (added)"),
        (["--stack", "e4s"], "left: likwid (removed)"),
        (["--stack", "e4s", "--since", "2025-01-11"], "nothing joined or left it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words(small: World, arguments: list[str], words: str) -> None:
    done = small.log(*arguments)
    assert done.code == 0
    assert words in done.out


def test_a_stack(small: World) -> None:
    told = small.told("--stack", "e4s")
    assert (told["kind"], told["stack"], told["collection"]) == ("stack", "e4s", "develop")
    nights = [
        (
            int(night["committed_at"][8:10]),
            [event["package"] for event in night["joined"]],
            [event["package"] for event in night["left"]],
        )
        for night in told["nights"]
    ]
    assert nights == [(10, [], ["likwid"]), (9, [], ["hdf5"]), (6, ["likwid"], [])]
    assert [(each["specs"], each["packages"]) for each in told["points"]] == [
        *[(3, 2)] * 4,
        (1, 1),
        (4, 3),
        (2, 2),
        *[(1, 1)] * 4,
    ]
    assert sum(each["unreadable"] for each in told["points"]) == 2


def test_a_package_that_was_unread_is_compared_with_when_it_was_read(tmp_path: Path) -> None:
    """A stack that it left while it could not be read was not left the night after."""
    nights = [pages(hdf5=MOVED, zlib=ZLIB), pages(hdf5="---\n"), pages(hdf5=LEFT)]
    made = world(tmp_path, write_repository(tmp_path / "up.git", nights, init=("--bare",)))
    (night,) = made.told("--stack", "e4s")["nights"]
    (event,) = night["left"]
    assert (event["package"], event["unread"]) == ("hdf5", 1)
    assert event["after"]["committed_at"] == day(1)
    assert (
        "left: hdf5 (compared with 2025-01-01 12:00, when it was last read)"
        in made.log("--stack", "e4s").out
    )


FULL: dict[str, Any] = {f"p{n}": builds(f"p{n}") for n in range(12)}
LOST: dict[str, Any] = {name: None for name in FULL if name not in ("p0", "p1")}


@pytest.fixture(scope="module")
def suspect(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A night on which 10 of 12 manifests are missing, one more such night, and then they are back."""
    folder = tmp_path_factory.mktemp("suspect")
    nights = [
        pages(**FULL),
        pages(**LOST),
        pages(p0=builds("p0 again")),
        pages(**FULL, p12=builds("p12")),
        pages(p3=None),
    ]
    return world(folder, write_repository(folder / "up.git", nights, init=("--bare",)))


LOST_WORDS = "suspect: develop lost 10 of its 12 manifests"


def test_what_is_missing_from_a_suspect_snapshot_is_not_told_as_a_loss(suspect: World) -> None:
    told = suspect.told("p7")
    assert [(e["status"], e["suspect"]) for e in told["events"]] == [
        *(("added", True), ("removed", True), (None, False))
    ]
    assert [each["suspect"] for each in told["points"]] == [False, True, False, False, False]
    assert [each["suspect"] for each in told["versions"]] == [True, False]
    text = suspect.log("p7").out
    assert f"removed: 1 spec · version 1.0 · from e4s · {LOST_WORDS}" in text
    assert "back after the suspect snapshot of 2025-01-02 12:00" in text
    assert f"gone between 2025-01-01 12:00 and 2025-01-02 12:00 · {LOST_WORDS}" in text
    # What was read there, and what is lost later, is believed.
    assert [event["suspect"] for event in suspect.told("p0")["events"]] == [False] * 3
    assert [event["suspect"] for event in suspect.told("p3")["events"]] == [
        False,
        True,
        True,
        False,
    ]
    before = suspect.log("p7", "--until", "2025-01-03").out
    assert "removed: 1 spec" in before
    assert LOST_WORDS in before


def test_a_stack_on_a_suspect_night(suspect: World) -> None:
    told = suspect.told("--stack", "e4s")
    back, lost = told["nights"][1:]
    assert {each["package"] for each in back["joined"] if each["suspect"]} == {*LOST}
    assert {each["package"] for each in back["joined"]} == {*LOST, "p12"}
    assert all(each["suspect"] for each in lost["left"])
    assert [each["suspect"] for each in told["points"]] == [False, True, False, False, False]
    text = suspect.log("--stack", "e4s").out
    assert "joined, back after the suspect snapshot of 2025-01-02 12:00: p10 (added)" in text
    assert "joined: p12 (added)" in text
    assert f"p9 (removed) · {LOST_WORDS}" in text
    newest = suspect.log("--stack", "e4s", "--until", "2025-01-02").out
    assert (
        f"In the snapshot, of 2025-01-02 12:00 UTC: 2 packages and 2 specs; it is {LOST_WORDS}."
        in newest
    )


def test_a_hash_on_a_suspect_night(suspect: World) -> None:
    served, missing = suspect.told(f"/{dag_hash('p7')}")["lives"]
    assert (served["suspect"], missing["suspect"]) == (False, True)
    text = suspect.log(f"/{dag_hash('p7')}").out
    assert f"in the first snapshot already · {LOST_WORDS}" in text
    assert "served, as of 2025-01-05 12:00 · back after a suspect snapshot" in text
    assert "pruned" not in text
    assert "pruned between" in suspect.log(f"/{dag_hash('p3')}").out


def test_a_newest_snapshot_that_is_suspect(tmp_path: Path) -> None:
    nights = [pages(**FULL), pages(**LOST)]
    made = world(tmp_path, write_repository(tmp_path / "up.git", nights, init=("--bare",)))
    assert f"not there any more on 2025-01-02 12:00 UTC ({LOST_WORDS})" in made.log("p7").out
    assert (
        f"Not in e4s: last seen in it 2025-01-01 12:00 UTC, not any more on 2025-01-02 12:00 UTC"
        f" ({LOST_WORDS})" in made.log("p7", "--stack", "e4s").out
    )
    assert "Not listed since a suspect snapshot" in made.log(f"/{dag_hash('p7')}").out
    page_ = made.log("--stack", "e4s", "--format", "html").out
    assert "specs 12 to 2" in page_
    assert "orange dots are suspect snapshots" in page_


def untold(name: str) -> str:
    """A manifest of one spec whose stacks are not told, as before 2023."""
    told = page(builds(name), name)
    (line,) = re.findall("^spec_details: (.*)$", told, re.MULTILINE)
    records = [{k: v for k, v in each.items() if k != "stacks"} for each in json.loads(line)]
    return told.replace(line, json.dumps(records))


@pytest.fixture(scope="module")
def untelling(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Stacks are not told at first, and later, of a package, on one more night."""
    folder = tmp_path_factory.mktemp("untelling")
    nights = [
        pages(aa=untold("aa"), bb=untold("bb")),
        pages(aa=builds("aa"), bb=builds("bb")),
        pages(aa=untold("aa")),
        pages(aa=builds("aa", stacks="ml root")),
        pages(bb=builds("bb", stacks="ml root")),
    ]
    return world(folder, write_repository(folder / "up.git", nights, init=("--bare",)))


def test_stacks_that_are_not_told_are_not_zero(untelling: World) -> None:
    told = untelling.told("--stack", "e4s")
    assert [(each["specs"], each["untold"]) for each in told["points"]] == [
        *((0, 2), (2, 0), (1, 1), (1, 0), (0, 0))
    ]
    text = untelling.log("--stack", "e4s").out
    assert re.search(r"2025-01-01 12:00 +\w{12} +≥0 +≥0 +in the first snapshot", text)
    assert "In 2 snapshots some specs do not tell their stacks (up to 2)" in text
    assert "In the newest snapshot, of 2025-01-05 12:00 UTC: 0 packages and 0 specs." in text
    until = untelling.log("--stack", "e4s", "--until", "2025-01-03").out
    assert "In the snapshot, of 2025-01-03 12:00 UTC: at least 1 package and 1 spec." in until


@pytest.mark.parametrize(
    ("package", "stack", "days", "words"),
    [
        (
            "aa",
            "e4s",
            (2, 2, 4),
            "Not in e4s: last seen in it 2025-01-02 12:00 UTC, not any more on",
        ),
        (
            "aa",
            "ml",
            (4, 5, None),
            "In ml in the newest snapshot, 2025-01-05 12:00 UTC; first seen",
        ),
        (
            "bb",
            "e4s",
            (2, 4, 5),
            "Not in e4s: last seen in it 2025-01-04 12:00 UTC, not any more on",
        ),
    ],
)
def test_when_a_package_was_in_a_stack(
    untelling: World, package: str, stack: str, days: tuple[int | None, ...], words: str
) -> None:
    told = untelling.told(package, "--stack", stack)
    ends = [told["in_stack"][end] for end in ("first", "last", "gone")]
    assert [end and int(end["committed_at"][8:10]) for end in ends] == [*days]
    assert (told["last"]["committed_at"], told["gone"]) == (day(5), None)
    text = untelling.log(package, "--stack", stack).out
    assert words in text
    number = "2 snapshots" if package == "aa" else "1 snapshot"
    assert f"In {number} its stacks are not told" in text
    assert "neither joined nor left" not in text


def test_a_package_that_was_in_a_stack_and_is_elsewhere(small: World) -> None:
    told = small.told("hdf5", "--stack", "e4s")
    assert [end and end["committed_at"] for end in told["in_stack"].values()] == [
        *(day(1), day(6), day(9))
    ]
    assert (
        "Not in e4s: last seen in it 2025-01-06 12:00 UTC, not any more on 2025-01-09 12:00 UTC; first"
        in small.log("hdf5", "--stack", "e4s").out
    )
    assert "Never in hep, as far as the snapshots tell." in small.log("zlib", "--stack", "hep").out
    assert (
        "Not known to be in hep any more: last seen in it 2025-01-12 12:00 UTC"
        in small.log("hdf5", "--stack", "hep").out
    )
    assert small.told("hdf5")["in_stack"] is None


def test_manifests_that_cannot_be_read_are_no_loss_of_a_stack(tmp_path: Path) -> None:
    some: dict[str, Any] = {name: builds(name) for name in ("aa", "bb", "cc")}
    nights = [pages(**some), pages(aa=builds("aa 2")), pages(cc="---\n")]
    made = world(tmp_path, write_repository(tmp_path / "up.git", nights, init=("--bare",)))
    text = made.log("--stack", "e4s").out
    assert (
        "In the newest snapshot, of 2025-01-03 12:00 UTC: at least 2 packages and 2 specs." in text
    )
    assert re.search(r" 3 +3 +in the first snapshot", text)
    page_ = made.log("--stack", "e4s", "--format", "html").out
    assert "e4s specs 3 to ≥2; e4s packages 3 to ≥2" in page_
    assert "orange dots are snapshots of which not all is known" in page_
    assert (
        len(re.findall(r'<path [^>]*stroke="#3b82c5"', page_)) == 2
    )  # one line, that ends, a panel


def test_what_came_and_what_went_has_one_colour_only_alone() -> None:
    lists: tuple[dict[str, Any], ...] = (
        {"versions_added": ("2",)},
        {"versions_removed": ("1",)},
        {"versions_added": ("2",), "versions_removed": ("1",)},
    )
    kinds = []
    for each in lists:
        step = PackageStep(
            point=Point(day(2), "2" * 40),
            package="a",
            status=PackageStatus.CHANGED,
            specs=1,
            **each,
        )
        events = (Event(step, Point(day(1), "1" * 40)),)
        timeline = timelines_of("a")[1]
        assert isinstance(timeline, PackageTimeline)
        told = msgspec.structs.replace(timeline, events=events)
        (row,) = event_rows(told, str)
        kinds.append(row.kind)
    assert kinds == [CAME, WENT, ""]


def test_a_hash_fits_a_narrow_terminal(small: World) -> None:
    code, shown, _ = in_terminal(
        *("log", f"/{dag_hash('zlib a')}"),
        folder=small.folder,
        environment=small.environment,
        columns=80,
    )
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "")
    (row,) = re.findall(
        r"^  cache:develop  2025-01-01 12:00  pruned between .*$", plain, re.MULTILINE
    )
    assert len(row) <= 80


def test_a_hash(small: World) -> None:
    whole = dag_hash("hdf5 c")
    for word in (whole[:7], f"/{whole[:5]}", f"/{whole}"):
        told = small.told(word)
        assert (told["kind"], told["hash"]) == ("hash", whole)
    later, earlier = told["lives"]
    assert (later["package"], later["version"], later["compiler"]) == (
        "hdf5",
        "1.14.5",
        "gcc@11.4.0",
    )
    assert [later[end]["committed_at"] for end in ("first", "last")] == [day(12), day(12)]
    assert (later["served"], later["gone"]) == (None, None)  # it could not be read on the 13th
    assert [earlier[end]["committed_at"] for end in ("first", "last", "gone")] == [
        *(day(6), day(10), day(11))
    ]
    assert earlier["served"] is False
    assert [(each["committed_at"], each["stacks"]) for each in earlier["stacks"]] == [
        (day(6), ["e4s", "hep", "root"]),
        (day(9), ["hep", "root"]),
    ]
    text = small.log(whole).out
    assert "pruned between 2025-01-10 12:00 and 2025-01-11 12:00" in text
    assert "left e4s" in text
    assert "Not known to be served" in text
    assert "Served by cache:develop" in small.log(dag_hash("zlib c")).out
    assert (
        "Not served any more: last seen 2025-01-06 12:00 UTC." in small.log(dag_hash("zlib a")).out
    )


def test_a_hash_in_several_collections(tmp_path: Path) -> None:
    spec = builds("hdf5 a")
    nights = [pages(hdf5=spec) | pages("develop-2025-01-01", hdf5=spec), pages(hdf5=MOVED)]
    made = world(tmp_path, write_repository(tmp_path / "up.git", nights, init=("--bare",)))
    succeeds("snapshot", "develop-2025-01-01", folder=tmp_path, environment=made.environment)
    whole = dag_hash("hdf5 a")
    lives = [(life["collection"], life["served"]) for life in made.told(whole)["lives"]]
    assert lives == [("develop-2025-01-01", True), ("develop", False)]
    (life,) = made.told(whole, "--collection", "develop")["lives"]
    assert life["collection"] == "develop"
    (life,) = made.told(whole, "--collection", "cache:*-01")["lives"]
    assert life["collection"] == "develop-2025-01-01"
    moved = dag_hash("hdf5 c")
    assert "is or was in cache:develop" in made.refused(moved, "--collection", "*-01")


def test_a_package_that_is_in_one_other_collection(tmp_path: Path) -> None:
    nights = [pages(zlib=ZLIB) | pages("v1", hdf5=OLD) | pages("v2", likwid=OLD, zlib=ZLIB)]
    made = world(tmp_path, write_repository(tmp_path / "up.git", nights, init=("--bare",)))
    succeeds("snapshot", "v1", "v2", folder=tmp_path, environment=made.environment)
    assert made.told("hdf5")["collection"] == "v1"
    assert made.told("zlib")["collection"] == "develop"
    assert made.told("zlib", "--collection", "v?")["collection"] == "v2"
    assert "'zlib' was never in cache:v1" in made.refused("zlib", "--collection", "v1")


def test_a_word_that_is_both_is_the_package(tmp_path: Path) -> None:
    word = dag_hash("zlib a")[:7]
    nights = [{**pages(zlib=ZLIB), f"_cache/develop/{word}/specs.md": page(builds("x"), word)}]
    made = world(tmp_path, write_repository(tmp_path / "up.git", nights, init=("--bare",)))
    assert made.told(word)["kind"] == "package"
    assert made.told(f"/{word}")["kind"] == "hash"


def test_a_prefix_of_several_hashes(tmp_path: Path) -> None:
    seeds = [f"many {n}" for n in range(600)]
    nights = [pages(many=builds(*seeds))]
    made = world(tmp_path, write_repository(tmp_path / "up.git", nights, init=("--bare",)))
    hashes = sorted(map(dag_hash, seeds))
    letter = max({each[0] for each in hashes}, key=lambda a: sum(h[0] == a for h in hashes))
    fitting = [each for each in hashes if each[0] == letter]
    assert len(fitting) > 20
    done = made.log(f"/{letter}")
    assert (done.code, done.out) == (2, "")
    told = [line for line in done.err.splitlines() if not line.startswith("note: the index was")]
    first, *lines, last = told
    assert first == f"cachediff: {len(fitting)} hashes begin with {letter}; type more of one:"
    assert last == f"  and {len(fitting) - 20} more"
    assert len(lines) == 20
    for line, whole in zip(lines, fitting, strict=False):
        command = re.match(
            r"  cachediff log (/\w+)    many@1\.0, seen in cache:develop until", line
        )
        assert command is not None
        assert whole.startswith(command[1][1:])
        assert made.told(command[1])["hash"] == whole if whole == fitting[0] else True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "log of what?"),
        (["hdf55"], "did you mean hdf5?"),
        (["HDF-5x"], "no package 'HDF-5x' was ever in any stored snapshot"),
        (["zlob"], "did you mean zlib?"),
        (["zzzzzzz"], "no hash or package 'zzzzzzz' was ever in any stored snapshot"),
        ([dag_hash("hdf5 c")[:6]], f"it is /{dag_hash('hdf5 c')[:6]}"),
        (["/zzzzzzz"], "no stored snapshot ever had a hash /zzzzzzz"),
        (["/ABC"], "'ABC' is not the beginning of a hash"),
        (["/"], "'' is not the beginning of a hash"),
        (["hdf5", "--collection", "develp"], "did you mean develop?"),
        (["hdf5", "--collection", "other:develop"], "nothing is stored of the source 'other'"),
        (["hdf5", "--collection", "develop@previous"], "is one snapshot, and a log is of many"),
        (["hdf5", "--collection", ""], "is not the name of a snapshot"),
        (["hdf5", "--stack", "e5s"], "tells of a stack 'e5s'"),
        (["--stack", "e5s"], "did you mean e4s"),
        (["hdf5", "--until", "2024-12-31"], "from 2025-01-01T12:00:00Z to 2025-01-13T12:00:00Z"),
        (["hdf5", "--since", "2031-01-01"], "is stored from 2031-01-01T00:00:00Z"),
        (["--stack", "e4s", "--until", "2024-12-31"], "until 2024-12-31T23:59:59Z"),
        (["hdf5", "--since", "2025-02-30"], "is not a date"),
        (
            ["hdf5", "--since", "2025-01-05", "--until", "2025-01-04"],
            "--until 2025-01-04 is before --since 2025-01-05",
        ),
        (["hdf5@1.14.5"], "its log has its versions: cachediff log hdf5"),
        (["z*"], "'z*' may mean several packages, and a log is of one"),
        (["*l*"], "it fits likwid, zlib: cachediff log likwid"),
        (["rest*"], "rest-4 and 4 more: cachediff log rest-0"),
        (["hdf5", "--since", "yesterday"], "'yesterday' is not a date or time"),
        (["/" + dag_hash("hdf5 c"), "--stack", "e4s"], "not for a hash"),
        (["/" + dag_hash("hdf5 c"), "--since", "2025-01-01"], "not for a hash"),
        (["hdf5", "-o", "hdf5.eml"], "a log is not made as eml"),
        (["hdf5", "-o", "hdf5.pdf"], "no format ends in '.pdf'"),
        (["a\x1b[31m\u202e"], r"a\x1b[31m\u202e"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_cannot_be_told(small: World, arguments: list[str], message: str) -> None:
    assert message in small.refused(*arguments).replace("\\\\", "\\")


def test_nothing_is_stored(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("sources: {cache: {path: upstream.git}}\n")
    assert "take some: cachediff snapshot" in refuses("log", "hdf5", folder=tmp_path)


def test_without_a_source(small: World, tmp_path: Path) -> None:
    """The past is in the store: the upstream may be gone, and no configuration be there."""
    (tmp_path / "snapshots").symlink_to(small.folder / "snapshots")
    assert json.loads(succeeds("log", "zlib", "-f", "json", folder=tmp_path))["source"] == "cache"


def test_an_index_that_is_not_there_is_made_and_said(small: World) -> None:
    told = small.told("hdf5")
    (small.folder / "snapshots" / "index.sqlite").unlink()
    done = small.log("hdf5", "--format", "json")
    assert json.loads(done.out) == told
    assert done.code == 0
    assert "index" in done.err
    assert small.log("hdf5").err == ""


def test_a_file(small: World) -> None:
    for suffix in ("md", "html"):
        path = small.folder / "made" / f"hdf5.{suffix}"
        assert small.log("hdf5", "-o", str(path)) == Done(0, "", "")
        form = {"md": "markdown"}.get(suffix, suffix)
        assert path.read_text() == small.log("hdf5", "--format", form).out


@pytest.mark.parametrize("word", ["hdf5", f"/{dag_hash('hdf5 c')}"])
def test_nothing_heavy_is_loaded_and_git_is_not_asked(
    small: World, tmp_path: Path, word: str
) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\ntouch {tmp_path / 'asked'}\nexit 1\n")
    (tmp_path / "git").chmod(0o755)
    small.told(word)  # so that the index is up to date
    done = cachediff(
        *("log", word),
        folder=small.folder,
        environment=small.environment | {"PATH": str(tmp_path)},
        command=(sys.executable, "-X", "importtime", "-m", "cachediff"),
    )
    assert done.code == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.err.splitlines()}
    assert "cachediff.queries.timeline" in loaded
    assert not loaded & {"pyarrow", "git", "deepdiff", "jinja2", "lets_plot", "apscheduler"}
    assert not (tmp_path / "asked").exists()


# Golden files, of the demo: each folder has the arguments, and what is told in each format.


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("demo")
    import_history(folder / "upstream.git", demo_history())
    return world(folder, folder / "upstream.git")


@pytest.fixture(scope="module")
def demo_timelines(demo: World) -> Callable[[str], Timeline]:
    names = Catalogue(
        Settings(
            sources={"cache": SourceSettings(path=str(demo.folder / "upstream.git"))},
            store=demo.folder / "snapshots",
            reports=demo.folder / "reports",
        ),
        demo.folder / "cache",
    )

    def find(case: str) -> Timeline:
        question = json.loads((GOLDEN / case / "question.json").read_text())
        span = TimeRange(question.pop("since", None), question.pop("until", None))
        with open_index(names) as index:
            found = find_timeline(names, index, Question(**question, span=span))
        assert isinstance(found, PackageTimeline | StackTimeline | HashTimeline)
        return found

    return find


OPAQUE = re.compile(r"(<(style|svg)\b[^>]*>).*?(</\2>)", re.DOTALL)


def cases() -> list[str]:
    return sorted(folder.name for folder in GOLDEN.iterdir())


@pytest.mark.parametrize("form", sorted(SUFFIXES))
@pytest.mark.parametrize("case", cases())
def test_golden(demo_timelines: Callable[[str], Timeline], case: str, form: str) -> None:
    # What is the same in every page, or drawn by a library, is looked at in a browser.
    report = OPAQUE.sub(r"\1…\3", FORMATS[form](demo_timelines(case), LAYOUT))
    expected = GOLDEN / case / f"expected.{SUFFIXES[form]}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        expected.write_text(report, encoding="utf-8", newline="")
    assert expected.is_file(), f"{expected} is missing"
    golden = expected.read_bytes().decode()
    assert golden.strip(), f"{expected} is empty"
    assert report == golden


def test_golden_folders_hold_nothing_else() -> None:
    names = {"question.json"} | {f"expected.{suffix}" for suffix in SUFFIXES.values()}
    assert len(cases()) >= 8
    for case in cases():
        assert {path.name for path in (GOLDEN / case).iterdir()} == names


@pytest.mark.parametrize("size", [(1280, 900), PHONE], ids=["desktop", "phone"])
def test_pages_are_accessible_and_fit_every_window(
    demo_timelines: Callable[[str], Timeline], tmp_path: Path, size: tuple[int, int]
) -> None:
    with launched(tmp_path) as browser:
        for case in ("unknown", "hash-gone"):
            path = tmp_path / f"{case}.html"
            path.write_text(FORMATS["html"](demo_timelines(case), LAYOUT))
            for scheme in SCHEMES:
                opened = Opened(browser, path, size=size, scheme=scheme)
                assert opened.violations() == []
                assert opened.run("document.documentElement.scrollWidth <= innerWidth")
                assert opened.run("document.querySelectorAll('svg').length > 0")
                opened.close()


# What no value from data may do.


def timelines_of(value: str) -> list[Timeline]:
    """A timeline of each kind, with the value in every field that comes from data."""
    first, last = Point(day(1), "1" * 40), Point(day(2), "2" * 40)
    step = PackageStep(
        point=last,
        package=value,
        status=PackageStatus.CHANGED,
        specs=3,
        counts=StepCounts(added=1, rebuilt=2),
        versions_added=(value, value),
        versions_removed=(value,),
        stacks_joined=(value,),
        stacks_left=(value, value),
    )
    events = (Event(step, first), Event(step, first, 2), Event(step, first, 0, last))
    here = {
        "source": value,
        "collection": value,
        "span": TimeRange(),
        "oldest": first,
        "newest": last,
        "suspicions": {last: value},
    }
    version = VersionLife(
        *(),
        source=value,
        collection=value,
        package=value,
        version=value,
        first=first,
        last=last,
        gone=last,
    )
    build = dict.fromkeys(("source", "collection", "hash", "package", "version", "compiler"), value)
    system = dict.fromkeys(("platform", "os", "target"), value)
    lives = [
        HashLife(
            **build,
            **system,
            variants=(value, other),
            first=first,
            last=first,
            gone=last,
            stacks=(StackChange(first, (value,)), StackChange(last, (other,))),
        )
        for other in ("one", "other")
    ]
    return [
        PackageTimeline(
            **here,  # type: ignore[arg-type]
            package=value,
            stack=value,
            in_stack=StackStay(first, first, last),
            untold=1,
            first=first,
            last=first,
            gone=last,
            points=(first, last),
            specs=(3, None),
            versions=(version,),
            events=events,
        ),
        PackageTimeline(
            **here,  # type: ignore[arg-type]
            package=value,
            stack=None,
            first=first,
            last=last,
            gone=None,
            points=(first, last),
            specs=(3, 4),
            versions=(version, version),
            events=events[::-1],
        ),
        StackTimeline(
            **here,  # type: ignore[arg-type]
            stack=value,
            points=(StackPoint(first, 3, 2, 1), StackPoint(last, 4, 3, 0)),
            nights=(StackNight(StackPoint(last, 4, 3, 0), events, events),),
        ),
        HashTimeline(value, tuple(Stay(life, first, last, value, is_back=True) for life in lives)),
    ]


def shape_of_markdown(report: str) -> list[str]:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return [
        token.type + token.tag
        for block in parser.parse(report)
        for token in (block, *(block.children or ()))
        if token.type not in ("text", "code_inline")
    ]


def shape_of_html(report: str) -> list[tuple[str, tuple[str, ...]]]:
    document = html5lib.HTMLParser(strict=True).parse(report)
    return [(each.tag, tuple(sorted(each.attrib))) for each in document.iter()]


@pytest.mark.parametrize("form", sorted(SUFFIXES))
def test_500_hostile_strings_in_every_field_are_only_text(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachediff.reports.plots.timelines.find_spec", lambda _name: None)
    style = re.compile("<style>.*?</style>", re.DOTALL)
    plain = [style.sub("", FORMATS[form](each, LAYOUT)) for each in timelines_of("plain")]
    for value in HOSTILE_STRINGS[:: 5 if form == "html" else 1]:
        reports = [style.sub("", FORMATS[form](each, LAYOUT)) for each in timelines_of(value)]
        for evil, good in zip(reports, plain, strict=True):
            assert evil.endswith("\n")
            assert all(line.isprintable() for line in evil[:-1].split("\n"))
            if form == "markdown":
                assert shape_of_markdown(evil) == shape_of_markdown(good)
                pipes = [[line.count("|") for line in each.split("\n")] for each in (evil, good)]
                assert pipes[0] == pipes[1]
            elif form == "html":
                assert shape_of_html(evil) == shape_of_html(good)
            elif form == "json":
                assert evil.isascii()
                assert json.loads(evil)["schema"] == "cachediff/log/1"


def test_hostile_strings_in_plots(tmp_path: Path) -> None:
    with launched(tmp_path) as browser:
        for number, value in enumerate(HOSTILE_STRINGS[::167]):
            for kind, each in enumerate(timelines_of(value)):
                path = tmp_path / f"{number}-{kind}.html"
                path.write_text(FORMATS["html"](each, LAYOUT), encoding="utf-8")
                opened = Opened(browser, path)
                assert opened.run("globalThis.ran") is None
                opened.close()


# A timeline says what the comparisons say.


Night = dict[str, Manifest]


@st.composite
def histories(draw: st.DrawFn) -> list[Night]:
    """Snapshots of up to three packages, each night a manifest, none, or one that cannot be read."""
    nights: list[Night] = [{} for _ in range(draw(st.integers(1, 6)))]
    stacks: st.SearchStrategy[Stacks] = st.sampled_from([None, *KNOWN_STACKS])
    if draw(st.booleans()):
        stacks = st.sampled_from(KNOWN_STACKS)
    for package in ("bats", "hdf5", "zlib")[: draw(st.integers(1, 3))]:
        some = draw(rivals(package))
        known = {(package[0] + letter) * 16: draw(st.sampled_from(some)) for letter in "abcdefgh"}
        page: Manifest | None = None
        for night in nights:
            fate = draw(st.sampled_from(["same", "other", "other", "other", "gone", "unread"]))
            if fate == "gone":
                page = None
            elif fate == "unread":
                night[package] = unreadable(package)
                continue
            elif fate == "other" or page is None:
                hashes = draw(st.sets(st.sampled_from(sorted(known)), max_size=6))
                page = manifest(
                    *(Spec(each, known[each], draw(stacks)) for each in sorted(hashes)),
                    package=package,
                )
            if page is not None:
                night[package] = page
    return nights


def object_id(content: object) -> str:
    return hashlib.sha1(repr(content).encode()).hexdigest()


def snapshot_of(number: int, night: Night) -> Snapshot:
    ids = {name: object_id(night[name]) for name in night}
    tree = object_id((number, sorted(ids.items())))
    origin = Origin("cache", "develop", f"{number:040x}", day(1 + number), tree)
    return Snapshot(origin, tuple(night[name] for name in sorted(night)), ids)


def compared(old: Snapshot, new: Snapshot) -> dict[str, PackageComparison]:
    told = compare_opened(LoadedSnapshot(old), LoadedSnapshot(new))
    return {package.package: package for package in told.packages}


def facts(step: PackageStep) -> tuple[object, ...]:
    counts = {kind: getattr(step.counts, kind) for kind in step.counts.__struct_fields__}
    return (
        step.status,
        {kind: number for kind, number in counts.items() if number},
        step.versions_added,
        step.versions_removed,
        step.stacks_joined,
        step.stacks_left,
    )


def facts_of(package: PackageComparison) -> tuple[object, ...]:
    kinds = [str(change.kind) for change in package.changes]
    return (
        package.status,
        {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        tuple(version.text for version in package.versions_added),
        tuple(version.text for version in package.versions_removed),
        package.stacks_joined,
        package.stacks_left,
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_a_timeline_says_what_the_comparisons_say(
    tmp_path_factory: pytest.TempPathFactory, nights: list[Night]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    snapshots = [snapshot_of(number, night) for number, night in enumerate(nights)]
    store = SnapshotStore(folder, PARSER_VERSION)
    for each in snapshots:
        store.write(each)
    places = Settings({"cache": SourceSettings(path=".")}, store=folder, reports=folder)
    names = Catalogue(places, folder / "cache")
    packages = sorted({name for night in nights for name in night})
    with open_index(names) as index:
        timelines = {}
        for package in packages:
            if package in index.packages("cache", "develop"):
                found = find_timeline(names, index, Question(what=package))
                assert isinstance(found, PackageTimeline)
                timelines[package] = found
        stacks = []
        for stack in ("e4s", "ml"):
            if any(stack in (spec.stacks or ()) for one in snapshots for spec in one.specs()):
                found = find_timeline(names, index, Question(stack=stack))
                assert isinstance(found, StackTimeline)
                stacks.append(found)
    between = [compared(old, new) for old, new in pairwise(snapshots)]
    for package in packages:
        listed = [night.get(package) for night in nights]
        if package not in timelines:
            assert not any(each and (each.specs or not each.readable) for each in listed)
            continue
        timeline = timelines[package]
        events = {event.step.point.committed_at: event for event in timeline.events}
        read: int | None = None
        for number, manifest_ in enumerate(listed):
            event = events.get(day(1 + number))
            if manifest_ and not manifest_.readable:
                assert timeline.specs[number] is None
                assert event is not None
                assert event.is_unknown
                assert number == 0 or between[number - 1][package].status is PackageStatus.UNKNOWN
                continue
            assert timeline.specs[number] == (len(manifest_.specs) if manifest_ else 0)
            if read is not None:
                found_ = (
                    between[number - 1]
                    if read == number - 1
                    else compared(snapshots[read], snapshots[number])
                ).get(package)
                assert (event is None) == (found_ is None)
                if event and found_:
                    assert facts(event.step) == facts_of(found_)
                    assert event.after == Point(day(1 + read), f"{read:040x}")
                    assert event.unread == number - read - 1
            read = number
    for timeline_ in stacks:
        for total, snapshot in zip(timeline_.points, snapshots, strict=True):
            told_in = [
                spec.package for spec in snapshot.specs() if timeline_.stack in (spec.stacks or ())
            ]
            assert (total.specs, total.packages) == (len(told_in), len(set(told_in)))
            assert total.unreadable == sum(not one.readable for one in snapshot.manifests)
        told = {night.at.point.committed_at: night for night in timeline_.nights}
        for number, changed in enumerate(between, 1):
            night = told.get(day(1 + number))
            unread = {name for name, each in nights[number - 1].items() if not each.readable}
            for way in ("joined", "left"):
                want = {
                    name
                    for name, package in changed.items()
                    if timeline_.stack in getattr(package, f"stacks_{way}")
                }
                got = {event.step.package for event in getattr(night, way)} if night else set()
                assert got - unread == want


def test_the_same_words_in_every_format() -> None:
    """Text, Markdown and HTML differ in markup only."""
    for timeline in timelines_of("plain"):
        text = FORMATS["text"](timeline, TimelineLayout())
        markdown = FORMATS["markdown"](timeline, TimelineLayout())
        document = html5lib.parse(FORMATS["html"](timeline, TimelineLayout()))
        body = document.find("{http://www.w3.org/1999/xhtml}body")
        assert body is not None
        words = " ".join("".join(body.itertext()).split())
        flat = re.sub(r"[`|#]|---", " ", markdown)
        for line in text.splitlines():
            for cell in filter(None, re.split(r" {2,}", line.strip())):
                assert cell in words
                assert cell in " ".join(flat.split()) or cell in re.sub(r"[`]", "", markdown)
