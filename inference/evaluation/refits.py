"""``fit_again``: a fit of a part of the data, made as a fit was."""

from __future__ import annotations

from typing import Any

from inference.diagnostics import REWEIGHTED, ImportanceDiagnostics
from inference.evaluation.reweighting import reweight
from inference.fitting import fit as fit_model
from inference.result import Fit
from zoo.model import Model
from zoo.types import DataLike


def fit_again(fit: Fit, model: Model, data: DataLike = None, **changes: Any) -> Fit:
    """Fit a model with the engine, seed and options of a fit, and reweight the result where the fit is reweighted.

    Parameters
    ----------
    fit : Fit
    model : Model
        That of the fit, or one like it.
    data : optional
        As ``inference.fit`` takes it; a program that is read with its arguments has it.
    **changes
        Options that replace those of the fit.

    Returns
    -------
    Fit

    Raises
    ------
    ZooError
        As ``inference.fit``.
    """
    options = {n: v for n, v in fit.options.items() if n != "checkpoint"} | changes  # it is of the fit to its own data
    run = {"seed": fit.seed, "device": fit.device, "dtype": fit.dtype}
    engine: str | None = fit.engine.removesuffix(REWEIGHTED)
    again = fit_model(model, data, engine, **run, **options)
    if isinstance(fit.diagnostics, ImportanceDiagnostics):
        return reweight(again, fit.stats["source"].size, fit.diagnostics.resampling_seed)
    return again
