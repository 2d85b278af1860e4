"""Standard errors of an EM fit: from the observed information, or by the bootstrap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from inference.alignment import axes
from inference.draws_model import check_program
from inference.engines.em import closed_form
from inference.engines.em.uncertainty import request_of
from inference.record import FitRecord
from zoo import ZooError
from zoo._backend import backend_of, in_backend
from zoo.checks import check_whole
from zoo.data.observed import observed_rows
from zoo.errors import unknown

METHODS = ("information", "bootstrap")
MIN_CURVATURE = 1e-8  # of the largest, in coordinates of the prior's width: a flatter direction has no maximum
DIFFERENCE_STEP = 1e-5  # of the central differences of the delta method

Params = dict[str, np.ndarray]


def standard_errors(
    fit: FitRecord, method: str = "information", *, replicates: int = 200, seed: int = 0
) -> dict[str, np.ndarray]:
    """Compute the standard error of each reported quantity of an EM fit.

    Parameters
    ----------
    fit : Fit
        A fit by exact EM.
    method : {"information", "bootstrap"}, default "information"
        "information" inverts the observed information, the exact Hessian of the objective in unconstrained coordinates,
        and transforms it by the delta method. "bootstrap" is the standard deviation over EM fits to resampled rows,
        each of which starts at the fit and is rotated to its axes.
    replicates : int, default 200
        The number of bootstrap samples.
    seed : int, default 0
        The seed of the bootstrap.

    Returns
    -------
    dict of str to array
        By quantity, in the shape of the quantity.

    Raises
    ------
    ZooError
        Where the fit is not by exact EM, or the information is singular.

    References
    ----------
    Louis (1982), "Finding the observed information matrix when using the EM algorithm". Efron and Hinkley (1978),
    "Assessing the accuracy of the maximum likelihood estimator". Efron (1979), "Bootstrap methods".
    """
    if fit.engine != "em":
        raise ZooError(f"standard errors are for EM fits; a fit by {fit.engine} has its own spread, in summary()")
    check_program(fit.model)
    if closed_form.variational_form(fit.model.card):
        raise ZooError(f"{fit.model.name} has a bound and no exact likelihood: fit it by gibbs or nuts for a spread")
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    check_whole(2, replicates=replicates)
    if method == "bootstrap":
        return _bootstrap(fit, replicates, seed)
    if any(fit.keywords[letter] > 1 for letter in fit.model.card.symmetries):
        raise ZooError(
            "the likelihood does not identify the axes of the loadings, so the information is singular: "
            "use method='bootstrap', which aligns them"
        )
    em = in_backend("inference.engines.em", fit.model.backend)
    with backend_of(fit.model).runtime("float64", fit.device):
        hessian, at, constrain = em.curvature(request_of(fit), fit.params)
        return _delta_method(fit, -hessian, at, constrain)


def _bootstrap(fit: FitRecord, replicates: int, seed: int) -> dict[str, np.ndarray]:
    """Standard deviations over fits to resampled rows."""
    em, request = in_backend("inference.engines.em", fit.model.backend), request_of(fit)
    rng = np.random.default_rng(seed)
    weight = fit.options["sample_weight"]
    weight = np.ones(request.rows) if weight is None else np.asarray(weight, float)
    is_observed = observed_rows(fit.model.card, fit.data, fit.keywords)
    weight = weight if is_observed is None else weight * is_observed
    total, probability = round(weight.sum()), weight / weight.sum()
    resamples = [rng.multinomial(total, probability).astype(float) for _ in range(replicates)]
    with backend_of(fit.model).runtime("float64", fit.device):
        refits = em.refit(request, fit.params, resamples)
    card, point = fit.model.card, {n: v[None, None] for n, v in fit.params.items()}
    draws = {n: np.stack([params[n] for params in refits])[None] for n in fit.params}
    draws = axes.align_within(card, fit.keywords, draws, np.zeros((1, replicates)))
    draws = axes.align_to(card, fit.keywords, draws, point)  # loadings in the frame of the fit
    return {n: v[0].std(0, ddof=1) for n, v in card.report(draws, fit.keywords).items()}


def _delta_method(
    fit: FitRecord, information: np.ndarray, at: np.ndarray, constrain: Callable[[np.ndarray], Params]
) -> dict[str, np.ndarray]:
    """Standard deviations of the reported quantities, linear in the unconstrained coordinates about ``at``."""
    curvature = np.linalg.eigvalsh(information)
    if not curvature[0] > MIN_CURVATURE * curvature[-1]:
        raise ZooError(
            "the observed information is singular (a parameter at its edge, or EM stopped short): "
            "lower tol, or use method='bootstrap'"
        )
    covariance = np.linalg.inv(information)
    steps = DIFFERENCE_STEP * np.eye(len(at))
    report = fit.model.card.report(constrain(np.concatenate([at + steps, at - steps])), fit.keywords)
    errors = {}
    for name, values in report.items():
        slopes = (values[: len(at)] - values[len(at) :]).reshape(len(at), -1) / (2 * DIFFERENCE_STEP)
        variance = np.einsum("pi,pq,qi->i", slopes, covariance, slopes)
        errors[name] = np.sqrt(np.maximum(variance, 0)).reshape(values.shape[1:])
    return errors
