"""Retention: old snapshots go, none that something refers to, and whatever interrupts it."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cachediff.config import load_settings
from cachediff.errors import StoreError
from cachediff.jobs.filing import file_report
from cachediff.jobs.retention import Reason, Thinned, choose, thin, would_thin
from cachediff.jobs.snapshot import take
from cachediff.jobs.sweeping import sweep
from cachediff.model.jobs import Retention
from cachediff.queries import Catalogue, compare_opened
from cachediff.queries.filed import RECORD
from cachediff.queries.verification import verify
from cachediff.reports import Layout
from cachediff.store import StoredSnapshot
from cachediff.store.ledger import LEDGER, DoneNight, Ledger
from conftest import MakeRepository
from pages import page, record
from repositories import FIRST_DAY, Commit, git

START = datetime(2025, 1, 1, tzinfo=UTC)  # a Wednesday


def stored(hours: int, collection: str = "develop") -> StoredSnapshot:
    """A snapshot that was committed so many hours after 2025 began."""
    time = START + timedelta(hours=hours)
    commit = f"{hours:040x}"
    return StoredSnapshot(
        sha256="0" * 64,
        bytes=1,
        source="cache",
        collection=collection,
        commit=commit,
        committed_at=f"{time:%Y-%m-%dT%H:%M:%SZ}",
        tree=commit,
        manifests=0,
        unreadable=0,
        packages=0,
        specs=0,
        path=Path("cache", collection, f"{time:%Y%m%dT%H%M%SZ}-{commit}.parquet"),
    )


def kept(retention: Retention, *hours: int) -> dict[int, Reason]:
    """What stays of snapshots of one collection."""
    reasons = choose([stored(each) for each in hours], retention, {})
    return {int(each.commit, 16): reason for each, reason in reasons.items()}


DAY, WEEK = 24, 7 * 24
NEWEST, DAILY, WEEKLY, MONTHLY = Reason.NEWEST, Reason.DAILY, Reason.WEEKLY, Reason.MONTHLY


@pytest.mark.parametrize(
    ("retention", "hours", "expected"),
    [
        (Retention(daily=1), [], {}),
        (Retention(daily=1), [0], {0: NEWEST}),
        (Retention(daily=2), [0, 5, 23, 24, 30], {30: NEWEST, 23: DAILY}),
        # Days without a snapshot are not counted: after a long silence, nothing more goes.
        (Retention(daily=3), [0, DAY, 90 * DAY], {90 * DAY: NEWEST, DAY: DAILY, 0: DAILY}),
        # 2025 began on a Wednesday: Sunday the 5th is day 4, the Monday after it day 5.
        (Retention(weekly=2), [0, 4 * DAY, 5 * DAY, 6 * DAY], {6 * DAY: NEWEST, 4 * DAY: WEEKLY}),
        (Retention(weekly=1), [0, 4 * DAY], {4 * DAY: NEWEST}),
        (Retention(monthly=2), [0, 30 * DAY, 31 * DAY, 40 * DAY],
         {40 * DAY: NEWEST, 30 * DAY: MONTHLY}),
        # The same snapshot may be the last of several; the first reason is told.
        (Retention(1, 2, 3), [0, 30 * DAY, 58 * DAY, 59 * DAY, 59 * DAY + 1],
         {59 * DAY + 1: NEWEST, 58 * DAY: MONTHLY, 30 * DAY: WEEKLY}),
        (Retention(daily=2, weekly=2), [0, DAY, WEEK, WEEK + DAY],
         {WEEK + DAY: NEWEST, WEEK: DAILY, DAY: WEEKLY}),
        # The first week of 2025 is not that of 2026, nor is January.
        (Retention(weekly=2), [0, 364 * DAY], {364 * DAY: NEWEST, 0: WEEKLY}),
        (Retention(monthly=2), [0, 365 * DAY], {365 * DAY: NEWEST, 0: MONTHLY}),
        (Retention(), [0, DAY], {DAY: NEWEST}),
    ],
)  # fmt: skip
def test_the_last_of_each_of_the_newest_periods_stays(
    retention: Retention, hours: list[int], expected: dict[int, Reason]
) -> None:
    assert kept(retention, *hours) == expected


def test_each_collection_has_its_own() -> None:
    snapshots = [stored(0), stored(DAY), stored(2 * DAY), stored(0, "v1"), stored(1, "v1")]
    assert choose(snapshots, Retention(daily=2), {}) == {
        snapshots[2]: NEWEST,
        snapshots[1]: DAILY,
        snapshots[4]: NEWEST,
    }


retentions = st.builds(
    Retention, daily=st.integers(0, 8), weekly=st.integers(0, 6), monthly=st.integers(0, 5)
)
histories = st.lists(st.integers(0, 400 * DAY), max_size=40, unique=True).map(sorted)


@st.composite
def taken(draw: st.DrawFn) -> tuple[list[StoredSnapshot], dict[StoredSnapshot, Reason]]:
    """Snapshots of two collections, in order, and some of them that something refers to."""
    snapshots = [stored(hours, name) for name in ("develop", "v1") for hours in draw(histories)]
    some = draw(st.sets(st.sampled_from(snapshots))) if snapshots else set()
    return snapshots, dict.fromkeys(some, Reason.REPORT)


@given(taken(), retentions)
def test_what_is_referred_to_and_the_newest_stay(
    case: tuple[list[StoredSnapshot], dict[StoredSnapshot, Reason]], retention: Retention
) -> None:
    snapshots, referred = case
    stays = choose(snapshots, retention, referred)
    assert referred.keys() <= stays.keys() <= set(snapshots)
    for collection in {each.collection for each in snapshots}:
        of = [each for each in snapshots if each.collection == collection]
        assert stays[of[-1]] == NEWEST
    # Only what was kept for nothing else is told to be referred to: without it, it would go.
    alone = choose(snapshots, retention, {})
    assert stays == dict.fromkeys(referred, Reason.REPORT) | alone


@given(taken(), retentions)
def test_thinning_twice_is_thinning_once(
    case: tuple[list[StoredSnapshot], dict[StoredSnapshot, Reason]], retention: Retention
) -> None:
    snapshots, referred = case
    stays = choose(snapshots, retention, referred)
    left = [each for each in snapshots if each in stays]
    assert choose(left, retention, referred) == stays


@given(histories, retentions)
def test_thinning_every_night_leaves_what_thinning_at_the_end_would(
    hours: list[int], retention: Retention
) -> None:
    left: list[StoredSnapshot] = []
    for each in hours:
        left = list(choose([*sorted(left, key=lambda one: one.path), stored(each)], retention, {}))
    assert set(left) == set(choose([stored(each) for each in hours], retention, {}))


@given(histories, retentions, retentions)
def test_to_keep_more_removes_nothing_more(
    hours: list[int], retention: Retention, more: Retention
) -> None:
    snapshots = [stored(each) for each in hours]
    both = Retention(
        retention.daily + more.daily,
        retention.weekly + more.weekly,
        retention.monthly + more.monthly,
    )
    assert choose(snapshots, retention, {}).keys() <= choose(snapshots, both, {}).keys()


# In a store.

NIGHTS = 12


def night(number: int) -> Commit:
    """hdf5 is rebuilt in each, and zlib in every other one."""
    commit = {"_cache/develop/hdf5/specs.md": page([record(f"hdf5/{number}")])}
    if number % 2 == 0:
        commit["_cache/v1/zlib/specs.md"] = page([record(f"zlib/{number}")], "zlib", "v1")
    return commit


class World:
    """A repository of twelve nights, and a store of all of them."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.folder = folder
        self.repository = repository
        folder.mkdir()
        self.configure("retention: {daily: 1}")
        with self.catalogue() as names:
            for number in range(NIGHTS):
                for collection in ("develop", "v1"):
                    take(names, names.open(f"{collection}@HEAD~{NIGHTS - 1 - number}", folder))

    def configure(self, more: str) -> None:
        self.config.write_text(f"sources: {{cache: {{path: {self.repository}}}}}\n{more}\n")

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def catalogue(self) -> closing[Catalogue]:
        return closing(Catalogue(load_settings(self.config), self.folder / "cache"))

    def ledger(self) -> closing[Ledger]:
        return closing(Ledger(self.folder / "snapshots" / LEDGER))

    def thin(self) -> Thinned:
        with self.catalogue() as names, self.ledger() as ledger:
            expected = would_thin(names, ledger)
            thinned = thin(names, ledger)
            assert thinned == expected
            assert verify(names).findings == ()
            assert thin(names, ledger) == replace(thinned, removed=()), "once is enough"
        return thinned

    def left(self, collection: str = "develop") -> list[int]:
        """The nights of which there is a snapshot."""
        with self.catalogue() as names:
            listing = names.store.list("cache", collection)
        times = [datetime.fromisoformat(each.committed_at) for each in listing.snapshots]
        return [(time - FIRST_DAY).days for time in times]

    def report(self, old: int, new: int) -> Path:
        """File a report of two nights; of a commit may be told whose tree is stored of another one."""
        with self.catalogue() as names:
            sides = [names.open(f"v1@HEAD~{NIGHTS - 1 - each}", self.folder) for each in (old, new)]
            whole = compare_opened(sides[0], sides[1])
        reports = self.folder / "reports"
        return file_report(reports, "nightly", whole, Layout(), today=date(2026, 1, 1), formats=())

    def told(self, collection: str, old: int, new: int, report: Path) -> None:
        """Write into the ledger that this was told in a night."""
        with self.catalogue() as names, self.ledger() as ledger:
            sides = [
                names.open(f"{collection}@HEAD~{NIGHTS - 1 - each}", self.folder).origin
                for each in (old, new)
            ]
            ledger.record(
                DoneNight(
                    job="nightly",
                    date=date(2025, 1, 1) + timedelta(days=new),
                    done_at=f"2025-02-{new:02}T00:00:00Z",
                    old=sides[0],
                    new=sides[1],
                    report=f"nightly/{report.name}",
                )
            )


