"""What NUTS says at the end: the same for both backends."""

from __future__ import annotations

import numpy as np

from inference.engines import Answer, Task


def answer(task: Task, start: str, draws: dict[str, np.ndarray], stats: dict[str, np.ndarray]) -> Answer:
    """The Answer from draws (chain, draw, *shape) and what is known of each draw, (chain, draw)."""
    said = {
        "start": start,
        "divergences": int(stats["diverging"].sum()),
        "divergences_by_chain": [int(n) for n in stats["diverging"].sum(1)],
    }
    if "num_steps" in stats:
        deepest = 2 ** task.options["max_tree_depth"] - 1
        said["at_max_tree_depth"] = int((stats["num_steps"] >= deepest).sum())
    return Answer({}, stats["lp"].mean(0), draws, stats, diagnostics=said)
