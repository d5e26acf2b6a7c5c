"""What a manifest format is, and what all share: front matter, decoding errors, hashes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter, lt
from typing import Protocol

import msgspec

from cachediff.manifests.interning import Interner
from cachediff.model.spec import Spec

HASH_LENGTH = 32
"""Characters of a DAG hash: 160 bits in base32 (Spack's `hash_types`, `base32_encode`)."""

DECODING_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a msgspec decoder raises on bytes that are not what it decodes."""

_hash = attrgetter("hash")
_BASE32 = b"abcdefghijklmnopqrstuvwxyz234567"
_MOST_SHOWN = 80
"""Characters of a text as found that a reason shows."""


class UnreadableManifestError(Exception):
    """The specs of a manifest cannot be known for certain. `file` is where, `reason` says why.

    It never leaves this room: `manifests.parse` turns it into a problem.
    """

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


class ManifestFormat(Protocol):
    """One layout that the history of the cache pages holds."""

    page: str
    """Name of the manifest's main file."""

    def recognises(self, front_matter: Mapping[bytes, bytes]) -> bool:
        """Whether a page with this front matter is of this format."""

    def read(
        self,
        package: str,
        front_matter: Mapping[bytes, bytes],
        files: Mapping[str, bytes],
        interner: Interner,
    ) -> tuple[list[Spec], list[tuple[str, str]]]:
        """The specs that the manifest lists, in any order, and its problems as (file, reason).

        Raises:
            UnreadableManifestError: a record is missing or cannot be understood; one that is left
                out would look like one that was removed.
        """


def front_matter(page: str, content: bytes) -> dict[bytes, bytes]:
    """The `key: value` lines between the two `---` of a page; indented lines belong to the key above.

    No YAML loader: a value is what stands on the line, untouched (`meta` and `spec_details` are one
    line of JSON each).

    Raises:
        UnreadableManifestError: empty, no front matter, cut short, or a key that stands twice.
    """
    lines = io.BytesIO(content)
    if lines.readline().strip() != b"---":
        blank = not content.strip()
        reason = "the file is empty" if blank else "no front matter: the first line is not '---'"
        raise UnreadableManifestError(page, reason)
    fields: dict[bytes, list[bytes]] = {}
    value: list[bytes] = []
    for line in lines:
        if line[:1].isspace():
            value.append(line)
        elif line.startswith(b"---") and line.rstrip() == b"---":
            return {key: b"".join(value) for key, value in fields.items()}
        else:
            key, colon, first = line.partition(b":")
            if not colon:
                raise UnreadableManifestError(
                    page, "a line of the front matter is not 'key: value'"
                )
            if key in fields:
                raise UnreadableManifestError(page, f"{quoted(key)} stands twice")
            value = fields[key] = [first]
    raise UnreadableManifestError(page, "cut short: the front matter does not end with '---'")


def list_items(page: str, key: str, value: bytes) -> list[str]:
    """The items of a list in the front matter: one a line, below its key, each after `- `.

    Raises:
        UnreadableManifestError: one of the lines is no item.
    """
    items = []
    for line in value.split(b"\n"):
        if text := line.decode("utf-8", "replace").strip():
            if not text.startswith("- "):
                raise UnreadableManifestError(page, f"{key}: not a list item: {quoted(text)}")
            items.append(text.removeprefix("- "))
    return items


def check_hashes(page: str, hashes: list[str]) -> None:
    """Check that every hash has the shape of a DAG hash.

    Raises:
        UnreadableManifestError: naming the first record that has not.
    """
    if {*map(len, hashes)} <= {HASH_LENGTH} and _is_base32("".join(hashes)):
        return
    for number, text in enumerate(hashes, 1):
        if len(text) != HASH_LENGTH or not _is_base32(text):
            raise UnreadableManifestError(
                page, f"record {number}: hash: {quoted(text)} is not 32 characters of a-z and 2-7"
            )


def each_hash_once(page: str, specs: list[Spec]) -> tuple[tuple[Spec, ...], list[tuple[str, str]]]:
    """The specs in hash order, each hash once, and a problem for every hash that stood there twice.

    Raises:
        UnreadableManifestError: one hash stands for two different specs.
    """
    hashes = list(map(_hash, specs))
    if all(map(lt, hashes, hashes[1:])):  # as every page since March 2025 has them
        return tuple(specs), []
    ordered = sorted(specs, key=_hash)
    unique, problems = [], []
    for hash_, group in groupby(ordered, key=_hash):
        first, *others = group
        # Versions that are equal may be spelled differently, and which of them is it then?
        if any(one != first or one.version.text != first.version.text for one in others):
            raise UnreadableManifestError(page, f"hash {hash_} stands for two different specs")
        if others:
            problems.append((page, f"hash {hash_} is listed {len(others) + 1} times"))
        unique.append(first)
    return tuple(unique), problems


def quoted(text: str | bytes) -> str:
    """A text as found, for a reason: on one line, in quotes, not too long."""
    if isinstance(text, bytes):
        text = text[:_MOST_SHOWN].decode("utf-8", "replace")
    return repr(text[:_MOST_SHOWN])


def fault(where: str, error: Exception) -> str:
    """What a decoder has against the value at `where`, and at which place inside it."""
    match error:
        case RecursionError():
            message, path = "it is nested too deeply", ""
        case UnicodeDecodeError():
            message, path = f"{quoted(error.object)} is not UTF-8", ""
        case _:
            # msgspec ends its message with the path, `$.arch.target`.
            message, _, path = str(error).partition(" - at `$")
    place = (where + path.rstrip("`")).removeprefix(".")
    return f"{place}: {message}" if place else message


def _is_base32(text: str) -> bool:
    return not text.encode().translate(None, _BASE32)
