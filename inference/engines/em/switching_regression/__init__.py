"""Closed-form EM for switching regression: weighted least squares on the covariates of each state.

The forward and backward pass are those of ``chain``, and the regressions those of ``normal_regression``. Transitions
that move with covariates are multinomial logistic regressions, one for each state that is left, whose M-step is a few
steps of Newton's method (``transitions``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.em.chain import ChainForm, Emissions, dirichlet_counts
from inference.engines.em.gaussian_mixture import condition
from inference.engines.em.hidden_markov.normal import Units, check_width, units_of
from inference.engines.em.normal_regression import (
    Coefficients,
    NormalRegression,
    RegressionData,
    prior_of_coefficients,
)
from inference.engines.em.options import PreparedOptions
from inference.engines.em.switching_regression.transitions import CovariateTransitions
from zoo.data.sequences import Steps
from zoo.switching_regression import regression
from zoo.types import Keywords

KIND = "chain"


def form(keywords: Keywords, options: PreparedOptions) -> ChainForm:
    """The closed form under the settings; the hook of ``closed_form.ChainHook``."""
    K = keywords["K"]
    made: list[RegressionEmissions] = []
    counts = dirichlet_counts(keywords, options)

    def emissions(steps: Steps, weights: np.ndarray) -> Emissions:
        responses = regression(steps.padded(), keywords).responses[steps.is_step]
        made[:] = [RegressionEmissions(steps, keywords, options, units_of(responses, weights, keywords, options))]
        return made[0]

    def check(params: Mapping[str, np.ndarray]) -> None:
        for of_steps in made:
            check_width(params["Lambda"], "diag", of_steps.units, options)

    def condition_of(params: Mapping[str, np.ndarray]) -> float:
        return made[0].condition(params) if made else 1.0

    def transitions(steps: Steps) -> CovariateTransitions:
        return CovariateTransitions(regression(steps.padded(), keywords).regressors[:, 1:], counts)

    by_covariates = keywords["transitions"] == "covariates"
    return ChainForm(emissions, np.zeros(K), counts, check, condition_of, transitions if by_covariates else None)


class RegressionEmissions:
    """``chain.Emissions`` of the steps (S, D), responses and covariates."""

    def __init__(self, steps: Steps, keywords: Keywords, options: PreparedOptions, units: Units):
        responses, regressors = (a[steps.is_step] for a in regression(steps.padded(), keywords))
        C, P = responses.shape[1], regressors.shape[1] - 1
        scale, sd = np.broadcast_to(keywords["scale"], C), np.broadcast_to(keywords["covariate_sd"], P)
        prior = prior_of_coefficients(scale[:, None] / sd, sd, units)
        data = RegressionData((responses - units.centre) / units.scale, regressors, *prior, units)
        self.regression = NormalRegression(data, is_full=False, is_map=options.is_map)
        self.units, self.slope_units = units, units.scale[:, None] / sd

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.regression.log_density(self._standardised(params))

    def condition(self, params: Mapping[str, np.ndarray]) -> float:
        """The factor by which a rounding error grows in the log density of a value."""
        of_noise = condition(params["Lambda"], "diag", self.units.centre, self.units.scale)
        return of_noise + self.regression.condition(self._standardised(params))

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        before = None if previous is None else self._standardised(previous)
        b, precision = self.regression.maximise(posterior, before)
        level = self.units.centre + self.units.scale * b[..., 0]
        beta = np.concatenate([level[..., None], b[..., 1:] * self.slope_units], axis=-1)
        return {"beta": beta, "Lambda": precision / self.units.scale**2}

    def _standardised(self, params: Mapping[str, np.ndarray]) -> Coefficients:
        """The parameters in units of the columns."""
        level = (params["beta"][..., 0] - self.units.centre) / self.units.scale
        b = np.concatenate([level[..., None], params["beta"][..., 1:] / self.slope_units], axis=-1)
        return Coefficients(b, params["Lambda"] * self.units.scale**2)
