"""A collection as a plain folder of manifests, or one manifest as a file: no git, no commit."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from cachediff.errors import SourceError
from cachediff.model.snapshot import Origin, PackageFiles
from cachediff.sources.package_folders import MAX_FILE_SIZE, PAGES

_TITLE = re.compile(rb'^title:\s*"?([^"\r\n]*?)"?\s*$', re.MULTILINE)


class FolderCollection:
    """The manifests below a path: `<path>/<package>/specs.md`, `<path>/specs.md`, or `<path>` itself.

    `entries` maps every package to None: files have no object id, so that all of them are read.
    """

    def __init__(self, path: Path) -> None:
        """Look at what is at `path`.

        Raises:
            SourceError: there is nothing, or nothing that looks like manifests, or it is not to be read.
        """
        try:
            path = path.resolve(strict=True)
            self._files = _packages(path)
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from error
        if not any(page in files for files in self._files.values() for page in PAGES):
            raise SourceError(
                f"there are no manifests in {str(path)!r}",
                "a folder of manifests holds <package>/specs.md for each package",
            )
        self.origin = Origin("folder", _readable(path.name))
        self.entries: dict[str, str | None] = dict.fromkeys(sorted(self._files))

    def read(self, packages: Collection[str]) -> Iterator[PackageFiles]:
        """The files of each package, in the order asked for.

        What is no regular file, too large or not to be read is named in `PackageFiles.unreadable`.
        """
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


def _packages(path: Path) -> dict[str, dict[str, Path]]:
    """The files of every package at `path`; a package that is no folder to be read has one, `""`."""
    if path.is_file():
        if path.name not in PAGES:
            return {_title(path): {"specs.md": path}}
        path = path.parent
    if any((path / page).is_file() for page in PAGES):
        return {_readable(path.name): _files(path)}
    packages = {}
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_symlink():
                packages[_readable(entry.name)] = {"": Path(entry.path)}
            elif entry.is_dir() and not entry.name.startswith("."):
                packages[_readable(entry.name)] = _files(Path(entry.path))
    return packages


def _files(folder: Path) -> dict[str, Path]:
    try:
        with os.scandir(folder) as entries:
            return {
                _readable(entry.name): Path(entry.path)
                for entry in entries
                if entry.is_symlink() or entry.is_file(follow_symlinks=False)
            }
    except PermissionError:
        return {"": folder}


def _title(page: Path) -> str:
    """The package that a page says it is of."""
    with page.open("rb") as file:
        match = _TITLE.search(file.read(4096))
    return match[1].decode("utf-8", "replace") if match else _readable(page.stem)


def _readable(name: str) -> str:
    r"""A name in the file system, bytes that are not UTF-8 told as `\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
