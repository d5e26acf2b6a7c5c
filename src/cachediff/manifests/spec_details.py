"""`specs.md` with `spec_details`: every spec inline, as one line of JSON (2023 to now)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from cachediff.manifests.claims import check_claims, count_stacks
from cachediff.manifests.format import UnreadableManifestError, check_hashes
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
        hashes = [record.hash for record in records]
        check_hashes(self.page, hashes)
        builds = interner.builds_of(package)
        specs: list[Spec] = []
        append = specs.append
        try:
            for record in records:
                raw: RawBuild = (
                    record.versions[0],
                    record.compiler,
                    record.platform,
                    record.os,
                    record.target,
                    bytes(record.variants),
                )
                build = builds.get(raw) or interner.build(raw)
                stacks = bytes(record.stacks)
                append(Spec(record.hash, build, interner.stacks(stacks) if stacks else None))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            number = len(specs) + 1
            raise UnreadableManifestError(
                self.page, f"record {number}: variants or stacks: {error}"
            ) from error
        return specs, self._check(front_matter.get(b"meta"), records, specs)

    def _records(self, details: bytes) -> list[_Record]:
        try:
            return _decode(details)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnreadableManifestError(self.page, _reason(error)) from error

    def _check(
        self, meta: bytes | None, records: list[_Record], specs: list[Spec]
    ) -> list[tuple[str, str]]:
        by_stack = count_stacks(Counter(spec.stacks for spec in specs if spec.stacks is not None))
        return check_claims(
            self.page,
            meta,
            {
                "num_specs": len(specs),
                "num_specs_by_stack": by_stack,
                "stacks": by_stack.keys(),
                "compilers": {record.compiler for record in records},
                "oss": {record.os for record in records},
                "platforms": {record.platform for record in records},
                "targets": {record.target for record in records},
                "versions": {record.versions[0] for record in records},
            },
        )


def _reason(error: Exception) -> str:
    """What is wrong, with record and field in words: msgspec ends its message with `$[3].hash`."""
    message, found, path = str(error).partition(" - at `$")
    if not found:
        return f"spec_details: {message}"
    index, _, field = path.rstrip("`").removeprefix("[").partition("]")
    where = f"record {int(index) + 1}" if index.isdigit() else "spec_details"
    return f"{where}: {field.removeprefix('.')}: {message}" if field else f"{where}: {message}"
