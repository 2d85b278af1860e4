"""Problem: a program with a posterior that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

Kind = str  # "real", "positive" or "unit": the support of a coordinate


class Problem(NamedTuple):
    """A program with exact draws of its posterior.

    A draw is a vector of P coordinates, the entries of the sites in their order.

    Attributes
    ----------
    sites : mapping of str to tuple of int
        The shape of each latent site.
    supports : list of str
        "real", "positive" or "unit" for each coordinate.
    draw : function of (generator, count)
        Independent draws from the posterior, (count, P).
    log_density : function of draws (count, P)
        The log joint density in nats, up to a constant, (count,).
    program : callable
        The program in NumPyro.
    arguments : dict of str to object
        Its arguments by keyword.
    is_multimodal : bool
        Whether the posterior has several modes apart, each with 1% of the mass or more.
    has_moments : bool
        Whether the coordinates have a variance; errors of medians are taken where they have none.
    mode_of : function of draws (count, P), optional
        The number of the mode that each draw is nearest to, 0 for the largest; of a posterior with several.
    swap : function of draws (count, P), optional
        The draws with exchangeable labels permuted.
    """

    sites: Mapping[str, tuple[int, ...]]
    supports: list[Kind]
    draw: Callable[[np.random.Generator, int], np.ndarray]
    log_density: Callable[[np.ndarray], np.ndarray]
    program: Callable[..., Any]
    arguments: Mapping[str, Any]
    is_multimodal: bool = False
    has_moments: bool = True
    mode_of: Callable[[np.ndarray], np.ndarray] | None = None
    swap: Callable[[np.ndarray], np.ndarray] | None = None
    name: str = ""
    family: str = ""

    def by_site(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Draws (..., P) as values of the sites, (..., *shape)."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.sites.values()])
        parts = np.split(x, ends[:-1], axis=-1)
        return {
            name: part.reshape(*x.shape[:-1], *shape)
            for (name, shape), part in zip(self.sites.items(), parts, strict=True)
        }

    def unconstrain(self, x: np.ndarray) -> np.ndarray:
        """Coordinates without bounds: logs of positive numbers, logits of those between 0 and 1."""
        is_positive, is_unit = (np.array([s == kind for s in self.supports]) for kind in ("positive", "unit"))
        with np.errstate(all="ignore"):
            return np.where(is_positive, np.log(x), np.where(is_unit, np.log(x) - np.log1p(-x), x))

    def constrain(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inverse, and the log of its Jacobian, (...,)."""
        is_positive, is_unit = (np.array([s == kind for s in self.supports]) for kind in ("positive", "unit"))
        with np.errstate(all="ignore"):
            unit = 1 / (1 + np.exp(-z))
            x = np.where(is_positive, np.exp(z), np.where(is_unit, unit, z))
            log_jacobian = np.where(is_positive, z, np.where(is_unit, -np.logaddexp(0, z) - np.logaddexp(0, -z), 0.0))
        return x, log_jacobian.sum(-1)


def grid_sampler(
    log_density: Callable[[np.ndarray], np.ndarray], axes: list[np.ndarray]
) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Draws of a density of one or two coordinates from a grid, uniform within its cells.

    axes: the points of each coordinate, equally spaced.
    """
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    logs = log_density(mesh)
    mass = np.exp(logs - logs.max())
    mass /= mass.sum()
    width = np.array([a[1] - a[0] for a in axes])

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        cells = rng.choice(len(mesh), size=count, p=mass)
        return mesh[cells] + width * rng.uniform(-0.5, 0.5, (count, len(axes)))

    return draw
