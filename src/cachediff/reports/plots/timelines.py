"""Plots of a timeline: how much there was, and what was there from when until when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

from cachediff.model.history import HistoryPoint
from cachediff.model.timeline import HashTimeline, PackageTimeline, StackTimeline, Timeline
from cachediff.reports.phrases import counted
from cachediff.reports.plots import MISSING, Plot, Plots
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
        if sum(specs is not None for specs in timeline.specs) > 1:
            yield lambda: _specs(timeline)
        if timeline.versions and timeline.stack is None:
            yield lambda: _versions(timeline)


def _specs(timeline: PackageTimeline) -> Plot:
    from cachediff.reports.plots.drawing import steps

    known = [specs for specs in timeline.specs if specs is not None]
    first, last = timeline.points[0].committed_at[:10], timeline.points[-1].committed_at[:10]
    unknown = len(timeline.specs) - len(known)
    alternative = (
        f"Over {counted(len(timeline.points), 'snapshot')} from {first} to {last}, specs of"
        f" {visible(timeline.package)} went from {known[0]:,} to {known[-1]:,} (between {min(known):,}"
        f" and {max(known):,})" + (f"; not known in {unknown:,} of them." if unknown else ".")
    )
    times = [point.committed_at for point in timeline.points]
    return Plot(
        key="specs",
        title="Specs, snapshot by snapshot",
        alternative=alternative,
        svg=steps(times, timeline.specs, "specs", alternative),
    )


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
    from cachediff.reports.plots.drawing import lines

    points = timeline.points
    first, last = points[0], points[-1]
    alternative = (
        f"Over {counted(len(points), 'snapshot')} from {first.point.committed_at[:10]} to"
        f" {last.point.committed_at[:10]}, specs of {visible(timeline.stack)} went from"
        f" {first.specs:,} to {last.specs:,} and packages from {first.packages:,} to {last.packages:,}."
    )
    history = [HistoryPoint(each.point.committed_at, each.packages, each.specs) for each in points]
    return Plot(
        key="totals",
        title="Specs and packages of the stack, snapshot by snapshot",
        alternative=alternative,
        svg=lines(history, alternative),
    )


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
