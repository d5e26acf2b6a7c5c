"""`cachediff status`: what needs attention is said, and only that; for people, programs and Prometheus."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from cachediff.config import CONFIG_FILE, Settings, load_settings
from cachediff.errors import DeliveryError, ReportError, StoreError
from cachediff.jobs.locking import LOCK, sole_run, who_runs
from cachediff.jobs.parcels import outbox_of
from cachediff.jobs.status import status_of
from cachediff.model.delivery import Outcome, Parcel, Postponed, Refused
from cachediff.model.jobs import Event, Job, Schedule
from cachediff.model.snapshot import Origin
from cachediff.model.status import (
    DamagedParcels,
    FolderStatus,
    JobStatus,
    NightStatus,
    OutboxStatus,
    ParkedParcels,
    Status,
)
from cachediff.queries.due import ahead_of
from cachediff.queries.status import attentions, folder_states, job_state
from cachediff.reports.metrics import render_metrics, write_metrics
from cachediff.reports.status import phrased, render_status, render_status_json
from cachediff.sources import mirror_path
from cachediff.store.ledger import LEDGER, DoneNight, Ledger
from commands import cachediff, refuses, succeeds

NOW = datetime(2025, 4, 20, 18, 30, tzinfo=UTC)
CONFIG = """\
sources: {cache: {url: "https://cache.example.org/a.git"}, here: {path: .}}
store: kept
free_space: 0
jobs:
  nightly:
    compare: [develop@previous, develop]
    schedule: 0 18 * * *
  dated:
    compare: ["develop-*~1", "develop-*"]
    on: new-collection
  asked:
    compare: [develop@v1, develop]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / CONFIG_FILE).write_text(CONFIG)
    return tmp_path


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load_settings(folder / CONFIG_FILE)


def done(day: date, *, job: str = "nightly", red: bool = False, at: datetime | None = None) -> Any:
    """A night that is done, six minutes after it was due unless `at` says when."""
    moment = at or datetime(day.year, day.month, day.day, 18, 6, tzinfo=UTC)
    origin = Origin("cache", "develop", "a" * 40, f"{day}T12:00:00Z", "b" * 40)
    return DoneNight(
        job=job,
        date=day,
        done_at=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        old=origin,
        new=origin,
        report=f"{job}/{day}",
        red=red,
    )


def record(settings: Settings, *nights: DoneNight) -> None:
    with closing(Ledger(settings.state / LEDGER)) as ledger:
        for night in nights:
            ledger.record(night)


def state(settings: Settings, now: datetime = NOW) -> Status:
    return status_of(settings, settings.state.parent / "cache", now)


def job(settings: Settings, name: str = "nightly", now: datetime = NOW) -> JobStatus:
    (found,) = (each for each in state(settings, now).jobs if each.name == name)
    return found


def attention(settings: Settings, now: datetime = NOW) -> list[str]:
    return [text for text, _ in told(state(settings, now))]


def told(status: Status) -> list[tuple[str, str]]:
    return [phrased(each, status.running) for each in status.attention]


