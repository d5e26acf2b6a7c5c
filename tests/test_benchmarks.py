"""The benchmarks run, on a small upstream, and measure what they say. No time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SPECS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmarks")


@pytest.fixture
def upstream(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.upstream import upstream_of

    return upstream_of(SPECS, 1, folder)


def benchmarks(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", "--folder", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_benchmark_prints_its_rows(folder: Path) -> None:
    ran = benchmarks(folder, "--quick", "--size", str(SPECS))
    assert (ran.returncode, ran.stderr) == (0, "")
    conditions, header, *rows = ran.stdout.splitlines()
    assert conditions.startswith("300 specs, median of 1, ")
    assert header.split() == [
        *("what", "measured", "beside", "measured", "ratio", "lowest-highest", "target"),
    ]
    begun = [row.split("  ")[0] for row in rows]
    for what in ("nightly", "everything rebuilt"):
        assert begun.count(f"{what}, in process") == 2
        assert f"{what}, command" in "\n".join(begun)
        assert [f"{what}, {times}x the specs" in begun for times in (2, 5, 10)] == [True] * 3
        assert {f"{what}, peak, json", f"{what}, peak, text"} <= {*begun}
    assert begun.count("cachediff --help") == 3
    assert all(row.endswith(("MB", "is not installed")) or "-" in row.split()[-1] for row in rows)


def test_a_name_that_does_not_exist_is_refused(folder: Path) -> None:
    ran = benchmarks(folder, "nightlies")
    assert ran.returncode == 2
    assert "there is no 'nightlies'; there are nightly, rebuilt" in ran.stderr


def test_an_upstream_is_made_once_and_kept(upstream: Any, folder: Path) -> None:
    from benchmarks.upstream import upstream_of

    made = upstream.repository.stat().st_ctime_ns
    assert upstream_of(SPECS, 1, folder) == upstream
    assert upstream.repository.stat().st_ctime_ns == made
    assert not list(folder.glob(".new-*"))


def test_the_floor_reads_what_a_comparison_reads(upstream: Any) -> None:
    from benchmarks.floor import read_in_turn, read_overlapped
    from benchmarks.upstream import NIGHTLY, REBUILT

    import cachediff

    for sides in (NIGHTLY, REBUILT):
        compared = cachediff.compare(*sides.names(), repo=str(upstream.repository))
        changed = {
            spec.hash
            for package in compared.packages
            for change in package.changes
            for spec in (change.old, change.new)
            if spec
        }
        blobs = read_overlapped(upstream.repository, sides.old, sides.new)
        read = {record.hash for records in blobs for record in records}
        assert changed
        assert changed <= read
        assert len(blobs) == 2 * len(compared.packages)
        assert blobs == read_in_turn(upstream.repository, sides.old, sides.new)


def test_others_are_given_every_spec(upstream: Any) -> None:
    from benchmarks.rivals import deep_diff
    from benchmarks.upstream import REBUILT

    import cachediff

    *_, old, new = deep_diff(upstream, REBUILT)
    for file, tag in ((old, REBUILT.old), (new, REBUILT.new)):
        snapshot = cachediff.open_snapshot(f"develop@{tag}", repo=str(upstream.repository))
        given = json.loads(Path(file).read_bytes())
        assert {(spec["hash"], spec["package"], spec["version"]) for spec in given.values()} == {
            (spec.hash, spec.package, str(spec.version)) for spec in snapshot.specs()
        }


def test_the_peak_is_of_the_command_not_of_who_asks(upstream: Any) -> None:
    from benchmarks.measuring import peak_memory

    ballast = b"x" * 200_000_000
    small, large = (
        peak_memory([sys.executable, "-c", f"b'x' * {size}"], 1)[0] for size in (0, 100_000_000)
    )
    assert small < 60_000_000 < len(ballast)
    assert 90_000_000 < large - small < 110_000_000


@pytest.mark.parametrize(
    ("seconds", "beside", "limit", "verdict"),
    [
        ([1.0, 3.0, 2.0], [1.0, 1.0, 1.0], 2.0, "within"),
        ([1.0, 3.0, 2.0], [1.0, 1.0, 1.0], 1.9, "over"),
        # The median of the ratios of each round, not the ratio of the medians.
        ([1.0, 10.0, 10.0], [1.0, 5.0, 10.0], 1.5, "within"),
        ([1.0], [1.0], None, ""),
    ],
)
def test_a_row_says_whether_its_target_is_held(
    upstream: Any, seconds: list[float], beside: list[float], limit: float | None, verdict: str
) -> None:
    from benchmarks.table import ratio_row

    row = str(ratio_row("what", seconds, "baseline", beside, limit))
    assert row.endswith(f"<= {limit:g}  {verdict}" if limit else "1.00-1.00")
