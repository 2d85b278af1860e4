"""The aggregate posterior q(z), the mean of q(z | x) over the rows, at draws of codes, and terms of the KL divergence.

Codes are normal with independent numbers given their row, so that q(z_j) is a mixture as q(z) is. Functions are
arithmetic on arrays of any backend, NumPy among them: ``functions`` has ``log``, ``log_mean_exp`` and ``array``.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np

from zoo.types import BackendArray


class MixtureFunctions(Protocol):
    """What the arithmetic here needs of a backend."""

    def log(self, array: BackendArray) -> BackendArray: ...
    def log_mean_exp(self, array: BackendArray) -> BackendArray: ...
    def array(self, values: np.ndarray) -> BackendArray: ...


class CodeDensities(NamedTuple):
    """Log densities in nats at one draw of each of R rows.

    given_row: log q(z | x), (R,). joint: log q(z), (R,). by_dimension: log q(z_j), (R, Z).
    """

    given_row: BackendArray
    joint: BackendArray
    by_dimension: BackendArray

    @property
    def mutual_information(self) -> BackendArray:
        """log q(z | x) - log q(z), whose mean is the index-code mutual information; (R,)."""
        return self.given_row - self.joint

    @property
    def total_correlation(self) -> BackendArray:
        """log q(z) - sum_j log q(z_j), whose mean is the total correlation; (R,)."""
        return self.joint - self.by_dimension.sum(-1)


def log_normal(draws: BackendArray, mean: BackendArray, sd: BackendArray, functions: MixtureFunctions) -> BackendArray:
    """The log density of each number of a code, in nats."""
    return -0.5 * ((draws - mean) / sd) ** 2 - functions.log(sd) - 0.5 * math.log(2 * math.pi)


def code_densities(
    draws: BackendArray,
    mean: BackendArray,
    sd: BackendArray,
    log_weights: BackendArray,
    given_row: BackendArray,
    functions: MixtureFunctions,
) -> CodeDensities:
    """The log densities of a mixture of the codes of M rows at the draws of R rows.

    Parameters
    ----------
    draws : array, (R, Z)
    mean, sd : array, (M, Z)
        Of q(z | x_m).
    log_weights : array, (M, R) or a scalar
        Log of the weight of each row m in the mixture at each draw.
    given_row : array, (R,)
        log q(z | x) of each draw given its own row.
    functions : MixtureFunctions

    Returns
    -------
    CodeDensities
    """
    logs = log_normal(draws[None], mean[:, None], sd[:, None], functions)
    size = math.log(len(mean))
    joint = functions.log_mean_exp(log_weights + logs.sum(-1)) + size
    weights = log_weights[..., None] if getattr(log_weights, "ndim", 0) else log_weights
    return CodeDensities(given_row, joint, functions.log_mean_exp(weights + logs) + size)


def stratified_weights(own: np.ndarray, num_components: int, num_rows: float) -> np.ndarray:
    """Log weights with which a mixture of some rows is q(z) of all N rows, in the mean over which rows they are.

    The draw's own row has weight 1/N, as in q(z), and the others share the rest alike. Chen et al. (2018, appendix C.1)
    give one of the others less than the rest, and these weights are the mean over which of them it is; their published
    code gives the smaller weight, and 1/N, to two fixed rows instead, whatever the row of the draw.

    Parameters
    ----------
    own : ndarray of int, (R,)
        The place of the own row of each draw among the M rows of the mixture.
    num_components : int
        M, from 2 up.
    num_rows : float
        N.

    Returns
    -------
    ndarray, (M, R)
        Each column sums to 1, before the log.

    Examples
    --------
    >>> np.exp(stratified_weights(np.arange(3), 3, 10)).round(2)
    array([[0.1 , 0.45, 0.45],
           [0.45, 0.1 , 0.45],
           [0.45, 0.45, 0.1 ]])
    """
    others = math.log(num_rows - 1) - math.log(num_rows * (num_components - 1))
    log_weights = np.full((num_components, len(own)), others)
    log_weights[own, np.arange(len(own))] = -math.log(num_rows)
    return log_weights
