"""Collections in a git repository: `_cache/[<collection>/]<package>/`, at any commit.

A collection is a Merkle tree: git already gives the folder of every package an object id, and two
folders with the same id hold the same manifest. Finding a collection costs one `git cat-file`; reading
packages of it costs two more, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from cachediff.errors import NameNotFoundError, SourceError
from cachediff.model.snapshot import Origin, PackageFiles
from cachediff.sources.git import GitObject, Progress, Repository
from cachediff.sources.names import SnapshotName, choose, until

DEFAULT_COLLECTION = "default"
"""The name of the one collection of a layout without collections (2021)."""

MAX_FILE_SIZE = 64 << 20
"""Bytes of the largest file that is read; the largest page upstream is below 2 MB."""

_TREE, _SYMLINK, _SUBMODULE = 0o040000, 0o120000, 0o160000
_NO_BLOB = (_TREE, _SYMLINK, _SUBMODULE)
_PAGES = ("specs.md", "index.md")
_ODD = {_SYMLINK: "is a symbolic link", _SUBMODULE: "is a submodule"}


class FolderEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a git tree: a package in a collection, or a file of a package. `mode` is git's."""

    name: str
    mode: int
    id: str


class GitCollection:
    """One collection at one commit: which packages it has, and their files when they are asked for.

    `entries` maps every package to the object id of its folder, by name.
    """

    def __init__(self, source: GitSource, origin: Origin, folders: Iterable[FolderEntry]) -> None:
        self.source = source
        self.origin = origin
        self.folders = {
            folder.name: folder
            for folder in sorted(folders, key=lambda folder: folder.name)
            if folder.mode == _TREE or folder.mode in _ODD
        }
        self.entries = {package: folder.id for package, folder in self.folders.items()}


class GitSource:
    """The collections of one git repository.

    `root` is the folder that holds them, `branch` the revision that is meant where a name does not
    say which.
    """

    def __init__(
        self, repository: Repository, name: str, root: str = "_cache", branch: str = "HEAD"
    ) -> None:
        self.repository = repository
        self.name = name
        self._root = root
        self._branch = branch

    def open(self, name: SnapshotName) -> GitCollection:
        """The collection that `name` means.

        Raises:
            NameNotFoundError: no such revision or collection; the hint has close names.
            SourceError: there are no manifests there at all.
        """
        revision = self._revision(name.when)
        wanted = [f"{revision}^{{commit}}", f"{revision}:{self._root}/{name.collection}"]
        commit, tree = self.repository.objects(wanted)
        if commit.kind != "commit":
            raise self._no_revision(revision)
        collection, folders = name.collection, _entries(tree) if tree.kind == "tree" else []
        if name.is_glob or not folders or _is_package(folders):
            listed = self._collections(commit.id)
            collection = choose(name, listed, f"{self.name} at {commit.id[:12]}")
            tree, folders = listed[collection]
        if self.repository.mirror:
            self.repository.pin(commit.id)
        origin = Origin(self.name, collection, commit.id, _committed_at(commit), tree.id)
        return GitCollection(self, origin, folders)

    def collections(self, when: str | None = None) -> list[str]:
        """Names of the collections at a revision, sorted.

        Raises:
            NameNotFoundError: no such revision.
            SourceError: there are no manifests there at all.
        """
        revision = self._revision(when)
        (commit,) = self.repository.objects([f"{revision}^{{commit}}"])
        if commit.kind != "commit":
            raise self._no_revision(revision)
        return sorted(self._collections(commit.id))

    def read(
        self, folders: Sequence[FolderEntry], progress: Progress | None = None
    ) -> Iterator[PackageFiles]:
        """The files of each folder, in the order asked for; one at a time is held.

        What is no regular file, too large or missing from a partial clone is named in
        `PackageFiles.unreadable`.

        Raises:
            SourceError: git failed, or what a mirror lacks could not be fetched.
        """
        trees = [folder.id for folder in folders if folder.mode == _TREE]
        contents = {
            tree.id: _entries(tree) for tree in self.repository.objects(dict.fromkeys(trees))
        }
        blobs = [
            file.id for id_ in trees for file in contents.get(id_, ()) if file.mode not in _NO_BLOB
        ]
        absent = self._absent(trees, blobs, progress) if self.repository.partial else set()
        answers = self.repository.objects(
            (blob for blob in blobs if blob not in absent), max_size=MAX_FILE_SIZE
        )
        for done, folder in enumerate(folders, 1):
            yield _package_files(folder, contents.get(folder.id), absent, answers)
            if progress:
                progress("Reading manifests", done, len(folders))

    def _absent(
        self, trees: Sequence[str], blobs: Iterable[str], progress: Progress | None
    ) -> set[str]:
        """Which of `blobs` a partial clone lacks; a mirror of ours gets them, and then lacks none."""
        absent = self.repository.missing(trees).intersection(blobs)
        if absent and self.repository.mirror:
            self.repository.fetch_objects(sorted(absent), progress)
            return set()
        return absent

    def _revision(self, when: str | None) -> str:
        if when is None:
            return self._branch
        moment = until(when)
        return self.repository.commit_until(moment, self._branch) if moment else when

    def _no_revision(self, revision: str) -> NameNotFoundError:
        hint = "list revisions with git log"
        if self.repository.shallow:
            hint = "this clone is shallow and may lack it: git fetch --unshallow"
        elif revision == "HEAD":
            hint = "the repository has no commit yet"
        return NameNotFoundError(f"there is no revision {revision!r} in {self.name}", hint)

    def _collections(self, commit: str) -> dict[str, tuple[GitObject, list[FolderEntry]]]:
        """Every collection at `commit`: its tree and what is in it."""
        (root,) = self.repository.objects([f"{commit}:{self._root}"])
        if root.kind != "tree":
            raise SourceError(
                f"{self.name} at {commit[:12]} has no manifests: there is no folder {self._root!r}",
                "run inside a clone of the repository behind a cache's pages, or name one with --repo",
            )
        children = [child for child in _entries(root) if child.mode == _TREE]
        trees = self.repository.objects(child.id for child in children)
        found: dict[str, tuple[GitObject, list[FolderEntry]]] = {}
        packages = []
        for child, tree in zip(children, trees, strict=True):
            folders = _entries(tree)
            if _is_package(folders):
                packages.append(child)
            else:
                found[child.name] = tree, folders
        if packages:
            found[DEFAULT_COLLECTION] = root, packages
        return found


