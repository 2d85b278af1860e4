"""Where SVI and NUTS begin: where EM would, as far as EM knows the model, else at the median of prior draws.

Each ``in_<backend>.py`` provides ``begin(task, free, seeds)``: values at which to begin, one dict for each seed, and
how they were found: "given", "k-means++", "principal axes", "variational EM", "prior draw" or "prior median".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inference.engines import FitRequest
from inference.unconstrained import check_start
from zoo import Card


def beginning(
    em_start: Callable[..., list[Any]],
    to_backend: Callable[[Any], Any],
    request: FitRequest,
    free: Any,
    seeds: Any,
) -> tuple[list[Any], str]:
    """``begin``, given EM's start in the backend's language and its ``to_backend``."""
    if request.options.start is not None:
        return [to_backend(check_start(request.options.start, free.shapes))] * len(seeds), "given"
    if not (request.card.enumerated or request.card.linear):
        return [free.prior_median(seed) for seed in seeds], "prior median"
    found, local = em_start(request, seeds), set(free.shapes) & set(request.card.local())
    if not set(free.shapes) - local <= set(found[0]):
        return [free.prior_median(seed) for seed in seeds], "prior median"
    if local and local <= set(found[0]):
        return [{n: values[n] for n in free.shapes} for values in found], "variational EM"
    if local:  # EM knows the global latents; those of each row begin where the prior has its median
        found = [free.prior_median(seed) | values for values, seed in zip(found, seeds, strict=True)]
    return [{n: values[n] for n in free.shapes} for values in found], labelled(request.card)


def labelled(card: Card) -> str:
    """How EM finds its start: by the axes of the rows, by k-means labels, or by a draw from the prior."""
    if card.linear and not card.enumerated:
        return "principal axes"
    one_label_a_row = [card.sites()[n].dims for n in card.enumerated] == [("N",)]
    return "k-means++" if one_label_a_row else "prior draw"