@pytest.fixture
def world(tmp_path: Path, make_repository: MakeRepository) -> World:
    repository = make_repository([night(number) for number in range(NIGHTS)], "--bare")
    return World(tmp_path / "world", repository)


def test_without_retention_everything_stays(world: World) -> None:
    world.configure("")
    assert world.thin() == Thinned()
    assert world.left() == list(range(NIGHTS))


def test_what_goes_is_gone_and_counted(world: World) -> None:
    assert world.left("v1") == [0, 2, 4, 6, 8, 10]
    world.configure("retention: {daily: 2, weekly: 2}")
    thinned = world.thin()
    assert world.left() == [4, 10, 11]
    assert world.left("v1") == [4, 8, 10]
    assert thinned.kept == {NEWEST: 2, DAILY: 2, WEEKLY: 2}
    assert (len(thinned.removed), thinned.withheld) == (12, "")
    assert [path for each in thinned.removed for path in (each.path, each.path.with_suffix(".json"))
            if Path(path).exists()] == []  # fmt: skip


def test_what_a_report_compares_stays(world: World) -> None:
    # The tree of night 3 is stored as that of night 2, that of night 7 as that of night 6.
    world.report(3, 7)
    thinned = world.thin()
    assert world.left("v1") == [2, 6, 10]
    assert thinned.kept == {NEWEST: 2, Reason.REPORT: 2}