class TestJobs:
    def test_before_there_was_any_run(self, settings: Settings) -> None:
        found = job(settings)
        assert (found.last, found.last_good, found.last_red) == (None, None, None)
        assert (found.lagging, found.lagging_since) == (1, NOW - timedelta(minutes=30))
        assert attention(settings) == []
        assert attention(settings, NOW + timedelta(hours=1)) == [
            "job nightly: no night was ever done; the newest was due 2025-04-20 18:00 UTC"
        ]
        assert not settings.state.exists()

    def test_the_last_nights(self, settings: Settings) -> None:
        nights = [done(date(2025, 4, day), red=day in (17, 18)) for day in range(16, 21)]
        record(settings, *nights, done(date(2025, 4, 20), job="dated", red=True))
        found = job(settings)
        assert found == JobStatus(
            name="nightly",
            due="schedule",
            new="develop",
            last=NightStatus(
                date=date(2025, 4, 20),
                done_at=datetime(2025, 4, 20, 18, 6, tzinfo=UTC),
                collection="develop",
                red=False,
                report="nightly/2025-04-20",
            ),
            last_good=found.last,
            last_red=found.last_red,
            next_due=datetime(2025, 4, 21, 18, tzinfo=UTC),
            lagging=0,
            lagging_since=None,
        )
        assert found.last_red
        assert found.last_red.date == date(2025, 4, 18)
        dated = job(settings, "dated")
        assert (dated.due, dated.new, dated.last_good) == ("new-collection", "develop-*", None)
        assert dated.last
        assert dated.last == dated.last_red
        assert (dated.lagging, dated.next_due) == (None, None)
        assert job(settings, "asked").due == "asked-for"

    def test_red_is_not_unwell(self, settings: Settings) -> None:
        record(settings, done(date(2025, 4, 20), red=True))
        assert attention(settings) == []

    @pytest.mark.parametrize(
        ("last", "hour", "expected"),
        [
            (20, 18, None),
            (20, 23, None),
            (19, 17, None),
            (19, 18, None),  # due for half an hour
            (19, 19, "1 night is due and not done, since 2025-04-20 18:00 UTC"),
            (18, 17, "1 night is due and not done, since 2025-04-19 18:00 UTC"),
            (18, 18, "2 nights are due and not done, since 2025-04-19 18:00 UTC"),
            (10, 18, "10 nights are due and not done, since 2025-04-11 18:00 UTC"),
        ],
    )
    def test_lagging(self, settings: Settings, last: int, hour: int, expected: str | None) -> None:
        record(settings, done(date(2025, 4, last)))
        expected_lines = [f"job nightly: {expected}"] if expected else []
        assert attention(settings, NOW.replace(hour=hour)) == expected_lines

    @pytest.mark.parametrize(
        ("night", "at", "ahead"),
        [
            (done(date(2025, 4, 20)), NOW, False),
            # It is the 21st already on Kiritimati, at 10:00 UTC of the 20th.
            (done(date(2025, 4, 21), at=NOW), NOW.replace(hour=10), False),
            (done(date(2025, 4, 20), at=NOW + timedelta(days=1)), NOW, False),
            (done(date(2025, 4, 20), at=NOW + timedelta(days=1, seconds=1)), NOW, True),
            (done(date(2025, 4, 22), at=NOW), NOW, True),
            (done(date(2099, 1, 1)), NOW, True),
        ],
    )
    def test_a_clock_that_was_ahead(
        self, settings: Settings, night: DoneNight, at: datetime, ahead: bool
    ) -> None:
        record(settings, night)
        assert ahead_of(night, at) == ahead
        assert job(settings, now=at).ahead == ahead
        said = f"job nightly: the night of {night.date} is done, at "
        assert [each.startswith(said) for each in attention(settings, at)] == [True] * ahead

    def test_an_hour_to_the_second(self, settings: Settings) -> None:
        record(settings, done(date(2025, 4, 19)))
        hour = datetime(2025, 4, 20, 19, tzinfo=UTC)
        assert attention(settings, hour) == []
        assert len(attention(settings, hour + timedelta(seconds=1))) == 1

    def test_more_than_one_date_within_the_hour(self) -> None:
        """As at a change of the schedule."""
        nothing = OutboxStatus(waiting=0, late=0, parked=0, damaged=0, oldest=None)
        since = NOW - timedelta(minutes=10)
        counts = {}
        for lagging in (0, 1, 2):
            late = JobStatus(
                name="j", due="schedule", new="x", lagging=lagging, lagging_since=since
            )
            counts[lagging] = len(list(attentions([late], nothing, (), free_space=0, now=NOW)))
        assert counts == {0: 0, 1: 0, 2: 1}

    def test_of_several_times_of_a_date_the_first_counts(self) -> None:
        hourly = Job(name="j", old="a", new="b", due=Schedule("0 * * * *", "Europe/Helsinki"))
        found = job_state(hourly, [done(date(2025, 4, 20))], NOW)
        assert (found.lagging, found.next_due) == (0, datetime(2025, 4, 20, 21, tzinfo=UTC))

    @given(
        cron=st.sampled_from(["0 18 * * *", "30 2 * * *", "0 * * * *", "15 5 * * 1", "0 0 1 * *"]),
        zone=st.sampled_from(["UTC", "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe"]),
        last=st.dates(date(2025, 1, 1), date(2025, 12, 1)),
        after=st.timedeltas(timedelta(0), timedelta(days=40)),
    )
    def test_one_more_is_due_when_it_is_said_and_not_before(
        self, cron: str, zone: str, last: date, after: timedelta
    ) -> None:
        nightly = Job(name="j", old="a", new="b", due=Schedule(cron, zone))
        nights = [done(last)]
        now = datetime(last.year, last.month, last.day, tzinfo=UTC) + after
        found = job_state(nightly, nights, now)
        assert found.next_due
        assert found.next_due > now
        before = job_state(nightly, nights, found.next_due - timedelta(seconds=1))
        then = job_state(nightly, nights, found.next_due)
        assert before.lagging == found.lagging is not None
        assert then.lagging == found.lagging + 1
        assert (then.lagging_since == found.next_due) == (found.lagging == 0)
        assert (found.lagging_since is None) == (found.lagging == 0)

    def test_a_damaged_ledger_is_an_error(self, settings: Settings) -> None:
        settings.state.mkdir()
        (settings.state / LEDGER).write_bytes(b"")
        with pytest.raises(StoreError, match="is damaged"):
            state(settings)
        assert (settings.state / LEDGER).read_bytes() == b""


