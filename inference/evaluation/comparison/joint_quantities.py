"""Quantities of several coordinates in which two posteriors differ most, and the log joint density.

Margins can be right where a correlation is wrong, so that combinations are compared too: those whose spread under the
fit differs most, as a ratio, from that under the reference (generalised eigenvectors of the two covariances). They are
chosen by the first draws and compared by the others, so that the choice makes no error larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from inference.summaries.statistics import FitStatistics, chain_statistics, copies_size

MAX_COORDINATES = 200  # of which combinations are made; of more quantities these are evenly spread
NUM_COMBINATIONS = 2  # at each end: of the narrowest and of the widest
MIN_DRAWS = 100  # of either side
RIDGE = 0.01  # of a correlation matrix: the width, squared, of combinations that are too narrow to matter
CUT = 0.005  # of each tail, so that single draws make no covariance
LOG_JOINT = "the log joint density"


class Sample(NamedTuple):
    """Draws of some quantities, (chain, draw, quantities), and their effective sizes, (quantities,)."""

    quantities: Sequence[str]
    values: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray

    @property
    def flat(self) -> np.ndarray:
        """Every draw, (draws, quantities)."""
        return self.values.reshape(-1, self.values.shape[-1])


def joint_samples(
    fit: FitStatistics, reference: FitStatistics, has_common_density: bool
) -> tuple[Sample, Sample] | None:
    """The joint quantities of a fit and of the reference, or None where there are too few draws or one coordinate."""
    sides = (fit, reference)
    if min(len(s.flat) for s in sides) < MIN_DRAWS or not all(np.isfinite(s.values).all() for s in sides):
        return None
    columns = usable_coordinates(fit.flat, reference.flat)
    names: list[str] = []
    parts: list[list[np.ndarray]] = [[], []]
    halves = [half_of_draws(s) for s in sides]
    if not all(0 < half.sum() < len(half) for half in halves):
        return None
    if len(columns) > 1:
        chosen = [s.values[..., columns] for s in sides]
        first = [v[:, half].reshape(-1, len(columns)) for v, half in zip(chosen, halves, strict=True)]
        directions, scale = combinations(first[0], first[1], None)
        names += [describe(fit.quantities, columns, d) for d in directions]
        for part, v, half in zip(parts, chosen, halves, strict=True):
            part.append(v[:, ~half] / scale @ directions.T)
    if has_common_density and all(np.isfinite(s.lp).all() and np.ptp(s.lp) > 0 for s in sides):
        names.append(LOG_JOINT)
        for part, s, half in zip(parts, sides, halves, strict=True):
            part.append(s.lp[:, ~half, None])
    if not names:
        return None
    ours, theirs = (
        sample(names, np.concatenate(part, -1), s.kind == "chains", None if s.source is None else s.source[~half])
        for part, s, half in zip(parts, sides, halves, strict=True)
    )
    return ours, theirs


def half_of_draws(s: FitStatistics) -> np.ndarray:
    """Which draws of each chain, (draws,), choose the combinations; copies of one draw are all in one half."""
    return (np.arange(s.values.shape[1]) if s.source is None else s.source) % 2 == 0


def reweighted_samples(guide: FitStatistics) -> tuple[list[str], np.ndarray, np.ndarray] | None:
    """Names, draws (draws, quantities) and weights of the joint quantities of a guide and its reweighted draws."""
    x, w = guide.flat, guide.weights
    if len(x) < 2 * MIN_DRAWS or not np.isfinite(x).all() or not np.isfinite(w).all():
        return None
    columns = usable_coordinates(x, x)
    if len(columns) < 2 or w[::2].sum() <= 0 or w[1::2].sum() <= 0:
        return None
    first = x[::2][:, columns]
    directions, scale = combinations(first, first, w[::2] / w[::2].sum())
    values = x[1::2][:, columns] / scale @ directions.T
    names = [describe(guide.quantities, columns, d) for d in directions]
    return names, values, w[1::2] / w[1::2].sum()


def sample(names: Sequence[str], values: np.ndarray, are_chains: bool, source: np.ndarray | None = None) -> Sample:
    """Draws with their effective sizes; independent draws count one by one, copies by their ``source``."""
    if source is not None:
        return Sample(names, values, *copies_size(values[0], source))
    if are_chains:
        _, bulk, tail = chain_statistics(values)
        return Sample(names, values, bulk, tail)
    size = np.full(len(names), float(np.prod(values.shape[:2])))
    return Sample(names, values, size, size)


def usable_coordinates(*draws: np.ndarray) -> np.ndarray:
    """Indices of the quantities that move on both sides, at most ``MAX_COORDINATES``."""
    moves = np.flatnonzero(np.all([np.ptp(x, axis=0) > 0 for x in draws], axis=0))
    return moves[np.linspace(0, len(moves) - 1, min(len(moves), MAX_COORDINATES)).astype(int)]


def combinations(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (combinations, coordinates) of scaled coordinates, and the scales, from draws of both sides."""
    from scipy.linalg import eigh

    low, high = np.quantile(y, (CUT, 1 - CUT), axis=0)
    x, y = np.clip(x, low - (high - low), high + (high - low)), np.clip(y, low, high)
    scale = np.maximum(y.std(0), 1e-300)
    ours, theirs = (np.cov(v.T / scale[:, None], aweights=w) for v, w in ((x, None), (y, weights)))
    ridge = RIDGE * np.eye(len(scale))
    _, vectors = eigh(ours + ridge, theirs + ridge)
    ends = (
        range(len(scale))
        if len(scale) <= 2 * NUM_COMBINATIONS
        else [*range(NUM_COMBINATIONS), *range(-NUM_COMBINATIONS, 0)]
    )
    return vectors.T[list(ends)], scale


def describe(quantities: Sequence[str], columns: np.ndarray, coefficients: np.ndarray) -> str:
    """A combination in words, by its largest terms.

    >>> describe(["a", "b"], np.array([0, 1]), np.array([0.7, -0.7]))
    'a - b (in sds)'
    """
    order = [int(j) for j in np.argsort(-np.abs(coefficients), kind="stable")[:3]]
    terms = [j for j in order if abs(coefficients[j]) > 0.2 * abs(coefficients[order[0]])]
    first, *others = terms
    text = quantities[int(columns[first])]
    for j in others:
        text += f" {'+' if coefficients[j] * coefficients[first] > 0 else '-'} {quantities[int(columns[j])]}"
    return f"{text} (in sds)" if others else text
