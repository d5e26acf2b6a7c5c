"""Spack's order of versions.

The rules are those of `StandardVersion` and `GitVersion` in Spack's
`lib/spack/spack/version/version_types.py`, told in its packaging guide under "Version comparison".
Spack compares component by component; here each version has one sort key, computed once.
"""

from __future__ import annotations

import re
from typing import NoReturn, TypeAlias, final

_Component: TypeAlias = tuple[int, int, str]
_Key: TypeAlias = tuple[tuple[_Component, ...], _Component, tuple[str, ...]]

# Spack's SEGMENT_REGEX, widened: what cannot stand in a valid version belongs to a word, so that it
# counts. Spack refuses such a text; skipping the character would make it equal to another version.
_SEGMENT = re.compile(r"([0-9]+)|([^0-9_.-]+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")

_WORD, _NUMBER, _INFINITY = range(3)
_INFINITIES = {
    word: (_INFINITY, rank, "")
    for rank, word in enumerate(("stable", "trunk", "head", "master", "main", "develop"))
}

_PRERELEASES = {"alpha": 0, "beta": 1, "rc": 2, "final": 3}
_UNNUMBERED = -1
_FINAL: _Component = (_PRERELEASES["final"], _UNNUMBERED, "")


@final
class Version:
    """A version of a package, in Spack's order. Immutable and hashable.

    `text` is the version as found. Any text is a version: nothing raises, and the order is total.

    - `develop` > `main` > `master` > `head` > `trunk` > `stable` > numbers > other words; a version
      is less than one that it begins (`2.0.1` < `2.0.1a`).
    - `1.2alpha` < `1.2beta` < `1.2rc` < `1.2rc1` < `1.2`, at the end of a version only; `1.2final`
      equals `1.2`.
    - Separators and leading zeros do not matter: `2_0` equals `2.0`, `10.0001` equals `10.1`.
    - `git.<ref>=<version>`, `<commit>=<version>` come right after the version that they are said to
      be, by ref. Without `=<version>` they count as version `0`, as in Spack where no release
      precedes the commit.
    - `=1.2` and `@=1.2` (Spack's "exactly this version") equal `1.2`.
    """

    __slots__ = ("_hash", "_key", "text")

    text: str
    _key: _Key
    _hash: int

    def __init__(self, text: str) -> None:
        key = _sort_key(text)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "_hash", hash(key))

    def first_difference(self, other: Version) -> int | None:
        """Place, from 0, of the first component in which two versions differ.

        None where none does: pre-releases and git refs are no components.
        """
        mine, others = self._key[0], other._key[0]
        for place, (one, another) in enumerate(zip(mine, others, strict=False)):
            if one != another:
                return place
        return None if mine == others else min(len(mine), len(others))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Version) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return self._key != other._key if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._key < other._key if isinstance(other, Version) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self._key <= other._key if isinstance(other, Version) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self._key > other._key if isinstance(other, Version) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self._key >= other._key if isinstance(other, Version) else NotImplemented

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Version is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Version is immutable: cannot delete {name!r}")

    def __reduce__(self) -> tuple[type[Version], tuple[str]]:
        # By text: hashes of strings, and so the cached one, differ from process to process.
        return Version, (self.text,)


def _sort_key(text: str) -> _Key:
    """Key of a version: its release, its prerelease, and its git ref (none for a plain version)."""
    string = text.strip().removeprefix("@=").removeprefix("=")
    if not (string.startswith("git.") or "=" in string or _COMMIT.fullmatch(string)):
        return (*_standard_key(string), ())
    ref, equals, version = string.removeprefix("git.").partition("=")
    return (*_standard_key(version if equals else "0"), (ref,))


def _standard_key(string: str) -> tuple[tuple[_Component, ...], _Component]:
    """Release and prerelease of a version without a git ref (Spack's `parse_string_components`)."""
    segments: list[tuple[str, str]] = _SEGMENT.findall(string)
    prerelease = _FINAL
    if len(segments) >= 3 and segments[-1][0] and segments[-2][1] in _PRERELEASES:
        prerelease = _number(_PRERELEASES[segments[-2][1]], segments[-1][0])
        del segments[-2:]
    elif len(segments) >= 2 and segments[-1][1] in _PRERELEASES:
        prerelease = (_PRERELEASES[segments[-1][1]], _UNNUMBERED, "")
        del segments[-1]
    release = tuple(
        [
            _number(_NUMBER, digits) if digits else _INFINITIES.get(word) or (_WORD, 0, word)
            for digits, word in segments
        ]
    )
    return release, prerelease


def _number(kind: int, digits: str) -> _Component:
    """Order a number by its length, then its digits: `int` refuses more than 4,300 of them."""
    significant = digits.lstrip("0")
    return kind, len(significant), significant
