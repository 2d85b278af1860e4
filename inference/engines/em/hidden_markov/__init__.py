"""Closed-form EM for the hidden Markov model, by the exponential family of each emission.

``normal`` has sums about the means of the states, so that narrow states cost no digits. ``full_normal`` and
``tied_normal`` have in the place of missing values their moments given the values observed, by pattern of missing
values. MAP and the floor of variances are those of ``gaussian_mixture``. Probabilities of items and symbols are kept
``MARGIN`` from 0, and rates above ``MIN_RATE``, so that what does not occur in a state is possible there.

MAP has the mode of the Dirichlet prior of A, which has one where its concentration is 1 or more.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.em.chain import ChainForm, Emissions
from inference.engines.em.gaussian_mixture import condition, narrowest
from inference.engines.em.hidden_markov.discrete import CategoricalEmissions, CountEmissions, ItemEmissions
from inference.engines.em.hidden_markov.full_normal import FullNormalEmissions
from inference.engines.em.hidden_markov.normal import NormalEmissions, Units, units_of
from inference.engines.em.options import PreparedOptions
from zoo import ZooError
from zoo.types import Keywords

KIND = "chain"
COVARIANCES = {"normal": "diag", "full_normal": "full", "tied_normal": "tied"}
DISCRETE = {"bernoulli": ItemEmissions, "poisson": CountEmissions, "categorical": CategoricalEmissions}


def form(keywords: Keywords, options: PreparedOptions) -> ChainForm:
    """The closed form under the settings; the hook of ``closed_form.ChainHook``."""
    K, emission = keywords["K"], keywords["emission"]
    added = keywords["concentration"] - 1 + keywords["stickiness"] * np.eye(K)
    if options.is_map and (added < 0).any():
        raise ZooError(
            f"concentration={keywords['concentration']:g}: below 1 the density of A has no mode; use objective='ml', "
            "or a concentration from 1 up"
        )
    units: list[Units] = []

    def emissions(steps: np.ndarray, weights: np.ndarray) -> Emissions:
        if emission in DISCRETE:
            return DISCRETE[emission](steps, keywords, options.is_map)
        units[:] = [units_of(steps, weights, keywords, options)]
        return (NormalEmissions if emission == "normal" else FullNormalEmissions)(steps, keywords, options, units[0])

    def check(params: Mapping[str, np.ndarray]) -> None:
        if not units or units[0].floor.clip is not None or options.is_map:
            return
        widths = narrowest(params["Lambda"], COVARIANCES[emission], units[0].scale, units[0].floor)
        k = int(widths.argmin())
        if widths[k] <= 1.01:
            name = f"state {k}" if len(widths) > 1 else "the covariance"
            raise ZooError(
                f"{name} collapsed to a point, a line or a plane, so the likelihood has no maximum there; use "
                "objective='map', fewer K, another seed, or give a covariance_floor"
            )

    def condition_of(params: Mapping[str, np.ndarray]) -> float:
        return condition(params["Lambda"], COVARIANCES[emission], units[0].centre, units[0].scale) if units else 1.0

    counts = added if options.is_map else np.zeros((K, K))
    return ChainForm(emissions, np.zeros(K), counts, check, condition_of if emission in COVARIANCES else None)
