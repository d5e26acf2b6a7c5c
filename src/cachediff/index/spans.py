"""Spans: when a hash was there, in all collections; many hashes share the same ones.

A span is the point at which it was there first, and the one at which it was not any more, 0 while there
is none. Points are numbered over all collections, and ascend in each.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TypeAlias

import msgspec

Spans: TypeAlias = tuple[tuple[int, int], ...]
"""In order of their first points."""

OPEN = 0

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[int])


def encoded(spans: Spans) -> bytes:
    """Spans as they are kept."""
    return _encoder.encode([point for span in spans for point in span])


def decoded(kept: bytes) -> Spans:
    """The spans that are kept as `kept`; `msgspec.DecodeError` where it is none."""
    points = _decoder.decode(kept)
    return tuple(zip(points[::2], points[1::2], strict=True))


def begun(spans: Spans, first: int) -> Spans:
    """These, and one that begins at `first`."""
    return tuple(sorted((*spans, (first, OPEN))))


def is_open(spans: Spans, points: Set[int]) -> bool:
    """Whether one that began at one of `points` has not ended."""
    return any(gone == OPEN and first in points for first, gone in spans)


def ended(spans: Spans, points: Set[int], gone: int) -> Spans:
    """These, of which the one that began at one of `points`, and has not ended, ends at `gone`."""
    return tuple((first, gone if end == OPEN and first in points else end) for first, end in spans)


def without(spans: Spans, points: Set[int]) -> Spans:
    """These, as they were before there were `points`."""
    return tuple(
        (first, OPEN if gone in points else gone) for first, gone in spans if first not in points
    )
