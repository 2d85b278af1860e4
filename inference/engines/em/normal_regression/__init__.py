"""Normal regressions of steps on regressors, one in each state, in closed form: least squares, weighted by the states.

Models whose steps have the density Normal(b_k u, Sigma_k) in state k, with regressors u that are given, share it. The
sufficient statistics of a state are the triangular factor of its weighted regressors and responses (QR), which has all
digits where regressors nearly determine each other, and where residuals are small beside the responses: normal
equations would have half of them.

MAP has the coefficients given the noise, then the noise given the coefficients (ECM, Meng and Rubin 1993), each the
mode of its conjugate posterior. Where regressors determine each other in a state, its coefficients are the shortest
that fit (``numpy.linalg.lstsq``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from inference.engines.em.hidden_markov.full_normal import floored_inverse
from inference.engines.em.hidden_markov.normal import EMPTY, LOG_2PI, MIN_WEIGHT, Units

RCOND = 1e-13  # of singular values beside the largest: smaller ones are rounding


class Coefficients(NamedTuple):
    """Coefficients (K, C, Q) of Q regressors, and precisions of the noise, (K, C) or (K, C, C), in standard units."""

    b: np.ndarray
    precision: np.ndarray


class RegressionData(NamedTuple):
    """The steps in units in which each response has mean 0 and variance 1.

    responses: (S, C), NaN where missing. regressors: (S, Q). prior_mean, prior_sd: (C, Q), of the coefficients.
    units: of the responses, with the prior of the noise and the floors.
    """

    responses: np.ndarray
    regressors: np.ndarray
    prior_mean: np.ndarray
    prior_sd: np.ndarray
    units: Units


class NormalRegression:
    """The regressions of the S steps of some data.

    is_full: whether the noise has a covariance; then no response is missing alone. is_map: as opposed to maximum
    likelihood.
    """

    def __init__(self, data: RegressionData, is_full: bool, is_map: bool):
        self.data, self.is_full, self.is_map = data, is_full, is_map
        observed = ~np.isnan(data.responses)
        # the columns that are observed at the same steps share their factors
        self.groups = [(observed.all(1), np.arange(observed.shape[1]))]
        if (observed.any(1) != observed.all(1)).any():
            self.groups = [(of_column, np.array([c])) for c, of_column in enumerate(observed.T)]

    def log_density(self, coefficients: Coefficients) -> np.ndarray:
        """log p of the observed responses of each step in each state, in their own units, (S, K)."""
        (b, precision), (y, u, _, _, units) = coefficients, self.data
        logs = np.empty((len(y), len(b)))
        has_value = ~np.isnan(y)
        for k in range(len(b)):
            difference = np.where(has_value, y - u @ b[k].T, 0.0)
            if self.is_full:
                root = np.linalg.cholesky(precision[k])
                constant = 2 * np.log(np.diag(root) / units.scale) - LOG_2PI
                logs[:, k] = has_value @ constant - np.square(difference @ root).sum(1)
            else:
                constant = np.log(precision[k]) - 2 * np.log(units.scale) - LOG_2PI
                logs[:, k] = has_value @ constant - np.square(difference) @ precision[k]
        return 0.5 * logs

    def condition(self, coefficients: Coefficients) -> float:
        """The factor by which a rounding error grows in the log density of a value.

        An intercept far from the data and a slope that leads back to them have terms whose last digits are beside the
        noise; their square counts, since they are near a maximum.
        """
        (b, precision), u = coefficients, np.abs(np.nan_to_num(self.data.regressors))
        largest = np.stack([(u @ np.abs(b[k]).T).max(0) for k in range(len(b))])  # (K, C)
        widest = np.linalg.eigvalsh(precision)[:, -1:] if self.is_full else precision
        terms = float((largest * np.sqrt(widest)).max())
        return terms + np.finfo(float).eps * terms**2

    def maximise(self, posterior: np.ndarray, previous: Coefficients | None) -> Coefficients:
        """The coefficients and the noise, from the posterior (S, K) times the weights; previous: None at the start."""
        (y, u, _, _, units), K = self.data, posterior.shape[1]
        has_prior = self.is_map or previous is None  # a state of one step has no variance: the start has the prior too
        prior, (C, Q) = float(has_prior), (y.shape[1], u.shape[1])
        least = units.floor.variance if units.floor.clip is None else np.full(C, units.floor.clip)
        b, precision = np.zeros((K, C, Q)), np.empty((K, C, C) if self.is_full else (K, C))
        for k in range(K):
            before = np.diag(units.spread**-2) if self.is_full else units.spread**-2
            before = before if previous is None else previous.precision[k]
            for has_value, columns in self.groups:
                root = np.sqrt(posterior[has_value, k])[:, None]
                joint = np.concatenate([u[has_value], y[np.ix_(has_value, columns)]], axis=1)
                factor = np.asarray(np.linalg.qr(root * joint, mode="r"))
                R, Y = factor[:, :Q], factor[:, Q:]
                if not has_prior:
                    b[k, columns] = np.linalg.lstsq(R, Y, rcond=RCOND)[0].T
                elif self.is_full:
                    b[k] = self._mode(R, Y, before)
                else:
                    b[k, columns] = [self._column_mode(R, Y[:, i], before[c], c) for i, c in enumerate(columns)]
                residual, n = Y - R @ b[k, columns].T, max(posterior[has_value, k].sum(), EMPTY)
                if self.is_full:
                    S = (residual.T @ residual + prior * np.diag(units.spread**2)) / (n + prior)
                    precision[k] = floored_inverse(S if n + prior > MIN_WEIGHT else np.eye(C), units.floor)
                else:
                    variance = (np.square(residual).sum(0) + prior * units.spread[columns] ** 2) / (n + prior)
                    variance = np.maximum(variance, least[columns])
                    precision[k, columns] = 1 / np.where(n + prior > MIN_WEIGHT, variance, 1.0)
        return Coefficients(b, precision)

    def _column_mode(self, R: np.ndarray, y: np.ndarray, precision: np.ndarray, column: int) -> np.ndarray:
        """The coefficients (Q,) of one response by its prior and the precision of its noise."""
        sd, mean, root = self.data.prior_sd[column], self.data.prior_mean[column], np.sqrt(precision)
        return np.linalg.lstsq(np.concatenate([root * R, np.diag(1 / sd)]), np.append(root * y, mean / sd))[0]

    def _mode(self, R: np.ndarray, Y: np.ndarray, precision: np.ndarray) -> np.ndarray:
        """The coefficients (C, Q) of all responses by their prior and the precision of their noise."""
        sd, mean, root = self.data.prior_sd.reshape(-1), self.data.prior_mean.reshape(-1), np.linalg.cholesky(precision)
        of_data = np.einsum("iq,cm->imcq", R, root).reshape(-1, sd.size)
        design = np.concatenate([of_data, np.diag(1 / sd)])
        return np.linalg.lstsq(design, np.append((Y @ root).reshape(-1), mean / sd))[0].reshape(len(precision), -1)


def prior_of_coefficients(sd: np.ndarray, scale: np.ndarray, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations (C, Q) in standard units: of an intercept those of ``units``, of the others 0, sd.

    sd: (C, Q - 1), in units of the data. scale: (Q - 1,), the units of the regressors.
    """
    means = np.concatenate([units.loc[:, None], np.zeros_like(sd)], axis=1)
    return means, np.concatenate([units.mean_scale[:, None], sd * scale / units.scale[:, None]], axis=1)
