"""What names a mail to programs: addresses, Message-IDs, the list that it belongs to."""

from __future__ import annotations

import hashlib
import json
import re
from email.headerregistry import Address

import msgspec

from cachediff.errors import ReportError
from cachediff.model.comparison import Comparison
from cachediff.model.envelope import Envelope
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

    It follows from the job, from what was compared, selected and counted, and from the domain of the
    sender; who receives it makes no difference, so that a mail that is sent again is known as the same.

    Raises:
        ReportError: the sender's address is none.
    """
    return f"<cachediff.{digest(comparison, envelope)}@{address(envelope.sender).domain}>"


def digest(comparison: Comparison, envelope: Envelope) -> str:
    """32 hexadecimal digits that no other report has."""
    identity = [
        envelope.job,
        *((side.origin, side.manifests, side.specs) for side in (comparison.old, comparison.new)),
        comparison.selection,
        comparison.package_counts,
        comparison.spec_counts,
    ]
    # As ASCII: a name from data can hold what is not Unicode.
    told = json.dumps(msgspec.to_builtins(identity), sort_keys=True)
    return hashlib.sha256(told.encode("ascii")).hexdigest()[:32]


def previous_id(envelope: Envelope) -> str | None:
    """The Message-ID of the mail that this one follows.

    Raises:
        ReportError: it is none.
    """
    previous = envelope.previous
    if previous is None:
        return None
    if not _MESSAGE_ID.fullmatch(previous) or len(previous) > _LONGEST_ID:
        raise ReportError(f"{visible(previous)} is not a Message-ID")
    return previous


def list_id(envelope: Envelope) -> str:
    """The List-Id (RFC 2919) of a job's mails: `<nightly.cachediff.example.org>`."""
    job = re.sub(r"[^A-Za-z0-9]+", "-", envelope.job).strip("-")[:63].strip("-") or "job"
    return f"<{job}.cachediff.{address(envelope.sender).domain}>"
