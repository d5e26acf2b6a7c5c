"""Jobs, gates, retention and deliveries in `config.yaml`, and a thousand that are wrong."""

from __future__ import annotations

import copy
import re
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from cachediff.config import CONFIG_FILE, Settings, SourceSettings, load_settings
from cachediff.config.deliveries import FromEnvironment, FromFile, MailSettings
from cachediff.config.keys import (
    FileKeys,
    FormatName,
    HeartbeatKeys,
    JobKeys,
    MailKeys,
    WebhookKeys,
)
from cachediff.config.resolving import resolve
from cachediff.errors import ConfigError
from cachediff.model.delivery import Secret
from cachediff.model.gates import (
    Acceptance,
    CollectionMissing,
    Gate,
    Kind,
    LeftStack,
    PackageRemoved,
    Rule,
    StackShrank,
    Suspect,
    Unreadable,
    VersionRemoved,
)
from cachediff.model.jobs import Event, Job, Recipient, Retention, Schedule
from cachediff.model.selection import Selection
from cachediff.reports import FORMATS

DOCS = (Path(__file__).parents[1] / "docs" / "config.md").read_text()
EXAMPLE = "\n".join(re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL))
HOOK = "https://hooks.example.org/hunter2"


def loaded(folder: Path, content: str | bytes) -> Settings:
    path = folder / CONFIG_FILE
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_settings(path)


def with_job(folder: Path, job: str, more: str = "") -> Settings:
    """Settings with one job, of these lines."""
    lines = textwrap.indent(textwrap.dedent(job), "    ")
    return loaded(folder, f"sources: {{a: {{path: .}}}}\njobs:\n  j:\n{lines}\n{more}")


def with_delivery(folder: Path, delivery: str) -> Settings:
    """Settings with one delivery, of these lines."""
    lines = textwrap.indent(textwrap.dedent(delivery), "    ")
    return loaded(folder, f"sources: {{a: {{path: .}}}}\ndeliver:\n  d:\n{lines}\n")


class TestExample:
    """What docs/config.md shows."""

    def test_jobs(self, tmp_path: Path) -> None:
        settings = loaded(tmp_path, EXAMPLE)
        assert settings.jobs["nightly"] == Job(
            name="nightly",
            old="develop@previous",
            new="develop",
            selection=Selection(stacks=("e4s", "ml-*")),
            due=Schedule("30 6 * * mon-fri", "Europe/Helsinki"),
            formats=("json", "html", "markdown"),
            gates=(
                Gate("left", LeftStack(stacks=("e4s",))),
                Gate("gone", PackageRemoved(packages=("hdf5", "netcdf-*"))),
                Gate("python", VersionRemoved(packages=("python",))),
                Gate("shrank", StackShrank(5.0)),
                Gate("unreadable", Unreadable()),
                Gate("suspect", Suspect()),
                Gate("downgrades", Kind(("downgraded",), stacks=("e4s",), os=("ubuntu*",))),
                Gate("weekly", CollectionMissing("develop-*", 8)),
            ),
            accept=(Acceptance("left", date(2026, 12, 31), "waits for a release", ("py-warpx",)),),
            deliver=("mail", "chat"),
        )
        assert settings.jobs["dated"] == Job(
            name="dated",
            old="develop-*~1",
            new="develop-*",
            due=Event.NEW_COLLECTION,
            formats=get_args(FormatName),
        )
        assert settings.retention == Retention(30, 26, 120, ("v*", "develop@2026-01-01"))

    def test_deliveries(self, tmp_path: Path) -> None:
        settings = loaded(tmp_path, EXAMPLE)
        mail = settings.deliver["mail"]
        assert isinstance(mail, MailSettings)
        assert (mail.host, mail.port, mail.security) == ("smtp.example.org", 587, "starttls")
        assert mail.password == FromFile(
            Path("/run/secrets/smtp-password"), "deliver.mail.password_file"
        )
        assert mail.recipients == (
            Recipient("cache-team@example.org", empty=True),
            Recipient(
                "hdf5@example.org",
                packages=("hdf5", "netcdf-*"),
                kinds=("removed", "downgraded"),
            ),
        )

    @pytest.mark.parametrize(
        ("heading", "keys"),
        [
            ("The file", FileKeys),
            ("A source", SourceSettings),
            ("A job", JobKeys),
            ("What is accepted", Acceptance),
            ("Retention", Retention),
            ("A delivery: `type: mail`", MailKeys),
            ("A recipient", Recipient),
            ("A delivery: `type: webhook`", WebhookKeys),
            ("The heartbeat", HeartbeatKeys),
        ],
    )
    def test_every_key_is_described(self, heading: str, keys: type) -> None:
        rows = re.findall(r"^\| `(\w+)` \| (\S.*?) \|", section(heading), re.MULTILINE)
        assert dict(rows) == dict(defaults(keys))
        assert len(rows) == len(dict(rows))

    def test_every_rule_is_described(self) -> None:
        rules: dict[str, dict[str, str]] = {}
        for line in re.findall(r"^\|(.*)\|$", section("A gate"), re.MULTILINE)[2:]:
            rule, key, default, _ = (cell.strip(" `") for cell in line.split("|"))
            if rule:
                rules[rule] = {}
            else:
                list(rules.values())[-1][key] = f"`{default}`" if default.isdigit() else default
        assert rules == {
            rule.__struct_config__.tag: dict(defaults(rule)) for rule in get_args(Rule)
        }

    def test_formats(self) -> None:
        assert set(get_args(FormatName)) == set(FORMATS)


