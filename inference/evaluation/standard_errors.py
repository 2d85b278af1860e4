"""Standard errors of an EM fit: from the observed information, or by the bootstrap."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference import engines
from inference.alignment import axes
from inference.engines import FitRequest
from inference.engines.em import closed_form
from inference.result import Fit
from zoo import ZooError
from zoo._backend import backend_of, in_backend
from zoo.errors import unknown

METHODS = ("information", "bootstrap")
FLAT = 1e-8  # of the largest curvature, in coordinates of the prior's width: below it a direction has no maximum


def standard_errors(
    fit: Fit, method: str = "information", *, replicates: int = 200, seed: int = 0
) -> dict[str, np.ndarray]:
    """The standard error of each reported quantity of an EM fit, ``{name: array of its shape}``.

    "information": the inverse of the observed information, the exact Hessian of the objective in free coordinates,
    carried over by the delta method (Louis 1982; Efron and Hinkley 1978). "bootstrap": the standard deviation over
    EM fits to ``replicates`` resamples of the rows, each begun at the fit and with its axes turned to those of the fit
    (Efron 1979). Raises ZooError where the fit is not EM's, or where the information is singular.
    """
    if fit.engine != "em":
        raise ZooError(f"standard errors are for EM fits; a fit by {fit.engine} has its own spread, in summary()")
    if closed_form.variational_form(fit.model.card):
        raise ZooError(f"{fit.model.name} has a bound and no likelihood to bend: fit it by gibbs or nuts for a spread")
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    backend, em = backend_of(fit.model), in_backend("inference.engines.em", fit.model.backend)
    options = engines.get("em").make_options(fit.options, fit.model.card)
    request = FitRequest(fit.model, fit.keywords, fit.data, fit.seed, options, progress=False)
    with backend.runtime("float64", fit.device):
        given = request, fit.params
        if method == "bootstrap":
            rng = np.random.default_rng(seed)
            weight = fit.options["sample_weight"]
            weight = np.ones(request.rows) if weight is None else np.asarray(weight, float)
            resamples = [
                rng.multinomial(round(weight.sum()), weight / weight.sum()).astype(float) for _ in range(replicates)
            ]
            found = em.refitted(*given, resamples)
            many = {n: np.stack([p[n] for p in found])[None] for n in fit.params}
            card, point = fit.model.card, {n: v[None, None] for n, v in fit.params.items()}
            align_within = axes.align_within(card, fit.keywords, many, np.zeros((1, replicates)))
            many = axes.align_to(card, fit.keywords, align_within, point)  # loadings in the frame of the fit
            return {n: v[0].std(0, ddof=1) for n, v in card.report(many, fit.keywords).items()}
        if any(fit.keywords[letter] > 1 for letter in fit.model.card.symmetries):
            raise ZooError(
                "the likelihood does not know the axes of the loadings, so the information is singular: "
                "use method='bootstrap', which aligns them"
            )
        hessian, free, constrain = em.information(*given)
        return _delta(fit, -hessian, free, constrain)


def _delta(fit: Fit, information: np.ndarray, free: np.ndarray, constrain: Any) -> dict[str, np.ndarray]:
    """Standard deviations of the reported quantities, linear in the free numbers about the fit."""
    curvature = np.linalg.eigvalsh(information)
    if not curvature[0] > FLAT * curvature[-1]:
        raise ZooError(
            "the observed information is singular (a parameter at its edge, or EM stopped short): "
            "lower tol, or use method='bootstrap'"
        )
    covariance = np.linalg.inv(information)
    h = 1e-5
    steps = h * np.eye(len(free))
    report = fit.model.card.report(constrain(np.concatenate([free + steps, free - steps])), fit.keywords)
    errors = {}
    for name, values in report.items():
        slopes = (values[: len(free)] - values[len(free) :]).reshape(len(free), -1) / (2 * h)
        variance = np.einsum("pi,pq,qi->i", slopes, covariance, slopes)
        errors[name] = np.sqrt(np.maximum(variance, 0)).reshape(values.shape[1:])
    return errors
