"""Digests as the ledger holds them: which nights are told in one mail."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

TABLE = """
CREATE TABLE IF NOT EXISTS digest (
    number INTEGER PRIMARY KEY,
    delivery TEXT NOT NULL,
    address TEXT NOT NULL,
    period TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    still_due TEXT NOT NULL,
    ended INTEGER NOT NULL,
    made INTEGER NOT NULL,
    checksum INTEGER NOT NULL
)
"""
WRITE = """
INSERT OR REPLACE INTO digest
    (delivery, address, period, first, last, still_due, ended, made, number, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ALL = """
SELECT delivery, address, period, first, last, still_due, ended, made, number, checksum
FROM digest ORDER BY number
"""


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """A digest that is planned: which nights are told in one mail, to one recipient of a delivery.

    They are those of the numbers `first` to `last` in the ledger; there are none where a recipient
    begins to get digests. `period` is the date or the week that it is of (`2025-04-21`, `2025-W17`),
    empty where it is of none. `still_due` names the jobs that were not done when it was planned.
    `ended` says that none follows it, `made` that its mail is in the outbox, or that there is none to
    send. `number` is its own, None until it is written down.
    """

    delivery: str
    address: str
    first: int
    last: int
    period: str = ""
    still_due: tuple[str, ...] = ()
    ended: bool = False
    made: bool = False
    number: int | None = None


def values_of(digest: Digest) -> tuple[str | int | None, ...]:
    """The columns of a digest, in the order of `WRITE` and `ALL`, without the checksum."""
    return (
        digest.delivery,
        digest.address,
        digest.period,
        digest.first,
        digest.last,
        msgspec.json.encode(digest.still_due).decode(),
        int(digest.ended),
        int(digest.made),
        digest.number,
    )


def digest_of(values: Sequence[object]) -> Digest:
    """The digest of these columns; `msgspec.MsgspecError` where they are of none."""
    delivery, address, period, first, last, still_due, ended, made, number = values
    return msgspec.convert(
        {
            "delivery": delivery,
            "address": address,
            "period": period,
            "first": first,
            "last": last,
            "still_due": msgspec.json.decode(str(still_due)),
            "ended": bool(ended),
            "made": bool(made),
            "number": number,
        },
        Digest,
    )
