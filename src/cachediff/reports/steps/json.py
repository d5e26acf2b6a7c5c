"""A span for programs: one JSON object, its keys as in `cachediff/steps/1`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from cachediff.model.steps import Step
from cachediff.reports.json import render_json
from cachediff.reports.steps import ToldSteps

SCHEMA = "cachediff/steps/1"


def json_pieces(span: ToldSteps) -> Iterator[str]:
    """One JSON object, in ASCII, the last line ended; each comparison stands on lines of its own."""
    ends = f'"old": {_encoded(span.old)},\n "new": {_encoded(span.new)}'
    yield f'{{"schema": "{SCHEMA}",\n {ends},\n "steps": ['
    separator = "\n"
    for step in span.steps:
        yield separator + _step(step)
        separator = ",\n"
    yield f'],\n "notices": {json.dumps(list(span.notices))}}}\n'


def _step(step: Step) -> str:
    bridged = json.dumps(msgspec.to_builtins(step.bridged))
    return f'{{"bridged": {bridged},\n "comparison": {render_json(step.comparison).rstrip()}}}'


def _encoded(origin: msgspec.Struct) -> str:
    return json.dumps(msgspec.structs.asdict(origin))
