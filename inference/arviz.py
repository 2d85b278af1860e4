"""Conversion of fits to ArviZ DataTrees."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from inference import exact
from inference.alignment import aligned_draws
from inference.draws_model import DrawsModel
from inference.record import FitRecord
from zoo import ZooError
from zoo.data.corpus import Corpus

if TYPE_CHECKING:
    import xarray as xr

MARGINAL = "_marginal"  # of the name of a log-likelihood in which discrete latents are summed out
DISTRIBUTIONS = {"numpyro": "numpyro", "pyro": "pyro-ppl"}  # the name of each backend's Python distribution


def to_arviz(fit: FitRecord) -> xr.DataTree:
    """Convert a fit to a DataTree in ArviZ's schema.

    A dimension is named by its letter, in a program of the user's own by its plate, or ``<site>_dim_<i>``; a dimension
    that a site has twice is ``D_bis`` the second time. A slash in a name is a dot.

    Parameters
    ----------
    fit : FitRecord

    Returns
    -------
    DataTree
        posterior: the parameters and the quantities derived from them, aligned, and local latents with draws; a point
        is one chain of one draw. sample_stats: ``lp``, ``diverging``, ``log_weight``, where the engine gives them.
        log_likelihood: of a model of the zoo log p(x_n | draw) in nats with discrete latents marginalised out,
        (chain, draw, N), where rows have one. Of a program of the user's own the log density of each element of an
        observed site given all latents, under the name of the site, unless it depends on a discrete latent without
        draws; where there are such latents also log p of each row with these summed out, (chain, draw, N), as
        ``<site>_marginal``, or ``<site>_<site>_marginal`` for all observed sites together. observed_data: the
        data; of a corpus its tokens. constant_data: the covariates.
    """
    card, settings = fit.model.card, fit.keywords
    draws = aligned_draws(fit)
    sites = card.sites(settings) | card.reported(settings)
    posterior = draws | card.report(draws, settings)
    data = observed_arrays(fit)
    constant = {name: values for name, values in data.items() if name in card.covariates}
    observed = {name: values for name, values in data.items() if name not in constant}
    groups: dict[str, Mapping[str, np.ndarray]] = {"posterior": posterior}
    groups |= {"observed_data": observed} if observed else {}
    groups |= {"constant_data": constant} if constant else {}
    dims = {
        name: dimension_names(
            tuple(
                axis_name(name, axis) if axis in card.entry_labels.get(name, {}) else card.dim_names.get(d, d)
                for axis, d in enumerate(site.dims)
            )
        )
        for name, site in sites.items()
        if site.dims
    }
    if fit.stats:
        groups["sample_stats"] = fit.stats
    likelihood = pointwise_log_likelihood(fit)
    if isinstance(fit.model, DrawsModel):  # that of the tree it was read from
        likelihood = {n.partition("/")[2]: v for n, v in fit.state.items() if n.startswith("log_likelihood/")}
    shapes = [(dims[n], v.shape[2:]) for n, v in posterior.items() if n in dims]
    shapes += [(dims[n], v.shape) for n, v in data.items() if n in dims]
    coords = {d: np.arange(size) for names, shape in shapes for d, size in zip(names, shape, strict=True)}
    coords |= {d: np.asarray(labels) for d, labels in card.coords.items() if d in coords}
    site_coords = {axis_name(n, axis): v for n, labels in card.entry_labels.items() for axis, v in labels.items()}
    coords |= {d: np.asarray(labels) for d, labels in site_coords.items() if d in coords}
    coords |= fit.model.coords if isinstance(fit.model, DrawsModel) else {}
    tree = make_tree(groups, coords, dims, {"/": attributes(fit)})
    if likelihood:  # a site of events has fewer dimensions here than in its data
        named = {n: likelihood_dims(fit, n, v.ndim - 2) for n, v in likelihood.items()}
        shapes = [(d, v.shape[2:]) for (n, v), d in zip(likelihood.items(), named.values(), strict=True) if d]
        known = coords | {
            d: np.arange(size) for names, s in shapes for d, size in zip(names, s, strict=True) if d not in coords
        }
        own = make_tree({"log_likelihood": likelihood}, known, {n: d for n, d in named.items() if d})
        tree["log_likelihood"] = own["log_likelihood"]
    return tree


def axis_name(site: str, axis: int) -> str:
    """The name of a dimension whose labels belong to one site alone."""
    return f"{site}_dim_{axis}"


def make_tree(
    groups: Mapping[str, Mapping[str, np.ndarray]],
    coords: Mapping[str, np.ndarray],
    dims: Mapping[str, list[str]],
    attrs: Mapping[str, Mapping[str, str | int | float]] | None = None,
) -> xr.DataTree:
    """A tree of some groups; "/" in a name, as NumPyro gives it to scopes and modules, is a dot there."""
    from arviz_base import from_dict

    return from_dict(
        {group: {dotted(n): v for n, v in values.items()} for group, values in groups.items()},
        coords={dotted(d): labels for d, labels in coords.items()},
        dims={dotted(n): [dotted(d) for d in names] for n, names in dims.items()},
        attrs=attrs,
    )


def dotted(name: str) -> str:
    """A name with dots for slashes, which a DataTree does not allow.

    >>> dotted("net/hidden.bias")
    'net.hidden.bias'
    """
    return name.replace("/", ".")


def observed_arrays(fit: FitRecord) -> dict[str, np.ndarray]:
    """The data in the dimensions of its sites; of word counts the tokens, in some order."""
    sites, table = fit.model.card.sites(fit.keywords), dict(fit.observed_data())
    for name, values in table.items():
        if isinstance(values, Corpus):
            tokens = values.tokens()
            table[name] = tokens.T if sites[name].dims[0] == "N" else tokens
    return table


def pointwise_log_likelihood(fit: FitRecord) -> dict[str, np.ndarray]:
    """The log-likelihood of elements or rows by name, (chain, draw, ...); empty where they have none of their own."""
    card, by_name = fit.model.card, {}
    if isinstance(fit.model, DrawsModel):
        return {}
    observed = "_".join(card.observed)
    if card.is_own:
        with suppress(ZooError):
            by_name |= exact.conditional_log_likelihood(fit, has_rows=False)
        if set(card.enumerated) <= set(fit.draws):
            observed = ""  # nothing is summed out
        else:
            observed += MARGINAL
    if observed:
        with suppress(ZooError):
            by_name[observed] = exact.log_likelihood(fit)
    return by_name if fit.draws else {n: v[None, None] for n, v in by_name.items()}


def likelihood_dims(fit: FitRecord, name: str, ndim: int) -> list[str]:
    """The names of the dimensions of a log-likelihood: those of the rows, or of the elements of its site."""
    card = fit.model.card
    sites = card.sites(fit.keywords)
    is_by_row = not card.is_own or name not in sites
    dims = ("N",) if is_by_row else sites[name].dims[:ndim]
    names = dimension_names(tuple(card.dim_names.get(d, d) for d in dims))
    return names if len(names) == ndim else []


def dimension_names(letters: tuple[str, ...]) -> list[str]:
    """Dimension names without repetition.

    >>> dimension_names(("K", "D", "D"))
    ['K', 'D', 'D_bis']
    """
    return [letter + "_bis" * letters[:i].count(letter) for i, letter in enumerate(letters)]


def attributes(fit: FitRecord) -> dict[str, str | int | float]:
    """The attributes of the tree: ArviZ's own names, and what is known of model, engine, backend, seed and seconds."""
    model = fit.model
    release = model.version if isinstance(model, DrawsModel) else version(DISTRIBUTIONS[model.backend])
    run = {"seed": fit.seed, "seconds": fit.seconds} if np.isfinite(fit.seconds) else {}  # both are recorded
    return {
        "inference_library": model.backend,
        "inference_library_version": release,
        "model": model.name,
        "engine": fit.engine,
        "backend": model.backend,
        **run,
    }