def test_what_a_report_compares_stays_by_its_commit_alone(world: World) -> None:
    path = world.report(2, 4) / RECORD
    document = json.loads(path.read_bytes())
    for side in ("old", "new"):
        document[side]["tree"] = None
    path.write_text(json.dumps(document))
    world.thin()
    assert world.left("v1") == [2, 4, 10]


def test_what_reports_compare_that_were_filed_elsewhere_stays(world: World) -> None:
    """Also once reports are filed where the folder of reports is now."""
    names = []
    for old, new in ((0, 2), (2, 4), (4, 6)):
        report = world.report(old, new)
        world.told("v1", old, new, report)
        names.append(report.name)
    thinned = world.thin()
    assert world.left("v1") == [0, 2, 4, 6, 10]
    reports = world.folder / "reports"
    reports.rename(world.folder / "away")
    assert world.thin().kept == thinned.kept
    for old, new in ((6, 8), (8, 10)):
        world.told("v1", old, new, world.report(old, new))
        world.thin()
        assert world.left("v1") == [0, 2, 4, 6, 10]
    # Back again, as where it was not mounted: one that is removed now refers to nothing any more.
    shutil.rmtree(reports)
    (world.folder / "away").rename(reports)
    shutil.rmtree(reports / "nightly" / names[0])
    world.thin()
    assert world.left("v1") == [2, 4, 6, 10]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", None], ids=str)
