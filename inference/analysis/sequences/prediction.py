"""How well a model predicts each step of a sequence from the steps before, and how long its states last."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import logsumexp

from inference.analysis.sequences.inputs import check_no_latents, fitted_chains
from inference.analysis.sequences.states import paths
from inference.analysis.sequences.trends import fitted_trends, has_trends
from inference.exact import kalman, markov
from inference.record import FitRecord
from zoo import ZooError
from zoo.types import DataLike


@dataclass(frozen=True, eq=False)
class Durations:
    """How long the states last, in steps.

    Attributes
    ----------
    expected : array, (K,)
        1 / (1 - A_kk), the mean of the geometric distribution that the transitions imply, averaged over the draws of a
        fit that has draws.
    lengths : list of array of int
        For each state the lengths of its stays in draws of the path, without those that the ends of a sequence cut, or
        masked steps.
    """

    expected: np.ndarray
    lengths: list[np.ndarray]


def predictive_log_likelihood(fit: FitRecord, data: DataLike = None, site: str | None = None) -> np.ndarray:
    """Compute the log density of each step given the steps before.

    The sum over the steps is log p of the whole sequence. With draws of the parameters it is the log of a mean over
    them, so that a draw that predicted the steps before counts more: sum_s p(x_1..x_t | s) / sum_s p(x_1..x_{t-1} | s).

    Parameters
    ----------
    fit : Fit
        A fit of a program with a chain, or of a linear dynamical system.
    data : optional
        Sequences as ``inference.fit`` takes them; those of the fit by default, which the parameters have seen.
    site : str, optional
        The chain, where there are several.

    Returns
    -------
    numpy.ndarray
        (N, T), in nats; 0 at steps without values.

    Raises
    ------
    ZooError
        Where the model has no such chain.
    """
    steps = log_p_of_steps(fit, data, site)
    so_far = logsumexp(steps.cumsum(-1), axis=0) - np.log(len(steps))
    return np.diff(so_far, axis=-1, prepend=0.0)


def log_p_of_steps(fit: FitRecord, data: DataLike, site: str | None = None, is_thinned: bool = True) -> np.ndarray:
    """log p(x_t | x_1..x_{t-1}, parameters) at the draws, thinned, (S, N, T); 0 at steps without values."""
    if has_trends(fit):
        trends = fitted_trends(fit, data, is_thinned)
        return np.stack([kalman.filter_chains(chain, trends.x).log_p for chain in trends.chains])
    check_no_latents(fit, "log p of steps")
    chains = fitted_chains(fit, data, site, is_thinned=is_thinned)
    return steps_of_states(chains.log_states, chains.log_transitions)


def steps_of_states(log_states: np.ndarray, log_transitions: np.ndarray) -> np.ndarray:
    """log p(x_t | x_1..x_{t-1}) of a discrete chain, (S, N, T), from the logs of ``exact.markov``."""
    with np.errstate(divide="ignore"):
        before = np.log(markov.filter_states(log_states, log_transitions))[:, :, :-1]
    reached = logsumexp(before[..., None] + log_transitions, axis=-2)
    first = log_states[:, :, :1]
    return logsumexp(np.concatenate([first, reached + log_states[:, :, 1:]], axis=2), axis=-1)


def durations(
    fit: FitRecord, data: DataLike = None, num_paths: int = 100, seed: int = 0, site: str | None = None
) -> Durations:
    """Compute how long the states last, by the transitions and by draws of the path.

    Where the stays in draws given the data differ from geometric ones, the transitions do not describe them. Steps that
    a program masks, as those beyond the end of a sequence, do not count.

    Parameters
    ----------
    fit, data, num_paths, seed, site
        As in ``paths``.

    Returns
    -------
    Durations

    Raises
    ------
    ZooError
        Where the model has no discrete chain, or its transitions change with time.
    """
    if has_trends(fit):
        raise ZooError(f"{fit.model.name} has no discrete states: latents(fit) has its levels and factors")
    chains = fitted_chains(fit, data, site)
    transitions, is_counted = chains.own_transitions(fit.model.name)
    with np.errstate(divide="ignore"):
        expected = (1 / (1 - np.diagonal(transitions, axis1=-2, axis2=-1))).mean((0, 1))
    draws = np.asarray(paths(fit, data, num_paths, seed, site))
    lengths: list[list[int]] = [[] for _ in expected]
    all_counted = np.broadcast_to(is_counted, (draws.shape[1], draws.shape[2] - 1))
    for paths_of_draw in draws:
        for path, counts in zip(paths_of_draw, all_counted, strict=True):
            is_change = counts & (np.diff(path) != 0)
            for start, end in pairwise(np.flatnonzero(is_change | ~counts)):
                if is_change[start] and is_change[end]:
                    lengths[path[end]].append(int(end - start))
    return Durations(expected, [np.array(stays, int) for stays in lengths])
