"""What is written on a mail, apart from what it says."""

from __future__ import annotations

from datetime import date

import msgspec


class Envelope(msgspec.Struct, frozen=True):
    """From whom a mail is, to whom, and which others it belongs to.

    `job` names what is told again and again, such as `nightly`; its mails are one thread, and one
    list to a reader's filters. `previous` is the Message-ID of the mail before this one, None for the
    first. `night` is that on which a job ran, which tells its mails apart where nothing else does; None
    where no job did.
    """

    job: str = "compare"
    sender: str = "cachediff@localhost"
    recipients: tuple[str, ...] = ()
    previous: str | None = None
    night: date | None = None
