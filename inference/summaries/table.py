"""The summary of a fit as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.alignment import aligned
from inference.amortised import AmortisedPosterior, Code, shared_by_rows
from inference.record import FitRecord
from inference.summaries.quantities import scalars
from inference.summaries.statistics import active, amortised, chain_statistics, kind_of
from zoo.data.intensities import take_rows

if TYPE_CHECKING:
    import pandas as pd

INTERVAL = (3, 97)  # percentiles: the central 94%
LOOKED = 1000  # rows at most, by which units are called active


def summary(fit: FitRecord) -> pd.DataFrame:
    """A row for each number reported, labels aligned.

    Of draws: mean, sd, the central 94% interval, and rank-normalised R-hat and bulk ESS where there are chains (NaN
    for the independent draws of a guide). Of a point: the estimate alone, and where an encoder was trained with it the
    ELBO in its parts, as training ended, and how many numbers of its code are active.
    """
    import pandas as pd

    names, values = scalars(fit.model.card, fit.keywords, aligned(fit))
    said = described(fit, values, pd.Index(names, name="quantity")).drop(columns="ess_tail", errors="ignore")
    if not amortised(fit):
        return said
    return pd.concat([said, pd.DataFrame({"estimate": training(fit)})]).rename_axis("quantity")


def training(fit: FitRecord) -> dict[str, float]:
    """What training with an encoder came to, at the step whose weights are the fit."""
    said = fit.diagnostics
    epochs = said["epochs"]
    last = int(np.searchsorted(epochs["step"], said["best_step"])) if "best_step" in said else -1
    found = {n: said[n] for n in ("elbo_nats_per_row", "held_out_elbo_nats_per_row") if n in said}
    # none of the two where training broke down in its first epoch
    found |= {n: float(epochs[n][last]) for n in ("reconstruction_nats_per_row", "kl_nats_per_row") if n in epochs}
    if shared_by_rows(fit):
        return found
    opened = AmortisedPosterior(fit)
    N = len(next(iter(fit.data.values())))
    some = take_rows(fit.data, np.arange(N)[:: -(-N // LOOKED)])
    codes = [code for code in opened.encode(opened.table(some)).values() if isinstance(code, Code)]
    return {**found, "active_units": sum(active(code.mean.var(0)) for code in codes)}


def described(fit: FitRecord, values: np.ndarray, index: pd.Index) -> pd.DataFrame:
    """A row for each of some numbers of a fit, (chain, draw, numbers), as in ``summary``, with the tail ESS too."""
    import pandas as pd

    if not fit.draws:
        return pd.DataFrame({"estimate": values[0, 0]}, index=index)
    flat = values.reshape(-1, len(index))
    low, high = np.percentile(flat, INTERVAL, axis=0)
    nothing = np.full(len(index), np.nan)
    r_hat, bulk, tail = chain_statistics(values) if kind_of(fit) == "chains" else (nothing,) * 3
    said = {"mean": flat.mean(0), "sd": flat.std(0, ddof=1), "eti_3%": low, "eti_97%": high}
    return pd.DataFrame({**said, "r_hat": r_hat, "ess_bulk": bulk, "ess_tail": tail}, index=index)
