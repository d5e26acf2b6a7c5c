"""The Parquet form of a snapshot, whole or as a step: a row for each spec, all else in the metadata.

The columns are the fields of `Spec` and `Build`, sorted by package and hash; `compiler` and `stacks`
are null where they are unknown. The metadata holds `cachediff.schema`, `.source`, `.collection`,
`.commit`, `.committed_at`, `.tree`, `.parser` where it is known: the version of the parsers that read
the manifests, and `.manifests`: the listing, a list of `ListedManifest` as JSON, by zstd, in base 64.

A step has the same columns, with the rows that its base has not, sorted by package, build, stacks and
hash: alike rows next to each other compress best. In its metadata are `.base`, the name of the file
that it was written on, `.base_sha256` and, instead of the listing, `.step`: a `Step`, packed likewise.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from cachediff.model.snapshot import Origin, Snapshot
from cachediff.model.spec import Build, Spec
from cachediff.store.listing import Base, ListedManifest, Step

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "cachediff/snapshot/1"
STEP_SCHEMA = "cachediff/step/1"
_STRINGS = ("package", "version", "compiler", "platform", "os", "target")
_LISTS = ("variants.list.element", "stacks.list.element")
_LEVEL = 9

_T = TypeVar("_T")


def schema() -> pa.Schema:
    """The columns, their types, and which of them may be null."""
    import pyarrow as pa

    names = pa.list_(pa.field("element", pa.string(), nullable=False))
    return pa.schema(
        [
            pa.field("package", pa.string(), nullable=False),
            pa.field("hash", pa.string(), nullable=False),
            pa.field("version", pa.string(), nullable=False),
            pa.field("compiler", pa.string()),
            pa.field("platform", pa.string(), nullable=False),
            pa.field("os", pa.string(), nullable=False),
            pa.field("target", pa.string(), nullable=False),
            pa.field("variants", names, nullable=False),
            pa.field("stacks", names),
        ]
    )


def encode(
    snapshot: Snapshot, listing: Collection[ListedManifest], parser_version: int | None = None
) -> bytes:
    """The bytes of the file for a snapshot and its listing; the same for the same pyarrow.

    Raises `UnicodeEncodeError` for text that UTF-8 cannot hold.
    """
    metadata = {
        **_said(SCHEMA, snapshot.origin, parser_version),
        "cachediff.manifests": _packed(listing),
    }
    return _encoded(list(snapshot.specs()), metadata)


def encode_step(
    origin: Origin, base: Base, step: Step, specs: Iterable[Spec], parser_version: int | None
) -> bytes:
    """The bytes of the file for a step and the specs that it adds; as for `encode`."""
    metadata = {
        **_said(STEP_SCHEMA, origin, parser_version),
        "cachediff.base": base.name,
        "cachediff.base_sha256": base.sha256,
        "cachediff.step": _packed(step),
    }
    return _encoded(_in_step_order(list(specs)), metadata)


def _said(form: str, origin: Origin, parser_version: int | None) -> dict[str, str]:
    return {
        "cachediff.schema": form,
        **{f"cachediff.{k}": v for k, v in msgspec.structs.asdict(origin).items()},
        **({} if parser_version is None else {"cachediff.parser": str(parser_version)}),
    }


def _in_step_order(specs: Sequence[Spec]) -> list[Spec]:
    """Alike rows next to each other; there are far fewer builds than specs to be compared."""
    keys = {id(spec.build): _build_order(spec.build) for spec in specs}
    ranks = {key: rank for rank, key in enumerate(sorted(set(keys.values())))}
    rank_of = {build: ranks[key] for build, key in keys.items()}
    return sorted(specs, key=lambda spec: (rank_of[id(spec.build)], spec.stacks or (), spec.hash))


def _build_order(build: Build) -> tuple[object, ...]:
    return (
        build.package,
        build.version.text,
        build.compiler or "",
        build.platform,
        build.os,
        build.target,
        build.variants,
    )


def _encoded(specs: Sequence[Spec], metadata: Mapping[str, str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    builds = [spec.build for spec in specs]
    columns = [
        [build.package for build in builds],
        [spec.hash for spec in specs],
        [build.version.text for build in builds],
        [build.compiler for build in builds],
        [build.platform for build in builds],
        [build.os for build in builds],
        [build.target for build in builds],
        [build.variants for build in builds],
        [spec.stacks for spec in specs],
    ]
    file = pa.BufferOutputStream()
    with pq.ParquetWriter(
        file,
        schema(),
        compression="zstd",
        # All hashes differ: with their lengths apart, nothing but their entropy is left of them.
        use_dictionary=[*_STRINGS, *_LISTS],
        column_encoding={"hash": "DELTA_LENGTH_BYTE_ARRAY"},
        write_statistics=False,
        # Of the metadata of a schema pyarrow would write a second copy, in base64: hence the writer's.
        store_schema=False,
    ) as writer:
        writer.write_table(pa.table(columns, schema=schema()))
        writer.add_key_value_metadata(metadata)
    encoded: bytes = file.getvalue().to_pybytes()
    return encoded


class Decoded(msgspec.Struct, frozen=True):
    """What a file of so many bytes holds: its rows, and its whole listing or what makes it a step."""

    size: int
    file: Any
    origin: Origin
    parser: int | None
    listing: tuple[ListedManifest, ...]
    base: Base | None = None
    step: Step | None = None


def decode(data: bytes) -> Decoded:
    """The content of a file.

    `data` must be known to be what `encode` or `encode_step` gave: Parquet readers crash on, or read
    wrong rows from, bytes that are not. Raises `ValueError` for what is not such a file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Strings stay indices into those that are distinct: far quicker to turn into Python.
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=list(_STRINGS))
        metadata = {
            key.decode().removeprefix("cachediff."): value.decode()
            for key, value in (file.metadata.metadata or {}).items()
        }
        form = metadata.get("schema")
        columns = file.schema.to_arrow_schema().remove_metadata()
        if form not in {SCHEMA, STEP_SCHEMA} or columns != schema():
            raise ValueError(f"it is not of the schema {SCHEMA} or {STEP_SCHEMA}")
        origin = msgspec.convert(metadata, Origin)
        parser = int(metadata["parser"]) if "parser" in metadata else None
        if form == STEP_SCHEMA:
            step = _unpacked(metadata.get("step", ""), Step)
            base = Base(metadata.get("base", ""), metadata.get("base_sha256", ""))
            return Decoded(len(data), file, origin, parser, step.manifests, base, step)
        listing = _unpacked(metadata.get("manifests", ""), tuple[ListedManifest, ...])
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error)) from error
    if file.metadata.num_rows != sum(listed.specs for listed in listing):
        raise ValueError("it has not as many rows as its manifest listing says")
    return Decoded(len(data), file, origin, parser, listing)


