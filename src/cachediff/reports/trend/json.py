"""A trend for programs: one JSON object, its keys as in `cachediff/trend/1`."""

from __future__ import annotations

import json
from typing import Any

from cachediff.model.trend import CollectionTrend, Trend, TrendPoint

SCHEMA = "cachediff/trend/1"


def render_json(trend: Trend) -> str:
    """Render a trend as one JSON object, in ASCII, the last line ended; each point has a line."""
    top = {
        "schema": SCHEMA,
        "since": trend.span.since,
        "until": trend.span.until,
        "every": trend.every,
        "by": trend.by,
    }
    lines = [f'"{key}": {json.dumps(value)}' for key, value in top.items()]
    told = ",\n  ".join(_collection(each, trend.by) for each in trend.collections)
    return "{" + ",\n ".join([*lines, f'"collections": [\n  {told}\n ]']) + "}\n"


def _collection(told: CollectionTrend, by: str | None) -> str:
    points = ",\n   ".join(json.dumps(_point(each, by)) for each in told.points)
    return (
        f'{{"source": {json.dumps(told.source)}, "collection": {json.dumps(told.collection)},'
        f' "points": [\n   {points}\n  ]}}'
    )


def _point(told: TrendPoint, by: str | None) -> dict[str, Any]:
    point: dict[str, Any] = {
        "committed_at": told.point.committed_at,
        "commit": told.point.commit,
        "manifests": told.manifests,
        "unreadable": told.unreadable,
        "packages": told.packages,
        "specs": told.specs,
        "after_gap": told.after_gap,
        "suspect": told.suspicion is not None,
    }
    if by:
        point["by"] = {
            value: {"specs": specs, "packages": packages}
            for value, (specs, packages) in sorted(told.values.items())
        }
    return point
