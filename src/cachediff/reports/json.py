"""A comparison for programs: one JSON object, its keys as in `cachediff/comparison/1`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cachediff.model.change import Change
from cachediff.model.comparison import Comparison, CoverageTotals, Merge, PackageComparison, Side
from cachediff.model.spec import Spec
from cachediff.model.version import Version

SCHEMA = "cachediff/comparison/1"


def render_json(comparison: Comparison) -> str:
    """Render a comparison as one JSON object, in ASCII, the last line ended.

    Each key at the top has a line, and each package has one, for tools that work on lines.
    """
    top = {
        "schema": SCHEMA,
        "old": _side(comparison.old),
        "new": _side(comparison.new),
        "summary": {
            "packages": msgspec.structs.asdict(comparison.package_counts),
            "specs": msgspec.structs.asdict(comparison.spec_counts),
        },
        "selection": msgspec.structs.asdict(comparison.selection),
        "left_out": comparison.left_out,
        "notices": comparison.notices,
        "findings": msgspec.to_builtins(comparison.findings, enc_hook=str),
        "stacks": _coverage(comparison.stacks),
        "stacks_untold": comparison.stacks_untold,
        "coverage": {field: _coverage(totals) for field, totals in comparison.coverage.items()},
    }
    untold = {"unreached": comparison.unreached, "gone": comparison.gone}
    top |= {key: night for key, night in untold.items() if night}
    lines = [f'"{key}": {_encode(value)}' for key, value in top.items()]
    packages = ",\n  ".join([_encode(_package(package)) for package in comparison.packages])
    lines.append(f'"packages": [\n  {packages}\n ]' if packages else '"packages": []')
    return "{" + ",\n ".join(lines) + "}\n"


def _encode(value: object) -> str:
    """Encode as compact JSON, in printable ASCII: no control character reaches a terminal."""
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate, from a file name that is not UTF-8
        text = ""
    if text and text.isascii() and "\x7f" not in text:
        return text
    return json.dumps(value, separators=(",", ":"))  # slower, but it escapes all of these


def _side(side: Side) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(side.origin),
        "manifests": side.manifests,
        "unreadable": side.unreadable,
        "packages": side.packages,
        "specs": side.specs,
        "problems": [msgspec.structs.asdict(problem) for problem in sorted(side.problems)],
        "suspect": side.suspect,
    }


def _coverage(totals: Mapping[str, CoverageTotals]) -> dict[str, Any]:
    return {value: msgspec.structs.asdict(totals[value]) for value in sorted(totals)}


def _package(package: PackageComparison) -> dict[str, Any]:
    return {
        "package": package.package,
        "status": package.status,
        "versions": {
            "added": _texts(package.versions_added),
            "removed": _texts(package.versions_removed),
            "kept": _texts(package.versions_kept),
        },
        "stacks": {"joined": package.stacks_joined, "left": package.stacks_left},
        "changes": [_change(change) for change in package.changes],
        "merged": [_merge(merge) for merge in package.merged],
        "split": [_merge(merge) for merge in package.split],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "fields": change.fields,
        "old": _spec(change.old),
        "new": _spec(change.new),
    }


def _spec(spec: Spec | None) -> dict[str, Any] | None:
    if spec is None:
        return None
    build = spec.build
    members: dict[str, Any] = {
        "hash": spec.hash,
        "package": build.package,
        "version": build.version.text,
        "compiler": build.compiler,
        "platform": build.platform,
        "os": build.os,
        "target": build.target,
        "variants": build.variants,
        "stacks": spec.stacks or (),
    }
    if spec.stacks is None:
        members["unknown"] = ["stacks"]
    return members


def _merge(merge: Merge) -> dict[str, Any]:
    return {"one": merge.one, "several": merge.several}


def _texts(versions: Iterable[Version]) -> list[str]:
    return [version.text for version in versions]
