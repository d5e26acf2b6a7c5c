"""Comparing: two snapshots to all changes between them. Pure functions, package by package."""

from __future__ import annotations

from cachediff.comparing.collections import compare
from cachediff.comparing.selection import check_selection, select, unmatched

__all__ = ["check_selection", "compare", "select", "unmatched"]
