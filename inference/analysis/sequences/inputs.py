"""Chains of a fit: their logs at the draws of the parameters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from inference import exact
from inference.alignment import aligned_draws
from inference.exact import enumeration
from inference.record import FitRecord
from zoo.types import DataLike


class FittedChains(NamedTuple):
    """The chains of the sequences of some data at S draws of the parameters, one for a point estimate.

    params: (1, S, *shape) by site. log_states: (S, N, T, K). log_transitions: (S, N, T - 1 or 1, K, K).
    """

    params: dict[str, np.ndarray]
    log_states: np.ndarray
    log_transitions: np.ndarray


def fitted_params(fit: FitRecord, is_point: bool = False) -> dict[str, np.ndarray]:
    """The aligned draws, thinned, or the point estimate of a fit without draws, or ``is_point``; (1, S, *shape)."""
    if fit.draws and not is_point:
        params = exact.thin_draws({**aligned_draws(fit), **fit.learned_draws()})
    else:
        params = {n: np.asarray(v)[None, None] for n, v in fit.params.items()}
    return {n: params[n] for n in fit.fitted_model.card.parameters(fit.keywords)}


def fitted_chains(fit: FitRecord, data: DataLike, site: str | None, is_point: bool = False) -> FittedChains:
    """The chains at the aligned draws, thinned, or at the point estimate of a fit without draws, or ``is_point``."""
    params = fitted_params(fit, is_point)
    log_states, log_transitions = enumeration.chain(fit.fitted_model, params, fit.observed_data(data), site)
    return FittedChains(params, log_states[0], log_transitions[0])


def state_probabilities(fit: FitRecord, data: DataLike, site: str | None) -> np.ndarray:
    """The probabilities of the states at each draw of the parameters, (S, N, T, K)."""
    return enumeration.chain_probabilities(fit.fitted_model, fitted_params(fit), fit.observed_data(data), site)[0]


def spread_draws(count: int, num_draws: int) -> np.ndarray:
    """The indices of ``count`` draws, evenly spaced, or each of them about equally often.

    >>> spread_draws(2, 4), spread_draws(5, 2)
    (array([0, 2]), array([0, 1, 0, 1, 0]))
    """
    indices = np.arange(count)
    return indices * num_draws // count if count < num_draws else indices % num_draws
