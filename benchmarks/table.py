"""The table: one line for each thing measured, printed as soon as it is known."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

_FORMAT = "{:38} {:>9}  {:46} {:>9}  {:>7} {:>14}  {:>8}  {}"


class Row(msgspec.Struct, frozen=True):
    """One line. `limit` is what `figure` should not exceed, None where nothing is aimed at."""

    what: str
    measured: str
    baseline: str = ""
    beside: str = ""
    ratio: str = ""
    spread: str = ""
    figure: float | None = None
    limit: float | None = None
    unit: str = ""

    def __str__(self) -> str:
        target = "" if self.limit is None else f"<= {self.limit:g}{self.unit}"
        verdict = ""
        if self.figure is not None and self.limit is not None:
            verdict = "within" if self.figure <= self.limit else "over"
        cells = (self.what, self.measured, self.baseline, self.beside, self.ratio, self.spread)
        return _FORMAT.format(*cells, target, verdict).rstrip()


HEADER = _FORMAT.format(
    "what", "measured", "beside", "measured", "ratio", "lowest-highest", "target", ""
).rstrip()


def ratio_row(
    what: str,
    seconds: Sequence[float],
    baseline: str,
    beside: Sequence[float],
    limit: float | None = None,
) -> Row:
    """A line of medians: of the seconds of both, and of what one is of the other in each round."""
    each = [one / other for one, other in zip(seconds, beside, strict=True)]
    return Row(
        what,
        as_seconds(median(seconds)),
        baseline,
        as_seconds(median(beside)),
        f"{median(each):.2f}",
        f"{min(each):.2f}-{max(each):.2f}",
        median(each),
        limit,
    )


def peak_row(what: str, peaks: Sequence[int], limit: float | None) -> Row:
    """A line of the highest of some peaks, in bytes; `limit` is in MB (10^6 bytes)."""
    peak = max(peaks) / 1e6
    return Row(what, f"{peak:.0f} MB", figure=peak, limit=limit, unit=" MB")


def as_seconds(seconds: float) -> str:
    """Seconds as a reader wants them."""
    return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
