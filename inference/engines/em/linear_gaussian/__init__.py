"""Closed-form EM for linear-Gaussian models, ``x = W z + mu + noise``, one component or several, with holes in x.

Factor analysis, probabilistic and Bayesian PCA and the mixture of factor analysers are one algorithm (Rubin and Thayer
1982; Ghahramani and Hinton 1996; Tipping and Bishop 1999). E: the exact posterior of z given what was seen of each row,
nothing imputed. M: the regression of each column on z and a constant, so that W and mu move together, then the noise.
Three things make it quick, and none of them changes what is maximised:

- rows enter by the means and scatter of those with the same columns seen (``statistics.Moments``), gathered once, a
  block at a time, wherever that is less than the rows: an iteration then costs the same for a thousand or a billion;
- the M-step also fits the mean and covariance of z and folds them into W and mu: parameter-expanded EM (Liu, Rubin and
  Wu 1998), for maximum likelihood;
- iterations are extrapolated by SQUAREM (``em/acceleration.py``), and a step that would fall is taken back.

All of it is in numpy, in 64 bits, in columns of variance one, and the same for both backends, whose own arithmetic
would be the same calls of LAPACK on matrices of Z by Z.

A model joins by a folder ``em/<model>/`` whose ``__init__.py`` promises, with arrays as in ``zoo.linear``,

    noise(keywords)              "own" (by column and component), "shared" (by the components) or "isotropic"
    prior(keywords, further)     a Prior: the conjugate priors of W, mu and Psi, given the further latents
    further(linear, keywords)    the mode of the further latents given the rest, {} where there are none
    params(linear, keywords)     the card's other latents from a Linear of K components: what undoes ``card.linear``
    log_prior(params, keywords)  log p of all of them, in nats
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Prior(NamedTuple):
    """Normal priors of W (K, D, Z) about 0 and of mu (K, D), inverse gamma of the noise; each broadcasts."""

    W_precision: np.ndarray
    mu_mean: np.ndarray
    mu_precision: np.ndarray
    noise_shape: float
    noise_rate: np.ndarray

    def standardised(self, centre: np.ndarray, scale: np.ndarray) -> Prior:
        """The same where columns are (x - centre) / scale, (D,) each."""
        square = scale**2
        return Prior(
            self.W_precision * square[:, None],
            (self.mu_mean - centre) / scale,
            self.mu_precision * square,
            self.noise_shape,
            self.noise_rate / square,
        )
