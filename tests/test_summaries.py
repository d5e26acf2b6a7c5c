"""The cache of summaries: it is right, or it is empty; it never fails."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachediff.model.snapshot import ManifestSummary
from cachediff.store import summaries as module
from cachediff.store.hashes import ListedHashes
from cachediff.store.summaries import SummaryCache

MANY = {
    f"{number:040x}": ManifestSummary(
        number, {"stack": {"e4s": number}, "compiler": {None: 1}}, (("specs.md", "odd"),)
    )
    for number in range(2000)
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a cache that holds `MANY`."""
    path = tmp_path / "cachediff" / "summaries.sqlite"
    with SummaryCache(path, 1) as cache:
        cache.put_many(MANY)
    return path


def recovers(path: Path) -> bool:
    """Whether a cache at `path` remembers again."""
    with SummaryCache(path, 1) as cache:
        cache.put_many(MANY)
    with SummaryCache(path, 1) as cache:
        return cache.get_many(list(MANY)) == MANY


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("0123456789abcdef", min_size=40, max_size=40),
        st.builds(
            ManifestSummary,
            st.integers(0, 10**9),
            st.dictionaries(
                st.text(), st.dictionaries(st.none() | st.text(), st.integers(0, 10**9))
            ),
            st.lists(st.tuples(st.text(), st.text())).map(tuple),
            st.booleans(),
        ),
    )
)
def test_what_is_put_is_got(summaries: dict[str, ManifestSummary]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summaries.sqlite"
        with SummaryCache(path, 1) as cache:
            cache.put_many(summaries)
            assert cache.get_many([*summaries, "0"]) == summaries
        with SummaryCache(path, 1) as cache:
            assert cache.get_many(list(summaries)) == summaries


def test_only_what_is_asked_for_is_got(path: Path) -> None:
    one, two, *_ = MANY
    with SummaryCache(path, 1) as cache:
        assert cache.get_many([]) == {}
        assert cache.get_many([two, "f" * 40, two]) == {two: MANY[two]}
        cache.put_many({one: MANY[two]})
        assert cache.get_many([one]) == {one: MANY[two]}


def test_another_version_of_the_parsers_tells_for_itself(path: Path) -> None:
    one = next(iter(MANY))
    other = {one: ManifestSummary(7, {})}
    with SummaryCache(path, 2) as cache:
        assert cache.get_many(list(MANY)) == {}
        cache.put_many(other)
        assert cache.get_many(list(MANY)) == other
    with SummaryCache(path, 1) as cache:
        assert cache.get_many(list(MANY)) == MANY


def test_the_hashes_of_the_last_trees(path: Path) -> None:
    hashes = {f"{number:040x}": ListedHashes.of([f"{number:032x}"[::-1]]) for number in range(20)}
    with SummaryCache(path, 1) as cache:
        for tree, listed in hashes.items():
            cache.put_listed(tree, {"hdf5", tree}, listed)
    with SummaryCache(path, 1) as cache:
        for number, (tree, listed) in enumerate(hashes.items()):
            assert cache.get_sharing(tree) == frozenset({"hdf5", tree})
            known = cache.get_hashes(tree)
            assert (known is not None) == (number >= 12)
            assert known is None or known.encode() == listed.encode()
        assert cache.get_sharing("f" * 40) is None
    with SummaryCache(path, 2) as cache:
        assert cache.get_hashes(tree) is None
        assert cache.get_sharing(tree) is None


def test_damaged_hashes_are_not_believed(path: Path) -> None:
    listed = ListedHashes.of(f"{number:032}"[::-1] for number in range(100))
    with SummaryCache(path, 1) as cache:
        cache.put_listed("a" * 40, set(), listed)
    content = path.read_bytes()
    place = content.index(listed.encode()[400:440])
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with SummaryCache(path, 1) as cache:
        assert cache.get_hashes("a" * 40) is None
        cache.put_listed("a" * 40, set(), listed)
        assert (known := cache.get_hashes("a" * 40))
        assert known.encode() == listed.encode()


def test_more_than_sqlite_takes_as_parameters(path: Path) -> None:
    with SummaryCache(path, 1) as cache:
        assert cache.get_many([f"{number:040x}" for number in range(50_000)]) == MANY


def test_a_closed_cache_is_empty(path: Path) -> None:
    cache = SummaryCache(path, 1)
    cache.close()
    cache.close()
    cache.put_many(MANY)
    assert cache.get_many(list(MANY)) == {}


@pytest.mark.parametrize("place", ["/proc/summaries", "/dev/full/summaries", "file/summaries", "."])
def test_where_no_file_can_be_the_cache_is_empty(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with SummaryCache(tmp_path / place, 1) as cache:
        cache.put_many(MANY)
        assert cache.get_many(list(MANY)) == {}


def test_a_full_disk_is_survived() -> None:
    with SummaryCache(Path("/dev/full"), 1) as cache:
        cache.put_many(MANY)
        assert cache.get_many(list(MANY)) == {}


def test_a_locked_file_is_survived(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS_TO_WAIT", 0.01)
    with closing(sqlite3.connect(path)) as other, SummaryCache(path, 1) as before:
        other.execute("BEGIN EXCLUSIVE")
        with SummaryCache(path, 1) as during:
            for cache in (before, during):
                cache.put_many({"a" * 40: ManifestSummary(1, {})})
                assert cache.get_many(list(MANY)) == {}
        other.execute("ROLLBACK")
        assert before.get_many(list(MANY)) == MANY


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a database, and longer than its header is" * 99,
        b"SQLite format 3\0" + bytes(5000),
    ],
)
def test_what_is_no_database_is_begun_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "summaries.sqlite"
    path.write_bytes(content)
    with SummaryCache(path, 1) as cache:
        assert cache.get_many(list(MANY)) == {}
        cache.put_many(MANY)
        assert cache.get_many(list(MANY)) == MANY


def test_another_table_of_the_same_name_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "summaries.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE summary (id)")
    with SummaryCache(path, 1) as cache:
        assert cache.get_many(list(MANY)) == {}
    assert recovers(path)


