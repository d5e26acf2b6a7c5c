"""What a page brings along, so that it needs nothing else: its style, its scripts, and what may run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

import msgspec


class Assets(msgspec.Struct, frozen=True):
    """The style and the scripts, as they stand inside their elements, and the policy for them.

    `policy` is a Content-Security-Policy under which these scripts run and no others, and nothing is
    loaded from anywhere. Styles may be inline, so that a template of the user's can bring its own.
    """

    style: str
    scripts: tuple[str, ...]
    policy: str


@cache
def assets() -> Assets:
    """The assets of `comparison.html.j2`: DataTables, with its licence, and our own."""
    licence = f"/*!\n{_text('datatables.LICENSE.txt').strip()}\n*/\n"
    scripts = (licence + _text("datatables.min.js"), _text("report.js"))
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return Assets(
        style=_text("style.css"),
        scripts=scripts,
        policy=(
            f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
    )


def _text(name: str) -> str:
    file = resources.files("cachediff.reports") / "assets" / name
    # A browser hashes what it has parsed, in which every line ends in a line feed alone.
    return file.read_text(encoding="utf-8").replace("\r\n", "\n")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
