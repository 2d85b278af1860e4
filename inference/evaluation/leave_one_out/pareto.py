"""Leave-one-out densities by Pareto-smoothed importance sampling."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from inference.summaries.statistics import EQUAL_WEIGHTS

MIN_DRAWS = 3  # of a chain, for an effective sample size


class Estimates(NamedTuple):
    """By row, (N,): log p(x_n | the others) in nats, log p(x_n | all rows), and k-hat.

    influence: (N, chain, draw), of each draw on ``elpd``, with mean 0. log_weights: the same shape, with sum 1.
    efficiency: (N,), the effective sample size of a draw for each row.
    """

    elpd: np.ndarray
    lpd: np.ndarray
    k_hat: np.ndarray
    influence: np.ndarray
    log_weights: np.ndarray
    efficiency: np.ndarray

    def monte_carlo_error(self, rows: np.ndarray) -> float:
        """The standard error of the sum of ``elpd`` over some rows, which have the draws in common, in nats."""
        total = self.influence[rows].sum(0)
        if np.ptp(total) == 0:
            return 0.0
        with np.errstate(all="ignore"):
            ess = float(array_statistics().ess(total, method="mean")) if total.shape[1] > MIN_DRAWS else np.nan
        return float(total.std() / np.sqrt(ess if np.isfinite(ess) else total.size))


def array_statistics() -> Any:
    """ArviZ's statistics of arrays, which accept more than their types say."""
    from arviz_stats.base.array import array_stats

    return array_stats


def smooth_weights(log_ratio: np.ndarray, efficiency: float = 1.0) -> tuple[np.ndarray, float]:
    """The logs of weights with a smooth tail and sum 1, and k-hat, from the logs of importance ratios, (S,).

    efficiency: the effective sample size of a draw. Equal ratios have k-hat 0; a tail of one value repeated, as of a
    chain that does not move, has k-hat infinite, and weights as they are.
    """
    if np.ptp(log_ratio) <= EQUAL_WEIGHTS:
        return np.full(len(log_ratio), -np.log(len(log_ratio))), 0.0
    log_weights, k_hat = log_ratio, np.inf
    with suppress(ValueError):  # of ArviZ, for such a tail
        log_weights, k_hat = array_statistics().psislw(-log_ratio, r_eff=efficiency)  # of the logs of reciprocals
    return log_weights - logsumexp(log_weights), float(k_hat)


def leave_one_out(log_p: np.ndarray, log_weight: np.ndarray | None = None) -> Estimates:
    """Estimate the densities of rows that are left out, from those at draws of the posterior.

    A draw counts for row n by 1 / p(x_n | draw), with the tail of these weights smoothed (Vehtari, Gelman and Gabry
    2017, "Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC"). Draws of a guide count
    by p / q beside it (Magnusson et al. 2019, "Bayesian leave-one-out cross-validation for large data").

    Parameters
    ----------
    log_p : array, (chain, draw, N)
        log p(x_n | draw), in nats.
    log_weight : array, (chain, draw), optional
        log p - log q of each draw of a guide, in nats.

    Returns
    -------
    Estimates
    """
    num_chains, num_draws, N = log_p.shape
    by_row = np.moveaxis(log_p, -1, 0)  # (N, chain, draw)
    flat = by_row.reshape(N, num_chains * num_draws)
    log_ratio, efficiency = -flat, np.ones(N)
    full = np.full_like(flat, -np.log(flat.shape[1]))
    if log_weight is not None:
        log_ratio = log_ratio + log_weight.ravel()
        full = np.broadcast_to(log_weight.ravel() - logsumexp(log_weight), flat.shape)
    elif num_draws > MIN_DRAWS:
        with np.errstate(all="ignore"):
            ess = array_statistics().ess(np.exp(by_row - by_row.max((1, 2), keepdims=True)), method="mean")
        efficiency = np.clip(np.nan_to_num(ess / flat.shape[1], nan=1.0), 1e-6, 1.0)
    log_weights, k_hat = np.empty(flat.shape), np.empty(N)
    for n in range(N):
        log_weights[n], k_hat[n] = smooth_weights(log_ratio[n], float(efficiency[n]))
    elpd = logsumexp(log_weights + flat, axis=1)
    influence = flat.shape[1] * np.exp(log_weights) * np.expm1(flat - elpd[:, None])
    shape = by_row.shape
    parts = influence.reshape(shape), log_weights.reshape(shape), efficiency
    return Estimates(elpd, logsumexp(full + flat, axis=1), k_hat, *parts)
