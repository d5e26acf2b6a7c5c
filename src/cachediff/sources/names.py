"""Names of snapshots: `[SOURCE:]COLLECTION[@WHEN]`, globs with `~N`, and what to say to a wrong one."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from cachediff.errors import NameNotFoundError, UsageError
from cachediff.model.version import Version

PREVIOUS = "previous"
"""The WHEN that means the stored snapshot before the newest."""

_BACK = re.compile(r"(?P<glob>.*[*?\[].*)~(?P<back>\d{1,9})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?P<time>[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?)?")


class SnapshotName(msgspec.Struct, frozen=True):
    """A name as it was typed, taken apart.

    `back` counts from the newest match of a glob, 0 being the newest itself. `when` is what git
    resolves, an ISO date or time, `previous`, or None for the newest.
    """

    text: str
    source: str | None
    collection: str
    back: int = 0
    when: str | None = None

    @property
    def is_glob(self) -> bool:
        """Whether the collection is a pattern."""
        return any(character in self.collection for character in "*?[")


def parse_name(text: str) -> SnapshotName:
    """Take `[SOURCE:]COLLECTION[~N][@WHEN]` apart.

    Raises:
        UsageError: it is empty, or has control characters.
    """
    rest, at, when = text.partition("@")
    source, colon, collection = rest.rpartition(":")
    back = 0
    if match := _BACK.fullmatch(collection):
        collection, back = match["glob"], int(match["back"])
    if not collection or (at and not when) or (colon and not source) or not text.isprintable():
        raise UsageError(
            f"{text!r} is not the name of a snapshot",
            "a name is [SOURCE:]COLLECTION[@WHEN], such as develop, develop-*~1 or "
            "develop@2025-04-20",
        )
    return SnapshotName(text, source or None, collection, back, when or None)


def until(when: str) -> datetime | None:
    """The moment that the ISO date or time `when` means, in UTC, which it is in unless it says otherwise.

    A date alone means the whole day. None if `when` is neither date nor time.

    Raises:
        UsageError: it has the form of a date, but there is no such day or hour.
    """
    match = _DATE.fullmatch(when)
    if not match:
        return None
    try:
        time = datetime.fromisoformat(when)
        if not match["time"]:
            time = time.replace(hour=23, minute=59, second=59)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{when!r} is not a date or time: {error}") from error


def newest_first(names: Iterable[str]) -> list[str]:
    """Collections in Spack's order of versions, of the numbers in dates and versions, newest first."""
    return sorted(names, key=lambda name: (Version(name), name), reverse=True)


def newest_few(names: Iterable[str]) -> list[str]:
    """The five collections to show of many, each with its source or not: `develop` and the newest."""
    return sorted(newest_first(names), key=lambda name: name.rpartition(":")[2] != "develop")[:5]


def choose(name: SnapshotName, collections: Iterable[str], where: str) -> str:
    """The one of `collections` that `name` means; `where` says where they were looked for.

    Raises:
        NameNotFoundError: there is none; the hint has close names.
    """
    known = list(collections)
    if not name.is_glob:
        if name.collection in known:
            return name.collection
        raise NameNotFoundError(
            f"there is no collection {name.collection!r} in {where}",
            close_names(name.collection, known),
        )
    matches = newest_first(fnmatch.filter(known, name.collection))
    if not matches:
        raise NameNotFoundError(
            f"no collection in {where} matches {name.collection!r}",
            close_names(name.collection, known),
        )
    if name.back >= len(matches):
        raise NameNotFoundError(
            f"only {len(matches)} collections in {where} match {name.collection!r}, "
            f"none is {name.back} before the newest",
            f"the oldest is {matches[-1]}",
        )
    return matches[name.back]


def close_names(wanted: str, known: Iterable[str]) -> str:
    """A sentence with the names most like `wanted`, or with the newest few where none is like it."""
    names = list(known)
    close = difflib.get_close_matches(wanted, names, n=5, cutoff=0.5)
    if close:
        return f"did you mean {', '.join(close)}?"
    if not names:
        return ""
    shown = newest_few(names)
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"there are {', '.join(shown)}{more}"
