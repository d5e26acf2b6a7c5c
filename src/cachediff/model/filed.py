"""A filed report: what is known of it without reading it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from cachediff.model.snapshot import Origin


class FiledReport(msgspec.Struct, frozen=True, kw_only=True):
    """One report that was published, in each format.

    `job` names what is told again and again, `name` this report among those of the job: its date or,
    where that was taken, the date and a number (`2025-04-20`, `2025-04-20.2`). `updated` is the time of
    the new side in UTC (`2025-04-20T03:12:09Z`). `headline` and `suspicions` are plain text, `sha256`
    is that of the comparison's JSON without its notices, `message_id` that of the mail, empty if it is
    not known; `formats` maps each format to the name of its file. `red` says that a gate
    found what was not accepted. `untold` is the time of the night of which it says that nothing is
    known, None where it tells one.
    """

    job: str
    name: str
    updated: str
    headline: str
    suspicions: tuple[str, ...]
    old: Origin
    new: Origin
    sha256: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    message_id: str
    formats: dict[str, str]
    red: bool = False
    untold: str | None = None

    @property
    def id(self) -> str:
        """A `tag:` URI (RFC 4151) that no other report of the folder has."""
        return f"tag:cachediff,{self.name[:10]}:{self.job}/{self.name}/{self.sha256[:32]}"

    @property
    def number(self) -> int:
        """Which of the job's reports of the same date it is, from 1 on."""
        return int(self.name.partition(".")[2] or 1)
