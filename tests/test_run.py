"""Runs: every date once, nothing missed, nothing told that is not so, whatever interrupts them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cachediff.config import load_settings
from cachediff.errors import DeliveryError
from cachediff.jobs.locking import sole_run
from cachediff.jobs.nights import Told
from cachediff.jobs.run import NightEvent, NotDone, NothingDue, run_jobs
from cachediff.model.comparison import Comparison
from cachediff.model.jobs import Job, Schedule
from cachediff.queries import Catalogue
from cachediff.queries.due import DueNight, due_collections, due_dates
from cachediff.queries.filed import FILES, RECORD, read_filed
from cachediff.queries.verification import verify
from cachediff.sources import parse_name
from cachediff.store.ledger import LEDGER, DoneNight, Ledger
from commands import cachediff, refuses, succeeds
from conftest import MakeRepository
from pages import page, record
from repositories import Commit, add_commits, committed_at, git

NIGHTLY = """
jobs:
  nightly:
    compare: [develop@previous, develop]
    schedule: 0 18 * * *
    gates:
      left: {rule: left-stack}
"""
DATED = """
jobs:
  dated:
    compare: ["develop-*~1", "develop-*"]
    on: new-collection
"""


def build(number: int) -> Commit:
    """The commit of night `number`: hdf5 is rebuilt."""
    return {"_cache/develop/hdf5/specs.md": page([record(f"hdf5/{number}")])}


def evening(number: int) -> datetime:
    """Six hours after the commit of that number, when the nightly job is due."""
    return committed_at(number) + timedelta(hours=6)


class World:
    """A folder with a `config.yaml`, an upstream and a mirror cache."""

    def __init__(self, folder: Path, upstream: Path, jobs: str, *, url: bool = False) -> None:
        self.folder = folder
        self.upstream = upstream
        source = f"url: file://{upstream}" if url else f"path: {upstream}"
        folder.mkdir(exist_ok=True)
        (folder / "config.yaml").write_text(f"sources:\n  cache:\n    {source}\n{jobs}")
        self.delivered: list[tuple[date, Comparison]] = []
        self.outbox_full = False
        self.slept: list[float] = []

    def run(self, now: datetime) -> list[NightEvent]:
        """Everything that is due at `now`."""
        with self.catalogue() as names, self.ledger() as ledger:
            return list(
                run_jobs(
                    names,
                    list(names.settings.jobs.values()),
                    ledger,
                    now=now,
                    folder=self.folder,
                    sleep=self.slept.append,
                    deliver=self.deliver,
                )
            )

    def deliver(self, _job: Job, night: date, comparison: Comparison) -> None:
        if self.outbox_full:
            raise DeliveryError("the disk is full")
        self.delivered.append((night, comparison))

    @contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        settings = load_settings(self.folder / "config.yaml")
        with closing(Catalogue(settings, self.folder / "cache")) as names:
            yield names

    def ledger(self) -> closing[Ledger]:
        return closing(Ledger(self.folder / "snapshots" / LEDGER))

    def done(self, job: str = "nightly") -> tuple[DoneNight, ...]:
        with self.ledger() as ledger:
            return ledger.nights(job)

    def reports(self) -> dict[str, dict[str, Any]]:
        """The JSON of each report, of which every file is there, by its folder."""
        filed = read_filed(self.folder / "reports")
        assert filed.notices == ()
        found = {}
        for report in filed.reports:
            assert report.formats.keys() == FILES.keys()
            folder = self.folder / "reports" / report.job / report.name
            assert {path.name for path in folder.iterdir()} == {*FILES.values(), RECORD}
            found[f"{report.job}/{report.name}"] = json.loads((folder / FILES["json"]).read_bytes())
        return found


@pytest.fixture
def nightly(tmp_path: Path, make_repository: MakeRepository) -> World:
    return World(tmp_path / "world", make_repository([build(0)], "--bare"), NIGHTLY)


def told(events: Iterable[NightEvent]) -> list[DoneNight]:
    """The nights that were done; nothing else may have been told."""
    nights = []
    for event in events:
        assert isinstance(event, Told), event
        nights.append(event.night)
    return nights


def not_done(events: Iterable[NightEvent]) -> str:
    (event,) = events
    assert isinstance(event, NotDone)
    return event.message


def test_the_first_run_takes_a_snapshot_and_the_next_compares_with_it(nightly: World) -> None:
    (first,) = told(nightly.run(evening(0)))
    assert (first.date, first.report) == (committed_at(0).date(), None)
    assert nightly.reports() == {}
    add_commits(nightly.upstream, [build(1)], start=1)
    (second,) = told(nightly.run(evening(1)))
    assert (second.date, second.report) == (committed_at(1).date(), "nightly/2025-01-02")
    assert (second.old, second.red) == (first.new, False)
    (report,) = nightly.reports().values()
    assert report["summary"]["specs"]["rebuilt"] == 1
    assert report["notices"] == []
    assert [night for night, _ in nightly.delivered] == [second.date]
    assert nightly.done() == (first, second)


def test_a_second_run_does_nothing(nightly: World) -> None:
    nightly.run(evening(0))
    before = nightly.done()
    assert nightly.run(evening(0) + timedelta(hours=17)) == [NothingDue("nightly")]
    assert nightly.done() == before


def test_a_night_is_about_the_last_commit_before_it_is_due_however_late_it_is_done(
    nightly: World,
) -> None:
    add_commits(nightly.upstream, [build(1), build(2)], start=1)
    nightly.run(evening(0))
    nights = told(nightly.run(evening(1) + timedelta(hours=20)))  # commit 2 is there already
    assert [night.new.committed_at for night in nights] == [f"{committed_at(1):%Y-%m-%dT%H:%M:%SZ}"]


@pytest.mark.parametrize("days", [1, 7, 30])
def test_missed_nights_are_caught_up_each_with_its_own_commit(nightly: World, days: int) -> None:
    nightly.run(evening(0))
    nights = range(1, days + 2)
    add_commits(nightly.upstream, [build(number) for number in nights], start=1)
    done = told(nightly.run(evening(days + 1)))
    assert [night.date for night in done] == [committed_at(number).date() for number in nights]
    assert len(nightly.reports()) == days + 1
    last = committed_at(days).date()
    missed = "night of 2025-01-02" if days == 1 else f"nights of 2025-01-02 to {last}"
    for _, comparison in nightly.delivered:
        assert comparison.notices == (f"missed, and caught up later: the {missed}",)
        assert comparison.spec_counts.rebuilt == 1
    chain = [night.new for night in nightly.done()]
    assert [night.old for night in done] == chain[:-1]
    assert nightly.run(evening(days + 1)) == [NothingDue("nightly")]


def test_a_night_without_a_commit_is_done_without_a_report(nightly: World) -> None:
    nightly.run(evening(0))
    (event,) = nightly.run(evening(1))
    assert isinstance(event, Told)
    assert event.outcome.startswith("nothing new upstream since ")
    assert event.night.report is None
    add_commits(nightly.upstream, [build(2)], start=2)
    (night,) = told(nightly.run(evening(2)))
    assert night.report == "nightly/2025-01-03"


def test_what_is_stored_by_hand_between_two_nights_hides_no_change(nightly: World) -> None:
    config = nightly.folder / "config.yaml"
    config.write_text(config.read_text().replace("0 18 * * *", "0 18 */2 * *"))
    nightly.run(evening(0))
    added: Commit = {"_cache/develop/zlib/specs.md": page([record("z")], "zlib")}
    add_commits(nightly.upstream, [added], start=1)
    succeeds("snapshot", "develop", folder=nightly.folder)
    add_commits(nightly.upstream, [build(2)], start=2)
    told(nightly.run(evening(2)))
    ((_, comparison),) = nightly.delivered
    assert (comparison.spec_counts.added, comparison.spec_counts.rebuilt) == (1, 1)


def test_a_night_that_history_cannot_tell_of_is_named_by_the_next(nightly: World) -> None:
    nightly.run(evening(0))
    gone: Commit = {
        "_cache/develop": None,
        "_cache/other/zlib/specs.md": page([record("z")], "zlib"),
    }
    add_commits(nightly.upstream, [gone], start=1)
    assert "there is no collection 'develop'" in not_done(nightly.run(evening(1)))
    assert len(nightly.done()) == 1
    add_commits(nightly.upstream, [build(2)], start=2)
    (night,) = told(nightly.run(evening(2)))
    assert night.date == committed_at(2).date()
    report, untold = nightly.reports().values()
    assert untold["gone"] == "2025-01-02T18:00:00Z"
    assert "no collection 'develop' in cache any more" in untold["notices"][0]
    assert any(
        "no report of 2025-01-02: there is no coll" in notice for notice in report["notices"]
    )


def test_what_is_delivered_later_is_what_was_filed(nightly: World) -> None:
    nightly.run(evening(0))
    add_commits(nightly.upstream, [build(1), build(2)], start=1)
    nightly.outbox_full = True
    assert not_done(nightly.run(evening(1))) == "the disk is full"
    assert len(nightly.done()) == 1
    nightly.outbox_full = False
    told(nightly.run(evening(2)))
    notices = [comparison.notices for _, comparison in nightly.delivered]
    assert notices == [(), ("missed, and caught up later: the night of 2025-01-02",)]
    assert len(nightly.reports()) == 2


def test_a_rewritten_history_is_named(nightly: World) -> None:
    nightly.run(evening(0))
    git(nightly.upstream, "update-ref", "-d", "refs/heads/main")
    add_commits(nightly.upstream, [build(7), build(1)])
    told(nightly.run(evening(1)))
    ((_, comparison),) = nightly.delivered
    assert any(
        "is not in the history that is compared now" in notice for notice in comparison.notices
    )
    assert comparison.spec_counts.rebuilt == 1


def test_a_gate_makes_a_night_red(nightly: World) -> None:
    nightly.run(evening(0))
    left: Commit = {"_cache/develop/hdf5/specs.md": page([record("hdf5/1", stacks=["root"])])}
    add_commits(nightly.upstream, [left], start=1)
    (night,) = told(nightly.run(evening(1)))
    assert night.red
    ((_, comparison),) = nightly.delivered
    assert [finding.gate.name for finding in comparison.findings] == ["left"]


def test_a_missing_collection_makes_a_night_red_that_has_nothing_new(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    gate = 'weekly: {rule: collection-missing, collection: "develop*", days: 2}'
    upstream = make_repository([build(0)], "--bare")
    world = World(tmp_path / "world", upstream, NIGHTLY.replace("left: {rule: left-stack}", gate))
    red = [told(world.run(evening(number)))[0].red for number in range(5)]
    assert red == [False, False, True, True, True]
    assert len(world.reports()) == 1


@pytest.mark.parametrize("url", [False, True])
def test_an_upstream_that_is_not_reached_is_told_and_caught_up(
    tmp_path: Path, make_repository: MakeRepository, url: bool
) -> None:
    upstream = make_repository([build(0)], "--bare")
    world = World(tmp_path / "world", upstream, NIGHTLY, url=url)
    (first,) = told(world.run(evening(0)))
    add_commits(upstream, [build(1), build(2)], start=1)
    away = upstream.rename(tmp_path / "away")
    for number in (1, 2):
        message = not_done(world.run(evening(number)))
        seen = f"last commit seen {first.new.commit} of {first.new.committed_at}"
        assert message.startswith(f"upstream not reached, {seen}: ")
        assert world.done() == (first,)
        again = not_done(world.run(evening(number) + timedelta(hours=1)))
        assert again.startswith(f"upstream not reached, {seen}: ")
    assert world.slept == ([5, 30, 120] * 4 if url else [])
    days = [committed_at(number).date() for number in (1, 2)]
    assert list(world.reports()) == [f"nightly/{day}" for day in reversed(days)]
    assert [night for night, _ in world.delivered] == [days[0]] * 2 + [days[1]] * 2
    for report in world.reports().values():
        assert report["old"]["commit"] == report["new"]["commit"] == first.new.commit
        assert report["summary"]["specs"]["unchanged"] == 0
    away.rename(upstream)
    assert len(told(world.run(evening(2)))) == 2
    assert len(world.reports()) == 4


def test_an_upstream_that_was_never_reached_is_told(tmp_path: Path) -> None:
    world = World(tmp_path / "world", tmp_path / "nowhere", NIGHTLY)
    assert "not reached, never seen yet" in not_done(world.run(evening(0)))


def test_what_one_job_cannot_do_keeps_no_other_from_it(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    lost = "  lost:\n    compare: [nothing@previous, nothing]\n    schedule: 0 18 * * *\n"
    jobs = NIGHTLY.replace("jobs:\n", f"jobs:\n{lost}")
    world = World(tmp_path / "world", make_repository([build(0)], "--bare"), jobs)
    lost_event, nightly_event = world.run(evening(0))
    assert isinstance(lost_event, NotDone)
    assert isinstance(nightly_event, Told)


def test_each_new_collection_is_told_once_against_the_one_before_it(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    def dated(number: int) -> Commit:
        day = committed_at(number).date()
        return {f"_cache/develop-{day}/hdf5/specs.md": page([record(f"hdf5/{number}")])}

    upstream = make_repository([dated(0), dated(1)], "--bare")
    world = World(tmp_path / "world", upstream, DATED)
    told(world.run(evening(1)))
    assert world.run(evening(1)) == [NothingDue("dated")]
    add_commits(upstream, [dated(number) for number in (2, 3, 4)], start=2)
    told(world.run(evening(4)))
    pairs = [
        (comparison.old.origin.collection[-2:], comparison.new.origin.collection[-2:])
        for _, comparison in world.delivered
    ]
    assert pairs == [("01", "02"), ("02", "03"), ("03", "04"), ("04", "05")]
    assert world.run(evening(9)) == [NothingDue("dated")]


def test_a_job_without_a_schedule_is_done_when_asked_for_and_keeps_its_report(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    jobs = "\njobs:\n  asked:\n    compare: [develop@HEAD~1, develop]\n"
    world = World(tmp_path / "world", make_repository([build(0), build(1)], "--bare"), jobs)
    (night,) = told(world.run(evening(1)))
    assert night.report == "asked/2025-01-02"
    world.run(evening(1))
    assert world.done("asked") == (night,)


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe"]
)
@pytest.mark.parametrize("cron", ["30 2 * * *", "0 0 * * *", "15 1,3 * * *", "59 23 * * *"])
def test_every_date_of_a_year_is_due_once(zone: str, cron: str) -> None:
    schedule = Schedule(cron, zone)
    start = datetime(2024, 1, 1, 12, tzinfo=ZoneInfo(zone))
    last = start.date()
    seen: list[date] = []
    for hours in range(0, 366 * 24, 7):
        due = due_dates(schedule, last, start.astimezone(UTC) + timedelta(hours=hours))
        seen += [night.date for night in due]
        last = seen[-1] if seen else last
    assert seen == [start.date() + timedelta(days=days) for days in range(1, len(seen) + 1)]
    assert len(seen) >= 365
    everything = due_dates(schedule, start.date(), start + timedelta(days=366))
    assert [night.date for night in everything][: len(seen)] == seen


@pytest.mark.parametrize(
    ("cron", "now", "newest"),
    [
        ("0 18 * * *", datetime(2025, 1, 2, 18, tzinfo=UTC), date(2025, 1, 2)),
        ("0 18 * * *", datetime(2025, 1, 2, 17, 59, tzinfo=UTC), date(2025, 1, 1)),
        ("* * * * *", datetime(2025, 1, 2, 0, 0, tzinfo=UTC), date(2025, 1, 2)),
        ("0 6 * * 1", datetime(2025, 1, 2, 18, tzinfo=UTC), date(2024, 12, 30)),
        ("0 6 29 2 *", datetime(2103, 1, 2, 18, tzinfo=UTC), date(2096, 2, 29)),
    ],
)
def test_the_first_run_is_due_the_newest_date_alone(cron: str, now: datetime, newest: date) -> None:
    assert [night.date for night in due_dates(Schedule(cron), None, now)] == [newest]


def test_collections_are_due_from_the_last_one_on_even_if_it_is_gone() -> None:
    now = evening(0)
    glob = parse_name("develop-*")

    def due(*names: str, last: str | None) -> list[int]:
        return [night.newer for night in due_collections(glob, names, last, now)]

    assert due("develop-2", "develop-10", "v1", last=None) == [0]
    assert due("develop-2", "develop-10", last="develop-10") == []
    assert due("develop-2", "develop-10", "develop-9", last="develop-2") == [1, 0]
    assert due("develop-2", "develop-10", last="develop-9") == [0]
    assert due(last=None) == []
    assert due_collections(glob, ["develop-2"], None, now) == [DueNight(now.date(), now)]


def test_the_other_of_two_runs_says_who_is_at_work_and_leaves(nightly: World) -> None:
    store = nightly.folder / "snapshots"
    with sole_run(store, evening(0)) as holder:
        assert holder is None
        done = cachediff("run", folder=nightly.folder)
        assert (done.code, done.out) == (0, "")
        assert (
            f"another run is at work, and nothing was done: process {os.getpid()} on " in done.err
        )
        assert "since 2025-01-01 18:00:00 UTC" in done.err
    assert not (store / LEDGER).exists()
    assert "the first snapshot" in succeeds("run", folder=nightly.folder)
    assert succeeds("run", folder=nightly.folder) == "nightly: nothing is due\n"


def test_the_command_tells_by_its_exit_code(nightly: World) -> None:
    config = nightly.folder / "config.yaml"
    config.write_text(config.read_text().replace("0 18 * * *", "0 18 1 * *"))
    nightly.run(evening(0))
    left: Commit = {"_cache/develop/hdf5/specs.md": page([record("hdf5/1", stacks=["root"])])}
    add_commits(nightly.upstream, [left], start=1)
    away = nightly.upstream.rename(nightly.folder / "away")
    assert "not done: upstream not reached" in refuses("run", folder=nightly.folder)
    away.rename(nightly.upstream)
    done = cachediff("run", folder=nightly.folder)
    assert (done.code, done.err) == (1, "")
    assert "nightly/2025-01-02\n  red: gate left: hdf5 left e4s\n" in done.out
    assert "there is no job 'nigthly'" in refuses("run", "nigthly", folder=nightly.folder)
    (nightly.folder / "snapshots" / LEDGER).write_bytes(b"")
    assert "ledger.sqlite is damaged" in refuses("run", folder=nightly.folder)


def test_config_check_says_what_is_due_and_which_secrets_are_there(nightly: World) -> None:
    config = nightly.folder / "config.yaml"
    text = config.read_text()
    config.write_text(
        f"{text}    timezone: Europe/Helsinki\n    deliver: [chat]\n"
        "deliver:\n  chat: {type: webhook, url_env: CHAT_URL}\n"
    )
    done = cachediff("config", "check", folder=nightly.folder)
    assert done.code == 2
    assert "CHAT_URL is not set" in done.err
    secret = {"CHAT_URL": "https://chat.example/secret"}
    out = succeeds("config", "check", folder=nightly.folder, environment=secret)
    assert "secret in the environment variable CHAT_URL: present" in out
    assert "secret\n" not in out
    assert "chat.example" not in out
    shown = [line for line in out.splitlines() if " UTC, " in line]
    assert len(shown) == 3
    assert all(" 18:00 EE" in line for line in shown)
    config.write_text(text.replace("schedule", "shedule"))
    assert "shedule" in refuses("config", "check", folder=nightly.folder)
    assert {path.name for path in nightly.folder.iterdir()} == {"config.yaml"}


_RUN = """
import sys
from datetime import datetime
from pathlib import Path
import pyarrow.parquet
from test_run import World
world = World.__new__(World)
world.folder, world.delivered, world.slept = Path(sys.argv[1]), [], []
world.outbox_full = False
print("ready", flush=True)
world.run(datetime.fromisoformat(sys.argv[2]))
"""


def test_a_run_that_is_killed_at_any_moment_is_completed_by_the_next(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    upstream = make_repository([build(0)], "--bare")
    world = World(tmp_path / "world", upstream, NIGHTLY, url=True)
    world.run(evening(0))
    add_commits(upstream, [build(number) for number in range(1, 3)], start=1)
    begun = tmp_path / "begun"
    shutil.copytree(world.folder, begun)
    expected = [committed_at(number).date() for number in range(3)]

    def run() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", _RUN, str(world.folder), evening(2).isoformat()]
        process = subprocess.Popen(command, cwd=Path(__file__).parent, stdout=subprocess.PIPE)
        assert process.stdout
        with process.stdout:
            process.stdout.readline()
        return process

    process = run()
    start = time.monotonic()
    assert process.wait() == 0
    length = time.monotonic() - start
    reports = world.reports()
    assert [night.date for night in world.done()] == expected

    random = Random(4)
    left = set()
    for part in range(12):
        shutil.rmtree(world.folder)
        shutil.copytree(begun, world.folder)
        process = run()
        time.sleep(length * (part + random.random()) / 12)
        process.kill()
        process.wait()
        # What the ledger says is done is reported and stored.
        for night in world.done()[1:]:
            assert night.report in world.reports()
        completed = told(event for event in world.run(evening(2)) if event != NothingDue("nightly"))
        assert [night.date for night in world.done()] == expected
        left.add(len(completed))
        assert [night.date for night in completed] == expected[len(expected) - len(completed) :]
        told_apart = {name: {**report, "notices": []} for name, report in world.reports().items()}
        assert told_apart == {name: {**report, "notices": []} for name, report in reports.items()}
        with world.catalogue() as names:
            verdict = verify(names)
        # What a killed write left is never read, and named: it is no snapshot.
        assert all("interrupted write" in finding.reasons[0] for finding in verdict.findings)
        assert verdict.whole == len(expected)
    assert len(left) > 1  # it was killed in several nights
