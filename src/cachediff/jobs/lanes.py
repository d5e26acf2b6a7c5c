"""Giving out chunks: consecutive ones to the same worker, as far as that keeps all of them busy."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait

from cachediff.jobs.chunks import Chunk
from cachediff.jobs.stepping import Place
from cachediff.jobs.workers import Answer, Workers

ATTEMPTS = 5
"""How often a chunk is begun whose workers die, before that is told and left."""

_SECONDS = 1.0
"""How long is waited for an answer until it is asked whether any may come."""

Task = tuple[Place, Chunk]


def give_out(tasks: Sequence[Task], workers: Workers, done: Callable[[Chunk], object]) -> list[str]:
    """Have all chunks taken; what could not be stored comes back, a sentence each.

    `done` is called after each chunk.

    Raises:
        SourceError: there are no workers any more, nor will be.
    """
    lanes = _lanes(tasks, workers.lanes)
    problems: list[str] = []
    attempts: Counter[Chunk] = Counter()
    under_way: dict[Answer, tuple[int, Task]] = {}
    idle = set(range(len(lanes)))
    while True:
        for lane in sorted(idle):
            if task := _next(lanes, lane):
                under_way[workers.submit(*task)] = lane, task
                idle.remove(lane)
        if not under_way:
            return problems
        answers, _ = wait(under_way, timeout=_SECONDS, return_when=FIRST_COMPLETED)
        workers.check()
        if any(_died(answer, workers) for answer in answers):
            workers.renew()
            answers = {answer for answer in under_way if answer.done()}
        for answer in answers:
            lane, task = under_way.pop(answer)
            idle.add(lane)
            chunk = task[1]
            if not _died(answer, workers):
                problems += answer.result()
            elif attempts[chunk] + 1 < ATTEMPTS:
                attempts[chunk] += 1
                lanes[lane].appendleft(task)
                continue
            else:
                problems.append(_left(chunk))
            done(chunk)


def _died(answer: Answer, workers: Workers) -> bool:
    return answer.cancelled() or isinstance(answer.exception(), workers.died)


def _lanes(tasks: Sequence[Task], number: int) -> list[deque[Task]]:
    """The tasks in so many stretches of about as many snapshots each.

    Who takes the chunk that follows the one before has most of it in memory.
    """
    lanes: list[deque[Task]] = [deque() for _ in range(min(number, len(tasks)))]
    whole = sum(len(chunk.origins) for _, chunk in tasks)
    before = 0
    for task in tasks:
        length = len(task[1].origins)
        lanes[(2 * before + length) * len(lanes) // (2 * whole)].append(task)
        before += length
    return lanes


def _next(lanes: list[deque[Task]], lane: int) -> Task | None:
    """The next task of a lane; where it has none, the later half of the longest one becomes its own."""
    if not lanes[lane]:
        longest = max(lanes, key=len)
        for _ in range((len(longest) + 1) // 2):
            lanes[lane].appendleft(longest.pop())
    return lanes[lane].popleft() if lanes[lane] else None


def _left(chunk: Chunk) -> str:
    first, last = chunk.origins[0], chunk.origins[-1]
    return (
        f"{first.collection}, {first.committed_at} to {last.committed_at}: not all is stored:"
        f" {ATTEMPTS} workers died of it"
    )
