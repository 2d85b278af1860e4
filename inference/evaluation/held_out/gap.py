"""Where the ELBO loses: by the encoder, or by the family it encodes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.evaluation.held_out.marginal import FEW, weighed
from inference.evaluation.held_out.rows import check_whole, mean, of_draws, over_rows, rows_of
from inference.evaluation.held_out.split import of_best_classes, of_guide
from zoo.data.intensities import take_rows

if TYPE_CHECKING:
    from inference.result import Fit

LOOKS = 1000  # draws by which an ELBO is estimated
DRAWS = 4  # for each gradient


@dataclass(frozen=True, repr=False)
class InferenceGap:
    """log p(x) - ELBO of some rows, divided in two, in nats; arrays are (rows,).

    rows: which. elbo: of the encoder. refined: the ELBO of the best normals of each row. log_p: by importance sampling
    from these. errors: the Monte Carlo standard error of each, ``{"elbo", "refined", "log_p"}``. effective_samples: of
    log_p. source: which rows these are.
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
        return self.between("log_p", "elbo")

    @property
    def amortisation_gap(self) -> Gap:
        """What the encoder loses: refined ELBO - ELBO."""
        return self.between("refined", "elbo")

    @property
    def family_gap(self) -> Gap:
        """What independent normals lose, whoever chooses them: log p - refined ELBO."""
        return self.between("log_p", "refined")

    def between(self, high: str, low: str) -> Gap:
        each = getattr(self, high) - getattr(self, low)
        errors = np.hypot(self.errors[high], self.errors[low])
        return Gap(mean(each), over_rows(each), of_draws(errors))

    def __str__(self) -> str:
        said = (
            f"log p - ELBO = {self.gap} nats per example over {len(self.rows)} {self.source}: amortisation gap "
            f"{self.amortisation_gap}, family gap {self.family_gap}"
        )
        few = int((self.effective_samples < FEW).sum())
        return said + (
            f"; {few} rows have fewer than {FEW} effective draws: their family gap is likely larger" * (few > 0)
        )

    __repr__ = __str__


@dataclass(frozen=True)
class Gap:
    """Nats per example; standard_error: from the spread over rows; monte_carlo_error: from that over draws."""

    nats_per_example: float
    standard_error: float
    monte_carlo_error: float

    def __str__(self) -> str:
        return f"{self.nats_per_example:.3f} (+- {self.standard_error:.3f})"


def inference_gap(
    fit: Fit,
    data: Any = None,
    rows: int | None = 100,
    steps: int = 500,
    num_samples: int = 5000,
    seed: int = 0,
) -> InferenceGap:
    """Divide log p(x) - ELBO by making q better for each datum alone (Cremer, Li and Duvenaud 2018).

    Of ``rows`` rows, drawn at random (None for all), mean and sd of each number of the code begin as the encoder has
    them and climb the ELBO of their row by ``steps`` of Adam; the decoder stays. What is gained is the amortisation
    gap; what is then left to log p(x), by ``num_samples`` draws from the refined codes, is the family gap, that of
    independent normals. Classes take the best q(y) given those. Raises ZooError for an encoder that is not normal, and
    for rows the model cannot take.
    """
    check_whole(2, num_samples=num_samples)
    check_whole(1, steps=steps)
    every = rows_of(fit, data, seed)
    N = len(next(iter(every.table.values())))
    if rows is not None:
        check_whole(1, rows=rows)
    chosen = np.sort(np.random.default_rng(seed).permutation(N)[:rows])
    table, opened = take_rows(every.table, chosen), every.opened
    reconstruction, kl, error = of_guide(opened.elbo_terms(table, LOOKS, seed), LOOKS)
    q = opened.refine(table, steps, DRAWS, seed)
    refined, error_of_refined = of_best_classes(opened.elbo_terms(table, LOOKS, seed + 1, q), LOOKS)
    log_p, error_of_log_p, effective = weighed(opened, table, num_samples, seed, q)
    errors = {"elbo": error, "refined": error_of_refined, "log_p": error_of_log_p}
    return InferenceGap(chosen, reconstruction - kl, refined, log_p, errors, effective, every.source, seed)
