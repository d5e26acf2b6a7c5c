"""Writing what a new user begins with: a `config.yaml`, our templates, a small upstream to try."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from cachediff.config import CONFIG_FILE
from cachediff.demo import demo_history
from cachediff.errors import UsageError
from cachediff.reports.templating import originals
from cachediff.sources import import_history

UPSTREAM = "upstream.git"

_DEMO_CONFIG = f"""\
# The world of `cachediff demo`: one made-up upstream, beside this file.
sources:
  demo:
    path: {UPSTREAM}
store: snapshots
reports: reports
jobs:
  # Each night against the night before.
  nightly:
    compare: [develop@previous, develop]
    schedule: 0 6 * * *
    gates:
      left-e4s: {{rule: left-stack, stacks: [e4s]}}
      unreadable: {{rule: unreadable}}
  # Each Sunday's copy against the one before.
  dated:
    compare: ["develop-*~1", "develop-*"]
    on: new-collection
  # What a release made now would bring: cachediff run release
  release:
    compare: ["develop-*", develop]
    gates:
      left-e4s: {{rule: left-stack, stacks: [e4s]}}
"""


def write_config(folder: Path) -> Path:
    """Write the commented `config.yaml` for Spack's public cache into `folder`.

    Raises:
        UsageError: there is one.
    """
    path = folder / CONFIG_FILE
    content = files("cachediff.config").joinpath("default.yaml").read_bytes()
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already", "it was left as it is") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return path


def write_templates(folder: Path) -> list[Path]:
    """Write our templates of reports into `folder`, which is made if need be; their paths come back.

    Raises:
        UsageError: one of them is there, and nothing was written; or it cannot be written.
    """
    contents = {folder / name: content for name, content in originals().items()}
    for path in contents:
        if path.exists():
            raise UsageError(f"{path} is there already", "it was left as it is")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from error
    return list(contents)


def write_demo(folder: Path) -> Path:
    """Write a made-up upstream and a `config.yaml` for it into `folder`, which is new or empty.

    Returns the path of the configuration.

    Raises:
        UsageError: there is something in `folder`, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", "name a new folder: cachediff demo DIR")
        import_history(folder / UPSTREAM, demo_history())
        path = folder / CONFIG_FILE
        path.write_text(_DEMO_CONFIG)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from error
    return path
