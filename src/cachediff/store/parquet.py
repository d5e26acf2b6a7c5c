"""The Parquet form of a snapshot: a row for each spec, and all else in the file's metadata.

The columns are the fields of `Spec` and `Build`, sorted by package and hash; `compiler` and `stacks`
are null where they are unknown. The metadata holds `cachediff.schema`, `.source`, `.collection`,
`.commit`, `.committed_at`, `.tree`, `.parser` where it is known: the version of the parsers that read
the manifests, and `.manifests`: a JSON list of `ListedManifest`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from cachediff.model.snapshot import Origin, Snapshot
from cachediff.store.listing import ListedManifest

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SCHEMA = "cachediff/snapshot/1"
_STRINGS = ("package", "version", "compiler", "platform", "os", "target")


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
    snapshot: Snapshot, listing: Sequence[ListedManifest], parser_version: int | None = None
) -> bytes:
    """The bytes of the file for a snapshot and its listing; the same for the same pyarrow.

    Raises `UnicodeEncodeError` for text that UTF-8 cannot hold.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    specs = list(snapshot.specs())
    columns = [
        [spec.package for spec in specs],
        [spec.hash for spec in specs],
        [spec.version.text for spec in specs],
        [spec.compiler for spec in specs],
        [spec.platform for spec in specs],
        [spec.os for spec in specs],
        [spec.target for spec in specs],
        [spec.variants for spec in specs],
        [spec.stacks for spec in specs],
    ]
    metadata = {
        "cachediff.schema": SCHEMA,
        **{f"cachediff.{k}": v for k, v in msgspec.structs.asdict(snapshot.origin).items()},
        **({} if parser_version is None else {"cachediff.parser": str(parser_version)}),
        "cachediff.manifests": msgspec.json.encode(listing).decode(),
    }
    file = pa.BufferOutputStream()
    # Of the metadata of a schema pyarrow would write a second copy, in base64: hence the writer's.
    with pq.ParquetWriter(file, schema(), compression="zstd", store_schema=False) as writer:
        writer.write_table(pa.table(columns, schema=schema()))
        writer.add_key_value_metadata(metadata)
    encoded: bytes = file.getvalue().to_pybytes()
    return encoded


def decode(data: bytes) -> tuple[pq.ParquetFile, Origin, tuple[ListedManifest, ...]]:
    """The file, its origin and its listing.

    `data` must be known to be what `encode` gave: Parquet readers crash on, or read wrong rows from,
    bytes that are not. Raises `ValueError` for what is not such a file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Strings stay indices into those that are distinct: far quicker to turn into Python.
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=list(_STRINGS))
        columns = pq.read_schema(pa.BufferReader(data)).remove_metadata()
        metadata = {
            key.decode().removeprefix("cachediff."): value.decode()
            for key, value in (file.metadata.metadata or {}).items()
        }
        if metadata.get("schema") != SCHEMA or columns != schema():
            raise ValueError(f"it is not of the schema {SCHEMA}")
        origin = msgspec.convert(metadata, Origin)
        listing = msgspec.json.decode(
            metadata.get("manifests", ""), type=tuple[ListedManifest, ...]
        )
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error)) from error
    if file.metadata.num_rows != sum(listed.specs for listed in listing):
        raise ValueError("it has not as many rows as its manifest listing says")
    return file, origin, listing


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
