"""Mirrors of upstreams: made whole or not at all, fetched in one batch, outliving what they mirror."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachediff.config import find_settings
from cachediff.errors import CachediffError, SourceError
from cachediff.jobs.fetch import fetch_for
from cachediff.model.snapshot import PackageFiles
from cachediff.queries import Catalogue
from cachediff.sources import (
    GitCollection,
    GitSource,
    NotReachedError,
    Repository,
    clone_mirror,
    mirror_path,
    parse_name,
)
from cachediff.sources.objects import TreeEntry
from conftest import MakeRepository
from pages import page, record
from repositories import Commit, add_commits, git, listing


def night(number: int, packages: int = 20) -> Commit:
    """A commit that rebuilds every package but the last."""
    return {
        f"_cache/develop/p{package}/specs.md": page([record(f"{package} {number}")], f"p{package}")
        for package in range(packages - (number > 0))
    }


@pytest.fixture
def upstream(make_repository: MakeRepository) -> Path:
    path = make_repository([night(0), night(1)], "--bare")
    git(path, "config", "uploadpack.allowFilter", "true")
    git(path, "config", "uploadpack.allowAnySHA1InWant", "true")
    return path


@pytest.fixture
def place(upstream: Path, tmp_path: Path) -> Path:
    return mirror_path(tmp_path / "cache", f"file://{upstream}")


Mirror = Callable[[], GitSource]


@pytest.fixture
def mirror(upstream: Path, place: Path) -> Iterator[Mirror]:
    """Opens the mirror of `upstream`, made the first time."""
    opened: list[Repository] = []

    def open_mirror() -> GitSource:
        opened.append(clone_mirror(f"file://{upstream}", place))
        return GitSource(opened[-1], "cache")

    yield open_mirror
    for repository in opened:
        repository.close()


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """The command lines of every git that was started since the last call, git's own helpers too."""
    file = tmp_path / "trace.json"
    file.touch()
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(file))

    def started() -> list[list[str]]:
        events = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text("")
        return [event["argv"] for event in events if event["event"] == "start"]

    return started


def commands(started: list[list[str]], name: str) -> list[list[str]]:
    return [argv for argv in started if name in argv[:16] or argv[0].endswith(f"git-{name}")]


def read(source: GitSource, *texts: str) -> list[PackageFiles]:
    sides = [source.open(parse_name(text)) for text in texts]
    return list(source.read([folder for side in sides for folder in folders(side)]))


def folders(collection: GitCollection) -> list[TreeEntry]:
    return [collection.folder(package) for package in collection.entries]


def blobs_here(path: Path) -> int:
    listed = git(path, "cat-file", "--batch-check", "--batch-all-objects")
    return listed.count(" blob ")


def catalogue(upstream: str, tmp_path: Path) -> Catalogue:
    return Catalogue(find_settings(tmp_path, repo=upstream), tmp_path / "cache")


# Making


def test_a_mirror_is_bare_and_has_no_blobs(upstream: Path, place: Path, mirror: Mirror) -> None:
    source = mirror()
    assert place.is_dir()
    assert git(place, "rev-parse", "--is-bare-repository") == "true"
    assert blobs_here(place) == 0
    assert source.collections() == ["develop"]
    assert blobs_here(place) == 0
    assert source.repository.name() == upstream.name
    assert [path.name for path in place.parent.iterdir() if not path.name.endswith(".lock")] == [
        place.name
    ]


def test_a_mirror_has_the_branches_and_tags_of_its_upstream(
    upstream: Path, place: Path, mirror: Mirror
) -> None:
    git(upstream, "branch", "feature/x", "main~1")
    git(upstream, "tag", "first", "main~1")
    source = mirror()
    newest, first = git(upstream, "rev-parse", "main", "main~1").splitlines()
    for name, commit in {
        "develop": newest,
        "develop@main": newest,
        "develop@HEAD~1": first,
        "develop@feature/x": first,
        "develop@first": first,
        "develop@2025-01-01": first,
    }.items():
        assert source.open(parse_name(name)).origin.commit == commit


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://github.com/spack/cache.spack.io", "https-github.com-spack-cache.spack.io-"),
        ("https://github.com/spack/cache.git/", "https-github.com-spack-cache-"),
        ("git@host:x/y.git", "host-x-y-"),
        ("https://user:secret@host/x", "https-host-x-"),
        ("https://token@host/x@y", "https-host-x-y-"),
        ("file:///a/../../etc", "file-a-..-..-etc-"),
        ("https://host/\x1b[2J\n", "https-host-2J-"),
    ],
)
def test_a_mirror_lies_in_a_folder_that_tells_of_what(tmp_path: Path, url: str, shown: str) -> None:
    path = mirror_path(tmp_path, url)
    assert path.parent == tmp_path / "mirrors"
    assert re.fullmatch(re.escape(shown) + r"[0-9a-f]{8}\.git", path.name)


