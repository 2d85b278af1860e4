"""Exact sums over the discrete latents of any program in which they have finite support.

``log_marginal`` (log p of each row), ``responsibilities`` (the posterior of the labels), ``most_probable_labels`` and
``sample_labels``, all exact, for a model at given parameters. Where the model has a program ``collapsed``, the
continuous latents of each row are integrated out too.

Each ``in_<backend>.py`` has

    marginalize(program)                          the program without its discrete sites, plus one factor
    EnumeratedDensity(program, keywords, data)    the enumerated factors as a function of the parameters
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from inference.exact.enumeration.density import EnumeratedDensity
from inference.exact.enumeration.elimination import Variable
from inference.exact.far_rows import are_improper, limit_of, points_on_the_way
from zoo import Model, ReadModel, ZooError
from zoo._backend import backend_of, in_backend
from zoo.data.intensities import take_rows
from zoo.types import BackendArray, BackendParams, DataLike, Keywords

__all__ = ["ChainLogs", "chain", "log_marginal", "most_probable_labels", "responsibilities", "sample_labels"]

BLOCK_SIZE = 50_000  # rows at a time


def log_marginal(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> np.ndarray:
    """Log density of each row given the parameters, discrete latents summed out.

    Parameters
    ----------
    model : zoo.Model
    params : mapping of str to array
        One value per site, or draws with two leading dimensions (chain, draw).
    data : object
        As in ``inference.fit``.

    Returns
    -------
    numpy.ndarray
        log p(x_n | params) in nats, (N,), or (chain, draw, N) for draws.

    Raises
    ------
    ZooError
        Where the rows are not independent given the parameters, or a discrete latent has infinite support.
    """
    return _by_draw(model, params, data, lambda density, draws: {"": density.log_marginal(draws)})[""]


def responsibilities(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> dict[str, np.ndarray]:
    """Posterior probabilities of the values of each discrete latent.

    Parameters
    ----------
    model, params, data
        As in ``log_marginal``.

    Returns
    -------
    dict of str to array
        p(z_n = k | x, params) as ``{"z": (N, K)}``, after the leading dimensions of draws; the dimensions before the
        last are those of the site.

    Raises
    ------
    ZooError
        Where a discrete latent has infinite support.
    """

    def evaluate(rows: DataLike) -> dict[str, np.ndarray]:
        return _by_draw(model, params, rows, lambda density, draws: density.responsibilities(draws), num_last=1)

    values = evaluate(data)
    if not model.card.is_own and any(are_improper(p).any() for p in values.values()):
        values = _with_limits(model, data, values, evaluate)
    return values


def _with_limits(
    model: Model,
    data: DataLike,
    values: dict[str, np.ndarray],
    evaluate: Callable[[DataLike], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Probabilities with their limits in the place of those that are no numbers, as of rows that are very far away."""
    table, keywords = model.bind(data)
    sites = model.card.sites(keywords)
    is_by_row = all(sites[n].dims[:1] == ("N",) for n in [*table, *values])
    if not is_by_row or [(sites[n].kind, len(sites[n].dims)) for n in table] != [("real", 2)]:
        return values
    ((name, x),) = table.items()
    is_far = {n: are_improper(p) for n, p in values.items()}  # (..., N)
    rows = np.flatnonzero(np.any([far.reshape(-1, len(x)).any(0) for far in is_far.values()], axis=0))
    limits = {n: limit_of(p) for n, p in evaluate({name: points_on_the_way(x[rows])}).items()}
    completed = {n: np.array(p) for n, p in values.items()}
    for n, p in completed.items():
        p[..., rows, :] = np.where(is_far[n][..., rows, None], limits[n], p[..., rows, :])
    return completed


