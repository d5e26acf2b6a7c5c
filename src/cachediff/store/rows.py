"""The rows of a snapshot: those of a whole file, and of the steps that lead from it to the snapshot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, compress
from typing import TYPE_CHECKING

import msgspec

from cachediff.store.listing import ListedManifest, Step
from cachediff.store.parquet import Decoded

if TYPE_CHECKING:
    import pyarrow as pa

_BITS = bytes.maketrans(b"01", b"\0\1")


class Layer:
    """The rows of one file, and which of those below them stay.

    `added` says how many rows the file has of each package, in their order in it. `kept` has, for each
    package of a step that was there before, a truth value for each of its rows; a package without is
    as it was.
    """

    def __init__(self, file: Decoded, added: Mapping[str, int]) -> None:
        self.file = file
        self.added = added
        self.kept: dict[str, bytes] = {}

    @cached_property
    def rows(self) -> dict[str, range]:
        """The rows of each package, in the file."""
        ends = accumulate(self.added.values())
        return {
            package: range(end - number, end)
            for (package, number), end in zip(self.added.items(), ends, strict=True)
        }

    def read(self, columns: Sequence[str] | None) -> pa.Table:
        """Some columns of all rows, or all columns, which are kept for the next time."""
        if columns is not None and "_table" not in self.__dict__:
            return self._read(columns)
        return self._table

    @cached_property
    def _table(self) -> pa.Table:
        return self._read(None)

    def _read(self, columns: Sequence[str] | None) -> pa.Table:
        # Without threads: those of Arrow may outlive the interpreter, and then abort the process.
        return self.file.file.read(columns, use_threads=False)


class Composed(msgspec.Struct, frozen=True):
    """What files come to: their layers, that of the whole one first, and the listing, by package."""

    layers: tuple[Layer, ...] = ()
    listing: dict[str, ListedManifest] = {}


NOTHING = Composed()


def compose(files: Iterable[Decoded], below: Composed = NOTHING) -> Composed:
    """What the files of a snapshot come to, the whole one first, or steps on what is `below`.

    Raises `ValueError` where a step is not one of the file before it.
    """
    layers, listing = list(below.layers), dict(below.listing)
    for file in files:
        if file.step is None:
            layers = [Layer(file, {listed.package: listed.specs for listed in file.listing})]
            listing = {listed.package: listed for listed in file.listing}
            if list(listing) != sorted(listing) or len(listing) != len(file.listing):
                raise ValueError("the packages of the manifest listing are not in order, each once")
            continue
        layers.append(_layer(file, file.step, listing))
        for package in file.step.removed:
            del listing[package]
        listing |= {listed.package: listed for listed in file.listing}
    return Composed(tuple(layers), dict(sorted(listing.items())))


def _layer(file: Decoded, step: Step, listing: Mapping[str, ListedManifest]) -> Layer:
    before = {
        each.package: listing[each.package].specs
        for each in step.manifests
        if each.package in listing
    }
    bits = unpack_bits(step.kept, sum(before.values()))
    removed = set(step.removed)
    if bits is None or not removed <= listing.keys() - before.keys():
        raise ValueError("it is no step of its base")
    ends = list(accumulate(before.values()))
    kept = {
        package: bits[end - number : end]
        for (package, number), end in zip(before.items(), ends, strict=True)
    }
    added = {
        listed.package: listed.specs - sum(kept.get(listed.package, b""))
        for listed in step.manifests
    }
    if min(added.values(), default=0) < 0 or sum(added.values()) != file.file.metadata.num_rows:
        raise ValueError("it has not as many rows as its manifest listing says")
    layer = Layer(file, added)
    layer.kept = kept
    return layer


def pack_bits(bits: Iterable[bool]) -> bytes:
    """Truth values, eight in a byte; the first byte begins with a one, so that none gets lost."""
    digits = "1" + "".join("1" if bit else "0" for bit in bits)
    return int(digits, 2).to_bytes((len(digits) + 7) // 8, "big")


def unpack_bits(packed: bytes, number: int) -> bytes | None:
    """The truth values that `pack_bits` was given, each in a byte; None if they are not so many."""
    digits = f"{int.from_bytes(packed, 'big'):b}".encode()
    if len(digits) != number + 1:
        return None
    return digits[1:].translate(_BITS)


def rows_of(
    composed: Composed,
    columns: Sequence[str] | None = None,
    packages: Collection[str] | None = None,
) -> pa.Table:
    """The rows of a snapshot by package and hash: some columns or all, of some packages or of all.

    `packages` are in order. Raises `pa.ArrowException` or `OSError` if pyarrow cannot read them.
    """
    import pyarrow as pa

    asked = columns if columns is None or "hash" in columns else ["hash", *columns]
    wanted = None if packages is None else frozenset(packages)
    tables: list[pa.Table] = []
    places: list[dict[str, range]] = []
    before = 0
    for layer in composed.layers:
        places.append({})
        rows = layer.rows
        if wanted is not None:
            rows = {package: rows[package] for package in rows if package in wanted}
            if not rows and layer is not composed.layers[0]:
                continue  # of many steps, few have anything of a few packages
        table = layer.read(asked)
        if wanted is not None:
            picked = [row for found in rows.values() for row in found]
            table = table.take(pa.array(picked, pa.int64()))
        for package, found in rows.items():
            places[-1][package] = range(before, before + len(found))
            before += len(found)
        tables.append(table)
    if len(tables) > 1:
        table = pa.concat_tables(tables)
        hashes: list[str] = table["hash"].to_pylist()
        chosen = composed.listing if packages is None else packages
        picked = [
            row for package in chosen for row in _places(package, composed.layers, places, hashes)
        ]
        table = table.unify_dictionaries().combine_chunks().take(pa.array(picked, pa.int64()))
    return table if columns is None else table.select(columns)


def _places(
    package: str,
    layers: Sequence[Layer],
    places: Sequence[Mapping[str, range]],
    hashes: Sequence[str],
) -> Sequence[int]:
    """The places of the rows of a package, in hash order, of those that it has in each layer."""
    now: Sequence[int] = ()
    for layer, there in zip(layers, places, strict=True):
        if package in there:
            kept = compress(now, layer.kept.get(package, b""))
            now = sorted([*kept, *there[package]], key=hashes.__getitem__)
    return now
