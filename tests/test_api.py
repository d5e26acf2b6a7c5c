"""What Python code gets: the same as the command line, as typed values."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

import cachediff
from cachediff import (
    ChangeKind,
    Comparison,
    ConfigError,
    NameNotFoundError,
    Selection,
    Snapshot,
    SourceError,
    Spec,
    UsageError,
    Version,
    compare,
    open_snapshot,
)
from cachediff.demo import demo_history, upstream_history
from cachediff.demo.upstream import Night
from cachediff.reports.json import render_json
from cachediff.sources import import_history
from commands import succeeds
from conftest import MakeRepository
from contract import check_document
from pages import dag_hash, page, record


@pytest.fixture
def repository(make_repository: MakeRepository) -> Path:
    path = "_cache/develop/hdf5/specs.md"
    return make_repository(
        [
            {path: page([record("hdf5/1", "1.14.3"), record("hdf5/2", "1.14.3", os="rhel8")])},
            {path: page([record("hdf5/3", "1.14.5"), record("hdf5/2", "1.14.3", os="rhel8")])},
        ]
    )


def test_public_names_are_there_and_documented() -> None:
    for name in cachediff.__all__:
        assert getattr(cachediff, name).__doc__
    assert {"compare", "Version", "Spec", "Snapshot", "Comparison", "Change", "ChangeKind"} <= set(
        cachediff.__all__
    )
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = cachediff.nope


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import cachediff, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    modules = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert {"pyarrow", "git", "deepdiff", "jinja2", "typer", "msgspec"} & set(modules) == set()


def test_compare(repository: Path) -> None:
    comparison = compare("develop@HEAD~1", "develop", repo=str(repository))
    assert isinstance(comparison, Comparison)
    assert comparison.differs
    (package,) = comparison.packages
    (change,) = package.changes
    assert change.kind is ChangeKind.UPGRADED
    assert isinstance(change.old, Spec)
    assert isinstance(change.new, Spec)
    assert change.old.version < change.new.version == Version("1.14.5")
    assert package.versions_added == (Version("1.14.5"),)


def test_in_the_working_folder(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    arguments = ("compare", "develop@HEAD~1", "develop", "-f", "json")
    expected = succeeds(*arguments, folder=repository)
    assert render_json(compare("develop@HEAD~1", "develop")) == expected


def test_a_selection(repository: Path) -> None:
    selection = Selection(kinds=("removed",))
    comparison = compare("develop@HEAD~1", "develop", repo=str(repository), selection=selection)
    assert comparison.packages == ()
    assert comparison.left_out == 1
    with pytest.raises(UsageError, match="no kind 'gone'"):
        compare("develop", "develop", repo=str(repository), selection=Selection(kinds=("gone",)))


def test_snapshots_in_memory(repository: Path) -> None:
    old, new = (open_snapshot(name, repo=str(repository)) for name in ("develop@HEAD~1", "develop"))
    assert isinstance(new, Snapshot)
    assert {spec.hash for spec in new.specs()} == {dag_hash("hdf5/2"), dag_hash("hdf5/3")}
    by_name = compare("develop@HEAD~1", "develop", repo=str(repository))
    assert compare(old, new, repo=str(repository)) == by_name
    assert compare(old, "develop", repo=str(repository)) == by_name
    assert not compare(new, new).differs


def test_a_folder(repository: Path) -> None:
    snapshot = open_snapshot(str(repository / "_cache" / "develop"))
    assert snapshot.origin.commit is None
    assert snapshot.object_ids == {}
    assert len(list(snapshot.specs())) == 2


def test_errors(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(NameNotFoundError) as caught:
        compare("devlop", "develop", repo=str(repository))
    assert "develop" in caught.value.hint
    with pytest.raises(SourceError):
        open_snapshot("develop", repo=str(tmp_path))
    with pytest.raises(ConfigError):
        open_snapshot("develop", config=tmp_path / "nowhere.yaml")
    with pytest.raises(UsageError):
        open_snapshot("", repo=str(repository))
    assert issubclass(ConfigError, cachediff.CachediffError)


def test_a_note_is_a_warning(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    succeeds("snapshot", "develop@HEAD~1", "develop", folder=repository)
    receipt = sorted((repository / "snapshots").rglob("*.json"))[0]
    receipt.write_text("")
    with pytest.warns(UserWarning, match="read from git instead") as caught:
        compare("develop@previous", "develop")
    assert caught[0].filename == __file__


class TestLargerTables:
    """Generated repositories; in process, where hundreds of packages take no time."""

    @pytest.fixture(scope="class")
    @staticmethod
    def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
        path = tmp_path_factory.mktemp("upstream") / "cache.git"
        nights = [Night("nightly", manifests=20), Night("rebuilt", rebuild_only=True)]
        import_history(path, upstream_history(packages=200, specs=6_000, nights=nights))
        return path

    @pytest.mark.parametrize(
        ("old", "new"), [("base", "nightly"), ("nightly", "rebuilt"), ("rebuilt", "base")]
    )
    def test_conforms_and_is_the_same_again(self, upstream: Path, old: str, new: str) -> None:
        names = (f"develop@{old}", f"develop@{new}")
        first = render_json(compare(*names, repo=str(upstream)))
        check_document(json.loads(first))
        assert render_json(compare(*names, repo=str(upstream))) == first, "with totals known"
        snapshots = [open_snapshot(name, repo=str(upstream)) for name in names]
        assert render_json(compare(snapshots[0], snapshots[1], repo=str(upstream))) == first

    def test_a_rebuild_of_everything_is_nothing_else(self, upstream: Path) -> None:
        comparison = compare("develop@nightly", "develop@rebuilt", repo=str(upstream))
        counts = comparison.spec_counts
        assert counts.rebuilt == comparison.old.specs == comparison.new.specs
        assert counts.unchanged == counts.added == counts.removed == counts.changed == 0

    def test_nothing_changes_from_a_snapshot_to_itself(self, upstream: Path) -> None:
        comparison = compare("develop@base", "develop@base", repo=str(upstream))
        assert not comparison.differs
        assert comparison.spec_counts.unchanged == comparison.old.specs == 6_000

    def test_every_pair_of_the_demo_conforms(self, tmp_path: Path) -> None:
        import_history(tmp_path / "demo.git", demo_history())
        names = ["develop@HEAD~20", "develop-*~4", "develop-*", "develop"]
        for old, new in combinations(names, 2):
            comparison = compare(old, new, repo=str(tmp_path / "demo.git"))
            mirror = compare(new, old, repo=str(tmp_path / "demo.git"))
            for told in (comparison, mirror):
                check_document(json.loads(render_json(told)))
            assert mirror.spec_counts.upgraded == comparison.spec_counts.downgraded
            assert mirror.spec_counts.added == comparison.spec_counts.removed
            assert mirror.spec_counts.rebuilt == comparison.spec_counts.rebuilt
