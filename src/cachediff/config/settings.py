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
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar

import msgspec

from cachediff.errors import ConfigError

CONFIG_FILE = "config.yaml"

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[^/:@\s]+@[^/:\s]+:")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_Text = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
"""One line that says something: git reads names line by line."""

_Decoded = TypeVar("_Decoded")


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source: a git repository, by `url` or by `path`.

    `branch` is the revision meant where a name does not say which, None for the repository's own;
    `manifests` is the folder in it that holds the collections.
    """

    url: _Text | None = None
    path: _Text | None = None
    branch: _Text | None = None
    manifests: _Text = "_cache"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.yaml` as it is written. Each source is looked at on its own, so that it can be named."""

    sources: dict[str, Any]
    store: _Text = "snapshots"
    reports: _Text = "reports"
    templates: _Text | None = None


class Settings(msgspec.Struct, frozen=True):
    """Everything that is set: the sources by name, the first being the default, and where things go.

    A source named `None` is one that is named after its repository. `templates` is a folder of
    templates of reports, None for ours. All paths are absolute. `ignored` is a `config.yaml` that was
    passed over, because it seems to be some other program's.
    """

    sources: dict[str | None, SourceSettings]
    store: Path
    reports: Path
    templates: Path | None = None
    ignored: Path | None = None


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
        return load_settings(folder / config)
    here = folder / CONFIG_FILE
    if not here.is_file():
        return _of_repository(folder, str(folder))
    if _is_ours(here):
        return load_settings(here)
    return msgspec.structs.replace(_of_repository(folder, str(folder)), ignored=here)


def load_settings(path: Path) -> Settings:
    """The settings that the file at `path` says.

    Raises:
        ConfigError: it cannot be read, or a key is unknown or wrong; the message names it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", "cachediff init writes a commented one to begin with"
        ) from error
    file = _convert(_parse(path, content), _File, path)
    if not file.sources:
        raise ConfigError(f"{path}: sources: there is none", "name at least one source")
    base = path.resolve().parent
    return Settings(
        {name: _source(path, base, name, source) for name, source in file.sources.items()},
        _absolute(base, file.store),
        _absolute(base, file.reports),
        _absolute(base, file.templates) if file.templates else None,
    )


def is_url(text: str) -> bool:
    """Whether `text` names a repository elsewhere: a URL, or `user@host:path` as ssh takes it."""
    return bool(_URL.match(text))


def _source(path: Path, base: Path, name: str, content: Any) -> SourceSettings:
    where = f"{path}: sources.{name}"
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{where}: a name is of letters, digits, '.', '_' and '-'")
    source = _convert(content, SourceSettings, path, f"sources.{name}")
    if (source.url is None) == (source.path is None):
        raise ConfigError(f"{where}: give either url or path")
    if source.url is not None and not is_url(source.url):
        raise ConfigError(f"{where}.url: {source.url!r} is not a URL", "a folder is a path")
    folder = PurePosixPath(source.manifests)
    if not folder.parts or folder.is_absolute() or ".." in folder.parts:
        raise ConfigError(f"{where}.manifests: {source.manifests!r} is no folder in a repository")
    local = source.path and str(_absolute(base, source.path))
    return msgspec.structs.replace(source, path=local, manifests=str(folder))


def _of_repository(folder: Path, repo: str) -> Settings:
    source = (
        SourceSettings(url=repo)
        if is_url(repo)
        else SourceSettings(path=str(_absolute(folder, repo)))
    )
    return Settings({None: source}, folder / "snapshots", folder / "reports")


def _absolute(base: Path, path: str) -> Path:
    try:
        return base / Path(path).expanduser()
    except RuntimeError as error:  # ~nobody
        raise ConfigError(f"{path!r}: {error}") from error


def _is_ours(path: Path) -> bool:
    """Whether this is a configuration of ours: any other program may have a `config.yaml`."""
    try:
        raw = path.read_bytes()
        content = _parse(path, raw)
    except OSError:
        return True
    except ConfigError:
        return b"sources" in raw
    return isinstance(content, dict) and "sources" in content


def _parse(path: Path, content: bytes) -> Any:
    import yaml

    try:
        # Not the loader in C: a config.yaml that came with a clone could crash it, by brackets alone.
        return yaml.load(content, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error


def _convert(content: Any, kind: type[_Decoded], path: Path, below: str = "") -> _Decoded:
    """`content`, which stands in the file below a key, as a `kind`; errors name the key.

    msgspec ends its messages with it: "Expected `str`, got `int` - at `$.url`".
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        reason, _, found = str(error).partition(" - at `$")
        key = f"{below}{found.rstrip('`')}".removeprefix(".")
        raise ConfigError(f"{path}: {key}: {reason}" if key else f"{path}: {reason}") from error
