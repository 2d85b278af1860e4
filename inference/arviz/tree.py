"""Conversion of fits to ArviZ DataTrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

import numpy as np

from inference import exact
from inference.alignment import aligned_draws
from inference.arviz import groups as further
from inference.draws_model import DrawsModel, check_program
from inference.record import FitRecord
from zoo import ZooError
from zoo.checks import check_seed, check_whole
from zoo.data.corpus import Corpus
from zoo.errors import unknown

if TYPE_CHECKING:
    import xarray as xr

MARGINAL = "_marginal"  # of the name of a log-likelihood in which discrete latents are summed out
DISTRIBUTIONS = {"numpyro": "numpyro", "pyro": "pyro-ppl"}  # the name of each backend's Python distribution


def to_arviz(
    fit: FitRecord,
    groups: Sequence[str] = (),
    *,
    likelihood: Literal["conditional", "marginal"] | None = None,
    num_predictive: int = 500,
    seed: int = 0,
) -> xr.DataTree:
    """Convert a fit to a DataTree in ArviZ's schema.

    A dimension is named by its letter, in a program of the user's own by its plate, or ``<site>_dim_<i>``; a dimension
    that a site has twice is ``D_bis`` the second time. A slash in a name is a dot.

    Parameters
    ----------
    fit : FitRecord
    groups : sequence of str, optional
        Further groups. "log_prior": the log density of each continuous latent given those before it, in nats, its
        elements together, (chain, draw), which ``arviz_stats.psense`` takes; it evaluates the program once at every
        draw, many draws together. "unconstrained_posterior": the draws in unconstrained coordinates.
        "posterior_predictive": the observed sites drawn again at every draw; of a model of the zoo the latents of the
        rows are drawn again too, and in a program of the user's own discrete latents are drawn given the data
        (``inference.loo_pit`` draws them anew). "prior_predictive": the observed sites at draws of all latents from the
        prior. Both run the program once for every draw: seconds for 4000 draws in Pyro.
    likelihood : {"conditional", "marginal"}, optional
        Which log-likelihood the tree has, of one kind alone; by default those below that cost little. "conditional":
        of each element given all latents, those of the rows at their draws, as of ArviZ's examples; under the name of
        the site, ``<site>_conditional`` of a model of the zoo. "marginal": log p of each row, (chain, draw, N), with
        the latents of the row summed and integrated out: exact under the names below, or by importance sampling from
        the draws of the latents, 64 runs of the program for every draw, as ``<site>_integrated``; the attributes of
        the variable have the method and the smallest effective number of samples.
    num_predictive : int, default 500
        The draws from the prior, and of the posterior predictive at a point estimate.
    seed : int, default 0
        Of what is drawn.

    Returns
    -------
    DataTree
        posterior: the parameters and the quantities derived from them, aligned, and local latents with draws; a point
        is one chain of one draw. sample_stats: ``lp``, ``diverging``, ``energy``, ``log_weight``, of engines that give
        them. log_likelihood: of a model of the zoo log p(x_n | draw) in nats with discrete latents marginalised out,
        (chain, draw, N), where rows have one. Of a program of the user's own the log density of each element of an
        observed site given all latents, under the name of the site, unless it depends on a discrete latent without
        draws; where there are such latents also log p of each row with these summed out, (chain, draw, N), as
        ``<site>_marginal``, or ``<site>_<site>_marginal`` for all observed sites together. observed_data: the
        data; of a corpus its tokens. constant_data: the covariates.

    Raises
    ------
    ZooError
        For a group that is not known, or that the fit cannot have, and for a likelihood that it does not have.
    """
    check_groups(fit, groups, likelihood)
    check_whole(1, num_predictive=num_predictive)
    check_seed(seed)
    card, settings = fit.model.card, fit.keywords
    draws = aligned_draws(fit)
    sites = card.sites(settings) | card.reported(settings)
    posterior = draws | card.report(draws, settings)
    data = observed_arrays(fit)
    constant = {name: values for name, values in data.items() if name in card.covariates}
    observed = {name: values for name, values in data.items() if name not in constant}
    own: dict[str, Mapping[str, np.ndarray]] = {"posterior": posterior}
    own |= {"observed_data": observed} if observed else {}
    own |= {"constant_data": constant} if constant else {}
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
        own["sample_stats"] = fit.stats
    shapes = [(dims[n], v.shape[2:]) for n, v in posterior.items() if n in dims]
    shapes += [(dims[n], v.shape) for n, v in data.items() if n in dims]
    coords = {d: np.arange(size) for names, shape in shapes for d, size in zip(names, shape, strict=True)}
    coords |= {d: np.asarray(labels) for d, labels in card.coords.items() if d in coords}
    site_coords = {axis_name(n, axis): v for n, labels in card.entry_labels.items() for axis, v in labels.items()}
    coords |= {d: np.asarray(labels) for d, labels in site_coords.items() if d in coords}
    coords |= fit.model.coords if isinstance(fit.model, DrawsModel) else {}
    tree = make_tree(own, coords, dims, {"/": attributes(fit)})
    by_name, notes = log_likelihoods(fit, likelihood, seed)
    named = {n: likelihood_dims(fit, n, v.ndim - 2) for n, v in by_name.items()}
    attach(tree, "log_likelihood", by_name, named, coords)
    for name, attrs in notes.items():
        tree["log_likelihood"][name].attrs |= attrs
    if "log_prior" in groups:
        attach(tree, "log_prior", further.log_prior(fit), {}, coords)
    if "posterior_predictive" in groups:
        values = further.posterior_predictive_draws(fit, num_predictive, seed)
        attach(tree, "posterior_predictive", values, dims, coords)
    if "prior_predictive" in groups:
        values = further.prior_predictive_draws(fit, num_predictive, seed)
        attach(tree, "prior_predictive", values, dims, coords)
    if "unconstrained_posterior" in groups:
        values = further.unconstrained_posterior(fit)
        named = {n: unconstrained_dims(n, dims.get(n, []), posterior[n].shape, v.shape) for n, v in values.items()}
        attach(tree, "unconstrained_posterior", values, named, coords)
    return tree


def check_groups(fit: FitRecord, groups: Sequence[str], likelihood: str | None) -> None:
    """Raise ZooError for groups that are not known, and for what a fit without a program does not have."""
    if isinstance(groups, str):
        raise ZooError(f"groups is a list of names: give groups=[{groups!r}]")
    for name in groups:
        if name not in further.GROUPS:
            raise unknown("group of to_arviz", name, further.GROUPS)
    if likelihood is not None and likelihood not in further.LIKELIHOODS:
        raise unknown("kind of log-likelihood", likelihood, further.LIKELIHOODS)
    if groups or likelihood:
        check_program(fit.model)


def log_likelihoods(
    fit: FitRecord, kind: str | None, seed: int
) -> tuple[Mapping[str, np.ndarray], Mapping[str, dict[str, str | float]]]:
    """The log-likelihoods of a kind by name, those that cost little by default, and notes on how they were computed."""
    if kind == "marginal":
        return further.marginal_log_likelihood(fit, seed)
    if kind == "conditional":
        return further.conditional_log_likelihood(fit), {}
    if isinstance(fit.model, DrawsModel):  # that of the tree it was read from
        return {n.partition("/")[2]: v for n, v in fit.state.items() if n.startswith("log_likelihood/")}, {}
    return pointwise_log_likelihood(fit), {}


def attach(
    tree: xr.DataTree,
    group: str,
    values: Mapping[str, np.ndarray],
    dims: Mapping[str, list[str]],
    coords: Mapping[str, np.ndarray],
) -> None:
    """Add a group of arrays that begin with (chain, draw), with dimensions of their own where they have others."""
    if not values:
        return
    used = {n: dims[n] for n, v in values.items() if dims.get(n) and len(dims[n]) == v.ndim - 2}
    shapes = [(names, values[n].shape[2:]) for n, names in used.items()]
    sizes = {d: size for names, shape in shapes for d, size in zip(names, shape, strict=True)}
    known = {d: np.arange(size) for d, size in sizes.items()} | {
        d: labels for d, labels in coords.items() if sizes.get(d) == len(labels)
    }
    tree[group] = make_tree({group: values}, known, used)[group]


def unconstrained_dims(name: str, dims: list[str], shape: tuple[int, ...], free: tuple[int, ...]) -> list[str]:
    """The names of the dimensions of unconstrained draws: those of the site, but for the event that has other sizes.

    >>> unconstrained_dims("Lambda", ["K", "D", "D_bis"], (4, 100, 3, 2, 2), (4, 100, 3, 3))
    ['K', 'Lambda_unconstrained_dim_0']
    """
    if shape == free:
        return dims
    kept = 0
    while kept < min(len(shape), len(free)) - 3 and shape[kept + 2] == free[kept + 2]:
        kept += 1
    return [*dims[:kept], *(f"{name}_unconstrained_dim_{i}" for i in range(len(free) - 2 - kept))]


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
    site = name.removesuffix(further.CONDITIONAL)
    is_by_row = site not in sites or (not card.is_own and name == site)
    dims = ("N",) if is_by_row else sites[site].dims[-ndim:] if sites[site].kind == "word" else sites[site].dims[:ndim]
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
