"""log p(x) by importance sampling, a block of draws at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.amortised import AmortisedPosterior, Normals
from inference.evaluation.held_out.rows import check_whole, mean, of_draws, over_rows, rows_of
from inference.run.progress import Progress

if TYPE_CHECKING:
    from inference.result import Fit

FEW = 20  # effective draws: below it the largest weights decide, and larger ones may not have been seen


@dataclass(frozen=True, repr=False)
class LogMarginal:
    """Estimates of log p(x_n) in nats, an underestimate in expectation. Arrays are (N,).

    errors: the Monte Carlo standard error of each. effective_samples: how many draws of equal weight were as good.
    values: how many values the rows have. source: which rows these are. seed: of the draws, and of the pixels of
    intensities.
    """

    log_p: np.ndarray
    errors: np.ndarray
    effective_samples: np.ndarray
    values: int
    num_samples: int
    source: str
    seed: int

    @property
    def nats_per_example(self) -> float:
        """The mean of -log p(x_n): less is better."""
        return -mean(self.log_p)

    @property
    def bits_per_dimension(self) -> float:
        """-log2 p(x) for each value seen; of continuous values, whose densities have units, in those of the data."""
        return -float(self.log_p.sum()) / self.values / float(np.log(2))

    @property
    def standard_error(self) -> float:
        """Of nats_per_example as an estimate for other rows like these: from the spread over the rows."""
        return over_rows(self.log_p)

    @property
    def monte_carlo_error(self) -> float:
        """Of nats_per_example for these very rows: from the spread over the draws."""
        return of_draws(self.errors)

    @property
    def dominated(self) -> int:
        """How many rows have fewer than 20 effective draws: a few weights decide, and log p is likely too low."""
        return int((self.effective_samples < FEW).sum())

    def __str__(self) -> str:
        N, S = len(self.log_p), self.num_samples
        said = (
            f"-log p(x) = {self.nats_per_example:.3f} nats per example (standard error {self.standard_error:.3f} over "
            f"{N} {self.source}, {self.monte_carlo_error:.3f} by Monte Carlo), {self.bits_per_dimension:.4f} bits per "
            f"dimension; {S} draws a row, seed {self.seed}"
        )
        if self.dominated:
            said += (
                f"; {self.dominated} of {N} rows have fewer than {FEW} effective draws: their log p is likely too low"
            )
        return said

    __repr__ = __str__


def log_marginal(
    fit: Fit, data: Any = None, num_samples: int = 5000, seed: int = 0, progress: bool = False
) -> LogMarginal:
    """Estimate log p(x_n) of each row by ``num_samples`` draws from the guide, weighed by p(x_n, z) / q(z | x_n).

    The logarithm of the mean weight is below log p(x_n) on average, and approaches it as draws are added (Burda, Grosse
    and Salakhutdinov 2016). Discrete latents are summed over exactly. Raises ZooError for a fit without an encoder and
    for rows the model cannot take.
    """
    check_whole(2, num_samples=num_samples)
    rows = rows_of(fit, data, seed)
    log_p, errors, effective = weighed(rows.opened, rows.table, num_samples, seed, progress=progress)
    return LogMarginal(log_p, errors, effective, rows.values, num_samples, rows.source, seed)


def weighed(
    opened: AmortisedPosterior,
    table: dict[str, np.ndarray],
    num_samples: int,
    seed: int,
    q: Normals | None = None,
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
        for rows, log_weights in opened.log_weights(table, num_samples, seed, q):
            block = log_weights.astype(float)
            log_sum[rows] = np.logaddexp(log_sum[rows], np.logaddexp.reduce(block, 0))
            log_square[rows] = np.logaddexp(log_square[rows], np.logaddexp.reduce(2 * block, 0))
            done += block.size
            bar.at(done)
    possible = np.isfinite(log_sum)  # a row of which no draw was possible has no effective draw
    effective = np.exp(np.where(possible, 2 * log_sum - log_square, -np.inf))
    with np.errstate(divide="ignore"):
        errors = np.sqrt(np.maximum(1 / effective - 1 / num_samples, 0.0))
    return log_sum - np.log(num_samples), errors, effective
