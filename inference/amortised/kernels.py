"""What each backend computes for an amortised posterior, from NumPy to NumPy."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from inference.amortised.blocks import Table
from inference.amortised.records import Code, ElboTerms, Normals


class AmortisedKernels(Protocol):
    """``AmortisedKernels(program, guide, keywords, state)`` of each ``in_<backend>.py``.

    The methods take a block of B rows, within the backend's ``runtime(dtype, device)``. Classes, discrete
    latents of one value, take each of their values, E of them together (1 where there are none), so that a sum over
    classes is exact; vectors of discrete values are drawn, as continuous latents are. ``normals`` replace the guide's
    continuous latents: mean and sd of each for each value of the classes, (E, B, ...).
    """

    def encode(self, table: Table) -> dict[str, Code | np.ndarray]:
        """The code of each row by site; for a discrete latent its probabilities, (B, C) or (B, ..., C)."""
        ...

    def decode(self, latents: Table, seed: int | None) -> dict[str, np.ndarray]:
        """The mean of each observed site, or, given a seed, a draw."""
        ...

    def draw_prior(
        self, latents: Table, names: tuple[str, ...], codes: Table, fixed: Table, N: int, temperature: float, seed: int
    ) -> dict[str, np.ndarray]:
        """The latents ``names`` of N rows from the prior given ``latents``, by name.

        codes, fixed: values of some of them, and whether each has this value. temperature: a factor of the standard
        deviations; 0 for means and most probable values.
        """
        ...

    def log_weights(self, table: Table, K: int, seed: int, normals: Normals | None) -> np.ndarray:
        """log sum_y p(x, y, z_k) / q(z_k | x, y) of K draws in nats, (K, B)."""
        ...

    def elbo_terms(self, table: Table, K: int, seed: int, normals: Normals | None) -> ElboTerms:
        """The terms of the ELBO by K draws."""
        ...

    def refine(self, table: Table, steps: int, K: int, seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Normals optimised for each row by steps of Adam, K draws each."""
        ...
