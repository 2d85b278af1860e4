"""The ELBO of each row and its terms: reconstruction and KL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.amortised import Code, ElboTerms
from inference.evaluation.held_out.rows import RowEstimates, evaluation_rows
from inference.record import FitRecord
from inference.summaries.statistics import ACTIVE_UNIT_KL, ACTIVE_VARIANCE
from zoo.checks import check_whole
from zoo.types import DataLike


@dataclass(frozen=True, repr=False, kw_only=True)
class ElboSplit(RowEstimates):
    """The ELBO of each row in nats, reconstruction less KL; with the attributes of ``RowEstimates``.

    Attributes
    ----------
    elbo, reconstruction, kl : array, (N,)
        The ELBO of each row and its terms.
    kl_by_dimension : dict of str to array
        Of each continuous latent the mean over rows, for each number of the code, ``{"z": (Z,)}``.
    variances : dict of str to array
        The variance over rows of the posterior means, of the same shapes.
    """

    elbo: np.ndarray
    reconstruction: np.ndarray
    kl: np.ndarray
    kl_by_dimension: dict[str, np.ndarray]
    variances: dict[str, np.ndarray]

    def by_row(self) -> np.ndarray:
        """The ELBO of each row in nats, (N,)."""
        return self.elbo

    @property
    def elbo_nats_per_example(self) -> float:
        """The mean ELBO."""
        return float(self.elbo.mean())

    @property
    def reconstruction_nats_per_example(self) -> float:
        """The mean of E_q[log p(x | z)]."""
        return float(self.reconstruction.mean())

    @property
    def kl_nats_per_example(self) -> float:
        """The mean of KL(q(z | x) || p(z))."""
        return float(self.kl.mean())

    @property
    def is_active(self) -> dict[str, np.ndarray]:
        """Which numbers of the code are active, by latent: booleans of the shapes of ``variances``.

        With one latent, those whose posterior mean has a variance over rows above 0.01. With several, those whose KL is
        above 0.01 nats, where each number has a KL: in a hierarchy a mean also varies with the latents above, even
        where the posterior is the prior and the latent collapsed.
        """
        is_hierarchy = len(self.variances) > 1
        return {
            n: self.kl_by_dimension[n] > ACTIVE_UNIT_KL
            if is_hierarchy and self.kl_by_dimension[n].shape == variance.shape
            else variance > ACTIVE_VARIANCE
            for n, variance in self.variances.items()
        }

    @property
    def active_units(self) -> int:
        """How many numbers of the code are active, as of ``is_active``."""
        return sum(int(active.sum()) for active in self.is_active.values())

    @property
    def units(self) -> int:
        """How many numbers the code has."""
        return sum(v.size for v in self.variances.values())

    def __str__(self) -> str:
        activity = f"; {self.active_units} of {self.units} units active" if self.units else ""
        return (
            f"ELBO {self.elbo_nats_per_example:.3f} nats per example (standard error {self.standard_error:.3f} over "
            f"{len(self.elbo)} {self.source}, {self.monte_carlo_error:.3f} by Monte Carlo) = reconstruction "
            f"{self.reconstruction_nats_per_example:.3f} - KL {self.kl_nats_per_example:.3f}{activity}"
        )


def elbo_split(fit: FitRecord, data: DataLike = None, num_samples: int = 100, seed: int = 0) -> ElboSplit:
    """Compute the ELBO of each row at beta = 1, split into E_q[log p(x | z)] and KL(q || p).

    The KL is analytic where guide and prior are normal, and sums over discrete latents are exact. A unit is active
    where the variance over rows of its posterior mean is above 0.01, or in a hierarchy where its KL is above 0.01 nats.

    Parameters
    ----------
    fit, data, seed
        As in ``log_marginal``.
    num_samples : int, default 100
        The draws of each row, at least 2.

    Returns
    -------
    ElboSplit

    Raises
    ------
    ZooError
        For a fit without an encoder, or with one that is not normal, and for rows that the model cannot take.

    References
    ----------
    Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders", on active units.
    """
    check_whole(2, num_samples=num_samples)
    rows = evaluation_rows(fit, data, seed)
    terms = rows.posterior.elbo_terms(rows.table, num_samples, seed)
    reconstruction, kl, errors = guide_elbo(terms, num_samples)
    names = [n for n in fit.model.card.latents if n in terms.kl]  # groups from the top down, as the program has them
    by_dimension = {n: average_over_guide(terms, terms.kl[n]).mean(0) for n in names}
    found = rows.posterior.encode(rows.table)
    codes: dict[str, Code] = {n: code for n in names if isinstance(code := found[n], Code)}
    variances = {n: code.mean.var(0, dtype=float) for n, code in codes.items()}
    return ElboSplit(
        elbo=reconstruction - kl,
        reconstruction=reconstruction,
        kl=kl,
        errors=errors,
        kl_by_dimension=by_dimension,
        variances=variances,
        num_values=rows.num_values,
        source=rows.source,
        seed=seed,
    )


def guide_elbo(terms: ElboTerms, num_samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(reconstruction, KL, Monte Carlo error of their difference)`` of each row, with the guide's q(y | x)."""
    kl = average_over_guide(terms, total_kl(terms))
    kl = kl + average_over_guide(terms, terms.guide.astype(float) - terms.prior)
    error = average_over_guide(terms, terms.sd) / np.sqrt(num_samples)
    return average_over_guide(terms, terms.likelihood), kl, error


def optimal_elbo(terms: ElboTerms, num_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """``(ELBO, Monte Carlo error)`` of each row with the optimal q(y), proportional to p(y) e^(ELBO given y)."""
    given_y = terms.likelihood - total_kl(terms) + terms.prior.astype(float)
    sd = np.where(np.isfinite(given_y), terms.sd, 0.0)
    elbo = np.logaddexp.reduce(given_y, 0)
    return elbo, (np.exp(given_y - elbo) * sd).sum(0) / np.sqrt(num_samples)


def total_kl(terms: ElboTerms) -> np.ndarray:
    """The KL of all continuous latents together, (E, N)."""
    by_latent = (v.astype(float).reshape(*v.shape[:2], -1).sum(-1) for v in terms.kl.values())
    return sum(by_latent, np.zeros(terms.prior.shape))


def average_over_guide(terms: ElboTerms, values: np.ndarray) -> np.ndarray:
    """(N, ...): the mean over the discrete latents by q(y | x), of (E, N, ...); values of probability 0 are omitted."""
    q = np.exp(terms.guide.astype(float)).reshape(*terms.guide.shape, *(1,) * (values.ndim - 2))
    return (np.where(q > 0, values, 0.0) * q).sum(0)
