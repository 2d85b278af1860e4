"""The result of NUTS, the same for both backends."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.nuts.options import NUTSDiagnostics, NUTSOptions
from inference.unconstrained.curvature import possible_point
from zoo.errors import DensityError
from zoo.types import BackendArray, BackendParams


def check_density(value: float) -> None:
    """Raise ZooError where the log density at the start of a chain is not finite."""
    if not np.isfinite(value):
        raise DensityError(
            f"the log density is {value} at the start of a chain: give start=, a dict of possible values"
        )


def start_vector(
    request: FitRequest[NUTSOptions],
    model: BackendArray,
    value_grad_hvp: Callable[..., Any],
    values: BackendParams,
    seed: int,
) -> np.ndarray:
    """The unconstrained values at which a chain begins: those given, or else a point at which the density is not 0.

    model: the backend's ``UnconstrainedModel``. value_grad_hvp: a ``ValueGradHvp`` of it.
    """
    point = model.unconstrain_numpy(values)
    if request.options.start is not None:
        return point
    return possible_point(value_grad_hvp, point, lambda: model.prior_vectors(seed))


def make_result(
    request: FitRequest[NUTSOptions], start_method: str, draws: dict[str, np.ndarray], stats: dict[str, np.ndarray]
) -> EngineResult:
    """The result of the chains that are whole; warns where an interrupt has ended others.

    draws: {site: (chain, draw, *shape)}. stats: of each draw, (chain, draw), but "diverging" and "num_steps" of each
    iteration after warm-up, (chain, num_samples).
    """
    options = request.options
    max_steps, made = 2**options.max_tree_depth - 1, {n: stats[n] for n in ("diverging", "num_steps")}
    chains = len(stats["lp"])
    if chains < options.num_chains:
        warnings.warn(interruption(options.num_chains - chains, chains), stacklevel=2)
    diagnostics = NUTSDiagnostics(
        start=start_method,
        divergences=int(made["diverging"].sum()),
        divergences_by_chain=[int(n) for n in made["diverging"].sum(1)],
        at_max_tree_depth=int((made["num_steps"] >= max_steps).sum()),
        interrupted_chains=options.num_chains - chains or None,
    )
    last = slice(options.thinning - 1, None, options.thinning)
    kept = {n: v[:, last] for n, v in made.items()}
    return EngineResult({}, stats["lp"].mean(0), diagnostics, draws, {**stats, **kept})


def interruption(interrupted: int, whole: int) -> str:
    """The warning of a fit that was interrupted."""
    return (
        f"the run was interrupted: {whole} of {whole + interrupted} chains are whole, and kept; to have all fit again, "
        "which continues where there is a checkpoint"
    )
