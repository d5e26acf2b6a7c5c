"""`cachediff schedule`: runs, one after the other, for ever."""

from __future__ import annotations

import gc
import logging
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cachediff.cli.logs import Entry, LogFormat, LogOption, log, logged
from cachediff.cli.options import Config
from cachediff.cli.run import Metrics, chosen_jobs
from cachediff.errors import CachediffError

_STOPPING = {signal.SIGTERM, signal.SIGINT}


def schedule(
    config: Config = None,
    every: Annotated[
        int,
        typer.Option(
            metavar="MINUTES",
            min=1,
            help="Look at least this often for new collections, and for what could not be done.",
        ),
    ] = 60,
    metrics: Metrics = None,
    log_format: LogOption = LogFormat.TEXT,
) -> None:
    """Do what `cachediff run` does, whenever something is due.

    It goes on until it is stopped, and wakes when a job is due or something is to be delivered again,
    and every hour in any case; each time it does one run in a process of its own, so that a change of
    config.yaml takes effect with the next. SIGTERM and Ctrl-C stop it at once, in the middle of
    anything: the next run completes what was begun. Nothing is lost by a kill or a reboot either.
    """
    gc.enable()  # other than a command, this is never over
    options = ["--log-format", log_format.value]
    if config:
        options += ["--config", str(config)]
    if metrics:
        options += ["--metrics", str(metrics)]
    runner = _Runner([sys.executable, "-m", "cachediff", "run", *options])
    with logged(log_format):
        try:
            _repeat(runner, config, timedelta(minutes=every))
        except (SystemExit, KeyboardInterrupt):
            pass  # it was stopped before it began
        finally:
            runner.stop()


def _repeat(runner: _Runner, config: Path | None, every: timedelta) -> None:
    from apscheduler.schedulers.background import BackgroundScheduler

    from cachediff.config import find_settings

    chosen_jobs(find_settings(Path.cwd(), config), [])  # which refuses what is wrong from the start
    # Signals that are waited for cannot be missed, as one can that comes while Python goes to sleep.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    scheduler = BackgroundScheduler(timezone=UTC)

    def wake() -> None:
        began = datetime.now(UTC)
        again = began + every
        try:
            runner.run()
            again = _next(began, config, every)
        except OSError as error:  # no process, no memory, no folder to be in: it may pass
            log(Entry("error", f"the run could not be started: {error}", logging.ERROR))
        if not runner.stopped:
            scheduler.add_job(wake, "date", run_date=again, misfire_grace_time=None)
            log(Entry("asleep", f"the next run is at {again:%Y-%m-%d %H:%M:%S} UTC"))

    # What was missed is done at once, however late this process is woken.
    scheduler.add_job(wake, misfire_grace_time=None)
    scheduler.start()
    signal.sigwait(_STOPPING)
    log(Entry("stopping", "stopping"))


class _Runner:
    """Starts one run after the other; `stop`, from any thread, ends the one at work and all to come."""

    def __init__(self, command: list[str]) -> None:
        self.stopped = False
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()

    def run(self) -> None:
        with self._starting:
            if self.stopped:
                return
            self._process = subprocess.Popen(self._command)
        code = self._process.wait()
        if code < 0 and not self.stopped:
            log(Entry("killed", f"the run was ended by signal {-code}", logging.ERROR))

    def stop(self) -> None:
        with self._starting:
            self.stopped = True
        if self._process:
            self._process.terminate()  # nothing, where it has ended


def _next(began: datetime, config: Path | None, every: timedelta) -> datetime:
    """When to run again, by the settings as they are now; these may be wrong for a while."""
    from cachediff.config import find_settings
    from cachediff.jobs.parcels import outbox_of
    from cachediff.jobs.waking import next_wake

    now = datetime.now(UTC)
    try:
        settings = find_settings(Path.cwd(), config)
        return next_wake(settings, outbox_of(settings), began, now, every)
    except CachediffError as error:
        log(Entry("error", error.message, logging.ERROR))
        return max(now, began + every)
