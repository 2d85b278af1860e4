"""Moment matching: draws moved towards the posterior without a row, where the weights of the row fail.

The unconstrained draws are shifted, scaled and rotated so that their moments are those that the weights give, as long
as k-hat falls; then one half of the draws is moved and the other is not, and both count as draws of the mixture of the
two distributions (Paananen, Piironen, Bürkner and Vehtari 2021, "Implicitly adaptive importance sampling", Statistics
and Computing 31). ArviZ's ``loo_moment_match`` of 0.8 takes the wrong inverse of the shift for the mixture.

Each ``in_<backend>.py`` has ``RowDensities(model, keywords, table)``, compiled once:

    names               the sites whose draws make a vector, in order
    vectors(draws)      (S, P), unconstrained, of ``{site: (S, *shape)}``
    log_p(vectors)      log p(values, data) with their Jacobian, (S,), and log p of each row, (S, N), in nats
    values(vectors)     the draws of vectors, ``{site: (S, *shape)}``
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import logsumexp

from inference.alignment import aligned_draws
from inference.evaluation.leave_one_out.pareto import smooth_weights
from inference.evaluation.weighted_draws import log_weights_of
from inference.result import Fit
from zoo import ZooError
from zoo._backend import in_backend
from zoo.types import BackendArray

MAX_MOVES = 30
DRAWS_FOR_COVARIANCE = 10  # for each coordinate, with fewer variances alone are matched


class Densities(Protocol):
    """The log joint density of vectors (S, P), with their Jacobian, (S,), and log p of each row, (S, N), in nats."""

    def __call__(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class Move(NamedTuple):
    """An affine map of the draws: ``vector @ matrix.T + shift``."""

    matrix: np.ndarray
    shift: np.ndarray

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """The vectors moved, (S, P)."""
        return vectors @ self.matrix.T + self.shift

    def inverse(self, vectors: np.ndarray) -> np.ndarray:
        """The vectors before the move, (S, P)."""
        return np.linalg.solve(self.matrix, (vectors - self.shift).T).T

    def after(self, other: Move) -> Move:
        """The map that is this one after another."""
        return Move(self.matrix @ other.matrix, self.matrix @ other.shift + self.shift)

    @property
    def log_determinant(self) -> float:
        """log |d moved / d vector|."""
        return float(np.linalg.slogdet(self.matrix)[1])


class MatchedRow(NamedTuple):
    """elpd: log p(x_n | the others), in nats. influence: (S,), of each draw on it, with mean 0.

    move: of every second draw. log_weights: (S,), of the draws after it, with sum 1.
    """

    elpd: float
    k_hat: float
    influence: np.ndarray
    move: Move
    log_weights: np.ndarray


class MatchedRows(NamedTuple):
    """rows: those whose density draws that are moved give. vectors: (S, P), before. densities: of the backend."""

    rows: dict[int, MatchedRow]
    vectors: np.ndarray
    densities: BackendArray

    def draws(self, row: int, at: np.ndarray) -> dict[str, np.ndarray]:
        """Some of the draws that are moved for a row, {site: (len(at), *shape)}."""
        return self.densities.values(move_half(self.vectors, self.rows[row].move)[at])


NO_MATCHES = MatchedRows({}, np.empty((0, 0)), None)


def match_moments(
    vectors: np.ndarray, densities: Densities, row: int, limit: float, efficiency: float = 1.0
) -> MatchedRow | None:
    """The density of a row given the others, by draws moved towards their posterior.

    Parameters
    ----------
    vectors : array, (S, P)
        Unconstrained draws of the posterior.
    densities : callable
        The log joint density of vectors, and that of each row.
    row : int
    limit : float
        k-hat below which the draws are moved no further.
    efficiency : float, default 1.0
        The effective sample size of a draw.

    Returns
    -------
    MatchedRow or None
        None where no move makes k-hat smaller.
    """
    log_joint, log_rows = densities(vectors)
    log_weights, k = smooth_weights(-log_rows[:, row], efficiency)
    move, moved = Move(np.eye(vectors.shape[1]), np.zeros(vectors.shape[1])), vectors
    for _ in range(MAX_MOVES):
        for proposal in proposals(moved, np.exp(log_weights)):
            candidate = proposal(moved)
            with np.errstate(invalid="ignore"):
                joint, rows = densities(candidate)
                log_ratio = joint - rows[:, row] - log_joint
            weights, k_moved = smooth_weights(np.where(np.isnan(log_ratio), -np.inf, log_ratio), efficiency)
            if k_moved < k:
                move, moved, log_weights, k = proposal.after(move), candidate, weights, k_moved
                break
        else:
            break
        if k < limit:
            break
    if moved is vectors:
        return None
    return from_both_halves(vectors, move, densities, row, k, efficiency)


def match_rows(fit: Fit, rows: np.ndarray, limit: float, efficiency: np.ndarray) -> MatchedRows:
    """The rows whose density draws that are moved give, by row; labels are aligned before draws are moved.

    None for the draws of a guide, whose density is known at these draws alone, where the fit does not have draws of
    every continuous latent, and where these have no unconstrained coordinates.
    """
    model, draws = fit.fitted_model, aligned_draws(fit)
    if not len(rows) or log_weights_of(fit) is not None or model.card.learned or model.card.networks:
        return NO_MATCHES
    table, keywords = model.bind(fit.observed_data())
    try:
        densities = in_backend("inference.evaluation.leave_one_out", model.backend).RowDensities(model, keywords, table)
    except ZooError:  # its draws have no unconstrained coordinates, as where a support depends on another latent
        return NO_MATCHES
    if not set(densities.names) <= set(draws):
        return NO_MATCHES
    flat = {n: draws[n].reshape(-1, *draws[n].shape[2:]) for n in densities.names}
    vectors = densities.vectors(flat)
    if not np.isfinite(vectors).all():  # a draw at the edge of its support
        return NO_MATCHES
    matched = {int(n): match_moments(vectors, densities.log_p, n, limit, float(efficiency[n])) for n in rows}
    return MatchedRows({n: m for n, m in matched.items() if m is not None}, vectors, densities)


def move_half(vectors: np.ndarray, move: Move) -> np.ndarray:
    """The vectors, every second one moved."""
    is_moved = np.arange(len(vectors)) % 2 == 0
    return np.where(is_moved[:, None], move(vectors), vectors)


def proposals(vectors: np.ndarray, weights: np.ndarray) -> list[Move]:
    """Moves that match the mean, then the variances, then the covariance of the weighted draws."""
    S, P = vectors.shape
    mean, weighted_mean = vectors.mean(0), weights @ vectors
    found = [Move(np.eye(P), weighted_mean - mean)]
    centred = vectors - weighted_mean
    variance, weighted = vectors.var(0), weights @ centred**2
    if ((variance > 0) & (weighted > 0)).all():
        matrix = np.diag(np.sqrt(weighted / variance))
        found.append(Move(matrix, weighted_mean - matrix @ mean))
    if P > 1 and S >= DRAWS_FOR_COVARIANCE * P:
        try:
            root = np.linalg.cholesky(np.cov(vectors.T, bias=True))
            matrix = np.linalg.cholesky((weights[:, None] * centred).T @ centred) @ np.linalg.inv(root)
        except np.linalg.LinAlgError:
            return found
        found.append(Move(matrix, weighted_mean - matrix @ mean))
    return found


def from_both_halves(
    vectors: np.ndarray, move: Move, densities: Densities, row: int, k: float, efficiency: float
) -> MatchedRow:
    """The density of a row where every second draw is moved: all are draws of the mixture of both distributions."""
    at = move_half(vectors, move)
    joint, rows = densities(at)
    before = densities(move.inverse(at))[0] - move.log_determinant
    with np.errstate(invalid="ignore"):
        log_ratio = joint - rows[:, row] - np.logaddexp(joint, before)
    log_ratio = np.where(np.isfinite(log_ratio), log_ratio, -np.inf)
    log_weights, _ = smooth_weights(log_ratio, efficiency)
    log_p = np.where(np.isfinite(rows[:, row]), rows[:, row], -np.inf)
    elpd = float(logsumexp(log_weights + log_p))
    with np.errstate(invalid="ignore"):
        influence = len(vectors) * np.exp(log_weights) * np.expm1(log_p - elpd)
    return MatchedRow(elpd, k, influence, move, log_weights)
