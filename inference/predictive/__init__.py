"""The posterior predictive distribution of a program of the user's own: its observed sites, drawn again.

Each ``in_<backend>.py`` has

    predict(program, inputs, draws, sites, seed, count=0)       each site at each draw, {site: (draws, *shape)}

count: how many there are where no site has draws, and all are of the prior. ``replicates`` has data of the size of a
fit's, of models of the zoo too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from inference.draws_model import check_program
from inference.exact import enumeration, spread_draws
from inference.exact.pointwise import latent_values, summed_latents
from inference.record import FitRecord
from zoo import ReadModel, ZooError
from zoo._backend import backend_of, in_backend
from zoo.checks import check_seed, check_whole
from zoo.errors import describe_error
from zoo.types import DataLike


def posterior_predictive(
    fit: FitRecord, data: DataLike = None, seed: int = 0, draws: int | None = None
) -> dict[str, np.ndarray]:
    """Draw the observed sites again, at the draws of a fit: see ``Fit.posterior_predictive``."""
    check_program(fit.model)
    check_seed(seed)
    model = fit.model
    if not isinstance(model, ReadModel):
        raise ZooError(f"posterior_predictive is of programs of your own; {model.name} has fit.simulate(N)")
    own, _ = model.bind(fit.data)
    table, keywords = model.bind(fit.data if data is None else data)
    changed = changed_arrays(own, table, model.card.covariates)
    is_new = any("N" in model.card.sites()[n].dims for n in changed)
    if changed and not model.reading.rows.entries:
        reason = model.reading.rows.reason or "no argument goes with the rows"
        raise ZooError(
            f"new covariates need rows that can be taken in parts, and {reason}: leave data out for the rows of the fit"
        )
    values = sampled_values(fit, draws)
    local = [n for n, site in model.card.sites().items() if "N" in site.dims]
    absent = [n for n in model.card.parameters() if n not in values and not (is_new and n in local)]
    if absent:
        raise ZooError(f"the posterior predictive needs draws of {', '.join(absent)}, which the fit does not have")
    discrete = [n for n in summed_latents(model, values) if not (is_new and n in local)]
    if discrete:  # one exact draw from their posterior at each draw of the others
        labels = enumeration.sample_labels(fit.fitted_model, values, fit.data, seed)
        shapes = {n: model.card.sites()[n].shape(fit.keywords) for n in discrete}  # with the dimensions of size 1
        values |= {n: labels[n].reshape(*labels[n].shape[:2], *shapes[n]) for n in discrete}
    values = {n: v for n, v in values.items() if not (is_new and n in local)}
    flat, leading = latent_values(model, values)
    backend = backend_of(model)
    covariates = {n: v for n, v in table.items() if n not in model.card.observed}
    with backend.runtime("float64"):
        inputs = backend.to_backend({**covariates, **keywords})
        module = in_backend("inference.predictive", model.backend)
        try:
            predicted = module.predict(model.program, inputs, backend.to_backend(flat), list(model.card.observed), seed)
        except (TypeError, ValueError, NotImplementedError, RuntimeError) as error:  # of the program or its library
            raise ZooError(f"{model.name} cannot be sampled from: {describe_error(error)}") from error
        return {n: v.reshape(*leading, *v.shape[1:]) for n, v in backend.to_numpy(predicted).items()}


def changed_arrays(
    own: Mapping[str, np.ndarray], table: Mapping[str, np.ndarray], covariates: Collection[str]
) -> list[str]:
    """The covariates that differ from those of the fit, and the observed sites of another size."""

    def is_same(name: str, values: np.ndarray) -> bool:
        if values.shape != own[name].shape or name not in covariates:
            return values.shape == own[name].shape
        return np.array_equal(values, own[name], equal_nan=values.dtype.kind == "f")

    return [n for n, v in table.items() if n not in own or not is_same(n, v)]


def sampled_values(fit: FitRecord, draws: int | None) -> dict[str, np.ndarray]:
    """Values of the latents, (chain, draw, *shape): some of the draws, evenly spaced over each chain, or a point."""
    names = (*fit.model.card.latents, *fit.model.card.learned)
    values = {n: v for n, v in fit.draws.items() if n in names}
    points = {n: v for n, v in fit.params.items() if n in names and n not in values}
    chains, length = next((v.shape[:2] for v in values.values()), (1, 1))
    if draws is not None:
        check_whole(1, draws=draws)
        if values and draws > length:
            raise ZooError(f"draws={draws}: the fit has {length} draws in each chain, give at most as many")
        values = {n: v[:, spread_draws(draws, length)] for n, v in values.items()}
        length = draws
    # parameters that are learned beside draws have one value for all of them
    return values | {n: np.broadcast_to(v, (chains, length, *np.shape(v))) for n, v in points.items()}
