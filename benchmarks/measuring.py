"""Seconds of actions in turn, of whole commands too, and the peak memory of a command."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Action = Callable[[], object]

_PEAK = Path(__file__).with_name("peak.py")


def in_turn(actions: Mapping[str, Action], runs: int) -> dict[str, list[float]]:
    """Seconds that each action took in each of `runs` rounds, of all of them in turn.

    A round before the first fills caches and is not counted. What an action returns is dropped, and
    what it left is collected, outside of the time that is taken.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(runs + 1):
        for name, action in actions.items():
            gc.collect()
            start = time.perf_counter()
            result = action()
            taken = time.perf_counter() - start
            del result
            if number:
                seconds[name].append(taken)
    return seconds


def command(*arguments: str | Path) -> Action:
    """Run a command with its output into a file, as a shell's `>` does."""

    def run() -> None:
        with tempfile.TemporaryFile() as output:
            subprocess.run(arguments, stdout=output, check=True)

    return run


def seconds_or_none(arguments: Sequence[str | Path], limit: float) -> float | None:
    """Seconds of a command that is run once; None, and it is ended, after `limit` seconds."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(arguments, stdout=output, check=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return None
    return time.perf_counter() - start


def peak_memory(arguments: Sequence[str | Path], runs: int) -> list[int]:
    """Bytes of the largest resident size that a process of the command had, in each of `runs` runs."""
    peaks = []
    for _ in range(runs):
        measured = [sys.executable, "-I", "-S", _PEAK, *arguments]
        told = subprocess.run(measured, capture_output=True, check=True, text=True)
        peaks.append(int(told.stdout))
    return peaks
