"""One whole run, by its events and its log; and runs one after the other, until they are stopped."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from cachediff.cli.telling import entries, exit_code
from cachediff.config import load_settings
from cachediff.config.resolving import resolve
from cachediff.jobs.fetch import fetch_for
from cachediff.jobs.nights import Told
from cachediff.jobs.parcels import outbox_of
from cachediff.jobs.run import NotDone
from cachediff.jobs.service import Delivered, Failed, Held, Run, RunEvent, do_run
from cachediff.jobs.waking import next_wake
from cachediff.queries.filed import FILES
from commands import COMMAND, cachediff, refuses, succeeds
from conftest import MakeRepository
from mail_server import mail_server
from pages import page, record
from repositories import Commit, add_commits, git
from test_run import NIGHTLY, World, build, evening

MAIL = """
deliver:
  mail:
    type: mail
    host: localhost
    port: {port}
    security: none
    sender: cachediff@example.org
    recipients:
      - {{address: all@example.org}}
"""


def serve(world: World, now: datetime, *jobs: str, summary: Path | None = None) -> list[RunEvent]:
    """The events of one whole run."""
    with world.catalogue() as names:
        chosen = [names.settings.jobs[job] for job in jobs or names.settings.jobs]
        run = Run(
            names=names,
            jobs=chosen,
            deliveries=resolve(names.settings, {}),
            now=now,
            folder=world.folder,
            sleep=world.slept.append,
            summary=summary,
        )
        return list(do_run(run))


def add_settings(world: World, text: str) -> None:
    config = world.folder / "config.yaml"
    config.write_text(config.read_text() + text)


@pytest.fixture
def nightly(tmp_path: Path, make_repository: MakeRepository) -> World:
    return World(tmp_path / "world", make_repository([build(0)], "--bare"), NIGHTLY)


@contextmanager
def http_server(status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback, its URL, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/beat", asked
        server.shutdown()
        thread.join()


def spoil(world: World, day: int) -> None:
    """One of two manifests is cut off."""
    zlib = page([record("z")], "zlib")
    add_commits(
        world.upstream,
        [{"_cache/develop/zlib/specs.md": zlib[: len(zlib) // 2]}],
        start=day,
    )


def lose_most(world: World, day: int) -> None:
    """A third of the manifests is gone."""
    gone: Commit = {f"_cache/develop/p{number}": None for number in range(4)}
    add_commits(world.upstream, [gone], start=day)


def go_away(world: World, _day: int) -> None:
    world.upstream.rename(world.upstream.with_name("away"))


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (spoil, "zlib could not be compared"),
        (lose_most, "suspect"),
        (go_away, "pstream not reached"),
    ],
)
def test_every_report_of_a_bad_night_says_so_in_its_first_line(
    tmp_path: Path,
    make_repository: MakeRepository,
    happens: Callable[[World, int], None],
    said: str,
) -> None:
    files: Commit = {
        f"_cache/develop/p{number}/specs.md": page([record(f"p{number}")], f"p{number}")
        for number in range(10)
    }
    zlib: Commit = {"_cache/develop/zlib/specs.md": page([record("z")], "zlib")}
    upstream = make_repository([{**files, **zlib}], "--bare")
    ungated = NIGHTLY[: NIGHTLY.index("    gates:")]
    world = World(tmp_path / "world", upstream, ungated, url=True)
    with mail_server() as server:
        add_settings(world, f"    deliver: [mail]\n{MAIL.format(port=server.port)}")
        serve(world, evening(0))
        happens(world, 1)
        serve(world, evening(1))
        (mail,) = server.copies
    folder = world.folder / "reports" / "nightly" / "2025-01-02"
    text = (folder / FILES["text"]).read_text()
    assert said in text.splitlines()[0]
    markdown = [
        line
        for line in (folder / FILES["markdown"]).read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert said in " ".join(markdown[:2]).replace("`", "")
    for content in (mail.content, (folder / FILES["eml"]).read_bytes()):
        subject = message_from_bytes(content, policy=policy.default)["Subject"]
        assert said.lower() in subject.lower()
    for file in FILES.values():
        told = (folder / file).read_text(errors="replace").lower()
        assert "no changes" not in told
    listed = (world.folder / "reports" / "index.html").read_text()
    assert said in listed


def test_a_heartbeat_follows_a_good_night_and_no_other(nightly: World) -> None:
    with http_server() as (url, asked):
        add_settings(nightly, f"heartbeat: {{url: {url!r}}}\n")
        serve(nightly, evening(0))
        assert asked == ["/beat"]
        serve(nightly, evening(0))  # nothing is due
        assert asked == ["/beat"]
        left: Commit = {"_cache/develop/hdf5/specs.md": page([record("hdf5/0", stacks=["root"])])}
        add_commits(nightly.upstream, [left], start=1)
        events = serve(nightly, evening(1))
        assert max(map(exit_code, events)) == 1
        assert asked == ["/beat"]
        go_away(nightly, 2)
        serve(nightly, evening(2))
        assert asked == ["/beat"]


def test_a_heartbeat_that_nobody_hears_is_told(nightly: World) -> None:
    with http_server(status=404) as (url, _):
        add_settings(nightly, f"heartbeat: {{url: {url!r}}}\n")
        (failed,) = [event for event in serve(nightly, evening(0)) if isinstance(event, Failed)]
    assert failed.part == "heartbeat"
    assert "/beat" not in failed.message


def test_a_job_summary_tells_each_night_once(nightly: World, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    serve(nightly, evening(0), summary=summary)
    add_commits(nightly.upstream, [build(1)], start=1)
    serve(nightly, evening(1), summary=summary)
    told = summary.read_text()
    assert told.count("\n## ") == 1
    assert "`hdf5` rebuilt" in told
    serve(nightly, evening(1), summary=summary)
    assert summary.read_text() == told


def test_a_job_summary_that_cannot_be_written_leaves_the_night_done(nightly: World) -> None:
    serve(nightly, evening(0))
    add_commits(nightly.upstream, [build(1)], start=1)
    events = serve(nightly, evening(1), summary=nightly.folder)
    assert [event.part for event in events if isinstance(event, Failed)] == ["job summary"]
    assert max(map(exit_code, events)) == 2
    assert len(nightly.done()) == 2


def test_too_little_room_stops_a_run_before_anything(nightly: World) -> None:
    add_settings(nightly, "free_space: 1000000000\n")
    assert "MiB are free" in refuses("run", folder=nightly.folder)
    assert not (nightly.folder / "snapshots" / "ledger.sqlite").exists()
    assert not (nightly.folder / "reports").exists()


def test_a_run_leaves_the_newest_snapshots_that_retention_keeps(nightly: World) -> None:
    add_settings(nightly, "retention: {daily: 2}\n")
    for number in range(4):
        if number:
            add_commits(nightly.upstream, [build(number)], start=number)
        events = serve(nightly, evening(number))
    # All but the first are named by reports, which keep what they tell of.
    stored = sorted((nightly.folder / "snapshots").glob("*/develop/*.parquet"))
    assert len(stored) == 4
    for report in (nightly.folder / "reports" / "nightly").iterdir():
        for file in report.iterdir():
            file.unlink()
        report.rmdir()
    add_commits(nightly.upstream, [build(4)], start=4)
    events = serve(nightly, evening(4))
    lines = [entry.message for event in events for entry in entries(event, _settings(nightly))]
    assert "snapshots removed, as retention says: 3; kept: 2" in lines


def _settings(world: World) -> Any:
    return load_settings(world.folder / "config.yaml")


def test_a_held_lock_is_told_as_data(nightly: World) -> None:
    (entry,) = entries(Held("process 1"), _settings(nightly))
    assert entry.data == {"holder": "process 1"}
    assert exit_code(Held("process 1")) == 0
    (entry,) = entries(Delivered(None), _settings(nightly))
    assert entry.kind == "delivery"


def lines_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_log_in_json_has_a_line_for_each_event_and_for_errors(nightly: World) -> None:
    def run(*arguments: str) -> list[dict[str, Any]]:
        done = cachediff("run", *arguments, "--log-format", "json", folder=nightly.folder)
        assert done.err == ""
        return lines_of(done.out)

    nightly.run(evening(0))
    left: Commit = {"_cache/develop/hdf5/specs.md": page([record("hdf5/0", stacks=["root"])])}
    add_commits(nightly.upstream, [left], start=1)
    add_settings(
        nightly, "  asked: {compare: [develop@HEAD~1, develop], gates: {l: {rule: left-stack}}}\n"
    )
    (night,) = run("asked")
    assert night["event"] == "night"
    assert night["level"] == "info"
    assert night["red"] is True
    assert night["findings"] == [{"gate": "l", "accepted": False, "text": "gate l: hdf5 left e4s"}]
    assert night["new"]["collection"] == "develop"
    assert datetime.fromisoformat(night["time"]).tzinfo is not None
    (error,) = run("nobody")
    assert (error["event"], error["level"]) == ("error", "error")
    assert "there is no job 'nobody'" in error["message"]
    go_away(nightly, 2)
    (not_done,) = run("asked")
    assert (not_done["event"], not_done["job"]) == ("not-done", "asked")


def test_metrics_are_written_after_a_run(nightly: World) -> None:
    succeeds("run", "--metrics", "cachediff.prom", folder=nightly.folder)
    text = (nightly.folder / "cachediff.prom").read_text()
    assert 'cachediff_job_last_done_timestamp_seconds{job="nightly"}' in text


@contextmanager
def scheduled(world: World, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "schedule", *arguments],
        cwd=world.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def read_until(process: subprocess.Popen[str], part: str) -> str:
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if part in line:
            return told
    assert process.stderr is not None
    raise AssertionError(f"{part!r} never came: {told!r}, {process.stderr.read()!r}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_schedule_catches_up_sleeps_until_something_is_due_and_stops(
    nightly: World, number: signal.Signals
) -> None:
    with scheduled(nightly, "--every", "1000") as process:
        told = read_until(process, "the next run is at")
        assert "nightly" in told
        assert "the first snapshot" in told
        next_run = datetime.fromisoformat(told.splitlines()[-1].split(" is at ")[1][:19])
        assert next_run.replace(tzinfo=UTC) == min(
            datetime.now(UTC).replace(hour=18, minute=0, second=0, microsecond=0)
            + timedelta(days=datetime.now(UTC).hour >= 18),
            next_run.replace(tzinfo=UTC),
        )
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert len(nightly.done()) == 1


def test_schedule_goes_on_where_the_settings_are_wrong_for_a_while(nightly: World) -> None:
    config = nightly.folder / "config.yaml"
    text = config.read_text()
    with scheduled(nightly, "--log-format", "json") as process:
        read_until(process, '"asleep"')
        config.write_text(text.replace("schedule", "shedule"))
        process.terminate()
        assert process.wait(20) == 0
    assert "shedule" in refuses("schedule", folder=nightly.folder)


def test_a_run_that_is_asked_to_stop_in_the_middle_leaves_nothing_half_done(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    """The upstream hangs: the run, below `schedule`, waits for it when it is stopped."""
    with _tarpit() as port:
        world = World(tmp_path / "world", Path("unused"), NIGHTLY)
        config = world.folder / "config.yaml"
        config.write_text(
            config.read_text().replace("path: unused", f"url: https://127.0.0.1:{port}/x.git")
        )
        with scheduled(world) as process:
            waited_until = time.monotonic() + 30
            while not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("*.new")):
                assert time.monotonic() < waited_until, "no clone has begun"
                time.sleep(0.05)
            process.terminate()
            assert process.wait(20) == 0
            assert process.stderr is not None
            assert "stopped; the next run does what is not done" in process.stderr.read()
    mirrors = Path(os.environ["XDG_CACHE_HOME"], "cachediff", "mirrors")
    left = [path for path in mirrors.rglob("*") if path.is_file()]
    assert [path for path in left if path.suffix != ".lock"] == []
    assert world.done() == ()


@contextmanager
def _tarpit() -> Iterator[int]:
    """A server that accepts connections and says nothing."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_next_wake_is_the_first_of_what_is_due(nightly: World) -> None:
    settings = _settings(nightly)
    outbox = outbox_of(settings)
    hour = timedelta(hours=1)
    noon = evening(0) - timedelta(hours=6)
    assert next_wake(settings, outbox, noon, noon, hour) == noon + hour
    assert next_wake(settings, outbox, noon, noon, 24 * hour) == evening(0)
    late = evening(0) + timedelta(minutes=5)  # the run was at work when it became due
    assert next_wake(settings, outbox, noon, late, 24 * hour) == late
    outbox.enqueue("mail", "a@example.org", b"x", title="x", now=noon + hour / 2)
    assert next_wake(settings, outbox, noon, noon, hour) == noon + hour / 2
    later = noon + 3 * hour / 4  # it was tried, and its next time passed while the run was at work
    assert next_wake(settings, outbox, noon, later, hour) == later
    tried_in_vain = noon + hour / 2
    assert next_wake(settings, outbox, tried_in_vain, later, hour) == tried_in_vain + hour


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe"]
)
def test_a_service_that_sleeps_from_wake_to_wake_does_every_date_once(
    nightly: World, zone: str
) -> None:
    """With nothing but the clock replaced: every wake of 366 days, and what is due at it."""
    from cachediff.model.jobs import Schedule
    from cachediff.queries.due import due_dates

    add_settings(nightly, f"    timezone: {zone}\n")
    config = nightly.folder / "config.yaml"
    config.write_text(config.read_text().replace("0 18 * * *", "30 2 * * *"))
    settings = _settings(nightly)
    schedule = settings.jobs["nightly"].due
    assert isinstance(schedule, Schedule)
    outbox = outbox_of(settings)
    now = datetime(2024, 1, 1, 12, tzinfo=UTC)
    last = schedule.date_of(now)
    done = []
    while now < datetime(2025, 1, 1, tzinfo=UTC):
        now = next_wake(settings, outbox, now, now, timedelta(days=30))
        for night in due_dates(schedule, last, now):
            done.append(night.date)
            last = night.date
    assert len(done) >= 366
    assert done == [done[0] + timedelta(days=number) for number in range(len(done))]


