"""Exact sums over the paths of a Markov chain of discrete states: the forward pass and what follows from it.

A chain of T steps and K states is given by two arrays of logs, with any dimensions B before them:

    log_states       (*B, T, K)           what each step adds where its state is k: the emissions there, and at the
                                          first step the initial probabilities
    log_transitions  (*B, T - 1, K, K)    from each state to each next one; or (*B, 1, K, K), those of every step

The log weight of a path is the sum of its T states and T - 1 transitions. Each ``in_<backend>.py`` has

    forward_pass(log_states, log_transitions)        log of the sum of the weights of all K^T paths, (*B)

with derivatives of every order, of which the first are probabilities: with respect to ``log_states`` the marginals
p(z_t = k), with respect to ``log_transitions`` the pairs p(z_t = j, z_{t+1} = k), summed over what shares one
transition. An E-step is one backward pass. ``paths`` has the best paths, draws, and filtered probabilities, in NumPy;
``sequences`` the marginals and pairs of sequences of different lengths, one after the other in one array.

The sums are in log space, or of probabilities that are rescaled at each step (Rabiner 1989, "A tutorial on hidden
Markov models and selected applications in speech recognition"), so that no length of a chain underflows. Rescaled sums
lose the states that fall below the smallest number. Where every transition has a probability, the states reach them
anew at the next step; where one is (nearly) zero, as between the parts of a chain that never meet, the sums are in log
space.
"""

from inference.exact.markov.paths import BestPaths, Smoothed, best_paths, draw_paths, filter_states, smooth
from inference.exact.markov.sequences import SequenceStates, SmoothedSequences

__all__ = [
    "BestPaths",
    "SequenceStates",
    "Smoothed",
    "SmoothedSequences",
    "best_paths",
    "draw_paths",
    "filter_states",
    "smooth",
]
