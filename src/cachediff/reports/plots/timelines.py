"""Plots of a timeline: how much there was, and what was there from when until when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

from cachediff.model.timeline import HashTimeline, PackageTimeline, StackTimeline, Timeline
from cachediff.model.trend import TrendPoint
from cachediff.reports.phrases import counted
from cachediff.reports.plots import MISSING, Plot, Plots
from cachediff.reports.trend.lines import Line
from cachediff.reports.visible import visible

_MOST_VERSIONS = 40


def timeline_plots(timeline: Timeline) -> Plots:
    """Draw what there is to see of a timeline; it takes two snapshots."""
    drawings = list(_drawings(timeline))
    if drawings and not all(map(find_spec, ("lets_plot", "resvg_py"))):
        return Plots(missing=MISSING)
    return Plots(tuple(draw() for draw in drawings))


def _drawings(timeline: Timeline) -> Iterator[Callable[[], Plot]]:
    if isinstance(timeline, HashTimeline):
        if any(stay.life.first < stay.newest for stay in timeline.stays):
            yield lambda: _lives(timeline)
    elif len(timeline.points) < 2:
        return
    elif isinstance(timeline, StackTimeline):
        yield lambda: _totals(timeline)
    else:
        if sum(specs is not None for specs in _believed(timeline)) > 1:
            yield lambda: _specs(timeline)
        if timeline.versions and timeline.stack is None:
            yield lambda: _versions(timeline)


def _specs(timeline: PackageTimeline) -> Plot:
    from cachediff.reports.plots.drawing import steps

    values = _believed(timeline)
    known = [specs for specs in values if specs is not None]
    first, last = timeline.points[0].committed_at[:10], timeline.points[-1].committed_at[:10]
    unknown = len(values) - len(known)
    alternative = (
        f"Over {counted(len(timeline.points), 'snapshot')} from {first} to {last}, specs of"
        f" {visible(timeline.package)} went from {known[0]:,} to {known[-1]:,} (between {min(known):,}"
        f" and {max(known):,})" + (f"; not known in {unknown:,} of them." if unknown else ".")
    )
    times = [point.committed_at for point in timeline.points]
    return Plot(
        key="specs",
        title="Specs, snapshot by snapshot"
        + "; the line pauses where they are not known, or the snapshot is suspect" * (unknown > 0),
        alternative=alternative,
        svg=steps(times, values, "specs", alternative),
    )


def _believed(timeline: PackageTimeline) -> list[int | None]:
    """How many specs there are at each point; None where that is not known, or the snapshot is suspect."""
    return [
        None if point in timeline.suspicions else specs
        for point, specs in zip(timeline.points, timeline.specs, strict=True)
    ]


def _versions(timeline: PackageTimeline) -> Plot:
    from cachediff.reports.plots.drawing import spans

    lives = timeline.versions[-_MOST_VERSIONS:]
    served = [life.version for life in lives if life.last == timeline.newest]
    now = f"; {', '.join(map(visible, served))} in the newest" if served else ""
    number = len({life.version for life in lives})
    alternative = f"{counted(number, 'version')}, each from when to when it was seen{now}."
    return Plot(
        key="versions",
        title="Versions, from when to when each was seen",
        alternative=alternative,
        svg=spans(
            [(life.version, life.first.committed_at, life.last.committed_at) for life in lives],
            (timeline.oldest.committed_at, timeline.newest.committed_at),
            alternative,
        ),
    )


def _totals(timeline: StackTimeline) -> Plot:
    from cachediff.reports.plots.trends import Series, plot_of

    points = [
        TrendPoint(
            point=each.point,
            manifests=0,  # which this plot does not show
            unreadable=each.unreadable,
            packages=each.packages,
            specs=each.specs,
            after_gap=each.after_gap,
            suspicion=timeline.suspicions.get(each.point),
        )
        for each in timeline.points
    ]
    at_least = tuple(each.at_least for each in timeline.points)
    lines = (
        Line("specs", tuple(each.specs for each in timeline.points), at_least),
        Line("packages", tuple(each.packages for each in timeline.points), at_least),
    )
    name = visible(timeline.stack)
    series = [Series(name, line.name, line, points) for line in lines]
    return plot_of("totals", f"Specs and packages of {name}", series)


def _lives(timeline: HashTimeline) -> Plot:
    from cachediff.reports.plots.drawing import spans

    stays = timeline.stays[:_MOST_VERSIONS]
    collections = len({(stay.life.source, stay.life.collection) for stay in stays})
    alternative = f"From when to when the hash was seen, in {counted(collections, 'collection')}."
    return Plot(
        key="lives",
        title="From when to when it was seen",
        alternative=alternative,
        svg=spans(
            [
                (
                    f"{stay.life.source}:{stay.life.collection}",
                    stay.life.first.committed_at,
                    stay.life.last.committed_at,
                )
                for stay in stays
            ],
            (
                min(stay.oldest for stay in stays).committed_at,
                max(stay.newest for stay in stays).committed_at,
            ),
            alternative,
        ),
    )
