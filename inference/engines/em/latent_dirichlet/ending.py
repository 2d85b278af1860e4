"""What was found, batch or online, as the engine's answer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from inference.engines.contract import EngineResult
from inference.engines.em.diagnostics import VariationalEMDiagnostics


class Found(NamedTuple):
    """lam: (V, K). gamma: (N, K) float64, or None where it is too large to keep, or was not asked for."""

    trace: np.ndarray
    said: dict[str, Any]
    bound: float | None
    lam: np.ndarray
    gamma: np.ndarray | None
    alpha: np.ndarray
    eta: float


def answer(found: Found, options: dict[str, Any], tokens: int) -> EngineResult:
    lam = np.ascontiguousarray(found.lam.T)
    given = options["start"] or {}
    state, learned = {"lambda": lam}, {}
    if found.gamma is not None:
        state |= {"gamma": found.gamma, "theta": found.gamma / found.gamma.sum(1, keepdims=True)}
    if options["learn_alpha"] or "alpha" in given:
        learned["alpha"] = found.alpha
    if options["learn_eta"] or "eta" in given:
        learned["eta"] = found.eta
    state |= {name: np.asarray(value) for name, value in learned.items()}
    said = {**found.said, "tokens": tokens}
    if found.bound is not None:
        said |= {"bound": found.bound, "bound_per_token": found.bound / tokens}
    return EngineResult(
        params={"phi": lam / lam.sum(1, keepdims=True)},
        trace=found.trace,
        state=state,
        diagnostics=VariationalEMDiagnostics(**said),
        keywords=learned,
    )
