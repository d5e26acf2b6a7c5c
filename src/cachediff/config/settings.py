"""Settings, and the file that they come from.

```yaml
sources:
  cache:
    url: https://github.com/spack/cache.spack.io
store: snapshots
```

Relative paths are relative to the file. What every key means is in `docs/config.md`.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from cachediff.errors import ConfigError
from cachediff.model.gates import Line
from cachediff.model.jobs import Job, Retention

if TYPE_CHECKING:
    from cachediff.config.decoding import Section
    from cachediff.config.deliveries import DeliverySettings, HeartbeatSettings

CONFIG_FILE = "config.yaml"
STATE_FOLDER = ".cachediff"
"""Beside the file, where the store is no folder and `state` is left out."""

OBJECT_STORES = ("s3", "gs")
"""Schemes of the URLs that a store may have."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[^/:@\s]+@[^/:\s]+:")
_OURS = re.compile(rb"^[\"']?sources[\"']?\s*:", re.MULTILINE)


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source: a git repository, by `url` or by `path`.

    `branch` is the revision meant where a name does not say which, None for the repository's own;
    `manifests` is the folder in it that holds the collections.
    """

    url: Line | None = None
    path: Line | None = None
    branch: Line | None = None
    manifests: Line = "_cache"


class Settings(msgspec.Struct, frozen=True):
    """Everything that is set: the sources by name, the first being the default, and where things go.

    `store` is a folder or, as text, the URL of an object store. `state` is the folder of what is not in
    it for others to read: ledger, lock, outbox, index; of a store in a folder it is that folder, unless
    `state_folder` is set.

    A source named `None` is one that is named after its repository; `repo` is the path or URL of it that
    was asked for, None where it is the folder that a command is run in. `templates` is a folder of
    templates of reports, None for ours, `free_space` the MiB that must be free before a run. All paths
    are absolute. `ignored` is a `config.yaml` that was passed over, because it seems to be some other
    program's.

    `jobs` and `deliver` are by name. Without `retention` every snapshot stays. `file` is where the
    settings come from, None where there is no file.
    """

    sources: dict[str | None, SourceSettings]
    store: Path | str
    reports: Path
    templates: Path | None = None
    free_space: int = 256
    ignored: Path | None = None
    jobs: dict[str, Job] = {}
    retention: Retention | None = None
    deliver: dict[str, DeliverySettings] = {}
    heartbeat: HeartbeatSettings | None = None
    file: Path | None = None
    state_folder: Path | None = None
    repo: str | None = None

    @property
    def state(self) -> Path:
        """The local folder of ledger, lock, outbox and index."""
        if self.state_folder is not None:
            return self.state_folder
        if isinstance(self.store, Path):
            return self.store
        return (self.file or self.reports).parent / STATE_FOLDER


def find_settings(folder: Path, config: Path | None = None, repo: str | None = None) -> Settings:
    """The settings of a command that is run in `folder`.

    `repo`, a path or URL, stands for a source of its own; otherwise `config` or, where there is one,
    the `config.yaml` of the folder; otherwise the folder itself, as one inside a clone.

    Raises:
        ConfigError: there is a file, and it is wrong.
    """
    if repo is not None:
        return msgspec.structs.replace(_of_repository(folder, repo), repo=repo)
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
    return _settings(path, content)


def is_url(text: str) -> bool:
    """Whether `text` names a repository elsewhere: a URL, or `user@host:path` as ssh takes it."""
    return bool(_URL.match(text))


def _settings(path: Path, content: bytes) -> Settings:
    from cachediff.config.decoding import Section
    from cachediff.config.deliveries import read_delivery, read_heartbeat
    from cachediff.config.jobs import read_job, read_retention
    from cachediff.config.keys import FileKeys
    from cachediff.config.reading import Document

    document = Document(path, content)
    whole = Section(document, (), document.value)
    keys = whole.convert(FileKeys)
    named = whole.named("sources")
    sources: dict[str | None, SourceSettings] = {
        name: _source(section) for name, section in named.items()
    }
    if not sources:
        raise whole.error("there is none; name at least one source", "sources")
    deliver = {
        name: read_delivery(name, section) for name, section in whole.named("deliver").items()
    }
    jobs = {
        name: read_job(name, section, named, deliver)
        for name, section in whole.named("jobs").items()
    }
    retention = whole.below("retention")
    heartbeat = whole.below("heartbeat")
    return Settings(
        sources=sources,
        store=_store(whole, keys.store),
        reports=whole.path(keys.reports, "reports"),
        templates=whole.path(keys.templates, "templates") if keys.templates else None,
        free_space=keys.free_space,
        jobs=jobs,
        retention=read_retention(retention, named) if retention else None,
        deliver=deliver,
        heartbeat=read_heartbeat(heartbeat) if heartbeat else None,
        file=path.absolute(),
        state_folder=whole.path(keys.state, "state") if keys.state else None,
    )


def _store(whole: Section, text: str) -> Path | str:
    """The folder of the store, or the URL of an object store."""
    if "://" not in text:
        return whole.path(text, "store")
    parts = urlsplit(text)
    if parts.scheme not in OBJECT_STORES or not parts.netloc:
        known = " or ".join(f"{scheme}://bucket/prefix" for scheme in OBJECT_STORES)
        raise whole.error(f"this is not the URL of an object store: {known}", "store")
    if "@" in parts.netloc or "_key" in parts.query:
        raise whole.error(
            "no keys belong here", "store", hint="they are taken from the environment"
        )
    return text


def _source(section: Section) -> SourceSettings:
    source = section.convert(SourceSettings)
    if (source.url is None) == (source.path is None):
        raise section.error("give either url or path")
    if source.url is not None and not is_url(source.url):
        raise section.error(f"{source.url!r} is not a URL", "url", hint="a folder is a path")
    folder = PurePosixPath(source.manifests)
    if not folder.parts or folder.is_absolute() or ".." in folder.parts:
        raise section.error(f"{source.manifests!r} is no folder in a repository", "manifests")
    local = source.path and str(section.path(source.path, "path"))
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
    from cachediff.config.reading import Document

    try:
        content = path.read_bytes()
        value = Document(path, content).value
    except OSError:
        return True
    except ConfigError:
        return bool(_OURS.search(content))
    return isinstance(value, dict) and "sources" in value
