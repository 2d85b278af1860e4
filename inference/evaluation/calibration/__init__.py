"""Simulation-based calibration: does an engine give the posterior of the program, over data the program itself makes?

Values are drawn from the prior and data from the values; an engine then sees the data alone. Among independent draws
of the true posterior the values that made the data take every rank with the same chance, whatever the model (Talts et
al. 2018, "Validating Bayesian inference algorithms with simulation-based calibration"), and how they fail to tells
what is wrong. ``calibrate(model, engine)`` asks this of an engine, of a sampler of one's own, or of the exact posterior
of the local latents; ``ranks_of(simulate, draw)`` of any two functions, without a model.

``ranks`` simulates and ranks, ``trials`` is one simulation of a model, ``invariants`` what of a draw may be ranked,
``bands`` the chance of what is seen, ``result`` and ``figure`` what is said of it. Each ``in_<backend>.py`` promises

    LogJoint(program, keywords)            log p of many values of the local latents, the others fixed
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inference.evaluation.calibration.ranks import ranked, ranks_of
from inference.evaluation.calibration.result import Calibration
from inference.evaluation.calibration.trials import by_engine, by_sampler, exactly, fixed
from zoo import Model, ZooError

__all__ = ["Calibration", "calibrate", "ranks_of"]


def calibrate(
    model: Model,
    engine: str | Callable[..., Any] = "nuts",
    *,
    simulations: int = 100,
    draws: int = 99,
    seed: int = 0,
    progress: bool = False,
    **options: Any,
) -> Calibration:
    """Fit data simulated from the model again and again, and rank the truth among the draws of each fit.

    engine: one that gives draws, with its ``options`` (and ``device`` and ``dtype``); or a function
    ``(data, seed) -> {site: (draws, *shape)}``, your own sampler, which gives independent draws of the parameters; or
    "exact", which holds the exact posterior of the local latents, given the true parameters, against the program.
    draws: how many of each fit are ranked, evenly spaced over its chains; they must be near independent, and the
    result says where they were not.

    Sizes not set are the card's defaults, and hyperparameters the program's: none is read off the data, which would
    make the prior depend on it. Ranked are the reported quantities, in a form that the model's symmetries leave alone,
    and the log-likelihood, which sees what parameters one by one do not (Modrák et al. 2023, "Simulation-based
    calibration checking for Bayesian computation"). Raises ZooError for what cannot be used.

    In NumPyro each NUTS fit compiles anew: set JAX_COMPILATION_CACHE_DIR and every fit after the first is several
    times as fast.
    """
    if not isinstance(model, Model):
        raise ZooError("calibrate takes a model: zoo.load(name, K=3), or zoo.Model(program, backend=...)")
    model = fixed(model)
    if callable(engine):
        name, trial = getattr(engine, "__name__", type(engine).__name__), by_sampler(model, engine)
    elif engine == "exact":
        name, trial = "the exact posterior of the local latents", exactly(model)
    else:
        name, trial = engine, by_engine(model, engine, options)
    if options and (callable(engine) or engine == "exact"):
        raise ZooError(f"{', '.join(options)}: only an engine by name has options")
    return ranked(trial, f"{name} on {model.name}", simulations=simulations, draws=draws, seed=seed, progress=progress)
