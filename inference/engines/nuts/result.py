"""The result of NUTS, the same for both backends."""

from __future__ import annotations

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.nuts.options import NUTSDiagnostics, NUTSOptions
from zoo.errors import DensityError


def check_density(value: float) -> None:
    """Raise ZooError where the log density at the start of a chain is not finite."""
    if not np.isfinite(value):
        raise DensityError(
            f"the log density is {value} at the start of a chain: give start=, a dict of possible values"
        )


def make_result(
    request: FitRequest[NUTSOptions], start_method: str, draws: dict[str, np.ndarray], stats: dict[str, np.ndarray]
) -> EngineResult:
    """The result from draws {site: (chain, draw, *shape)} and statistics of each draw, {name: (chain, draw)}."""
    max_steps = 2**request.options.max_tree_depth - 1
    diagnostics = NUTSDiagnostics(
        start=start_method,
        divergences=int(stats["diverging"].sum()),
        divergences_by_chain=[int(n) for n in stats["diverging"].sum(1)],
        at_max_tree_depth=int((stats["num_steps"] >= max_steps).sum()) if "num_steps" in stats else None,
    )
    return EngineResult({}, stats["lp"].mean(0), diagnostics, draws, stats)
