"""Gates: what a comparison holds that makes a night red. Pure: facts come in, findings go out."""

from __future__ import annotations

from cachediff.gates.checking import check_gates
from cachediff.gates.evidence import NewestByPattern, Select

__all__ = ["NewestByPattern", "Select", "check_gates"]
