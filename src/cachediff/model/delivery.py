"""Delivery: what is delivered, by what and to whom, and what came of it."""

from __future__ import annotations

import ipaddress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from cachediff.model.snapshot import Origin


class Secret:
    """A text that is not shown: its `repr` and `str` are asterisks, and nothing encodes it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('****')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """An SMTP server that takes our mails.

    `sender` is the address that a mail comes from. `security` says how the connection is encrypted:
    by `starttls`, by `tls` from the first byte on, or not at all. `timeout` is in seconds, for the
    connection and for each reply. `ca_file` holds the certificates to trust (PEM) instead of the
    system's.

    Raises `ValueError` where only one of user name and password is given, or they would be sent in
    clear text to another machine.
    """

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: Secret | None = None
    timeout: float = 60.0
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if (self.username is None) != (self.password is None):
            raise ValueError("a user name and a password belong together")
        if self.password and self.security == "none" and not is_loopback(self.host):
            raise ValueError("a password is not sent in clear text to another machine")


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """An address that takes notices: `url` is secret, since who knows it can post there.

    `form` is what it understands. `allow_http` lets notices pass in clear text to another machine.
    `timeout` is in seconds, for the connection and for the reply. `ca_file` holds the certificates
    to trust (PEM) instead of the system's.

    Raises `ValueError` where the URL is none of `https`, or of `http` that is allowed.
    """

    name: str
    url: Secret
    form: Literal["json", "slack", "mattermost"] = "json"
    allow_http: bool = False
    timeout: float = 30.0
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        _check_url(self.url, self.allow_http)


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """An address that is asked for after each good night, so that its silence is noticed.

    `url` is secret, since who knows it can pretend that all is well. The rest is as for `Webhook`.

    Raises `ValueError` where the URL is none of `https`, or of `http` that is allowed.
    """

    url: Secret
    allow_http: bool = False
    timeout: float = 10.0
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        _check_url(self.url, self.allow_http)


def _check_url(secret: Secret, allow_http: bool) -> None:
    try:
        url = urlsplit(secret.reveal())
        host = url.hostname if url.port != 0 else None
    except ValueError:
        # Not the reason that Python gives: the URL is in it.
        raise ValueError("the URL is none") from None
    if url.scheme not in {"https", "http"} or not host or url.username is not None:
        raise ValueError("the URL is not of the form https://host/path")
    if url.scheme == "http" and not (allow_http or is_loopback(host)):
        raise ValueError("the URL is not https, and http to another machine is not allowed")


def is_loopback(host: str) -> bool:
    """Whether this host, as a name or an address, is the machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class NoticeFinding(msgspec.Struct, frozen=True):
    """What a gate found, in a line of plain text; `accepted` says that it does not count."""

    gate: str
    text: str
    accepted: bool = False


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A report in short, as a webhook gets it.

    `headline` and `suspicions` are plain text; `url` is where the whole report can be read, None
    where it is nowhere. `night` is the one that is told, None where it is none of a job.
    """

    job: str
    headline: str
    old: Origin
    new: Origin
    url: str | None = None
    findings: tuple[NoticeFinding, ...] = ()
    suspicions: tuple[str, ...] = ()
    night: date | None = None


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be delivered to one destination; the outbox has its content.

    `id` (32 hexadecimal digits) follows from kind, destination and content. `destination` is the
    address of a recipient or the name of a webhook; `title` tells people what it is. Times are in
    UTC. `attempts` counts those that were begun since `first_try`; `parked` says that none follows
    unless someone asks for it.
    """

    id: str
    kind: Literal["mail", "webhook"]
    destination: str
    title: str
    created: datetime
    next_try: datetime
    first_try: datetime | None = None
    attempts: int = 0
    last_error: str = ""
    parked: bool = False


class Accepted(msgspec.Struct, frozen=True):
    """A server has taken it; `reply` is what it said."""

    reply: str


class Postponed(msgspec.Struct, frozen=True):
    """It could not be delivered now, and may be later: not before `wait` is over."""

    reason: str
    wait: timedelta = timedelta(0)


class Refused(msgspec.Struct, frozen=True):
    """It will not be taken, however often it is tried."""

    reason: str


Outcome: TypeAlias = Accepted | Postponed | Refused


class DamagedParcel(msgspec.Struct, frozen=True):
    """A file of the outbox, by its name, that is not what was written there, or cannot be read."""

    name: str
    reason: str


class OutboxContents(msgspec.Struct, frozen=True):
    """What is in the outbox: parcels, oldest first, and files that cannot be understood."""

    parcels: tuple[Parcel, ...]
    damaged: tuple[DamagedParcel, ...]


class DeliveryRound(msgspec.Struct, frozen=True):
    """What became of the parcels that were due: each as it is now, with its last error.

    `damaged` are all files of the outbox that cannot be understood.
    """

    accepted: tuple[Parcel, ...]
    postponed: tuple[Parcel, ...]
    parked: tuple[Parcel, ...]
    damaged: tuple[DamagedParcel, ...]
