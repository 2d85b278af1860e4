"""Normal emissions with a covariance in each state, or one for all, in closed form.

Steps with the same missing columns share one matrix in each state. What is missing has in the M-step its moments given
what is observed (Little and Rubin 2002, section 11.2): its mean, and the covariance that remains.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.em.gaussian_mixture import MIN_EIGENVALUE, Floors
from inference.engines.em.hidden_markov.normal import EMPTY, LOG_2PI, Units
from inference.engines.em.options import PreparedOptions
from zoo.types import Keywords


class FullNormalEmissions:
    """``chain.Emissions`` of the steps (S, D)."""

    def __init__(self, steps: np.ndarray, keywords: Keywords, options: PreparedOptions, units: Units):
        self.units, self.is_map, self.is_tied = units, options.is_map, keywords["emission"] == "tied_normal"
        self.units_of_products = np.multiply.outer(units.scale, units.scale)
        self.y = (steps - units.centre) / units.scale
        patterns, pattern_of_step = np.unique(~np.isnan(steps), axis=0, return_inverse=True)
        pattern_of_step = pattern_of_step.reshape(-1)
        order = np.argsort(pattern_of_step, kind="stable")
        ends = np.cumsum(np.bincount(pattern_of_step, minlength=len(patterns)))
        # the columns that are observed together, and the steps with these; a step without values says nothing
        by_pattern = zip(patterns, np.split(order, ends[:-1]), strict=True)
        self.patterns = [(columns, steps) for columns, steps in by_pattern if columns.any()]
        self.has_value = np.asarray(patterns.any(axis=-1))[pattern_of_step].astype(float)

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        mean, precision = self._standardised(params)
        logs = np.zeros((len(self.y), len(mean)))
        covariance = symmetric_inverse(precision)
        for columns, steps in self.patterns:
            y = self.y[np.ix_(steps, columns)]
            # an inverse loses digits where columns nearly determine each other: complete steps need none
            of_columns = precision if columns.all() else symmetric_inverse(covariance[:, columns][:, :, columns])
            roots = np.linalg.cholesky(of_columns)
            log_det = 2 * np.log(np.diagonal(roots, axis1=1, axis2=2) / self.units.scale[columns]).sum(1)
            for k, root in enumerate(roots):
                half = (y - mean[k, columns]) @ root
                squares = np.einsum("sd,sd->s", half, half)
                logs[steps, k] = 0.5 * (log_det[k] - squares - LOG_2PI * columns.sum())
        return logs

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        units, K = self.units, posterior.shape[1]
        n = np.maximum(self.has_value @ posterior, EMPTY)
        if previous is None:  # the means of what is observed, and the prior of the covariances
            observed = ~np.isnan(self.y)
            count = posterior.T @ observed
            before = np.broadcast_to(np.diag(units.spread**-2), (K, len(units.scale), len(units.scale)))
            mean = (posterior.T @ np.where(observed, self.y, 0.0) + units.loc) / (count + 1)
        else:
            mean, before = self._standardised(previous)
        first, scatter = self._moments(posterior, mean, before)
        if self.is_map or previous is None:  # a state of one step has no covariance: the start has the prior too
            prior, inverse_scale = 1.0, np.diag(units.mean_scale**-2)
            right = np.einsum("kij,kj->ki", before, first) + (units.loc - mean) / units.mean_scale**2
            shift = np.linalg.solve(n[:, None, None] * before + inverse_scale, right[..., None])[..., 0]
        else:
            prior, shift = 0.0, first / n[:, None]
        cross = shift[:, :, None] * first[:, None, :]
        outer = shift[:, :, None] * shift[:, None, :]
        scatter = scatter - cross - np.swapaxes(cross, 1, 2) + n[:, None, None] * outer
        if self.is_tied:
            scatter, n = scatter.sum(0), n.sum()
        S = (scatter + prior * np.diag(units.spread**2)) / (n + prior)[..., None, None]
        return {
            "mu": units.centre + units.scale * (mean + shift),
            "Lambda": floored_inverse(S, units.floor) / self.units_of_products,
        }

    def _moments(self, posterior: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The expected sums of y - mean (K, D), and of their products (K, D, D), with the missing values."""
        first, second = np.zeros_like(mean), np.zeros((*mean.shape, mean.shape[1]))
        for columns, steps in self.patterns:
            y, missing = self.y[steps], ~columns
            for k in range(len(mean)):
                r, difference = posterior[steps, k], y - mean[k]
                if missing.any():  # given the observed values, by the blocks of the precision
                    of_missing = precision[k][np.ix_(missing, missing)]
                    # not by the inverse, whose errors leave the plane in which columns determine each other
                    slope = np.linalg.solve(of_missing, precision[k][np.ix_(missing, columns)])
                    difference[:, missing] = -difference[:, columns] @ slope.T
                    second[k][np.ix_(missing, missing)] += r.sum() * symmetric_inverse(of_missing)
                weighted = r[:, None] * difference
                first[k] += weighted.sum(0)
                second[k] += weighted.T @ difference
        return first, second

    def _standardised(self, params: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The means (K, D) and precisions (K, D, D) in units of the columns."""
        mean = (params["mu"] - self.units.centre) / self.units.scale
        precision = params["Lambda"] * self.units_of_products
        return mean, np.broadcast_to(precision, (len(mean), *precision.shape[-2:]))


def floored_inverse(covariance: np.ndarray, floor: Floors) -> np.ndarray:
    """The inverse of covariances (..., D, D) in units of the columns, no eigenvalue of them below the floor."""
    if floor.clip is not None:
        values, vectors = np.linalg.eigh(covariance)
        smallest = np.maximum(floor.clip, MIN_EIGENVALUE * values[..., -1:])  # a precision beyond has no digits
        return (vectors / np.maximum(values, smallest)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    width = np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), floor.variance))
    products = width[..., :, None] * width[..., None, :]
    values, vectors = np.linalg.eigh(covariance / products)
    inverse = (vectors / np.maximum(values, floor.eigenvalue)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return inverse / products


def symmetric_inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverses (..., D, D) of positive definite matrices; directions of small variance keep their digits."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors / values[..., None, :]) @ np.swapaxes(vectors, -1, -2)