def test_nothing_goes_while_a_record_cannot_be_read(world: World, content: bytes | None) -> None:
    path = world.report(2, 4) / RECORD
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    thinned = world.thin()
    assert thinned.removed == ()
    assert thinned.withheld.startswith(f"no snapshot is removed: {path} was passed over: ")
    assert len(world.left("v1")) == 6


@pytest.mark.parametrize("job", ["nightly", "renamed"])
def test_what_a_job_told_last_stays(world: World, job: str) -> None:
    """So does what one told that is not set any more."""
    world.configure(
        "retention: {daily: 1}\njobs: {nightly: {compare: [develop@previous, develop]}}"
    )
    with world.catalogue() as names, world.ledger() as ledger:
        for old, new in ((1, 3), (2, 5)):
            sides = [
                names.open(f"develop@HEAD~{NIGHTS - 1 - each}", world.folder).origin
                for each in (old, new)
            ]
            ledger.record(
                DoneNight(
                    job=job,
                    date=date(2025, 1, new),
                    done_at="2025-02-01T00:00:00Z",
                    old=sides[0],
                    new=sides[1],
                )
            )
    thinned = world.thin()
    assert world.left() == [2, 5, 11]
    assert thinned.kept == {NEWEST: 2, Reason.JOB: 2}


@pytest.mark.parametrize(
    ("old", "stays", "of_v1"),
    [
        ("develop@2025-01-04", [3, 11], [10]),
        ("cache:develop@HEAD~2", [9, 11], [10]),
        ("develop@stable", [6, 11], [10]),
        # Of any collection that it might be.
        ("*@2025-01-04", [3, 11], [2, 10]),
        ("develop-*~1", [11], [10]),
        ("v1", [11], [10]),
        ("develop@previous", [11], [10]),
        # There is no such tag: it may have been any.
        ("v1@nowhere", [11], [0, 2, 4, 6, 8, 10]),
    ],
)
def test_what_a_job_names_stays(world: World, old: str, stays: list[int], of_v1: list[int]) -> None:
    git(world.repository, "tag", "stable", "main~5")
    world.configure(f"retention: {{daily: 1}}\njobs: {{j: {{compare: ['{old}', develop]}}}}")
    world.thin()
    assert (world.left(), world.left("v1")) == (stays, of_v1)


def test_what_a_job_names_by_its_path_stays(world: World) -> None:
    with world.catalogue() as names:
        path = names.store.list("cache", "develop").snapshots[4].path.relative_to(world.folder)
    world.configure(f"retention: {{daily: 1}}\njobs: {{j: {{compare: ['{path}', develop]}}}}")
    world.thin()
    assert world.left() == [4, 11]


@pytest.mark.parametrize(
    ("keep", "stays", "of_v1"),
    [
        ("v*", [11], [0, 2, 4, 6, 8, 10]),
        ("cache:v1", [11], [0, 2, 4, 6, 8, 10]),
        ("*@2025-01-08", [7, 11], [6, 10]),
        ("develop@2025-01-08T11:00", [6, 11], [10]),
        ("develop@2024-01-01", [11], [10]),
        ("develop@previous", [10, 11], [10]),
        ("develop@stable", [6, 11], [10]),
        ("develop@nowhere", list(range(NIGHTS)), [10]),
        ("develop@2025-02-30", list(range(NIGHTS)), [10]),
        ("other", [11], [10]),
    ],
)
def test_what_is_named_stays(world: World, keep: str, stays: list[int], of_v1: list[int]) -> None:
    git(world.repository, "tag", "stable", "main~5")
    world.configure(f"retention: {{daily: 1, keep: ['{keep}']}}")
    thinned = world.thin()
    assert (world.left(), world.left("v1")) == (stays, of_v1)
    assert thinned.kept.get(Reason.KEEP, 0) == len(stays) + len(of_v1) - 2


def test_a_stored_commit_stays_by_the_beginning_of_its_id(world: World) -> None:
    with world.catalogue() as names:
        commit = names.store.list("cache", "develop").snapshots[3].commit
    world.configure(f"retention: {{daily: 1, keep: [develop@{commit[:10]}]}}")
    world.thin()
    assert world.left() == [3, 11]


