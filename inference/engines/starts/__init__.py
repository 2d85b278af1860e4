"""Where SVI and NUTS begin: where EM would, as far as EM fits the model, else in the modes above draws from the prior.

Where no ascent ends at a mode, as in a funnel, or a search would take too long, it is the median of prior draws.
A model may have a start of its own, the hook ``start``: a module with ``start(table, keywords, seed)``, the values of
all continuous latents in NumPy, and ``METHOD``, a word for it. Guides are then about this start, and not about a mode.

Each ``in_<backend>.py`` has ``begin(request, model, seeds)``, see ``find_starts``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from inference.alignment.labels import label_axes, match_components, permute_labels
from inference.engines import FitRequest
from inference.engines.nuts.options import NUTSOptions
from inference.engines.svi.options import SVIOptions
from inference.unconstrained import check_starts
from inference.unconstrained.mode_search import (
    MAX_SEARCH_SIZE,
    NUM_ASCENTS,
    FoundMode,
    search_modes,
    starts_in_modes,
)
from zoo import Card
from zoo.data.tables import SEQUENCES
from zoo.hooks import find_hook
from zoo.types import BackendArray, BackendParams, Keywords


class Starts(NamedTuple):
    """Values at which to begin, one dict for each seed, how they were found, and the modes that are known.

    method: "given", "k-means++", "clusterwise regression", "principal axes", "variational EM", "prior draw", "modes",
    "prior median" or the ``METHOD`` of the own start of a model, "" where nothing is begun with; where some values are
    given it is as in "given pi, else k-means++". masses: of the modes found by a search, as parts of their sum, the
    largest first.
    """

    values: Sequence[BackendParams]
    method: str
    masses: tuple[float, ...] = ()


NO_STARTS = Starts([], "")


def find_starts(
    em_values: Callable[[FitRequest[SVIOptions] | FitRequest[NUTSOptions], Sequence[int]], list[BackendParams]],
    to_backend: Callable[[Mapping[str, np.ndarray]], BackendParams],
    to_numpy: Callable[[Mapping[str, BackendArray]], dict[str, np.ndarray]],
    request: FitRequest[SVIOptions] | FitRequest[NUTSOptions],
    model: BackendArray,
    seeds: Sequence[int],
) -> Starts:
    """Values at which to begin, one dict for each seed.

    em_values: the backend's ``initial_values`` of EM. model: the backend's ``UnconstrainedModel``.
    """
    options, sites = request.options, request.card.sites(request.keywords)
    given: list[dict[str, np.ndarray]] = [{} for _ in seeds]
    if options.start is not None:
        given = check_starts(options.start, model.shapes, sites, getattr(options, "num_chains", None))
    if all(values.keys() == model.shapes.keys() for values in given):
        return Starts([to_backend(values) for values in given], "given")
    usual, method, masses = usual_starts(em_values, to_backend, request, model, seeds)
    starts = [
        to_backend(complete_start(request.card, request.keywords, some, to_numpy(values))) if some else values
        for some, values in zip(given, usual, strict=True)
    ]
    return Starts(starts, describe_start((name for some in given for name in some), method), masses)


def usual_starts(
    em_values: Callable[[FitRequest[SVIOptions] | FitRequest[NUTSOptions], Sequence[int]], list[BackendParams]],
    to_backend: Callable[[Mapping[str, np.ndarray]], BackendParams],
    request: FitRequest[SVIOptions] | FitRequest[NUTSOptions],
    model: BackendArray,
    seeds: Sequence[int],
) -> Starts:
    """Values at which to begin where none are given; as ``find_starts``."""
    own = find_hook(request.card.package, "start", home=__name__)
    if own:
        module = importlib.import_module(own)
        starts = [module.start(request.table, request.keywords, seed) for seed in seeds]
        return Starts([to_backend({n: values[n] for n in model.shapes}) for values in starts], module.METHOD)
    if not (request.card.enumerated or request.card.linear):
        return starts_by_search(request, model, seeds)
    values, local = em_values(request, seeds), set(model.shapes) & set(request.card.local())
    if not set(model.shapes) - local <= set(values[0]):
        return starts_by_search(request, model, seeds)
    if local and local <= set(values[0]):
        return Starts([{n: v[n] for n in model.shapes} for v in values], "variational EM")
    if local:  # EM gives the global latents; those of the rows begin at the median of the prior
        values = [model.prior_median(seed) | v for v, seed in zip(values, seeds, strict=True)]
    return Starts([{n: v[n] for n in model.shapes} for v in values], start_method(request.card))


def starts_by_search(
    request: FitRequest[SVIOptions] | FitRequest[NUTSOptions], model: BackendArray, seeds: Sequence[int]
) -> Starts:
    """Starts in the modes above draws from the prior, chains spread about them; else medians of prior draws."""
    if model.size > MAX_SEARCH_SIZE:
        return Starts([model.prior_median(seed) for seed in seeds], "prior median")
    value_grad_hvp, rng = model.value_grad_hvp(), np.random.default_rng([seeds[0], NUM_ASCENTS])
    draws = model.prior_vectors(int(rng.integers(2**20)), NUM_ASCENTS)
    median = model.prior_median(seeds[0])
    points = [model.unconstrain_numpy(median), *draws]
    modes: list[FoundMode] = search_modes(value_grad_hvp, points, bool(request.card.symmetries))
    if not modes:
        return Starts([median, *(model.prior_median(seed) for seed in seeds[1:])], "prior median")
    mass = np.exp([mode.log_mass - modes[0].log_mass for mode in modes])
    is_one = len(seeds) == 1  # a guide, or one chain, is in the largest
    vectors = [modes[0].point] if is_one else starts_in_modes(value_grad_hvp, modes, len(seeds), rng)
    values = [model.constrain_numpy(vector) for vector in vectors]
    return Starts(values, "modes", tuple(mass / mass.sum()))


def complete_start(
    card: Card, settings: Keywords, given: Mapping[str, np.ndarray], usual: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The values given, and the usual ones of the other latents, with components in the order of those given."""
    draws = {n: np.asarray(v)[None, None] for n, v in usual.items()}
    sites = card.sites(settings)
    for dim in card.exchangeable:
        named = [n for n in given if n in usual and n in sites and len(label_axes(sites[n].dims, dim)) == 1]
        if named:
            axes = [label_axes(sites[n].dims, dim)[0] for n in named]
            f, target = (
                np.concatenate([rows_of(values[n], axis) for n, axis in zip(named, axes, strict=True)], axis=1)
                for values in ({n: v[0, 0] for n, v in draws.items()}, given)
            )
            values = np.concatenate([f, target])
            size = np.maximum(np.abs(values).max(0), 1e-300)  # squares of values above 1e154 are no numbers
            order = match_components(f[None], target, size * (values / size).std(0))
            draws = {**draws, **permute_labels(card, settings, draws, order[None], dim)}
    return {**{n: v[0, 0] for n, v in draws.items()}, **given}


def rows_of(values: np.ndarray, axis: int) -> np.ndarray:
    """The numbers of each component, (K, numbers), of an array with components along an axis."""
    moved = np.moveaxis(np.asarray(values), axis, 0)
    return moved.reshape(len(moved), -1)


def describe_start(given: Iterable[str], method: str) -> str:
    """How a start was found of which some values are given, or none: their names, and the method for the others.

    >>> describe_start(["pi"], "k-means++"), describe_start([], "k-means++")
    ('given pi, else k-means++', 'k-means++')
    """
    names = ", ".join(dict.fromkeys(given))
    return f"given {names}, else {method}" if names else method


def start_method(card: Card) -> str:
    """How EM begins: at the principal axes, by labels from k-means or clusterwise regression, or at a prior draw."""
    if card.linear and not card.enumerated:
        return "principal axes"
    if card.regression:
        return "clusterwise regression"
    has_labels = [card.sites()[n].dims for n in card.enumerated] in ([("N",)], [SEQUENCES]) and not card.of_words
    return "k-means++" if has_labels and card.exchangeable else "prior draw"
