"""The estimate of variational EM, batch or online, as the result of the engine."""

from __future__ import annotations

from typing import NamedTuple, Unpack

import numpy as np

from inference.engines.contract import EngineResult
from inference.engines.em.diagnostics import VariationalEMDiagnostics, VariationalRun
from inference.engines.em.latent_dirichlet.options import VariationalEMOptions, has_topics
from inference.engines.starts import describe_start


class VariationalEstimate(NamedTuple):
    """The parameters of the posterior.

    lam: (V, K). gamma: (N, K) float64, or None where it is too large to keep. bound: in nats, None where it is not
    computed.
    """

    lam: np.ndarray
    gamma: np.ndarray | None
    alpha: np.ndarray
    eta: float
    bound: float | None


def make_result(
    estimate: VariationalEstimate,
    trace: np.ndarray,
    options: VariationalEMOptions,
    tokens: int,
    start: str,
    **diagnostics: Unpack[VariationalRun],
) -> EngineResult:
    """The result of the engine. start: how the run began; diagnostics: further fields of the diagnostics."""
    lam = np.ascontiguousarray(estimate.lam.T)
    initial = options.start or {}
    state = {"lambda": lam}
    learned: dict[str, np.ndarray | float] = {}
    if estimate.gamma is not None:
        state |= {"gamma": estimate.gamma, "theta": estimate.gamma / estimate.gamma.sum(1, keepdims=True)}
    if options.learn_alpha or "alpha" in initial:
        learned["alpha"] = estimate.alpha
    if options.learn_eta or "eta" in initial:
        learned["eta"] = estimate.eta
    state |= {name: np.asarray(value) for name, value in learned.items()}
    return EngineResult(
        params={"phi": lam / lam.sum(1, keepdims=True)},
        trace=trace,
        state=state,
        diagnostics=VariationalEMDiagnostics(
            start="given" if has_topics(options.start) else describe_start(initial, start),
            tokens=tokens,
            bound=estimate.bound,
            bound_per_token=None if estimate.bound is None else estimate.bound / tokens,
            **diagnostics,
        ),
        keywords=learned,
    )
