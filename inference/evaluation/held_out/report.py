"""All evaluations of an amortised fit on some rows, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.held_out.gap import InferenceGap, inference_gap
from inference.evaluation.held_out.marginal import MIN_EFFECTIVE_DRAWS, LogMarginal, log_marginal
from inference.evaluation.held_out.rows import monte_carlo_error_of_mean, standard_error_of_mean
from inference.evaluation.held_out.split import ElboSplit, elbo_split
from inference.record import FitRecord
from inference.summaries.quantities import entry_name
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd

SIGNIFICANT_Z, NEGLIGIBLE_NATS = 4.0, 0.01  # of the difference in log p between refined codes and the encoder's


@dataclass(frozen=True, repr=False)
class HeldOut:
    """The result of ``held_out``; printed it is the table.

    Attributes
    ----------
    marginal : LogMarginal
        log p of each row.
    split : ElboSplit
        The ELBO of each row and its terms.
    gap : InferenceGap or None
        The gap between the two on some rows.
    """

    marginal: LogMarginal
    split: ElboSplit
    gap: InferenceGap | None

    @property
    def table(self) -> pd.DataFrame:
        """A row for each number, with its unit in its name; standard_error over rows, monte_carlo_error over draws."""
        import pandas as pd

        m, s, nan = self.marginal, self.split, float("nan")
        bits = m.num_values / len(m.log_p) * float(np.log(2))  # nats per example in one bit per dimension
        log_p_errors, elbo_errors = (m.standard_error, m.monte_carlo_error), (s.standard_error, s.monte_carlo_error)
        reconstruction_error, kl_error = standard_error_of_mean(s.reconstruction), standard_error_of_mean(s.kl)
        rows = {
            "minus_log_p_nats_per_example": (m.nats_per_example, *log_p_errors),
            "minus_log_p_bits_per_dimension": (m.bits_per_dimension, *(e / bits for e in log_p_errors)),
            "elbo_nats_per_example": (s.elbo_nats_per_example, *elbo_errors),
            "minus_elbo_bits_per_dimension": (s.bits_per_dimension, *(e / bits for e in elbo_errors)),
            "reconstruction_nats_per_example": (s.reconstruction_nats_per_example, reconstruction_error, nan),
            "kl_nats_per_example": (s.kl_nats_per_example, kl_error, nan),
            "active_units": (s.active_units, nan, nan),
        }
        if self.gap:
            for name in ("gap", "amortisation_gap", "family_gap"):
                gap = getattr(self.gap, name)
                rows[f"{name}_nats_per_example"] = (gap.nats_per_example, gap.standard_error, gap.monte_carlo_error)
        columns = ["value", "standard_error", "monte_carlo_error"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("quantity")

    @property
    def kl_by_dimension(self) -> pd.DataFrame:
        """A row for each number of the code, the largest KL first: its KL, and whether it is active."""
        import pandas as pd

        frames = []
        for site, kl in self.split.kl_by_dimension.items():
            variance = self.split.variances.get(site, np.full(kl.shape, np.nan))
            if kl.shape == variance.shape:
                names = [entry_name(site, i) for i in np.ndindex(*kl.shape)]
                columns = {"kl_nats_per_example": kl.ravel(), "variance_of_mean": variance.ravel()}
                frames.append(pd.DataFrame({**columns, "active": self.split.is_active[site].ravel()}, index=names))
        return pd.concat(frames).sort_values("kl_nats_per_example", ascending=False)

    def __str__(self) -> str:
        m, table = self.marginal, self.table
        cells = [["" if np.isnan(v) else f"{v:.4f}" for v in row] for row in table.to_numpy()]
        lines = [
            ["", "value", "+- over rows", "+- by draws"],
            *([n, *c] for n, c in zip(table.index, cells, strict=True)),
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
        notes = [f"{len(m.log_p)} {m.source}; log p by {m.num_samples} draws a row; seed {m.seed}."]
        if m.num_unreliable:
            notes.append(
                f"{m.num_unreliable} of them have fewer than {MIN_EFFECTIVE_DRAWS} effective draws: "
                "their log p is likely too low."
            )
        if self.gap:
            notes.append(f"The gaps are those of {len(self.gap.rows)} of them.")
            missing = missing_log_p(m, self.gap)
            if missing > 0:
                notes.append(
                    f"From refined codes log p of these is {missing:.3f} nats higher: the encoder misses a part of the "
                    "posterior, and log p above is too low by about as much."
                )
        return "\n".join([*map(str.rstrip, text), *notes])

    __repr__ = __str__


def missing_log_p(marginal: LogMarginal, gap: InferenceGap) -> float:
    """By how many nats per example log p is significantly higher from refined codes than from the encoder's, or 0."""
    difference = gap.log_p - marginal.log_p[gap.rows]
    error = monte_carlo_error_of_mean(np.hypot(gap.errors["log_p"], marginal.errors[gap.rows]))
    is_significant = difference.mean() > SIGNIFICANT_Z * error + NEGLIGIBLE_NATS
    return float(difference.mean()) if is_significant else 0.0


def held_out(
    fit: FitRecord,
    data: DataLike = None,
    num_samples: int = 5000,
    gap_rows: int | None = 100,
    seed: int = 0,
    progress: bool = False,
) -> HeldOut:
    """Evaluate an amortised fit: log p, the ELBO and its terms, active units and the inference gap.

    Parameters
    ----------
    fit : Fit
        A fit with an encoder.
    data : optional
        Rows as ``inference.fit`` takes them; by default those that the fit held out, by which its weights were chosen,
        or else those that it was trained on, on which the numbers are optimistic.
    num_samples : int, default 5000
        The draws for log p of each row.
    gap_rows : int or None, default 100
        How many of the rows, chosen at random, have their gap divided; 0 for none, None for all. Of a model with
        discrete codes none has.
    seed : int, default 0
    progress : bool, default False
        Whether to show a progress bar on stderr.

    Returns
    -------
    HeldOut

    Raises
    ------
    ZooError
        For a fit without an encoder, and for rows that the model cannot take.
    """
    marginal = log_marginal(fit, data, num_samples, seed, progress)
    split = elbo_split(fit, data, seed=seed)
    has_gap = gap_rows != 0 and not fit.model.card.sampled  # discrete codes cannot be refined
    gap = None if not has_gap else inference_gap(fit, data, gap_rows, num_samples=num_samples, seed=seed)
    return HeldOut(marginal, split, gap)
