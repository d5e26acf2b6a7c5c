"""Collections in a git repository: `_cache/[<collection>/]<package>/`, at any commit.

A collection is a Merkle tree: git already gives the folder of every package an object id, and two
folders with the same id hold the same manifest. Finding a collection costs two questions to one
`git cat-file`; reading packages of it costs two more, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cachediff.errors import NameNotFoundError, SourceError
from cachediff.model.snapshot import Origin, PackageFiles
from cachediff.sources.commits import History, history_of
from cachediff.sources.git import Progress
from cachediff.sources.git_collection import GitCollection
from cachediff.sources.gone import GoneError, gone_branch, gone_folder
from cachediff.sources.line import Line
from cachediff.sources.names import SnapshotName, choose, until
from cachediff.sources.objects import TREE, GitObject, TreeEntry, committed_at, tree_entries
from cachediff.sources.package_folders import (
    MAX_FILE_SIZE,
    MAY_BE_A_PACKAGE,
    is_file,
    is_package,
    package_files,
)
from cachediff.sources.path_history import PackageState, package_states
from cachediff.sources.repository import Repository

DEFAULT_COLLECTION = "default"
"""The name of the one collection of a layout without collections (2021)."""


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
            GoneError: the branch or collection was there before, and is not any more.
            NameNotFoundError: no such revision or collection; the hint has close names.
            SourceError: there are no manifests there at all.
        """
        commit = self._commit(name.when)
        collection = name.collection
        tree = self._object(f"{commit.id}:{self._root}/{collection}")
        folders: Iterable[TreeEntry] | GitObject = tree
        if name.is_glob or tree.kind != "tree" or MAY_BE_A_PACKAGE.search(tree.content):
            try:
                listed = self._collections(commit.id)
                collection = choose(name, listed, f"{self.name} at {commit.id[:12]}")
            except (NameNotFoundError, SourceError) as error:
                raise (
                    None if name.is_glob else self.gone(collection, commit.id)
                ) or error from None
            tree, folders = listed[collection]
        if self.repository.mirror:
            self.repository.pin(commit.id)
        origin = Origin(self.name, collection, commit.id, committed_at(commit), tree.id)
        return GitCollection(self, origin, folders)

    def collections(self, when: str | None = None) -> list[str]:
        """Names of the collections at a revision, sorted.

        Raises:
            NameNotFoundError: no such revision.
            SourceError: there are no manifests there at all.
        """
        return sorted(self._collections(self._commit(when).id))

    def path_of(self, collection: str) -> str:
        """Where the folder of `collection` is in the repository, whether or not it is there."""
        return self._root if collection == DEFAULT_COLLECTION else f"{self._root}/{collection}"

    def gone(self, collection: str, commit: str) -> GoneError | None:
        """Where `collection`, which is not there at `commit` (an id), was last; None if it never was."""
        what = f"there is no collection {collection!r} in {self.name}"
        gone = gone_folder(self.repository, self.path_of(collection), commit, what)
        return gone if gone and collection in self._collections(gone.commit) else None

    def line(self) -> Line:
        """The history of the branch, to its first commit.

        Raises:
            NameNotFoundError: there is no such branch.
            SourceError: this clone does not have it whole, or git failed.
        """
        if self.repository.shallow:
            raise SourceError(f"the clone of {self.name} is shallow", "git fetch --unshallow")
        return Line(self.repository, self._commit(None).id)

    def changed_at(self, collection: str) -> str:
        """When `collection` changed last, or went, on the branch, as in `Origin`; now if it never did.

        Raises:
            NameNotFoundError: there is no such branch.
            SourceError: git failed.
        """
        tip = self._commit(None)
        commits = self.repository.commits_of(self.path_of(collection), tip.id)
        return committed_at(self._object(commits[0]) if commits else tip)

    def since(self, collection: str, when: str | None = None) -> str:
        """When `collection`, which is there at the revision `when`, first was there, as in `Origin`.

        Raises:
            NameNotFoundError: no such revision.
        """
        commit = self._commit(when)
        commits = self.repository.commits_of(self.path_of(collection), commit.id)
        return committed_at(self._object(commits[-1]) if commits else commit)

    def states(self, package: str, until: Origin, since: str | None) -> list[PackageState]:
        """What was there of a package at each commit that changed it: see `package_states`.

        Raises:
            NameNotFoundError: there is no revision `since`, or it is none of those before `until`.
        """
        first = None if since is None else self._commit(since).id
        return package_states(
            self.repository, self.path_of(until.collection), package, first, str(until.commit)
        )

    def history(self) -> History:
        """The collections of the branch at all its commits, back from the newest; see `history_of`.

        Raises:
            NameNotFoundError: there is no such branch.
            SourceError: git failed, or a commit has no readable date.
        """
        tip = self._commit(None)
        if self.repository.mirror:
            self.repository.pin(tip.id)
        return history_of(self.repository, self.name, self._root, tip, DEFAULT_COLLECTION)

    def at(self, origin: Origin) -> GitCollection:
        """The collection of an origin that `history` told.

        Raises:
            SourceError: its tree is missing from this repository.
        """
        if origin.collection == DEFAULT_COLLECTION:
            # The folder of packages itself, or a collection of that name: only the commit tells.
            _, folders = self._collections(str(origin.commit))[DEFAULT_COLLECTION]
            return GitCollection(self, origin, folders)
        tree = self._object(str(origin.tree))
        if tree.kind != "tree":
            raise SourceError(
                f"{origin.collection} at {str(origin.commit)[:12]} is missing from {self.name}"
            )
        return GitCollection(self, origin, tree)

    def read(
        self, folders: Sequence[TreeEntry], progress: Progress | None = None
    ) -> Iterator[PackageFiles]:
        """The files of each folder, in the order asked for; one at a time is held.

        What is no regular file, too large or missing from a partial clone is named in
        `PackageFiles.unreadable`.

        Raises:
            SourceError: git failed, or what a mirror lacks could not be fetched.
        """
        wanted = dict.fromkeys(folder.id for folder in folders if folder.mode == TREE)
        trees = self.repository.objects(wanted)
        contents = {tree.id: tree_entries(tree) for tree in trees if tree.kind == "tree"}
        blobs = [
            file.id for folder in folders for file in contents.get(folder.id, ()) if is_file(file)
        ]
        absent = self._absent(contents, blobs, progress) if self.repository.partial else set()
        answers = self.repository.objects(
            (blob for blob in blobs if blob not in absent), max_size=MAX_FILE_SIZE
        )
        for done, folder in enumerate(folders, 1):
            yield package_files(folder, contents, absent, answers)
            if progress:
                progress("Reading manifests", done, len(folders))
        # Ask past the last, so that git is kept for what is read next.
        next(answers, None)

    def _absent(
        self, trees: Iterable[str], blobs: Iterable[str], progress: Progress | None
    ) -> set[str]:
        """Which of `blobs` a partial clone lacks; a mirror of ours gets them, and then lacks none."""
        absent = self.repository.missing(trees).intersection(blobs)
        if absent and self.repository.mirror:
            self.repository.fetch_objects(sorted(absent), progress)
            return set()
        return absent

    def _object(self, name: str) -> GitObject:
        (found,) = self.repository.objects([name])
        return found

    def _commit(self, when: str | None) -> GitObject:
        """The commit that `when` means, or the newest one."""
        moment = until(when) if when else None
        revision = self._branch if when is None or moment else when
        commit = self._object(f"{revision}^{{commit}}")
        if commit.kind != "commit":
            what = f"there is no revision {revision!r} in {self.name}"
            if gone := gone_branch(self.repository, revision, what):
                raise gone
            hint = "list revisions with git log"
            if self.repository.shallow:
                hint = "this clone is shallow and may lack it: git fetch --unshallow"
            elif revision == "HEAD":
                hint = "the repository has no commit yet, or its HEAD is on a branch that is gone"
            raise NameNotFoundError(what, hint)
        if moment:
            commit = self._object(self.repository.commit_until(moment, commit.id))
        return commit

    def _collections(self, commit: str) -> dict[str, tuple[GitObject, list[TreeEntry]]]:
        """Every collection at `commit`: its tree and what is in it."""
        root = self._object(f"{commit}:{self._root}")
        if root.kind != "tree":
            hint = "run inside a clone of the repository behind a cache's pages, or name one with --repo"
            if self.repository.partial:
                hint = "this clone is partial and may lack it: clone without --filter"
            what = (
                f"{self.name} at {commit[:12]} has no manifests: there is no folder {self._root!r}"
            )
            if gone := gone_folder(self.repository, self._root, commit, what):
                raise gone
            raise SourceError(what, hint)
        entries = tree_entries(root)
        children = [child for child in entries if child.mode == TREE]
        trees = self.repository.objects(child.id for child in children)
        found: dict[str, tuple[GitObject, list[TreeEntry]]] = {}
        packages, others = [], []
        for child, tree in zip(children, trees, strict=True):
            if tree.kind != "tree":
                raise SourceError(
                    f"{self._root}/{child.name} of {commit[:12]} is missing from {self.name}",
                    "this clone is partial or damaged",
                )
            folders = tree_entries(tree)
            if is_package(folders):
                packages.append(child)
            elif any(folder.mode == TREE for folder in folders):
                found[child.name] = tree, folders
            else:
                others.append((child, tree, folders))
        if packages:
            # What has neither a page nor packages is a package that lost its page, and what is no
            # folder stands in the place of one: unknown, and not gone.
            odd = [child for child in entries if child.mode != TREE]
            packages += [*(child for child, _, _ in others), *odd]
            found[DEFAULT_COLLECTION] = root, packages
        else:
            found |= {child.name: (tree, folders) for child, tree, folders in others}
        return found
