"""Manifests in the layout of today, a few lines to a test: `page([record("hdf5/1")])`."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

Record = dict[str, Any]


def dag_hash(seed: str) -> str:
    """A hash of the shape of Spack's; the same seed always gives the same one."""
    return base64.b32encode(hashlib.sha1(seed.encode()).digest()).decode().lower()


def record(
    seed: str,
    version: str = "1.0",
    *,
    compiler: str = "gcc@11.4.0",
    platform: str = "linux",
    os: str = "ubuntu22.04",
    target: str = "x86_64_v3",
    variants: Sequence[str] = (),
    stacks: Sequence[str] = ("e4s", "root"),
) -> Record:
    """One spec as upstream lists it; `seed` makes its hash."""
    return {
        "compiler": compiler,
        "hash": dag_hash(seed),
        "os": os,
        "platform": platform,
        "size": "-",
        "stacks": list(stacks),
        "target": target,
        "variants": list(variants),
        "versions": [version],
    }


def page(
    records: Iterable[Record], package: str = "hdf5", collection: str = "develop", **meta: Any
) -> str:
    """The manifest of `package`; `meta` replaces what is claimed truly otherwise."""
    records = list(records)
    by_stack = Counter(stack for one in records for stack in one["stacks"])
    claims = {
        "compilers": sorted({one["compiler"] for one in records}),
        "num_specs": len(records),
        "num_specs_by_stack": dict(sorted(by_stack.items())),
        "oss": sorted({one["os"] for one in records}),
        "platforms": sorted({one["platform"] for one in records}),
        "stacks": sorted(by_stack),
        "targets": sorted({one["target"] for one in records}),
        "versions": sorted({version for one in records for version in one["versions"]}),
    } | meta
    return (
        f'---\ntitle: "{package}"\nlayout: cache\ncategories: [package, {collection}]\n'
        f"meta: {json.dumps(claims)}\nspec_details: {json.dumps(records)}\n---"
    )