def section(heading: str) -> str:
    return DOCS.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def defaults(keys: type) -> Iterator[tuple[str, str]]:
    """Each key, and its default as the documentation writes it."""
    struct = inspect.type_info(keys)
    assert isinstance(struct, inspect.StructType)
    for field in struct.fields:
        if field.required:
            text = "required"
        elif field.default is None:
            text = "none"
        elif field.default in ((), get_args(FormatName)):
            listed = field.encode_name in ("gates", "accept", "deliver", "keep")
            text = "none" if listed else "all"
        elif isinstance(field.default, bool):
            text = f"`{str(field.default).lower()}`"
        else:
            value = field.default
            text = f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
        yield field.encode_name, text


class TestJobs:
    @pytest.mark.parametrize(
        ("job", "reason"),
        [
            ("{}", "jobs.j.compare: this key is missing"),
            ("compare: [a]", "jobs.j.compare: found a list of 1; allowed is a list of 2"),
            ("compare: [a, b@]", r"jobs.j.compare\[1\]: 'b@' is not the name of a snapshot"),
            ("compare: [b:x, y]", r"jobs.j.compare\[0\]: there is no source 'b'"),
            ("compare: [x, y]\nstack: [e4s]", ":5: jobs.j.stack: unknown key; did you mean stacks?"),
            ("compare: [x, y]\nstacks: e4s", "jobs.j.stacks: found 'e4s'; allowed is a list"),
            ("compare: [x, y]\nkinds: [new]", "jobs.j.kinds: there is no kind 'new'"),
            ("compare: [x, y]\nspecs: [a+b]", "jobs.j.specs: 'a\\+b' cannot select specs"),
            ("compare: [x, y]\non: yes", "jobs.j.on: found 'yes'; allowed is one of new-collection"),
            ("compare: [x, y]\non: new-collection", r"compare\[1\]: found 'y'; on: .* takes a glob"),
            ("compare: [x, y]\ntimezone: UTC", "jobs.j.timezone: this means nothing without"),
            ("compare: [x, y]\nformats: [pdf]", r"formats\[0\]: found 'pdf'; allowed is one of eml,"),
            ("compare: [x, y]\ndeliver: [mali]", r"deliver\[0\]: there is no delivery 'mali'; did "),
            ("compare: [x, y]\ngates: {g: {rule: let-stack}}", "gates.g.rule: found 'let-stack'; all"),
            ("compare: [x, y]\ngates: {g: {}}", "jobs.j.gates.g.rule: this key is missing"),
            ("compare: [x, y]\ngates: [left-stack]", "jobs.j.gates: found a list of 1"),
            ("compare: [x, y]\ngates: {g: {rule: kind}}", "jobs.j.gates.g.kinds: this key is"),
            ("compare: [x, y]\ngates: {g: {rule: kind, kinds: [x]}}", "gates.g.kinds: there is no k"),
            ("compare: [x, y]\ngates: {g: {rule: suspect, stacks: [x]}}", "gates.g.stacks: unknown"),
            ("compare: [x, y]\ngates: {suspect: {rule: left-stack}}", "gates.suspect: a gate of th"),
            ("compare: [x, y]\ngates: {g: {rule: stack-shrank, percent: 120}}",
             "gates.g.percent: found 120; allowed is a number from 0 to 100"),
            ("compare: [x, y]\ngates: {g: {rule: collection-missing, collection: a@b, days: 1}}",
             "gates.g.collection: found 'a@b'; allowed is"),
            ("compare: [x, y]\naccept: [{gate: g, until: 2026-12-31, reason: x}]",
             r"accept\[0\].gate: there is no gate 'g'"),
            ("compare: [x, y]\naccept: [{gate: suspect, until: 2026-13-31, reason: x}]",
             r"accept\[0\].until: found '2026-13-31'; allowed is a date"),
            ("compare: [x, y]\naccept: [{gate: suspect, until: 2026-12-31}]", r"\[0\].reason: this"),
        ],
        ids=lambda text: text[-40:],
    )  # fmt: skip
    def test_errors(self, tmp_path: Path, job: str, reason: str) -> None:
        mail = "{type: mail, host: h, sender: a@b, recipients: [{address: a@b}]}"
        with pytest.raises(ConfigError, match=reason):
            with_job(tmp_path, job, f"deliver: {{mail: {mail}}}")

    def test_a_job_that_is_asked_for(self, tmp_path: Path) -> None:
        assert with_job(tmp_path, "compare: [x, a:y]").jobs["j"].due is None

    @pytest.mark.parametrize("name", ["index.html", "feed.xml", "a/b", "..", "é", "x" * 101, ""])
    def test_names(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ConfigError, match=r"jobs\."):
            loaded(
                tmp_path, f"sources: {{a: {{path: .}}}}\njobs: {{'{name}': {{compare: [x, y]}}}}"
            )

    def test_a_suspect_side_can_be_accepted(self, tmp_path: Path) -> None:
        accept = "accept: [{gate: suspect, until: 2026-12-31, reason: x}]"
        (job,) = with_job(tmp_path, f"compare: [x, y]\n{accept}").jobs.values()
        assert job.accept == (Acceptance("suspect", date(2026, 12, 31), "x"),)

    @pytest.mark.parametrize(
        ("retention", "reason"),
        [
            ("", "retention: found nothing"),
            ("{}", "retention: nothing would be kept"),
            ("{keep: [x]}", "retention: nothing would be kept"),
            ("{daily: -1}", "retention.daily: found -1; allowed is a whole number, 0 or more"),
            ("{daily: 1.5}", "retention.daily: found 1.5"),
            ("{daily: 1, keep: [b:x]}", r"retention.keep\[0\]: there is no source 'b'"),
        ],
    )
    def test_retention(self, tmp_path: Path, retention: str, reason: str) -> None:
        with pytest.raises(ConfigError, match=reason):
            loaded(tmp_path, f"sources: {{a: {{path: .}}}}\nretention: {retention}")


