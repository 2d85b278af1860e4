"""A program's continuous latents as one vector of free numbers, and the shape of its density there.

Each ``in_<backend>.py`` promises ``UnconstrainedModel(program, keywords, data)``, for a program without discrete
latents, with

    shapes, plates, event_dims      of each latent, by site
    size                            how many free numbers there are
    flat(values)                    constrained values to the vector, by the backend's bijections
    numbers(values)                 the same in numpy, in 64 bits
    constrain(free)                 ``{site: (value, log |d value / d free| by member of its plates)}``
    look(jacobian)                  a Look: the log density at a point, from numpy to numpy
    prior_median(seed)              values at the median of a few draws from the prior
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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


def without_gradients(card: Card) -> str | None:
    """Why a program cannot be seen as a density of free numbers, or None where it can."""
    endless = [n for n in card.latents if card.sites()[n].kind == "count"]
    if endless:
        return f"{', '.join(endless)} is a count without bound and cannot be summed out"
    if card.enumerated and set(card.latents) <= set(card.enumerated):
        return "every latent is discrete: there is nothing to move along"
    return None
