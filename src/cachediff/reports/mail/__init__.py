"""A changelog as a mail: text and HTML, plots in it, the whole report attached."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import MIMEPart
from pathlib import Path

from cachediff.model.changelog import Changelog
from cachediff.model.envelope import Envelope
from cachediff.model.history import HistoryPoint
from cachediff.model.snapshot import Origin
from cachediff.reports.mail.body import Picture, render_body
from cachediff.reports.mail.message import POLICY, begun, set_boundaries
from cachediff.reports.mail.message_ids import message_id
from cachediff.reports.mail.subjects import LONGEST_SUBJECT, subject
from cachediff.reports.page import render_page
from cachediff.reports.plots import plots
from cachediff.reports.text import render_text

__all__ = ["LONGEST_SUBJECT", "message_id", "render_mail", "subject"]

LARGEST_ATTACHMENT = 5_000_000
"""Most bytes of the page to attach; base64 makes a third more of them."""

_MOST_ROWS = 25
_WIDTH = 78


def render_mail(
    changelog: Changelog,
    *,
    envelope: Envelope,
    history: Sequence[HistoryPoint] = (),
    templates: Path | None = None,
) -> str:
    """Render a changelog as a message (RFC 5322): ASCII, its lines ended by CRLF.

    It has the first rows of each group as text and as HTML, with the plots, and the page with all of
    it as an attachment, unless that is too large. Its date is the commit time of the new side; there
    is none where there is no commit. The same changelog, envelope and history give the same bytes.

    Raises:
        ReportError: an address or Message-ID of the envelope is none, or a template cannot be rendered.
    """
    comparison = changelog.comparison
    own_id = message_id(comparison, envelope)
    told = subject(changelog, envelope.night)
    message = begun(told, envelope, own_id, comparison.untold or comparison.new.origin.committed_at)
    page = render_page(changelog, history=history, templates=templates)
    attachment = page.encode("utf-8", "backslashreplace")
    fits = len(attachment) <= LARGEST_ATTACHMENT
    drawn = plots(changelog, history)
    ending = own_id.strip("<>").removeprefix("cachediff.")
    pictures = [
        Picture(plot.title, plot.alternative, f"{plot.key}.{ending}") for plot in drawn.plots
    ]

    text = render_text(changelog, width=_WIDTH, colour=False, limit=_MOST_ROWS)
    attached = _attached(len(attachment))
    message.set_content(f"{text}\n{attached}\n", cte="quoted-printable")
    html = render_body(
        changelog,
        pictures=pictures,
        plots_missing=drawn.missing,
        attached=attached,
        templates=templates,
    )
    body = MIMEPart(POLICY)
    body.set_content(html, subtype="html", cte="quoted-printable")
    for plot, picture in zip(drawn.plots, pictures, strict=True):
        body.add_related(
            plot.png(),
            maintype="image",
            subtype="png",
            cid=f"<{picture.cid}>",
            disposition="inline",
            filename=f"{plot.key}.png",
        )
    message.make_alternative()
    message.attach(body)  # type: ignore[arg-type] # typeshed wants a whole message
    if fits:
        message.add_attachment(
            attachment,
            maintype="text",
            subtype="html",
            params={"charset": "utf-8"},
            filename=_file_name(comparison.new.origin),
        )
    set_boundaries(message)
    return message.as_bytes().decode("ascii")


def _attached(size: int) -> str:
    if size <= LARGEST_ATTACHMENT:
        return "The attached page tells all of it."
    return (
        f"The whole report is too large to attach ({size / 1_000_000:.1f} MB): "
        "cachediff compare --format json or --format html writes it."
    )


def _file_name(origin: Origin) -> str:
    """`develop-2025-04-02.html`, of what is harmless in the name of a file."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", origin.collection)[:60].strip("-.") or "report"
    date = (origin.committed_at or "")[:10]
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", date) and date not in name:
        name = f"{name}-{date}"
    return f"{name}.html"
