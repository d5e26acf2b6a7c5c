"""What names a mail to programs: addresses, Message-IDs, the list that it belongs to."""

from __future__ import annotations

import hashlib
import re
from email.headerregistry import Address

import msgspec

from cachediff.errors import ReportError
from cachediff.model.comparison import Comparison
from cachediff.model.envelope import Envelope
from cachediff.reports.json import render_json
from cachediff.reports.visible import visible

# `dot-atom@domain` of RFC 5322: no quoted words, comments or literals, and nothing that ends a header.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)")
_NAMED = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>")
_MESSAGE_ID = re.compile(rf"<{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*>")
_LONGEST_ADDRESS = 254
_LONGEST_ID = 500


def address(text: str) -> Address:
    """An address as a person writes it: `ci@example.org` or `Nightly <ci@example.org>`.

    Raises:
        ReportError: it is none, is several, or is not in ASCII; or its name has control characters.
    """
    named = _NAMED.fullmatch(text)
    name, plain = (named["name"].strip('" '), named["address"]) if named else ("", text)
    parts = _ADDRESS.fullmatch(plain)
    # `=?` would begin an encoded word, in which anything can stand.
    if not parts or len(plain) > _LONGEST_ADDRESS or not name.isprintable() or "=?" in name:
        raise ReportError(
            f"{visible(text)} is not an address to mail to or from",
            "write it as ci@example.org or Nightly <ci@example.org>",
        )
    return Address(name, *parts.groups())


def message_id(comparison: Comparison, envelope: Envelope) -> str:
    """The Message-ID of the mail that tells `comparison`: `<cachediff.0f3a...@example.org>`.

    It follows from the job and its night, from all that was found, and from the domain of the sender.
    Who receives it and how the sides came to be read make no difference, so that a mail that is sent
    again is known as the same.

    Raises:
        ReportError: the sender's address is none.
    """
    found = render_json(msgspec.structs.replace(comparison, notices=()))
    night = f" {envelope.night}" if envelope.night else ""
    told = f"{envelope.job}{night}\n{found}"
    digest = hashlib.sha256(told.encode("ascii", "backslashreplace")).hexdigest()
    return f"<cachediff.{digest[:32]}@{address(envelope.sender).domain}>"


def thread_id(job: str, recipient: str, sender: str) -> str:
    """The Message-ID that all mails of a job to a recipient answer: of none, but they are one thread.

    Raises:
        ReportError: the sender's address is none.
    """
    digest = hashlib.sha256(f"{job}\n{recipient}".encode("ascii", "backslashreplace")).hexdigest()
    return f"<cachediff.thread.{digest[:32]}@{address(sender).domain}>"


def digest_id(told: str, sender: str) -> str:
    """The Message-ID of a digest: it follows from `told`, which names its recipient and its nights.

    Raises:
        ReportError: the sender's address is none.
    """
    digest = hashlib.sha256(told.encode("ascii", "backslashreplace")).hexdigest()
    return f"<cachediff.digest.{digest[:32]}@{address(sender).domain}>"


def is_message_id(text: str) -> bool:
    """Whether this can stand in a header as a Message-ID."""
    return len(text) <= _LONGEST_ID and _MESSAGE_ID.fullmatch(text) is not None


def previous_id(envelope: Envelope) -> str | None:
    """The Message-ID of the mail that this one follows.

    Raises:
        ReportError: it is none.
    """
    previous = envelope.previous
    if previous is not None and not is_message_id(previous):
        raise ReportError(f"{visible(previous)} is not a Message-ID")
    return previous


def list_id(envelope: Envelope) -> str:
    """The List-Id (RFC 2919) of a job's mails: `<nightly.cachediff.example.org>`."""
    job = re.sub(r"[^A-Za-z0-9]+", "-", envelope.job).strip("-")[:63].strip("-") or "job"
    return f"<{job}.cachediff.{address(envelope.sender).domain}>"