def test_every_url_has_a_mirror_of_its_own(tmp_path: Path) -> None:
    urls = ["https://a/b", "https://a/b?", "https://a-b", "ssh://a/b", "https://" + "x" * 300]
    paths = {mirror_path(tmp_path, url) for url in urls}
    assert len(paths) == len(urls)
    assert max(len(path.name) for path in paths) < 120


# Fetching


def test_what_is_read_is_fetched_in_one_batch_and_only_once(
    place: Path, mirror: Mirror, trace: Callable[[], list[list[str]]]
) -> None:
    source = mirror()
    trace()
    found = read(source, "develop@HEAD~1", "develop")
    assert len(found) == 40
    assert not any(files.unreadable for files in found)
    assert len({files.files["specs.md"] for files in found}) == 39
    assert len(commands(trace(), "fetch")) == 1
    assert blobs_here(place) == 39
    assert read(source, "develop@HEAD~1", "develop") == found
    assert commands(trace(), "fetch") == []


def test_whatever_talks_to_an_upstream_gives_up_a_silent_one(
    mirror: Mirror, trace: Callable[[], list[list[str]]]
) -> None:
    source = mirror()
    source.repository.fetch()
    read(source, "develop")
    started = trace()
    online = [argv for verb in ("clone", "fetch") for argv in commands(started, verb)]
    assert len(online) == 3
    for argv in online:
        assert {"http.lowSpeedLimit=20", "http.lowSpeedTime=120"} <= {*argv}


def test_a_second_read_fetches_only_what_is_new(
    upstream: Path, place: Path, mirror: Mirror, trace: Callable[[], list[list[str]]]
) -> None:
    read(mirror(), "develop")
    before = blobs_here(place)
    add_commits(upstream, [{"_cache/develop/p3/specs.md": page([record("new")], "p3")}], start=2)
    source = mirror()
    assert source.repository.fetch() == {}
    assert blobs_here(place) == before
    trace()
    read(source, "develop@HEAD~1", "develop")
    assert len(commands(trace(), "fetch")) == 1
    assert blobs_here(place) == before + 1


def test_a_comparison_fetches_at_most_twice(
    upstream: Path, tmp_path: Path, trace: Callable[[], list[list[str]]]
) -> None:
    """Once what differs, once what does not, for the totals; then nothing of either any more."""
    command = [sys.executable, "-m", "cachediff", "compare", "develop@HEAD~1", "develop"]
    argv = [*command, "--repo", f"file://{upstream}", "--format", "json"]
    first = subprocess.run(argv, capture_output=True, check=True, cwd=tmp_path)
    started = trace()
    assert len(commands(started, "clone")) == 1
    assert 1 <= len(commands(started, "fetch")) <= 2
    second = subprocess.run(argv, capture_output=True, check=True, cwd=tmp_path)
    (brought_up_to_date,) = commands(trace(), "fetch")
    assert "--stdin" not in brought_up_to_date
    assert second.stdout == first.stdout


def test_progress_is_told_while_it_is_made(upstream: Path, place: Path) -> None:
    told: list[tuple[str, int, int]] = []
    with_progress = GitSource(
        clone_mirror(f"file://{upstream}", place, lambda *step: told.append(step)), "cache"
    )
    assert any(name == "Receiving objects" and done == of > 0 for name, done, of in told)
    told.clear()
    collection = with_progress.open(parse_name("develop"))
    list(with_progress.read(folders(collection), lambda *step: told.append(step)))
    assert told[-1] == ("Reading manifests", 20, 20)
    assert {name for name, _, _ in told} > {"Reading manifests"}
    with_progress.repository.close()