def test_what_no_source_tells_any_more_stays_by_date_alone(world: World) -> None:
    world.repository.rename(world.repository.with_name("away"))
    world.configure("retention: {daily: 1, keep: [develop@2025-01-04, v1@main]}")
    world.thin()
    assert (world.left(), world.left("v1")) == ([3, 11], [0, 2, 4, 6, 8, 10])


def test_a_damaged_receipt_is_evidence(world: World) -> None:
    with world.catalogue() as names:
        listing = names.store.list("cache", "develop").snapshots
        for number in (2, 11):
            Path(listing[number].path).with_suffix(".json").write_text("{")
        with world.ledger() as ledger:
            thin(names, ledger)
        assert len(names.store.list().damaged) == 2
    # The newest that can be believed stays.
    assert world.left() == [10]
    assert Path(listing[2].path).exists()


def test_nothing_is_told_to_be_removed_that_is_not(world: World) -> None:
    folder = world.folder / "snapshots" / "cache" / "develop"
    with world.catalogue() as names, world.ledger() as ledger:
        gone = would_thin(names, ledger).removed
        (folder / f"{gone[3].path.stem}.parquet").unlink()
        (folder / f"{gone[3].path.stem}.parquet").mkdir()
        with pytest.raises(StoreError, match=r"parquet cannot be removed"):
            thin(names, ledger)
    assert world.left() == list(range(4, NIGHTS))


def test_it_can_be_told_where_no_night_was_done_yet(world: World) -> None:
    with world.catalogue() as names:
        assert len(would_thin(names, None).removed) == 16
    assert world.left() == list(range(NIGHTS))


_THIN = """
import os, signal, sys
from contextlib import closing
from pathlib import Path
from cachediff.config import load_settings
from cachediff.jobs.retention import thin
from cachediff.queries import Catalogue
from cachediff.store.ledger import LEDGER, Ledger

folder, left = Path(sys.argv[1]), int(sys.argv[2])

def count(event, arguments):
    global left
    if event == "os.remove" and "snapshots" in str(arguments[0]):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

with closing(Catalogue(load_settings(folder / "config.yaml"), folder / "cache")) as names:
    with closing(Ledger(folder / "snapshots" / LEDGER)) as ledger:
        sys.addaudithook(count)
        thin(names, ledger)
"""


def test_what_a_kill_leaves_is_whole_and_the_next_run_goes_on(world: World) -> None:
    world.report(2, 6)
    world.configure("retention: {daily: 2, keep: [develop@2025-01-04]}")
    snapshots = world.folder / "snapshots"
    with world.catalogue() as names, world.ledger() as ledger:
        before = {path: path.read_bytes() for path in snapshots.rglob("*") if path.is_file()}
        gone = would_thin(names, ledger).removed
        there = {Path(each.path) for each in names.store.list().snapshots}
        stays = there - {Path(each.path) for each in gone}
    moments = random.Random(6)
    left_over = 0
    for _ in range(20):
        moment = moments.randrange(2 * len(gone))
        done = subprocess.run([sys.executable, "-c", _THIN, world.folder, str(moment)], check=False)
        assert done.returncode == -signal.SIGKILL
        with world.catalogue() as names:
            # Half of the moments are between the two files of one snapshot.
            findings = verify(names).findings
            assert [each.reasons for each in findings] == [("left by an interrupted write",)] * (
                moment % 2
            )
            left_over += moment % 2
            there = {Path(each.path) for each in names.store.list().snapshots}
            assert there == stays | {Path(each.path) for each in gone[-(-moment // 2) :]}
            assert all(path.read_bytes() == before[path] for path in there)
            # It might be a snapshot whose receipt was lost: that is for people to tell.
            assert sweep(names, datetime.now(UTC) + timedelta(hours=2)) == ()
            for finding in findings:
                Path(finding.path).unlink()
        assert world.thin().kept == {NEWEST: 2, DAILY: 2, Reason.KEEP: 1, Reason.REPORT: 2}
        assert {path for path in before if path.exists()} >= stays
        for path, content in before.items():
            path.write_bytes(content)
    assert 0 < left_over < 20
