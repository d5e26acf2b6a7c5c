"""The command, end to end, on repositories of a few manifests: what it is asked, says and refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import AT_ONCE, COMMAND, cachediff, compared, in_terminal, refuses, succeeds
from conftest import MakeRepository
from contract import check_document
from pages import Record, dag_hash, page, record
from repositories import Content, Entry, git, submodule, symlink, write_repository

FORMATS = ("text", "markdown", "html", "json", "eml", "release-notes")
COMMANDS = (
    *("compare", "render", "list", "log", "trend", "served", "bisect"),
    *("snapshot", "reindex", "verify"),
    *("run", "schedule", "status", "init", "demo", "outbox", "config"),
)

# One of everything: `name@old` moved to `name@new`, and which kind that is.
OLD = {
    "hdf5": [record("hdf5/1", "1.14.3"), record("hdf5/2", "1.14.3", stacks=["hep", "root"])],
    "zlib": [record("zlib/1", "1.3")],
    "bats": [record("bats/1", "1.10.0")],
    "cmake": [record("cmake/1", "3.30")],
    "old-thing": [record("old-thing/1")],
    "gdal": [record("gdal/1", "3.8", variants=["+png"], target="zen4")],
    "same": [record("same/1")],
    "moved": [record("moved/1", stacks=["e4s", "hep", "root"])],
}
NEW = {
    "hdf5": [record("hdf5/3", "1.14.5"), record("hdf5/2", "1.14.3", stacks=["hep", "root"])],
    "zlib": [record("zlib/2", "1.2")],
    "bats": [record("bats/2", "1.10.0")],
    "cmake": [record("cmake/1", "3.30"), record("cmake/2", "3.31", compiler="gcc@13.2.0")],
    "new-thing": [record("new-thing/1", os="rhel8")],
    "gdal": [record("gdal/2", "3.8", variants=["~png"], target="zen4")],
    "same": [record("same/1")],
    "moved": [record("moved/1", stacks=["hep", "root"])],
}
CHANGES = {
    "hdf5": "upgraded",
    "zlib": "downgraded",
    "bats": "rebuilt",
    "cmake": "added",
    "old-thing": "removed",
    "new-thing": "added",
    "gdal": "changed",
    "moved": "restacked",
}

Commit = dict[str, Content]


def collection(packages: dict[str, list[Record]], name: str = "develop") -> Commit:
    return {
        f"_cache/{name}/{package}/specs.md": page(records, package, name)
        for package, records in packages.items()
    }


def told(document: dict[str, Any]) -> dict[str, list[str]]:
    """The kinds of change of each package."""
    return {
        package["package"]: sorted(change["kind"] for change in package["changes"])
        for package in document["packages"]
    }


@pytest.fixture
def everything(make_repository: MakeRepository) -> Path:
    """`develop` in two commits, between which there is a change of every kind."""
    gone = {"_cache/develop/old-thing": None}
    return make_repository([collection(OLD), gone | collection(NEW)])


@pytest.fixture
def releases(make_repository: MakeRepository) -> Path:
    """Three dated collections and `develop`."""
    names = ("develop-2025-01-05", "develop-2025-01-12", "develop-2025-01-19", "develop")
    commits = [
        collection({"hdf5": [record(f"hdf5/{number}", f"1.14.{number}")]}, name)
        for number, name in enumerate(names)
    ]
    return make_repository(commits)


class TestHelp:
    @pytest.mark.parametrize("command", ["", *COMMANDS])
    def test_fits_a_terminal(self, tmp_path: Path, command: str) -> None:
        arguments = [command, "--help"] if command else ["--help"]
        out = succeeds(*arguments, folder=tmp_path, environment={"COLUMNS": "80"})
        assert out.startswith(f"Usage: cachediff {command}".rstrip())
        assert max(map(len, out.splitlines())) <= 80
        assert "..." not in re.sub(r"\[?[A-Z]+\]?\.\.\.", "", out), "nothing is cut short"

    def test_names_every_command(self, tmp_path: Path) -> None:
        out = succeeds("--help", folder=tmp_path)
        assert re.findall(r"(?m)^  ([a-z]+) ", out) == list(COMMANDS)
        assert "--install-completion" in out

    def test_compare_says_how_snapshots_are_named_and_gives_examples(self, tmp_path: Path) -> None:
        out = succeeds("compare", "--help", folder=tmp_path)
        assert "[SOURCE:]COLLECTION[@WHEN]" in out
        examples = re.findall(r"(?m)^    (cachediff compare .*)$", out)
        assert len(examples) >= 5
        assert "cachediff compare 'develop-*~1' 'develop-*'" in examples

    def test_alone_shows_help(self, tmp_path: Path) -> None:
        done = cachediff(folder=tmp_path)
        assert done.code == 2
        assert "Usage: cachediff" in done.out + done.err
        assert "compare" in done.out + done.err

    def test_version(self, tmp_path: Path) -> None:
        assert re.fullmatch(r"cachediff \d+\.\d+\S*\n", succeeds("--version", folder=tmp_path))


class TestCompare:
    def test_every_kind(self, everything: Path) -> None:
        document = compared("develop@HEAD~1", "develop", folder=everything)
        check_document(document)
        assert told(document) == {name: [kind] for name, kind in CHANGES.items()}
        assert document["summary"]["specs"]["unchanged"] == 3
        assert document["old"]["committed_at"] == "2025-01-01T12:00:00Z"
        assert document["new"]["commit"] == git(everything, "rev-parse", "HEAD")
        assert document["new"]["tree"] == git(everything, "rev-parse", "HEAD:_cache/develop")
        assert document["stacks"]["e4s"] == {
            "specs": [8, 8],
            "packages": [8, 7],
            "packages_gained": ["new-thing"],
            "packages_lost": ["moved", "old-thing"],
        }

    @pytest.mark.parametrize("old", ["develop@HEAD~1", "develop@2025-01-01", "develop@main~1"])
    def test_when(self, everything: Path, old: str) -> None:
        assert len(told(compared(old, "develop", folder=everything))) == len(CHANGES)

    def test_two_names_in_one(self, everything: Path) -> None:
        two = succeeds("compare", "develop@HEAD~1", "develop", "hdf5", folder=everything)
        one = succeeds("compare", "develop@HEAD~1..develop", "hdf5", folder=everything)
        assert one == two

    def test_globs_mean_the_newest(self, releases: Path) -> None:
        document = compared("develop-*~1", "develop-*", folder=releases)
        assert document["old"]["collection"] == "develop-2025-01-12"
        assert document["new"]["collection"] == "develop-2025-01-19"
        document = compared("develop-*~2..develop-2025-01-1?", folder=releases)
        assert document["old"]["collection"] == "develop-2025-01-05"
        assert document["new"]["collection"] == "develop-2025-01-19"

    def test_the_source_can_be_named(self, releases: Path) -> None:
        name = releases.name
        document = compared(f"{name}:develop-*", f"{name}:develop", folder=releases)
        assert document["old"]["source"] == document["new"]["source"] == name

    def test_folders_of_manifests(self, everything: Path, tmp_path: Path) -> None:
        git(everything, "worktree", "add", "--quiet", "--detach", str(tmp_path / "was"), "HEAD~1")
        for folder, old, new in (
            (tmp_path, "was/_cache/develop", f"{everything.name}/_cache/develop"),
            (everything / "_cache" / "develop", "../../../was/_cache/develop", "."),
        ):
            document = compared(old, new, folder=folder)
            check_document(document)
            assert told(document) == {name: [kind] for name, kind in CHANGES.items()}
            assert document["old"]["commit"] is None

    def test_with_repo_from_anywhere(self, everything: Path, tmp_path: Path) -> None:
        out = succeeds("compare", "develop@HEAD~1", "develop", folder=everything)
        for repo in (everything, f"./{everything.name}/_cache"):
            arguments = ("compare", "develop@HEAD~1", "develop", "--repo", repo)
            assert succeeds(*arguments, folder=tmp_path) == out

    def test_exit_code(self, everything: Path) -> None:
        arguments = ("compare", "develop@HEAD~1", "develop")
        for more, code in (
            ((), 0),
            (("--exit-code",), 1),
            (("--exit-code", "--kind", "downgraded"), 1),
            (("--exit-code", "same"), 0),
            (("--exit-code", "--stack", "nothing"), 0),
        ):
            assert cachediff(*arguments, *more, folder=everything).code == code
        assert cachediff("compare", "develop..develop", "--exit-code", folder=everything).code == 0
        assert cachediff("compare", "a", "b", "--exit-code", folder=everything).code == 2

    def test_unknown_is_not_no_change(self, make_repository: MakeRepository) -> None:
        repository = make_repository([collection(OLD) | {"_cache/develop/zlib/specs.md": "---"}])
        done = cachediff("compare", "develop", "develop", "--exit-code", folder=repository)
        assert done.code == 1
        assert "zlib could not be compared, no other changes\n" in done.out

    @pytest.mark.parametrize(
        ("options", "names"),
        [
            (["hdf5"], ["hdf5"]),
            (["*-thing"], ["new-thing", "old-thing"]),
            (["cmake@3.31", "zlib"], ["cmake", "zlib"]),
            (["hdf5@1.14.3"], ["hdf5"]),
            (["hdf5@9"], []),
            ([f"/{dag_hash('bats/2')[:7]}"], ["bats"]),
            (["--kind", "upgraded", "--kind", "downgraded"], ["hdf5", "zlib"]),
            (["--kind", "*graded", "h*"], ["hdf5"]),
            (["--os", "rhel*"], ["new-thing"]),
            (["--target", "zen4"], ["gdal"]),
            (["--compiler", "gcc@13*"], ["cmake"]),
            (["--stack", "hep", "--stack", "he*"], ["moved"]),
            (["--stack", "hep", "--kind", "removed"], []),
        ],
    )
    def test_selection(self, everything: Path, options: list[str], names: list[str]) -> None:
        document = compared("develop@HEAD~1", "develop", *options, folder=everything)
        check_document(document)
        assert sorted(told(document)) == names
        changes = sum(map(len, told(document).values()))
        assert document["left_out"] == len(CHANGES) - changes

    def test_a_commit_and_itself(self, everything: Path) -> None:
        out = succeeds("compare", "develop@2030-01-01", "develop", folder=everything)
        assert out.startswith("No changes: both sides are the same commit\n")

    def test_standard_output_has_a_name(self, everything: Path) -> None:
        arguments = ("compare", "develop@HEAD~1", "develop", "--format", "markdown")
        written = succeeds(*arguments, "-o", "-", folder=everything)
        assert written == succeeds(*arguments, folder=everything)
        assert not (everything / "-").exists()

    def test_a_selection_is_told_of(self, everything: Path) -> None:
        out = succeeds("compare", "develop@HEAD~1", "develop", "hdf5", folder=everything)
        assert (
            "Selected: spec hdf5 (7 other changes left out; totals are those of the whole)" in out
        )
        options = ("nope", "--stack", "e5s")
        done = cachediff("compare", "develop@HEAD~1", "develop", *options, folder=everything)
        assert "\nNo selected changes\n" in done.out
        assert "Note: no package on either side matches 'nope'; " in done.out
        assert "Note: no stack on either side matches 'e5s'; did you mean e4s" in done.out

    def test_long_groups_are_cut_in_text_unless_all_is_asked_for(
        self, make_repository: MakeRepository
    ) -> None:
        names = [f"package-{number:02}" for number in range(30)]
        repository = make_repository(
            [
                collection({name: [record(f"{name}/{version}", f"{version}")] for name in names})
                for version in (1, 2)
            ]
        )
        arguments = ("compare", "develop@HEAD~1", "develop")
        out = succeeds(*arguments, folder=repository)
        assert out.count("1 -> 2") == 20
        assert "and 10 more rows (--all)" in out
        out = succeeds(*arguments, "--all", folder=repository)
        assert out.count("1 -> 2") == 30
        markdown = succeeds(*arguments, "-f", "markdown", folder=repository)
        assert all(f"`{name}`" in markdown for name in names)


class TestOutput:
    ARGUMENTS = ("compare", "develop@HEAD~1", "develop")

    @pytest.mark.parametrize(
        ("name", "format_"),
        [("a.txt", "text"), ("a", "text"), ("b.md", "markdown"), ("made/for/it/c.json", "json")],
    )
    def test_the_ending_says_the_format(
        self, everything: Path, tmp_path: Path, name: str, format_: str
    ) -> None:
        out = succeeds(*self.ARGUMENTS, "--format", format_, folder=everything)
        assert succeeds(*self.ARGUMENTS, "-o", tmp_path / name, folder=everything) == ""
        assert (tmp_path / name).read_text() == out

    def test_format_overrules_the_ending(self, everything: Path, tmp_path: Path) -> None:
        report = tmp_path / "report.md"
        succeeds(*self.ARGUMENTS, "-o", report, "-f", "json", folder=everything)
        check_document(json.loads(report.read_text()))

    def test_replaces_the_file_and_leaves_nothing_beside_it(
        self, everything: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "reports"
        folder.mkdir()
        (folder / "kept.md").write_text("old")
        (folder / "report.md").symlink_to("kept.md")
        succeeds(*self.ARGUMENTS, "-o", folder / "report.md", folder=everything)
        assert sorted(path.name for path in folder.iterdir()) == ["kept.md", "report.md"]
        assert (folder / "report.md").is_symlink()
        assert (folder / "kept.md").read_text().startswith("## ")

    def test_a_pipe_stays_one(self, everything: Path, tmp_path: Path) -> None:
        """As does any device. (Not tried with /dev/null, which a failure would replace for all.)"""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        succeeds(*self.ARGUMENTS, "-o", pipe, "-f", "text", folder=everything)
        assert pipe.is_fifo()
        with os.fdopen(reader) as written:
            assert written.read() == succeeds(*self.ARGUMENTS, folder=everything)

    def test_what_cannot_be_written(self, everything: Path, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_text("kept")
        for path, reason in (
            (tmp_path, "Is a directory"),
            (file / "report.md", "cannot be written"),
            (tmp_path / ("x" * 300), "File name too long"),
        ):
            assert reason in refuses(*self.ARGUMENTS, "-o", path, folder=everything)
        assert file.read_text() == "kept"

    def test_an_ending_of_no_format(self, everything: Path, tmp_path: Path) -> None:
        report = tmp_path / "report.pdf"
        message = refuses(*self.ARGUMENTS, "-o", report, folder=everything)
        assert "no format ends in '.pdf'" in message
        assert "--format" in message
        assert not report.exists()

    def test_a_full_disk(self, everything: Path) -> None:
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [*COMMAND, *self.ARGUMENTS],
                cwd=everything,
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert (done.returncode, done.stderr) == (2, b"cachediff: No space left on device\n")

    def test_a_reader_that_has_read_enough(self, make_repository: MakeRepository) -> None:
        """`| head`: quiet, and no success is claimed."""
        many = {"zlib": [record(f"zlib/{n}", variants=[f"+{n:0500}"]) for n in range(500)]}
        repository = make_repository([collection(OLD), collection(many)])
        with subprocess.Popen(
            [*COMMAND, *self.ARGUMENTS, "-f", "json"],
            cwd=repository,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.read(1) == b"{"
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 128 + signal.SIGPIPE

    @pytest.mark.parametrize(
        "environment",
        [
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            {"PYTHONIOENCODING": "latin-1:strict"},
        ],
        ids=str,
    )
    def test_is_utf8_whatever_the_locale(
        self, everything: Path, environment: dict[str, str]
    ) -> None:
        out = succeeds(*self.ARGUMENTS, folder=everything, environment=environment)
        assert "\N{MULTIPLICATION SIGN}1" in out

    def test_bytes_that_are_no_text(self, everything: Path, tmp_path: Path) -> None:
        odd = tmp_path / os.fsdecode(b"\xff\xfe")
        (odd / "zlib").mkdir(parents=True)
        (odd / "zlib" / "specs.md").write_text(page(OLD["zlib"], "zlib"))
        for format_ in FORMATS:
            out = succeeds("compare", odd, odd, "-f", format_, folder=tmp_path)
            assert re.search(r"\\(xff|udcff)\\+(xfe|udcfe)", out)
        message = refuses("compare", os.fsdecode(b"a\xffb"), "develop", folder=everything)
        assert "is not the name of a snapshot" in message


class TestTerminal:
    ARGUMENTS = ("compare", "develop@HEAD~1", "develop")

    def test_colours_and_width(self, everything: Path) -> None:
        code, shown, _ = in_terminal(*self.ARGUMENTS, folder=everything, columns=60)
        assert code == 0
        assert "\x1b[32m" in shown
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "")
        assert "\x1b" not in plain
        assert max(map(len, plain.splitlines())) <= 60
        code, shown, _ = in_terminal(*self.ARGUMENTS, folder=everything, columns=1_000)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "")
        assert plain == succeeds(*self.ARGUMENTS, folder=everything)

    @pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
    def test_no_colours_where_none_are_wanted(
        self, everything: Path, environment: dict[str, str]
    ) -> None:
        _, shown, _ = in_terminal(*self.ARGUMENTS, folder=everything, environment=environment)
        assert "upgraded" in shown
        assert "\x1b" not in shown

    def test_colour_is_allowed_where_no_color_is_empty(self, everything: Path) -> None:
        """https://no-color.org: it counts when it is not an empty string."""
        environment = {"NO_COLOR": ""}
        _, shown, _ = in_terminal(*self.ARGUMENTS, folder=everything, environment=environment)
        assert "\x1b[32m" in shown

    def test_progress_is_shown_on_a_terminal_and_taken_away(self, everything: Path) -> None:
        code, shown, out = in_terminal(
            *self.ARGUMENTS, folder=everything, command=AT_ONCE, piped=True
        )
        assert code == 0
        assert "Reading manifests" in shown
        assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h", "\x1b[1A\x1b[2K"))
        assert out == succeeds(*self.ARGUMENTS, folder=everything)

    def test_progress_swallows_no_output(self, everything: Path) -> None:
        """What a command says while it works goes where it belongs, bar or no bar."""
        arguments = ("snapshot", "develop@HEAD~1", "develop")
        code, shown, out = in_terminal(*arguments, folder=everything, command=AT_ONCE, piped=True)
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()] == ["develop", "develop"]
        assert "Reading manifests" in shown
        (everything / "snapshots").rename(everything / "kept")
        code, shown, _ = in_terminal(*arguments, folder=everything, command=AT_ONCE)
        assert code == 0
        assert shown.count("develop  2025-01-0") == 2
        erased = r"\x1b\[2K"
        assert not re.search(rf"(?s)Reading manifests(?:(?!{erased}).)*develop  2025", shown)

    def test_no_progress_where_there_is_no_terminal(self, everything: Path) -> None:
        done = cachediff(*self.ARGUMENTS, folder=everything, command=AT_ONCE)
        assert done.err == ""
        assert done.out == succeeds(*self.ARGUMENTS, folder=everything)


class TestInterrupt:
    def test_ctrl_c(self, everything: Path, tmp_path: Path) -> None:
        """The whole process group is told, as a terminal does it; git is slow to answer."""
        slow = tmp_path / "slow" / "git"
        slow.parent.mkdir()
        slow.write_text(
            "#!/bin/sh\n"
            f'case "$*" in *cat-file*) touch "{tmp_path}/asked"; exec sleep 60;; esac\n'
            f'PATH="${{PATH#*:}}" exec git "$@"\n'
        )
        slow.chmod(0o755)
        process = subprocess.Popen(
            [*COMMAND, "compare", "develop@HEAD~1", "develop"],
            cwd=everything,
            env=os.environ | {"PATH": f"{slow.parent}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        waited_until = time.monotonic() + 60
        while not (tmp_path / "asked").exists() and time.monotonic() < waited_until:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=90)
        assert process.returncode == 128 + signal.SIGINT
        assert (out.strip(), err.strip()) == (b"", b"")


def truncated(text: str) -> str:
    return text[: len(text) // 2]


def without(field: str) -> Callable[[Record], object]:
    return lambda one: one.pop(field)


def with_(**fields: object) -> Callable[[Record], object]:
    return lambda one: one.update(fields)


SPEC_DETAILS = re.compile(r"(?m)^spec_details: .*")


def edited(edit: Callable[[Record], object]) -> str:
    """A manifest of three, the second of which is edited; `meta` says what is so."""
    records = [record(f"hdf5/{number}") for number in range(3)]
    claims = page(records)
    edit(records[1])
    return SPEC_DETAILS.sub(lambda _: f"spec_details: {json.dumps(records)}", claims)


RECORDS = [record(f"hdf5/{number}") for number in range(3)]
GOOD = page(RECORDS)
BRACKETS = "[" * 100_000

UNREADABLE: dict[str, tuple[Content, str]] = {
    "truncated": (truncated(GOOD), "cut short"),
    "truncated JSON": (
        SPEC_DETAILS.sub('spec_details: [{"hash": "abc', GOOD),
        "spec_details: .*(truncated|malformed)",
    ),
    "no hash": (edited(without("hash")), "record 2: .*`hash`"),
    "no versions": (edited(without("versions")), "record 2: .*`versions`"),
    "wrong hash": (edited(with_(hash="x1")), "record 2: hash: 'x1' is not 32 characters"),
    "hash in capitals": (edited(with_(hash="A" * 32)), "record 2: hash: "),
    "hash with a line break": (edited(with_(hash="a" * 31 + "\n")), r"record 2: hash: 'a+\\n'"),
    "hash of another": (edited(with_(hash=dag_hash("hdf5/0"), os="x")), "two different specs"),
    "several versions": (edited(with_(versions=["1.0", "1.1"])), "record 2: versions"),
    "no version": (edited(with_(versions=[])), "record 2: versions"),
    "compiler is a number": (edited(with_(compiler=4)), "record 2: compiler: .*`int`"),
    "os is null": (edited(with_(os=None)), "record 2: os: .*`null`"),
    "variants is a text": (edited(with_(variants="+x")), "record 2: variants"),
    "stacks hold a number": (edited(with_(stacks=["e4s", 1])), "record 2: .*stacks"),
    "record is a number": (SPEC_DETAILS.sub("spec_details: [1]", GOOD), "record 1: .*`int`"),
    "no list": (SPEC_DETAILS.sub("spec_details: {}", GOOD), "Expected `array`"),
    "invalid UTF-8": (GOOD.encode().replace(b"gcc@", b"\xff\xfe@"), "UTF-8|utf-8"),
    "empty": ("", "the file is empty"),
    "no front matter": ("# hdf5\n", "no front matter"),
    "brackets": (SPEC_DETAILS.sub(f"spec_details: {BRACKETS}", GOOD), "Expected `object`"),
    "brackets in variants": (
        GOOD.replace('"variants": []', f'"variants": {BRACKETS}{BRACKETS.replace("[", "]")}', 1),
        "nested|recursion",
    ),
    "symbolic link": (symlink("../zlib/specs.md"), "it is a symbolic link"),
    "submodule": (submodule(), "it is a submodule"),
    "100 MB line": (b"---\nspec_details: " + b" " * 100_000_000, "too large: 100,000,0"),
}

PROBLEMS: dict[str, tuple[str, str]] = {
    "duplicate": (page([record("hdf5/0"), *RECORDS]), f"hash {RECORDS[0]['hash']} is listed"),
    "wrong number": (GOOD.replace('"num_specs": 3', '"num_specs": 4'), "num_specs is 4"),
    "wrong stacks": (page(RECORDS, stacks=["root"]), "on stacks: 'e4s' is not claimed|e4s"),
    "brackets in meta": (re.sub(r"(?m)^meta: .*", f"meta: {BRACKETS}", GOOD), "meta"),
    "no meta": (re.sub(r"(?m)^meta: .*\n", "", GOOD), "there is no meta"),
}


def package_of(case: str) -> str:
    return case.replace(" ", "-")


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night in which every bad manifest came at once, each in place of a good one."""
    many = [record(f"many/{number}") for number in range(500)]
    good = {package_of(case): GOOD for case in (*UNREADABLE, *PROBLEMS)}
    bad = {package_of(case): content for case, (content, _) in (UNREADABLE | PROBLEMS).items()}
    commits = [
        collection({"many": many, "zlib": [record("zlib/1", version)]})
        | {f"_cache/develop/{name}/specs.md": content for name, content in pages.items()}
        for pages, version in ((good, "1.0"), (bad, "1.1"))
    ]
    commits[1] |= collection({"zlib": [record("zlib/2", "1.1")]})
    return write_repository(tmp_path_factory.mktemp("spoilt") / "cache", commits)


@pytest.fixture(scope="module")
def spoilt_documents(
    spoilt: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """The comparisons in which the bad manifests are on the `new` and on the `old` side."""
    environment = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    return {
        "new": compared("develop@HEAD~1", "develop", folder=spoilt, environment=environment),
        "old": compared("develop", "develop@HEAD~1", folder=spoilt, environment=environment),
    }


@pytest.mark.parametrize("side", ["new", "old"])
class TestBadInput:
    """Bad manifests among good ones: each is named, and nothing else is lost."""

    @pytest.mark.parametrize("case", UNREADABLE)
    def test_unreadable(
        self, spoilt_documents: dict[str, dict[str, Any]], side: str, case: str
    ) -> None:
        document = spoilt_documents[side]
        reasons = self.reasons(document[side], case)
        (reason,) = reasons
        assert re.search(UNREADABLE[case][1], reason), reason
        assert len(reason) < 500
        (package,) = (p for p in document["packages"] if p["package"] == package_of(case))
        assert package["status"] == "unknown"

    @pytest.mark.parametrize("case", PROBLEMS)
    def test_a_problem_that_loses_nothing(
        self, spoilt_documents: dict[str, dict[str, Any]], side: str, case: str
    ) -> None:
        document = spoilt_documents[side]
        (reason,) = self.reasons(document[side], case)
        assert re.search(PROBLEMS[case][1], reason), reason
        assert package_of(case) not in told(document)

    def test_the_rest_is_compared(
        self, spoilt_documents: dict[str, dict[str, Any]], side: str
    ) -> None:
        document = spoilt_documents[side]
        check_document(document)
        kinds = {name: kinds for name, kinds in told(document).items() if kinds}
        assert kinds == {"zlib": ["upgraded" if side == "new" else "downgraded"]}
        assert document["summary"]["packages"]["unknown"] == len(UNREADABLE)
        assert document["summary"]["specs"]["unchanged"] == 500 + 3 * len(PROBLEMS)
        assert document[side]["unreadable"] == len(UNREADABLE)
        assert document[side]["manifests"] == len(UNREADABLE) + len(PROBLEMS) + 2

    def reasons(self, side: dict[str, Any], case: str) -> list[str]:
        manifest = f"{package_of(case)}/specs.md"
        return [one["reason"] for one in side["problems"] if one["manifest"] == manifest]


class TestMoreBadInput:
    @pytest.mark.parametrize("format_", ["text", "markdown"])
    def test_reports_name_what_is_bad(self, spoilt: Path, format_: str) -> None:
        arguments = ("compare", "develop@HEAD~1", "develop", "--all", "-f", format_)
        out = succeeds(*arguments, folder=spoilt)
        number = len(UNREADABLE)
        assert f"{number} packages could not be compared, " in out
        whole = number + len(PROBLEMS) + 2
        assert f"{whole - number} of {whole} manifests read" in out
        for case in (*UNREADABLE, *PROBLEMS):
            assert f"{package_of(case)}/specs.md" in out

    def test_a_hash_in_two_manifests(self, make_repository: MakeRepository) -> None:
        twice = {"zlib": [record("zlib/2")], "hdf5": [record("zlib/2")]}
        repository = make_repository([collection({"zlib": OLD["zlib"]}), collection(twice)])
        document = compared("develop@HEAD~1", "develop", folder=repository)
        check_document(document)
        (problem,) = document["new"]["problems"]
        assert problem["manifest"] == "zlib"
        assert f"{dag_hash('zlib/2')} is also listed by hdf5" in problem["reason"]

    def test_a_folder_without_a_manifest_and_one_that_is_a_link(
        self, make_repository: MakeRepository
    ) -> None:
        odd: Commit = {
            "_cache/develop/zlib": None,
            "_cache/develop/zlib/notes.txt": "",
            "_cache/develop/bats": symlink("hdf5"),
        }
        repository = make_repository([collection(OLD), odd])
        document = compared("develop@HEAD~1", "develop", folder=repository)
        check_document(document)
        assert told(document) == {"bats": [], "zlib": []}
        reasons = {one["manifest"]: one["reason"] for one in document["new"]["problems"]}
        assert reasons["bats"] == "it is a symbolic link"
        assert reasons["zlib"].startswith("no manifest here")

    def test_hostile_text_in_every_field(self, make_repository: MakeRepository) -> None:
        hostile = "\x1b]0;owned\x07\x1b[2J\r\n\u202e\u200b\x9b<script>alert(1)</script>|`[x](y)"
        for before, after in (("", hostile), (hostile, "")):
            commits = [
                collection({f"p{text}".replace("/", ""): [
                    record(
                        "p/1" if text else "p/0",
                        f"1{text}",
                        compiler=f"gcc{text}@1",
                        platform=f"linux{text}",
                        os=f"os{text}",
                        target=f"target{text}",
                        variants=[f"+{text}"],
                        stacks=[f"stack{text}", "root"],
                    )
                ], "steady": [
                    record(
                        "s/1" if text else "s/0",
                        f"1{text}",
                        compiler=f"gcc{text}@1",
                        os=f"os{text}",
                        variants=[f"+{text}"],
                        stacks=[f"stack{text}", "root"],
                    )
                ]})
                for text in (before, after)
            ]  # fmt: skip
            repository = make_repository(commits)
            for format_ in ("text", "markdown", "json", "release-notes"):
                out = succeeds(
                    "compare", "develop@HEAD~1", "develop", "-f", format_, folder=repository
                )
                assert "script" in out
                harmless(out)
                if format_ == "markdown":
                    bare = re.sub(r"(?s)(`+)(?!`).*?(?<!`)\1(?!`)", "", out)
                    assert "<script" not in bare
                if format_ == "json":
                    check_document(json.loads(out))

    def test_hostile_names(self, make_repository: MakeRepository) -> None:
        hostile = "develop\x1b[2J\x07<b>"
        repository = make_repository([collection(OLD), collection(NEW, hostile)])
        harmless(succeeds("list", folder=repository))
        harmless(refuses("compare", "develop@HEAD~1", hostile, folder=repository))
        harmless(refuses("compare", "develop", "devel", folder=repository))
        harmless(succeeds("compare", "develop", "develop?*", folder=repository))
        harmless(refuses("compare", "a\x1b[2J", "b", folder=repository))
        harmless(refuses("compare", "develop", "develop", "--kind", "\x1b[2J", folder=repository))
        done = cachediff("snapshot", folder=repository)
        assert done.code == 2
        harmless(done.out + done.err)


def harmless(text: str) -> None:
    """Nothing in `text` moves a cursor, turns the direction of text, or cannot be seen."""
    assert all(char.isprintable() or char == "\n" for char in text), ascii(text)


class TestNothingToCompare:
    def test_an_unknown_collection_suggests_close_names(self, releases: Path) -> None:
        message = refuses("compare", "develop-2025-01-21", "develop", folder=releases)
        assert "no collection 'develop-2025-01-21'" in message
        assert "did you mean" in message
        assert "develop-2025-01-12" in message
        assert "there are" in refuses("compare", "nightly", "develop", folder=releases)

    def test_a_glob_without_a_match(self, releases: Path) -> None:
        assert "matches 'e4s-*'" in refuses("compare", "e4s-*", "develop", folder=releases)
        assert "only 3" in refuses("compare", "develop-*~3", "develop", folder=releases)

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("develop@nope", "there is no revision 'nope'"),
            ("develop@HEAD~9", "there is no revision 'HEAD~9'"),
            ("develop@2024-12-31", "no commit at or before"),
            ("develop@2025-13-01", "not a date"),
            ("develop@", "not the name of a snapshot"),
            ("@HEAD", "not the name of a snapshot"),
            ("", "not the name of a snapshot"),
            (":develop", "not the name of a snapshot"),
            ("nope:develop", "there is no source 'nope'"),
            ("./nope", "there is no './nope'"),
            ("~no-one/nope", "there is no '~no-one/nope'"),
            ("develop@previous", "no snapshot"),
            ("develop@--help", "there is no revision '--help'"),
        ],
    )
    def test_an_unknown_name(self, releases: Path, name: str, reason: str) -> None:
        assert reason in refuses("compare", "develop", name, folder=releases)

    def test_half_a_question(self, releases: Path) -> None:
        assert "with what?" in refuses("compare", "develop", folder=releases)
        assert "with what?" in refuses("compare", "develop..", folder=releases)
        assert "Missing argument" in refuses("compare", folder=releases)
        assert "no kind 'gone'" in refuses(
            "compare", "develop", "develop", "--kind", "gone", folder=releases
        )
        assert "pattern is empty" in refuses(
            "compare", "develop", "develop", "--stack", "", folder=releases
        )
        assert "'yaml' is not one of" in refuses(
            "compare", "develop", "develop", "-f", "yaml", folder=releases
        )

    def test_no_repository(self, tmp_path: Path) -> None:
        message = refuses("compare", "a", "b", folder=tmp_path)
        assert "not a git repository" in message
        assert "--repo" in message
        for command in ("list", "snapshot"):
            assert "not a git repository" in refuses(command, folder=tmp_path)
        nowhere = tmp_path / "nowhere"
        assert str(nowhere) in refuses("compare", "a", "b", "--repo", nowhere, folder=tmp_path)
        assert "~no-one" in refuses("compare", "a", "b", "--repo", "~no-one/x", folder=tmp_path)

    def test_a_repository_without_manifests(self, make_repository: MakeRepository) -> None:
        repository = make_repository([{"README.md": "nothing"}])
        for arguments in (("compare", "develop", "develop"), ("list",), ("snapshot",)):
            message = refuses(*arguments, folder=repository)
            assert "has no manifests" in message
            assert "'_cache'" in message

    def test_a_repository_without_a_commit(self, make_repository: MakeRepository) -> None:
        repository = make_repository([], "--bare")
        assert "no commit" in refuses("compare", "a", "b", folder=repository)

    def test_a_folder_without_manifests(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        message = refuses("compare", "./empty", "./empty", folder=tmp_path)
        assert "there are no manifests in" in message

    def test_a_shallow_clone(self, everything: Path, tmp_path: Path) -> None:
        origin = everything.as_uri()
        git(tmp_path, "clone", "--quiet", "--depth=1", origin, "shallow")
        for when in ("HEAD~1", "2025-01-01"):
            message = refuses("compare", f"develop@{when}", "develop", folder=tmp_path / "shallow")
            assert "git fetch --unshallow" in message

    def test_a_partial_clone_without_its_origin(self, everything: Path, tmp_path: Path) -> None:
        git(everything, "config", "uploadpack.allowFilter", "true")
        clone = ("clone", "--quiet", "--bare", "--filter=blob:none")
        git(tmp_path, *clone, everything.as_uri(), "partial")
        everything.rename(tmp_path / "gone")
        document = compared("develop@HEAD~1", "develop", folder=tmp_path / "partial")
        check_document(document)
        changed = set(CHANGES)
        assert {package["package"] for package in document["packages"]} == changed | {"same"}
        assert {package["status"] for package in document["packages"]} == {"unknown"}
        assert all("partial clone" in one["reason"] for one in document["new"]["problems"])
        done = cachediff(
            "compare", "develop@HEAD~1", "develop", "--exit-code", folder=tmp_path / "partial"
        )
        assert done.code == 1
        assert "0 of 8 manifests read" in done.out

    def test_no_git(self, everything: Path, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        environment = {"PATH": str(tmp_path / "bin")}
        message = refuses("compare", "a", "b", folder=everything, environment=environment)
        assert "git cannot be run" in message
        assert "install git" in message


class TestSameBytes:
    ARGUMENTS = ("compare", "develop@HEAD~1", "develop")

    @pytest.mark.parametrize("format_", FORMATS)
    def test_at_any_time_in_any_place(self, everything: Path, tmp_path: Path, format_: str) -> None:
        arguments = (*self.ARGUMENTS, "-f", format_)
        expected = succeeds(*arguments, folder=everything)
        for environment in (
            {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "COLUMNS": "20"},
            {"PYTHONHASHSEED": "2", "FORCE_COLOR": "1", "XDG_CACHE_HOME": str(tmp_path / "fresh")},
        ):
            assert succeeds(*arguments, folder=everything, environment=environment) == expected
        below = everything / "_cache" / "develop"
        environment = {"GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere", "GIT_PAGER": "false"}
        assert succeeds(*arguments, folder=below, environment=environment) == expected
        assert succeeds(*arguments, "--repo", everything, folder=tmp_path) == expected

    def test_in_any_clone(self, everything: Path, tmp_path: Path) -> None:
        reports = set()
        for name, more in (("one", ()), ("another", ("--bare",))):
            git(tmp_path, "clone", "--quiet", *more, everything.as_uri(), name)
            for format_ in FORMATS:
                arguments = (*self.ARGUMENTS, "-f", format_)
                reports.add(succeeds(*arguments, folder=tmp_path / name))
        assert len(reports) == len(FORMATS)
        assert all(everything.name in report for report in reports)

    def test_a_clone_is_left_as_it_was(self, everything: Path) -> None:
        def state() -> set[tuple[str, int]]:
            paths = [path for path in everything.rglob("*") if path.is_file()]
            return {(str(path), path.stat().st_mtime_ns) for path in paths}

        before = state()
        succeeds(*self.ARGUMENTS, folder=everything)
        succeeds("list", folder=everything)
        assert state() == before


class TestCacheFolder:
    ARGUMENTS = ("compare", "develop@HEAD~1", "develop")

    def test_a_comparison_does_without(self, everything: Path, tmp_path: Path) -> None:
        expected = succeeds(*self.ARGUMENTS, folder=everything)
        file = tmp_path / "file"
        file.write_text("no folder")
        for cache in (file, file / "below", Path("/proc/nowhere")):
            environment = {"XDG_CACHE_HOME": str(cache)}
            out = succeeds(*self.ARGUMENTS, folder=everything, environment=environment)
            assert out == expected

    def test_what_it_remembers_changes_nothing(self, everything: Path, tmp_path: Path) -> None:
        environment = {"XDG_CACHE_HOME": str(tmp_path / "fresh")}
        first = succeeds(*self.ARGUMENTS, folder=everything, environment=environment)
        (file,) = (tmp_path / "fresh").rglob("*.sqlite")
        assert file.stat().st_size
        assert succeeds(*self.ARGUMENTS, folder=everything, environment=environment) == first
        file.write_bytes(b"not SQLite any more" * 1_000)
        assert succeeds(*self.ARGUMENTS, folder=everything, environment=environment) == first


class TestInitAndDemo:
    def test_init_writes_a_file_that_works_and_never_replaces_it(self, tmp_path: Path) -> None:
        out = succeeds("init", folder=tmp_path)
        assert out.startswith("config.yaml is written")
        content = (tmp_path / "config.yaml").read_text()
        assert "github.com/spack/cache.spack.io" in content
        message = refuses("compare", "x", "nope:y", folder=tmp_path)
        assert "there is no source 'nope'" in message
        assert "config.yaml is there already" in refuses("init", folder=tmp_path)
        assert "No such file" in refuses("init", "nowhere", folder=tmp_path)
        assert (tmp_path / "config.yaml").read_text() == content

    def test_demo(self, tmp_path: Path) -> None:
        out = succeeds("demo", "my world", folder=tmp_path)
        assert "is in my world." in out
        assert str(tmp_path) not in out, "paths are shown as they were typed"
        files = re.findall(r"  (my world/reports/.*)", out)
        assert [Path(file).name for file in files] == [
            *("report.html", "report.md", "report.eml", "index.html")
        ]
        assert all((tmp_path / file).is_file() for file in files)
        assert "could not be compared" in out
        for line in out.partition("Try next:\n")[2].splitlines()[1:]:
            arguments = [argument.strip("'") for argument in line.split()[1:]]
            assert succeeds(*arguments, folder=tmp_path / "my world")
        assert out.partition("Try next:\n")[2].splitlines()[0] == "  cd 'my world'"
        message = refuses("demo", "my world", folder=tmp_path)
        assert "my world is not empty" in message
        assert "cachediff demo DIR" in message

    def test_demo_is_the_same_everywhere(self, tmp_path: Path) -> None:
        for folder in (tmp_path / "a", tmp_path / "b"):
            folder.mkdir()
        outs = {
            succeeds(
                "demo", folder=folder, environment={"PYTHONHASHSEED": seed, "TZ": f"UTC{seed}"}
            )
            for seed, folder in (("1", tmp_path / "a"), ("2", tmp_path / "b"))
        }
        assert len(outs) == 1

    def test_demo_where_nothing_can_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("kept")
        assert "cannot be written" in refuses("demo", "file", folder=tmp_path)
        assert "cannot be written" in refuses("demo", "file/below", folder=tmp_path)


class TestCompletion:
    def complete(self, line: str, folder: Path) -> list[str]:
        words = line.split(" ")
        environment = {
            "_CACHEDIFF_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        return succeeds(folder=folder, environment=environment).split()

    def test_collections(self, releases: Path) -> None:
        dated = ["develop-2025-01-05", "develop-2025-01-12", "develop-2025-01-19"]
        assert self.complete("cachediff compare develop-", releases) == dated
        assert self.complete("cachediff compare develop develop-2025-01-1", releases) == dated[1:]
        assert self.complete("cachediff snapshot dev", releases) == ["develop", *dated]

    def test_commands(self, tmp_path: Path) -> None:
        assert self.complete("cachediff de", tmp_path) == ["demo"]

    def test_is_silent_where_there_is_nothing(self, tmp_path: Path) -> None:
        assert self.complete("cachediff compare dev", tmp_path) == []

    def test_offers_nothing_that_a_shell_would_run(self, make_repository: MakeRepository) -> None:
        names = ("develop-1", "develop-$(reboot)", "develop-`x`", "develop-a b", "develop-;x")
        commits = [collection({"zlib": OLD["zlib"]}, name) for name in names]
        assert self.complete("cachediff compare dev", make_repository(commits)) == ["develop-1"]

    def test_script(self, tmp_path: Path) -> None:
        environment = {"_CACHEDIFF_COMPLETE": "source_bash"}
        out = succeeds(folder=tmp_path, environment=environment)
        assert "complete -o default -F" in out
        assert out.split()[-1] == "cachediff"


class TestImports:
    """What is slow to import is imported where it is used."""

    def imported(self, *arguments: str, folder: Path) -> set[str]:
        command = (sys.executable, "-X", "importtime", "-m", "cachediff")
        done = cachediff(*arguments, folder=folder, command=command)
        assert done.code == 0
        return {line.rpartition("|")[2].strip() for line in done.err.splitlines()}

    def test_help(self, tmp_path: Path) -> None:
        modules = self.imported("--help", folder=tmp_path)
        assert "typer" in modules
        heavy = {"pyarrow", "deepdiff", "git", "jinja2", "msgspec", "yaml", "sqlite3", "rich"}
        assert modules & heavy == set()
        rooms = {name for name in modules if name.startswith("cachediff.")}
        assert {name.split(".")[1] for name in rooms} <= {"cli", "errors"}

    def test_a_comparison_as_text(self, everything: Path) -> None:
        modules = self.imported("compare", "develop@HEAD~1", "develop", folder=everything)
        assert "cachediff.reports.text" in modules
        assert modules & {"pyarrow", "deepdiff", "jinja2", "yaml", "rich.progress"} == set()
        assert "cachediff.reports.markdown" not in modules


def test_a_file_mode_is_no_change(make_repository: MakeRepository) -> None:
    path = "_cache/develop/zlib/specs.md"
    content = page(OLD["zlib"], "zlib")
    repository = make_repository([{path: content}, {path: Entry("100755", content)}])
    done = cachediff("compare", "develop@HEAD~1", "develop", "--exit-code", folder=repository)
    assert done.code == 0
    assert done.out.startswith("No changes\n")
