"""``fit_again``: a fit to other data, made as a fit was."""

from __future__ import annotations

from typing import Any

from inference.diagnostics import REWEIGHTED, ImportanceDiagnostics
from inference.evaluation.reweighting import reweight
from inference.fitting import fit as fit_model
from inference.result import Fit
from zoo.types import DataLike


def fit_again(fit: Fit, data: DataLike, **changes: Any) -> Fit:
    """The fit of the same model to other data, with the engine, seed and options of a fit; reweighted where it was.

    Parameters
    ----------
    fit : Fit
    data
        As ``inference.fit`` takes it.
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
    again = fit_model(fit.model, data, engine, **run, **options)
    if isinstance(fit.diagnostics, ImportanceDiagnostics):
        return reweight(again, fit.stats["source"].size, fit.diagnostics.resampling_seed)
    return again