def test_an_upstream_that_knows_no_filter_is_mirrored_whole(
    upstream: Path, place: Path, mirror: Mirror, trace: Callable[[], list[list[str]]]
) -> None:
    git(upstream, "config", "uploadpack.allowFilter", "false")
    source = mirror()
    assert blobs_here(place) == 39
    trace()
    assert len(read(source, "develop")) == 20
    assert commands(trace(), "fetch") == []


def test_a_sha256_upstream_is_mirrored(make_repository: MakeRepository, tmp_path: Path) -> None:
    upstream = make_repository([night(0, 3), night(1, 3)], "--bare", "--object-format=sha256")
    git(upstream, "config", "uploadpack.allowFilter", "true")
    repository = clone_mirror(f"file://{upstream}", tmp_path / "mirrors" / "m.git")
    assert len(read(GitSource(repository, "cache"), "develop@HEAD~1", "develop")) == 6
    assert repository.fetch() == {}
    repository.close()


def test_many_fetches_do_not_pile_up_packs(
    upstream: Path, place: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "gc.autoPackLimit")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "4")
    found = []
    for number in range(2, 9):
        source = mirror()
        source.repository.fetch()
        found.append(read(source, "develop"))
        add_commits(upstream, [night(number)], start=number)
    packs = list((place / "objects" / "pack").glob("*.pack"))
    assert len(packs) < 7
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "50")
    assert read(mirror(), "develop@2025-01-02") == found[0]


# Upstream moves


def test_a_new_commit_is_seen_after_a_fetch(upstream: Path, mirror: Mirror) -> None:
    before = mirror().open(parse_name("develop")).origin
    add_commits(upstream, [night(2)], start=2)
    assert mirror().open(parse_name("develop")).origin == before
    mirror().repository.fetch()
    assert mirror().open(parse_name("develop")).origin.committed_at == "2025-01-03T12:00:00Z"


def test_a_commit_that_was_used_outlives_a_force_push_and_both_collections_of_garbage(
    upstream: Path, place: Path, mirror: Mirror
) -> None:
    commit = git(upstream, "rev-parse", "main")
    found = read(mirror(), "develop")
    git(upstream, "update-ref", "refs/heads/main", "main~1")
    add_commits(upstream, [night(5)], start=5)
    git(upstream, "reflog", "expire", "--expire=now", "--all")
    git(upstream, "gc", "--quiet", "--prune=now")
    assert mirror().repository.fetch() == {"main": commit}
    git(place, "reflog", "expire", "--expire=now", "--all")
    git(place, "gc", "--quiet", "--prune=now")
    # Today's git throws nothing away that came from a promisor; the ref does not rely on that.
    pins = git(place, "for-each-ref", "--format=%(objectname) %(refname)").splitlines()
    assert f"{commit} refs/cachediff/{commit}" in pins
    source = mirror()
    assert source.open(parse_name("develop")).origin.committed_at == "2025-01-06T12:00:00Z"
    assert read(source, f"develop@{commit}") == found
    assert read(source, f"develop@{commit[:10]}") == found


def test_blobs_that_upstream_threw_away_are_an_error(upstream: Path, mirror: Mirror) -> None:
    commit = git(upstream, "rev-parse", "main")
    mirror().open(parse_name("develop"))
    git(upstream, "update-ref", "refs/heads/main", "main~1")
    git(upstream, "gc", "--quiet", "--prune=now")
    mirror().repository.fetch()
    with pytest.raises(SourceError, match=r"git fetch failed: .*not our ref") as caught:
        read(mirror(), f"develop@{commit}")
    assert not isinstance(caught.value, NotReachedError)


def test_the_end_of_a_branch_that_is_rewritten_is_kept_though_nobody_used_it(
    upstream: Path, place: Path, mirror: Mirror
) -> None:
    commit = git(upstream, "rev-parse", "main")
    mirror()
    git(upstream, "update-ref", "refs/heads/main", "main~1")
    git(upstream, "gc", "--quiet", "--prune=now")
    assert mirror().repository.fetch() == {"main": commit}
    assert git(place, "rev-parse", f"refs/cachediff/{commit}") == commit
    assert mirror().open(parse_name(f"develop@{commit}")).origin.commit == commit
    assert mirror().repository.fetch() == {}