def most_probable_labels(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> dict[str, np.ndarray]:
    """The labels that maximise p(z | x, params) site by site.

    Parameters
    ----------
    model, params, data
        As in ``log_marginal``.

    Returns
    -------
    dict of str to array
        Integers, ``{"z": (N,)}``, after the leading dimensions of draws.
    """
    return {name: p.argmax(-1) for name, p in responsibilities(model, params, data).items()}


def sample_labels(
    model: Model, params: Mapping[str, np.ndarray], data: DataLike, seed: int = 0
) -> dict[str, np.ndarray]:
    """One exact draw of the labels from p(z | x, params), jointly over the sites of a row.

    Parameters
    ----------
    model, params, data
        As in ``log_marginal``.
    seed : int

    Returns
    -------
    dict of str to array
        Integers, ``{"z": (N,)}``, after the leading dimensions of draws.
    """
    return _by_draw(model, params, data, lambda density, draws: density.sample_labels(draws, seed), num_last=0)


class ChainLogs(NamedTuple):
    """The logs of a chain, after the leading dimensions of draws, as ``inference.exact.markov`` takes them.

    Attributes
    ----------
    log_states : array, (N, T, K)
    log_transitions : array, (N, T - 1, K, K) or (N, 1, K, K)
        N is 1 where the program has one sequence, in no plate.
    sizes : dict of str to int
        The number of states by chain. Where several have factors in common K is the product of their numbers, and a
        state the index of a combination, the last of the chains fastest.
    order : int
        The number of steps before on which transitions depend. Above 1 a state is that of the last ``order`` steps
        together, K the power of the number above, and the last step varies fastest.
    """

    log_states: np.ndarray
    log_transitions: np.ndarray
    sizes: dict[str, int]
    order: int = 1


def chain(model: Model, params: Mapping[str, np.ndarray], data: DataLike, site: str | None = None) -> ChainLogs:
    """The logs of a chain given the data, other discrete latents of its steps summed out.

    Parameters
    ----------
    model, params, data
        As in ``log_marginal``.
    site : str, optional
        The chain; not needed where there is one.

    Returns
    -------
    ChainLogs
        Of the chain, combined with those that have factors in common with it.

    Raises
    ------
    ZooError
        Where there is no such chain, or a label of whole sequences decides on it.
    """
    groups: list[list[Variable]] = []

    def evaluate(density: EnumeratedDensity, draws: BackendParams) -> BackendParams:
        logs, group = density.chain(draws, site)
        groups.append(group)
        return {n: _with_rows(log, group[0]) for n, log in logs.items()}

    logs = _by_draw(model, params, data, evaluate)
    sizes, order = {v.name: v.size for v in groups[0]}, max(v.order for v in groups[0])
    return ChainLogs(logs["states"], logs["transitions"], sizes, order)


def _with_rows(values: BackendArray, v: Variable) -> BackendArray:
    """Values of a chain at each draw, (draws, N, ...); a chain in no plate is one row."""
    return values if len(v.plate_dims) > 1 else values[:, None]


def log_priors(model: Model, params: Mapping[str, np.ndarray], data: DataLike) -> dict[str, np.ndarray]:
    """Log prior density of each continuous latent with values, its elements together.

    Of a latent whose prior depends on other continuous latents it is the density given these. One that depends on a
    discrete latent is left out: its density is that of the rows, in ``log_marginal``. Of a user's program there are
    also its ``factor`` statements outside of plates, where no latent is discrete.

    Parameters
    ----------
    model, params, data
        As in ``log_marginal``.

    Returns
    -------
    dict of str to array
        In nats, with the leading dimensions of draws.
    """
    trace = model.reading.trace if isinstance(model, ReadModel) and not model.card.enumerated else {}
    factors = [n for n, s in trace.items() if s.role == "factor" and not s.plates]

    def evaluate(density: EnumeratedDensity, draws: BackendParams) -> BackendParams:
        is_local = bool(set(density.shapes) & set(model.card.local()) & set(draws))
        return density.log_priors(draws, factors, {**density.data, **density.keywords} if is_local else None)

    return _by_draw(model, params, data, evaluate, has_rows=False)


def chain_probabilities(
    model: Model, params: Mapping[str, np.ndarray], data: DataLike, site: str | None = None
) -> np.ndarray:
    """Posterior probabilities of the states of a chain, also where others have emissions in common with it.

    Parameters
    ----------
    model, params, data
        As in ``log_marginal``.
    site : str, optional
        The chain; not needed where there is one.

    Returns
    -------
    array
        (N, T, K), after the leading dimensions of draws.

    Raises
    ------
    ZooError
        Where there is no such chain.
    """

    def evaluate(density: EnumeratedDensity, draws: BackendParams) -> BackendParams:
        v = density.find_chain(site)
        return {"": _with_rows(density.marginals(draws)[v.name], v)}

    return _by_draw(model, params, data, evaluate)[""]


def _by_draw(
    model: Model,
    params: Mapping[str, np.ndarray],
    data: DataLike,
    evaluate: Callable[[EnumeratedDensity, BackendParams], BackendParams],
    num_last: int | None = None,
    has_rows: bool = True,
) -> dict[str, np.ndarray]:
    """``evaluate(density, draws)``, block by block of the rows; its arrays begin with (draws, rows).

    num_last: of values of the discrete sites, the number of dimensions after those of the site. has_rows: whether the
    arrays have rows; else one block is enough.
    """
    backend, enumeration = backend_of(model), in_backend("inference.exact.enumeration", model.backend)
    table, keywords = model.bind(data)
    given = latents_given(model, params, keywords)
    sites = {**model.card.sites(keywords), **model.card.parameters(keywords)}
    values = {n: np.asarray(params[n]) for n in [*model.card.parameters(keywords), *given]}
    leading = max((v.ndim - len(sites[n].dims) for n, v in values.items()), default=0)
    sample_shape = next((v.shape[:leading] for v in values.values()), ())
    num_draws = int(np.prod(sample_shape))  # -1 would not do: an array without a column, at Z = 0, has no elements
    flat = {n: v.reshape((num_draws, *v.shape[leading:])) for n, v in values.items()}
    outputs: list[dict[str, np.ndarray]] = []
    with backend.runtime("float64"):
        for block in _blocks(model, table, keywords) if not given else [_Block(table, {})]:
            density = enumeration.EnumeratedDensity(
                model.collapsed or model.program,
                backend.to_backend({**keywords, **block.sizes}),
                backend.to_backend(block.table),
            )
            outputs.append(backend.to_numpy(evaluate(density, backend.to_backend(flat))))
            if not has_rows:
                break
    joined = outputs[0] if len(outputs) == 1 else {n: np.concatenate([o[n] for o in outputs], 1) for n in outputs[0]}
    if num_last is not None and model.card.is_own:
        for name, a in joined.items():
            shape, last = sites[name].shape(keywords), a.shape[a.ndim - num_last :]
            if a.size == len(a) * math.prod(shape) * math.prod(last):  # else one value has several numbers
                by_time = np.moveaxis(a, -1 - num_last, 1) if name in model.card.chains else a
                joined[name] = by_time.reshape(len(a), *shape, *last)
    return {n: a.reshape((*sample_shape, *a.shape[1:])) for n, a in joined.items()}


def latents_given(model: Model, params: Mapping[str, np.ndarray], keywords: Keywords) -> list[str]:
    """The continuous latents of the rows, which the sums are given too; raises ZooError where params lack them."""
    if model.card.is_own or (model.collapsed and "marginal" in model.card.exact):
        return []
    names = model.card.continuous_in_rows(keywords)
    absent = ", ".join(n for n in names if n not in params)
    if absent:
        raise ZooError(
            f"given the parameters alone the density of a row of {model.name} is an integral over {absent}, which has "
            f"no exact form: give values of {absent} too"
        )
    return names


class _Block(NamedTuple):
    table: dict[str, np.ndarray]
    sizes: dict[str, int]


def _blocks(model: Model, table: Mapping[str, np.ndarray], keywords: Keywords) -> Iterator[_Block]:
    """The data in blocks of rows, so that memory does not grow with them: rows are independent given the parameters."""
    sites = model.card.sites(keywords)
    shared = [n for n in model.card.enumerated if "N" not in sites[n].dims]
    N = keywords.get("N")
    if shared or not N:
        yield _Block(dict(table), {})
        return
    for i in range(0, N, BLOCK_SIZE):
        local = take_rows({n: v for n, v in table.items() if "N" in sites[n].dims}, slice(i, i + BLOCK_SIZE))
        yield _Block({**table, **local}, {"N": min(BLOCK_SIZE, N - i)})
