"""The sections `jobs` and `retention`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSimError

from cachediff.config.decoding import Section
from cachediff.config.explaining import closest
from cachediff.config.keys import JobKeys
from cachediff.errors import UsageError
from cachediff.model.gates import (
    SUSPECT_GATE,
    Acceptance,
    CollectionMissing,
    Gate,
    Kind,
    Rule,
    Suspect,
)
from cachediff.model.jobs import UTC_ZONE, Event, Job, Retention, Schedule
from cachediff.model.selection import Selection
from cachediff.sources import SnapshotName, parse_name

_PAGES = ("index.html", "feed.xml")
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_FILTERS = {
    "specs": "specs",
    "stacks": "stacks",
    "os": "oss",
    "targets": "targets",
    "compilers": "compilers",
    "kinds": "kinds",
}
"""The keys of filters, and the fields of a `Selection` that they are."""


def read_job(
    name: str, section: Section, sources: Collection[str], deliveries: Collection[str]
) -> Job:
    """The job `name`; `sources` and `deliveries` are those that it can name.

    Raises:
        ConfigError: a key is wrong.
    """
    keys = section.convert(JobKeys)
    if name in _PAGES:
        raise section.error(f"{name!r} cannot name a job: the folder of reports has such a file")
    for place, text in enumerate(keys.compare):
        _snapshot_name(section, text, sources, "compare", place)
    for place, wanted in enumerate(keys.deliver):
        if wanted not in deliveries:
            raise section.error(
                f"there is no delivery {wanted!r}{closest(wanted, deliveries)}", "deliver", place
            )
    gates = tuple(_gate(gate, below, sources) for gate, below in section.named("gates").items())
    _check_acceptances(section, keys.accept, gates)
    return Job(
        name=name,
        old=keys.compare[0],
        new=keys.compare[1],
        selection=_selection(section, keys),
        due=_due(section, keys),
        formats=tuple(dict.fromkeys(keys.formats)),
        gates=gates,
        accept=keys.accept,
        deliver=tuple(dict.fromkeys(keys.deliver)),
    )


def read_retention(section: Section, sources: Collection[str]) -> Retention:
    """How long snapshots are kept.

    Raises:
        ConfigError: a key is wrong, or nothing would be kept.
    """
    retention = section.convert(Retention)
    if not (retention.daily or retention.weekly or retention.monthly):
        raise section.error("nothing would be kept; give daily, weekly or monthly, 1 or more")
    for place, text in enumerate(retention.keep):
        _snapshot_name(section, text, sources, "keep", place)
    return retention


def _due(section: Section, keys: JobKeys) -> Schedule | Event | None:
    if keys.schedule is None:
        if keys.timezone is not None:
            raise section.error("this means nothing without a schedule", "timezone")
        if keys.on and not parse_name(keys.compare[1]).is_glob:
            raise section.error(
                f"found {keys.compare[1]!r}; on: {keys.on} takes a glob, such as develop-*, as NEW",
                *("compare", 1),
            )
        return keys.on
    if keys.on is not None:
        raise section.error("give either schedule or on", "on")
    zone = keys.timezone or UTC_ZONE
    _check_timezone(section, zone)
    schedule = Schedule(keys.schedule, zone)
    fields = "five fields: minute, hour, day of month, month, day of week, as in crontab(5)"
    reason = "there is no such day" if len(keys.schedule.split()) == 5 else "wrong number of fields"
    try:
        if len(keys.schedule.split()) == 5 and next(schedule.times(_SOME_DAY), None):
            return schedule
    except (CronSimError, ValueError) as error:
        reason = str(error).lower()
    raise section.error(f"found {keys.schedule!r}: {reason}; allowed are {fields}", "schedule")


def _check_timezone(section: Section, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # as for "Nowhere", "../x" and "Europe"
        if zone != UTC_ZONE:
            close = closest(zone, available_timezones())
            raise section.error(
                f"found {zone!r}; allowed are IANA names, such as Europe/Helsinki{close}",
                "timezone",
            ) from None


def _selection(section: Section, keys: JobKeys | Kind) -> Selection:
    """What the filters select. Each is checked by itself, so that it can be named."""
    filters = {field: getattr(keys, key) for key, field in _FILTERS.items()}
    for key, field in _FILTERS.items():
        section.check_selection(Selection(**{field: filters[field]}), key)
    return Selection(**filters)


def _gate(name: str, section: Section, sources: Collection[str]) -> Gate:
    rule: Rule = section.convert(Rule)  # type: ignore[arg-type]  # a union is no type to mypy
    if isinstance(rule, Kind):
        _selection(section, rule)
    if isinstance(rule, CollectionMissing):
        parsed = _snapshot_name(section, rule.collection, sources, "collection")
        if parsed.when or parsed.back:
            raise section.error(
                f"found {rule.collection!r}; allowed is [SOURCE:]COLLECTION", "collection"
            )
    if name == SUSPECT_GATE.name and not isinstance(rule, Suspect):
        raise section.error(f"a gate of this name has the rule {SUSPECT_GATE.name}")
    return Gate(name, rule)


def _check_acceptances(
    section: Section, acceptances: tuple[Acceptance, ...], gates: tuple[Gate, ...]
) -> None:
    names = [*(gate.name for gate in gates), SUSPECT_GATE.name]
    for place, acceptance in enumerate(acceptances):
        if acceptance.gate not in names:
            raise section.error(
                f"there is no gate {acceptance.gate!r} in this job{closest(acceptance.gate, names)}",
                *("accept", place, "gate"),
            )


def _snapshot_name(
    section: Section, text: str, sources: Collection[str], *below: str | int
) -> SnapshotName:
    try:
        name = parse_name(text)
    except UsageError as error:
        raise section.error(error.message, *below, hint=error.hint) from error
    if name.source is not None and name.source not in sources:
        raise section.error(
            f"there is no source {name.source!r}{closest(name.source, sources)}", *below
        )
    return name
