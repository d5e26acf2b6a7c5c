"""The builds behind each package's rows, as compact JSON that a page shows when asked to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from cachediff.model.change import Change
from cachediff.model.changelog import PackageEntry
from cachediff.model.spec import ROOT_STACK, Build, Spec
from cachediff.reports.visible import visible

SHORT = 7
"""Characters of a hash that are shown, as `spack find -l` does."""

# The kind, then, as numbers of texts, the build and each of its differences.
_Said = tuple[int, int, tuple[int, ...]]


class _Texts:
    """Texts by number, each once: thousands of builds say the same."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        number = self._numbers.setdefault(text, len(self.all))
        if number == len(self.all):
            self.all.append(text)
        return number


def builds_json(packages: Sequence[PackageEntry]) -> str:
    r"""Encode the builds of packages, in this order, safe inside a `<script>`: `<` is `\u003c`.

    `{"texts": [...], "packages": [[[kind, build, [difference...], [old, new, ...]], ...], ...]}`:
    kind, build and differences are numbers of texts; hashes are short and come in pairs, of which one
    is empty where a spec was added or removed. Builds of which the same is to be said are one item.
    """
    texts = _Texts()
    told = [_package(entry.package.changes, texts) for entry in packages]
    encoded = msgspec.json.encode({"texts": texts.all, "packages": told}).decode()
    return encoded.replace("<", "\\u003c")


def _package(changes: Iterable[Change], texts: _Texts) -> list[list[object]]:
    folds: defaultdict[_Said, list[str]] = defaultdict(list)
    # Most changes repeat the builds of another, which know their hash.
    said: dict[tuple[object, ...], list[str]] = {}
    for change in changes:
        old, new = change.old, change.new
        moved = (old and old.stacks, new and new.stacks) if "stacks" in change.fields else None
        key = (change.kind, old and old.build, new and new.build, moved)
        hashes = said.get(key)
        if hashes is None:
            hashes = said[key] = folds[_say(change, texts)]
        hashes += (
            visible(old.hash[:SHORT]) if old else "",
            visible(new.hash[:SHORT]) if new else "",
        )
    return [
        [kind, build, differences, hashes] for (kind, build, differences), hashes in folds.items()
    ]


def _say(change: Change, texts: _Texts) -> _Said:
    spec = change.new or change.old
    if spec is None:
        raise ValueError("a change without sides")
    differences = []
    if change.old and change.new:
        differences = [
            texts.number(_difference(field, change.old, change.new)) for field in change.fields
        ]
    return texts.number(change.kind), texts.number(_build(spec.build)), tuple(differences)


def _build(build: Build) -> str:
    """`1.14.5  gcc@11.4.0  linux  ubuntu22.04  x86_64_v3`."""
    values = (build.version.text, build.compiler, build.platform, build.os, build.target)
    return "  ".join(visible(value) for value in values if value is not None)


def _difference(field: str, old: Spec, new: Spec) -> str:
    """`compiler gcc@11.4.0 → gcc@12.3.0`; of variants and stacks, what is on that side alone."""
    before, after = _values(field, old), _values(field, new)
    sides = (
        " ".join([visible(value) for value in before if value not in after]),
        " ".join([visible(value) for value in after if value not in before]),
    )
    return f"{field} {sides[0] or 'none'} → {sides[1] or 'none'}"


def _values(field: str, spec: Spec) -> tuple[str, ...]:
    if field == "stacks":
        return tuple(stack for stack in spec.stacks or () if stack != ROOT_STACK)
    if field == "variants":
        return spec.variants
    # A comparison that was read back may be of a later release, which knows other fields.
    return (spec.version.text if field == "version" else getattr(spec, field, None) or "?",)