def test_a_digest_follows_the_last_night_of_a_date_and_no_single_mail(nightly: World) -> None:
    with mail_server() as server:
        mail = MAIL.format(port=server.port).replace("example.org}", "example.org, digest: daily}")
        add_settings(nightly, f"    deliver: [mail]\n{mail}")
        serve(nightly, evening(0))
        add_commits(nightly.upstream, [build(1)], start=1)
        serve(nightly, evening(1))
        serve(nightly, evening(1) + timedelta(hours=1))
        (copy,) = server.copies
    assert b"2025-01-02" in copy.content


def test_a_night_of_which_nothing_was_known_is_told_though_nothing_changed(nightly: World) -> None:
    serve(nightly, evening(0))
    away = nightly.upstream.rename(nightly.folder / "away")
    serve(nightly, evening(1))
    away.rename(nightly.upstream)
    serve(nightly, evening(1) + timedelta(hours=1))
    newest, untold = nightly.reports().values()
    assert "unreached" not in newest
    assert untold["unreached"] == "2025-01-02T18:00:00Z"
    assert len(nightly.done()) == 2
    serve(nightly, evening(2))
    assert len(nightly.reports()) == 2


def test_a_night_that_was_passed_over_is_named_though_the_next_has_no_news(nightly: World) -> None:
    serve(nightly, evening(0))
    gone: Commit = {"_cache/develop": None, "_cache/x/z/specs.md": page([record("z")], "z")}
    add_commits(nightly.upstream, [gone, build(0)], start=1)
    nights = [event for event in serve(nightly, evening(2)) if isinstance(event, Told)]
    assert [night.night.date.day for night in nights] == [3]
    (report,) = nightly.reports().values()
    assert any("no report of 2025-01-02: " in notice for notice in report["notices"])


