"""The sections `deliver` (mail with its recipients, webhooks) and `heartbeat`. No secret is read here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from cachediff.config.decoding import Section
from cachediff.config.keys import HeartbeatKeys, MailKeys, WebhookKeys
from cachediff.model.delivery import Heartbeat, MailServer, Secret, Webhook
from cachediff.model.jobs import Recipient
from cachediff.model.selection import Selection

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
"""Where mail is handed in, by the security of the connection (RFC 6409, RFC 8314)."""


class FromEnvironment(msgspec.Struct, frozen=True):
    """A secret that is the value of an environment variable; `key` is what names it in the file."""

    variable: str
    key: str


class FromFile(msgspec.Struct, frozen=True):
    """A secret that is the one line of a file; `key` is what names it in the file of settings."""

    path: Path
    key: str


SecretOrigin: TypeAlias = FromEnvironment | FromFile | Secret
"""Where a secret comes from: not from here, unless it is written in the file itself."""


class MailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server, where its password comes from, and who gets mail by it; see `MailServer`."""

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"]
    username: str | None
    password: SecretOrigin | None
    timeout: float
    ca_file: Path | None
    recipients: tuple[Recipient, ...]

    def server(self, password: Secret | None) -> MailServer:
        """The server, with its password.

        Raises:
            ValueError: it is not to be trusted with one.
        """
        return MailServer(
            host=self.host,
            port=self.port,
            sender=self.sender,
            security=self.security,
            username=self.username,
            password=password,
            timeout=self.timeout,
            ca_file=self.ca_file,
        )


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook, and where its URL comes from; see `Webhook`."""

    name: str
    url: SecretOrigin
    form: Literal["json", "slack", "mattermost"]
    allow_http: bool
    timeout: float
    ca_file: Path | None

    def webhook(self, url: Secret) -> Webhook:
        """The webhook, with its URL.

        Raises:
            ValueError: nothing may be sent to such a URL.
        """
        return Webhook(
            name=self.name,
            url=url,
            form=self.form,
            allow_http=self.allow_http,
            timeout=self.timeout,
            ca_file=self.ca_file,
        )


DeliverySettings: TypeAlias = MailSettings | WebhookSettings


class HeartbeatSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for after each good night, and where its URL comes from; see `Heartbeat`."""

    url: SecretOrigin
    allow_http: bool
    timeout: float
    ca_file: Path | None

    def heartbeat(self, url: Secret) -> Heartbeat:
        """The heartbeat, with its URL.

        Raises:
            ValueError: nothing may be sent to such a URL.
        """
        return Heartbeat(
            url=url, allow_http=self.allow_http, timeout=self.timeout, ca_file=self.ca_file
        )


def read_delivery(name: str, section: Section) -> DeliverySettings:
    """The delivery `name`, without its secrets.

    Raises:
        ConfigError: a key is wrong.
    """
    keys = section.convert(MailKeys | WebhookKeys)  # type: ignore[arg-type]  # a form of types
    return _mail(section, keys) if isinstance(keys, MailKeys) else _webhook(name, section, keys)


def read_heartbeat(section: Section) -> HeartbeatSettings:
    """The heartbeat, without its URL unless that is written there.

    Raises:
        ConfigError: a key is wrong.
    """
    if isinstance(section.value, str):  # the URL itself, most likely: it is not told
        raise section.error("found a text; allowed are keys, such as url_env")
    keys = section.convert(HeartbeatKeys)
    heartbeat = HeartbeatSettings(
        url=_url(section, keys),
        allow_http=keys.allow_http,
        timeout=keys.timeout,
        ca_file=section.path(keys.ca_file, "ca_file") if keys.ca_file else None,
    )
    if isinstance(heartbeat.url, Secret):
        try:
            heartbeat.heartbeat(heartbeat.url)
        except ValueError as error:
            raise section.error(str(error), "url") from None
    return heartbeat


def _mail(section: Section, keys: MailKeys) -> MailSettings:
    if not keys.recipients:
        raise section.error("there is none; give each an address", "recipients")
    for place, recipient in enumerate(keys.recipients):
        section.check_selection(Selection(kinds=recipient.kinds), "recipients", place, "kinds")
        others = (*keys.recipients[:place], *keys.recipients[place + 1 :])
        if recipient.digest and any(each.address == recipient.address for each in others):
            reason = (
                f"{recipient.address} is there twice, and a digest takes the place of all mails"
            )
            raise section.error(reason, "recipients", place, "digest")
    password = _origin(section, "password", keys.password_env, keys.password_file)
    if (keys.username is None) != (password is None):
        missing = "username" if keys.username is None else "password_env"
        raise section.error(
            "this key is missing: a user name and a password belong together", missing
        )
    mail = MailSettings(
        host=keys.host,
        port=keys.port or _PORTS[keys.security],
        sender=keys.sender,
        security=keys.security,
        username=keys.username,
        password=password,
        timeout=keys.timeout,
        ca_file=section.path(keys.ca_file, "ca_file") if keys.ca_file else None,
        recipients=keys.recipients,
    )
    try:
        mail.server(Secret("any") if password else None)
    except ValueError as error:
        raise section.error(f"found {keys.security!r}: {error}", "security") from None
    return mail


def _webhook(name: str, section: Section, keys: WebhookKeys) -> WebhookSettings:
    webhook = WebhookSettings(
        name=name,
        url=_url(section, keys),
        form=keys.form,
        allow_http=keys.allow_http,
        timeout=keys.timeout,
        ca_file=section.path(keys.ca_file, "ca_file") if keys.ca_file else None,
    )
    if isinstance(webhook.url, Secret):
        try:
            webhook.webhook(webhook.url)
        except ValueError as error:
            raise section.error(str(error), "url") from None
    return webhook


def _url(section: Section, keys: WebhookKeys | HeartbeatKeys) -> SecretOrigin:
    origin = _origin(section, "url", keys.url_env, keys.url_file, keys.url)
    if origin is None:
        raise section.error("this key is missing: give url_env, url_file or url", "url_env")
    return origin


def _origin(
    section: Section, name: str, env: str | None, file: str | None, text: str | None = None
) -> SecretOrigin | None:
    """Where the secret `name` comes from; None where no key says so."""
    given = {f"{name}_env": env, f"{name}_file": file, name: text}
    keys = [key for key, value in given.items() if value is not None]
    if len(keys) > 1:
        raise section.error(f"give one of {', '.join(keys)}", keys[1])
    if env is not None:
        return FromEnvironment(env, section.written(keys[0]))
    if file is not None:
        return FromFile(section.path(file, keys[0]), section.written(keys[0]))
    return None if text is None else Secret(text)