def test_a_summary_with_other_fields_is_passed_over(path: Path) -> None:
    class Other(msgspec.Struct):
        specs: str

    with SummaryCache(path, 1) as cache:
        cache.put_many({"a" * 40: Other("many")})  # type: ignore[dict-item]
        assert cache.get_many(["a" * 40, *MANY]) == MANY


def damaged_files(data: bytes) -> Iterator[bytes]:
    chance = random.Random(3)
    for size in (1, 100, 4096, len(data) // 2, len(data) - 1):
        yield data[:size]
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 50))):
            damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        yield bytes(damaged)
    for _ in range(20):
        start = chance.randrange(len(data))
        yield data[:start] + bytes(4096) + data[start + 4096 :]


def test_a_damaged_file_never_fails_nor_lies(path: Path) -> None:
    untold = 0
    for damaged in damaged_files(path.read_bytes()):
        path.write_bytes(damaged)
        with SummaryCache(path, 1) as cache:
            told = cache.get_many(list(MANY))
            cache.put_many({"f" * 40: ManifestSummary(1, {})})
        assert told.items() <= MANY.items()
        untold += len(told) < len(MANY)
    assert untold > 50  # or the damage tells nothing
    path.unlink()
    assert recovers(path)


BUSY = """
import sys
from pathlib import Path
from cachediff.model.snapshot import ManifestSummary
from cachediff.store.summaries import SummaryCache
first = int(sys.argv[2])
for round in range(20):
    with SummaryCache(Path(sys.argv[1]), 1) as cache:
        numbers = range(first + 50 * round, first + 50 * (round + 1))
        cache.put_many({f"{number:040x}": ManifestSummary(number, {}) for number in numbers})
        found = cache.get_many([f"{number:040x}" for number in range(10_000)])
        assert all(int(object_id, 16) == summary.specs for object_id, summary in found.items())
"""


def test_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "summaries.sqlite"
    commands = [[sys.executable, "-c", BUSY, str(path), str(1000 * i)] for i in range(4)]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    with SummaryCache(path, 1) as cache:
        found = cache.get_many([f"{number:040x}" for number in range(4000)])
    assert len(found) > 1000  # more than one process had written; one may forget
