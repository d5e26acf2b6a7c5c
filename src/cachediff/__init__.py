"""What changed in a Spack binary cache.

```python
from cachediff import compare

comparison = compare("develop-2025-04-20", "develop", repo="path/to/clone")
for package in comparison.packages:
    for change in package.changes:
        print(package.package, change.kind, change.fields)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cachediff.api import compare, open_snapshot
    from cachediff.errors import (
        CachediffError,
        ConfigError,
        DamagedSnapshotError,
        NameNotFoundError,
        SourceError,
        StoreError,
        UsageError,
    )
    from cachediff.model.change import Change, ChangeKind
    from cachediff.model.comparison import Comparison
    from cachediff.model.selection import Selection
    from cachediff.model.snapshot import Snapshot
    from cachediff.model.spec import Build, Spec
    from cachediff.model.version import Version

_ORIGINS = {
    "cachediff.errors": (
        "CachediffError",
        "ConfigError",
        "DamagedSnapshotError",
        "NameNotFoundError",
        "SourceError",
        "StoreError",
        "UsageError",
    ),
    "cachediff.api": ("compare", "open_snapshot"),
    "cachediff.model.change": ("Change", "ChangeKind"),
    "cachediff.model.comparison": ("Comparison",),
    "cachediff.model.selection": ("Selection",),
    "cachediff.model.snapshot": ("Snapshot",),
    "cachediff.model.spec": ("Build", "Spec"),
    "cachediff.model.version": ("Version",),
}
_ORIGIN_OF = {name: origin for origin, names in _ORIGINS.items() for name in names}

__all__ = [  # noqa: RUF022  what one reads first comes first
    "compare",
    "open_snapshot",
    "Selection",
    "Comparison",
    "Change",
    "ChangeKind",
    "Snapshot",
    "Spec",
    "Build",
    "Version",
    "CachediffError",
    "ConfigError",
    "DamagedSnapshotError",
    "NameNotFoundError",
    "SourceError",
    "StoreError",
    "UsageError",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the command line starts without most of them."""
    from importlib import import_module

    if name not in _ORIGIN_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_ORIGIN_OF[name]), name)
    globals()[name] = value
    return value
