"""A collection as a plain folder of manifests, or one manifest as a file: no git, no commit."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from cachediff.errors import SourceError
from cachediff.model.snapshot import Origin, PackageFiles
from cachediff.sources.collections import MAX_FILE_SIZE

_TITLE = re.compile(rb'^title:\s*"?([^"\r\n]*?)"?\s*$', re.MULTILINE)
_PAGES = ("specs.md", "index.md")


class FolderCollection:
    """The manifests below a path: `<path>/<package>/specs.md`, `<path>/specs.md`, or `<path>` itself.

    `entries` maps every package to None: files have no object id, so that all of them are read.
    """

    def __init__(self, path: Path) -> None:
        """Look at what is at `path`.

        Raises:
            SourceError: there is nothing, or nothing that looks like manifests.
        """
        self._path = path
        self._files: dict[str, dict[str, Path]] = {}
        if path.is_file():
            self._files[_title(path) or path.parent.name] = {"specs.md": path}
        elif path.is_dir():
            self._find_packages()
        if not self._files:
            raise SourceError(
                f"there are no manifests in {str(path)!r}",
                "a folder of manifests holds <package>/specs.md for each package",
            )
        name = path.resolve().name if path.is_dir() else path.name
        self.origin = Origin("folder", name)
        self.entries: dict[str, str | None] = dict.fromkeys(sorted(self._files))

    def read(self, packages: Collection[str]) -> Iterator[PackageFiles]:
        """The files of each package, in the order asked for."""
        for package in packages:
            files, unreadable = {}, []
            for name, path in sorted(self._files[package].items()):
                try:
                    if path.is_symlink():
                        unreadable.append((name, "it is a symbolic link"))
                    elif (size := path.stat().st_size) > MAX_FILE_SIZE:
                        unreadable.append((name, f"it is too large: {size:,} bytes"))
                    else:
                        files[name] = path.read_bytes()
                except OSError as error:
                    unreadable.append((name, error.strerror or str(error)))
            yield PackageFiles(package, files, tuple(unreadable))

    def _find_packages(self) -> None:
        if any((self._path / page).is_file() for page in _PAGES):
            self._files[self._path.resolve().name] = _files(self._path)
            return
        with os.scandir(self._path) as entries:
            for entry in entries:
                if entry.is_symlink():
                    self._files[entry.name] = {"": Path(entry.path)}
                elif entry.is_dir() and not entry.name.startswith("."):
                    self._files[entry.name] = _files(Path(entry.path))


def _files(folder: Path) -> dict[str, Path]:
    with os.scandir(folder) as entries:
        return {
            entry.name: Path(entry.path)
            for entry in entries
            if entry.is_symlink() or entry.is_file(follow_symlinks=False)
        }


def _title(page: Path) -> str:
    """The package that a page says it is of, where its own name does not."""
    if page.name in _PAGES:
        return page.resolve().parent.name
    with page.open("rb") as file:
        match = _TITLE.search(file.read(4096))
    return match[1].decode("utf-8", "replace") if match else page.stem
