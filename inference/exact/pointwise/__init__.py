"""The log density of each element of each observed site, given the latents: the pointwise log likelihood of ArviZ.

Discrete latents have values where they were drawn. Where they were not, the sites that depend on them have a log
density of each row, in which the discrete latents are summed out, and no log density of each element.

Each ``in_<backend>.py`` has

    log_likelihood(program, inputs, draws, sites)             of elements, given every latent: {site: (draws, *batch)}
    marginal_log_likelihood(program, inputs, draws, sites, has_rows)
                                                              the same where discrete latents have no values
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.exact import enumeration
from zoo import Model, ZooError
from zoo._backend import backend_of, in_backend
from zoo.types import DataLike

__all__ = ["latent_values", "log_likelihood", "summed_latents"]


def log_likelihood(
    model: Model, values: Mapping[str, np.ndarray], data: DataLike = None, *, has_rows: bool = True
) -> dict[str, np.ndarray]:
    """Log density of each element of each observed site, given the latents.

    Parameters
    ----------
    model : Model
        A program of the user's own that was read, or a model of the zoo whose row latents are not all summed out.
    values : dict of str to array
        One value of each latent and learned parameter, or draws with two leading dimensions (chain, draw).
    data : optional
        Rows as ``inference.fit`` takes them; those of the reading by default.
    has_rows : bool, default True
        Whether to give sites that depend on a discrete latent without values, which have a log density of each row.

    Returns
    -------
    dict of str to array
        In nats, ``{site: batch shape}`` after the leading dimensions; 0 for a missing value. A site that depends on a
        discrete latent without values has a log density of each row, ``(N,)``; it is absent where the rows have none.

    Raises
    ------
    ZooError
        Where a continuous latent has no value, or no observed site has a log density of its own.
    """
    card = model.card
    table, keywords = model.bind(data)
    names = [*card.parameters(keywords), *enumeration.latents_given(model, values, keywords)]
    missing = [n for n in names if n not in values and n not in card.learned]
    if missing:
        raise ZooError(
            f"the log-likelihood given all latents needs values of {', '.join(missing)}, which are not known"
        )
    latents, leading = latent_values(model, values)
    module = in_backend("inference.exact.pointwise", model.backend)
    backend, program = backend_of(model), model.collapsed or model.program
    with backend.runtime("float64"):
        inputs, draws = backend.to_backend({**table, **keywords}), backend.to_backend(latents)
        if summed_latents(model, values):
            by_site = module.marginal_log_likelihood(program, inputs, draws, list(card.observed), has_rows)
        else:
            by_site = module.log_likelihood(program, inputs, draws, list(card.observed))
        by_site = backend.to_numpy(by_site)
    if not by_site and has_rows:
        raise ZooError(
            f"{', '.join(summed_latents(model, values))} couples the rows: no row has a likelihood of its own"
        )
    return {n: v.reshape(*leading, *v.shape[1:]) for n, v in by_site.items()}


def latent_values(model: Model, values: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[int, ...]]:
    """Values of latents and learned parameters as draws, ``{site: (draws, *shape)}``, and their leading dimensions."""
    card = model.card
    sites = {**card.sites(), **card.parameters()}
    known = {n: np.asarray(values[n]) for n in (*card.latents, *card.learned) if n in values}
    leading: tuple[int, ...] = next((v.shape[: v.ndim - len(sites[n].dims)] for n, v in known.items()), ())
    count = int(np.prod(leading))
    return {n: v.reshape(count, *v.shape[len(leading) :]) for n, v in known.items()}, leading


def summed_latents(model: Model, values: Mapping[str, np.ndarray]) -> list[str]:
    """The discrete latents that have no values, and so are summed out."""
    return [n for n in model.card.enumerated if n not in values]
