"""The result of NUTS, the same for both backends."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
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


def share_starts(options: NUTSOptions, starts: Sequence[BackendParams]) -> list[BackendParams]:
    """The start of each chain: those of a superchain have one, where the user gives none."""
    if options.superchains is None or options.start is not None:
        return list(starts)
    size = options.num_chains // options.superchains
    return [starts[chain // size] for chain in range(options.num_chains)]


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

    draws: {site: (chain, draw, *shape)}. stats: of each draw, (chain, draw), but "diverging", "num_steps" and
    "total_energy" of each iteration after warm-up, (chain, num_samples); energies lack in old checkpoints.
    """
    options, energy = request.options, stats.pop("total_energy", None)
    max_steps, made = 2**options.max_tree_depth - 1, {n: stats[n] for n in ("diverging", "num_steps")}
    if energy is not None and energy.shape == made["num_steps"].shape:
        made["energy"] = energy
    chains = len(stats["lp"])
    if chains < options.num_chains:
        warnings.warn(interruption(options.num_chains - chains, chains), stacklevel=2)
    diagnostics = NUTSDiagnostics(
        start=start_method,
        divergences=int(made["diverging"].sum()),
        divergences_by_chain=[int(n) for n in made["diverging"].sum(1)],
        at_max_tree_depth=int((made["num_steps"] >= max_steps).sum()),
        e_bfmi=energy_fractions(made["energy"]) if "energy" in made else None,
        superchains=options.superchains,
        interrupted_chains=options.num_chains - chains or None,
    )
    last = slice(options.thinning - 1, None, options.thinning)
    kept = {n: v[:, last] for n, v in made.items()}
    return EngineResult({}, stats["lp"].mean(0), diagnostics, draws, {**stats, **kept})


def energy_fractions(energy: np.ndarray) -> list[float]:
    """The energy Bayesian fraction of missing information of each chain (Betancourt 2016), from (chain, iteration)."""
    from arviz_stats.base.array import array_stats

    with np.errstate(all="ignore"):
        return [float(v) for v in np.atleast_1d(array_stats.bfmi(energy.astype(float)))]


def interruption(interrupted: int, whole: int) -> str:
    """The warning of a fit that was interrupted."""
    return (
        f"the run was interrupted: {whole} of {whole + interrupted} chains are whole, and kept; to have all fit again, "
        "which continues where there is a checkpoint"
    )