BAD_CRON = ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
            "* * * * 8", "x * * * *", "*/0 * * * *", "5-1 * * * *", "0 0 31 2 *", "0 0 */20 * 1L",
            "@daily", "1 1 1 1 " + "9" * 5000]  # fmt: skip


class TestSchedule:
    @pytest.mark.parametrize("cron", BAD_CRON, ids=lambda cron: cron[:20])
    def test_wrong(self, tmp_path: Path, cron: str) -> None:
        with pytest.raises(ConfigError, match=r"jobs\.j\.schedule: found '") as caught:
            with_job(tmp_path, f"compare: [x, y]\nschedule: '{cron}'")
        assert "allowed" in caught.value.message

    @pytest.mark.parametrize("zone", ["Nowhere", "Europe", "../x", "/etc/passwd", "europe/x"])
    def test_wrong_time_zone(self, tmp_path: Path, zone: str) -> None:
        with pytest.raises(ConfigError, match=r"jobs\.j\.timezone: found '.*IANA"):
            with_job(tmp_path, f"compare: [x, y]\nschedule: 0 0 * * *\ntimezone: {zone}")

    def test_a_close_time_zone(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"did you mean Europe/Helsinki\?"):
            with_job(tmp_path, "compare: [x, y]\nschedule: 0 0 * * *\ntimezone: Europe/Helsinky")

    @pytest.mark.parametrize(
        ("cron", "days"),
        [("0 6 * * 0", [22, 29]), ("0 6 * * 7", [22, 29]), ("0 6 * * sun", [22, 29]),
         ("0 6 * * 1", [23, 30]), ("0 6 22 * 1", [22, 23, 30]), ("0 6 */2 * 1", [23])],
    )  # fmt: skip
    def test_days_are_those_of_cron(self, cron: str, days: list[int]) -> None:
        start = datetime(2026, 11, 21, 12, tzinfo=UTC)
        times = takewhile(lambda time: time.month == 11, Schedule(cron).times(start))
        assert [time.day for time in times] == days

    @pytest.mark.parametrize(
        ("zone", "after", "due"),
        [
            # The clock leaps from 02:00 to 03:00, and back from 04:00 to 03:00.
            ("America/New_York", "2026-03-08T05:00Z", "2026-03-08T07:00Z"),
            ("Europe/Helsinki", "2026-03-28T23:00Z", "2026-03-29T00:30Z"),
            # From 02:00 to 02:30.
            ("Australia/Lord_Howe", "2026-10-03T12:00Z", "2026-10-03T15:30Z"),
        ],
    )
    def test_a_leaping_clock(self, zone: str, after: str, due: str) -> None:
        schedule = Schedule("30 2 * * *", zone)
        assert next(schedule.times(datetime.fromisoformat(after))) == datetime.fromisoformat(due)

    def test_two_times_that_a_clock_leaps_over_are_one(self) -> None:
        times = Schedule("0,30 2 * * *", "America/New_York").times(
            datetime(2026, 3, 8, 5, tzinfo=UTC)
        )
        assert [f"{next(times):%d %H:%M}" for _ in range(2)] == ["08 07:00", "09 06:00"]

    def test_the_second_of_an_hour_that_comes_twice(self) -> None:
        schedule = Schedule("45 1 * * *", "America/New_York")
        for after, due in (("05:30", "2026-11-01 05:45"), ("06:30", "2026-11-02 06:45")):
            moment = datetime.fromisoformat(f"2026-11-01T{after}Z")
            assert f"{next(schedule.times(moment)):%Y-%m-%d %H:%M}" == due

    @pytest.mark.parametrize(
        "zone",
        ["UTC", "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe", "America/Havana"],
    )
    @pytest.mark.parametrize("cron", ["0 0 * * *", "30 1 * * *", "15 2 * * *", "59 23 * * *"])
    def test_every_date_once(self, zone: str, cron: str) -> None:
        schedule = Schedule(cron, zone)
        start = datetime(2025, 12, 31, 18, tzinfo=UTC)
        times = list(takewhile(lambda time: time < start + timedelta(367), schedule.times(start)))
        dates = [schedule.date_of(time) for time in times]
        assert dates == [dates[0] + timedelta(number) for number in range(len(dates))]
        assert len(dates) >= 366
        # Wherever one begins, it is the same times that follow.
        for moment in (start + timedelta(minutes=minute) for minute in range(0, 527_040, 1_117)):
            later = next(schedule.times(moment))
            assert later == next(time for time in times if time > moment)


