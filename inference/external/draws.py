"""ExternalDraws: what is read of a fit made elsewhere, in NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inference.diagnostics import FitKind


@dataclass(frozen=True)
class ExternalDraws:
    """What is read of a fit made elsewhere.

    Attributes
    ----------
    name : str
        The name of the program.
    engine : str
        The name of the sampler, as "NUTS", or "SVI".
    library, version : str
        What made the draws; the version is "" where it is not recorded.
    draws : dict of str to array, (chain, draw, *shape)
    kind : {"chains", "guide", "point"}
    stats : dict of str to array, (chain, draw)
        As in ``FitRecord.stats``, and whatever else the sampler recorded of each draw.
    options : dict
        Options that were recorded, under the names of our own engines.
    log_q : array, (chain, draw), optional
        The log density of the guide at its draws, in nats.
    trace : array
        The objective after each step, in nats; empty where it was not recorded.
    seconds : float
        NaN where they were not recorded.
    dims : dict of str to tuple of str
        Names of the dimensions of a quantity, where they have any.
    coords : dict of str to array
        Coordinates of the dimensions that have any.
    data, state : dict of str to array
        Observed data, and arrays to export again.
    """

    name: str
    engine: str
    library: str
    version: str
    draws: dict[str, np.ndarray]
    kind: FitKind = "chains"
    stats: dict[str, np.ndarray] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    log_q: np.ndarray | None = None
    trace: np.ndarray = field(default_factory=lambda: np.zeros(0))
    seconds: float = float("nan")
    dims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coords: Mapping[str, np.ndarray] = field(default_factory=dict)
    data: dict[str, np.ndarray] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
