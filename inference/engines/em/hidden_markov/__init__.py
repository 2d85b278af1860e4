"""Closed-form EM for the hidden Markov model, by the exponential family of each emission.

``normal`` has sums about the means of the states, so that narrow states cost no digits. ``full_normal`` and
``tied_normal`` have in the place of missing values their moments given the values observed, by pattern of missing
values. MAP and the floor of variances are those of ``gaussian_mixture``. Probabilities of items and symbols are kept
``MARGIN`` from 0, and rates above ``MIN_RATE``, so that what does not occur in a state is possible there.

MAP with a concentration of A below 1 sets transitions to zero (``em/chain``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.em.chain import ChainForm, Emissions, dirichlet_counts
from inference.engines.em.gaussian_mixture import condition
from inference.engines.em.hidden_markov.discrete import CategoricalEmissions, CountEmissions, ItemEmissions
from inference.engines.em.hidden_markov.full_normal import FullNormalEmissions
from inference.engines.em.hidden_markov.normal import NormalEmissions, Units, check_width, units_of
from inference.engines.em.options import PreparedOptions
from zoo.data.sequences import Steps
from zoo.types import Keywords

KIND = "chain"
COVARIANCES = {"normal": "diag", "full_normal": "full", "tied_normal": "tied"}
DISCRETE = {"bernoulli": ItemEmissions, "poisson": CountEmissions, "categorical": CategoricalEmissions}


def form(keywords: Keywords, options: PreparedOptions) -> ChainForm:
    """The closed form under the settings; the hook of ``closed_form.ChainHook``."""
    K, emission = keywords["K"], keywords["emission"]
    units: list[Units] = []

    def emissions(steps: Steps, weights: np.ndarray) -> Emissions:
        x = steps.values
        if emission in DISCRETE:
            return DISCRETE[emission](x, keywords, options.is_map)
        units[:] = [units_of(x, weights, keywords, options)]
        return (NormalEmissions if emission == "normal" else FullNormalEmissions)(x, keywords, options, units[0])

    def check(params: Mapping[str, np.ndarray]) -> None:
        if units:
            check_width(params["Lambda"], COVARIANCES[emission], units[0], options)

    def condition_of(params: Mapping[str, np.ndarray]) -> float:
        return condition(params["Lambda"], COVARIANCES[emission], units[0].centre, units[0].scale) if units else 1.0

    counts = dirichlet_counts(keywords, options)
    return ChainForm(emissions, np.zeros(K), counts, check, condition_of if emission in COVARIANCES else None)
