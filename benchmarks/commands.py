"""Whole commands: the time that a user waits, and the memory that it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import command, in_turn, peak_memory, seconds_or_none
from benchmarks.plan import Plan
from benchmarks.rivals import console_command, csv_diff, deep_diff
from benchmarks.table import Row, as_seconds, peak_row, ratio_row
from benchmarks.upstream import NIGHTLY, REBUILT, Sides, Upstream

_PATIENCE = 120.0
"""Seconds after which DeepDiff is ended."""

_PYTHON = sys.executable
_FLOOR = Path(__file__).with_name("floor.py")
_TYPER_APP = "import typer; app = typer.Typer(); app.command()(lambda: None); app()"


def commands(plan: Plan) -> Iterator[Row]:
    """Nightly and everything rebuilt, beside tools that compare any two files of JSON."""
    upstream = plan.upstream()
    for sides, limit in ((NIGHTLY, 0.2), (REBUILT, 0.7)):
        yield from _beside_csv_diff(plan, upstream, sides, limit)
        yield _beside_deep_diff(upstream, sides)


def memory(plan: Plan) -> Iterator[Row]:
    """Peak memory of the command."""
    upstream = plan.upstream()
    for sides, limit in ((NIGHTLY, 150), (REBUILT, 400)):
        for format_ in ("json", "text"):
            arguments = _compare(upstream, sides, format_)
            peaks = peak_memory(arguments, min(plan.runs, 3))
            yield peak_row(f"{sides.name}, peak, {format_}", peaks, plan.target(limit))


def startup(plan: Plan) -> Iterator[Row]:
    """`cachediff --help`, beside what Python and Typer take."""
    seconds = in_turn(
        {
            "help": command(_cachediff(), "--help"),
            "python": command(_PYTHON, "-c", "pass"),
            "typer": command(_PYTHON, "-c", "import typer"),
            "app": command(_PYTHON, "-c", _TYPER_APP, "--help"),
        },
        plan.runs,
    )
    taken = seconds["help"]
    plain, typer = seconds["python"], seconds["typer"]
    aimed = [3 * one + (other - one) for one, other in zip(plain, typer, strict=True)]
    yield ratio_row(
        "cachediff --help", taken, "3 x python -c pass, + import typer", aimed, plan.target(1)
    )
    yield ratio_row("cachediff --help", taken, "python -c 'import typer'", typer, plan.target(3))
    yield ratio_row("cachediff --help", taken, "--help of an empty Typer app", seconds["app"])


def _beside_csv_diff(plan: Plan, upstream: Upstream, sides: Sides, limit: float) -> Iterator[Row]:
    all_of_it, for_people = csv_diff(upstream, sides, "--json"), csv_diff(upstream, sides)
    if all_of_it is None or for_people is None:
        yield Row(f"{sides.name}, command", "", "csv-diff is not installed")
        return
    seconds = in_turn(
        {
            "json": command(*_compare(upstream, sides, "json")),
            "csv-diff --json": command(*all_of_it),
            "text": command(*_compare(upstream, sides, "text")),
            "csv-diff": command(*for_people),
            "the floor": command(_PYTHON, _FLOOR, upstream.repository, sides.old, sides.new),
        },
        plan.runs,
    )
    for ours, theirs, target in (
        ("json", "csv-diff --json", plan.target(limit)),
        ("text", "csv-diff", plan.target(limit)),
        ("the floor", "csv-diff --json", None),
    ):
        what = f"{sides.name}, command, {ours}"
        yield ratio_row(what, seconds[ours], theirs, seconds[theirs], target)


def _beside_deep_diff(upstream: Upstream, sides: Sides) -> Row:
    """Once only: it can take minutes."""
    ours = in_turn({"ours": command(*_compare(upstream, sides, "json"))}, 1)["ours"]
    what = f"{sides.name}, command, json"
    taken = seconds_or_none(deep_diff(upstream, sides), _PATIENCE)
    if taken is not None:
        return ratio_row(what, ours, "DeepDiff, once", [taken])
    return Row(
        what,
        as_seconds(ours[0]),
        "DeepDiff, once",
        f"> {_PATIENCE:.0f} s",
        f"< {ours[0] / _PATIENCE:.3f}",
    )


def _compare(upstream: Upstream, sides: Sides, format_: str) -> list[str | Path]:
    options = ("--repo", upstream.repository, "--format", format_)
    return [_cachediff(), "compare", *sides.names(), *options]


def _cachediff() -> Path:
    program = console_command("cachediff")
    if program is None:
        raise SystemExit("cachediff is not installed in this Python: make setup")
    return program
