"""Receipts: what a stored snapshot is, in a small JSON file beside it that needs no Parquet to read.

A snapshot is stored once its receipt is: the receipt is written last.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Literal, TypeVar

import msgspec

from cachediff.errors import StoreError
from cachediff.model.snapshot import Origin
from cachediff.store.listing import ListedManifest

_NAME = re.compile(r"[A-Za-z0-9_+@-][A-Za-z0-9._+@-]{0,199}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_STEM = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z"
    rf"-(?:{_OBJECT_ID.pattern})"
)
"""Name of a snapshot's files, without the suffix."""
_FILE = re.compile(rf"{_STEM.pattern}\.parquet")

_PathT = TypeVar("_PathT", bound=PurePath)


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was stored: the digest and size of the file, its origin and its totals.

    `bytes` is the size of the file and `sha256` its digest in lower-case hex; `commit`,
    `committed_at` and `tree` are those of `Origin`, and never missing. `manifests` counts all,
    `unreadable` those of them that could not be read, `packages` those with at least one spec,
    `specs` its specs: those of the snapshot as a whole, also where the file is a step.

    `bases` names the files that a step needs beside its own, from the one that it was written on to
    the whole one, and `base_sha256` is the digest of the first of them; a whole snapshot has neither.
    """

    schema: Literal["cachediff/receipt/1"] = "cachediff/receipt/1"
    sha256: str
    bytes: int
    source: str
    collection: str
    commit: str
    committed_at: str
    tree: str
    manifests: int
    unreadable: int
    packages: int
    specs: int
    bases: tuple[str, ...] = ()
    base_sha256: str = ""

    @property
    def depth(self) -> int:
        """How many steps lead to it from a whole snapshot."""
        return len(self.bases)


class StoredSnapshot(Receipt, frozen=True, kw_only=True):
    """A receipt, and the path of the Parquet file that it stands for."""

    path: PurePath

    @property
    def files(self) -> tuple[PurePath, ...]:
        """Its own file, and those of its bases, the whole one last."""
        return (self.path, *(self.path.with_name(name) for name in self.bases))

    @property
    def origin(self) -> Origin:
        """Where the snapshot comes from."""
        return Origin(self.source, self.collection, self.commit, self.committed_at, self.tree)


class DamagedReceipt(msgspec.Struct, frozen=True):
    """A receipt that cannot be read or is not the receipt of the file beside it, and why.

    What it is the receipt of is told by its path; `commit` and `committed_at` are empty where its
    name is not of the form that receipts have.
    """

    path: PurePath
    reason: str

    @property
    def source(self) -> str:
        """The source of the snapshot."""
        return self.path.parent.parent.name

    @property
    def collection(self) -> str:
        """The collection of the snapshot."""
        return self.path.parent.name

    @property
    def commit(self) -> str:
        """The commit of the snapshot."""
        return self.path.stem.partition("-")[2] if _STEM.fullmatch(self.path.stem) else ""

    @property
    def committed_at(self) -> str:
        """The time of the commit."""
        match = _STEM.fullmatch(self.path.stem)
        return "{}-{}-{}T{}:{}:{}Z".format(*match.groups()) if match else ""

    @property
    def origin(self) -> Origin:
        """Where the snapshot comes from, without its tree, which only the receipt would tell."""
        return Origin(self.source, self.collection, self.commit, self.committed_at)


class StoreListing(msgspec.Struct, frozen=True):
    """What a store holds: its snapshots, and the receipts that cannot be believed."""

    snapshots: tuple[StoredSnapshot, ...]
    damaged: tuple[DamagedReceipt, ...]


def is_name(name: str) -> bool:
    """Whether a folder of a source or collection can have this name (see `check_name`)."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """`name`, if it can be the name of a folder in a store: a source or a collection.

    Raises `StoreError` unless it is 1 to 200 of `A-Z a-z 0-9 . _ + @ -`, not beginning with a dot.
    """
    if not is_name(name):
        raise StoreError(
            f"{name!r} cannot be the name of a folder in the store",
            "Sources and collections that are stored are named with up to 200 letters, digits and"
            " . _ + @ - and do not begin with a dot.",
        )
    return name


def snapshot_path(root: PurePath, origin: Origin) -> PurePath:
    """Path of the Parquet file of a snapshot: `<source>/<collection>/<commit time>-<commit>.parquet`.

    Raises `StoreError` for an origin without a commit (a plain folder), and for names, times and
    object ids that are not of the form that `Origin` fixes.
    """
    if origin.commit is None or origin.committed_at is None or origin.tree is None:
        raise StoreError(
            f"{origin.collection} is not from a git history and cannot be stored",
            "A stored snapshot is known by its commit: put the manifests into a git repository.",
        )
    if not _TIME.fullmatch(origin.committed_at):
        raise StoreError(f"{origin.committed_at!r} is not a commit time of the form Y-m-dTH:M:SZ")
    for object_id in (origin.commit, origin.tree):
        if not _OBJECT_ID.fullmatch(object_id):
            raise StoreError(f"{object_id!r} is not a full object id of git")
    time = origin.committed_at.replace("-", "").replace(":", "")
    folder = root / check_name(origin.source) / check_name(origin.collection)
    return folder / f"{time}-{origin.commit}.parquet"


def stored_as(
    path: PurePath,
    origin: Origin,
    listing: Iterable[ListedManifest],
    data: bytes,
    bases: tuple[str, ...] = (),
    base_sha256: str = "",
) -> StoredSnapshot:
    """What the receipt of the file `path` says, whose bytes, origin, listing and bases are these."""
    listing = tuple(listing)
    return StoredSnapshot(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        manifests=len(listing),
        unreadable=sum(not listed.readable for listed in listing),
        packages=sum(listed.specs > 0 for listed in listing),
        specs=sum(listed.specs for listed in listing),
        bases=bases,
        base_sha256=base_sha256,
        **msgspec.structs.asdict(origin),
    )


def receipt_path(snapshot: _PathT) -> _PathT:
    """Path of the receipt of the Parquet file `snapshot`."""
    return snapshot.with_suffix(".json")


def encode_receipt(stored: StoredSnapshot) -> bytes:
    """The JSON of a receipt, one field a line; what only a step has is left out of a whole one."""
    fields = {field: getattr(stored, field) for field in Receipt.__struct_fields__}
    if not stored.bases:
        del fields["bases"], fields["base_sha256"]
    return msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n"


def decode_receipt(
    root: PurePath, path: PurePath, content: bytes | OSError
) -> StoredSnapshot | DamagedReceipt:
    """The receipt at `path` in the store at `root`, or why it cannot be believed."""
    if isinstance(content, OSError):
        return DamagedReceipt(path, str(content))
    try:
        receipt = msgspec.json.decode(content, type=Receipt)
        stored = StoredSnapshot(
            path=path.with_suffix(".parquet"), **msgspec.structs.asdict(receipt)
        )
        if snapshot_path(root, stored.origin) != stored.path:
            return DamagedReceipt(path, "it is the receipt of another snapshot")
        if not all(map(_FILE.fullmatch, stored.bases)):
            return DamagedReceipt(path, "its bases are no files of snapshots")
    except (ValueError, StoreError) as error:
        return DamagedReceipt(path, str(error))
    return stored