class TestDeliveries:
    MAIL = "type: mail\nhost: h\nsender: a@b\nrecipients: [{address: a@b}]\n"

    @pytest.mark.parametrize(
        ("delivery", "reason"),
        [
            ("type: post", "deliver.d.type: found 'post'; allowed is one of mail, webhook"),
            ("host: x", "deliver.d.type: this key is missing"),
            ("type: mail\nsender: a@b\nrecipients: []", "deliver.d.host: this key is missing"),
            ("type: mail\nhost: h\nsender: a@b\nrecipients: []", "deliver.d.recipients: there is"),
            ("type: mail\nhost: h\nsender: a\nrecipients: []", "deliver.d.sender: found 'a'; al"),
            ("type: mail\nhost: h h\nsender: a@b\nrecipients: []", "deliver.d.host: found 'h h'; a"),
            ("type: mail\nhost: h\nsender: a@b\nrecipients: [{address: a@b, kinds: [x]}]",
             r"deliver.d.recipients\[0\].kinds: there is no kind 'x'"),
            ("type: mail\nhost: h\nsender: a@b\nrecipients: [{address: a@b, when: monthly}]",
             r"deliver.d.recipients\[0\].when: unknown key"),
            ("type: mail\nhost: h\nsender: a@b\nrecipients: [{address: a@b, empty: yes}]",
             r"deliver.d.recipients\[0\].empty: found 'yes'; allowed is true or false"),
            ('type: mail\nhost: h\nsender: "a@b\\nBcc: x@y"\nrecipients: [{address: a@b}]', ".sender:"),
            (MAIL + "username: x", "deliver.d.password_env: this key is missing: a user name and"),
            (MAIL + "password_env: X", "deliver.d.username: this key is missing: a user name and"),
            (MAIL + "password: hunter2", "deliver.d.password: unknown key; did you mean password_"),
            (MAIL + "username: x\npassword_env: hunter2 x", "d.password_env: found something else"),
            (MAIL + "username: x\npassword_env: 12345", "deliver.d.password_env: found something"),
            (MAIL + "username: x\npassword_env: X\npassword_file: y",
             "deliver.d.password_file: give one of password_env, password_file"),
            (MAIL + "security: none\nusername: x\npassword_env: X",
             "deliver.d.security: found 'none'; .*clear text|deliver.d.security: found 'none': "),
            (MAIL + "port: 0", "deliver.d.port: found 0; allowed is a whole number from 1 to 65535"),
            (MAIL + "ca_file: ~no-one/x", "deliver.d.ca_file: '~no-one/x'"),
            ("type: webhook", "deliver.d.url_env: this key is missing"),
            ("type: webhook\nurl: x\nurl_env: X", "deliver.d.url: give one of url_env, url"),
            ("type: webhook\nurl: http://hunter2.example/", "deliver.d.url: the URL is not https"),
            ("type: webhook\nurl: [hunter2]", "deliver.d.url: found a list of 1"),
            ("type: webhook\nurl: hunter2", "deliver.d.url: the URL is not of the form"),
            ("type: webhook\nurl: 'hunter2", "this cannot be read"),
        ],
        ids=lambda text: text[-40:],
    )  # fmt: skip
    def test_errors(self, tmp_path: Path, delivery: str, reason: str) -> None:
        with pytest.raises(ConfigError, match=reason) as caught:
            with_delivery(tmp_path, delivery)
        assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"

    @pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
    def test_ports(self, tmp_path: Path, security: str, port: int) -> None:
        mail = with_delivery(tmp_path, f"{self.MAIL}security: {security}").deliver["d"]
        assert isinstance(mail, MailSettings)
        assert mail.port == port

    def test_clear_text_to_this_machine(self, tmp_path: Path) -> None:
        lines = self.MAIL.replace("host: h", "host: '::1'")
        settings = with_delivery(tmp_path, f"{lines}security: none\nusername: x\npassword_env: P")
        assert resolve(settings, {"P": "hunter2"}).mail["d"].server.host == "::1"


