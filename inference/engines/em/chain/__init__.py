"""EM of hidden Markov models in closed form (Baum, Petrie, Soules and Weiss 1970), in NumPy for both backends.

The E-step is the forward and backward pass over the steps of all sequences, each up to its last observed value
(``inference.exact.markov.SequenceStates``). The M-step takes the expected number of first states and of transitions,
to which a Dirichlet prior adds its own, for pi and A; and the marginals of the states for the parameters of the
emissions, which a model gives by a ``ChainForm``. Its parameters pi (K,) and A (K, K) have these names. A model whose
transitions change with covariates gives their M-step too, from the pairs of each step.

A transition that had a probability keeps ``LEAST_PROBABILITY``, which changes no digit of the likelihood and keeps
every state within reach; one that had none, as in a start that goes from left to right, stays impossible.

A Dirichlet prior of A with a concentration below 1 has no mode inside of the simplex: its density is infinite where a
transition is 0. MAP is then the mode among transitions of ``LEAST_PROBABILITY`` and more: the expected counts with the
concentration less 1 added, 0 where that is negative, as shares of their sum (as sparse MAP estimates are, Brand 1999,
"Structure learning in conditional probability models via an entropic prior and parameter extinction"). Each transition
at the least probability adds the same large number to the log joint, so that restarts favour the sparser fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np

from inference.engines.em.options import PreparedOptions
from zoo.data.sequences import Steps
from zoo.types import Keywords

LEAST_PROBABILITY = 1e-90


class Emissions(Protocol):
    """The densities of the S steps of some data, (S, D), in each state, in NumPy; params are those of the model."""

    def log_density(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """log p(x_s | z_s = k), (S, K), as a new array; missing values are left out."""
        ...

    def maximise(self, posterior: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        """The parameters of the emissions, from the posterior (S, K) times the weights; previous: None at the start."""
        ...


class Transitions(Protocol):
    """The transitions of the steps of some data, which change with its covariates; params are those of the model."""

    def log_probabilities(self, params: Mapping[str, np.ndarray]) -> np.ndarray:
        """log p(z_t = k | z_t-1 = j) of each step but the first, (N, T - 1, K, K)."""
        ...

    def maximise(self, pairs: np.ndarray, previous: Mapping[str, np.ndarray] | None) -> np.ndarray:
        """A better A, from the expected pairs (N, T - 1, K, K) times the weights; previous: None at the start."""
        ...


class ChainForm(NamedTuple):
    """The closed form of a hidden Markov model.

    Attributes
    ----------
    emissions
        The steps of the sequences and the weight of each step (S,) to their ``Emissions``.
    initial_counts, transition_counts
        (K,) and (K, K): what the prior adds to the expected counts of first states and of transitions.
    check
        Parameters in NumPy to None; raises ZooError where the likelihood has no maximum there.
    condition
        Parameters in NumPy to the factor by which a rounding error grows in the log density of a value; None for 1.
    transitions
        The steps to their ``Transitions``, where these change with covariates; None where A is that of all steps.
    """

    emissions: Callable[[Steps, np.ndarray], Emissions]
    initial_counts: np.ndarray
    transition_counts: np.ndarray
    check: Callable[[Mapping[str, np.ndarray]], None]
    condition: Callable[[Mapping[str, np.ndarray]], float] | None = None
    transitions: Callable[[Steps], Transitions] | None = None


def dirichlet_counts(keywords: Keywords, options: PreparedOptions) -> np.ndarray:
    """What the prior of A by concentration and stickiness adds to the counts (K, K), below 0 for a sparse prior."""
    K = keywords["K"]
    if not options.is_map:
        return np.zeros((K, K))
    return keywords["concentration"] - 1 + keywords["stickiness"] * np.eye(K)
