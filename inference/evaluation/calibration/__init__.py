"""Simulation-based calibration: an engine is tested on data that the program simulates.

Parameters are drawn from the prior, and data given the parameters; an engine is then given the data alone. Among
independent draws of the true posterior the rank of the true parameters is uniform, whatever the model (Talts et al.
2018, "Validating Bayesian inference algorithms with simulation-based calibration"), and departures from uniformity show
what is wrong. ``calibrate(model, engine)`` checks an engine, a sampler of the user's own, or the exact posterior of the
local latents; ``calibrate_sampler(simulate, draw)`` checks any two functions, without a model.

``simulations`` runs them, ``ranks`` ranks, ``trials`` is one simulation of a model, ``invariants`` the functions of a
draw that can be ranked, ``bands`` the distribution of ranks under calibration, ``result`` and ``figure`` the display.
Each ``in_<backend>.py`` defines

    LogJoint(program, keywords)            log p of many values of the local latents, the others fixed
"""

from __future__ import annotations

import os
from typing import Any

from inference.evaluation.calibration.ranks import calibrate_sampler, run_trials
from inference.evaluation.calibration.result import Calibration
from inference.evaluation.calibration.trials import (
    check_simulation,
    engine_trial,
    exact_trial,
    fix_settings,
    read_program,
    sampler_trial,
)
from inference.structure import describe_density
from zoo import Model, ZooError
from zoo.types import Program

__all__ = ["Calibration", "calibrate", "calibrate_sampler"]


def calibrate(
    model: Model,
    engine: str | Program = "nuts",
    *,
    simulations: int = 100,
    draws: int = 99,
    seed: int = 0,
    progress: bool = False,
    workers: int | None = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Calibration:
    """Fit data simulated from the model many times, and rank the true values among the draws of each fit.

    Ranked are the reported quantities, in a form that is invariant to the model's symmetries, and the log-likelihood,
    which is sensitive to errors that single parameters do not show (Modrák et al. 2023, "Simulation-based calibration
    checking for Bayesian computation"). In NumPyro each NUTS fit is compiled anew: with JAX_COMPILATION_CACHE_DIR set
    every fit after the first is several times as fast.

    Parameters
    ----------
    model : Model
        Sizes that are not set have the card's defaults, and hyperparameters the program's: none is estimated from the
        data, which would make the prior depend on it. A program of the user's own is read first, with
        ``zoo.read(model, X, y)``: its observed sites are simulated at those covariates. One whose data is None by
        default is read here.
    engine : str or callable, default "nuts"
        An engine that gives draws; or a function ``(data, seed) -> {site: (draws, *shape)}`` that returns independent
        draws of the parameters; or "exact", which checks the exact posterior of the local latents, given the true
        parameters, against the program.
    simulations : int, default 100
        The number of simulations, at least 10.
    draws : int, default 99
        How many draws of each fit are ranked, evenly spaced over its chains. They must be nearly independent; a warning
        of the result says where they were not.
    seed : int, default 0
    progress : bool, default False
        Whether to show a progress bar on stderr.
    workers : int or None, default 1
        How many simulations run side by side, in processes of joblib. With None joblib decides, so that
        ``joblib.parallel_config(backend="dask")`` runs them on a cluster of Dask.
    checkpoint : path, optional
        A folder for what each simulation gives. A calibration that was interrupted goes on from it, and a longer one
        begins with it. ZooError where it is of another model, engine, seed or number of draws.
    **options
        Options of the engine, and ``device`` and ``dtype``.

    Returns
    -------
    Calibration
        Printed it is a table, warnings and the verdict.

    Raises
    ------
    ZooError
        For arguments that are not allowed, or where all simulations fail.
    Refusal
        Where the engine gives no draws, or fewer than ``draws``.
    """
    if not isinstance(model, Model):
        raise ZooError("calibrate takes a model: zoo.load(name, K=3), or zoo.Model(program, backend=...)")
    model = fix_settings(describe_density(model if model.has_card else read_program(model)))
    check_simulation(model)
    if callable(engine):
        name, trial = getattr(engine, "__name__", type(engine).__name__), sampler_trial(model, engine)
    elif engine == "exact":
        name, trial = "the exact posterior of the local latents", exact_trial(model)
    else:
        name, trial = engine, engine_trial(model, engine, options)
    if options and (callable(engine) or engine == "exact"):
        raise ZooError(f"{', '.join(options)}: only an engine by name has options")
    return run_trials(
        trial,
        f"{name} on {model.name}",
        simulations=simulations,
        draws=draws,
        seed=seed,
        progress=progress,
        workers=workers,
        checkpoint=checkpoint,
        settings={"model": repr(model), "options": repr(options)},
    )
