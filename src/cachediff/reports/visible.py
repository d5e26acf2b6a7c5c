"""Text from data, made safe to look at."""

from __future__ import annotations

LONGEST = 200
"""Most characters of one value in a report for people; the JSON has them all."""


def visible(value: str, longest: int = LONGEST) -> str:
    r"""Return a value on one line, with nothing in it that acts instead of being seen.

    Control characters, line breaks, escape sequences, bidirectional overrides, zero-width characters
    and lone surrogates become their Python escapes (`\x1b`, `\n`, `\u202e`). What is longer than
    `longest` is cut and ends in `…`. An empty value is `(empty)`.
    """
    if not value:
        return "(empty)"
    if len(value) > longest:
        value = value[: longest - 1] + "…"
    if value.isprintable():
        return value
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in value
    )
