"""Worker threads: how many run at once, and a pool for compiled loops."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")

PIECES_PER_WORKER = 4  # items differ in how long they take, so that equal pieces would finish at different times


def num_workers(tasks: int, requested: int | None = None) -> int:
    """Number of workers for some tasks: as many as requested, else one for each core that this process may use.

    There are never more workers than tasks.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(tasks, requested or cores))


class WorkerPool:
    """Threads for loops of compiled code that release the interpreter; one worker runs in the calling thread.

    A loop gives the same result in any number of threads where no iteration depends on another, and each writes to its
    own part of the output.

    Examples
    --------
    >>> with WorkerPool(2) as pool:
    ...     pool.run([lambda: 1, lambda: 2])
    [1, 2]
    """

    def __init__(self, workers: int):
        self.workers = workers
        self._executor = ThreadPoolExecutor(workers) if workers > 1 else None

    def run(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """Run jobs side by side; their results in the order of the jobs."""
        if self._executor is None:
            return [job() for job in jobs]
        return [future.result() for future in [self._executor.submit(job) for job in jobs]]

    def run_ranges(self, cumulative_work: np.ndarray, loop: Callable[[int, int], object]) -> None:
        """Run ``loop(first, last)`` on ranges that cover all items.

        cumulative_work: (items + 1,), the work up to each item, by which ranges of about equal work are chosen.
        """
        items = len(cumulative_work) - 1
        if self._executor is None:
            loop(0, items)
            return
        pieces = np.linspace(cumulative_work[0], cumulative_work[-1], PIECES_PER_WORKER * self.workers + 1)
        ends = np.searchsorted(cumulative_work, pieces[1:-1]).tolist()
        list(self._executor.map(loop, [0, *ends], [*ends, items]))

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor:
            self._executor.shutdown()
