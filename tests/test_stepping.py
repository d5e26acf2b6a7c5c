"""A worker's chunks, one after the other: what one of them could not do is not passed on."""

from __future__ import annotations

import contextlib
from pathlib import Path

from cachediff.config import SourceSettings, find_settings
from cachediff.jobs.chunks import Chunk
from cachediff.jobs.stepping import Place, Stepper
from cachediff.queries import Catalogue, load
from cachediff.queries.opened import StoredSnapshot
from cachediff.sources import GitSource, Repository
from cachediff.store import SnapshotStore
from conftest import MakeRepository
from pages import page, record
from repositories import git

TOP = "_cache/develop"


def test_a_night_that_is_read_in_part(make_repository: MakeRepository, tmp_path: Path) -> None:
    """Of the first of its packages more is known then than of the night that goes before it."""
    old = {f"{TOP}/{name}/specs.md": page([record(name)], name) for name in ("a", "b")}
    new = {f"{TOP}/{name}/specs.md": page([record(f"{name}2")], name) for name in ("a", "b")}
    path = make_repository([old, new, {**old, f"{TOP}/c/specs.md": page([record("c")], "c")}])
    lost = git(path, "rev-parse", f"HEAD~1:{TOP}/b/specs.md")
    for pack in (path / ".git" / "objects" / "pack").glob("*.pack"):
        content = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        git(path, "unpack-objects", "-q", stdin=content)
    damaged = path / ".git" / "objects" / lost[:2] / lost[2:]
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-20])

    with contextlib.closing(Repository(path)) as repository:
        history = GitSource(repository, "cache").history()
    first, second, third = history.changes["develop"]
    store = tmp_path / "snapshots"
    place = Place(SourceSettings(path=str(path)), "cache", store, tmp_path / "cache", history.tip)
    with contextlib.closing(Stepper(place)) as stepper:
        (problem,) = stepper.take(Chunk((first, second)), lambda: None)
        assert "git cat-file failed" in problem
        assert stepper.take(Chunk((third,)), lambda: None) == []

    names = Catalogue(find_settings(tmp_path, None, str(path)), tmp_path / "cache")
    with contextlib.closing(names):
        for origin in (first, third):
            (one,) = (
                each
                for each in SnapshotStore(store).list().snapshots
                if each.commit == origin.commit
            )
            stored = load(StoredSnapshot(SnapshotStore(store).open(one)))
            there = load(names.open(f"develop@{origin.commit}", tmp_path))
            assert stored.manifests == there.manifests
        assert len(SnapshotStore(store).list().snapshots) == 2
