"""What a run left, disturbed or not; and what must hold of it, whatever disturbed it.

Everything is compared, byte by byte, with what undisturbed runs leave.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from cachediff.config import load_settings
from cachediff.delivery.files import parcel_id
from cachediff.queries import Catalogue
from cachediff.queries.filed import FILES, RECORD, read_filed
from cachediff.queries.verification import verify
from cachediff.store.ledger import LEDGER, DoneNight, Ledger
from mail_server import Copy

Told = tuple[date, str]
"""A night, and who is told of it: the address of a mail, or `chat`."""


class Ran(NamedTuple):
    """What became of a run: its exit code, negative where a signal ended it, and what it said."""

    code: int
    said: str


class Left:
    """What runs left in `folder` and with the servers; `notes` is a folder for notes of our own."""

    def __init__(self, folder: Path, notes: Path, mails: list[Copy], posts: list[bytes]) -> None:
        self.folder = folder
        self._notes = notes
        self._mails = mails
        self._posts = posts

    def snapshots(self) -> dict[str, bytes]:
        """The files of all snapshots, with their content: those that have a receipt."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.glob("snapshots/cache/*/[!.]*")
            if path.with_suffix(".json").exists()
        }

    def reports(self) -> dict[str, bytes]:
        """The files that are shown of the folder of reports, with their content."""
        reports = self.folder / "reports"
        names = [path.relative_to(reports) for path in reports.rglob("*") if path.is_file()]
        return {
            str(name): (reports / name).read_bytes()
            for name in names
            if not any(part.startswith(".") for part in name.parts)
        }

    def nights(self) -> tuple[DoneNight, ...]:
        """The nights that are done, but for when they were, out of a copy of the ledger."""
        copied = self._notes / "ledger"
        shutil.rmtree(copied, ignore_errors=True)
        copied.mkdir()
        for path in self.folder.glob(f"snapshots/{LEDGER}*"):
            shutil.copy(path, copied)
        with closing(Ledger(copied / LEDGER)) as opened:
            nights = opened.nights("nightly")
        return tuple(msgspec.structs.replace(night, done_at="") for night in nights)

    def sent(self) -> dict[Told, list[str]]:
        """What the servers were given: the id of the parcel of each copy."""
        copies: defaultdict[Told, list[str]] = defaultdict(list)
        for copy in self._mails:
            (address,) = copy.recipients
            night = parsedate_to_datetime(message_from_bytes(copy.content)["Date"]).date()
            copies[night, address].append(parcel_id("mail", address, copy.content))
        for content in self._posts:
            night = date.fromisoformat(json.loads(content)["night"])
            copies[night, "chat"].append(parcel_id("webhook", "chat", content))
        return dict(copies)

    def kept(self) -> set[str]:
        """The ids of the parcels that wait in the outbox, or are known to be sent."""
        return {path.name for path in self.folder.glob("snapshots/.outbox/*/**/*")}


class Undisturbed(NamedTuple):
    """What is there when all is done: snapshots and nights, and what may be in reports and parcels.

    Of these there are several: which nights a report says were caught up depends on what was done before.
    """

    snapshots: dict[str, bytes]
    nights: tuple[DoneNight, ...]
    reports: dict[str, set[bytes]]
    parcels: dict[Told, set[str]]

    def check(self, left: Left, ran: Ran) -> None:
        """Nothing is wrong that is there; and all is there, if the run said so."""
        assert "Traceback" not in ran.said, ran.said
        self._check_reports(left)
        snapshots = left.snapshots()
        for name, content in snapshots.items():
            assert content == self.snapshots.get(name), f"{name} differs"
        nights = left.nights()
        assert nights == self.nights[: len(nights)], "the ledger tells another story"
        assert len(snapshots) >= 2 * len(nights), "a snapshot is gone"
        sent, kept = left.sent(), left.kept()
        for told, ids in sent.items():
            assert self.parcels.get(told, set()).issuperset(ids), f"{told} got something else"
            assert len(set(ids)) == 1, f"{told} got two that differ"
        for night in nights:
            if night.report:
                assert (left.folder / "reports" / night.report).is_dir(), f"{night.date}: no report"
            for told, ids_may_be in self.parcels.items():
                if told[0] == night.date:
                    assert kept & ids_may_be or told in sent, f"nothing is known of {told}"
        if ran.code in {0, 1}:
            self.check_complete(left)

    def check_complete(self, left: Left) -> None:
        """All is done, told, listed and delivered."""
        assert left.nights() == self.nights, "not all nights are done"
        settings = load_settings(left.folder / "config.yaml")
        with closing(Catalogue(settings, left.folder / "cache")) as names:
            verdict = verify(names)
        assert verdict.whole == len(self.nights), "not all snapshots are whole"
        for finding in verdict.findings:  # what is never read
            assert finding.reasons == ("left by an interrupted write",), finding
        reports = left.reports()
        assert reports.keys() == self.reports.keys(), "a report is missing"
        for name in ("index.html", "feed.xml"):
            assert reports[name] in self.reports[name], f"{name} does not list all"
        assert left.sent().keys() == self.parcels.keys(), "not all is delivered"
        waiting = left.folder.glob("snapshots/.outbox/waiting/[!.]*")
        assert not list(waiting), "a parcel is left"

    def _check_reports(self, left: Left) -> None:
        """What is shown of reports is whole, and as it should be."""
        reports = left.folder / "reports"
        assert read_filed(reports).notices == (), read_filed(reports).notices
        for folder in reports.glob("*/[!.]*"):
            there = {path.name for path in folder.iterdir()}
            assert there == {*FILES.values(), RECORD}, f"{folder} is not whole"
        for name, content in left.reports().items():
            # The index and the feed may still be those of a night before.
            assert content in self.reports.get(name, set()) or "/" not in name, f"{name} differs"


def undisturbed(runs: Iterable[Left]) -> Undisturbed:
    """What runs left that nothing disturbed; `runs` does them, each from the beginning."""
    reports: defaultdict[str, set[bytes]] = defaultdict(set)
    parcels: defaultdict[Told, set[str]] = defaultdict(set)
    for left in runs:
        snapshots, nights = left.snapshots(), left.nights()
        for name, content in left.reports().items():
            reports[name].add(content)
        for told, (only,) in left.sent().items():
            parcels[told].add(only)
            assert only in left.kept(), "what a server got is not what was put into the outbox"
    assert len(snapshots) == 2 * len(nights)
    return Undisturbed(snapshots, nights, dict(reports), dict(parcels))
