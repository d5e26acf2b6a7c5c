"""Comparing in process: beside the floor, and at several sizes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cachediff
from benchmarks.floor import read_in_turn, read_overlapped
from benchmarks.measuring import Action, in_turn
from benchmarks.plan import Plan
from benchmarks.table import Row, ratio_row
from benchmarks.upstream import NIGHTLY, REBUILT, Sides

_SIZES = (1, 2, 5, 10)
_ALLOWANCE = 1.25
"""How much more than flat, or than linear, is put down to noise."""


def nightly(plan: Plan) -> Iterator[Row]:
    """One manifest in ten changed."""
    yield from _beside_floor(plan, NIGHTLY, 1.6)


def rebuilt(plan: Plan) -> Iterator[Row]:
    """All hashes replaced."""
    yield from _beside_floor(plan, REBUILT, 2.5)


def size(plan: Plan) -> Iterator[Row]:
    """Larger and larger upstreams, with the same number of manifests changed, and with all."""
    upstreams = {times: plan.upstream(times) for times in _SIZES}
    for sides, shape in ((NIGHTLY, "flat"), (REBUILT, "linear")):
        actions: dict[str, Action] = {
            f"{times}x": partial(_compare, upstream.repository, sides)
            for times, upstream in upstreams.items()
        }
        seconds = in_turn(actions, plan.runs)
        for times in _SIZES[1:]:
            expected = times if shape == "linear" else 1
            yield ratio_row(
                f"{sides.name}, {times}x the specs",
                seconds[f"{times}x"],
                f"1x the specs; {shape} is {expected}",
                seconds["1x"],
                plan.target(expected * _ALLOWANCE),
            )


def _beside_floor(plan: Plan, sides: Sides, limit: float) -> Iterator[Row]:
    repository = plan.upstream().repository
    floors = {
        "floor: git and decoding at once": read_overlapped,
        "floor: git, then decoding": read_in_turn,
    }
    seconds = in_turn(
        {
            "cachediff": partial(_compare, repository, sides),
            **{
                name: partial(read, repository, sides.old, sides.new)
                for name, read in floors.items()
            },
        },
        plan.runs,
    )
    for name in floors:
        what = f"{sides.name}, in process"
        yield ratio_row(what, seconds["cachediff"], name, seconds[name], plan.target(limit))


def _compare(repository: Path, sides: Sides) -> cachediff.Comparison:
    return cachediff.compare(*sides.names(), repo=str(repository))
