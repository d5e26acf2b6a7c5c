"""The outbox: a folder in which everything waits until a server has accepted it.

waiting/<id>        a parcel, waiting or parked, with its content
sent/<date>/<id>    empty: that parcel was accepted on that day
damaged/<name>      what was among the waiting and is no parcel
lock                held while any of these is changed
delivering.lock     held by the one process that delivers
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from cachediff.delivery.files import decode, encode, find, locked, parcel_id, set_aside
from cachediff.delivery.retrying import begun, failed, is_due
from cachediff.delivery.uninterrupted import uninterrupted
from cachediff.errors import DeliveryError
from cachediff.model.delivery import (
    Accepted,
    DamagedParcel,
    DeliveryRound,
    OutboxContents,
    Outcome,
    Parcel,
)

REMEMBERED_FOR = timedelta(days=60)


class Outbox:
    """The outbox in `folder`, which need not be there yet; `write` writes a file atomically, durably.

    `write` gets a path and its content, and makes missing folders; what it leaves behind when it is
    killed has a name like `.*.tmp`. Times (`now`) are aware.

    Every method raises `DeliveryError` where the folder cannot be read or, if it changes anything,
    be written. What had been put in before is not lost by that, and what was accepted is not sent
    again.
    """

    def __init__(self, folder: Path, write: Callable[[Path, bytes], None]) -> None:
        self._folder = folder
        self._write = write
        self._waiting = folder / "waiting"
        self._sent = folder / "sent"
        self._damaged = folder / "damaged"

    def enqueue(
        self,
        kind: Literal["mail", "webhook"],
        destination: str,
        content: bytes,
        *,
        title: str,
        now: datetime,
    ) -> bool:
        """Put in one thing for one destination; once this returns, it is not lost.

        False where the same content for the same destination is there already, or was accepted within
        the last 60 days: nothing is changed then.
        """
        parcel = Parcel(
            id=parcel_id(kind, destination, content),
            kind=kind,
            destination=destination,
            title=title,
            created=now,
            next_try=now,
        )
        with self._changing():
            # In this order: what is accepted right now is marked as sent before it goes away.
            if find(self._waiting / parcel.id) or self._was_sent(parcel.id):
                return False
            set_aside(self._waiting / parcel.id, self._damaged)
            self._write(self._waiting / parcel.id, encode(parcel, content))
        return True

    def contents(self) -> OutboxContents:
        """Everything that waits, is parked or is damaged."""
        parcels = []
        damaged = [DamagedParcel(path.name, "it was set aside") for path in _files(self._damaged)]
        for path in _files(self._waiting):
            try:
                parcels.append(decode(path.name, path.read_bytes())[0])
            except FileNotFoundError:
                pass  # accepted meanwhile
            except OSError as error:
                damaged.append(DamagedParcel(path.name, f"it cannot be read: {error.strerror}"))
            except ValueError as error:
                damaged.append(DamagedParcel(path.name, str(error)))
        parcels.sort(key=lambda parcel: (parcel.created, parcel.id))
        return OutboxContents(tuple(parcels), tuple(damaged))

    def content(self, parcel_id: str) -> bytes:
        """What is to be delivered, byte for byte; `DeliveryError` where there is no such parcel."""
        return self._asked_for(parcel_id)[1]

    def due(self, now: datetime) -> tuple[Parcel, ...]:
        """The parcels to try now: what was tried least comes first, then what is oldest."""
        found = [parcel for parcel in self.contents().parcels if is_due(parcel, now)]
        # Should one of them bring the process down, the others have had their turn.
        return tuple(sorted(found, key=lambda parcel: parcel.attempts))

    def deliver_due(
        self, now: datetime, send: Callable[[Parcel, bytes], Outcome]
    ) -> DeliveryRound | None:
        """Give every parcel that is due to `send`; None where another process is at it.

        What `send` accepts is remembered, and goes; the rest waits or is parked (see `retrying`). An
        attempt is written down before it is made: a disk that is full or broken is met before a
        server has taken anything. SIGTERM and SIGINT wait for the parcel that is being sent.
        """
        accepted: list[Parcel] = []
        postponed: list[Parcel] = []
        parked: list[Parcel] = []
        with self._locked("delivering.lock", wait=False) as held:
            if not held:
                return None
            self._tidy(now)
            for due in self.due(now):
                tried = self._begin(due.id, now)
                if tried is None:
                    continue
                parcel, content = tried
                with uninterrupted():
                    outcome = send(parcel, content)
                    if isinstance(outcome, Accepted):
                        self._accept(parcel, now)
                        accepted.append(parcel)
                    else:
                        parcel = failed(parcel, outcome, now)
                        self._keep(parcel, content)
                        (parked if parcel.parked else postponed).append(parcel)
            damaged = self.contents().damaged
        return DeliveryRound(tuple(accepted), tuple(postponed), tuple(parked), damaged)

    def retry(self, parcel_id: str, now: datetime) -> Parcel:
        """Let a parcel be tried now, and for another five days.

        Raises:
            DeliveryError: there is none.
        """
        with self._changing():
            parcel, content = self._asked_for(parcel_id)
            parcel = replace(parcel, next_try=now, first_try=None, attempts=0, parked=False)
            self._write(self._waiting / parcel.id, encode(parcel, content))
        return parcel

    def drop(self, name: str) -> None:
        """Throw away a parcel, by its id, or what is damaged.

        Raises:
            DeliveryError: there is none.
        """
        with self._changing():
            for path in (*_files(self._waiting), *_files(self._damaged)):
                if path.name == name:
                    path.unlink()
                    return
        raise _not_there(name)

    def _begin(self, parcel_id: str, now: datetime) -> tuple[Parcel, bytes] | None:
        """Write down that a parcel is tried; None where it is not due, or not there, any more."""
        with self._changing():
            found = find(self._waiting / parcel_id)
            if not found or not is_due(found[0], now):
                return None
            parcel = begun(found[0], now)
            self._write(self._waiting / parcel_id, encode(parcel, found[1]))
        return parcel, found[1]

    def _accept(self, parcel: Parcel, now: datetime) -> None:
        try:
            with self._changing():
                self._write(self._sent / str(now.astimezone(UTC).date()) / parcel.id, b"")
        finally:
            # Even where the mark cannot be made, or the lock not be had: it must not be sent again.
            with self._errors():
                (self._waiting / parcel.id).unlink(missing_ok=True)

    def _keep(self, parcel: Parcel, content: bytes) -> None:
        with self._changing():
            if find(self._waiting / parcel.id):  # else it was dropped meanwhile
                self._write(self._waiting / parcel.id, encode(parcel, content))

    def _tidy(self, now: datetime) -> None:
        """Finish what a kill left half done, set aside what is damaged, forget what was sent long ago."""
        with self._changing():
            for path in _files(self._waiting):
                if self._was_sent(path.name):
                    path.unlink()
                    continue
                try:
                    decode(path.name, path.read_bytes())
                except ValueError:
                    set_aside(path, self._damaged)
                except OSError:
                    pass  # it may be readable the next time
            oldest = (now.astimezone(UTC) - REMEMBERED_FOR).date()
            for day in _files(self._sent):
                with contextlib.suppress(ValueError):
                    if date.fromisoformat(day.name) < oldest:
                        shutil.rmtree(day)
            # None of them is being written: that takes the lock.
            for unfinished in self._folder.glob("**/.*.tmp"):
                unfinished.unlink()

    def _was_sent(self, parcel_id: str) -> bool:
        return any((day / parcel_id).exists() for day in _files(self._sent))

    def _asked_for(self, name: str) -> tuple[Parcel, bytes]:
        # A person may have typed anything, such as a path.
        there = any(path.name == name for path in _files(self._waiting))
        found = find(self._waiting / name) if there else None
        if not found:
            raise _not_there(name)
        return found

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._locked("lock", wait=True), self._errors():
            yield

    @contextlib.contextmanager
    def _locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        with contextlib.ExitStack() as stack:
            with self._errors():
                held = stack.enter_context(locked(self._folder / name, wait=wait))
            yield held

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> DeliveryError:
        return DeliveryError(
            f"the outbox {self._folder} cannot be written: {error.strerror or error}",
            "what waits in it is kept, and delivered once it can be written again",
        )


def _files(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(sorted(path for path in folder.iterdir() if not path.name.startswith(".")))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise DeliveryError(f"{folder} cannot be read: {error.strerror}") from error


def _not_there(name: str) -> DeliveryError:
    return DeliveryError(f"there is no parcel {name!r} in the outbox")
