"""Gibbs sampling of hidden Markov models.

A sweep draws pi, A and the parameters of the emissions given the states of all steps, from their conjugate
distributions; where mean and precision are not conjugate together, first the mean, then the precision. Then it draws
the path of each sequence given the parameters, as one block (Chib 1996, "Calculating posterior distributions and modal
estimates in Markov mixture models"; Scott 2002, "Bayesian methods for hidden Markov models"). Missing values are left
out, except under a full covariance, where they are drawn too. A sequence ends at its last observed value.

``normal``, ``discrete``: the draws of the parameters of each emission. ``sampler``: the chains. The states of the last
sweep are kept as ``fit.state["z"]``, (chain, N, T), -1 after the end of a sequence.
"""

from inference.engines.gibbs.options import GibbsOptions as Options

__all__ = ["Options"]
