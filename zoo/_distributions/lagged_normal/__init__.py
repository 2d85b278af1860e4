"""Steps of sequences that regress on the steps before: ``LaggedNormal(mean, W, noise, loc, scale, before)``.

    x_t ~ Normal(mean_t + sum_p W_tp (x_{t-p} - loc), noise_t)    t > P
    x_t ~ Normal(loc, scale)                                      t = 1, ..., P, unless ``before`` is given

Each ``in_<backend>.py`` provides it. Time is the last dimension of the batch, as in the plate of the steps: mean
(..., T, D) and W (..., T, P, D, D) may depend on a state of the step, and broadcast. noise has the variances (..., D)
or, with ``is_full``, the Cholesky factors of covariances (..., D, D). loc and scale are (D,). ``before`` (..., P, D)
has the values before the first step, the last one nearest to it, on which the first steps then regress.

The density of a step is that given the steps before, which are read off the value, so that the density of all steps is
one array operation; a draw is a loop. NaN is allowed at the end of a sequence: such steps have density 1.
"""

from __future__ import annotations
