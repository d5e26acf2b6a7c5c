"""What is on the shelf of a store: receipts, the files that they need, and what nothing needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from pathlib import PurePath

from cachediff.store.receipts import (
    DamagedReceipt,
    StoredSnapshot,
    check_name,
    decode_receipt,
    is_name,
)
from cachediff.store.shelf import Shelf, not_read


class Inventory:
    """The folders and receipts on a shelf; `StoreError` where they cannot be read."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def folders(self, source: str | None, collection: str | None) -> Iterator[PurePath]:
        """The folders of collections: of one or all, of one source or all."""
        for parent in self._named(self._shelf.root, source):
            yield from self._named(parent, collection)

    def receipts(
        self, folder: PurePath, *, newest_first: bool = False
    ) -> Iterator[StoredSnapshot | DamagedReceipt]:
        """The receipts of a collection, in order of time; newest first they are read one by one."""
        # Their names begin with the time.
        paths = [path for path in self._files(folder) if path.suffix == ".json"]
        for some in [[path] for path in reversed(paths)] if newest_first else [paths]:
            for path, content in zip(some, self._shelf.read(some), strict=True):
                yield decode_receipt(self._shelf.root, path, content)

    def needed(self, folder: PurePath) -> Set[PurePath] | None:
        """The files that the receipts of a collection need, or None: one is damaged, and nobody knows."""
        needed: set[PurePath] = set()
        for receipt in self.receipts(folder):
            if isinstance(receipt, DamagedReceipt):
                return None
            needed |= set(receipt.files)
        return needed

    def leftovers(self) -> Iterator[PurePath]:
        """All files beside receipts that none of these needs; of one that is damaged, but its own."""
        for folder in self.folders(None, None):
            needed: set[PurePath] = set()
            for receipt in self.receipts(folder):
                if isinstance(receipt, DamagedReceipt):
                    needed.add(receipt.path.with_suffix(".parquet"))
                else:
                    needed.update(receipt.files)
            files = (path for path in self._files(folder) if path.suffix != ".json")
            yield from (path for path in files if path not in needed)

    def _named(self, parent: PurePath, name: str | None) -> Sequence[PurePath]:
        """The folder of this name, which need not be there, or all whose names a store can use."""
        if name is not None:
            return [parent / check_name(name)]
        try:
            return [child for child in self._shelf.folders(parent) if is_name(child.name)]
        except OSError as error:
            raise not_read(parent, error) from error

    def _files(self, folder: PurePath) -> Sequence[PurePath]:
        try:
            return self._shelf.files(folder)
        except OSError as error:
            raise not_read(folder, error) from error
