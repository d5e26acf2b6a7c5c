"""Mirrors of upstreams: where they lie, and how they are made."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

from cachediff.sources.git import ONLINE, Progress, run
from cachediff.sources.online import follow
from cachediff.sources.repository import Repository
from cachediff.sources.tips import UPSTREAM_HEAD
from cachediff.sources.writing import clear_clones, sole_writer


def mirror_path(cache: Path, url: str) -> Path:
    """The folder of the mirror of `url` in the cache folder `cache`: one for each URL, readable.

    User and password are no part of its name.
    """
    shown = re.sub(r"^([a-z0-9+.-]+://)?[^/]*@", r"\1", url.rstrip("/").removesuffix(".git"))
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", shown).strip("-.")
    digest = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return cache / "mirrors" / f"{name[-80:]}-{digest}.git"


def clone_mirror(url: str, path: Path, progress: Progress | None = None) -> Repository:
    """The bare mirror of `url` at `path`, made unless another process has made it meanwhile.

    It has no blobs: those are fetched as they are needed. It is made beside `path` and renamed, so
    that an interrupted clone leaves nothing that looks whole.

    Raises:
        NotReachedError: `url` was not reached.
        SourceError: it is of a protocol that is not allowed, or the mirror cannot be written.
    """
    with sole_writer(path, progress):
        if not path.is_dir():
            clear_clones(path)
            with tempfile.TemporaryDirectory(".new", f"{path.stem}.", path.parent) as folder:
                _clone(url, Path(folder) / "mirror", progress)
                (Path(folder) / "mirror").rename(path)
    return Repository(path, mirror=True)


def _clone(url: str, new: Path, progress: Progress | None) -> None:
    command = ["clone", "--bare", "--filter=blob:none", "--template=", "--progress"]
    # A glob, because an upstream's HEAD may point to nothing.
    head = f"remote.origin.fetch=+HEAD*:{UPSTREAM_HEAD}*"
    arguments = [*command, "-c", head, "--end-of-options", url, new.name]
    follow(new.parent, arguments, progress, environment=ONLINE)
    run(new, ["config", "--add", "remote.origin.fetch", "+refs/heads/*:refs/heads/*"])
    run(new, ["symbolic-ref", "HEAD", UPSTREAM_HEAD])
