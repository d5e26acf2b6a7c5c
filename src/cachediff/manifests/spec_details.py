"""`specs.md` with `spec_details`: every spec inline, as one line of JSON (2023 to now)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cachediff.manifests.format import (
    DECODING_ERRORS,
    UnreadableManifestError,
    check_hashes,
    fault,
)
from cachediff.manifests.interning import Interner, RawBuild
from cachediff.model.spec import Spec

_UNTOLD = msgspec.Raw()


class _Record(msgspec.Struct, gc=False):
    """One record of `spec_details`. Lists stay raw bytes: they repeat, and are decoded once each."""

    hash: str
    compiler: str | None
    versions: tuple[str]
    os: str
    platform: str
    target: str
    variants: msgspec.Raw
    stacks: msgspec.Raw = _UNTOLD


_decode: Callable[[bytes], list[_Record]] = msgspec.json.Decoder(list[_Record]).decode

_TEXTS = ("hash", "compiler", "versions", "os", "platform", "target")
_RawRecord = msgspec.defstruct("_RawRecord", [(name, msgspec.Raw, _UNTOLD) for name in _TEXTS])
_decode_raw: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[_RawRecord]).decode  # type: ignore[valid-type]

_ITEM = re.compile(r"\[([0-9]+)\](?:\.|: )")


class SpecDetails:
    """`specs.md` with `spec_details`."""

    page = "specs.md"

    def recognises(self, front_matter: Mapping[bytes, bytes]) -> bool:
        """Whether there is a `spec_details`."""
        return b"spec_details" in front_matter

    def read(
        self,
        package: str,
        front_matter: Mapping[bytes, bytes],
        files: Mapping[str, bytes],  # noqa: ARG002  everything is in the front matter
        interner: Interner,
    ) -> tuple[list[Spec], list[tuple[str, str]]]:
        """The specs and problems of one page; see `ManifestFormat.read`."""
        records = self._records(front_matter[b"spec_details"])
        check_hashes(self.page, [record.hash for record in records])
        builds = interner.builds_of(package)
        specs: list[Spec] = []
        append = specs.append
        for record in records:
            raw: RawBuild = (
                record.versions[0],
                record.compiler,
                record.platform,
                record.os,
                record.target,
                bytes(record.variants),
            )
            stacks = bytes(record.stacks)
            try:
                build = builds.get(raw) or interner.build(raw)
                append(Spec(record.hash, build, interner.stacks(stacks) if stacks else None))
            except DECODING_ERRORS as error:
                where = f"record {len(specs) + 1}: {'stacks' if raw in builds else 'variants'}"
                raise UnreadableManifestError(self.page, fault(where, error)) from error
        return specs, []

    def _records(self, details: bytes) -> list[_Record]:
        try:
            return _decode(details)
        except DECODING_ERRORS as error:
            raise UnreadableManifestError(self.page, _reason(details, error)) from error


def _reason(details: bytes, error: Exception) -> str:
    """What is wrong, with record and field: msgspec says `$[3].hash`, and nothing of bad UTF-8."""
    if isinstance(error, UnicodeDecodeError):
        return _not_utf8(details) or fault("spec_details", error)
    reason = fault("", error)
    if item := _ITEM.match(reason):
        return f"record {int(item[1]) + 1}: {reason[item.end() :]}"
    return f"spec_details: {reason}"


def _not_utf8(details: bytes) -> str | None:
    """Which record and field is not UTF-8, None where that cannot be told."""
    try:
        records = _decode_raw(details)
    except DECODING_ERRORS:
        return None
    for number, record in enumerate(records, 1):
        for name in _TEXTS:
            try:
                bytes(getattr(record, name)).decode()
            except UnicodeDecodeError as error:
                return fault(f"record {number}: {name}", error)
    return None
