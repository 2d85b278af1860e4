"""Closed-form EM for switching regression: weighted least squares on the covariates of each state.

Responses of 0 and 1 and counts have a few steps of Newton's method in its place (``generalised``).

The forward and backward pass are those of ``chain``, and the regressions those of ``normal_regression``. Transitions
that move with covariates are multinomial logistic regressions, one for each state that is left, whose M-step is a few
steps of Newton's method (``transitions``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.em.chain import ChainForm, Emissions, dirichlet_counts
from inference.engines.em.gaussian_mixture import condition
from inference.engines.em.hidden_markov.normal import check_width, units_of
from inference.engines.em.normal_regression import (
    Coefficients,
    NormalRegression,
    RegressionData,
    prior_of_coefficients,
)
from inference.engines.em.options import PreparedOptions
from inference.engines.em.switching_regression.generalised import Responses, log_densities, maximise
from inference.engines.em.switching_regression.transitions import CovariateTransitions
from zoo._distributions.mixed_columns import layout
from zoo.data.sequences import Steps
from zoo.switching_regression import kinds_of, regression
from zoo.types import Keywords

KIND = "chain"


def form(keywords: Keywords, options: PreparedOptions) -> ChainForm:
    """The closed form under the settings; the hook of ``closed_form.ChainHook``."""
    K = keywords["K"]
    made: list[RegressionEmissions] = []
    counts = dirichlet_counts(keywords, options)

    def emissions(steps: Steps, weights: np.ndarray) -> Emissions:
        made[:] = [RegressionEmissions(steps, weights, keywords, options)]
        return made[0]

    def check(params: Mapping[str, np.ndarray]) -> None:
        for of_steps in made:
            if of_steps.normal:
                check_width(params["Lambda"], "diag", of_steps.normal.units, options)

    def condition_of(params: Mapping[str, np.ndarray]) -> float:
        return made[0].normal.condition(params) if made and made[0].normal else 1.0

    def transitions(steps: Steps) -> CovariateTransitions:
        return CovariateTransitions(regression(steps.padded(), keywords).regressors[:, 1:], counts)

    by_covariates = keywords["transitions"] == "covariates"
    return ChainForm(emissions, np.zeros(K), counts, check, condition_of, transitions if by_covariates else None)


class RegressionEmissions:
    """``chain.Emissions`` of the steps (S, D), responses of several kinds and covariates."""

    def __init__(self, steps: Steps, weights: np.ndarray, keywords: Keywords, options: PreparedOptions):
        at = layout(kinds_of(keywords["columns"], keywords["D"]))
        G, B = len(at.numbers), len(at.categories)
        responses, self.regressors = (a[steps.is_step] for a in regression(steps.padded(), keywords))
        C, P = responses.shape[1], self.regressors.shape[1] - 1
        loc, scale = (np.broadcast_to(keywords[n], C) for n in ("loc", "scale"))
        self.sd, self.is_map = np.broadcast_to(keywords["covariate_sd"], P), options.is_map
        self.normal = None
        if G:
            of_numbers = {**keywords, "loc": loc[:G], "scale": scale[:G]}
            self.normal = NormalResponses(responses[:, :G], self.regressors, weights, of_numbers, self.sd, options)
        mean = np.concatenate([loc[:, None], np.zeros((C, P))], axis=1)
        prior_sd = np.repeat(scale[:, None], 1 + P, axis=1)  # in units of the regressors
        self.others = [
            (part, Responses(responses[:, part], is_count, mean[part], prior_sd[part]))
            for part, is_count in ((slice(G, G + B), False), (slice(G + B, C), True))
            if part.start < part.stop
        ]

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        logs = self.normal.log_density(params) if self.normal else np.zeros((len(self.regressors), len(params["pi"])))
        for part, responses in self.others:
            for k, b in enumerate(self._standardised(params["beta"][:, part])):
                logs[:, k] += log_densities(responses.values, self.regressors @ b.T, responses.is_count).sum(1)
        return logs

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        better = self.normal.maximise(posterior, previous) if self.normal else {}
        betas = [better["beta"]] if self.normal else []
        for part, responses in self.others:
            before = None if previous is None else self._standardised(previous["beta"][:, part])
            b = maximise(responses, self.regressors, posterior, before, self.is_map)
            betas.append(np.concatenate([b[..., :1], b[..., 1:] / self.sd], axis=-1))
        return {**better, "beta": np.concatenate(betas, axis=1)}

    def _standardised(self, beta: np.ndarray) -> np.ndarray:
        """Coefficients by the regressors in units of their standard deviation."""
        return np.concatenate([beta[..., :1], beta[..., 1:] * self.sd], axis=-1)


class NormalResponses:
    """The responses (S, C) that are numbers, the first of beta, on regressors (S, 1 + P)."""

    def __init__(
        self,
        responses: np.ndarray,
        regressors: np.ndarray,
        weights: np.ndarray,
        keywords: Keywords,
        sd: np.ndarray,
        options: PreparedOptions,
    ):
        self.units = units = units_of(responses, weights, keywords, options)
        prior = prior_of_coefficients(keywords["scale"][:, None] / sd, sd, units)
        data = RegressionData((responses - units.centre) / units.scale, regressors, *prior, units)
        self.regression = NormalRegression(data, is_full=False, is_map=options.is_map)
        self.slope_units = units.scale[:, None] / sd

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
        beta = params["beta"][:, : len(self.units.scale)]
        level = (beta[..., 0] - self.units.centre) / self.units.scale
        b = np.concatenate([level[..., None], beta[..., 1:] / self.slope_units], axis=-1)
        return Coefficients(b, params["Lambda"] * self.units.scale**2)