class TestResolving:
    SETTINGS = (
        "sources: {a: {path: .}}\n"
        "deliver:\n"
        "  mail: {type: mail, host: h, sender: a@b, recipients: [{address: a@b}], username: u,\n"
        "         password_env: PASSWORD}\n"
        "  file: {type: mail, host: h, sender: a@b, recipients: [{address: a@b}], username: u,\n"
        "         password_file: secrets/password}\n"
        "  open: {type: mail, host: h, sender: a@b, recipients: [{address: a@b}]}\n"
        "  chat: {type: webhook, url_env: HOOK, form: slack}\n"
        f"  here: {{type: webhook, url: '{HOOK}'}}\n"
    )

    def test_all(self, tmp_path: Path) -> None:
        settings = loaded(tmp_path, self.SETTINGS)
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "password").write_text("hunter2 of the file\n")
        deliveries = resolve(settings, {"PASSWORD": "hunter2", "HOOK": f"{HOOK}/2"})
        passwords = {name: mail.server.password for name, mail in deliveries.mail.items()}
        assert passwords == {
            "mail": Secret("hunter2"),
            "file": Secret("hunter2 of the file"),
            "open": None,
        }
        urls = {name: hook.url.reveal() for name, hook in deliveries.webhooks.items()}
        assert urls == {"chat": f"{HOOK}/2", "here": HOOK}
        assert deliveries.webhooks["chat"].form == "slack"
        assert deliveries.mail["mail"].recipients == (Recipient("a@b"),)
        assert "hunter2" not in f"{settings!r}{settings}{deliveries!r}{deliveries}"
        with pytest.raises(TypeError):
            msgspec.json.encode(deliveries)

    def test_only_what_is_asked_for(self, tmp_path: Path) -> None:
        settings = loaded(tmp_path, self.SETTINGS)
        assert list(resolve(settings, {}, ["open"]).mail) == ["open"]
        assert settings.deliver["chat"].url == FromEnvironment("HOOK", "deliver.chat.url_env")  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("name", "environ", "content", "reason"),
        [
            (
                "mail",
                {},
                None,
                "deliver.mail.password_env: the environment variable PASSWORD is not",
            ),
            ("mail", {"PASSWORD": ""}, None, "PASSWORD does not hold one line of text"),
            ("mail", {"PASSWORD": "hunter2\nx"}, None, "PASSWORD does not hold one line of text"),
            ("file", {}, None, "deliver.file.password_file: .*/secrets/password: No such file"),
            ("file", {}, b"", "password does not hold one line of text"),
            ("file", {}, b"hunter2\n\n", "password does not hold one line of text"),
            ("file", {}, b"hunter2\xff", "password is not text in UTF-8"),
            ("chat", {}, None, "deliver.chat.url_env: the environment variable HOOK is not set"),
            (
                "chat",
                {"HOOK": "http://x.example/hunter2"},
                None,
                "deliver.chat: the URL is not http",
            ),
            ("chat", {"HOOK": "https://[hunter2"}, None, "deliver.chat: the URL is none"),
        ],
    )
    def test_errors(
        self, tmp_path: Path, name: str, environ: dict[str, str], content: bytes | None, reason: str
    ) -> None:
        settings = loaded(tmp_path, self.SETTINGS)
        if content is not None:
            (tmp_path / "secrets").mkdir()
            (tmp_path / "secrets" / "password").write_bytes(content)
        with pytest.raises(ConfigError, match=reason) as caught:
            resolve(settings, environ, [name])
        assert caught.value.message.startswith(str(tmp_path / CONFIG_FILE))
        assert "hunter2" not in f"{caught.value.message}{caught.value.hint}"