class TestOutbox:
    def put(self, settings: Settings, *destinations: str, now: datetime = NOW) -> None:
        for destination in destinations:
            outbox_of(settings).enqueue("mail", destination, b"x", title="news", now=now)

    def tried(self, settings: Settings, outcome: Outcome) -> None:
        def send(_parcel: Parcel, _content: bytes) -> Outcome:
            return outcome

        outbox_of(settings).deliver_due(NOW, send)

    def outbox(self, settings: Settings) -> OutboxStatus:
        return state(settings).outbox

    def test_what_waits(self, settings: Settings) -> None:
        nothing = OutboxStatus(waiting=0, late=0, parked=0, damaged=0, oldest=None)
        assert self.outbox(settings) == nothing
        early = NOW - timedelta(days=1)
        self.put(settings, "a@x.org", now=early)
        self.tried(settings, Postponed("later"))
        self.put(settings, "b@x.org")
        assert self.outbox(settings) == replace(nothing, waiting=2, late=1, oldest=early)
        assert attention(settings) == []

    def test_what_nobody_will_get(self, settings: Settings) -> None:
        self.put(settings, "a@x.org", "b@x.org", now=NOW - timedelta(days=9))
        self.tried(settings, Refused("no"))
        self.put(settings, "c@x.org")
        (settings.state / ".outbox" / "waiting" / ("f" * 32)).write_bytes(b"?")
        assert self.outbox(settings) == OutboxStatus(
            waiting=1, late=0, parked=2, damaged=1, oldest=NOW
        )
        assert attention(settings) == [
            "outbox: 2 parcels are parked: no server took it in five days, or one refused",
            "outbox: 1 parcel is damaged, and cannot be delivered",
        ]

    def test_an_outbox_that_cannot_be_read(self, settings: Settings) -> None:
        settings.state.mkdir()
        (settings.state / ".outbox").write_bytes(b"")
        with pytest.raises(DeliveryError, match="cannot be read"):
            state(settings)


class TestDisk:
    def test_bytes_are_those_of_files(self, settings: Settings, tmp_path: Path) -> None:
        cache = tmp_path / "cache"
        mirror = mirror_path(cache, "https://cache.example.org/a.git")
        other = mirror_path(cache, "https://cache.example.org/b.git")
        for path, size in {
            settings.state / "a" / "b": 1_000,
            settings.state / ".hidden": 20,
            settings.reports / "c": 7,
            mirror / "objects" / "d": 300,
            other / "e": 4_000,  # of other settings
            cache / "manifests.sqlite": 50_000,
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * size)
        (settings.state / "link").symlink_to(other)
        found = {each.name: each.bytes for each in folder_states(settings, cache)}
        assert found == {"store": 1_020, "reports": 7, "mirrors": 300}

    def test_nothing_is_there_yet(self, settings: Settings, tmp_path: Path) -> None:
        for each in folder_states(settings, tmp_path / "no" / "cache"):
            assert each.bytes == 0
            assert each.free > 0
            assert not each.path.exists()

    def test_less_than_a_run_asks_for(self, settings: Settings) -> None:
        record(settings, done(date(2025, 4, 20)))
        (said, *more) = attention(replace(settings, free_space=10**12))
        assert re.fullmatch(
            r"store: [\d,]+ MiB are free, and a run asks for 1,000,000,000,000 MiB, so that none begins",
            said,
        )
        assert [each.split(":")[0] for each in more] == ["reports", "mirrors"]


