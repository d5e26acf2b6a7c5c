"""Notices: a report in short, in the forms that webhooks understand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import quote

import msgspec

from cachediff.delivery.reasons import reason
from cachediff.model.delivery import Notice
from cachediff.model.snapshot import Origin

SCHEMA = "cachediff/notice/1"

_MOST_LINES = 10
"""Most findings, and most suspicions, in a text for people: Slack wants no more than 4,000 characters."""

_LONGEST = 150


def render_notice(notice: Notice, form: Literal["json", "slack", "mattermost"]) -> bytes:
    """The JSON that a webhook of this form takes.

    `json`: an object of the schema `cachediff/notice/1`, with everything. `slack` and `mattermost`: an
    object with one `text`, in which everything but the link to the report is shown as code, where
    neither of them looks for links, mentions or markup.
    """
    if form == "json":
        told = {
            "schema": SCHEMA,
            "job": notice.job,
            "night": notice.night,
            "headline": notice.headline,
            "url": notice.url,
            "sides": {"old": notice.old, "new": notice.new},
            "findings": notice.findings,
            "suspicions": notice.suspicions,
        }
    elif form == "slack":
        told = {"text": "\n".join(_lines(notice, _slack_code, _slack_link))}
    else:
        told = {"text": "\n".join(_lines(notice, _mattermost_code, _mattermost_link))}
    # As ASCII: a name from data can hold what is not Unicode.
    return json.dumps(msgspec.to_builtins(told)).encode("ascii")


def _lines(notice: Notice, code: Callable[[str], str], link: Callable[[str], str]) -> Iterator[str]:
    night = f" {notice.night}" if notice.night else ""
    yield f"{code(notice.job)}{night}: {code(notice.headline)}"
    for suspicion in notice.suspicions[:_MOST_LINES]:
        yield f"Suspect: {code(suspicion)}"
    yield from _rest(len(notice.suspicions))
    for finding in notice.findings[:_MOST_LINES]:
        accepted = " (accepted)" if finding.accepted else ""
        yield f"Gate {code(finding.gate)}: {code(finding.text)}{accepted}"
    yield from _rest(len(notice.findings))
    yield f"Compared: {code(_side(notice.old))} and {code(_side(notice.new))}"
    if notice.url:
        yield link(quote(notice.url, safe="%/:?#=~+,;$"))


def _rest(number: int) -> Iterator[str]:
    if number > _MOST_LINES:
        yield f"... and {number - _MOST_LINES} more"


def _side(origin: Origin) -> str:
    when = (origin.committed_at or "no date")[:10]
    return f"{origin.source} {origin.collection} {(origin.commit or 'no commit')[:12]} {when}"


def _slack_code(value: str) -> str:
    """Slack reads `&`, `<` and `>` everywhere, in code as well."""
    text = _plain(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"`{text}`"


def _mattermost_code(value: str) -> str:
    """Mattermost turns `<!channel>` and `<url|text>` into its own before it sees that this is code.

    It has no way to escape them there, so that they become quotation marks.
    """
    quoted = _plain(value).translate({ord("<"): "\u2039", ord(">"): "\u203a"})
    return f"`{quoted}`"


def _slack_link(url: str) -> str:
    return f"<{url}|Full report>"


def _mattermost_link(url: str) -> str:
    return f"[Full report]({url})"


def _plain(value: str) -> str:
    """On one line, short, and with nothing that ends code."""
    return reason(value, longest=_LONGEST).replace("`", "'") or "-"
