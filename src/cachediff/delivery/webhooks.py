"""Webhooks: a POST of JSON; and what the answer to a request means."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cachediff.delivery.reasons import reason
from cachediff.model.delivery import Accepted, Heartbeat, Outcome, Postponed, Refused, Webhook

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_MOST_READ = 300
"""Most bytes of an answer that are read."""

_SHORTEST_SECRET = 4
"""Fewest characters of a part of a URL that could be a key."""

_TRY_AGAIN = {408, 425, 429}


def post(webhook: Webhook, parcel_id: str, content: bytes, *, now: datetime) -> Outcome:
    """Post JSON to a webhook; `parcel_id` is its Idempotency-Key. See `request`."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": parcel_id}
    return request("POST", webhook, content, headers, now=now)


def request(
    method: str,
    to: Webhook | Heartbeat,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    now: datetime,
) -> Outcome:
    """Make one HTTP request, once, and tell what came of it.

    Accepted: 2xx. Postponed: 408, 425, 429 and 5xx, for as long as `Retry-After` says; a redirect,
    which is not followed; and whatever is no answer at all. Refused: everything else. No outcome
    shows more of the URL than its host. `now` is aware.
    """
    import urllib3
    from urllib3.exceptions import HTTPError

    url = to.url.reveal()
    host = urlsplit(url).hostname
    try:
        context = ssl.create_default_context(cafile=to.ca_file)
        with urllib3.PoolManager(ssl_context=context) as pool:
            response = pool.request(
                method,
                url,
                body=content,
                headers={"User-Agent": "cachediff", **(headers or {})},
                timeout=to.timeout,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                return _outcome(response, host or "", _secrets(url), now)
            finally:
                response.close()
    except (HTTPError, OSError, ValueError) as error:
        return Postponed(f"{host}: {_told(error, url)}")


def _outcome(
    response: BaseHTTPResponse, host: str, secrets: tuple[str, ...], now: datetime
) -> Outcome:
    status = response.status
    if 200 <= status <= 299:
        return Accepted(f"{status}")
    if 300 <= status <= 399:
        return Postponed(f"{host}: {status}, another address, which is not followed")
    line = f"{host}: {status} {reason(_beginning(response), secrets)}".rstrip()
    if status in _TRY_AGAIN or 500 <= status <= 599:
        return Postponed(line, _retry_after(response.headers.get("Retry-After", ""), now))
    return Refused(line)


def _beginning(response: BaseHTTPResponse) -> bytes:
    from urllib3.exceptions import HTTPError

    try:
        return response.read(_MOST_READ)
    except (HTTPError, OSError):
        return b""  # the status says enough


def _retry_after(header: str, now: datetime) -> timedelta:
    """The wait that a `Retry-After` header asks for, in seconds or until a date; none if unreadable."""
    if header.isascii() and header.isdigit():
        return timedelta(seconds=min(int(header[:9]), 86_400))
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return timedelta(0)
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), timedelta(days=1))


def _told(error: Exception, url: str) -> str:
    from urllib3.exceptions import NewConnectionError, SSLError
    from urllib3.exceptions import TimeoutError as HTTPTimeoutError

    if isinstance(error, HTTPTimeoutError) and not isinstance(error, NewConnectionError):
        return "it does not answer in time"
    if isinstance(error, SSLError):
        return f"TLS failed: {reason(str(error), _secrets(url))}"
    return reason(str(error), _secrets(url)) or type(error).__name__


def _secrets(url: str) -> tuple[str, ...]:
    """The URL as it can come back in an answer or an error: every part of it that is not the host."""
    parts = urlsplit(url)
    words = re.split(r"[/?&=]", f"{parts.path}?{parts.query}")
    return tuple(word for word in words if len(word) >= _SHORTEST_SECRET)
