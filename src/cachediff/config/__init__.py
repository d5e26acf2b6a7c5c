"""Configuration: `config.yaml` to frozen settings, with errors that name the key."""

from __future__ import annotations

from cachediff.config.settings import (
    CONFIG_FILE,
    Settings,
    SourceSettings,
    find_settings,
    load_settings,
)

__all__ = ["CONFIG_FILE", "Settings", "SourceSettings", "find_settings", "load_settings"]
