"""`cachediff outbox`, run as a user runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cachediff.config import find_settings
from cachediff.delivery import Outbox
from cachediff.jobs.parcels import OUTBOX, outbox_of
from cachediff.model.delivery import Outcome, Parcel, Postponed, Refused
from commands import cachediff, refuses, succeeds

NOW = datetime(2025, 4, 20, 3, 0, tzinfo=UTC)
CONFIG = "sources: {cache: {path: .}}\nstore: kept\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def outbox(folder: Path) -> Outbox:
    return outbox_of(find_settings(folder))


def put(outbox: Outbox, *destinations: str, title: str = "[cachediff] develop: news") -> list[str]:
    for destination in destinations:
        assert outbox.enqueue("mail", destination, b"", title=title, now=NOW)
    ids = {parcel.destination: parcel.id for parcel in outbox.contents().parcels}
    return [ids[destination] for destination in destinations]


def try_all(outbox: Outbox, outcome: Outcome, now: datetime = NOW) -> None:
    def send(_parcel: Parcel, _content: bytes) -> Outcome:
        return outcome

    outbox.deliver_due(now, send)


def listed(folder: Path) -> tuple[int, str]:
    done = cachediff("outbox", folder=folder)
    assert done.err == ""
    return done.code, done.out


def test_nothing_is_there(folder: Path) -> None:
    assert succeeds("outbox", folder=folder) == "The outbox is empty\n"
    assert succeeds("outbox", "retry", "--all", folder=folder) == "The outbox is empty\n"
    assert not (folder / "kept").exists()


def test_what_waits_is_listed(folder: Path, outbox: Outbox) -> None:
    (ann,) = put(outbox, "ann@example.org")
    code, out = listed(folder)
    assert code == 0
    assert out.splitlines() == [
        f"{ann[:12]}  ann@example.org  [cachediff] develop: news",
        "              0 attempts, next try 2025-04-20 03:00 UTC",
        "1 parcel waiting, 0 parked, 0 damaged",
    ]
    try_all(outbox, Postponed("mx: 451 later"))
    assert (
        "              1 attempt, next try 2025-04-20 03:05 UTC: mx: 451 later\n"
        in listed(folder)[1]
    )


def test_what_is_parked_is_told_to_scripts(folder: Path, outbox: Outbox) -> None:
    put(outbox, "ann@example.org", "bob@example.org")
    try_all(outbox, Refused("mx: 550 nobody"))
    code, out = listed(folder)
    assert code == 1
    assert out.count("              parked after 1 attempt: mx: 550 nobody\n") == 2
    assert out.endswith("0 parcels waiting, 2 parked, 0 damaged\n")


def test_what_is_damaged_is_told_too(folder: Path, outbox: Outbox) -> None:
    (ann,) = put(outbox, "ann@example.org")
    (folder / "kept" / OUTBOX / "waiting" / ann).write_bytes(b"x")
    assert listed(folder) == (
        1,
        f"{ann}  damaged: its checksum does not match\n0 parcels waiting, 0 parked, 1 damaged\n",
    )
    out = succeeds("outbox", "drop", ann, folder=folder)
    assert out == f"{ann[:12]}  what was damaged  dropped\n"
    assert listed(folder)[0] == 0


def test_retry(folder: Path, outbox: Outbox) -> None:
    ann, bob = put(outbox, "ann@example.org", "bob@example.org")
    try_all(outbox, Refused("550"))
    out = succeeds("outbox", "retry", ann[:12], folder=folder)
    assert out == f"{ann[:12]}  ann@example.org  is tried by the next run\n"
    assert [each.id for each in outbox.due(datetime.now(UTC))] == [ann]
    assert listed(folder)[0] == 1
    succeeds("outbox", "retry", "--all", folder=folder)
    assert {each.id for each in outbox.due(datetime.now(UTC))} == {ann, bob}
    assert listed(folder)[0] == 0
    assert all(
        parcel.next_try - datetime.now(UTC) < timedelta(minutes=1)
        for parcel in outbox.contents().parcels
    )


def test_drop(folder: Path, outbox: Outbox) -> None:
    ann, bob, eve = put(outbox, "ann@example.org", "bob@example.org", "eve@example.org")
    out = succeeds("outbox", "drop", ann, bob[:12], ann[:20], folder=folder)
    assert out.splitlines() == [
        f"{ann[:12]}  ann@example.org  dropped",
        f"{bob[:12]}  bob@example.org  dropped",
    ]
    assert [each.id for each in outbox.contents().parcels] == [eve]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retry",), "say which parcels to try again"),
        (("retry", "--all", "0"), "say which parcels to try again"),
        (("retry", "x" * 32), "there is no parcel 'xxxx"),
        (("drop", "../lock"), "there is no parcel '../lock'"),
        (("drop",), "Missing argument"),
        (("drop", ""), "32 parcels begin with ''"),
        (("bogus",), "No such command 'bogus'"),
        (("--config", "none.yaml"), "No such file"),
    ],
)
def test_what_is_refused_changes_nothing(
    folder: Path, outbox: Outbox, arguments: tuple[str, ...], said: str
) -> None:
    put(outbox, *(f"{number}@example.org" for number in range(32)))
    before = outbox.contents()
    assert said in refuses("outbox", *arguments, folder=folder)
    assert outbox.contents() == before


def test_a_beginning_that_several_have(folder: Path, outbox: Outbox) -> None:
    ids = put(outbox, *(f"{number}@example.org" for number in range(17)))
    digit = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    number = sum(one.startswith(digit) for one in ids)
    said = refuses("outbox", "drop", digit, folder=folder)
    assert f"{number} parcels begin with '{digit}'" in said
    assert len(outbox.contents().parcels) == 17


def test_the_settings_of_either_place_are_used(
    folder: Path, outbox: Outbox, tmp_path: Path
) -> None:
    (ann,) = put(outbox, "ann@example.org")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    config = ("--config", folder / "config.yaml")
    assert "1 parcel waiting" in succeeds("outbox", *config, folder=elsewhere)
    assert ann[:12] in succeeds("outbox", "retry", ann, *config, folder=elsewhere)
    assert ann[:12] in succeeds("outbox", *config, "drop", ann, folder=elsewhere)


def test_what_a_server_or_a_package_says_does_not_act(folder: Path, outbox: Outbox) -> None:
    put(outbox, "ann\x1b[2J@example.org", title="a\x1b[31m\nb\u202e")
    try_all(outbox, Postponed("x\x1b]0;y\x07"))
    out = listed(folder)[1]
    assert all(line.isprintable() for line in out.split("\n"))
    assert r"a\x1b[31m\nb\u202e" in out
