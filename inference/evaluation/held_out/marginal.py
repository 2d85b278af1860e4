"""log p(x) of each row by importance sampling, a block of draws at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.amortised import AmortisedPosterior, Normals
from inference.evaluation.held_out.rows import RowEstimates, evaluation_rows
from inference.record import FitRecord
from inference.run.progress import Progress
from zoo.checks import check_whole
from zoo.types import DataLike

MIN_EFFECTIVE_DRAWS = 20  # with fewer the largest weights decide, and larger ones may not have been drawn


@dataclass(frozen=True, repr=False, kw_only=True)
class LogMarginal(RowEstimates):
    """Estimates of log p(x_n) in nats, which are too low in expectation; with the attributes of ``RowEstimates``.

    Attributes
    ----------
    log_p : array, (N,)
        The estimate of each row.
    effective_samples : array, (N,)
        The effective number of draws of each row.
    num_samples : int
        The draws of each row.
    """

    log_p: np.ndarray
    effective_samples: np.ndarray
    num_samples: int

    def by_row(self) -> np.ndarray:
        """The estimate of each row in nats, (N,)."""
        return self.log_p

    @property
    def nats_per_example(self) -> float:
        """The mean of -log p(x_n); smaller is better."""
        return -float(self.log_p.mean())

    @property
    def num_unreliable(self) -> int:
        """How many rows have fewer than 20 effective draws: their log p is likely too low."""
        return int((self.effective_samples < MIN_EFFECTIVE_DRAWS).sum())

    def __str__(self) -> str:
        N, S = len(self.log_p), self.num_samples
        text = (
            f"-log p(x) = {self.nats_per_example:.3f} nats per example (standard error {self.standard_error:.3f} over "
            f"{N} {self.source}, {self.monte_carlo_error:.3f} by Monte Carlo), {self.bits_per_dimension:.4f} bits per "
            f"dimension; {S} draws a row, seed {self.seed}"
        )
        if self.num_unreliable:
            text += (
                f"; {self.num_unreliable} of {N} rows have fewer than {MIN_EFFECTIVE_DRAWS} effective draws: "
                "their log p is likely too low"
            )
        return text


def log_marginal(
    fit: FitRecord, data: DataLike = None, num_samples: int = 5000, seed: int = 0, progress: bool = False
) -> LogMarginal:
    """Estimate log p(x_n) of each row by importance sampling from the guide.

    The log of the mean weight p(x_n, z) / q(z | x_n) is below log p(x_n) in expectation, and approaches it as draws are
    added. Discrete latents are marginalised exactly.

    Parameters
    ----------
    fit : Fit
        A fit with an encoder.
    data : optional
        Rows as ``inference.fit`` takes them; by default those that the fit held out, or else was trained on.
    num_samples : int, default 5000
        The draws of each row, at least 2.
    seed : int, default 0
    progress : bool, default False
        Whether to show a progress bar on stderr.

    Returns
    -------
    LogMarginal

    Raises
    ------
    ZooError
        For a fit without an encoder, and for rows that the model cannot take.

    References
    ----------
    Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders".
    """
    check_whole(2, num_samples=num_samples)
    rows = evaluation_rows(fit, data, seed)
    log_p, errors, effective = importance_estimates(rows.posterior, rows.table, num_samples, seed, progress=progress)
    return LogMarginal(
        log_p=log_p,
        errors=errors,
        effective_samples=effective,
        num_samples=num_samples,
        num_values=rows.num_values,
        source=rows.source,
        seed=seed,
    )


def importance_estimates(
    posterior: AmortisedPosterior,
    table: dict[str, np.ndarray],
    num_samples: int,
    seed: int,
    normals: Normals | None = None,
    progress: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(log p, error, effective draws)`` of each row; memory does not grow with the draws.

    With weights w the error is that of log(mean w), sd(w) / (mean(w) sqrt(K)) by the delta method, and the effective
    number of draws (sum w)^2 / sum w^2 (Kong 1992).
    """
    N = len(next(iter(table.values())))
    log_sum, log_square = np.full(N, -np.inf), np.full(N, -np.inf)
    with Progress("log p", N * num_samples, progress) as bar:
        done = 0
        for rows, log_weights in posterior.log_weights(table, num_samples, seed, normals):
            block = log_weights.astype(float)
            log_sum[rows] = np.logaddexp(log_sum[rows], np.logaddexp.reduce(block, 0))
            log_square[rows] = np.logaddexp(log_square[rows], np.logaddexp.reduce(2 * block, 0))
            done += block.size
            bar.update(done)
    is_possible = np.isfinite(log_sum)  # a row whose weights are all zero has no effective draw
    effective = np.exp(np.where(is_possible, 2 * log_sum - log_square, -np.inf))
    with np.errstate(divide="ignore"):
        errors = np.sqrt(np.maximum(1 / effective - 1 / num_samples, 0.0))
    return log_sum - np.log(num_samples), errors, effective