@pytest.mark.parametrize("deleted", [False, True])
def test_a_branch_that_was_rewritten_is_told_though_the_fetch_of_it_was_killed(
    upstream: Path, place: Path, mirror: Mirror, deleted: bool
) -> None:
    commit = git(upstream, "rev-parse", "main")
    mirror().repository.fetch()
    git(upstream, "update-ref", "refs/heads/main", "main~1")
    git(place, "fetch", "--prune", "origin")  # all that was done of it
    if deleted:
        git(upstream, "branch", "-m", "main", "other")
    assert mirror().repository.fetch() == {"main": commit}


def test_a_deleted_branch_goes_and_a_used_commit_of_it_stays(
    upstream: Path, mirror: Mirror
) -> None:
    git(upstream, "branch", "feature/x", "main~1")
    commit = mirror().open(parse_name("develop@feature/x")).origin.commit
    git(upstream, "branch", "-D", "feature/x")
    assert mirror().repository.fetch() == {}
    with pytest.raises(CachediffError, match="no revision 'feature/x'"):
        mirror().open(parse_name("develop@feature/x"))
    assert mirror().open(parse_name(f"develop@{commit}")).origin.commit == commit


@pytest.mark.parametrize("deleted", [True, False], ids=["old one deleted", "old one kept"])
def test_another_default_branch_is_followed(upstream: Path, mirror: Mirror, deleted: bool) -> None:
    mirror()
    git(upstream, "branch", "develop", "main")
    git(upstream, "symbolic-ref", "HEAD", "refs/heads/develop")
    if deleted:
        git(upstream, "branch", "-D", "main")
    add_commits(upstream, [night(2)], start=2, branch="develop")
    mirror().repository.fetch()
    assert mirror().open(parse_name("develop")).origin.committed_at == "2025-01-03T12:00:00Z"


def test_an_upstream_whose_head_is_nowhere_can_still_be_read_by_branch(
    upstream: Path, mirror: Mirror
) -> None:
    mirror()
    git(upstream, "symbolic-ref", "HEAD", "refs/heads/nowhere")
    assert mirror().repository.fetch() == {}
    with pytest.raises(CachediffError, match="no revision 'HEAD'") as caught:
        mirror().open(parse_name("develop"))
    assert "branch that is gone" in caught.value.hint
    assert len(read(mirror(), "develop@main")) == 20


