"""The ELBO and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.amortised import Code, ElboTerms
from inference.evaluation.held_out.rows import check_whole, mean, of_draws, over_rows, rows_of
from inference.summaries.statistics import count_active_units

if TYPE_CHECKING:
    from inference.result import Fit


@dataclass(frozen=True, repr=False)
class ElboSplit:
    """The ELBO of each row in nats, reconstruction less KL; arrays without a remark are (N,).

    errors: the Monte Carlo standard error of each ELBO. kl_by_dimension: of each continuous latent the mean over rows,
    one for each number of the code, ``{"z": (Z,)}``. variances: over rows, of the posterior means, of the same shapes.
    values: how many values the rows have. source: which rows these are.
    """

    elbo: np.ndarray
    reconstruction: np.ndarray
    kl: np.ndarray
    errors: np.ndarray
    kl_by_dimension: dict[str, np.ndarray]
    variances: dict[str, np.ndarray]
    values: int
    source: str
    seed: int

    @property
    def elbo_nats_per_example(self) -> float:
        return mean(self.elbo)

    @property
    def reconstruction_nats_per_example(self) -> float:
        return mean(self.reconstruction)

    @property
    def kl_nats_per_example(self) -> float:
        return mean(self.kl)

    @property
    def bits_per_dimension(self) -> float:
        """-ELBO / log 2 for each value seen: an upper bound on that of log p."""
        return -float(self.elbo.sum()) / self.values / float(np.log(2))

    @property
    def standard_error(self) -> float:
        """Of elbo_nats_per_example, from the spread over the rows."""
        return over_rows(self.elbo)

    @property
    def monte_carlo_error(self) -> float:
        """Of elbo_nats_per_example for these very rows."""
        return of_draws(self.errors)

    @property
    def active_units(self) -> int:
        """How many numbers of the code have a posterior mean that varies by more than 0.01 over rows."""
        return sum(map(count_active_units, self.variances.values()))

    @property
    def units(self) -> int:
        return sum(v.size for v in self.variances.values())

    def __str__(self) -> str:
        return (
            f"ELBO {self.elbo_nats_per_example:.3f} nats per example (standard error {self.standard_error:.3f} over "
            f"{len(self.elbo)} {self.source}, {self.monte_carlo_error:.3f} by Monte Carlo) = reconstruction "
            f"{self.reconstruction_nats_per_example:.3f} - KL {self.kl_nats_per_example:.3f}; {self.active_units} of "
            f"{self.units} units active"
        )

    __repr__ = __str__


def elbo_split(fit: Fit, data: Any = None, num_samples: int = 100, seed: int = 0) -> ElboSplit:
    """The ELBO of each row at beta = 1, in its parts: E_q[log p(x | z)] by ``num_samples`` draws, and KL(q || p).

    The KL is analytic where guide and prior are normal, and sums over discrete latents are exact. A unit is active
    where the variance over rows of its posterior mean is above 0.01 (Burda, Grosse and Salakhutdinov 2016). Raises
    ZooError for a fit without an encoder, or with one that is not normal, and for rows the model cannot take.
    """
    check_whole(2, num_samples=num_samples)
    rows = rows_of(fit, data, seed)
    parts = rows.opened.elbo_terms(rows.table, num_samples, seed)
    reconstruction, kl, errors = of_guide(parts, num_samples)
    by_dimension = {n: averaged(parts, v).mean(0) for n, v in parts.kl.items()}
    codes = {n: code for n, code in rows.opened.encode(rows.table).items() if isinstance(code, Code)}
    variances = {n: code.mean.var(0, dtype=float) for n, code in codes.items()}
    return ElboSplit(
        reconstruction - kl, reconstruction, kl, errors, by_dimension, variances, rows.values, rows.source, seed
    )


def of_guide(parts: ElboTerms, num_samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(reconstruction, KL, Monte Carlo error of their difference)`` of each row, with the guide's own classes."""
    kl = averaged(parts, total(parts)) + averaged(parts, parts.guide.astype(float) - parts.prior)
    return averaged(parts, parts.likelihood), kl, averaged(parts, parts.sd) / np.sqrt(num_samples)


def of_best_classes(parts: ElboTerms, num_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """``(ELBO, Monte Carlo error)`` of each row by the best q(y): proportional to p(y) e^(ELBO given y)."""
    given = parts.likelihood - total(parts) + parts.prior.astype(float)
    spread = np.where(np.isfinite(given), parts.sd, 0.0)
    elbo = np.logaddexp.reduce(given, 0)
    return elbo, (np.exp(given - elbo) * spread).sum(0) / np.sqrt(num_samples)


def total(parts: ElboTerms) -> np.ndarray:
    """The KL of all continuous latents together, (E, N)."""
    return sum(
        (v.astype(float).reshape(*v.shape[:2], -1).sum(-1) for v in parts.kl.values()), np.zeros(parts.prior.shape)
    )


def averaged(parts: ElboTerms, values: np.ndarray) -> np.ndarray:
    """(N, ...): the mean over the discrete latents by q(y | x), of (E, N, ...); what q rules out does not count."""
    q = np.exp(parts.guide.astype(float)).reshape(*parts.guide.shape, *(1,) * (values.ndim - 2))
    return (np.where(q > 0, values, 0.0) * q).sum(0)
