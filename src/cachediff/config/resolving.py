"""Secrets: read from the environment or a file when something is to be delivered, and never told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from cachediff.config.deliveries import FromEnvironment, FromFile, MailSettings, SecretOrigin
from cachediff.config.settings import Settings
from cachediff.errors import ConfigError
from cachediff.model.delivery import Heartbeat, MailServer, Secret, Webhook
from cachediff.model.jobs import Recipient


class Mail(msgspec.Struct, frozen=True):
    """A mail server that can be spoken to, and who gets mail by it."""

    server: MailServer
    recipients: tuple[Recipient, ...]


class Deliveries(msgspec.Struct, frozen=True):
    """What can be delivered by, under the names of the settings; a `repr` shows no secret."""

    mail: dict[str, Mail]
    webhooks: dict[str, Webhook]
    heartbeat: Heartbeat | None = None


def resolve(
    settings: Settings, environ: Mapping[str, str], names: Iterable[str] | None = None
) -> Deliveries:
    """The deliveries `names` (all, if None) and the heartbeat, with their secrets.

    Those come from `environ` and from files.

    Raises:
        ConfigError: a secret cannot be had, or is not of its form; the message names the key, and
            where it was looked for, but nothing of what was found.
    """
    mail: dict[str, Mail] = {}
    webhooks: dict[str, Webhook] = {}
    for name in settings.deliver if names is None else names:
        delivery = settings.deliver[name]
        if isinstance(delivery, MailSettings):
            origin = delivery.password
            password = None if origin is None else _secret(settings.file, origin, environ)
            mail[name] = Mail(delivery.server(password), delivery.recipients)
        else:
            url = _secret(settings.file, delivery.url, environ)
            try:
                webhooks[name] = delivery.webhook(url)
            except ValueError as error:
                raise ConfigError(f"{settings.file}: deliver.{name}: {error}") from None
    return Deliveries(mail, webhooks, _heartbeat(settings, environ))


def _heartbeat(settings: Settings, environ: Mapping[str, str]) -> Heartbeat | None:
    heartbeat = settings.heartbeat
    if heartbeat is None:
        return None
    url = _secret(settings.file, heartbeat.url, environ)
    try:
        return heartbeat.heartbeat(url)
    except ValueError as error:
        raise ConfigError(f"{settings.file}: heartbeat: {error}") from None


def _secret(file: Path | None, origin: SecretOrigin, environ: Mapping[str, str]) -> Secret:
    match origin:
        case FromEnvironment():
            where = f"{file}: {origin.key}: the environment variable {origin.variable}"
            text = environ.get(origin.variable)
            if text is None:
                raise ConfigError(f"{where} is not set")
        case FromFile():
            where = f"{file}: {origin.key}: {origin.path}"
            try:
                text = origin.path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
            except OSError as error:
                raise ConfigError(f"{where}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise ConfigError(f"{where} is not text in UTF-8") from None
        case Secret():
            return origin
    if not text.isprintable() or not text:
        raise ConfigError(f"{where} does not hold one line of text")
    return Secret(text)
