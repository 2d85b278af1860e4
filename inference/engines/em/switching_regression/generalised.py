"""Logistic and log-linear regressions of steps on regressors, one in each state, by Newton's method.

With regressors u, a response is 1 with probability 1 / (1 + exp(-b'u)), or a count with rate exp(b'u). The expected log
density of a state is concave in b (McCullagh and Nelder 1989, "Generalized Linear Models", section 2.5), and so is a
normal prior. Newton steps are halved until it does not fall, so that EM is a generalised one.

Where regressors separate 0 from 1 in a state, or all counts are 0, the likelihood has no maximum, and grows towards a
bound: steps end where they gain nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit, gammaln

NUM_STEPS = 5  # of Newton's method in each M-step
NUM_FIRST_STEPS = 25  # at the start
NUM_HALVINGS = 30
RIDGE = 1e-12  # of the largest curvature, where regressors determine each other
LARGEST = 700.0  # of a linear predictor, whose exponential is a number
GAIN = 1e-12  # relative, below which steps end


class Responses(NamedTuple):
    """Responses of one family, (S, C), NaN where missing, and the normal prior of their coefficients, (C, Q)."""

    values: np.ndarray
    is_count: bool
    prior_mean: np.ndarray
    prior_sd: np.ndarray


def log_densities(values: np.ndarray, o: np.ndarray, is_count: bool) -> np.ndarray:
    """log p of values at linear predictors o, 0 where missing.

    >>> log_densities(np.array([1.0, 0.0, np.nan]), np.zeros(3), False).round(4)
    array([-0.6931, -0.6931,  0.    ])
    """
    y = np.nan_to_num(values)
    log_normalizer = np.exp(np.minimum(o, LARGEST)) + gammaln(y + 1) if is_count else np.logaddexp(0.0, o)
    return np.where(np.isnan(values), 0.0, y * o - log_normalizer)


def maximise(
    responses: Responses, u: np.ndarray, posterior: np.ndarray, before: np.ndarray | None, is_map: bool
) -> np.ndarray:
    """Better coefficients (K, C, Q) than those before, from regressors u (S, Q) and the posterior (S, K).

    Without coefficients before, as at the start, the prior counts, and they begin at its mean.
    """
    C, Q, K = responses.values.shape[1], u.shape[1], posterior.shape[1]
    num_steps = NUM_FIRST_STEPS if before is None else NUM_STEPS
    b = np.empty((K, C, Q))
    for k in range(K):
        for c in range(C):
            used = (posterior[:, k] > 0) & ~np.isnan(responses.values[:, c])
            precision = responses.prior_sd[c] ** -2.0 if is_map or before is None else np.zeros(Q)
            regression = OneRegression(
                responses.values[used, c], u[used], posterior[used, k], responses.prior_mean[c], precision
            )
            start = responses.prior_mean[c] if before is None else before[k, c]
            b[k, c] = regression.newton_steps(start, num_steps, responses.is_count)
    return b


class OneRegression(NamedTuple):
    """One response of one state: values (S,), regressors (S, Q), weights (S,), and the prior of coefficients (Q,)."""

    y: np.ndarray
    u: np.ndarray
    weight: np.ndarray
    mean: np.ndarray
    precision: np.ndarray

    def value(self, b: np.ndarray, is_count: bool) -> float:
        """The expected log density at coefficients, with the prior."""
        expected = self.weight @ log_densities(self.y, self.u @ b, is_count)
        return float(expected - 0.5 * self.precision @ (b - self.mean) ** 2)

    def newton_steps(self, b: np.ndarray, num_steps: int, is_count: bool) -> np.ndarray:
        """Coefficients after some Newton steps."""
        value = self.value(b, is_count)
        for _ in range(num_steps):
            o = self.u @ b
            mean = np.exp(np.minimum(o, LARGEST)) if is_count else expit(o)
            curvature = self.weight * (mean if is_count else mean * (1 - mean))
            gradient = self.u.T @ (self.weight * (self.y - mean)) - self.precision * (b - self.mean)
            hessian = (self.u.T * curvature) @ self.u + np.diag(self.precision)
            largest = np.diag(hessian).max()
            if not 0 < largest < np.inf:
                return b
            step = np.linalg.solve(hessian + RIDGE * largest * np.eye(len(b)), gradient)
            for halving in range(NUM_HALVINGS):
                candidate = b + 0.5**halving * step
                better = self.value(candidate, is_count)
                if better >= value:
                    break
            else:
                return b
            gain, b, value = better - value, candidate, better
            if gain <= GAIN * abs(value):
                break
        return b