def _package_files(
    folder: FolderEntry,
    contents: Sequence[FolderEntry] | None,
    absent: set[str],
    answers: Iterator[GitObject],
) -> PackageFiles:
    """Take the blobs of `folder` from `answers`, which come in the order of its contents."""
    if folder.mode in _ODD:
        return PackageFiles(folder.name, {}, (("", f"it {_ODD[folder.mode]}"),))
    files: dict[str, bytes] = {}
    unreadable = []
    for file in contents or ():
        if file.mode in _ODD:
            unreadable.append((file.name, f"it {_ODD[file.mode]}"))
        elif file.id in absent:
            unreadable.append((file.name, "it is missing from this partial clone"))
        elif file.mode != _TREE:
            blob = next(answers)
            if blob.kind != "blob":
                unreadable.append((file.name, "it is missing from the repository"))
            elif blob.size > MAX_FILE_SIZE:
                unreadable.append((file.name, f"it is too large: {blob.size:,} bytes"))
            else:
                files[file.name] = blob.content
    return PackageFiles(folder.name, files, tuple(unreadable))


def _entries(tree: GitObject) -> list[FolderEntry]:
    """The entries of a git tree object: mode, space, name, NUL, id in binary (git's tree format)."""
    content, width = tree.content, len(tree.id) // 2
    entries, at = [], 0
    while at < len(content):
        space = content.index(b" ", at)
        end = content.index(b"\0", space)
        mode = int(content[at:space], 8)
        name = content[space + 1 : end].decode("utf-8", "backslashreplace")
        at = end + 1 + width
        entries.append(FolderEntry(name, mode, content[end + 1 : at].hex()))
    return entries


def _is_package(entries: Iterable[FolderEntry]) -> bool:
    """Whether this is the folder of a package: it has a page, and no folders."""
    entries = list(entries)
    return any(entry.name in _PAGES for entry in entries) and not any(
        entry.mode == _TREE for entry in entries
    )


def _committed_at(commit: GitObject) -> str:
    """The committer's time of a commit object, in UTC."""
    header, _, _ = commit.content.partition(b"\n\n")
    committer = next(line for line in header.splitlines() if line.startswith(b"committer "))
    seconds = int(committer.rsplit(b" ", 2)[1])
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
