"""What was asked for on the command line."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.upstream import SPECS, Upstream, upstream_of


class Plan(msgspec.Struct, frozen=True):
    """Rounds of each measurement, specs of the upstream, the folder where upstreams are kept."""

    runs: int
    specs: int
    folder: Path

    def upstream(self, times: int = 1) -> Upstream:
        """The upstream to measure on, or one that is `times` as large."""
        return upstream_of(self.specs, times, self.folder)

    def target(self, limit: float) -> float | None:
        """What is aimed at: on an upstream of the real size only, others have other proportions."""
        return limit if self.specs == SPECS else None
