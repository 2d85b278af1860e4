"""Work shared out between threads, so that what comes of it does not depend on how many there are."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

SHARES = 4  # pieces of work for each thread, for documents differ in how soon they settle


class Threads:
    """A number of threads for loops of which no turn needs another: compiled code that lets go of the interpreter."""

    def __init__(self, count: int | None = None):
        """``count`` threads; None is one for each core."""
        self.count = count or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self.count) if self.count > 1 else None

    def over(self, ends: np.ndarray, loop: Callable[[int, int], Any]) -> None:
        """``loop(first, last)`` until all items are done, where ``ends`` (items + 1,) is the work up to each."""
        if self._pool is None:
            loop(0, len(ends) - 1)
            return
        cuts = np.searchsorted(ends, np.linspace(ends[0], ends[-1], SHARES * self.count + 1)[1:-1]).tolist()
        list(self._pool.map(loop, [0, *cuts], [*cuts, len(ends) - 1]))

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown()