def _packed(value: object) -> str:
    import pyarrow as pa

    packed = pa.Codec("zstd", _LEVEL).compress(msgspec.json.encode(value), asbytes=True)
    return base64.b64encode(packed).decode()


def _unpacked(text: str, kind: type[_T]) -> _T:
    import pyarrow as pa

    packed = base64.b64decode(text)
    content: bytes = pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read()
    return msgspec.json.decode(content, type=kind)


def strings(column: pa.ChunkedArray) -> list[Any]:
    """The strings of a column, None where null."""
    array = column.unify_dictionaries().combine_chunks()
    distinct = array.dictionary.to_pylist()
    return [None if index is None else distinct[index] for index in array.indices.to_pylist()]


def tuples(column: pa.ChunkedArray) -> list[Any]:
    """The lists of strings of a column, None where null; lists that are equal are one object."""
    array = column.combine_chunks()
    names = array.values.dictionary_encode()
    distinct = names.dictionary.to_pylist()
    indices = memoryview(names.indices.buffers()[1]).cast("i")
    offsets = array.offsets.to_pylist()
    known: dict[bytes, tuple[str, ...]] = {}
    lists: list[tuple[str, ...] | None] = []
    for (start, end), valid in zip(pairwise(offsets), array.is_valid().to_pylist(), strict=True):
        # Most lists repeat, and the bytes of their indices are a key that is quick to take.
        key = indices[start:end].tobytes()
        if key not in known:
            known[key] = tuple([distinct[index] for index in indices[start:end]])
        lists.append(known[key] if valid else None)
    return lists
