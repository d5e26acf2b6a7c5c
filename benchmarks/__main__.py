"""`python -m benchmarks [NAME...]`: measure, and print the table."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.commands import commands, memory, startup
from benchmarks.comparisons import nightly, rebuilt, size
from benchmarks.pages import page
from benchmarks.plan import Plan
from benchmarks.table import HEADER, Row
from benchmarks.upstream import SPECS

_BENCHMARKS: dict[str, Callable[[Plan], Iterator[Row]]] = {
    "nightly": nightly,
    "rebuilt": rebuilt,
    "page": page,
    "commands": commands,
    "size": size,
    "memory": memory,
    "startup": startup,
}
_KEPT = Path(__file__).parent.parent / ".benchmarks"
_RUNS = 9
_QUICK_RUNS, _QUICK_SPECS = 1, 1_200
_INVOLVED = ("msgspec", "typer", "csv-diff", "deepdiff")


def main() -> None:
    """Run the benchmarks that were asked for."""
    asked = _arguments()
    plan = Plan(asked.runs, asked.size, asked.folder.resolve())
    # What is remembered of manifests, in process and by the commands, stays apart from the user's.
    os.environ["XDG_CACHE_HOME"] = str(plan.folder / "cache")
    print(_conditions(plan), HEADER, sep="\n", flush=True)
    for name in asked.names or _BENCHMARKS:
        for row in _BENCHMARKS[name](plan):
            print(row, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=main.__doc__)
    known = ", ".join(_BENCHMARKS)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"{known}; all if there is none")
    parser.add_argument("--runs", type=int, help=f"rounds that are counted, of each ({_RUNS})")
    parser.add_argument("--size", type=int, help=f"specs of the upstream ({SPECS:,})")
    parser.add_argument("--quick", action="store_true", help="a small upstream, one round: a trial")
    parser.add_argument("--folder", type=Path, default=_KEPT, help="where upstreams are kept")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in _BENCHMARKS]:
        parser.error(f"there is no {unknown[0]!r}; there are {known}")
    asked.runs = asked.runs or (_QUICK_RUNS if asked.quick else _RUNS)
    asked.size = asked.size or (_QUICK_SPECS if asked.quick else SPECS)
    if asked.runs < 1 or asked.size < 100:
        parser.error("there is at least one run, of at least 100 specs")
    return asked


def _conditions(plan: Plan) -> str:
    """What the figures depend on."""
    git = subprocess.run(["git", "--version"], capture_output=True, check=True, text=True)
    versions = {"Python": platform.python_version()}
    for name in _INVOLVED:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return ", ".join(
        (
            f"{plan.specs:,} specs",
            f"median of {plan.runs}",
            f"{os.cpu_count()} processors",
            git.stdout.strip(),
            *(f"{name} {number}" for name, number in versions.items()),
        )
    )


if __name__ == "__main__":
    main()
