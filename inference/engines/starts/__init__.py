"""Where SVI and NUTS begin: where EM would, as far as EM fits the model, else at the median of prior draws.

Each ``in_<backend>.py`` has ``begin(request, model, seeds)``, see ``find_starts``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from inference.engines import FitRequest
from inference.engines.nuts.options import NUTSOptions
from inference.engines.svi.options import SVIOptions
from inference.unconstrained import check_start
from zoo import Card
from zoo.types import BackendArray, BackendParams


def find_starts(
    em_values: Callable[[FitRequest[SVIOptions] | FitRequest[NUTSOptions], Sequence[int]], list[BackendParams]],
    to_backend: Callable[[Mapping[str, np.ndarray]], BackendParams],
    request: FitRequest[SVIOptions] | FitRequest[NUTSOptions],
    model: BackendArray,
    seeds: Sequence[int],
) -> tuple[list[BackendParams], str]:
    """Values at which to begin, one dict for each seed, and how they were found.

    em_values: the backend's ``initial_values`` of EM. model: the backend's ``UnconstrainedModel``. The second output is
    "given", "k-means++", "principal axes", "variational EM", "prior draw" or "prior median".
    """
    if request.options.start is not None:
        return [
            to_backend(check_start(request.options.start, model.shapes, request.card.sites(request.keywords)))
        ] * len(seeds), "given"
    if not (request.card.enumerated or request.card.linear):
        return [model.prior_median(seed) for seed in seeds], "prior median"
    values, local = em_values(request, seeds), set(model.shapes) & set(request.card.local())
    if not set(model.shapes) - local <= set(values[0]):
        return [model.prior_median(seed) for seed in seeds], "prior median"
    if local and local <= set(values[0]):
        return [{n: v[n] for n in model.shapes} for v in values], "variational EM"
    if local:  # EM gives the global latents; those of the rows begin at the median of the prior
        values = [model.prior_median(seed) | v for v, seed in zip(values, seeds, strict=True)]
    return [{n: v[n] for n in model.shapes} for v in values], start_method(request.card)


def start_method(card: Card) -> str:
    """How EM begins: at the principal axes of the rows, by k-means labels, or at a draw from the prior."""
    if card.linear and not card.enumerated:
        return "principal axes"
    has_one_label_per_row = [card.sites()[n].dims for n in card.enumerated] == [("N",)]
    return "k-means++" if has_one_label_per_row and card.exchangeable else "prior draw"
