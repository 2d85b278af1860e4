"""Sensitivity of a posterior to its prior and to its likelihood, by power scaling.

Kallioinen, Paananen, Bürkner and Vehtari (2024), "Detecting and diagnosing prior and likelihood sensitivity with
power-scaling". The prior, or the likelihood, is raised to powers a little below and above 1, by weights of the draws;
how far each marginal distribution moves is its sensitivity (cumulative Jensen-Shannon distance per doubling of the
power).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference import exact
from inference.alignment import aligned_draws
from inference.draws_model import check_program
from inference.evaluation.weighted_draws import check_draws
from inference.exact import enumeration
from inference.result import Fit
from inference.summaries.labels import labelled_entries
from inference.summaries.quantities import compared_quantities, scalar_quantities
from inference.summaries.statistics import EQUAL_WEIGHTS
from zoo.errors import unknown

if TYPE_CHECKING:
    import pandas as pd

THRESHOLD = 0.05  # above which the prior is informative, and below which the likelihood is weak
CONFLICT, STRONG_PRIOR = "prior and data conflict", "strong prior or weak likelihood"


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How far the posterior of each quantity moves with the prior and with the likelihood.

    Attributes
    ----------
    table : DataFrame
        A row for each quantity: ``prior`` and ``likelihood``, the sensitivities, and ``diagnosis``: "prior and data
        conflict" where both are above 0.05, "strong prior or weak likelihood" where that of the prior alone is, else
        "".
    """

    table: pd.DataFrame

    @property
    def conflicts(self) -> list[str]:
        """The quantities of which prior and data are in conflict."""
        return [str(n) for n in self.table.index[self.table["diagnosis"] == CONFLICT]]

    def __str__(self) -> str:
        found = self.table[self.table["diagnosis"] != ""]
        verdict = "No quantity is sensitive to the prior."
        if len(found):
            verdict = "; ".join(f"{n}: {d}" for n, d in found["diagnosis"].items()) + "."
        return f"{self.table.round(3).to_string()}\n\n{verdict}"


def sensitivity(fit: Fit, prior: Sequence[str] | None = None) -> Sensitivity:
    """Measure how far the posterior moves with the prior and with the likelihood.

    Parameters
    ----------
    fit : Fit
        A fit with draws; the likelihood is that of ``fit.log_likelihood()``.
    prior : sequence of str, optional
        The latents whose priors are scaled; by default those that are not in the rows. In a hierarchy name the
        hyperparameters.

    Returns
    -------
    Sensitivity

    Raises
    ------
    ZooError
        Where the fit has no draws, rows have no likelihood of their own, or there is no such latent.

    Examples
    --------
    >>> print(inference.sensitivity(fit))  # doctest: +SKIP
    """
    import pandas as pd

    check_program(fit.model)
    check_draws(fit, "sensitivity")
    card, settings = fit.model.card, fit.keywords
    sites = card.parameters(settings)
    scaled = [n for n in sites if n in card.latents and "N" not in sites[n].dims] if prior is None else list(prior)
    for name in scaled:
        if name not in sites:
            raise unknown("latent with a prior", name, sites)
    params = {**fit.draws, **fit.learned_draws()}
    log_prior = enumeration.log_priors(fit.fitted_model, params, fit.observed_data())
    log_likelihood = exact.log_likelihood(fit).sum(-1)
    draws = aligned_draws(fit)
    names, values = scalar_quantities(card, settings, draws)
    kept = compared_quantities(card, settings, draws)
    names = labelled_entries(card, settings, [n for n, is_kept in zip(names, kept, strict=True) if is_kept])
    total = sum((log_prior[n] for n in scaled), np.zeros(values.shape[:2]))
    measured = {
        "prior": power_scaling(values[..., kept], total, "prior"),
        "likelihood": power_scaling(values[..., kept], log_likelihood, "likelihood"),
    }
    table = pd.DataFrame(measured, index=pd.Index(names, name="quantity"))
    is_informative, is_weak = table["prior"] > THRESHOLD, table["likelihood"] < THRESHOLD
    table["diagnosis"] = np.where(is_informative, np.where(is_weak, STRONG_PRIOR, CONFLICT), "")
    return Sensitivity(table)


def power_scaling(values: np.ndarray, log_density: np.ndarray, group: str) -> np.ndarray:
    """The sensitivity of quantities, (chain, draw, quantities), to the power of a density, (chain, draw)."""
    from arviz_base import from_dict
    from arviz_stats.psense import psense

    if np.ptp(log_density) < EQUAL_WEIGHTS:  # a uniform prior, whose powers are all the same
        return np.zeros(values.shape[-1])
    tree = from_dict(
        {"posterior": {"q": values}, "log_likelihood" if group == "likelihood" else "log_prior": {"p": log_density}}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of quantities that are constant
        return np.asarray(psense(tree, group=group)["q"], float).ravel()