# A thousand configurations that are wrong.

BASE: dict[str, Any] = yaml.safe_load(EXAMPLE.replace("    on: new-", "    'on': new-"))
BASE["jobs"]["nightly"]["accept"][0]["until"] = "2026-12-31"
BASE["deliver"]["here"] = {"type": "webhook", "url": HOOK}
TEXT = yaml.safe_dump(BASE, sort_keys=False).replace("'on'", "on")
Wrong = tuple[str | bytes, str]
"""A configuration, and what the message has to name."""

REQUIRED = [("sources",), ("jobs", "nightly", "compare"), ("deliver", "mail", "type"),
            ("deliver", "mail", "host"), ("deliver", "mail", "sender"), ("deliver", "here", "url"),
            ("deliver", "mail", "recipients"), ("deliver", "chat", "url_env"), ("heartbeat", "url_env"),
            ("jobs", "nightly", "gates", "weekly", "days"), ("jobs", "nightly", "gates", "left", "rule"),
            ("jobs", "nightly", "gates", "downgrades", "kinds"),
            ("jobs", "nightly", "accept", 0, "reason"), ("deliver", "mail", "recipients", 1, "address"),
            ("jobs", "nightly", "schedule")]  # fmt: skip
OUT_OF_RANGE: list[tuple[tuple[str | int, ...], list[Any]]] = [
    (("jobs", "nightly", "gates", "shrank", "percent"), [-1, 101, 1e9, -0.5]),
    (("jobs", "nightly", "gates", "weekly", "days"), [0, -3, 1.5, 40_000]),
    (("jobs", "nightly", "gates", "unreadable", "allowed"), [-1, 0.5]),
    (("retention", "daily"), [-1, 2.5]),
    (("free_space",), [-1, 0.5, "1 GiB"]),
    (("deliver", "mail", "port"), [0, -25, 65_536]),
    (("deliver", "mail", "timeout"), [0, -1, 3601]),
    (("deliver", "chat", "timeout"), [0, 1e6]),
    (("heartbeat", "timeout"), [0, 1e6]),
    (("heartbeat", "url_env"), ["A B", "1A", "", "$HOOK"]),
    (("deliver", "mail", "security"), ["ssl", "STARTTLS"]),
    (("jobs", "nightly", "formats", 0), ["pdf", "JSON", ""]),
    (("jobs", "nightly", "gates", "left", "rule"), ["left", "leftstack", "", "x` - at `$.y"]),
    (("jobs", "nightly", "timezone"), ["Nowhere", "Europe", "../etc", "EET EST"]),
    (("jobs", "nightly", "schedule"), [*BAD_CRON]),
    (("jobs", "nightly", "compare", 1), ["", "x@", ":x", "nowhere:develop", "a\tb"]),
    (("jobs", "nightly", "deliver", 0), ["male", "", "Mail"]),
    (("jobs", "nightly", "accept", 0, "gate"), ["lef", "nightly", ""]),
    (("jobs", "nightly", "accept", 0, "until"), ["tomorrow", "2026-02-30", "31.12.2026"]),
    (("jobs", "dated", "compare", 1), ["develop"]),
    (("retention", "keep", 0), ["nowhere:x", ""]),
    (("jobs", "nightly", "gates", "weekly", "collection"), ["nowhere:*", "a@b", "a-*~1"]),
    (("deliver", "mail", "sender"), ["me", "a b@c", "a@b\nTo: c@d", "a@b, c@d"]),
    (("deliver", "mail", "host"), ["", "a b", "-x", "h\n"]),
    (("deliver", "chat", "url_env"), ["A B", "1A", "", "$HOOK"]),
    (("sources", "cache", "url"), ["../x", "cache", ""]),
    (("sources", "site", "manifests"), ["/", "../x", "."]),
]
TOGETHER: list[tuple[tuple[str | int, ...], str, str]] = [
    (("deliver", "mail"), "password_env", "PASSWORD"),
    (("deliver", "chat"), "url_file", "/run/url"),
    (("deliver", "chat"), "url", HOOK),
    (("heartbeat",), "url", HOOK),
    (("sources", "site"), "url", "https://x.example/y"),
    (("jobs", "nightly"), "on", "new-collection"),
    (("jobs", "dated"), "timezone", "UTC"),
]


