"""The keys of `config.yaml` as they are written, and what may stand there."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec

from cachediff.config.explaining import HIDDEN
from cachediff.model.gates import Acceptance, Count, Globs, Line
from cachediff.model.jobs import Address, Event, Recipient

FormatName: TypeAlias = Literal["json", "html", "markdown", "text", "eml", "release-notes"]

_HIDDEN = {HIDDEN: True}
_Variable = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A[A-Za-z_][A-Za-z0-9_]*\Z",
        description="the name of an environment variable",
        extra=_HIDDEN,
    ),
]
_HiddenLine = Annotated[
    str,
    msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]+\Z", description="one line of text", extra=_HIDDEN),
]
_Seconds = Annotated[
    float, msgspec.Meta(gt=0, le=3600, description="a number of seconds, more than 0, up to 3600")
]
_Port = Annotated[int, msgspec.Meta(ge=1, le=65_535, description="a whole number from 1 to 65535")]
_Host = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A[A-Za-z0-9:][A-Za-z0-9.:_-]*\Z", description="the name or address of a machine"
    ),
]


class FileKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.yaml` as it is written. What has a name is looked at on its own, so that it can be named."""

    sources: Any
    store: Line = "snapshots"
    state: Line | None = None
    reports: Line = "reports"
    templates: Line | None = None
    free_space: Count = 256
    jobs: Any = None
    retention: Any = None
    deliver: Any = None
    heartbeat: Any = None


class JobKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A job as it is written. Gates are looked at one by one, so that each can be named."""

    compare: tuple[Line, Line]
    specs: Globs = ()
    stacks: Globs = ()
    os: Globs = ()
    targets: Globs = ()
    compilers: Globs = ()
    kinds: Globs = ()
    schedule: Line | None = None
    timezone: Line | None = None
    on: Event | None = None
    formats: tuple[FormatName, ...] = get_args(FormatName)
    gates: Any = None
    accept: tuple[Acceptance, ...] = ()
    deliver: tuple[Line, ...] = ()


class MailKeys(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="mail"
):
    """A mail server and its recipients, as they are written."""

    host: _Host
    sender: Address
    recipients: tuple[Recipient, ...]
    port: _Port | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Line | None = None
    password_env: _Variable | None = None
    password_file: _HiddenLine | None = None
    timeout: _Seconds = 60.0
    ca_file: Line | None = None


class WebhookKeys(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="webhook"
):
    """A webhook, as it is written."""

    form: Literal["json", "slack", "mattermost"] = "json"
    url: _HiddenLine | None = None
    url_env: _Variable | None = None
    url_file: _HiddenLine | None = None
    allow_http: bool = False
    timeout: _Seconds = 30.0
    ca_file: Line | None = None


class HeartbeatKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for after each good night, as it is written."""

    url: _HiddenLine | None = None
    url_env: _Variable | None = None
    url_file: _HiddenLine | None = None
    allow_http: bool = False
    timeout: _Seconds = 10.0
    ca_file: Line | None = None
