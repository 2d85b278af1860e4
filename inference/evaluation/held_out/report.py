"""All that is said of an amortised fit on some rows, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.evaluation.held_out.gap import InferenceGap, inference_gap
from inference.evaluation.held_out.marginal import FEW, LogMarginal, log_marginal
from inference.evaluation.held_out.rows import of_draws, over_rows
from inference.evaluation.held_out.split import ElboSplit, elbo_split
from inference.summaries.statistics import ACTIVE_VARIANCE

if TYPE_CHECKING:
    import pandas as pd

    from inference.result import Fit


SURE, LEAST = 4.0, 0.01  # standard errors, and nats that nobody minds


@dataclass(frozen=True, repr=False)
class HeldOut:
    """What ``held_out`` found: each part with its arrays, and ``table``, which is what prints."""

    marginal: LogMarginal
    split: ElboSplit
    gap: InferenceGap | None

    @property
    def table(self) -> pd.DataFrame:
        """A row for each number, its unit in its name; standard_error over rows, monte_carlo_error over draws."""
        import pandas as pd

        m, s, nothing = self.marginal, self.split, float("nan")
        bits = m.values / len(m.log_p) * float(np.log(2))  # nats per example in one bit per dimension
        of_log_p, of_elbo = (m.standard_error, m.monte_carlo_error), (s.standard_error, s.monte_carlo_error)
        rows = {
            "minus_log_p_nats_per_example": (m.nats_per_example, *of_log_p),
            "minus_log_p_bits_per_dimension": (m.bits_per_dimension, *(e / bits for e in of_log_p)),
            "elbo_nats_per_example": (s.elbo_nats_per_example, *of_elbo),
            "minus_elbo_bits_per_dimension": (s.bits_per_dimension, *(e / bits for e in of_elbo)),
            "reconstruction_nats_per_example": (
                s.reconstruction_nats_per_example,
                over_rows(s.reconstruction),
                nothing,
            ),
            "kl_nats_per_example": (s.kl_nats_per_example, over_rows(s.kl), nothing),
            "active_units": (s.active_units, nothing, nothing),
        }
        if self.gap:
            for name in ("gap", "amortisation_gap", "family_gap"):
                gap = getattr(self.gap, name)
                rows[f"{name}_nats_per_example"] = (gap.nats_per_example, gap.standard_error, gap.monte_carlo_error)
        columns = ["value", "standard_error", "monte_carlo_error"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("quantity")

    @property
    def kl_by_dimension(self) -> pd.DataFrame:
        """A row for each number of the code, the most used first: its KL, and whether it is active."""
        import pandas as pd

        frames = []
        for site, kl in self.split.kl_by_dimension.items():
            variance = self.split.variances.get(site, np.full(kl.shape, np.nan))
            if kl.shape == variance.shape:
                names = [f"{site}[{','.join(map(str, i))}]" if i else site for i in np.ndindex(*kl.shape)]
                said = {"kl_nats_per_example": kl.ravel(), "variance_of_mean": variance.ravel()}
                frames.append(pd.DataFrame({**said, "active": variance.ravel() > ACTIVE_VARIANCE}, index=names))
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
        said = [f"{len(m.log_p)} {m.source}; log p by {m.num_samples} draws a row; seed {m.seed}."]
        if m.dominated:
            said.append(f"{m.dominated} of them have fewer than {FEW} effective draws: their log p is likely too low.")
        if self.gap:
            said.append(f"The gaps are those of {len(self.gap.rows)} of them.")
            missed = missing(m, self.gap)
            if missed > 0:
                said.append(
                    f"From refined codes log p of these is {missed:.3f} nats higher: the encoder misses a part of the "
                    "posterior, and log p above is too low by about as much."
                )
        return "\n".join([*map(str.rstrip, text), *said])

    __repr__ = __str__


def missing(marginal: LogMarginal, gap: InferenceGap) -> float:
    """By how many nats per example log p is surely higher from refined codes than from the encoder's, or 0."""
    each = gap.log_p - marginal.log_p[gap.rows]
    error = of_draws(np.hypot(gap.errors["log_p"], marginal.errors[gap.rows]))
    return float(each.mean()) if each.mean() > SURE * error + LEAST else 0.0


def held_out(
    fit: Fit,
    data: Any = None,
    num_samples: int = 5000,
    gap_rows: int | None = 100,
    seed: int = 0,
    progress: bool = False,
) -> HeldOut:
    """log p, the ELBO and its parts, active units and the inference gap, on rows that the fit was not trained on.

    data: as ``fit`` takes it; unless given the rows that the fit held out, by which its weights were chosen, or where
    it held out none its own, which flatter. gap_rows: how many of the rows, drawn at random, the gap is divided on; 0
    for none, None for all. Raises ZooError for a fit without an encoder and for rows the model cannot take.
    """
    marginal = log_marginal(fit, data, num_samples, seed, progress)
    split = elbo_split(fit, data, seed=seed)
    gap = None if gap_rows == 0 else inference_gap(fit, data, gap_rows, num_samples=num_samples, seed=seed)
    return HeldOut(marginal, split, gap)
