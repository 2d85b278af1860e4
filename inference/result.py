"""Fit: what every engine returns, in numpy, and the questions one may put to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference import exact
from inference.gaussian import Normal
from zoo import Model
from zoo.cards import OF_ROWS
from zoo.intensities import seen_once

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, repr=False)
class Fit:
    """A fitted model.

    params: point estimate of each global latent (the maximum, or the mean of the draws, labels aligned).
    draws: ``{site: (chain, draw, *shape)}``; empty where the engine gives a point alone.
    stats: ``{name: (chain, draw)}`` beside the draws: ``lp`` (log p(draw, data) up to a constant), ``diverging``,
    ``log_weight`` (log p - log q of a guide's draws).
    trace: the objective after each iteration or step, in nats. diagnostics: plain values, said by ``summary``.
    state: arrays by which the engine could go on (a guide's parameters).
    data: the data by site, as the engine had it; ``Intensities`` where it drew binary pixels anew at each look.
    keywords, options, seed, device, dtype: everything that made the fit. seconds: wall time, compilation included.
    """

    model: Model
    engine: str
    keywords: dict[str, Any]
    options: dict[str, Any]
    seed: int
    device: str
    dtype: str | None
    data: dict[str, Any]
    seconds: float
    params: dict[str, np.ndarray]
    trace: np.ndarray
    draws: dict[str, np.ndarray] = field(default_factory=dict)
    stats: dict[str, np.ndarray] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        rows = len(next(iter(self.data.values())))
        return f"Fit({self.model!r}, by {self.engine}, {rows} rows, seed={self.seed}, {self.seconds:.1f} s)"

    @property
    def bound(self) -> Model:
        """The model with every hyperparameter of this fit, and the sizes that do not depend on the rows."""
        rows = OF_ROWS if self.model.card.observed else ()
        return self.model.with_settings(**{k: v for k, v in self.keywords.items() if k not in rows})

    def log_likelihood(self, data: Any = None) -> np.ndarray:
        """log p(x_n | parameters) in nats: (N,), or (chain, draw, N) where there are draws.

        Labels are summed out and normal latents integrated out. ``data`` is that of the fit unless given. Raises
        ZooError where neither is exact.
        """
        return exact.log_density(self.bound, self.draws or self.params, self.seen(data))

    def local(self, data: Any = None) -> dict[str, Any]:
        """The posterior of the local latents given each row, averaged over aligned draws.

        Of labels their probabilities, ``{"z": (N, K)}``; of continuous latents, where the model is linear-Gaussian, a
        ``Normal``: mean (N, Z) and covariance (N, Z, Z), whose part from the draws is that of the parameters.
        """
        values = exact.few(self.aligned()) if self.draws else self.params
        return exact.local(self.bound, values, self.seen(data))

    def aligned(self) -> dict[str, np.ndarray]:
        """The draws with their labels in one order, ``{site: (chain, draw, *shape)}``, so that they can be averaged."""
        from inference.criticism.alignment import aligned

        return aligned(self)

    def predict(self, data: Any = None) -> dict[str, np.ndarray]:
        """The most probable value of each local latent: ``{"z": (N,)}`` of labels, or (N, Z) of posterior means."""
        local = self.local(data)
        return {n: p.mean if isinstance(p, Normal) else p.argmax(-1) for n, p in local.items()}

    def simulate(self, N: int, seed: int = 0) -> dict[str, np.ndarray]:
        """New rows, and their latents, from the program at the point estimate: ``{site: array}`` with N rows each."""
        sizes = {k: self.keywords[k] for k in OF_ROWS if k in self.keywords} | {"N": N}
        return self.bound.simulate(seed, values=self.params, **sizes)

    def summary(self) -> pd.DataFrame:
        """A row for each number reported: mean, sd and 94% interval; R-hat and bulk ESS where there are chains."""
        from inference.criticism.table import summary

        return summary(self)

    def to_arviz(self) -> xr.DataTree:
        """ArviZ DataTree: posterior, sample_stats, log_likelihood (latents summed out) and observed_data."""
        from inference.arviz import to_arviz

        return to_arviz(self)

    def save(self, folder: str | Path) -> Path:
        """Write ``fit.json`` and ``arrays.npz``; ``inference.load(folder)`` gives the same fit back, exactly.

        The folder appears whole or not at all; one that is there already is replaced.
        """
        from inference.storage import save

        return save(self, Path(folder))

    def seen(self, data: Any = None) -> Any:
        """Data, that of the fit unless given, as questions are put to it: of ``Intensities`` one draw, by the seed."""
        return seen_once(self.data if data is None else data, self.seed)