class TestRunning:
    def test_none_ever(self, tmp_path: Path) -> None:
        assert who_runs(tmp_path / "store") is None
        assert not (tmp_path / "store").exists()

    def test_while_one_is_at_work(self, settings: Settings) -> None:
        record(settings, done(date(2025, 4, 1)))
        with sole_run(settings.state, NOW) as holder:
            assert holder is None
            found = state(settings)
            assert found.running
            assert found.running.startswith(f"process {os.getpid()} on ")
            assert told(found)[0][1].startswith("a run is at work")
        assert state(settings).running is None
        assert told(state(settings))[0][1].startswith("cachediff run does what is due")

    def test_one_that_was_killed_is_not(self, settings: Settings) -> None:
        held = (
            "import os, sys; from datetime import UTC, datetime; from pathlib import Path;"
            "from cachediff.jobs.locking import sole_run;"
            "lock = sole_run(Path(sys.argv[1]), datetime.now(UTC)); lock.__enter__();"
            "os.kill(os.getpid(), 9)"
        )
        killed = subprocess.run([sys.executable, "-c", held, settings.state], check=False)
        assert killed.returncode == -9
        assert (settings.state / LOCK).read_bytes()
        assert who_runs(settings.state) is None
        with sole_run(settings.state, NOW) as holder:
            assert holder is None, "the lock was given back"

    def test_whoever_asks_who_runs_makes_no_run_leave(self, settings: Settings) -> None:
        """Asking takes the lock for a moment, where the run that had it was killed."""
        with sole_run(settings.state, NOW):
            pass
        path = settings.state / LOCK
        with path.open("rb") as asking:
            fcntl.flock(asking, fcntl.LOCK_SH)
            path.write_bytes(b"{")
            done_asking = threading.Timer(0.05, fcntl.flock, (asking, fcntl.LOCK_UN))
            done_asking.start()
            with sole_run(settings.state, NOW) as holder:
                assert holder is None
            done_asking.join()

    def test_one_that_just_began(self, settings: Settings) -> None:
        with sole_run(settings.state, NOW):
            (settings.state / LOCK).write_bytes(b"{")
            assert who_runs(settings.state) == "a process that just began"


FULL = Status(
    at=NOW,
    attention=(),
    running=None,
    jobs=(
        JobStatus(
            name="nightly",
            due="schedule",
            new="develop",
            last=NightStatus(
                date=date(2025, 4, 18),
                done_at=datetime(2025, 4, 18, 18, 6, tzinfo=UTC),
                collection="develop",
                red=True,
                report="nightly/2025-04-18",
            ),
            last_good=NightStatus(
                date=date(2025, 4, 17),
                done_at=datetime(2025, 4, 17, 18, 6, tzinfo=UTC),
                collection="develop",
                red=False,
                report=None,
            ),
            last_red=None,
            next_due=datetime(2025, 4, 21, 18, tzinfo=UTC),
            lagging=2,
            lagging_since=datetime(2025, 4, 19, 18, tzinfo=UTC),
        ),
        JobStatus(name="dated", due="new-collection", new="develop-*"),
    ),
    outbox=OutboxStatus(waiting=3, late=2, parked=1, damaged=4, oldest=NOW - timedelta(days=1)),
    folders=(
        FolderStatus(name="store", path=Path("/s\x1b[31m"), bytes=2_252_341_248, free=7),
        FolderStatus(name="reports", path=Path(os.fsdecode(b"/\xff")), bytes=0, free=5_368_709_120),
    ),
)

TEXT = r"""All is well
job nightly
  last night:      2025-04-18, red: develop, done 2025-04-18 18:06 UTC, filed in nightly/2025-04-18
  last good night: 2025-04-17, good: develop, done 2025-04-17 18:06 UTC, nothing to report
  due, not done:   2 dates, since 2025-04-19 18:00 UTC
  next due:        2025-04-21 18:00 UTC
job dated
  last night:      none
  last red night:  none
  waits for:       a new collection develop-*
outbox: 3 parcels waiting (2 late), the oldest since 2025-04-19 18:30 UTC, 1 parked, 4 damaged
store: 2.1 GiB in /s\x1b[31m, where 7 bytes are free
reports: 0 bytes in /\udcff, where 5.0 GiB are free
"""


