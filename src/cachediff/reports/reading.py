"""A comparison out of its JSON: the inverse of `cachediff.reports.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import msgspec

from cachediff.errors import ReportError
from cachediff.model.change import Change, ChangeKind
from cachediff.model.comparison import (
    Comparison,
    CoverageTotals,
    Merge,
    PackageComparison,
    PackageCounts,
    PackageStatus,
    Side,
    SpecCounts,
)
from cachediff.model.gates import Finding
from cachediff.model.selection import Selection
from cachediff.model.snapshot import Origin, Problem
from cachediff.model.spec import Build, Spec
from cachediff.model.version import Version
from cachediff.reports.json import SCHEMA

_FIELDS = ("platform", "os", "target", "compiler")
_ONE_SIDED = {ChangeKind.ADDED: (False, True), ChangeKind.REMOVED: (True, False)}

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Counts = tuple[_Count, _Count]
_Texts = tuple[str, ...]


class _Side(msgspec.Struct, frozen=True):
    source: str
    collection: str
    commit: str | None
    committed_at: str | None
    tree: str | None
    manifests: _Count
    unreadable: _Count
    packages: _Count
    specs: _Count
    problems: tuple[Problem, ...]
    suspect: str | None


class _Summary(msgspec.Struct, frozen=True):
    packages: PackageCounts
    specs: SpecCounts


class _Spec(msgspec.Struct, frozen=True, gc=False):
    hash: str
    package: str
    version: str
    compiler: str | None
    platform: str
    os: str
    target: str
    variants: _Texts
    stacks: _Texts
    unknown: _Texts = ()


class _Change(msgspec.Struct, frozen=True, gc=False):
    kind: ChangeKind
    fields: _Texts
    old: _Spec | None
    new: _Spec | None


class _Versions(msgspec.Struct, frozen=True):
    added: _Texts
    removed: _Texts
    kept: _Texts


class _Stacks(msgspec.Struct, frozen=True):
    joined: _Texts
    left: _Texts


class _Package(msgspec.Struct, frozen=True):
    package: str
    status: PackageStatus
    versions: _Versions
    stacks: _Stacks
    changes: tuple[_Change, ...]
    merged: tuple[Merge, ...]
    split: tuple[Merge, ...]


class _Head(msgspec.Struct, frozen=True):
    """What is looked at first: of another schema, nothing else is known."""

    schema: str


class _Comparison(msgspec.Struct, frozen=True):
    old: _Side
    new: _Side
    summary: _Summary
    selection: Selection
    left_out: _Count
    notices: _Texts
    stacks: dict[str, CoverageTotals]
    stacks_untold: _Counts
    coverage: dict[str, dict[str, CoverageTotals]]
    packages: tuple[_Package, ...]
    findings: tuple[Finding, ...] = ()
    unreached: str | None = None
    gone: str | None = None


_Decoded = TypeVar("_Decoded")


def read_json(text: bytes) -> Comparison:
    """The comparison that `render_json` wrote; keys that it does not write are passed over.

    Raises:
        ReportError: it is not the JSON of a comparison; the message says what is wrong, and where.
    """
    schema = _decode(text, _Head).schema
    if schema != SCHEMA:
        raise ReportError(f"its schema is {schema!r}, and not {SCHEMA!r}")
    document = _decode(text, _Comparison)
    build = _Builder()
    return Comparison(
        old=_side(document.old),
        new=_side(document.new),
        package_counts=document.summary.packages,
        spec_counts=document.summary.specs,
        stacks=document.stacks,
        coverage={
            field: document.coverage[field] for field in _FIELDS if field in document.coverage
        },
        packages=tuple([build.package(package) for package in document.packages]),
        stacks_untold=document.stacks_untold,
        selection=document.selection,
        left_out=document.left_out,
        notices=document.notices,
        findings=document.findings,
        unreached=document.unreached,
        gone=document.gone,
    )


def _decode(text: bytes, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(text, type=kind, dec_hook=_version)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        # Once more, and more slowly, by what tells where the error is. And there may be none: a lone
        # surrogate, from a file name that is not UTF-8, is more than msgspec decodes.
        content = _parse(text)
    try:
        return msgspec.convert(content, kind, dec_hook=_version)
    except msgspec.ValidationError as error:
        raise ReportError(
            f"it is not the JSON of a comparison: {_where(content, error)}"
        ) from error


def _version(_type: type, text: str) -> Version:
    """A version, which is all in a comparison that msgspec knows no form of."""
    return Version(text)


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"it is not JSON: {error}") from error


def _where(content: Any, error: msgspec.ValidationError) -> str:
    """What is wrong, with the name of the package that it is wrong in: msgspec does not count."""
    packages = content.get("packages") if isinstance(content, dict) else None
    if "`$.packages[" in str(error) and isinstance(packages, list):
        for number, package in enumerate(packages):
            try:
                msgspec.convert(package, _Package)
            except msgspec.ValidationError as inner:
                return str(inner).replace("`$", f"`$.packages[{number}]", 1)
    return str(error)


def _side(side: _Side) -> Side:
    return Side(
        origin=Origin(side.source, side.collection, side.commit, side.committed_at, side.tree),
        manifests=side.manifests,
        unreadable=side.unreadable,
        packages=side.packages,
        specs=side.specs,
        problems=side.problems,
        suspect=side.suspect,
    )


class _Builder:
    """Makes specs out of what was decoded; equal versions and builds are one object."""

    def __init__(self) -> None:
        self._versions: dict[str, Version] = {}
        self._builds: dict[tuple[object, ...], Build] = {}

    def package(self, package: _Package) -> PackageComparison:
        versions, stacks = package.versions, package.stacks
        self._builds.clear()
        return PackageComparison(
            package=package.package,
            status=package.status,
            versions_added=self._version_tuple(versions.added),
            versions_removed=self._version_tuple(versions.removed),
            versions_kept=self._version_tuple(versions.kept),
            stacks_joined=stacks.joined,
            stacks_left=stacks.left,
            changes=tuple([self._change(package.package, change) for change in package.changes]),
            merged=package.merged,
            split=package.split,
        )

    def _change(self, package: str, change: _Change) -> Change:
        old, new = change.old, change.new
        if (old is not None, new is not None) != _ONE_SIDED.get(change.kind, (True, True)):
            raise ReportError(
                f"it is not the JSON of a comparison: a change of {package} is {change.kind}, "
                "which does not go with the sides that it has"
            )
        return Change(
            change.kind,
            change.fields,
            None if old is None else self._spec(old),
            None if new is None else self._spec(new),
        )

    def _spec(self, spec: _Spec) -> Spec:
        # By the text of its version: versions that are equal may be spelled differently.
        key = (
            spec.package,
            spec.version,
            spec.compiler,
            spec.platform,
            spec.os,
            spec.target,
            spec.variants,
        )
        build = self._builds.get(key)
        if build is None:
            build = self._builds[key] = Build(
                spec.package,
                self._version(spec.version),
                spec.compiler,
                spec.platform,
                spec.os,
                spec.target,
                spec.variants,
            )
        return Spec(spec.hash, build, None if "stacks" in spec.unknown else spec.stacks)

    def _version(self, text: str) -> Version:
        if (version := self._versions.get(text)) is None:
            version = self._versions[text] = Version(text)
        return version

    def _version_tuple(self, texts: Iterable[str]) -> tuple[Version, ...]:
        return tuple([self._version(text) for text in texts])
