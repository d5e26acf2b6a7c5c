"""Delivery: everything to be sent waits in an outbox on disk; mail by SMTP, webhooks, job summaries."""

from __future__ import annotations

from cachediff.delivery.notices import render_notice
from cachediff.delivery.outbox import Outbox
from cachediff.delivery.smtp import Mailer
from cachediff.delivery.summaries import append_summary
from cachediff.delivery.webhooks import post

__all__ = ["Mailer", "Outbox", "append_summary", "post", "render_notice"]
