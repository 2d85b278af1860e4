"""The gap between log p(x) and the ELBO, divided into the loss by the encoder and by the family of the guide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.evaluation.held_out.marginal import MIN_EFFECTIVE_DRAWS, importance_estimates
from inference.evaluation.held_out.rows import evaluation_rows, monte_carlo_error_of_mean, standard_error_of_mean
from inference.evaluation.held_out.split import guide_elbo, optimal_elbo
from inference.record import FitRecord
from zoo.checks import check_whole
from zoo.data.intensities import take_rows
from zoo.types import DataLike

ELBO_DRAWS = 1000  # for each ELBO
GRADIENT_DRAWS = 4  # for each gradient


@dataclass(frozen=True)
class Gap:
    """A gap averaged over rows.

    Attributes
    ----------
    nats_per_example : float
    standard_error : float
        From the spread over rows.
    monte_carlo_error : float
        From the spread over draws.
    """

    nats_per_example: float
    standard_error: float
    monte_carlo_error: float

    def __str__(self) -> str:
        return f"{self.nats_per_example:.3f} (+- {self.standard_error:.3f})"


@dataclass(frozen=True, repr=False)
class InferenceGap:
    """log p(x) - ELBO of some rows, divided in two, in nats.

    Attributes
    ----------
    rows : array, (rows,)
        The indices of the rows.
    elbo : array, (rows,)
        The ELBO of the encoder.
    refined : array, (rows,)
        The ELBO of the best normals of each row.
    log_p : array, (rows,)
        By importance sampling from the best normals.
    errors : dict of str to array, (rows,)
        The Monte Carlo standard errors of "elbo", "refined" and "log_p".
    effective_samples : array, (rows,)
        The effective number of draws of log_p.
    source : str
        Which rows these are.
    seed : int
        The seed of the rows and of all draws.
    """

    rows: np.ndarray
    elbo: np.ndarray
    refined: np.ndarray
    log_p: np.ndarray
    errors: dict[str, np.ndarray]
    effective_samples: np.ndarray
    source: str
    seed: int

    @property
    def gap(self) -> Gap:
        """log p - ELBO: KL(q(z | x) || p(z | x))."""
        return self._difference("log_p", "elbo")

    @property
    def amortisation_gap(self) -> Gap:
        """The loss by the encoder: refined ELBO - ELBO."""
        return self._difference("refined", "elbo")

    @property
    def family_gap(self) -> Gap:
        """The loss by independent normals, even the best: log p - refined ELBO."""
        return self._difference("log_p", "refined")

    def _difference(self, high: str, low: str) -> Gap:
        difference = getattr(self, high) - getattr(self, low)
        errors = np.hypot(self.errors[high], self.errors[low])
        return Gap(float(difference.mean()), standard_error_of_mean(difference), monte_carlo_error_of_mean(errors))

    def __str__(self) -> str:
        text = (
            f"log p - ELBO = {self.gap} nats per example over {len(self.rows)} {self.source}: amortisation gap "
            f"{self.amortisation_gap}, family gap {self.family_gap}"
        )
        few = int((self.effective_samples < MIN_EFFECTIVE_DRAWS).sum())
        if few:
            text += (
                f"; {few} rows have fewer than {MIN_EFFECTIVE_DRAWS} effective draws: their family gap is likely larger"
            )
        return text

    __repr__ = __str__


def inference_gap(
    fit: FitRecord,
    data: DataLike = None,
    rows: int | None = 100,
    steps: int = 500,
    num_samples: int = 5000,
    seed: int = 0,
) -> InferenceGap:
    """Divide log p(x) - ELBO into an amortisation gap and a family gap, by optimising q for each row.

    Mean and sd of each number of the code start at the encoder's and maximise the ELBO of their row, the decoder fixed.
    The increase is the amortisation gap; the remaining difference to log p(x) is the family gap, that of independent
    normals. Classes have the optimal q(y) given the normals.

    Parameters
    ----------
    fit : Fit
        A fit with a normal encoder.
    data : optional
        Rows as ``inference.fit`` takes them; by default those that the fit held out, or else was trained on.
    rows : int or None, default 100
        How many rows, chosen at random; None for all.
    steps : int, default 500
        The steps of Adam.
    num_samples : int, default 5000
        The draws for log p(x) of each row, from the refined codes.
    seed : int, default 0

    Returns
    -------
    InferenceGap

    Raises
    ------
    ZooError
        For an encoder that is not normal, and for rows that the model cannot take.

    References
    ----------
    Cremer, Li and Duvenaud (2018), "Inference suboptimality in variational autoencoders".
    """
    check_whole(2, num_samples=num_samples)
    check_whole(1, steps=steps)
    available = evaluation_rows(fit, data, seed)
    N = len(next(iter(available.table.values())))
    if rows is not None:
        check_whole(1, rows=rows)
    chosen = np.sort(np.random.default_rng(seed).permutation(N)[:rows])
    table, posterior = take_rows(available.table, chosen), available.posterior
    reconstruction, kl, elbo_error = guide_elbo(posterior.elbo_terms(table, ELBO_DRAWS, seed), ELBO_DRAWS)
    normals = posterior.refine(table, steps, GRADIENT_DRAWS, seed)
    refined_terms = posterior.elbo_terms(table, ELBO_DRAWS, seed + 1, normals)
    refined, refined_error = optimal_elbo(refined_terms, ELBO_DRAWS)
    log_p, log_p_error, effective = importance_estimates(posterior, table, num_samples, seed, normals)
    errors = {"elbo": elbo_error, "refined": refined_error, "log_p": log_p_error}
    return InferenceGap(chosen, reconstruction - kl, refined, log_p, errors, effective, available.source, seed)
