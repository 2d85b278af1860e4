"""Data that a program cannot have: elements with density 0 whatever the latents, by site, row, value and support.

Each ``in_<backend>.py`` has ``observed_elements(program, inputs, seed)``: the ``ObservedElements`` of each observed
site where every latent has some value within its support.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from zoo import Model
from zoo._backend import backend_of, in_backend
from zoo.sites import KINDS

NUM_VALUES = 5  # of the latents: a datum that none of them allows is impossible
MAX_NUMBERS = 3  # of an event in a message


class ObservedElements(NamedTuple):
    """The values of an observed site, (*batch, *event), with their log densities, (*batch), at some latents.

    distribution: its name. kind: of its support, as on a card. bounds: of its support, arrays or None.
    """

    values: np.ndarray
    log_density: np.ndarray
    distribution: str
    kind: str
    bounds: tuple[np.ndarray | None, np.ndarray | None]


def impossible_data(
    model: Model, table: Mapping[str, Any], keywords: Mapping[str, Any], dtype: str | None, device: str
) -> str | None:
    """Say in one line which datum has no density under a program, at several values of the latents; None if none is."""
    backend, module = backend_of(model), in_backend("inference.exact.observed", model.backend)
    with backend.runtime(dtype, device):
        inputs = {**backend.to_backend(dict(table)), **backend.to_backend(dict(keywords))}
        try:
            runs = [module.observed_elements(model.program, inputs, seed) for seed in range(NUM_VALUES)]
        except Exception:  # whatever the program raises: the error at hand is reported then
            return None
    for name, elements in runs[0].items():
        is_impossible = np.all([~np.isfinite(run[name].log_density) for run in runs], axis=0)
        is_missing = np.isnan(np.asarray(elements.values, float))
        is_missing = is_missing.reshape(*is_missing.shape[: is_impossible.ndim], -1).any(-1)
        is_impossible = is_impossible & ~is_missing
        if is_impossible.any():
            return describe_impossible(name, elements, is_impossible)
    return None


def describe_impossible(name: str, elements: ObservedElements, is_impossible: np.ndarray) -> str:
    """The line about the first impossible element of a site."""
    index = tuple(int(i) for i in np.argwhere(is_impossible)[0])
    batch_shape = is_impossible.shape
    values = np.broadcast_to(elements.values, (*batch_shape, *elements.values.shape[len(batch_shape) :]))[index]
    shown = ", ".join(f"{v:g}" for v in np.ravel(values)[:MAX_NUMBERS]) + (", ..." if values.size > MAX_NUMBERS else "")
    place = f"row {index[0]}" + (f", column {index[1]}," if len(index) > 1 else "") if index else "the value"
    more = f" (and {int(is_impossible.sum()) - 1} more)" if is_impossible.sum() > 1 else ""
    return (
        f"{place} of {name}{more} is {shown}, where {elements.distribution} has the log density "
        f"{elements.log_density[index]:g} whatever the latents: its support is {support_text(elements)}; correct or "
        "drop it, or choose another distribution"
    )


def support_text(elements: ObservedElements) -> str:
    """The support of a distribution in words, with its bounds where it has them.

    >>> support_text(ObservedElements(np.zeros(1), np.zeros(1), "Uniform", "real", (np.zeros(1), np.full(1, 5.0))))
    'any number between 0 and 5'
    """
    low, high = (None if b is None or np.unique(b).size != 1 else float(np.ravel(b)[0]) for b in elements.bounds)
    if elements.kind in ("real", "unit", "positive") and low is not None and high is not None and high < np.inf:
        return f"any number between {low:g} and {high:g}"
    if elements.kind in ("real", "positive") and low is not None and low > -np.inf:
        return f"any number above {low:g}"
    return KINDS[elements.kind]
