"""Hashes as the index keeps them: the 20 bytes that 32 characters of base32 stand for."""

from __future__ import annotations

import base64
from string import ascii_lowercase, digits
from typing import TypeAlias

Packed: TypeAlias = bytes | str
"""A hash as it is kept: as text where it is none of Spack's."""

_BASE = _LENGTH = 32
_BYTES = 20
_ALPHABET = f"{ascii_lowercase}234567".encode()
_AS_DIGITS = bytes.maketrans(_ALPHABET, (digits + ascii_lowercase[:22]).encode())
_DIGITS = bytes(_AS_DIGITS[byte] if byte in _ALPHABET else ord("!") for byte in range(256))
"""To digits of base 32 as `int` reads them, which is many times as fast as `base64`."""


def packed(hash_: str) -> Packed:
    """A hash as it is kept."""
    if len(hash_) != _LENGTH:
        return hash_
    try:
        return int(hash_.encode().translate(_DIGITS), _BASE).to_bytes(_BYTES, "big")
    except ValueError:
        return hash_


def unpacked(kept: Packed) -> str:
    """The hash that is kept as `kept`."""
    return kept if isinstance(kept, str) else base64.b32encode(kept).decode().lower()


def between(prefix: str) -> list[tuple[Packed, Packed]]:
    """The ranges, first and last, in which the hashes are kept that begin with `prefix`."""
    ranges: list[tuple[Packed, Packed]] = [(prefix, f"{prefix}\U0010ffff")]
    first, last = packed(prefix.ljust(_LENGTH, "a")), packed(prefix.ljust(_LENGTH, "7"))
    if isinstance(first, bytes):
        ranges.append((first, last))
    return ranges
