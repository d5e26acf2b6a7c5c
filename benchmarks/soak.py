"""`python -m benchmarks.soak`: kill and fail a run at every point there is; see docs/reliability.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from faults import NEEDED, Do, Fault, build_shim, can_fault
from faults_backfill import generated, kill_at_random, undisturbed
from faults_checks import Ran
from faults_world import World, world

_WORKERS = os.cpu_count() or 1
_NAMES: dict[Do, str] = {
    "before": "killed before a call",
    "after": "killed after a call",
    "eio": "a call fails: I/O error",
    "full": "a call fails: disk full from then on",
}


class Case(NamedTuple):
    """One disturbed run, and the next: of what kind, and which one of it."""

    kind: str
    which: str
    survive: partial[Ran]
    """Given the world, it does it."""


def main() -> None:
    """Kill and fail `cachediff run` in every way, and see that the next run completes what is due."""
    asked = _arguments()
    if not can_fault():
        sys.exit(f"the soak {NEEDED}")
    with tempfile.TemporaryDirectory(prefix="cachediff-soak-") as folder, ExitStack() as stack:
        shim = build_shim(Path(folder))
        worlds: SimpleQueue[World] = SimpleQueue()
        for number in range(_WORKERS):
            base = Path(folder) / f"worker{number}"
            base.mkdir()
            worlds.put(stack.enter_context(world(base, shim)))
        sys.exit(_soak(worlds, asked))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.soak", description=main.__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every so many-th call (1)")
    parser.add_argument("--kills", type=int, default=200, help="kills at random moments (200)")
    parser.add_argument("--crowd", type=int, default=100, help="runs that start at once (100)")
    parser.add_argument("--backfills", type=int, default=100, help="kills of a backfill (100)")
    parser.add_argument("--seed", type=int, default=4, help="of the random moments (4)")
    return parser.parse_args()


def _soak(worlds: SimpleQueue[World], asked: argparse.Namespace) -> int:
    """Do it all and print the table; the exit code comes back."""
    began = time.monotonic()
    one = worlds.get()
    calls, length = _measured(one)
    print(f"a run makes {calls} calls, in {length:.2f} s; seed {asked.seed}", flush=True)
    failures = _crowd(one, asked.crowd) + _backfills(asked.backfills, asked.seed)
    worlds.put(one)
    cases = list(_cases(calls, length, asked))
    Random(asked.seed).shuffle(cases)  # so that it is soon seen if something is wrong anywhere
    done: Counter[str] = Counter()
    codes: defaultdict[str, Counter[int]] = defaultdict(Counter)
    twice: Counter[str] = Counter()

    def do(case: Case) -> str:
        mine = worlds.get()
        try:
            codes[case.kind][case.survive(mine).code] += 1
            twice[case.kind] += sum(len(ids) - 1 for ids in mine.left.sent().values())
        except Exception as error:  # whatever it is: it is told, and the soak goes on
            return f"{case.kind}, {case.which}: {type(error).__name__}: {error}"
        finally:
            done[case.kind] += 1
            worlds.put(mine)
        return ""

    with ThreadPoolExecutor(_WORKERS) as pool:
        for number, failure in enumerate(pool.map(do, cases), 1):
            if failure:
                failures.append(failure)
                print(f"\nFAILED {failure}", flush=True)
            if number % 50 == 0 or number == len(cases):
                minutes = (time.monotonic() - began) / 60
                told = f"{number} of {len(cases)} cases, {len(failures)} failed, {minutes:.1f} min"
                print(told, flush=True)
    print(
        f"\n{'disturbed run':<40}{'runs':>6}{'said 0 or 1':>13}{'said 2':>8}{'killed':>8}{'twice':>7}"
    )
    for kind, number in sorted(done.items()):
        ended = codes[kind]
        print(
            f"{kind:<40}{number:>6}{ended[0] + ended[1]:>13}{ended[2]:>8}"
            f"{sum(ended[code] for code in ended if code < 0):>8}{twice[kind]:>7}"
        )
    print(f"{asked.crowd} runs at once; in all {len(cases) + 1} cases, {len(failures)} failed")
    return 1 if failures else 0


def _measured(one: World) -> tuple[int, float]:
    """How many calls a run makes that is not disturbed, and how many seconds it takes."""
    one.begin()
    began = time.monotonic()
    one.check(one.run())
    assert one.counted
    return one.counted.calls, time.monotonic() - began


def _crowd(one: World, size: int) -> list[str]:
    """Start many at once; what is wrong with how they ended."""
    try:
        rans = one.crowd(size)
        left = [ran for ran in rans if ran.code == 0 and "another run is at work" in ran.said]
        assert len(left) == size - 1, Counter(rans).most_common(5)
        one.undisturbed.check_complete(one.left)
    except Exception as error:
        print(f"FAILED {size} at once: {error}")
        return [f"{size} runs at once: {error}"]
    print(f"{size} runs at once: one did the work, {size - 1} said so and left", flush=True)
    return []


def _backfills(kills: int, seed: int) -> list[str]:
    """Kill a backfill again and again, then let it end; what is wrong with what it left."""
    with tempfile.TemporaryDirectory(prefix="cachediff-soak-") as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        for part in ("unkilled", "killed"):
            (folder / part).mkdir()
        upstream = generated(folder / "upstream.git")
        try:
            unkilled = undisturbed(upstream, folder / "unkilled")
            kill_at_random(kills, upstream, unkilled, folder / "killed", seed)
        except Exception as error:
            print(f"FAILED a backfill, killed {kills} times: {error}")
            return [f"a backfill, killed {kills} times: {error}"]
    print(f"a backfill, killed {kills} times: complete, no file differs", flush=True)
    return []


def _cases(calls: int, length: float, asked: argparse.Namespace) -> Iterator[Case]:
    random = Random(asked.seed)
    for number in range(asked.kills):
        moment = length * (number + random.random()) / asked.kills
        alone = bool(number % 2)
        yield Case(
            f"killed at a random moment{', git lives on' if alone else ''}",
            f"{moment:.3f} s",
            partial(World.survive_kill, seconds=moment, alone=alone),
        )
    for do, name in _NAMES.items():
        for at in range(1, calls + 1, asked.every):
            fault = Fault(at, do)
            yield Case(name, f"call {at}", partial(World.survive, fault=fault))


if __name__ == "__main__":
    main()
