"""Closed-form EM for linear-Gaussian models, ``x = W z + mu + noise``, with components and missing values.

Factor analysis, probabilistic and Bayesian PCA and the mixture of factor analysers are one algorithm (Rubin and Thayer
1982; Ghahramani and Hinton 1996; Tipping and Bishop 1999). E: the exact posterior of z given the observed values of
each row, nothing imputed. M: the regression of each column on z and a constant, so that W and mu change together, then
the noise. Three things make it fast, and none of them changes what is maximised:

- rows enter by the means and scatter of those with the same observed columns (``statistics.Moments``), computed once, a
  block at a time, wherever that is less than the rows: an iteration then costs the same for any number of rows;
- the M-step also fits the mean and covariance of z and moves them into W and mu: parameter-expanded EM (Liu, Rubin and
  Wu 1998), for maximum likelihood;
- iterations are extrapolated by SQUAREM (``em/acceleration.py``); an extrapolation that would lower the objective is
  not made.

The arithmetic is NumPy's, in 64 bits, in columns of variance one, and the same for both backends.

A model takes part by a hook of the kind "linear_gaussian", a ``closed_form.LinearGaussianForm``.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

# a noise for each column and component, for each column, or one for all
NoiseType = Literal["own", "shared", "isotropic"]


class Prior(NamedTuple):
    """Conjugate priors; each field broadcasts.

    Attributes
    ----------
    W_precision
        Precision of the normal prior of W (K, D, Z) about 0.
    mu_mean, mu_precision
        Mean and precision of the normal prior of mu (K, D).
    noise_shape, noise_rate
        Of the inverse gamma prior of the noise (K, D).
    """

    W_precision: np.ndarray
    mu_mean: np.ndarray
    mu_precision: np.ndarray
    noise_shape: float
    noise_rate: np.ndarray

    def standardised(self, centre: np.ndarray, scale: np.ndarray) -> Prior:
        """The same priors where columns are (x - centre) / scale, (D,) each."""
        square = scale**2
        return Prior(
            self.W_precision * square[:, None],
            (self.mu_mean - centre) / scale,
            self.mu_precision * square,
            self.noise_shape,
            self.noise_rate / square,
        )
