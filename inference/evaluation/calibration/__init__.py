"""Simulation-based calibration: an engine is tested on data that the program simulates.

Parameters are drawn from the prior, and data given the parameters; an engine is then given the data alone. Among
independent draws of the true posterior the rank of the true parameters is uniform, whatever the model (Talts et al.
2018, "Validating Bayesian inference algorithms with simulation-based calibration"), and departures from uniformity show
what is wrong. ``calibrate(model, engine)`` checks an engine, a sampler of the user's own, or the exact posterior of the
local latents; ``calibrate_sampler(simulate, draw)`` checks any two functions, without a model. With ``data`` the
parameters come from the posterior of this data.

``simulations`` runs them, ``ranks`` ranks, ``trials`` is one simulation of a model, ``posterior`` those given data,
``invariants`` the functions of a draw that can be ranked, ``density`` and ``joint`` what is ranked or tested of all
parameters at once, ``bands`` and ``shape`` the tests of ranks, ``trust`` the coverage by the verdict on each fit,
``result`` and ``figure`` the display.
Each ``in_<backend>.py`` defines

    LogJoint(program, keywords)            log p of many values of the local latents, the others fixed
"""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory
from typing import Any

from inference.evaluation.calibration.posterior import checksums, fit_to_data, posterior_simulation
from inference.evaluation.calibration.ranks import calibrate_sampler, check_numbers, run_trials
from inference.evaluation.calibration.result import Calibration
from inference.evaluation.calibration.trials import (
    check_simulation,
    engine_trial,
    exact_trial,
    fix_settings,
    prior_simulation,
    read_program,
    sampler_trial,
)
from inference.structure import describe_density
from zoo import Model, ZooError
from zoo._backend import backend_of
from zoo.types import DataLike, Program

__all__ = ["Calibration", "calibrate", "calibrate_sampler"]


def calibrate(
    model: Model,
    engine: str | Program = "nuts",
    *,
    data: DataLike = None,
    simulations: int = 100,
    draws: int = 99,
    seed: int = 0,
    progress: bool = False,
    workers: int | None = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Calibration:
    """Fit data simulated from the model many times, and rank the true values among the draws of each fit.

    Ranked are the reported quantities, in a form that is invariant to the model's symmetries; and, for errors that
    single parameters do not show, the log-likelihood and the log joint density (Modrák et al. 2023, "Simulation-based
    calibration checking for Bayesian computation") and the distance to the mean of the draws (Lemos et al. 2023). The
    correlations of all pairs are tested too. What NumPyro compiles is compiled once for all simulations.

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
    data : dict or array, optional
        Data as ``fit`` takes it, for posterior calibration (Säilynoja et al. 2025): a fit to it gives the parameters of
        each simulation, which adds as many new rows as the data has, and is fitted to both together. It answers whether
        the engine is right about this data, where the prior is vague, and takes programs with exchangeable rows. What
        neither the data nor new rows inform is not checked: there the draws are compared with themselves. For a program
        that was read with its data, ``data={}`` is that data.
    simulations : int, default 100
        The number of simulations, at least 10.
    draws : int, default 99
        How many draws of each fit are ranked, evenly spaced over its chains. They must be nearly independent; a warning
        of the result says where they were not.
    seed : int, default 0
    progress : bool, default False
        Whether to show a progress bar on stderr.
    workers : int or None, default 1
        How many simulations run side by side, in processes of joblib. A simulation whose process is killed is repeated
        once, and then counted as failed. With None joblib decides, so that ``joblib.parallel_config(backend="dask")``
        runs them on a cluster of Dask.
    checkpoint : path, optional
        A folder for what each simulation gives. A calibration that was interrupted goes on from it, and a longer one
        begins with it. ZooError where it is of another model, engine, seed or number of draws.
    **options
        Options of the engine, and ``device`` and ``dtype``.

    Returns
    -------
    Calibration
        Printed it is a table, warnings, and the verdict with the coverage of the fits that ``judge`` trusts.

    Raises
    ------
    ZooError
        For arguments that are not allowed, or where all simulations fail.
    Refusal
        Where the engine gives no draws, or fewer than ``draws``.
    """
    if not isinstance(model, Model):
        raise ZooError("calibrate takes a model: zoo.load(name, K=3), or zoo.Model(program, backend=...)")
    check_numbers(simulations, draws, workers)
    model = describe_density(model if model.has_card else read_program(model, data))
    if options and (callable(engine) or engine == "exact"):
        raise ZooError(f"{', '.join(options)}: only an engine by name has options")
    if data is not None and engine == "exact":
        raise ZooError("the exact posterior of local latents has no parameters to fit: leave data out")
    settings = {"model": repr(model), "options": repr(options)}
    warnings: tuple[str, ...] = ()
    # what one simulation compiles the others read, in this process and in those of the workers
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if data is None:
            model = fix_settings(model)
            check_simulation(model)
            simulate, given = prior_simulation(model), ""
        else:
            with backend_of(model).compile_once(folder):
                fit, warnings = fit_to_data(model, data, engine, seed, options)
            simulate, given = posterior_simulation(fit), " given the data"
            settings["data"] = repr(checksums(fit.data))
        if callable(engine):
            name, trial = getattr(engine, "__name__", type(engine).__name__), sampler_trial(model, simulate, engine)
        elif engine == "exact":
            name, trial = "the exact posterior of the local latents", exact_trial(model)
        else:
            name, trial = engine, engine_trial(model, simulate, engine, options, folder)
        return run_trials(
            trial,
            f"{name} on {model.name}{given}",
            simulations=simulations,
            draws=draws,
            seed=seed,
            progress=progress,
            workers=workers,
            checkpoint=checkpoint,
            settings=settings,
            warnings=warnings,
        )
