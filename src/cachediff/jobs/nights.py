"""One night of one job: snapshot, report, deliveries, and last the ledger, which says that it is done."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cachediff.comparing import select
from cachediff.gates import check_gates
from cachediff.jobs.compare import selecting_nothing
from cachediff.jobs.snapshot import take
from cachediff.jobs.telling import Telling
from cachediff.model.gates import CollectionMissing, Finding, NewestCollection, is_red
from cachediff.model.jobs import Job
from cachediff.model.snapshot import Origin
from cachediff.queries import Catalogue, GitSnapshot, OpenedSnapshot, compare_opened
from cachediff.queries.due import DueNight
from cachediff.sources import PREVIOUS, SnapshotName, newest_first, parse_name
from cachediff.store.ledger import DoneNight, Ledger


class Told(msgspec.Struct, frozen=True):
    """A night that is done; `outcome` says in words what came of it, if no report did."""

    night: DoneNight
    findings: tuple[Finding, ...] = ()
    outcome: str = ""


class Nights:
    """The doing of nights; relative paths in names are those in `folder`, `now` is aware."""

    def __init__(
        self, names: Catalogue, ledger: Ledger, telling: Telling, folder: Path, now: datetime
    ) -> None:
        self._names = names
        self._ledger = ledger
        self._telling = telling
        self._folder = folder
        self._now = now

    def do(self, job: Job, due: DueNight, gap: str, passed_over: Sequence[str]) -> Told:
        """Do one night of `job`. Where it was interrupted before, it is completed.

        `gap` says which nights are caught up, `passed_over` which cannot be told, and why. A night
        without news is done without a report, unless it follows on some that were passed over, or a
        report said that nothing is known of it. All that a report says of a scheduled night follows
        from the night, the upstream, the store and the job, whenever it is done.

        Raises:
            CachediffError: it could not be done, and the ledger does not say so.
        """
        names = self._names
        before = len(names.notices)
        last = self._ledger.last(job.name)
        new = self._open(job.new, job, due)
        if new.origin.commit:
            take(names, new)
        old = self._old(job, due, new, last)
        if old and old.origin.commit and not _is_before(job):
            take(names, old)
        gates, outcome = job.gates, ""
        if old is None:
            outcome = "the first snapshot: there is none to compare with"
        elif last and _same(last.new, new) and _same_old(job, last, old) and _is_news_wanted(job):
            outcome = f"nothing new upstream since {_seen(new.origin)}"
        if old is None or outcome:
            # Only what time alone brings about can be news.
            gates = tuple(gate for gate in gates if isinstance(gate.rule, CollectionMissing))
            old = new
        whole = compare_opened(old, new)
        findings = check_gates(
            gates,
            job.accept,
            whole,
            select=select,
            newest=dict(self._newest(job, due)),
            now=due.moment,
        )
        needed = findings or passed_over or self._telling.was_untold(job, due)
        if outcome and not needed:
            if last and last.date == due.date:  # asked for again: what is known of it stays
                return Told(last, outcome=outcome)
            return self._record(job, due, old, new, outcome)
        if job.selection:
            names.notices += selecting_nothing(job.selection, [old, new], whole)
        comparison = msgspec.structs.replace(
            select(whole, job.selection),
            notices=(
                *filter(None, [gap]),
                *passed_over,
                *_left_behind(last, new),
                *names.notices[before:],
            ),
            findings=findings,
        )
        report = self._telling.tell(job, due, comparison)
        return self._record(job, due, old, new, "", report, findings)

    def _open(self, text: str, job: Job, due: DueNight) -> OpenedSnapshot:
        """The snapshot that `text` means in that night."""
        name = parse_name(text)
        if name.when is not None or os.sep in text or text.endswith(".parquet"):
            return self._names.open(text, self._folder)
        new = parse_name(job.new)
        same = (name.source, name.collection) == (new.source, new.collection)
        back = name.back + (due.newer if same else 0)
        return self._names.open_name(msgspec.structs.replace(name, back=back, when=_when(due)))

    def _old(
        self, job: Job, due: DueNight, new: OpenedSnapshot, last: DoneNight | None
    ) -> OpenedSnapshot | None:
        """The old side; None where it is the snapshot before the new one, and there is none.

        It is the one that was told last, so that whatever else is stored, each change is told once.
        """
        if not _is_before(job):
            return self._open(job.old, job, due)
        origin = new.origin
        store = self._names.store
        if last and (last.new.source, last.new.collection) == (origin.source, origin.collection):
            stored = store.find_unchanged(last.new)
            name = _named(last.new)
            if stored is None:
                return self._names.open_name(name)
            return self._names.open_stored(msgspec.structs.replace(name, when=stored.commit))
        listing = store.list(origin.source, origin.collection)
        taken = store.find_unchanged(origin)
        limit = taken.committed_at if taken else str(origin.committed_at)
        there = {one.path.stem: one.origin for one in listing.snapshots}
        there |= {one.path.stem: one.origin for one in listing.damaged}
        earlier = [stem for stem, one in there.items() if (one.committed_at or "") < limit]
        return self._names.open_stored(_named(there[max(earlier)])) if earlier else None

    def _newest(self, job: Job, due: DueNight) -> Iterator[tuple[str, NewestCollection | None]]:
        """The newest collection of each pattern that a gate of `job` asks for."""
        for pattern in missing_patterns(job):
            name = parse_name(pattern)
            source = self._names.source(name.source)
            found = fnmatch.filter(source.collections(_when(due)), name.collection)
            if not found:
                yield pattern, None
                continue
            newest = newest_first(found)[0]
            since = datetime.fromisoformat(source.since(newest, _when(due)))
            yield pattern, NewestCollection(newest, since)

    def _record(
        self,
        job: Job,
        due: DueNight,
        old: OpenedSnapshot,
        new: OpenedSnapshot,
        outcome: str,
        report: Path | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> Told:
        night = DoneNight(
            job=job.name,
            date=due.date,
            done_at=f"{self._now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            old=old.origin,
            new=new.origin,
            report=f"{report.parent.name}/{report.name}" if report else None,
            red=is_red(findings),
            deliver=job.deliver,
        )
        self._ledger.record(night)
        return Told(night, findings, outcome)


def missing_patterns(job: Job) -> list[str]:
    """The patterns of collections of which a gate of `job` says that one is missing."""
    rules = [gate.rule for gate in job.gates]
    return list(
        dict.fromkeys(rule.collection for rule in rules if isinstance(rule, CollectionMissing))
    )


def _when(due: DueNight) -> str | None:
    return f"{due.as_of.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if due.as_of else None


def _is_before(job: Job) -> bool:
    """Whether the old side is the snapshot before the new one."""
    old, new = parse_name(job.old), parse_name(job.new)
    same = (old.source, old.collection) == (new.source, new.collection)
    return old.when == PREVIOUS and same


def _is_news_wanted(job: Job) -> bool:
    """Whether only what is new is told: not where somebody asks for a comparison by its name."""
    return job.due is not None or _is_before(job)


def _seen(origin: Origin) -> str:
    return f"{str(origin.commit)[:12]} of {origin.committed_at}"


def _named(origin: Origin) -> SnapshotName:
    text = f"{origin.source}:{origin.collection}@{origin.commit}"
    return SnapshotName(text, origin.source, origin.collection, when=origin.commit)


def _same(known: Origin | None, opened: OpenedSnapshot) -> bool:
    """Whether the content of both is known to be the same."""
    of = opened.origin
    return bool(
        known
        and known.tree
        and (known.source, known.collection, known.tree) == (of.source, of.collection, of.tree)
    )


def _same_old(job: Job, last: DoneNight, old: OpenedSnapshot) -> bool:
    return _is_before(job) or _same(last.old, old)


def _left_behind(last: DoneNight | None, new: OpenedSnapshot) -> Iterator[str]:
    """Say so, if what was compared last is not in the history that is compared now."""
    if last is None or last.new.commit is None or not isinstance(new, GitSnapshot):
        return
    commit, repository = new.origin.commit, new.collection.source.repository
    known = last.new.source == new.origin.source and not repository.shallow
    if known and not repository.follows(str(commit), last.new.commit):
        yield (
            f"{_seen(last.new)}, which was compared last, is not in the history that is compared now:"
            " upstream rewrote it, or the settings name another"
        )
