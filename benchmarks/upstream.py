"""The upstreams to measure on: made up by `cachediff.demo`, kept in a folder for the next time."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

import cachediff.demo
from cachediff.demo import Night, upstream_history
from cachediff.sources import import_history

PACKAGES, SPECS = 1_300, 60_264
"""Size of `develop` in the repository behind cache.spack.io."""


class Sides(msgspec.Struct, frozen=True):
    """Two commits of `develop`, by their tags: what a benchmark compares."""

    name: str
    old: str
    new: str

    def names(self) -> tuple[str, str]:
        """Both as names of snapshots."""
        return f"develop@{self.old}", f"develop@{self.new}"


NIGHTLY = Sides("nightly", "base", "nightly")
REBUILT = Sides("everything rebuilt", "nightly", "rebuilt")


class Upstream(msgspec.Struct, frozen=True):
    """A repository of `specs` specs in `packages` manifests, of which `changed` change in a night.

    After the night comes a rebuild of everything: every spec has another hash, and nothing else is
    another. `folder` holds the repository, and what else is made out of it.
    """

    folder: Path
    packages: int
    specs: int
    changed: int

    @property
    def repository(self) -> Path:
        """The bare repository."""
        return self.folder / "upstream.git"


class History(msgspec.Struct, frozen=True):
    """A repository with `nights` commits after the first, tagged `night-1` and so on.

    In each of them one manifest in `one_in` changes. `folder` holds the repository.
    """

    folder: Path
    one_in: int
    nights: int

    @property
    def repository(self) -> Path:
        """The bare repository."""
        return self.folder / "upstream.git"


def history_of(specs: int, one_in: int, nights: int, folder: Path) -> History:
    """A history of an upstream of `specs` specs, packed by git, made in `folder` unless it is there."""
    packages = max(10, specs * PACKAGES // SPECS)
    changed = max(1, packages // one_in)
    name = f"history-{packages}x{specs}-{changed}x{nights}-{_generator()}"
    history = History(folder / name, one_in, nights)
    if not history.folder.exists():
        told = [Night(f"night-{night}", changed) for night in range(1, nights + 1)]
        _write(history.repository, upstream_history(packages, specs, seed=0, nights=told))
    return history


def upstream_of(specs: int, times: int, folder: Path) -> Upstream:
    """An upstream `times` as large as one of `specs` specs, with as many manifests changed as in that.

    The same proportions as the real one; one manifest in ten changes where `times` is 1. It is made,
    packed by git, and kept in `folder`, unless it is there.
    """
    packages = max(10, specs * PACKAGES // SPECS)
    changed = packages // 10
    name = f"{packages * times}x{specs * times}-{changed}-{_generator()}"
    upstream = Upstream(folder / name, packages * times, specs * times, changed)
    if not upstream.folder.exists():
        _make(upstream)
    return upstream


def _make(upstream: Upstream) -> None:
    nights = [Night("nightly", upstream.changed), Night("rebuilt", rebuild_only=True)]
    history = upstream_history(upstream.packages, upstream.specs, seed=0, nights=nights)
    _write(upstream.repository, history)


def _write(repository: Path, history: Iterable[bytes]) -> None:
    """Make it beside its folder and rename that, so that what was interrupted is not taken for whole."""
    folder = repository.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as beside:
        new = Path(beside) / "new"
        import_history(new / repository.name, history)
        # As small as git makes it: what fast-import leaves is twice as large.
        repack = ["repack", "-adfq", "--window=50"]
        subprocess.run(["git", "-C", new / repository.name, *repack], check=True)
        new.rename(folder)


def _generator() -> str:
    """What tells one state of the generator from another: its upstreams may differ."""
    sources = sorted(Path(path) for path in Path(cachediff.demo.__path__[0]).glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]
