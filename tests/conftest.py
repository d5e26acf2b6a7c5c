"""Every test runs apart from the user's home, cache, git settings and configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from repositories import Commit, write_repository


@pytest.fixture(autouse=True)
def isolation(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    # Not /dev/null, which a `git config --global` of root would replace.
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "NO_COLOR",
        "FORCE_COLOR",
        "COLUMNS",
    ):
        monkeypatch.delenv(name, raising=False)


MakeRepository = Callable[..., Path]


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    """`make_repository([{path: content}, ...], "--bare")`: see `repositories.write_repository`."""
    made: list[Path] = []

    def make(commits: Iterable[Commit], *init: str) -> Path:
        made.append(tmp_path / f"repository{len(made)}")
        return write_repository(made[-1], commits, init=init)

    return make
