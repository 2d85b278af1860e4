"""Draws from Dirichlet distributions."""

from __future__ import annotations

import numpy as np


def draw_dirichlet(random: np.random.Generator, concentration: np.ndarray) -> np.ndarray:
    """A Dirichlet draw for each row; by logarithms, since a gamma variable of shape 0.01 is often below 1e-300."""
    logs = (
        np.log(random.standard_gamma(concentration + 1)) + np.log1p(-random.random(concentration.shape)) / concentration
    )
    draws = np.exp(np.maximum(logs - logs.max(-1, keepdims=True), -700))
    return draws / draws.sum(-1, keepdims=True)