def test_a_collection_that_is_gone_is_reported_once_a_night(nightly: World) -> None:
    serve(nightly, evening(0))
    add_commits(nightly.upstream, [{"_cache/develop": None, "_cache/x/z/specs.md": "x"}], start=1)
    for hours in range(3):
        events = serve(nightly, evening(1) + timedelta(hours=hours))
        assert max(map(exit_code, events)) == 2
    (report,) = nightly.reports().values()
    assert "last there in" in report["notices"][0]
    text = nightly.folder / "reports" / "nightly" / "2025-01-02" / FILES["text"]
    assert "What is compared is not there upstream" in text.read_text()


def test_the_upstream_may_die_between_the_fetch_and_the_files(
    tmp_path: Path, make_repository: MakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = make_repository([build(0)], "--bare")
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(upstream, "config", key, "true")
    world = World(tmp_path / "world", upstream, NIGHTLY, url=True)
    serve(world, evening(0))
    add_commits(upstream, [build(1)], start=1)
    with world.catalogue() as names:
        fetch_for(names, ["develop"], world.folder)  # the commit, and none of its files
    away = upstream.rename(tmp_path / "away")
    for hours in range(2):
        serve(world, evening(1) + timedelta(hours=hours))
    ((folder, report),) = world.reports().items()
    assert (folder, report["unreached"]) == ("nightly/2025-01-02", "2025-01-02T18:00:00Z")
    assert report["new"]["committed_at"] == "2025-01-01T12:00:00Z"
    away.rename(upstream)
    serve(world, evening(1) + timedelta(hours=2))
    assert len(world.done()) == 2


def test_trouble_of_this_machine_is_not_told_of_the_upstream(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    world = World(tmp_path / "world", make_repository([build(0)], "--bare"), NIGHTLY, url=True)
    serve(world, evening(0))
    (mirror,) = (world.folder / "cache" / "mirrors").glob("*.git")
    shutil.rmtree(mirror / "refs")
    (mirror / "refs").write_text("damaged")
    (event,) = [event for event in serve(world, evening(1)) if isinstance(event, NotDone)]
    assert "not reached" not in event.message
    assert world.reports() == {}


def test_a_heartbeat_waits_for_all_jobs(nightly: World) -> None:
    with http_server() as (url, asked):
        other = "  other: {compare: [develop@previous, develop], schedule: 0 18 * * *}\n"
        add_settings(nightly, f"{other}heartbeat: {{url: {url!r}}}\n")
        serve(nightly, evening(0), "other")
        assert asked == []
        serve(nightly, evening(0))
        assert asked == ["/beat"]


def test_a_log_that_nobody_reads_stops_no_run(nightly: World) -> None:
    for output in ("/dev/full", None):
        shutil.rmtree(nightly.folder / "snapshots", ignore_errors=True)
        with Path(output or os.devnull).open("wb") as stream:
            process = subprocess.Popen(
                [*COMMAND, "run"],
                cwd=nightly.folder,
                stdout=stream if output else subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            if process.stdout:
                process.stdout.close()
            assert process.stderr is not None
            told = process.stderr.read()
            process.stderr.close()
            assert process.wait(30) == 2
        assert b"Traceback" not in told
        assert len(nightly.done()) == 1


def test_a_clock_that_was_ahead_is_told_by_every_run(nightly: World) -> None:
    serve(nightly, evening(90))
    (event,) = [event for event in serve(nightly, evening(1)) if isinstance(event, NotDone)]
    assert "is not yet: a clock is or was wrong" in event.message


def test_a_job_that_is_asked_for_gives_the_same_answer_each_time(nightly: World) -> None:
    left: Commit = {"_cache/develop/hdf5/specs.md": page([record("hdf5/0", stacks=["root"])])}
    add_commits(nightly.upstream, [left], start=1)
    gates = "gates: {l: {rule: left-stack}}"
    add_settings(nightly, f"  asked: {{compare: [develop@HEAD~1, develop], {gates}}}\n")
    for _ in range(3):
        done = cachediff("run", "asked", folder=nightly.folder)
        assert done.code == 1
        assert "red: gate l: hdf5 left e4s" in done.out
    assert list(nightly.reports()) == ["asked/2025-01-02"]


def test_without_settings_nothing_is_said_to_be_well(tmp_path: Path) -> None:
    for command in ("outbox", "run", "schedule", "status"):
        assert "there is no config.yaml here" in refuses(command, folder=tmp_path)


def test_config_check_tells_one_time_a_date(nightly: World) -> None:
    config = nightly.folder / "config.yaml"
    config.write_text(config.read_text().replace("0 18 * * *", "0 * * * *"))
    shown = succeeds("config", "check", folder=nightly.folder).splitlines()
    times = [line.strip()[:16] for line in shown if " UTC, " in line]
    assert len({time[:10] for time in times}) == len(times) == 3
    assert all(time.endswith("00:00") for time in times)
