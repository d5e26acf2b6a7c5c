"""The command at a given time: `python faults_clock.py MOMENT ARGUMENT...`. All but the clock is real."""

from __future__ import annotations

import importlib
import os
import sys
import time
from datetime import datetime, tzinfo

from cachediff.__main__ import main

_sleep = time.sleep


class Clock(datetime):
    """A clock that stands at MOMENT."""

    moment = datetime.fromisoformat(sys.argv[1])

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.moment.astimezone(tz)


def start() -> None:
    importlib.import_module("cachediff.cli.run").datetime = Clock  # type: ignore[attr-defined]
    time.sleep = lambda seconds: _sleep(min(float(seconds), 0.01))
    sys.argv[1:] = sys.argv[2:]
    if "FAULTS_GATE" in os.environ:  # standard input ends when all are ready
        import cachediff.jobs.run  # noqa: F401

        print("ready", flush=True)  # noqa: T201
        sys.stdin.read()
    main()


if __name__ == "__main__":
    start()
