"""Settings: where they are looked for, what they may say, and how errors name the key."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from cachediff.config import CONFIG_FILE, SourceSettings, find_settings, load_settings
from cachediff.errors import ConfigError
from commands import cachediff, compared, refuses, succeeds
from conftest import MakeRepository
from pages import page, record


def written(folder: Path, content: str | bytes | dict[str, Any]) -> Path:
    path = folder / CONFIG_FILE
    if isinstance(content, dict):
        content = yaml.safe_dump(content, sort_keys=False)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class TestLoading:
    def test_everything(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/someone")
        path = written(
            tmp_path,
            {
                "sources": {
                    "cache": {"url": "https://cache.example/pages.git", "branch": "main"},
                    "site": {"path": "../clone", "manifests": "pages/_cache/"},
                    "mine": {"path": "~/clone"},
                },
                "store": "kept/here",
                "reports": "/srv/reports",
                "templates": "words",
            },
        )
        settings = load_settings(path)
        assert settings.sources == {
            "cache": SourceSettings(url="https://cache.example/pages.git", branch="main"),
            "site": SourceSettings(path=f"{tmp_path}/../clone", manifests="pages/_cache"),
            "mine": SourceSettings(path="/home/someone/clone"),
        }
        assert list(settings.sources) == ["cache", "site", "mine"], "the first is the default"
        assert settings.store == tmp_path / "kept/here"
        assert settings.reports == Path("/srv/reports")
        assert settings.templates == tmp_path / "words"

    def test_defaults(self, tmp_path: Path) -> None:
        settings = load_settings(written(tmp_path, "sources: {a: {path: .}}"))
        assert settings.sources["a"].manifests == "_cache"
        assert settings.sources["a"].branch is None
        assert settings.store == tmp_path / "snapshots"
        assert settings.reports == tmp_path / "reports"
        assert settings.templates is None
        assert (settings.jobs, settings.retention, settings.deliver) == ({}, None, {})
        assert settings.file == tmp_path / CONFIG_FILE

    def test_text_that_yaml_once_took_for_something_else(self, tmp_path: Path) -> None:
        path = written(tmp_path, "sources: {no: {path: on, branch: 2025-04-20}}\nstore: 12:30:45")
        settings = load_settings(path)
        assert settings.sources == {
            "no": SourceSettings(path=str(tmp_path / "on"), branch="2025-04-20")
        }
        assert settings.store == tmp_path / "12:30:45"

    @pytest.mark.parametrize(
        "url", ["https://x.example/a", "ssh://git@x/a", "git@x.example:a/b.git", "file:///srv/a"]
    )
    def test_urls(self, tmp_path: Path, url: str) -> None:
        settings = load_settings(written(tmp_path, {"sources": {"a": {"url": url}}}))
        assert settings.sources["a"].url == url
        assert find_settings(tmp_path, repo=url).sources[None].url == url

    def test_the_file_that_init_writes(self, tmp_path: Path) -> None:
        content = files("cachediff.config").joinpath("default.yaml").read_text()
        settings = load_settings(written(tmp_path, content))
        assert list(settings.sources) == ["cache"]
        assert (settings.retention, settings.deliver) == (None, {})
        assert list(settings.jobs) == ["nightly", "dated"]
        # What is commented out is right, too.
        full = load_settings(written(tmp_path, re.sub(r"(?m)^( *)#(?=\S)", r"\1", content)))
        assert full.sources["cache"].branch == "main"
        assert full.sources["cache"].manifests == "_cache"
        assert full.templates == tmp_path / "templates"
        assert full.retention
        assert list(full.deliver) == ["mail", "chat"] == [*full.jobs["nightly"].deliver]

    def test_the_file_of_this_repository_is_the_one_that_init_writes(self) -> None:
        content = files("cachediff.config").joinpath("default.yaml").read_bytes()
        assert (Path(__file__).parents[1] / CONFIG_FILE).read_bytes() == content

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", ": sources: this key is missing"),
            ("[]", ": found a list of 0; allowed is keys with values"),
            ("sources: []", ":1: sources: found a list of 0; allowed are names"),
            ("sources:", ":1: sources: found nothing; allowed are names"),
            ("sources: {}", ":1: sources: there is none"),
            ("store: x", ": sources: this key is missing"),
            ("sources: {a: {path: x}}\nstores: y", ":2: stores: unknown key; did you mean store?"),
            ("sources: {a: {path: x}}\nxyz: y", ":2: xyz: unknown key$"),
            (
                "sources: {a: {path: x}}\nstore: 4",
                ":2: store: found 4; allowed is one line of text",
            ),
            ("sources: {a: {path: x}}\nreports: ''", ":2: reports: found ''; allowed is one line"),
            (
                "sources: {a: {path: x}}\ntemplates: [x]",
                ":2: templates: found a list of 1; allowed",
            ),
            ("sources: {a: }", "sources.a: found nothing; allowed is keys with values"),
            ("sources: {a: {}}", "sources.a: give either url or path"),
            ("sources: {a: {path: x, url: 'https://x'}}", "sources.a: give either url or path"),
            (
                "sources:\n  b: {path: x}\n  a:\n    pth: x",
                ":4: sources.a.pth: unknown key; .* path?",
            ),
            ("sources: {b: {path: x}, a: {path: 4}}", "sources.a.path: found 4"),
            ("sources: {b: {path: x}, a: {url: ../x}}", "sources.a.url: '../x' is not a URL"),
            ("sources: {a: {path: ''}}", "sources.a.path: "),
            ('sources: {a: {path: "x\\0y"}}', "sources.a.path: "),
            ('sources: {a: {path: x, branch: "a\\nb"}}', "sources.a.branch: "),
            ("sources: {a: {path: x, branch: true}}", "sources.a.branch: found true"),
            ("sources: {a: {path: x, manifests: /etc}}", "sources.a.manifests: '/etc'"),
            ("sources: {a: {path: x, manifests: a/../..}}", "sources.a.manifests: "),
            ("sources: {a: {path: x, manifests: .}}", "sources.a.manifests: "),
            ("sources: {a b: {path: x}}", "sources.a b: a name is of letters"),
            ("sources: {'../a': {path: x}}", "sources.../a: a name is of letters"),
            ("sources: {[a]: {path: x}}", ":1: sources: a key is text"),
            ("sources: {'a`': {path: x}}", ":1: sources: 'a`' is not a key"),
            ("sources: {a: {path: ~no-one/x}}", "sources.a.path: '~no-one/x'"),
            (
                "sources: {a: {path: x}}\nsources: {b: {path: y}}",
                ":1: sources: given twice, again in ",
            ),
            (
                "sources:\n  a:\n    path: x\n    path: y",
                ":3: sources.a.path: given twice, again in li",
            ),
            ("sources: {a: [", ":1: this cannot be read: "),
            ("sources:\n\ta: {path: x}", ":2: this cannot be read: .*'.t' that cannot start"),
            ("sources: {a: &x {path: x}, b: *x}", r":1: this cannot be read: anchors \(&\)"),
            ("sources: {a: {path: *x}}", r":1: this cannot be read: anchors \(&\)"),
            ("sources: {a: {path: !!python/name:os.system x}}", r":1: .*: tags \(!\) are not"),
            ("sources: {a: {path: !!int x}}", r":1: this cannot be read: tags \(!\) are not"),
            ("sources: {a: {path: x}}\n---\nstore: x", ":2: .* another document"),
            ('sources: {a: {path: "\\ud800"}}', "sources.a.path: half a character"),
            ('sources: {a: {path: "\\UFFFFFFFF"}}', "is not YAML: "),
            (b"sources: {a: {path: \xff\xfe}}", "is not YAML in UTF-8: invalid start byte at"),
            ("sources: " + "[" * 60_000, "is nested too deep"),
            ("sources: " + "[" * 60_000 + "]" * 60_000, "is nested too deep"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_errors_name_the_key(self, tmp_path: Path, content: str | bytes, reason: str) -> None:
        path = written(tmp_path, content)
        with pytest.raises(ConfigError, match=reason) as caught:
            load_settings(path)
        assert caught.value.message.startswith(str(path))
        assert "\n" not in caught.value.message

    def test_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        for path in (tmp_path / "nowhere.yaml", tmp_path):
            with pytest.raises(ConfigError) as caught:
                load_settings(path)
            assert str(path) in caught.value.message


class TestFinding:
    def test_repo_overrules_everything(self, tmp_path: Path) -> None:
        written(tmp_path, "sources: {a: {path: x}}")
        settings = find_settings(tmp_path, config=tmp_path / "nowhere", repo="clone")
        assert settings.sources == {None: SourceSettings(path=str(tmp_path / "clone"))}
        assert settings.store == tmp_path / "snapshots"

    def test_config_overrules_the_folder(self, tmp_path: Path) -> None:
        written(tmp_path, "sources: {a: {path: x}}")
        (tmp_path / "other").mkdir()
        written(tmp_path / "other", "sources: {b: {path: x}}")
        settings = find_settings(tmp_path, config=Path("other") / CONFIG_FILE)
        assert list(settings.sources) == ["b"]
        assert settings.store == tmp_path / "other" / "snapshots"

    def test_the_folder_overrules_the_clone(self, tmp_path: Path) -> None:
        written(tmp_path, "sources: {a: {path: x}}")
        assert list(find_settings(tmp_path).sources) == ["a"]

    @pytest.mark.parametrize(
        "content",
        ["title: a web site", "- a\n- list", "", "key: [", "x: !!python/name:os.system", "[" * 60_000,
         "a: &x {sources: 1}\nb: *x"],
        ids=lambda value: str(value)[:20],
    )  # fmt: skip
    def test_the_file_of_another_program_is_none_of_ours(
        self, tmp_path: Path, content: str
    ) -> None:
        written(tmp_path, content)
        settings = find_settings(tmp_path)
        assert settings.sources == {None: SourceSettings(path=str(tmp_path))}

    def test_a_broken_file_of_ours_is_an_error(self, tmp_path: Path) -> None:
        written(tmp_path, "sources: {cache: [")
        with pytest.raises(ConfigError, match=":1: this cannot be read: "):
            find_settings(tmp_path)


class TestCommand:
    def test_several_sources(self, make_repository: MakeRepository, tmp_path: Path) -> None:
        for name, root, version in (("first", "_cache", "1.0"), ("second", "pages", "2.0")):
            manifest = page([record(f"hdf5/{version}", version)])
            repository = make_repository([{f"{root}/develop/hdf5/specs.md": manifest}])
            repository.rename(tmp_path / name)
        written(
            tmp_path,
            {
                "sources": {
                    "one": {"path": "first"},
                    "two": {"path": "second", "manifests": "pages"},
                },
                "store": "kept",
            },
        )
        document = compared("develop", "two:develop", folder=tmp_path)
        assert (document["old"]["source"], document["new"]["source"]) == ("one", "two")
        assert document["summary"]["specs"]["upgraded"] == 1
        out = succeeds("list", folder=tmp_path)
        assert out.splitlines() == ["one", "  develop", "two", "  develop"]
        assert succeeds("list", "two", folder=tmp_path).splitlines() == ["two", "  develop"]
        message = refuses("compare", "tow:develop", "develop", folder=tmp_path)
        assert "did you mean two?" in message
        succeeds("snapshot", "two:develop", folder=tmp_path)
        assert list((tmp_path / "kept" / "two" / "develop").glob("*.parquet"))
        stored = ("compare", "--stored", "two:develop..two:develop", "--exit-code")
        assert cachediff(*stored, folder=tmp_path).code == 0

    def test_a_source_that_is_not_there_hides_no_other(
        self, make_repository: MakeRepository, tmp_path: Path
    ) -> None:
        make_repository([{"_cache/develop/hdf5/specs.md": page([record("hdf5/1")])}])
        sources = {
            "gone": {"url": (tmp_path / "nowhere").as_uri()},
            "lost": {"path": "nowhere"},
            "here": {"path": "repository0"},
        }
        config = written(tmp_path, {"sources": sources})
        done = cachediff("list", "--config", config, folder=tmp_path)
        assert done.code == 2
        assert done.out.splitlines() == ["gone", "lost", "here", "  develop"]
        assert "nowhere" in done.err

    def test_a_branch(self, make_repository: MakeRepository, tmp_path: Path) -> None:
        path = "_cache/develop/hdf5/specs.md"
        make_repository([{path: page([record(f"hdf5/{version}", version)])} for version in "12"])
        written(tmp_path, {"sources": {"then": {"path": "repository0", "branch": "main~1"}}})
        document = compared("develop", "develop@main", folder=tmp_path)
        assert document["summary"]["specs"]["upgraded"] == 1

    def test_a_wrong_key(self, tmp_path: Path) -> None:
        written(tmp_path, "sources: {cache: {urll: x}}")
        message = refuses("list", folder=tmp_path)
        assert ":1: sources.cache.urll: unknown key; did you mean url?" in message
        assert "keys here are url, path, branch, manifests" in message