def test_an_empty_upstream_is_mirrored_and_filled_later(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    upstream = make_repository([], "--bare")
    path = tmp_path / "mirrors" / "m.git"
    source = GitSource(clone_mirror(f"file://{upstream}", path), "cache")
    with pytest.raises(CachediffError, match="no revision 'HEAD'"):
        source.open(parse_name("develop"))
    source.repository.close()
    add_commits(upstream, [night(0, 3)])
    source.repository.fetch()
    assert len(read(source, "develop")) == 3
    source.repository.close()


# Upstream cannot be had


def test_an_upstream_that_is_gone_leaves_what_was_fetched_before(
    upstream: Path, tmp_path: Path
) -> None:
    url = f"file://{upstream}"
    names = catalogue(url, tmp_path)
    fetch_for(names, ["develop"], tmp_path)
    before = list(names.open("develop", tmp_path).read(["p0", "p1"]))
    assert names.notices == []
    names.close()
    upstream.rename(tmp_path / "elsewhere")
    names = catalogue(url, tmp_path)
    fetch_for(names, ["develop"], tmp_path)
    (notice,) = names.notices
    assert notice.startswith("upstream not reached, this is what was fetched before: git fetch")
    assert list(names.open("develop", tmp_path).read(["p0", "p1"])) == before
    with pytest.raises(SourceError, match="git fetch failed"):
        list(names.open("develop", tmp_path).read(["p5"]))
    names.close()


def test_an_upstream_that_was_rewritten_is_told(upstream: Path, tmp_path: Path) -> None:
    names = catalogue(f"file://{upstream}", tmp_path)
    fetch_for(names, ["develop"], tmp_path)
    add_commits(upstream, [night(2)], start=2)
    fetch_for(names, ["develop"], tmp_path)
    assert names.notices == []
    tip = git(upstream, "rev-parse", "main")
    git(upstream, "update-ref", "refs/heads/main", "main~1")
    fetch_for(names, ["develop"], tmp_path)
    (notice,) = names.notices
    assert notice.startswith(f"upstream rewrote its branch main: {tip[:12]}, with which it ended,")
    fetch_for(names, ["develop"], tmp_path)
    assert names.notices == [notice]
    names.close()


def test_an_upstream_that_was_never_there_leaves_nothing(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/nowhere.git"
    with pytest.raises(SourceError, match=r"git clone failed: .*does not appear to be a git repo"):
        clone_mirror(url, mirror_path(tmp_path / "cache", url))
    assert [path.suffix for path in (tmp_path / "cache" / "mirrors").iterdir()] == [".lock"]


def test_a_cache_folder_that_cannot_be_written_is_told(upstream: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    url = f"file://{upstream}"
    with pytest.raises(SourceError, match="cache/mirrors cannot be written: Not a directory"):
        clone_mirror(url, mirror_path(tmp_path / "cache", url))


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("http://127.0.0.1:1/x", "http"),
        ("git://127.0.0.1:1/x", "git"),
        ("ftp://127.0.0.1:1/x", "ftp"),
        ("ext::sh -c touch% {witness}", "ext"),
        ("fd::7", "fd"),
        ("--upload-pack=touch {witness}", "protocol|repository"),
    ],
)
def test_a_protocol_that_is_not_allowed_is_refused(
    tmp_path: Path, url: str, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext:http:git:fd:ftp")
    witness = tmp_path / "witness"
    url = url.format(witness=witness)
    with pytest.raises(SourceError, match=transport) as caught:
        clone_mirror(url, tmp_path / "mirrors" / "m.git")
    assert not isinstance(caught.value, NotReachedError) or url.startswith("--")
    assert "not allowed" in caught.value.message or "does not exist" in caught.value.message
    assert not witness.exists()
    assert not (tmp_path / "mirrors" / "m.git").exists()


@pytest.mark.parametrize("repo", ["http://127.0.0.1:1/x", "ext::sh -c touch% witness"])
def test_the_command_refuses_them_in_words(tmp_path: Path, repo: str) -> None:
    command = [sys.executable, "-m", "cachediff", "compare", "develop~1", "develop"]
    done = subprocess.run(
        [*command, "--repo", repo], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("cachediff: ")
    assert not (tmp_path / "witness").exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@127.0.0.1:1/x",
        "ssh://user:secret@127.0.0.1:1/x",
        "http://user:secret@127.0.0.1:1/x",
        "https://user:sec%20ret@127.0.0.1:1/x",
        # git repeats this one as it is: "credential url cannot be parsed".
        "https://us%0aer:secret@127.0.0.1:1/x",
    ],
)
def test_a_password_in_a_url_is_never_told(tmp_path: Path, url: str) -> None:
    path = mirror_path(tmp_path / "cache", url)
    with pytest.raises(SourceError) as caught:
        clone_mirror(url, path)
    shown = f"{caught.value.message} {caught.value.hint} {path}"
    assert "sec" not in shown
    assert caught.value.message.startswith("git clone failed: ")
    assert len(caught.value.message) > len("git clone failed: ")


# Interrupted


@pytest.fixture
def silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the other side of every connection hang; the file comes when it was called."""
    script = tmp_path / "bin" / "git-upload-pack"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\nexec cat >/dev/null\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("GIT_EXEC_PATH", str(script.parent))
    return tmp_path / "called"


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come")


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_clone_that_is_interrupted_leaves_nothing_that_looks_whole(
    upstream: Path,
    place: Path,
    mirror: Mirror,
    silence: Path,
    monkeypatch: pytest.MonkeyPatch,
    blow: signal.Signals,
) -> None:
    code = (
        "import sys; from pathlib import Path; from cachediff.sources import clone_mirror;"
        "clone_mirror(sys.argv[1], Path(sys.argv[2]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, f"file://{upstream}", str(place)],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        wait_for(silence)
        assert [item.suffix for item in place.parent.iterdir() if item.is_dir()] == [".new"]
        os.killpg(running.pid, blow)
        running.wait()
    assert not place.exists()
    monkeypatch.delenv("GIT_EXEC_PATH")
    monkeypatch.setenv("PATH", os.environ["PATH"].partition(":")[2])
    assert len(read(mirror(), "develop")) == 20
    assert {item.name for item in place.parent.iterdir()} == {place.name, f"{place.stem}.lock"}


def test_a_git_that_hangs_is_ended_with_what_waits_for_it(
    upstream: Path, place: Path, silence: Path
) -> None:
    class EnoughError(Exception):
        pass

    def enough(*_: object) -> None:
        if not silence.exists():
            signal.setitimer(signal.ITIMER_REAL, 0.05)
        else:
            raise EnoughError

    before = signal.signal(signal.SIGALRM, enough)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(EnoughError):
            clone_mirror(f"file://{upstream}", place)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert [item.name for item in place.parent.iterdir()] == [f"{place.stem}.lock"]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_a_killed_fetch_left_is_cleared_away(
    upstream: Path, place: Path, mirror: Mirror
) -> None:
    source = mirror()
    left = [
        place / "packed-refs.lock",
        place / "config.lock",
        place / "refs" / "heads" / "main.lock",
        place / "objects" / "pack" / "tmp_pack_a1b2c3",
        place / "objects" / "pack" / "tmp_idx_a1b2c3",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("unfinished")
    add_commits(upstream, [night(2)], start=2)
    source.repository.fetch()
    assert [path for path in left if path.exists()] == []
    assert source.open(parse_name("develop")).origin.committed_at == "2025-01-03T12:00:00Z"


def test_an_error_while_fetching_ends_git_at_once(
    upstream: Path, place: Path, mirror: Mirror
) -> None:
    class StopError(Exception):
        pass

    def stop(*step: object) -> None:
        raise StopError

    source = mirror()
    collection = source.open(parse_name("develop"))
    with pytest.raises(StopError):
        list(source.read(folders(collection), stop))
    assert len(read(source, "develop")) == 20
    with pytest.raises(StopError):
        clone_mirror(f"file://{upstream}", place.with_name("other.git"), stop)
    assert sorted(path.suffix for path in place.parent.iterdir()) == [".git", ".lock", ".lock"]
    source.repository.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


# More than one at a time


def test_processes_that_make_the_same_mirror_at_once_all_get_it(
    upstream: Path, place: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from cachediff.sources import *;"
        "source = GitSource(clone_mirror(sys.argv[1], Path(sys.argv[2])), 'cache');"
        "source.repository.fetch();"
        "side = source.open(parse_name('develop'));"
        "folders = [side.folder(package) for package in side.entries];"
        "print(sum(len(files.files) for files in source.read(folders)))"
    )
    argv = [sys.executable, "-W", "error", "-c", code, f"file://{upstream}", str(place)]
    running = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)
    ]
    answers = [process.communicate(timeout=60) for process in running]
    assert answers == [(b"20\n", b"")] * 4


def test_a_second_writer_waits_and_says_so(upstream: Path, place: Path, mirror: Mirror) -> None:
    repository = mirror().repository
    code = (
        "import sys; from pathlib import Path; from cachediff.sources.writing import sole_writer\n"
        "with sole_writer(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", code, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"held\n"

        def release(name: str, done: int, of: int) -> None:
            told.append(name)
            if len(told) == 1:
                os.kill(other.pid, signal.SIGKILL)

        repository.fetch(release)
    assert told[0] == "Waiting for another run"


def test_the_environment_of_a_hook_sends_no_fetch_into_a_clone_of_the_user(
    upstream: Path, place: Path, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    git(upstream, "clone", "--quiet", f"file://{upstream}", str(clone))
    add_commits(upstream, [night(2)], start=2)
    before = listing(clone)
    monkeypatch.setenv("GIT_DIR", str(clone / ".git"))
    source = mirror()
    source.repository.fetch()
    assert len(read(source, "develop", "develop@HEAD~1")) == 40
    assert source.open(parse_name("develop")).origin.committed_at == "2025-01-03T12:00:00Z"
    assert place.is_dir()
    assert listing(clone) == before
