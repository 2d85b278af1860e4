"""The steps after the last one of each sequence, where they depend on covariates or on the steps before."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from inference.analysis.sequences.inputs import FittedChains, fitted_chains
from inference.exact import markov
from inference.record import FitRecord
from zoo import ZooError
from zoo.data.arrays import to_numbers
from zoo.data.column_names import column_names
from zoo.data.columns import COVARIATE
from zoo.data.sequences import observed_steps, without_time
from zoo.types import DataLike


class LaterSteps(NamedTuple):
    """What a forecast of H steps begins with.

    chains: of the sequences. now: (S, N, K), the probabilities of the last states. transitions: (S, N, H or 1, K, K),
    to each later step. settings: what the program needs to simulate them.
    """

    chains: FittedChains
    now: np.ndarray
    transitions: np.ndarray
    settings: dict[str, Any]


def later_steps(fit: FitRecord, data: DataLike, steps: int, site: str | None, covariates: DataLike) -> LaterSteps:
    """The later steps of a fit; raises ZooError where the covariates of later steps are missing, or none are needed."""
    model, card = fit.fitted_model, fit.fitted_model.card
    observed = [n for n, s in card.sites(fit.keywords).items() if n in card.observed and s.dims == ("N", "T", "D")]
    kinds = card.column_kinds(fit.keywords, fit.keywords["D"]) if observed and "D" in fit.keywords else ()
    if COVARIATE not in kinds:
        if covariates is not None:
            raise ZooError(f"{fit.model.name} has no covariates here: leave covariates out")
        return without_covariates(fit, data, site)
    (name,) = observed
    x = np.asarray(model.bind(fit.observed_data(data))[0][name], float)
    columns = [d for d, kind in enumerate(kinds) if kind == COVARIATE]
    names = tuple(model.columns.get(name, ()))
    later = later_covariates(covariates, len(x), steps, [names[d] for d in columns] if names else [], len(columns))
    lengths = np.diff(observed_steps(x).starts)
    longer = np.full((len(x), x.shape[1] + steps, x.shape[2]), np.nan)
    for n, length in enumerate(lengths):
        longer[n, :length] = x[n, :length]
        longer[n, length : length + steps, columns] = later[n].T
    chains = fitted_chains(fit, longer, site)
    rows = np.arange(len(x))
    now = markov.filter_states(chains.log_states, chains.log_transitions)[:, rows, lengths - 1]
    transitions = np.exp(chains.log_transitions)
    if transitions.shape[2] > 1:
        transitions = transitions[:, rows[:, None], lengths[:, None] - 1 + np.arange(steps)]
    return LaterSteps(chains, now, transitions, {"covariates": later})


def without_covariates(fit: FitRecord, data: DataLike, site: str | None) -> LaterSteps:
    """The later steps of a model without covariates, whose transitions do not change with time."""
    model, chains = fit.fitted_model, fitted_chains(fit, data, site)
    sites = model.card.sites(fit.keywords)
    if chains.site not in sites or "T" not in sites[chains.site].dims:
        raise ZooError(
            f"{model.name} is a program of your own, whose number of steps is that of its data: smoothed(fit, data) of "
            "sequences with NaN at later steps has the probabilities of their states"
        )
    transitions = chains.constant_transitions(fit.model.name)[:, :, None]
    filtered = markov.filter_states(chains.log_states, chains.log_transitions)  # (S, N, T, K)
    if not model.card.continued:
        return LaterSteps(chains, filtered[:, :, -1], transitions, {})
    (x,) = model.bind(fit.observed_data(data))[0].values()
    last = np.diff(observed_steps(np.asarray(x, float)).starts) - 1
    now = filtered[:, np.arange(len(last)), last]
    return LaterSteps(chains, now, transitions, model.card.continued(fit.keywords, np.asarray(x, float)))


def later_covariates(covariates: DataLike, N: int, steps: int, names: list[str], P: int) -> np.ndarray:
    """The covariates of later steps as one array (N, steps, P); raises ZooError for another shape.

    >>> later_covariates([[1.0], [2.0]], 1, 2, [], 1).tolist()
    [[[1.0], [2.0]]]
    """
    expected = f"covariates of the {steps} later steps of N={N} sequences"
    if covariates is None:
        raise ZooError(f"forecast(fit, covariates=...) needs the {expected}, an array ({N}, {steps}, {P}) or tables")

    def as_array(values: Any) -> np.ndarray:
        given, values = column_names(values), without_time("covariates", values)
        if given and names:
            if absent := [name for name in names if name not in given]:
                raise ZooError(f"covariates has no column {', '.join(absent)}; those of the fit are {', '.join(names)}")
            values = values[names]
        return np.asarray(to_numbers("covariates", values), float)

    is_list = isinstance(covariates, list | tuple) and len(covariates) and np.ndim(covariates[0]) == 2
    array = np.stack([as_array(v) for v in covariates]) if is_list else as_array(covariates)
    array = array[None] if array.ndim == 2 else array
    if array.shape[1:] != (steps, P) or len(array) not in (1, N) or not np.isfinite(array).all():
        raise ZooError(f"the {expected} are numbers of shape ({N}, {steps}, {P}); given shape {array.shape}")
    return np.broadcast_to(array, (N, steps, P)).copy()
