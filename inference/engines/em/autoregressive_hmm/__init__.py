"""Closed-form EM for the autoregressive hidden Markov model: weighted least squares on the steps before.

The forward and backward pass are those of ``chain``, and the regressions those of ``normal_regression``. The first P
steps of a sequence have one density in every state, and so no part in the M-step.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.em.chain import ChainForm, Emissions, dirichlet_counts
from inference.engines.em.gaussian_mixture import condition
from inference.engines.em.hidden_markov.normal import LOG_2PI, Units, check_width, units_of
from inference.engines.em.normal_regression import (
    Coefficients,
    NormalRegression,
    RegressionData,
    prior_of_coefficients,
)
from inference.engines.em.options import PreparedOptions
from zoo.autoregressive_hmm import regression
from zoo.data.sequences import Steps
from zoo.types import Keywords

KIND = "chain"
COVARIANCES = {"diagonal": "diag", "full": "full"}


def form(keywords: Keywords, options: PreparedOptions) -> ChainForm:
    """The closed form under the settings; the hook of ``closed_form.ChainHook``."""
    K, noise = keywords["K"], keywords["noise"]
    made: list[AutoregressiveEmissions] = []

    def emissions(steps: Steps, weights: np.ndarray) -> Emissions:
        units = units_of(steps.values, weights, keywords, options)
        made[:] = [AutoregressiveEmissions(steps, keywords, options, units)]
        return made[0]

    def check(params: Mapping[str, np.ndarray]) -> None:
        for of_steps in made:
            check_width(params["Lambda"], COVARIANCES[noise], of_steps.units, options)

    def condition_of(params: Mapping[str, np.ndarray]) -> float:
        return made[0].condition(params, COVARIANCES[noise]) if made else 1.0

    return ChainForm(emissions, np.zeros(K), dirichlet_counts(keywords, options), check, condition_of)


class AutoregressiveEmissions:
    """``chain.Emissions`` of the steps (S, D), each given the P steps before."""

    def __init__(self, steps: Steps, keywords: Keywords, options: PreparedOptions, units: Units):
        x, P, D = steps.values, keywords["P"], steps.values.shape[1]
        loc, scale = (np.broadcast_to(keywords[n], D) for n in ("loc", "scale"))
        responses, regressors = (a[steps.is_step] for a in regression(steps.padded(), keywords))
        responses = (responses - units.centre) / units.scale
        prior = prior_of_coefficients(np.tile(keywords["slope"] * scale[:, None] / scale, P), np.tile(scale, P), units)
        is_full = keywords["noise"] == "full"
        data = RegressionData(responses, regressors, *prior, units)
        self.regression = NormalRegression(data, is_full, options.is_map)
        self.units, self.P, self.unit_ratio = units, P, units.scale[:, None] / scale
        self.units_of_precision = np.multiply.outer(units.scale, units.scale) if is_full else units.scale**2
        log_first = -0.5 * (((x - loc) / scale) ** 2 + LOG_2PI) - np.log(scale)
        is_first = np.arange(len(x)) - np.repeat(steps.starts[:-1], np.diff(steps.starts)) < P
        # a sequence without values has one step, which is missing
        self.log_first = np.where(is_first, np.nan_to_num(log_first).sum(1), 0.0)[:, None]

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.log_first + self.regression.log_density(self._standardised(params))

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        before = None if previous is None else self._standardised(previous)
        b, precision = self.regression.maximise(posterior, before)
        K, D = b.shape[:2]
        W = np.swapaxes(b[..., 1:].reshape(K, D, self.P, D), 1, 2) * self.unit_ratio
        mu = self.units.centre + self.units.scale * b[..., 0]
        return {"mu": mu, "W": W, "Lambda": precision / self.units_of_precision}

    def condition(self, params: Mapping[str, np.ndarray], covariance: str) -> float:
        """The factor by which a rounding error grows in the log density of a value."""
        of_noise = condition(params["Lambda"], covariance, self.units.centre, self.units.scale)
        return of_noise + self.regression.condition(self._standardised(params))

    def _standardised(self, params: Mapping[str, np.ndarray]) -> Coefficients:
        """The parameters in units of the columns."""
        mean, W = (params["mu"] - self.units.centre) / self.units.scale, params["W"] / self.unit_ratio
        K, D = mean.shape
        b = np.concatenate([mean[..., None], np.swapaxes(W, 1, 2).reshape(K, D, self.P * D)], axis=2)
        return Coefficients(b, params["Lambda"] * self.units_of_precision)
