"""The hashes that a collection lists, in eight bytes each: enough to tell that one is not listed."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

_LENGTH = 8


class ListedHashes:
    """The first eight characters (40 bits) of every hash, as often as manifests list it, in order.

    Two hashes may look alike, so what looks as if it were listed has to be looked up; what does not
    is not listed. `encoded` is what `encode` gave.
    """

    def __init__(self, encoded: bytes) -> None:
        self._values = array("Q", encoded)

    @classmethod
    def of(cls, hashes: Iterable[str]) -> ListedHashes:
        """Those of DAG hashes, of 32 characters each."""
        return cls(array("Q", sorted(_values(hashes))).tobytes())

    def encode(self) -> bytes:
        """The same as bytes, for this machine."""
        return self._values.tobytes()

    def alike(self, hashes: Iterable[str]) -> set[str]:
        """What those of `hashes` begin with that look as if they were listed here."""
        return {_beginning(value) for value in _values(hashes) if self._has(value)}

    def repeated(self) -> set[str]:
        """What hashes begin with that look as if they were listed more than once."""
        return {_beginning(one) for one, next_ in pairwise(self._values) if one == next_}

    def without(self, hashes: Iterable[str]) -> ListedHashes:
        """These but `hashes`, which are some of them."""
        return self._changed(hashes, -1)

    def plus(self, hashes: Iterable[str]) -> ListedHashes:
        """These and `hashes`."""
        return self._changed(hashes, 1)

    def _has(self, value: int) -> bool:
        place = bisect_left(self._values, value)
        return self._values[place : place + 1] == array("Q", [value])

    def _changed(self, hashes: Iterable[str], sign: int) -> ListedHashes:
        values = array("Q")
        done = 0
        for value, number in sorted(Counter(_values(hashes)).items()):
            start = bisect_left(self._values, value, done)
            values += self._values[done:start]
            if sign > 0:
                values.extend([value] * number)
            done = start if sign > 0 else start + number
        return ListedHashes((values + self._values[done:]).tobytes())


def beginning(hash_: str) -> str:
    """What of a hash is kept here."""
    return hash_[:_LENGTH]


def _values(hashes: Iterable[str]) -> array[int]:
    return array("Q", "".join([hash_[:_LENGTH] for hash_ in hashes]).encode())


def _beginning(value: int) -> str:
    return array("Q", [value]).tobytes().decode()
