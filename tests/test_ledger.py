"""The ledger: what it was told it tells again, and what is not a ledger is never taken for an empty one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import msgspec
import pytest

from cachediff.errors import StoreError
from cachediff.model.snapshot import Origin
from cachediff.store.ledger import DoneNight, Ledger

ORIGINS = [
    Origin("cache", "develop", f"{number}" * 40, f"2025-01-0{number}T12:00:00Z", f"{number}" * 40)
    for number in range(1, 4)
]
FIRST = DoneNight(
    job="nightly",
    date=date(2025, 1, 2),
    done_at="2025-01-02T13:00:00Z",
    old=ORIGINS[0],
    new=ORIGINS[1],
    report="nightly/2025-01-02",
    red=True,
    deliver=("mail", "team"),
)
SECOND = msgspec.structs.replace(FIRST, date=date(2025, 1, 3), new=ORIGINS[2], report=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "ledger.sqlite"


def filled(path: Path) -> None:
    with closing(Ledger(path)) as ledger:
        ledger.record(FIRST)
        ledger.record(SECOND)


def test_a_new_ledger_knows_no_night(path: Path) -> None:
    with closing(Ledger(path)) as ledger:
        assert ledger.last("nightly") is None
        assert ledger.nights("nightly") == ()


def test_nights_are_told_again_by_job_in_the_order_in_which_they_were_done(path: Path) -> None:
    other = msgspec.structs.replace(FIRST, job="dated", red=False)
    with closing(Ledger(path)) as ledger:
        for night in (FIRST, other, SECOND):
            ledger.record(night)
    with closing(Ledger(path)) as ledger:
        assert ledger.nights("nightly") == (FIRST, SECOND)
        assert ledger.last("nightly") == SECOND
        assert ledger.nights("dated") == (other,)


def test_the_same_night_is_kept_once_and_two_collections_of_a_date_are_two(path: Path) -> None:
    again = msgspec.structs.replace(FIRST, red=False, done_at="2025-01-02T14:00:00Z")
    collection = msgspec.structs.replace(ORIGINS[2], collection="develop-2025-01-02")
    another = msgspec.structs.replace(FIRST, new=collection)
    with closing(Ledger(path)) as ledger:
        for night in (FIRST, another, again):
            ledger.record(night)
        assert ledger.nights("nightly") == (again, another)


@pytest.mark.parametrize("keep", [0, 1, 100, 4096, 5000])
def test_a_ledger_that_was_cut_short_is_refused_and_left_as_it_is(path: Path, keep: int) -> None:
    filled(path)
    content = path.read_bytes()[:keep]
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"ledger\.sqlite is damaged") as refused:
        Ledger(path)
    assert "put back a copy" in refused.value.hint
    assert path.read_bytes() == content


def test_no_flipped_byte_gives_a_night_that_was_not_written(path: Path) -> None:
    filled(path)
    whole = path.read_bytes()
    told = []
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            with closing(Ledger(path)) as ledger:
                told.append(ledger.nights("nightly"))
        except StoreError:
            continue
    # A night can only be missing as a whole, if the row is not found any more.
    assert (FIRST, SECOND) in told
    assert all(set(nights) <= {FIRST, SECOND} for nights in told)


def test_another_database_and_another_version_are_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE night (job TEXT)")
    with pytest.raises(StoreError, match="it is no ledger"):
        Ledger(path)
    path.unlink()
    filled(path)
    with closing(sqlite3.connect(path)) as ours:
        ours.execute("PRAGMA user_version=2")
    with pytest.raises(StoreError, match="a ledger of version 2"):
        Ledger(path)


def test_one_of_before_deliveries_were_written_down_is_read_on(path: Path) -> None:
    before = msgspec.structs.replace(FIRST, deliver=None)
    with closing(Ledger(path)) as ledger:
        ledger.record(before)
    with closing(sqlite3.connect(path)) as older, older:
        older.execute("ALTER TABLE night DROP COLUMN deliver")
    with closing(Ledger(path)) as ledger:
        assert ledger.nights("nightly") == (before,)
        ledger.record(SECOND)
        assert ledger.nights("nightly") == (before, SECOND)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreError, match="cannot be"):
        Ledger(tmp_path / "store" / "ledger.sqlite")
