"""EM for mixtures of exponential families, in blocks of rows: memory for one block, one matrix product each way.

A model declares by a ``Form`` that its log p(x_n, z_n = k) is ``features(x_n) @ natural(params)[:, k] + base(x_n)``.
Each iteration is then, for a block of rows, E: ``log r = features @ natural``, and M: ``features' r``, the sums from
which ``maximise`` computes the next parameters (Bishop 2006, section 9.4). Sums are in 64 bits whatever the data is in.

Each ``in_<backend>.py`` has ``ExponentialFamilyStep(form, x, weights)``, a ``backend.EMStep``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from zoo.types import BackendArray, BackendParams

BLOCK_SIZE = 4096  # rows at a time: features of a block stay in the cache


class Precise(NamedTuple):
    """Functions in the place of a product of features and natural parameters that would lose digits.

    Attributes
    ----------
    is_needed
        Parameters to whether the product loses digits there.
    log_joint
        Rows and parameters to log p(x_n, z_n = k), (B, K).
    sums
        Rows, responsibilities (B, K) and an origin, parameters near the next ones, to sums about it, (K, F).
    maximise
        The sums, the parameters before and the origin to the next parameters.
    """

    is_needed: Callable[[BackendParams], BackendArray]
    log_joint: Callable[[BackendArray, BackendParams], BackendArray]
    sums: Callable[[BackendArray, BackendArray, BackendParams], BackendArray]
    maximise: Callable[[BackendArray, BackendParams, BackendParams], BackendParams]


class Form(NamedTuple):
    """A mixture as an exponential family; arrays are of one backend.

    Attributes
    ----------
    features
        Rows (B, ...) to their features (B, F), of which the first is 1.
    natural
        Parameters to the natural parameters (F, K).
    maximise
        ``(sums, params)``: the sums of the features (K, F), weighted by the responsibilities, and the parameters
        before, or None at the start, to the next parameters.
    base
        Rows to the part of log p that does not depend on the parameters, (B,).
    precise
        Slower functions for parameters at which digits would be lost; None where there are no such parameters.
    check
        Parameters in NumPy to None; raises ZooError where the likelihood has no maximum there.
    condition
        Parameters in NumPy to the factor by which a rounding error grows in the log density of a value; None for 1.
    """

    features: Callable[[BackendArray], BackendArray]
    natural: Callable[[BackendArray], BackendArray]
    maximise: Callable[[BackendArray, BackendArray], BackendParams]
    base: Callable[[BackendArray], BackendArray]
    precise: Precise | None = None
    check: Callable[[Mapping[str, np.ndarray]], None] | None = None
    condition: Callable[[Mapping[str, np.ndarray]], float] | None = None
