"""What a server or the system says, made fit to be kept and shown."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 300
"""Most characters of a reason."""


def reason(said: str | bytes, secrets: Sequence[str] = (), longest: int = LONGEST) -> str:
    """Return what was said on one line, cut, with nothing in it that a terminal obeys, nor a secret."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    # The longest first: one may hold another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "****")
    text = "".join(char if char.isprintable() else " " for char in text[: 4 * longest])
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
