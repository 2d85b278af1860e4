"""Data of the size of a fit's, drawn again from its model: at draws of the posterior, or from the prior."""

from __future__ import annotations

import numpy as np

from inference.alignment import aligned_draws
from inference.exact import spread_draws
from inference.predictive import posterior_predictive
from inference.predictive.covariates import given_covariates
from inference.record import FitRecord
from zoo import Model, ReadModel, ZooError
from zoo._backend import backend_of, in_backend
from zoo.errors import describe_error
from zoo.types import DataLike


def posterior_replicates(fit: FitRecord, count: int, seed: int) -> dict[str, np.ndarray]:
    """Every observed site drawn again at ``count`` draws of a fit, or at its point estimate, (count, *shape).

    Of a model of the zoo the latents of the rows are drawn again too; of a user's program those of the fit are kept.
    """
    if isinstance(fit.model, ReadModel):
        per_chain = -(-count // (next(iter(fit.draws.values())).shape[0] if fit.draws else 1))
        given = min(per_chain, next(iter(fit.draws.values())).shape[1]) if fit.draws else per_chain
        values = posterior_predictive(fit, seed=seed, draws=given)
        return {n: v.reshape(-1, *v.shape[2:])[:count] for n, v in values.items()}
    sites = fit.model.card.parameters(fit.keywords)
    if fit.draws:
        flat = {n: v.reshape(-1, *v.shape[2:]) for n, v in {**aligned_draws(fit), **fit.learned_draws()}.items()}
        at = spread_draws(count, len(next(iter(flat.values()))))
        values = {n: flat[n][at] for n in sites if n in flat}
    else:
        values = {n: np.broadcast_to(fit.params[n], (count, *np.shape(fit.params[n]))) for n in sites}
    return _draw(fit, fit.fitted_model, values, count, seed)


def predictive_draws(fit: FitRecord, at: np.ndarray, seed: int, data: DataLike = None) -> dict[str, np.ndarray]:
    """Every observed site drawn again at some draws of a fit, (len(at), *shape), as ``fit.log_likelihood`` has it.

    at: indices of the draws, of the first chain first. data: other rows than those of the fit, of their shape.
    """
    values = {**aligned_draws(fit), **fit.learned_draws()}
    return draws_given(fit, {n: v.reshape(-1, *v.shape[2:])[at] for n, v in values.items()}, seed, data)


def draws_given(
    fit: FitRecord, values: dict[str, np.ndarray], seed: int, data: DataLike = None
) -> dict[str, np.ndarray]:
    """Every observed site at some values of the parameters, {site: (S, *shape)}.

    Latents that the log-likelihood sums or integrates out are drawn given the others, and not given the data: what is
    drawn of a row has the density that its log-likelihood is of.
    """
    card, count = fit.model.card, len(next(iter(values.values())))
    given = {n: values[n] for n in card.parameters(fit.keywords) if n not in card.enumerated and n in values}
    return _draw(fit, fit.fitted_model, given, count, seed, data)


def prior_replicates(fit: FitRecord, count: int, seed: int) -> dict[str, np.ndarray]:
    """Every observed site at ``count`` draws of all latents from the prior; raises ZooError where it is improper."""
    try:
        return _draw(fit, fit.model, {}, count, seed)
    except NotImplementedError as error:
        raise ZooError(f"a prior of {fit.model.name} is improper: nothing can be drawn from it") from error


def _draw(
    fit: FitRecord, model: Model, values: dict[str, np.ndarray], count: int, seed: int, data: DataLike = None
) -> dict[str, np.ndarray]:
    backend, observed = backend_of(model), list(model.card.observed)
    table, keywords = model.bind(fit.data if data is None else data)
    covariates = {n: v for n, v in table.items() if n not in observed}
    module = in_backend("inference.predictive", model.backend)
    with backend.runtime("float64"):
        inputs = backend.to_backend({**covariates, **keywords, **given_covariates(model, keywords, table)})
        try:
            draws = module.predict(model.program, inputs, backend.to_backend(values), observed, seed, count)
        except NotImplementedError:
            raise
        except (TypeError, ValueError, RuntimeError) as error:  # of the program or its library
            raise ZooError(f"{model.name} cannot be sampled from: {describe_error(error)}") from error
        return {n: np.asarray(v, float) for n, v in backend.to_numpy(draws).items()}
