"""Rows, scores and frozen codes of the tests of disentanglement."""

import numpy as np

from inference import disentanglement
from inference.analysis.disentanglement.inputs import make_rows, read_factors

METRICS = disentanglement.all_metrics()
SQUARE = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
MIXED = SQUARE @ np.array([[1.0, 0.0], [2.0, 1.0]])  # z_0 = v_0 + 2 v_1, z_1 = v_1


def rows_of(codes, factors, sd=None, continuous=None):
    return make_rows(np.asarray(codes, float), sd, read_factors(factors, len(codes), continuous), {}, 0, False)


def scores(name, *args, **kwargs):
    return METRICS[name].values(rows_of(*args, **kwargs)).scores


def frozen(N=600):
    """Codes that are noisy mixtures of three factors, and the factors."""
    rng = np.random.default_rng(5)
    factors = np.stack([rng.integers(size, size=N) for size in (2, 3, 5)], 1)
    codes = (factors / np.array([1, 2, 4])) @ rng.normal(size=(3, 4)) + 0.2 * rng.normal(size=(N, 4))
    return codes, factors
