"""What a manifest format is, and what all of them share: front matter, hashes, duplicates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Protocol

from cachediff.manifests.interning import Interner
from cachediff.model.spec import Spec

HASH_LENGTH = 32
"""Characters of a DAG hash: 160 bits in base32 (Spack's `hash_types`, `base32_encode`)."""

_HASHES = re.compile(f"(?:[a-z2-7]{{{HASH_LENGTH}}})*")


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
    """The `key: value` lines between the two `---` of a page; lists below a key belong to its value.

    No YAML loader: a value is what stands on the line, untouched (`meta` and `spec_details` are one
    line of JSON each).

    Raises:
        UnreadableManifestError: empty, no front matter, cut short, or a key that stands twice.
    """
    lines = content.split(b"\n")
    if not content.strip():
        raise UnreadableManifestError(page, "the file is empty")
    if lines[0].strip() != b"---":
        raise UnreadableManifestError(page, "no front matter: the first line is not '---'")
    fields: dict[bytes, bytes] = {}
    key = b""
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t", b"\r", b""):
            if key and line.strip():
                fields[key] += b"\n" + line
        elif line.rstrip() == b"---":
            return fields
        else:
            key, colon, value = line.partition(b":")
            if not colon:
                raise UnreadableManifestError(
                    page, "a line of the front matter is not 'key: value'"
                )
            if key in fields:
                raise UnreadableManifestError(page, f"'{_shown(key)}' stands twice")
            fields[key] = value
    raise UnreadableManifestError(page, "cut short: the front matter does not end with '---'")


def check_hashes(page: str, hashes: list[str]) -> None:
    """Check that every hash has the shape of a DAG hash.

    Raises:
        UnreadableManifestError: naming the first record that has not.
    """
    if {*map(len, hashes)} <= {HASH_LENGTH} and _HASHES.fullmatch("".join(hashes)):
        return
    for number, text in enumerate(hashes, 1):
        if len(text) != HASH_LENGTH or not _HASHES.fullmatch(text):
            raise UnreadableManifestError(
                page, f"record {number}: hash: {text[:80]!r} is not 32 characters of a-z and 2-7"
            )


def each_hash_once(page: str, specs: list[Spec]) -> tuple[tuple[Spec, ...], list[tuple[str, str]]]:
    """The specs in hash order, each hash once, and a problem for every hash that stood there twice.

    Raises:
        UnreadableManifestError: one hash stands for two different specs.
    """
    by_hash = {spec.hash: spec for spec in specs}
    problems = []
    if len(by_hash) != len(specs):
        for spec in specs:
            kept = by_hash[spec.hash]
            if kept is not spec:
                if kept != spec:
                    raise UnreadableManifestError(
                        page, f"hash {spec.hash} stands for two different specs"
                    )
                problems.append((page, f"hash {spec.hash} is listed more than once"))
    return tuple(sorted(by_hash.values(), key=attrgetter("hash"))), problems


def _shown(raw: bytes) -> str:
    return raw[:80].decode("utf-8", "replace")
