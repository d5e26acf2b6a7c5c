"""Where the mirror of an upstream lies."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path


def mirror_path(cache: Path, url: str) -> Path:
    """The folder of the mirror of `url` in the cache folder `cache`: one for each URL, readable."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", url.rstrip("/").removesuffix(".git")).strip("-.")
    digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return cache / "mirrors" / f"{name[-80:]}-{digest}.git"
