"""Results of an encoder and of the ELBO of each row, as records of NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

Normals = Mapping[str, tuple[np.ndarray, np.ndarray]]  # {site: (mean, sd)}, (E, N, ...) each


class Code(NamedTuple):
    """The normal distribution q(z_n | x_n) of each row.

    Attributes
    ----------
    mean, sd : ndarray
        Mean and standard deviation of each number of the code, (N, Z) each.
    """

    mean: np.ndarray
    sd: np.ndarray


class ElboTerms(NamedTuple):
    """The terms of the ELBO in nats, for each of E values of the discrete latents and each row: means over draws.

    Attributes
    ----------
    likelihood : ndarray
        log p(x | y, z), (E, N).
    kl : dict of str to ndarray
        For each continuous latent the KL divergence of q(z | x, y) from p(z | y), (E, N, ...): in closed form where
        both are normal, with one value for each number of the code; else the mean of log q - log p, (E, N).
    sd : ndarray
        Standard deviation over the draws of likelihood - KL, (E, N).
    prior, guide : ndarray
        log p(y) and log q(y | x), (E, N).
    """

    likelihood: np.ndarray
    kl: dict[str, np.ndarray]
    sd: np.ndarray
    prior: np.ndarray
    guide: np.ndarray
