"""A program's continuous latents as one vector of free numbers, and the shape of its density there.

Each ``in_<backend>.py`` promises ``Free(program, keywords, data)``, for a program without discrete latents, with

    shapes, plates, event_dims      of each latent, by site
    size                            how many free numbers there are
    flat(values)                    constrained values to the vector, by the backend's bijections
    numbers(values)                 the same in numpy, in 64 bits
    constrain(free)                 ``{site: (value, log |d value / d free| by member of its plates)}``
    look(jacobian)                  a Look: the log density at a point, from numpy to numpy
    prior_median(seed)              values at the median of a few draws from the prior

and ``begin(task, free, seeds)``: values at which to begin, one dict for each seed, and how they were
found: "given", "k-means++", "principal axes", "variational EM", "prior draw" or "prior median".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from inference.engines import Task
from zoo import Card, ZooError

FEW = 15  # prior draws whose median is a place to begin: few, so that one seed's is not another's


def check_start(given: Any, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The option ``start`` as arrays of floats, one for each latent; raises ZooError naming the one at fault.

    >>> check_start({"mu": [0, 1]}, {"mu": (2,)})
    {'mu': array([0., 1.])}
    """
    if not isinstance(given, Mapping):
        raise ZooError(f"start is a dict of arrays, one for each of {', '.join(shapes)}; given {type(given).__name__}")
    values = {n: np.asarray(v, dtype=float) for n, v in given.items()}
    extra = [n for n in values if n not in shapes]
    if extra:
        raise ZooError(f"start has {', '.join(extra)}, which the program does not; its latents: {', '.join(shapes)}")
    for name, shape in shapes.items():
        if name not in values or values[name].shape != tuple(shape):
            had = values[name].shape if name in values else "nothing"
            raise ZooError(f"start needs {name} of shape {tuple(shape)}; given {had}")
    return values


def beginning(
    em_start: Callable[..., list[Any]],
    enter: Callable[[Any], Any],
    task: Task,
    free: Any,
    seeds: Any,
) -> tuple[list[Any], str]:
    """``begin``, given EM's start in the backend's language and its ``enter``."""
    if task.options["start"] is not None:
        return [enter(check_start(task.options["start"], free.shapes))] * len(seeds), "given"
    if not (task.card.enumerated or task.card.linear):
        return [free.prior_median(seed) for seed in seeds], "prior median"
    found, local = em_start(task, seeds), set(free.shapes) & set(task.card.local())
    if not set(free.shapes) - local <= set(found[0]):
        return [free.prior_median(seed) for seed in seeds], "prior median"
    if local and local <= set(found[0]):
        return [{n: values[n] for n in free.shapes} for values in found], "variational EM"
    if local:  # EM knows the global latents; those of each row begin where the prior has its median
        found = [free.prior_median(seed) | values for values, seed in zip(found, seeds, strict=True)]
    return [{n: values[n] for n in free.shapes} for values in found], labelled(task.card)


def labelled(card: Card) -> str:
    """How EM finds its start: by the axes of the rows, by k-means labels, or by a draw from the prior."""
    if card.linear and not card.enumerated:
        return "principal axes"
    one_label_a_row = [card.sites()[n].dims for n in card.enumerated] == [("N",)]
    return "k-means++" if one_label_a_row else "prior draw"


def without_gradients(card: Card) -> str | None:
    """Why a program cannot be seen as a density of free numbers, or None where it can."""
    endless = [n for n in card.latents if card.sites()[n].kind == "count"]
    if endless:
        return f"{', '.join(endless)} is a count without bound and cannot be summed out"
    if card.enumerated and set(card.latents) <= set(card.enumerated):
        return "every latent is discrete: there is nothing to move along"
    return None
