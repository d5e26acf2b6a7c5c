"""The one error tree: what the program says when it cannot go on.

Every error that a user can cause or meet is a `CachediffError`. Entry points print its message and hint
and exit with 2. Beside it they catch what the system says of output that cannot be written, and nothing
else.
"""

from __future__ import annotations

from pathlib import PurePath


class CachediffError(Exception):
    """Something that stops a command, told for the person who ran it.

    `message` says what is wrong in one sentence; `hint` says what to do next (empty when there is
    nothing better to say than the message).
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NameNotFoundError(CachediffError):
    """A source, collection, revision or stored snapshot that does not exist; the hint lists close names."""


class SourceError(CachediffError):
    """A source that cannot be read: no repository, no manifests in it, git failed, upstream unreachable."""


class ConfigError(CachediffError):
    """`config.yaml` does not say what it must; the message names the key."""


class StoreError(CachediffError):
    """The store cannot be read or written."""


class DamagedSnapshotError(StoreError):
    """A stored snapshot whose bytes are not those that were written.

    `path` is the file that is damaged and `reason` why, where that is known: the snapshot's own, or one
    that it is a step on.
    """

    def __init__(
        self, message: str, hint: str = "", path: PurePath | None = None, reason: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.path = path
        self.reason = reason


class UsageError(CachediffError):
    """A request that contradicts itself or is not of the form that the command takes."""


class ReportError(CachediffError):
    """A report that cannot be made: a template that is not one, a comparison that cannot be read back."""


class DeliveryError(CachediffError):
    """What is to be delivered cannot be kept, or a parcel is asked for that is not there."""