def test_text() -> None:
    assert render_status(FULL) == TEXT
    none = render_status(replace(FULL, jobs=()))
    assert "\nno job is set\n" in none


def test_json() -> None:
    text = render_status_json(FULL)
    assert text.isascii()
    told = json.loads(text)
    assert (told["schema"], told["well"], told["at"]) == (
        "cachediff/status/1",
        True,
        "2025-04-20T18:30:00Z",
    )
    assert told.keys() == {"schema", "well", *Status.__struct_fields__}
    nightly, dated = told["jobs"]
    assert nightly["last"] == {
        "date": "2025-04-18",
        "done_at": "2025-04-18T18:06:00Z",
        "collection": "develop",
        "red": True,
        "report": "nightly/2025-04-18",
    }
    late = replace(FULL, running="process 1", attention=(ParkedParcels(1), DamagedParcels(2_000)))
    told = json.loads(render_status_json(late))
    assert not told["well"]
    assert [each.keys() for each in told["attention"]] == [{"text", "hint"}] * 2
    assert told["attention"][1]["text"].startswith("outbox: 2,000 parcels are damaged, and ")
    assert (dated["last"], dated["lagging"], dated["next_due"]) == (None, None, None)
    assert told["folders"][1]["path"] == "/\udcff"


def samples(text: str) -> dict[str, float]:
    """Every sample of a text of metrics, as it is written."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            (label,) = [f"{{{name}={value}}}" for name, value in sample.labels.items()] or [""]
            found[sample.name + label] = sample.value
    return found


class TestMetrics:
    def test_samples(self) -> None:
        assert samples(render_metrics(FULL).decode()) == {
            f"cachediff_build_info{{version={version('cachediff')}}}": 1.0,
            "cachediff_job_last_done_timestamp_seconds{job=nightly}": 1744999560.0,
            "cachediff_job_last_good_timestamp_seconds{job=nightly}": 1744913160.0,
            "cachediff_job_last_night_red{job=nightly}": 1.0,
            "cachediff_job_nights_lagging{job=nightly}": 2.0,
            "cachediff_job_next_due_timestamp_seconds{job=nightly}": 1745258400.0,
            "cachediff_outbox_parcels{state=waiting}": 3.0,
            "cachediff_outbox_parcels{state=parked}": 1.0,
            "cachediff_outbox_parcels{state=damaged}": 4.0,
            "cachediff_outbox_oldest_timestamp_seconds": 1745087400.0,
            "cachediff_folder_bytes{folder=store}": 2252341248.0,
            "cachediff_folder_bytes{folder=reports}": 0.0,
            "cachediff_free_bytes{folder=store}": 7.0,
            "cachediff_free_bytes{folder=reports}": 5368709120.0,
        }

    def test_nothing_was_ever(self) -> None:
        empty = OutboxStatus(waiting=0, late=0, parked=0, damaged=0, oldest=None)
        text = render_metrics(replace(FULL, jobs=(), folders=(), outbox=empty)).decode()
        assert set(samples(text).values()) == {0.0, 1.0}

    def test_conventions(self) -> None:
        """What `promtool check metrics` asks for, and the unit at the end of a name."""
        text = render_metrics(FULL).decode()
        assert text.endswith("\n")
        names = re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE)
        assert names == re.findall(r"^# HELP (\w+) [A-Z].*\.$", text, re.MULTILINE)
        assert len(names) == len(set(names)) == text.count("# TYPE") == text.count("# HELP") == 10
        for name in names:
            assert re.fullmatch(r"cachediff_[a-z]+(_[a-z]+)*", name)
            assert not re.search(r"_(total|count|sum|bucket|gauge|milliseconds|days)$", name)
            assert ("timestamp" in name) == name.endswith("_timestamp_seconds")
        for line in text.splitlines():
            if not line.startswith("#"):
                assert re.fullmatch(r'\w+(\{\w+="[^"]*"\})? [-+.e0-9]+', line), "no time of its own"

    def test_a_file_is_replaced_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "textfile" / "cachediff.prom"
        write_metrics(path, FULL)
        with path.open("rb") as opened:
            write_metrics(path, replace(FULL, jobs=()))
            assert opened.read() == render_metrics(FULL), (
                "whoever reads the old one reads all of it"
            )
        assert path.read_bytes() == render_metrics(replace(FULL, jobs=()))
        assert [each.name for each in path.parent.iterdir()] == ["cachediff.prom"]

    def test_a_file_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        (tmp_path / "full").mkdir()
        for path in (tmp_path / "file" / "x.prom", tmp_path / "full"):
            with pytest.raises(ReportError, match=f"{path} cannot be written: "):
                write_metrics(path, FULL)
        assert {each.name for each in tmp_path.iterdir()} == {"file", "full"}


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything in a folder; of files, when they were changed, and their content."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes()) if path.is_file() else (0, b"")
        for path in folder.rglob("*")
    }


@pytest.fixture
def well(folder: Path) -> Iterator[Path]:
    """A folder in which all is well for years: its job is due on 29 February."""
    config = folder / CONFIG_FILE
    config.write_text(CONFIG.replace("0 18 * * *", "0 18 29 2 *"))
    record(load_settings(config), done(datetime.now(UTC).date()))
    before = everything(folder)
    yield folder
    assert everything(folder) == before, "nothing was written"


class TestCommand:
    def test_all_is_well(self, well: Path) -> None:
        out = succeeds("status", folder=well)
        assert out.startswith("All is well\njob nightly\n  last night:      ")
        told = json.loads(succeeds("status", "--format", "json", folder=well))
        assert (told["well"], told["attention"]) == (True, [])

    def test_while_a_run_is_at_work(self, well: Path) -> None:
        store = well / "kept"
        with closing(sqlite3.connect(store / LEDGER, isolation_level=None)) as writing:
            writing.execute("BEGIN IMMEDIATE")
            writing.execute("UPDATE night SET red = 1")
            assert "last red night:  none\n" in succeeds("status", folder=well)
            writing.execute("ROLLBACK")

    def test_a_store_that_is_read_only(self, well: Path) -> None:
        (well / "kept" / LEDGER).chmod(0o444)
        (well / "kept").chmod(0o555)
        try:
            assert succeeds("status", folder=well).startswith("All is well")
        finally:
            (well / "kept").chmod(0o755)

    def test_before_any_run(self, folder: Path) -> None:
        before = everything(folder)
        done_ = cachediff("status", folder=folder)
        assert (done_.code, done_.err) == (1, "")
        assert done_.out.startswith("Needs attention:\n  job nightly: no night was ever done; the ")
        assert "\n    cachediff run does what is due, and says why where it cannot\n" in done_.out
        assert everything(folder) == before

    def test_metrics(self, well: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        path = tmp_path_factory.mktemp("textfile") / "cachediff.prom"
        assert succeeds("status", "--metrics", path, folder=well).startswith("All is well")
        found = samples(path.read_text())
        assert found["cachediff_job_nights_lagging{job=nightly}"] == 0
        assert found["cachediff_job_next_due_timestamp_seconds{job=nightly}"] > 1.7e9
        assert "cannot be written" in refuses("status", "--metrics", path / "x", folder=well)

    def test_metrics_where_something_needs_attention(self, folder: Path) -> None:
        path = folder / "cachediff.prom"
        assert cachediff("status", "--metrics", path, folder=folder).code == 1
        assert samples(path.read_text())["cachediff_job_nights_lagging{job=nightly}"] == 1

    def test_a_damaged_ledger(self, folder: Path) -> None:
        (folder / "kept").mkdir()
        (folder / "kept" / LEDGER).write_bytes(b"")
        assert "ledger.sqlite is damaged" in refuses("status", folder=folder)

    def test_without_settings(self, tmp_path: Path) -> None:
        assert "there is no config.yaml here" in refuses("status", folder=tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_a_collection_that_waits_to_be_told(settings: Settings) -> None:
    dated = Job(name="d", old="x-*~1", new="x-*", due=Event.NEW_COLLECTION)
    found = job_state(dated, [done(date(2020, 1, 1))], NOW)
    assert (found.lagging, found.lagging_since, found.next_due) == (None, None, None)
