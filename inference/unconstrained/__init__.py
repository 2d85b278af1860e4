"""A program's continuous latents as one unconstrained vector, and the density in its coordinates.

Each ``in_<backend>.py`` has ``UnconstrainedModel(program, keywords, data, needs_latents=True)``, for a program of which
discrete latents are summed out, or else drawn by a guide and given to ``log_joint``; with ``needs_latents`` one without
continuous latents raises ZooError. It has

    shapes, plates, event_dims      of each latent, by site
    size                            the number P of coordinates
    unconstrain(values)             values to the vector (P,), by the backend's bijections
    unconstrain_numpy(values)       the same in NumPy, in 64 bits
    unconstrain_draws(draws)        ``{site: (draws, *unconstrained shape)}`` of values at many draws
    constrain_draws(draws)          its inverse, ``{site: (values, log Jacobian by member of its plates)}``
    constrain_numpy(vector)         the values of a vector in NumPy
    constrain(vector)               ``{site: (value, log |d value / d vector| by member of its plates)}``
    log_density(vector, ...)        in nats, of the values or, with their Jacobian, of the vector
    log_joint(values, ...)          log p(values, data) in nats
    value_grad_hvp(jacobian)        a ``curvature.ValueGradHvp``
    prior_median(seed)              values at the median of a few draws from the prior
    prior_vectors(seed, count)      a hundred draws from the prior, or so many, as vectors in NumPy (count, P)

``kmeans`` and ``principal_axes`` have values at which engines may begin.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo import Card, ZooError
from zoo.sites import KINDS, Site

NUM_PRIOR_DRAWS = 15  # whose median is a start: few, so that different seeds start at different values
NUM_START_DRAWS = 100  # of which one is a start, where the median is impossible
NO_SITES: Mapping[str, Site] = {}
SUM_TOLERANCE = 1e-3  # of a simplex that is typed


def check_start(
    given: object, shapes: Mapping[str, tuple[int, ...]], sites: Mapping[str, Site] = NO_SITES
) -> dict[str, np.ndarray]:
    """The option ``start`` as arrays of floats, for some or all latents; raises ZooError naming the wrong one.

    ``sites`` have the kinds of the values, which are checked too.

    >>> check_start({"mu": [0, 1]}, {"mu": (2,), "sigma": ()})
    {'mu': array([0., 1.])}
    """
    (values,) = check_starts(given, shapes, sites, None)
    return values


def check_starts(
    given: object, shapes: Mapping[str, tuple[int, ...]], sites: Mapping[str, Site], num_chains: int | None
) -> list[dict[str, np.ndarray]]:
    """As ``check_start``, with a start for each chain: from a list of dicts, or arrays with chains first.

    num_chains: None for an engine without chains, which has one start.

    >>> check_starts({"mu": [[0], [1]]}, {"mu": (1,)}, {}, 2)
    [{'mu': array([0.])}, {'mu': array([1.])}]
    """
    chains = num_chains or 1
    if num_chains is not None and isinstance(given, list | tuple):
        if len(given) != chains:
            raise ZooError(f"start is a list of {len(given)}, and there are {chains} chains: give a dict for each")
        return [check_start(of_chain, shapes, sites) for of_chain in given]
    if not isinstance(given, Mapping) or not given:
        lists = "" if num_chains is None else ", or a list of such dicts, one for each chain"
        what = type(given).__name__ if given else "nothing in it"
        raise ZooError(f"start is a dict of arrays for some or all of {', '.join(shapes)}{lists}; given {what}")
    extra = [n for n in given if n not in shapes]
    if extra:
        named = ", ".join(map(str, extra))
        raise ZooError(f"start has {named}, which the program does not; its latents: {', '.join(shapes)}")
    starts: list[dict[str, np.ndarray]] = [{} for _ in range(chains)]
    for name in (n for n in shapes if n in given):
        value, shape = read_numbers(name, given[name]), tuple(shapes[name])
        if value.shape != shape and (num_chains is None or value.shape != (chains, *shape)):
            lists = "" if num_chains is None else f", or {(chains, *shape)} for one start for each chain"
            raise ZooError(f"start needs {name} of shape {shape}{lists}; given {value.shape}")
        kind = sites[name].kind if name in sites else "real"
        if not is_of_kind(value, kind):
            raise ZooError(f"start has a value of {name} that is not {KINDS[kind]}: correct it")
        for start, of_chain in zip(starts, np.broadcast_to(value, (chains, *shape)), strict=True):
            start[name] = of_chain
    return starts


def read_numbers(name: str, value: object) -> np.ndarray:
    """A value of ``start`` as an array of floats; raises ZooError."""
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ZooError(f"start has {name} that is no array of numbers: {type(value).__name__}") from error


def is_of_kind(values: np.ndarray, kind: str) -> bool:
    """Whether values are finite and within the support of a kind.

    >>> is_of_kind(np.array([[1.0, 2.0], [2.0, 1.0]]), "precision"), is_of_kind(np.array([0.5, 0.5]), "simplex")
    (False, True)
    """
    if not np.isfinite(values).all():
        return False
    match kind:
        case "precision":
            is_symmetric = np.allclose(values, np.swapaxes(values, -1, -2), rtol=1e-6, atol=1e-300)
            return is_symmetric and bool((np.linalg.eigvalsh(values) > 0).all())
        case "simplex":
            return bool((values >= 0).all() and (np.abs(values.sum(-1) - 1) < SUM_TOLERANCE).all())
        case "positive":
            return bool((values > 0).all())
        case "unit":
            return bool(((values >= 0) & (values <= 1)).all())
    return True


def without_finite_sums(card: Card) -> str | None:
    """Why the discrete latents of a model cannot be summed out, or None where they can be."""
    if card.sampled:
        return (
            f"{', '.join(card.sampled)} has too many values together to be summed out, and only a guide of svi draws it"
        )
    unbounded = [n for n, site in card.sites().items() if n in card.latents and site.kind == "count"]
    if unbounded:
        return f"{', '.join(unbounded)} is a count without bound and cannot be summed out: give it finite support"
    return None


def without_gradients(card: Card) -> str | None:
    """Why a model has no density with gradients, or None where it has one."""
    if without_finite_sums(card):
        return without_finite_sums(card)
    if card.enumerated and set(card.latents) <= set(card.enumerated):
        return "every latent is discrete, so there are no gradients"
    return None
