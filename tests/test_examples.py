"""The examples and the operator's page: what they start is there, and does what is said of it."""

from __future__ import annotations

import ast
import configparser
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
import yaml
from cronsim import CronSim

from cachediff.cli import app
from commands import cachediff, succeeds
from conftest import MakeRepository
from pages import page, record
from repositories import Commit, add_commits, git

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
UNITS = sorted((EXAMPLES / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
INSTALLED = "/opt/cachediff/bin/cachediff"
OURS = str(Path(sys.executable).with_name("cachediff"))
FOLDER, CACHE = "/var/lib/cachediff", "/var/cache"

JOB = """
store: snapshots
jobs:
  dated:
    compare: ["develop-*~1", "develop-*"]
    on: new-collection
    gates:
      gone: {rule: package-removed}
    deliver: [mail]
deliver:
  mail:
    type: mail
    host: localhost
    port: 1
    security: none
    sender: cachediff@example.org
    recipients:
      - {address: all@example.org}
"""


def collection(day: int, *packages: str) -> Commit:
    """A commit that brings the dated collection of a day of January."""
    name = f"develop-2025-01-{day:02}"
    return {
        f"_cache/{name}/{package}/specs.md": page([record(f"{package}/{day}")], package, name)
        for package in packages
    }


RED = [collection(1, "hdf5", "zlib"), collection(2, "zlib")]


def check(command: list[str]) -> None:
    """That our command line takes these arguments, those after `cachediff`."""
    known: Any = typer.main.get_command(app)  # Click's, which some releases of Typer have inside
    context = known.context_class(known)
    while hasattr(known, "resolve_command") and command and not command[0].startswith("-"):
        _, known, command = known.resolve_command(context, command)
        context = known.context_class(known, parent=context)
    known.parse_args(context, list(command))


# --- systemd


def options(unit: Path) -> configparser.ConfigParser:
    """The unit, of which each option may be given once."""
    parser = configparser.ConfigParser(delimiters="=", interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    return parser


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_units_start_what_there_is(unit: Path) -> None:
    service = options(unit)["Service"]
    executable, *command = shlex.split(service["ExecStart"])
    assert executable == INSTALLED
    check(command)
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}" == FOLDER
    assert service["Environment"] == f"XDG_CACHE_HOME={CACHE}"
    # In what is not set, the unit is named rightly.
    assert re.findall(r"/run/credentials/([^/]+)/", unit.read_text()) == [unit.name]


def test_units_confine_in_the_same_way() -> None:
    once, always = (
        options(unit)["Service"] for unit in sorted(SERVICES, key=lambda u: len(u.name))
    )
    own = {"Type", "ExecStart", "SuccessExitStatus", "TimeoutStartSec"}
    own |= {"Restart", "RestartSec", "KillSignal"}
    assert {key: once[key] for key in once if key not in own} == {
        key: always[key] for key in always if key not in own
    }


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(INSTALLED, OURS))
    units = [tmp_path / unit.name for unit in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    # What it says of other units of this machine, or of a cgroup that is not there, is not about ours.
    assert [line for line in done.stderr.splitlines() if "cachediff" in line] == []
    assert done.returncode == 0, done.stderr


def test_a_stopped_or_red_run_is_no_failure_of_the_unit() -> None:
    service = options(EXAMPLES / "systemd" / "cachediff.service")["Service"]
    assert service["SuccessExitStatus"].split() == ["1", str(128 + 15)]


# --- cron


def test_the_cron_line_says_something_only_where_it_must(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    lines = (EXAMPLES / "cron" / "cachediff.cron").read_text().splitlines()
    settings = [line for line in lines if re.match(r"[A-Z_]+=", line)]
    (line,) = [line for line in lines if line and line[0] != "#" and line not in settings]
    *fields, user, command = line.split(None, 6)
    assert user == "cachediff"
    assert next(CronSim(" ".join(fields), datetime(2025, 1, 1, tzinfo=UTC)))
    assert "%" not in command  # which cron takes for the end of a line
    assert f"PATH={Path(INSTALLED).parent}:/usr/bin:/bin" in settings
    assert "XDG_CACHE_HOME=/var/lib/cachediff/.cache" in settings  # nothing makes another for cron

    def cron() -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace(FOLDER, str(tmp_path))],
            env=os.environ | {"PATH": f"{Path(OURS).parent}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return done.stdout

    upstream = make_repository(RED, "--bare")
    (tmp_path / "config.yaml").write_text(f"sources: {{cache: {{path: {upstream}}}}}\n{JOB}")
    assert "red: gate gone" in cron()
    assert cron() == ""
    (tmp_path / "config.yaml").write_text("sources: {}")
    assert "sources" in cron()


# --- GitHub Actions


WORKFLOW = EXAMPLES / "github-actions" / "cachediff.yml"


class Finished(NamedTuple):
    """What became of a job: which step failed first, with which exit code; and its summary."""

    failed: str | None
    code: int
    summary: str


class Runner:
    """What starts the workflow: each time on a machine that has nothing of the last one."""

    def __init__(self, folder: Path, upstream: Path, origin: Path) -> None:
        self.folder = folder
        self.upstream = upstream
        self.origin = origin
        self.count = 0
        self.workspace = folder

    def check_out(self) -> Path:
        """A new machine, with the repository as `actions/checkout` leaves it."""
        self.count += 1
        self.workspace = self.folder / f"machine{self.count}" / "repository"
        self.workspace.mkdir(parents=True)
        git(self.workspace, "init", "--quiet")
        git(self.workspace, "remote", "add", "origin", f"file://{self.origin}")
        head = "+refs/heads/main:refs/remotes/origin/main"
        git(self.workspace, "fetch", "--quiet", "--depth=1", "origin", head)
        git(
            self.workspace,
            "checkout",
            "--quiet",
            "--force",
            "-B",
            "main",
            "refs/remotes/origin/main",
        )
        return self.workspace

    def run(self) -> Finished:
        """The steps that are shell, but for the installation, where the repository was checked out."""
        workflow = self.workflow()
        summary = self.workspace.parent / "summary.md"
        environment = {
            "HOME": str(self.workspace.parent),
            "XDG_CACHE_HOME": str(self.workspace.parent / ".cache"),
            "PATH": f"{Path(OURS).parent}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_REF_NAME": "main",
            "GIT_CONFIG_GLOBAL": "",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        failed, code = None, 0
        assert workflow["defaults"]["run"]["shell"] == "bash"
        for step in workflow["jobs"]["run"]["steps"]:
            if "run" not in step or step["name"] == "Install cachediff":
                continue
            always = "if" in step
            if always:
                assert step["if"] == "${{ always() && steps.run.conclusion != 'skipped' }}"
            if failed and not always:
                continue
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(
                shell, cwd=self.workspace, env=environment, capture_output=True, check=False
            )
            if done.returncode and not failed:
                failed, code = step["name"], done.returncode
        return Finished(failed, code, summary.read_text() if summary.exists() else "")

    @staticmethod
    def workflow() -> dict[str, Any]:
        # All as text: to YAML 1.1, `on` is true.
        workflow: dict[str, Any] = yaml.load(WORKFLOW.read_text(), yaml.BaseLoader)
        return workflow

    def commits(self) -> list[str]:
        return git(self.origin, "log", "--format=%s", "main").splitlines()

    def files(self) -> set[str]:
        return set(git(self.origin, "ls-tree", "-r", "--name-only", "main").splitlines())


@pytest.fixture
def runner(make_repository: MakeRepository, tmp_path: Path) -> Runner:
    upstream = make_repository(RED, "--bare")
    settings = f"sources: {{cache: {{url: file://{upstream}}}}}\n{JOB}"
    return Runner(tmp_path, upstream, make_repository([{"config.yaml": settings}], "--bare"))


def matching(names: set[str], *patterns: str) -> set[str]:
    return {name for name in names if any(fnmatch.fnmatchcase(name, each) for each in patterns)}


def test_the_workflow_commits_a_red_night_and_fails(runner: Runner) -> None:
    runner.check_out()
    red = runner.run()
    assert (red.failed, red.code) == ("Run", 1)
    assert "RED: gate `gone`: `hdf5` removed" in red.summary
    assert len(runner.commits()) == 2
    files = runner.files()
    assert matching(files, "reports/dated/*/report.html")
    assert {"reports/index.html", "snapshots/ledger.sqlite", "config.yaml"} < files
    assert len(matching(files, "snapshots/cache/*/*.parquet")) == 2
    assert len(matching(files, "snapshots/.outbox/waiting/*")) == 1  # nobody is at port 1
    assert not matching(files, "*lock", "*.tmp*")
    assert not matching(files - {"config.yaml"}, "[!rs]*")

    workspace = runner.check_out()
    assert "all@example.org" in succeeds("outbox", folder=workspace)
    succeeds("verify", folder=workspace)
    again = runner.run()
    assert again == Finished(None, 0, "")
    assert len(runner.commits()) == 2


def test_the_workflow_pushes_where_somebody_else_did(runner: Runner) -> None:
    runner.check_out()
    add_commits(runner.origin, [{"README.md": "Our cache."}], start=1)
    assert runner.run().code == 1
    assert len(runner.commits()) == 3
    assert {"README.md", "reports/index.html"} < runner.files()


NOWHERE = """jobs:
  nowhere:
    compare: [nowhere@previous, nowhere]
    schedule: 0 0 1 1 *
"""


def test_the_workflow_keeps_what_was_done_where_something_was_not(runner: Runner) -> None:
    config = git(runner.origin, "show", "main:config.yaml")
    add_commits(runner.origin, [{"config.yaml": config.replace("jobs:\n", NOWHERE)}], start=1)
    runner.check_out()
    finished = runner.run()
    assert (finished.failed, finished.code) == ("Run", 2)
    assert matching(runner.files(), "reports/dated/*/report.html")


def test_the_workflow_goes_on_from_what_it_pushed(runner: Runner) -> None:
    runner.check_out()
    runner.run()
    add_commits(runner.upstream, [collection(3, "zlib")], start=2)
    runner.check_out()
    good = runner.run()
    assert (good.failed, good.code) == (None, 0)
    assert "develop-2025-01-02` → `develop-2025-01-03" in good.summary
    assert len(runner.commits()) == 3
    assert len(matching(runner.files(), "reports/dated/*/report.html")) == 2


def test_the_workflow_may_do_what_it_does_and_no_more() -> None:
    workflow = Runner.workflow()
    assert workflow["permissions"] == {"contents": "write"}
    assert workflow["concurrency"] == {"group": "cachediff", "cancel-in-progress": "false"}
    (schedule,) = workflow["on"]["schedule"]
    assert next(CronSim(schedule["cron"], datetime(2025, 1, 1, tzinfo=UTC)))
    for step in workflow["jobs"]["run"]["steps"]:
        assert "${{" not in step.get("run", "")  # values go in by the environment, not as code
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+(/[a-z]+)?@v\d+", step["uses"])


# --- the container


INSTRUCTIONS = {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "VOLUME", "STOPSIGNAL"} | {
    "ENTRYPOINT",
    "CMD",
    "HEALTHCHECK",
}


def instructions() -> list[tuple[str, str]]:
    text = (EXAMPLES / "container" / "Containerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(None, 1)[1]) for line in text.splitlines() if line]


def test_the_container_starts_what_there_is() -> None:
    found = instructions()
    assert {name for name, _ in found} == INSTRUCTIONS
    assert found[0][0] == "FROM"
    said = dict(found)
    command = json.loads(said["ENTRYPOINT"]) + json.loads(said["CMD"])
    assert command[0] == "cachediff"
    check(command[1:])
    health, _, otherwise = said["HEALTHCHECK"].partition(" CMD ")[2].partition(" || ")
    assert health.split()[0] == "cachediff"
    check(health.split()[1:])
    assert otherwise == "exit 1"  # 2 means nothing to a health check
    assert set(json.loads(said["VOLUME"])) == {said["WORKDIR"], said["ENV"].split("=")[1]}
    assert said["USER"] != "root"


def test_what_is_copied_into_the_container_is_enough_to_install_from(tmp_path: Path) -> None:
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    for name, arguments in instructions():
        if name != "COPY":
            continue
        *sources, target = arguments.split()
        for source in sources:
            assert matching({f"!{source}"}, *kept), source
            # As COPY does: a file into the folder, the content of a folder into that.
            to = tmp_path / target.strip("/")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to)
            else:
                to.mkdir(exist_ok=True)
                shutil.copy(ROOT / source, to)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "--wheel-dir", tmp_path, tmp_path / "src"], check=True)
    (wheel,) = tmp_path.glob("cachediff-*.whl")
    src = ROOT / "src"
    ours = {str(path.relative_to(src)) for path in src.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as packed:
        assert set(packed.namelist()) >= {name for name in ours if "__pycache__" not in name}


# --- the page


def documented(text: str) -> list[list[str]]:
    """Every `cachediff` command on the page, as its arguments."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    found = []
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        # It is the name of a user, an image and a unit as well.
        if places := [place for place, word in enumerate(words) if Path(word).name == "cachediff"]:
            arguments = words[places[-1] + 1 :]
            if (arguments and not arguments[0].startswith("-")) or len(words) == 1:
                found.append(arguments)
    return found


@pytest.mark.parametrize("page", ["docs/operations.md", "README.md"])
def test_commands_on_the_pages_are_those_there_are(page: str) -> None:
    commands = documented((ROOT / page).read_text())
    assert len(commands) > 5
    for command in commands:
        check(command)


def test_the_page_lists_every_event_of_the_log() -> None:
    events: set[str] = set()
    for path in (ROOT / "src" / "cachediff" / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Entry":
                first = node.args[0]
                kinds = (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)
                events |= {each.value for each in kinds if isinstance(each, ast.Constant)}  # type: ignore[misc]
    table = OPERATIONS.partition("## Logs")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z-]+)` \| (info|warning|error) \|", table, re.MULTILINE)
    assert sorted(name for name, _ in listed) == sorted(events)


def test_links_on_the_pages_lead_somewhere() -> None:
    for file in (ROOT / "docs" / "operations.md", EXAMPLES / "README.md"):
        text = file.read_text()
        for link in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text):
            assert (file.parent / link).exists(), (file.name, link)
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
        assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= anchors


def test_a_clean_status_is_what_the_health_check_sees(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    upstream = make_repository(RED, "--bare")
    alone = JOB.partition("    deliver:")[0]
    (tmp_path / "config.yaml").write_text(f"sources: {{cache: {{path: {upstream}}}}}\n{alone}")
    assert cachediff("run", folder=tmp_path).code == 1
    succeeds("status", folder=tmp_path)  # a red night is about the cache, not about the service
