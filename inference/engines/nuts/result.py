"""The result of NUTS, the same for both backends."""

from __future__ import annotations

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.nuts.options import NUTSDiagnostics, NUTSOptions
from zoo import ZooError


def check_density(value: float) -> None:
    """A chain can begin only where the density is a number: raises ZooError."""
    if not np.isfinite(value):
        raise ZooError(
            f"the log density is {value} where a chain begins: give start=, a dict of values that are possible"
        )


def finalize(
    request: FitRequest[NUTSOptions], start: str, draws: dict[str, np.ndarray], stats: dict[str, np.ndarray]
) -> EngineResult:
    """The result from draws (chain, draw, *shape) and what is known of each draw, (chain, draw)."""
    deepest = 2**request.options.max_tree_depth - 1
    diagnostics = NUTSDiagnostics(
        start=start,
        divergences=int(stats["diverging"].sum()),
        divergences_by_chain=[int(n) for n in stats["diverging"].sum(1)],
        at_max_tree_depth=int((stats["num_steps"] >= deepest).sum()) if "num_steps" in stats else None,
    )
    return EngineResult({}, stats["lp"].mean(0), diagnostics, draws, stats)
