"""The summary of a fit as a table."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from inference.alignment import aligned_draws
from inference.amortised import AmortisedPosterior, Code, latents_outside_rows
from inference.engines.nuts.result import interruption
from inference.record import FitRecord
from inference.summaries.collapse import collapse_note, latent_summary
from inference.summaries.difficulties import difficulty_note
from inference.summaries.labels import labelled_entries
from inference.summaries.quantities import MAX_ENTRIES, large_sites, scalar_quantities
from inference.summaries.statistics import chain_statistics, count_active_units, is_amortised, sample_kind
from zoo import ZooError
from zoo.data.intensities import take_rows

if TYPE_CHECKING:
    import pandas as pd

INTERVAL_PERCENTILES = (3, 97)  # of the central 94% interval
MAX_ROWS_FOR_ACTIVE_UNITS = 1000


def summary_table(fit: FitRecord, max_entries: int | None = MAX_ENTRIES) -> pd.DataFrame:
    """A row for each reported quantity: see ``inference.result.Fit.summary``."""
    import pandas as pd

    card, draws = fit.model.card, aligned_draws(fit)
    if large := large_sites(card, fit.keywords, draws, max_entries):
        omitted = ", ".join(f"{name} ({count} entries)" for name, count in large.items())
        where = "draws" if fit.draws else "params"
        warnings.warn(
            f"the table leaves out {omitted}: see fit.{where}[{next(iter(large))!r}], or summary(max_entries=None)",
            stacklevel=3,
        )
    if "interrupted_chains" in fit.diagnostics:
        warnings.warn(interruption(fit.diagnostics["interrupted_chains"], len(fit.stats["lp"])), stacklevel=3)
    if note := difficulty_note(fit):
        warnings.warn(note, stacklevel=3)
    names, values = scalar_quantities(card, fit.keywords, draws, max_entries)
    table = describe_values(fit, values, pd.Index(names, name="quantity")).drop(columns="ess_tail", errors="ignore")
    if not is_amortised(fit):
        return table
    if (note := collapse_note(fit)) and not fit.diagnostics["active_latents"]:
        warnings.warn(note, stacklevel=3)
    return pd.concat([table, pd.DataFrame({"estimate": training_summary(fit)})]).rename_axis("quantity")


def training_summary(fit: FitRecord) -> dict[str, float]:
    """The ELBO and its terms at the step whose weights are the fit, and the number of active units."""
    diagnostics = fit.diagnostics
    epochs = diagnostics["epochs"]
    last = int(np.searchsorted(epochs["step"], diagnostics["best_step"])) if "best_step" in diagnostics else -1
    names = ("elbo_nats_per_row", "held_out_elbo_nats_per_row", "num_skips")
    summary = {n: diagnostics[n] for n in names if n in diagnostics}
    # neither term exists where the first epoch was not completed, and those of relaxed draws are not of this ELBO
    terms = () if "relaxed" in diagnostics else ("reconstruction_nats_per_row", "kl_nats_per_row")
    summary |= {n: float(epochs[n][last]) for n in terms if n in epochs}
    summary |= latent_summary(fit)
    if latents_outside_rows(fit):
        return summary
    posterior = AmortisedPosterior(fit)
    N = len(next(iter(fit.data.values())))
    subset = take_rows(fit.data, np.arange(N)[:: -(-N // MAX_ROWS_FOR_ACTIVE_UNITS)])
    try:
        codes = {n: c for n, c in posterior.encode(posterior.table(subset)).items() if isinstance(c, Code)}
    except ZooError:  # a user's guide may have any distribution; only normal ones are codes
        return summary
    if len(codes) != 1:  # all are discrete, or means vary with the latents above even where a latent is collapsed
        return summary
    (code,) = codes.values()
    return {**summary, "active_units": count_active_units(code.mean.var(0))}


def describe_values(fit: FitRecord, values: np.ndarray, index: pd.Index) -> pd.DataFrame:
    """A row for each of some scalars of a fit, (chain, draw, scalars), as in ``summary_table``, with the tail ESS."""
    import pandas as pd

    if index.nlevels == 1:  # the names of entries, not pairs of columns
        index = pd.Index(labelled_entries(fit.model.card, fit.keywords, index), name=index.name)
    if not fit.draws:
        return pd.DataFrame({"estimate": values[0, 0]}, index=index)
    if not len(index):  # every site is left out for its size
        return pd.DataFrame(index=index)
    flat = values.reshape(-1, len(index))
    low, high = np.percentile(flat, INTERVAL_PERCENTILES, axis=0)
    nan = np.full(len(index), np.nan)
    r_hat, bulk, tail = (nan,) * 3
    if sample_kind(fit) == "chains":
        r_hat, bulk, tail = chain_statistics(values, fit.diagnostics.get("superchains"))
    moments = {"mean": flat.mean(0), "sd": flat.std(0, ddof=1), "eti_3%": low, "eti_97%": high}
    return pd.DataFrame({**moments, "r_hat": r_hat, "ess_bulk": bulk, "ess_tail": tail}, index=index)