def dumped(value: Any) -> str:
    return yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False)


def below(
    value: Any, key: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every key of a configuration, and its value."""
    items: Any = ()
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        yield (*key, name), inner
        yield from below(inner, (*key, name))


def told(key: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)[1:]


def put(key: tuple[str | int, ...], value: Any) -> str:
    """The configuration with another value at `key`."""
    root: Any = copy.deepcopy(BASE)
    inner = root
    for part in key[:-1]:
        inner = inner[part]
    inner[key[-1]] = value
    return dumped(root)


EVERYWHERE = list(below(BASE))


def unknown_key(random: Random) -> Wrong:
    key, _ = random.choice(
        [((), BASE), *(each for each in EVERYWHERE if isinstance(each[1], dict))]
    )
    name = random.choice(
        ["stack", "hosts", "Rule", "x y", "until_", "on ", "<<", "4", *map(str, key[:1])]
    )
    return put((*key, name), "x"), told((*key, name))


def wrong_type(random: Random) -> Wrong:
    key, value = random.choice(EVERYWHERE)
    others: list[Any] = [{"x": 1}, [[]]]
    if isinstance(value, dict | list):
        others = [7, "x", None, [1] if isinstance(value, dict) else {"x": 1}]
    return put(key, random.choice(others)), told(key)


def out_of_range(random: Random) -> Wrong:
    key, values = random.choice(OUT_OF_RANGE)
    return put(key, random.choice(values)), told(key)


def together(random: Random) -> Wrong:
    key, name, value = random.choice(TOGETHER)
    return put((*key, name), value), told(key)


def missing(random: Random) -> Wrong:
    key = random.choice(REQUIRED)
    root: Any = copy.deepcopy(BASE)
    inner = root
    for part in key[:-1]:
        inner = inner[part]
    del inner[key[-1]]
    lacking = "timezone" if key[-1] == "schedule" else "url_env" if key[-1] == "url" else key[-1]
    return dumped(root), told((*key[:-1], lacking))


def given_twice(random: Random) -> Wrong:
    lines = TEXT.splitlines()
    number = random.choice([n for n, line in enumerate(lines) if re.match(r" *\w[\w-]*:", line)])
    name = lines[number].split(":")[0]
    lines.insert(number, f"{name}: x")
    return "\n".join(lines), rf"[ .]{name.strip()}: given twice, again in line {number + 2}$"


def more_than_yaml_needs(random: Random) -> Wrong:
    """Anchors, aliases, tags: named by line."""
    lines = TEXT.splitlines()
    number = random.choice([n for n, line in enumerate(lines) if re.search(r": \S", line)])
    mark = random.choice(
        ["&a x", "*a", "!!str x", "!x y", "!!python/object:os.system x", "&a [*a]"]
    )
    lines[number] = lines[number].split(":")[0] + f": {mark}"
    return "\n".join(lines), f":{number + 1}: this cannot be read: "


def bomb(random: Random) -> Wrong:
    levels = random.randint(3, 12)
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, levels)]
    return "\n".join([*lines, TEXT]), ":1: this cannot be read: anchors"


def tab(random: Random) -> Wrong:
    lines = TEXT.splitlines()
    number = random.choice([n for n, line in enumerate(lines) if re.match(r"  +\w", line)])
    lines[number] = "\t" + lines[number].lstrip()
    return "\n".join(lines), r":\d+: this cannot be read: "


def not_utf8(random: Random) -> Wrong:
    content = TEXT.encode()
    place = random.randrange(len(content))
    wrong = random.choice([b"\xff", b"\x00", b"\xc3("])
    return content[:place] + wrong + content[place:], "not YAML in UTF-8"


def nothing(random: Random) -> Wrong:
    return random.choice(["", "# nothing", "---\n", "{}", "null", "\n\n"]), "sources: this key is"


KINDS: dict[Callable[[Random], Wrong], int] = {
    unknown_key: 200,
    wrong_type: 250,
    out_of_range: 200,
    together: 30,
    missing: 60,
    given_twice: 100,
    more_than_yaml_needs: 80,
    bomb: 10,
    tab: 30,
    not_utf8: 30,
    nothing: 10,
}


PATTERNS = (given_twice, tab)
"""What these have to name is a pattern."""


def test_what_the_wrong_ones_are_made_of_is_right(tmp_path: Path) -> None:
    assert loaded(tmp_path, TEXT).jobs == loaded(tmp_path, EXAMPLE).jobs
    assert sum(KINDS.values()) == 1_000


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_thousand_wrong_ones(kind: Callable[[Random], Wrong], tmp_path: Path) -> None:
    random = Random(kind.__name__)
    for _ in range(KINDS[kind]):
        content, named = kind(random)
        with pytest.raises(ConfigError) as caught:
            loaded(tmp_path, content)
        message = caught.value.message.removeprefix(str(tmp_path / CONFIG_FILE))
        assert message != caught.value.message, "the file is named"
        assert re.search(named, message) if kind in PATTERNS else named in message, message
        assert message.isprintable()
        assert "hunter2" not in message + caught.value.hint


@given(st.binary(max_size=200) | st.text(alphabet="ab:{}[]-&*!|>'\"%@`#,? \n\t\\x0", max_size=80))
def test_anything_else_is_refused_too(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    with pytest.raises(ConfigError):
        loaded(tmp_path_factory.getbasetemp(), content)
