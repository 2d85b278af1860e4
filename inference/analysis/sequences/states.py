"""Probabilities and paths of the states of sequences."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from inference.analysis.sequences.inputs import check_no_latents, fitted_chains, state_probabilities
from inference.exact import markov, spread_draws
from inference.record import FitRecord
from zoo.checks import check_seed, check_whole
from zoo.types import DataLike


@dataclass(frozen=True, eq=False)
class MostProbablePaths:
    """The paths of highest probability of each sequence.

    Attributes
    ----------
    states : array of int, (N, T), or (N, num_paths, T) for several
        The best path first.
    log_probability : array, (N,) or (N, num_paths)
        Of the whole path given the data and the parameters, in nats. Where several chains have emissions in common,
        of their paths together.
    chains : dict of str to array of int
        The paths of each of these chains, as ``states``.
    """

    states: np.ndarray
    log_probability: np.ndarray
    chains: dict[str, np.ndarray] = field(default_factory=dict)


def smoothed(fit: FitRecord, data: DataLike = None, site: str | None = None) -> np.ndarray:
    """Compute the probabilities of the states given the whole of each sequence.

    Parameters
    ----------
    fit : Fit
        A fit of a program with a chain, by any engine.
    data : optional
        Sequences as ``inference.fit`` takes them; those of the fit by default.
    site : str, optional
        The chain; not needed where there is one.

    Returns
    -------
    numpy.ndarray
        (N, T, K), averaged over the draws of a fit that has draws.

    Raises
    ------
    ZooError
        Where the model has no such chain.
    """
    return state_probabilities(fit, data, site).mean(0)


def filtered(fit: FitRecord, data: DataLike = None, site: str | None = None) -> np.ndarray:
    """Compute the probabilities of the states given the steps up to each.

    Parameters
    ----------
    fit, data, site
        As in ``smoothed``.

    Returns
    -------
    numpy.ndarray
        (N, T, K), averaged over the draws of a fit that has draws.

    Raises
    ------
    ZooError
        Where the model has no such chain.
    """
    check_no_latents(fit, "filtered")
    chains = fitted_chains(fit, data, site)
    return chains.probabilities(markov.filter_states(chains.log_states, chains.log_transitions).mean(0))


def most_probable_path(
    fit: FitRecord, data: DataLike = None, num_paths: int = 1, site: str | None = None
) -> MostProbablePaths:
    """Find the path of highest probability of each sequence, by the Viterbi algorithm.

    The states that are most probable one by one, those of ``smoothed``, may make an impossible path. Of several chains
    with emissions in common the best paths are those of all of them together, ``chains`` of the result.

    Parameters
    ----------
    fit, data, site
        As in ``smoothed``. Of a fit with draws the mean of the draws is used, labels aligned: paths of several
        parameters have no common maximum.
    num_paths : int, default 1
        How many of the best paths to find.

    Returns
    -------
    MostProbablePaths

    Raises
    ------
    ZooError
        Where the model has no such chain, or there are fewer paths.

    References
    ----------
    Viterbi, A. (1967). Error bounds for convolutional codes and an asymptotically optimum decoding algorithm. IEEE
    Transactions on Information Theory 13, 260-269.
    """
    chains = fitted_chains(fit, data, site, is_point=True)
    logs = chains.log_states[0], chains.log_transitions[0]
    best = markov.best_paths(*logs, num_paths)
    log_probability = best.log_weights - markov.smooth(*logs).log_sum[:, None]
    at = 0 if num_paths == 1 else slice(None)
    by_chain = chains.states(best.states[:, at])
    return MostProbablePaths(by_chain[chains.site], log_probability[:, at], by_chain)


def paths(
    fit: FitRecord, data: DataLike = None, num_paths: int = 100, seed: int = 0, site: str | None = None
) -> np.ndarray:
    """Draw whole paths of each sequence from their posterior.

    Of several chains with emissions in common the draws with one seed are of all of them together.

    Parameters
    ----------
    fit, data, site
        As in ``smoothed``. Of a fit with draws each path is given one draw of the parameters.
    num_paths : int, default 100
    seed : int, default 0

    Returns
    -------
    numpy.ndarray of int
        (num_paths, N, T)

    Raises
    ------
    ZooError
        Where the model has no such chain.
    """
    check_whole(1, num_paths=num_paths)
    check_seed(seed)
    chains = fitted_chains(fit, data, site)
    at = spread_draws(num_paths, len(chains.log_states))
    logs = chains.log_states[at], chains.log_transitions[at]
    return chains.states(markov.draw_paths(*logs, 1, np.random.default_rng(seed))[:, :, 0])[chains.site]
