"""Settings, and the file that they come from.

```yaml
sources:
  cache:
    url: https://github.com/spack/cache.spack.io
store: snapshots
```

Relative paths are relative to the file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from cachediff.errors import ConfigError

CONFIG_FILE = "config.yaml"

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[^/:@\s]+@[^/:\s]+:")


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source: a git repository, by `url` or by `path`.

    `branch` is the revision meant where a name does not say which, None for the repository's own;
    `manifests` is the folder in it that holds the collections.
    """

    url: str | None = None
    path: str | None = None
    branch: str | None = None
    manifests: str = "_cache"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.yaml` as it is written."""

    sources: dict[str, SourceSettings]
    store: str = "snapshots"
    reports: str = "reports"


class Settings(msgspec.Struct, frozen=True):
    """Everything that is set: the sources by name, the first being the default, and where things go.

    A source named `None` is one that is named after its repository. All paths are absolute.
    """

    sources: dict[str | None, SourceSettings]
    store: Path
    reports: Path


def find_settings(folder: Path, config: Path | None = None, repo: str | None = None) -> Settings:
    """The settings of a command that is run in `folder`.

    `repo`, a path or URL, stands for a source of its own; otherwise `config` or, where there is one,
    the `config.yaml` of the folder; otherwise the folder itself, as one inside a clone.

    Raises:
        ConfigError: there is a file, and it is wrong.
    """
    if repo is not None:
        return _of_repository(folder, repo)
    if config is not None:
        return load_settings(config)
    here = folder / CONFIG_FILE
    if here.is_file() and _is_ours(here):
        return load_settings(here)
    return _of_repository(folder, str(folder))


def load_settings(path: Path) -> Settings:
    """The settings that the file at `path` says.

    Raises:
        ConfigError: it cannot be read, or a key is unknown or wrong; the message names it.
    """
    try:
        content = path.read_bytes()
        file = msgspec.yaml.decode(content, type=_File)
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", "cachediff init writes a commented one to begin with"
        ) from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_reason(str(error))}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if not file.sources:
        raise ConfigError(f"{path}: sources: there is none", "name at least one source")
    base = path.resolve().parent
    return Settings(
        {name: _source(path, base, name, source) for name, source in file.sources.items()},
        base / file.store,
        base / file.reports,
    )


def is_url(text: str) -> bool:
    """Whether `text` names a repository elsewhere: a URL, or `user@host:path` as ssh takes it."""
    return bool(_URL.match(text))


def _source(path: Path, base: Path, name: str, source: SourceSettings) -> SourceSettings:
    where = f"{path}: sources.{name}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ConfigError(f"{where}: a name is of letters, digits, '.', '_' and '-'")
    if (source.url is None) == (source.path is None):
        raise ConfigError(f"{where}: give either url or path")
    if source.url is not None:
        if not is_url(source.url):
            raise ConfigError(f"{where}.url: {source.url!r} is not a URL", "a folder is a path")
        return source
    return msgspec.structs.replace(source, path=str(base / Path(str(source.path)).expanduser()))


def _of_repository(folder: Path, repo: str) -> Settings:
    source = (
        SourceSettings(url=repo)
        if is_url(repo)
        else SourceSettings(path=str(folder / Path(repo).expanduser()))
    )
    return Settings({None: source}, folder / "snapshots", folder / "reports")


def _is_ours(path: Path) -> bool:
    """Whether this is a configuration of ours: any other program may have a `config.yaml`."""
    try:
        content: Any = msgspec.yaml.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    return isinstance(content, dict) and "sources" in content


def _reason(message: str) -> str:
    """What is wrong, with the key first: msgspec ends its message with `$.sources[...].url`."""
    reason, found, key = message.partition(" - at `$")
    key = key.rstrip("`").removeprefix(".")
    return f"{key}: {reason}" if found and key else reason
