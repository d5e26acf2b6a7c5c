"""A timeline for programs: one JSON object, its keys as in `cachediff/log/1`."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from cachediff.model.lives import Point, VersionLife
from cachediff.model.timeline import (
    Event,
    PackageTimeline,
    StackStay,
    StackTimeline,
    Stay,
    Timeline,
)

SCHEMA = "cachediff/log/1"


def render_json(timeline: Timeline) -> str:
    """Render a timeline as one JSON object, in ASCII, the last line ended.

    Each key at the top has a line, and each element of a list has one, for tools that work on lines.
    """
    if isinstance(timeline, PackageTimeline):
        members = _of_package(timeline)
    elif isinstance(timeline, StackTimeline):
        members = _of_stack(timeline)
    else:
        members = {
            "kind": "hash",
            "hash": timeline.hash,
            "lives": [_stay(stay) for stay in timeline.stays],
        }
    lines = [f'"{key}": {_value(value)}' for key, value in {"schema": SCHEMA, **members}.items()]
    return "{" + ",\n ".join(lines) + "}\n"


def _value(value: object) -> str:
    if isinstance(value, list) and value:
        elements = ",\n  ".join(map(_encode, value))
        return f"[\n  {elements}\n ]"
    return _encode(value)


def _encode(value: object) -> str:
    """Encode as compact JSON, in printable ASCII: no control character reaches a terminal."""
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


def _of_package(timeline: PackageTimeline) -> dict[str, Any]:
    return {
        "kind": "package",
        "package": timeline.package,
        "stack": timeline.stack,
        **_home(timeline),
        "first": _point(timeline.first),
        "last": _point(timeline.last),
        "gone": _point(timeline.gone),
        "in_stack": _in_stack(timeline.in_stack),
        "untold": timeline.untold,
        "events": [_event(event) for event in timeline.events],
        "versions": [_version(life, timeline) for life in timeline.versions],
        "points": [
            {**_known(point), "specs": specs, "suspect": point in timeline.suspicions}
            for point, specs in zip(timeline.points, timeline.specs, strict=True)
        ],
    }


def _of_stack(timeline: StackTimeline) -> dict[str, Any]:
    return {
        "kind": "stack",
        "stack": timeline.stack,
        **_home(timeline),
        "nights": [
            {
                **_known(night.at.point),
                "joined": [_event(event) for event in night.joined],
                "left": [_event(event) for event in night.left],
            }
            for night in timeline.nights
        ],
        "points": [
            {
                **_known(each.point),
                "specs": each.specs,
                "packages": each.packages,
                "unreadable": each.unreadable,
                "untold": each.untold,
                "suspect": each.point in timeline.suspicions,
            }
            for each in timeline.points
        ],
    }


def _home(timeline: PackageTimeline | StackTimeline) -> dict[str, Any]:
    return {
        "source": timeline.source,
        "collection": timeline.collection,
        "since": timeline.span.since,
        "until": timeline.span.until,
        "oldest": _known(timeline.oldest),
        "newest": _known(timeline.newest),
    }


def _event(event: Event) -> dict[str, Any]:
    step = event.step
    return {
        **_known(step.point),
        "after": _point(event.after),
        "unread": event.unread,
        "suspect": event.doubt is not None,
        "package": step.package,
        "status": step.status,
        "specs": None if event.is_unknown else step.specs,
        "counts": msgspec.structs.asdict(step.counts),
        "versions": {"added": step.versions_added, "removed": step.versions_removed},
        "stacks": {"joined": step.stacks_joined, "left": step.stacks_left},
    }


def _in_stack(stay: StackStay | None) -> dict[str, Any] | None:
    if stay is None:
        return None
    return {"first": _point(stay.first), "last": _point(stay.last), "gone": _point(stay.gone)}


def _version(life: VersionLife, timeline: PackageTimeline) -> dict[str, Any]:
    return {
        "version": life.version,
        "first": _known(life.first),
        "last": _known(life.last),
        "gone": _point(life.gone),
        "suspect": life.gone in timeline.suspicions,
    }


def _stay(stay: Stay) -> dict[str, Any]:
    life = stay.life
    return {
        "source": life.source,
        "collection": life.collection,
        "served": None if stay.is_unknown else stay.is_served,
        "first": _known(life.first),
        "last": _known(life.last),
        "gone": _point(life.gone),
        "suspect": stay.doubt is not None,
        "removed": stay.removed,
        "oldest": _known(stay.oldest),
        "newest": _known(stay.newest),
        "package": life.package,
        "version": life.version,
        "compiler": life.compiler,
        "platform": life.platform,
        "os": life.os,
        "target": life.target,
        "variants": life.variants,
        "stacks": [{**_known(each.point), "stacks": each.stacks} for each in life.stacks],
    }


def _known(point: Point) -> dict[str, str]:
    return {"committed_at": point.committed_at, "commit": point.commit}


def _point(point: Point | None) -> dict[str, str] | None:
    return None if point is None else _known(point)
