"""Strings that would do something, if a report let them: by themselves, and in pieces put together."""

from __future__ import annotations

from itertools import product

import msgspec

from cachediff.model.comparison import Comparison
from report_cases import comparison, hostile

RAN = "globalThis.ran=1"

_OPENINGS = (
    "",
    '"',
    "'",
    "`",
    '">',
    "'>",
    "-->",
    "<!--",
    "]]>",
    "</script>",
    "</style>",
    "</title>",
    "</textarea>",
    "</table>",
    "</details>",
    "</svg>",
    "</code>",
    "{{",
    "{%",
    "\\",
    "\x00",
    "\r\n\r\n",
    "\u2028",
    "\ud800",
    "\u202e",
)
_PAYLOADS = (
    f"<script>{RAN}</script>",
    f"<img src=x onerror={RAN}>",
    f"<svg onload={RAN}>",
    f"<svg/onload={RAN}//",
    f"<details open ontoggle={RAN}>",
    f"<iframe srcdoc='<script>{RAN}</script>'>",
    f"<iframe src='javascript:{RAN}'>",
    f"javascript:{RAN}",
    f"<a href='javascript:{RAN}'>x</a>",
    f"<input autofocus onfocus={RAN}>",
    f"' onfocus='{RAN}' autofocus='",
    f'" onmouseover="{RAN}" x="',
    f"\\u003cscript\\u003e{RAN}",
    "<img src=https://evil.example/x>",
    "<link rel=stylesheet href=https://evil.example/x>",
    "<style>@import 'https://evil.example/x';</style>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<form action=https://evil.example/><button>",
    "{{ 7 * 7 }}{% raw %}{# #}${7*7}<%= 7 %>",
)

HOSTILE_STRINGS = tuple(f"{opening}{payload}" for opening, payload in product(_OPENINGS, _PAYLOADS))
"""500 of them."""


def comparison_of(values: tuple[str, ...]) -> Comparison:
    """A comparison that has each value in every field: of its packages, of its sides, of its stacks."""
    each = [hostile(value) for value in values]
    whole = each[0]
    # Of what `hostile` makes of a value, the package that has changes of every kind.
    packages = [max(one.packages, key=lambda package: len(package.changes)) for one in each]
    return msgspec.structs.replace(
        comparison(*packages, old=whole.old, new=whole.new, selection=whole.selection),
        old=msgspec.structs.replace(
            whole.old, problems=tuple(problem for one in each for problem in one.old.problems)
        ),
        stacks={name: totals for one in each for name, totals in one.stacks.items()},
        coverage={
            field: {name: totals for one in each for name, totals in one.coverage[field].items()}
            for field in whole.coverage
        },
    )
