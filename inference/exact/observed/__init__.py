"""Data that a program cannot have: elements with density 0 at some latents or at all, by site, row, value and support.

Each ``in_<backend>.py`` has ``observed_elements(program, inputs, seed)``: the ``ObservedElements`` of each observed
site where every latent has some value within its support.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo import Model
from zoo._backend import backend_of, in_backend
from zoo.sites import KINDS

NUM_VALUES = 5  # of the latents: a datum that none of them allows is impossible
MAX_VALUE = 1e150  # has a square beyond 64 bits, or nearly so
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
    """Say in one line which datum has no density under a program at some values of the latents; None if none is.

    The datum is at fault where no value gives it a density, and its support is the same at all of them.
    """
    backend, module = backend_of(model), in_backend("inference.exact.observed", model.backend)
    with backend.runtime(dtype, device):
        inputs = {**backend.to_backend(dict(table)), **backend.to_backend(dict(keywords))}
        try:
            runs = [module.observed_elements(model.program, inputs, seed) for seed in range(NUM_VALUES)]
        except Exception:  # whatever the program raises: the error at hand is reported then
            return None
    sites = {name: [run[name] for run in runs] for name in runs[0]}
    for name, at_values in sites.items():
        is_impossible = np.all([has_no_density(e) for e in at_values], axis=0)
        if is_impossible.any() and not depends_on_latents(at_values):
            return describe_impossible(name, at_values[0], is_impossible)
    for name, at_values in sites.items():
        outside = next((e for e in at_values if has_no_density(e).any()), None)
        if outside and depends_on_latents(at_values):
            return describe_outside(name, outside, has_no_density(outside))
    return None


def has_no_density(elements: ObservedElements) -> np.ndarray:
    """Whether each element that is not missing has the density 0, (*batch)."""
    is_missing = np.isnan(np.asarray(elements.values, float))
    batch_dims = elements.log_density.ndim
    return ~np.isfinite(elements.log_density) & ~is_missing.reshape(*is_missing.shape[:batch_dims], -1).any(-1)


def depends_on_latents(at_values: Sequence[ObservedElements]) -> bool:
    """Whether the bounds of a support differ between values of the latents."""
    ends = ([e.bounds[i] for e in at_values if e.bounds[i] is not None] for i in (0, 1))
    return any(not np.array_equal(np.asarray(end[0]), np.asarray(b)) for end in ends for b in end[1:])


def describe_impossible(name: str, elements: ObservedElements, is_impossible: np.ndarray) -> str:
    """The line about the first impossible element of a site."""
    place, shown, index = first_element(name, elements, is_impossible)
    density = f"{place} is {shown}, where {elements.distribution} has the log density {elements.log_density[index]:g}"
    if np.abs(np.asarray(value_at(elements, index), float)).max() > MAX_VALUE:
        return f"{density}, for squares are beyond 64 bits: correct or drop it, or give {name} in other units"
    return (
        f"{density} whatever the latents: its support is {support_text(elements)}; correct or drop it, or choose "
        "another distribution"
    )


def describe_outside(name: str, elements: ObservedElements, is_outside: np.ndarray) -> str:
    """The line about the first element outside of a support whose bounds depend on the latents."""
    place, shown, _ = first_element(name, elements, is_outside)
    return (
        f"{place} is {shown}, and the support of {elements.distribution} depends on the latents (at some of their "
        f"values {support_text(elements)}): let start= have every value inside; each draw of a guide must have, so "
        "take engine='nuts', or write the bound as one that the data keep, as x.max() plus a positive latent"
    )


def first_element(name: str, elements: ObservedElements, is_chosen: np.ndarray) -> tuple[str, str, tuple[int, ...]]:
    """The first chosen element of a site: its place and its value in words, and its index."""
    index = tuple(int(i) for i in np.argwhere(is_chosen)[0])
    values = value_at(elements, index)
    shown = ", ".join(f"{v:g}" for v in np.ravel(values)[:MAX_NUMBERS]) + (", ..." if values.size > MAX_NUMBERS else "")
    place = f"row {index[0]}" + (f", column {index[1]}," if len(index) > 1 else "") if index else "the value"
    more = f" (and {int(is_chosen.sum()) - 1} more)" if is_chosen.sum() > 1 else ""
    return f"{place} of {name}{more}", shown, index


def value_at(elements: ObservedElements, index: tuple[int, ...]) -> np.ndarray:
    """The value of an element, with the dimensions of its event."""
    batch_shape = elements.log_density.shape
    return np.broadcast_to(elements.values, (*batch_shape, *elements.values.shape[len(batch_shape) :]))[index]


def support_text(elements: ObservedElements) -> str:
    """The support of a distribution in words, with its bounds where it has them.

    >>> support_text(ObservedElements(np.zeros(1), np.zeros(1), "Uniform", "real", (np.zeros(1), np.full(1, 5.0))))
    'any number between 0 and 5'
    """
    low, high = (None if b is None or np.unique(b).size != 1 else float(np.ravel(b)[0]) for b in elements.bounds)
    if elements.kind not in ("real", "unit", "positive") or low is None or high is None:
        return KINDS[elements.kind]
    if high == np.inf:
        return f"any number above {low:g}" if low > -np.inf else KINDS[elements.kind]
    return f"any number between {low:g} and {high:g}" if low > -np.inf else f"any number below {high:g}"
