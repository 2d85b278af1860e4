"""Transitions by multinomial logistic regression on the covariates of the step that is entered, in NumPy.

With w~ = (1, w) and coefficients b_j (Q, K), the logs of A_.j, for each state j that is left, the expected log density
sum_n w_n r_n' log softmax(b_j' w~_n) is concave. Newton steps are halved until it does not fall, so that EM is a
generalised one, whose objective does not fall either.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import log_softmax, softmax

NUM_STEPS = 5  # of Newton's method in each M-step
NUM_HALVINGS = 20
MARGIN = 1e-30  # of A from 0, where covariates decide on a transition
RIDGE = 1e-10  # of the largest curvature: coefficients have a direction that changes no probability


class CovariateTransitions:
    """``chain.Transitions`` of sequences.

    regressors: (N, T - 1, Q), of the steps that are entered, the first 1. counts: (K, K), what a Dirichlet prior adds
    to transitions at the mean covariates.
    """

    def __init__(self, regressors: np.ndarray, counts: np.ndarray):
        self.regressors, self.counts = regressors, counts
        of_prior = np.eye(1, regressors.shape[-1])
        self.rows = np.concatenate([regressors.reshape(-1, regressors.shape[-1]), of_prior])

    def log_probabilities(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        return log_softmax(np.einsum("ntq,qjk->ntjk", self.regressors, self._coefficients(params["A"])), axis=-1)

    def maximise(self, pairs: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> np.ndarray:
        K, Q = pairs.shape[-1], self.rows.shape[1]
        if previous is None:  # no covariate has an effect; one more of each transition, so that everything is possible
            counts = pairs.sum((0, 1)) + self.counts + 1
            return np.concatenate([counts[None] / counts.sum(-1, keepdims=True), np.full((Q - 1, K, K), 1 / K)])
        A = previous["A"].copy()
        for j in range(K):
            r = np.concatenate([pairs[..., j, :].reshape(-1, K), self.counts[None, j]])
            is_used = r.any(1)
            A[:, j] = maximise_logits(self.rows[is_used], r[is_used], A[:, j])
        return A

    def _coefficients(self, A: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(A, MARGIN))


def maximise_logits(rows: np.ndarray, r: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Probabilities (Q, K) whose logs are better coefficients of rows (S, Q) for expected counts r (S, K) than A's."""
    if not r.size:
        return A
    Q, K = A.shape
    total = r.sum(1)

    def value_at(probabilities: np.ndarray) -> float:
        return float((r * log_softmax(rows @ np.log(np.maximum(probabilities, MARGIN)), axis=1)).sum())

    value = value_at(A)
    for _ in range(NUM_STEPS):
        b = np.log(np.maximum(A, MARGIN))
        p = softmax(rows @ b, axis=1)
        gradient = rows.T @ (r - total[:, None] * p)  # (Q, K)
        weighted = total[:, None] * p
        curvature = np.einsum("sq,sr,sk,kl->qkrl", rows, rows, weighted, np.eye(K))
        curvature -= np.einsum("sq,sr,sk,sl->qkrl", rows, rows, weighted, p, optimize=True)
        curvature = curvature.reshape(Q * K, Q * K)
        largest = np.diag(curvature).max()
        if not largest > 0:
            return A
        step = np.linalg.solve(curvature + RIDGE * largest * np.eye(Q * K), gradient.reshape(-1)).reshape(Q, K)
        for halving in range(NUM_HALVINGS):
            candidate = np.maximum(softmax(b + 0.5**halving * step, axis=1), MARGIN)
            candidate /= candidate.sum(1, keepdims=True)
            better = value_at(candidate)
            if better >= value:
                break
        else:
            return A
        gain, A, value = better - value, candidate, better
        if gain <= 1e-12 * abs(value):
            break
    return A
