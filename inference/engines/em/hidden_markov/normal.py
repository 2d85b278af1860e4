"""Normal emissions with independent columns, in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

import numpy as np

from inference.engines.em.gaussian_mixture import Floors, floors, narrowest
from inference.engines.em.options import PreparedOptions
from zoo.errors import ZooError
from zoo.types import Keywords

LOG_2PI = 1.8378770664093453
EMPTY = 1e-300  # a state without steps keeps finite parameters
MIN_WEIGHT = 1e-9  # of the observed values of a column in a state, below which the column says nothing there


def kernels() -> ModuleType:
    """The compiled loops, loaded when they are first needed."""
    from inference.engines.em.hidden_markov import kernels

    return kernels


class Units(NamedTuple):
    """Units in which each column has mean 0 and variance 1, (D,) each, and the prior and the floors in them."""

    centre: np.ndarray
    scale: np.ndarray
    loc: np.ndarray
    mean_scale: np.ndarray
    spread: np.ndarray
    floor: Floors


def units_of(steps: np.ndarray, weights: np.ndarray, keywords: Keywords, options: PreparedOptions) -> Units:
    """The units of steps (S, D) with weights (S,), missing values left out."""
    observed = ~np.isnan(steps)
    count = np.maximum(weights @ observed, EMPTY)
    centre = weights @ np.where(observed, steps, 0.0) / count
    scale = np.sqrt(weights @ np.where(observed, steps - centre, 0.0) ** 2 / count)
    scale = np.where(scale > 0, scale, 1.0)
    loc, mean_scale, spread = (np.broadcast_to(keywords[n], scale.shape) for n in ("loc", "scale", "spread"))
    floor = floors(options, centre, scale)
    return Units(centre, scale, (loc - centre) / scale, mean_scale / scale, spread / scale, floor)


def check_width(precision: np.ndarray, covariance: str, units: Units, options: PreparedOptions) -> None:
    """Raise ZooError where a state is as narrow as numbers of 64 bits allow, without a floor by the user or a prior."""
    if units.floor.clip is not None or options.is_map:
        return
    widths = narrowest(precision, covariance, units.scale, units.floor)
    k = int(widths.argmin())
    if widths[k] <= 1.01:
        name = f"state {k}" if len(widths) > 1 else "the covariance"
        raise ZooError(
            f"{name} collapsed to a point, a line or a plane, so the likelihood has no maximum there; use "
            "objective='map', fewer K, another seed, or give a covariance_floor"
        )


class NormalEmissions:
    """``chain.Emissions`` of the steps (S, D)."""

    def __init__(self, steps: np.ndarray, keywords: Keywords, options: PreparedOptions, units: Units):
        self.units, self.is_map = units, options.is_map
        self.y = (steps - units.centre) / units.scale
        observed = ~np.isnan(self.y)
        self.observed = None if observed.all() else observed.astype(float)
        self.filled = self.y if self.observed is None else np.nan_to_num(self.y)
        floor = units.floor
        self.least = floor.variance if floor.clip is None else np.full(len(units.scale), floor.clip)

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        m, precision = (params["mu"] - self.units.centre) / self.units.scale, params["Lambda"] * self.units.scale**2
        constant = np.log(precision) - 2 * np.log(self.units.scale) - LOG_2PI
        logs = np.empty((len(self.y), len(m)))
        kernels().normal_logs(self.y, *(np.ascontiguousarray(a.T) for a in (m, precision, constant)), logs)
        return logs

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        units = self.units
        if self.observed is None:
            n = np.broadcast_to(posterior.sum(0)[:, None], (posterior.shape[1], len(units.scale)))
        else:
            n = posterior.T @ self.observed
        n, first = np.maximum(n, EMPTY), posterior.T @ self.filled
        if self.is_map or previous is None:  # a state of one step has no variance: the start has the prior too
            before = np.full(n.shape, units.spread**-2) if previous is None else previous["Lambda"] * units.scale**2
            prior = 1.0
            m = (before * first + units.loc / units.mean_scale**2) / (n * before + units.mean_scale**-2)
        else:
            prior, m = 0.0, first / n
        scatter = np.zeros((len(units.scale), len(m)))
        kernels().normal_scatter(self.y, posterior, np.ascontiguousarray(m.T), scatter)
        variance = np.maximum((scatter.T + prior * units.spread**2) / (n + prior), self.least)
        variance = np.where(n + prior > MIN_WEIGHT, variance, 1.0)
        return {"mu": units.centre + units.scale * m, "Lambda": 1 / (variance * units.scale**2)}
