"""How many workers run at once."""

from __future__ import annotations

import os


def num_workers(tasks: int) -> int:
    """One worker for each core that this process may use, and no more than there are tasks."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(tasks, allowed)
