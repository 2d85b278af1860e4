"""Fit: what every engine returns, and the questions that can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inference import alignment, arviz, exact, storage
from inference.exact.gaussian import Normal
from inference.record import FitRecord
from inference.summaries import table
from zoo import Model
from zoo.cards import ROW_SIZES

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, repr=False)
class Fit(FitRecord):
    """A fitted model: the fields of ``FitRecord``, and what is computed from them."""

    def log_likelihood(self, data: Any = None) -> np.ndarray:
        """log p(x_n | parameters) in nats: (N,), or (chain, draw, N) where there are draws.

        Labels are summed out and normal latents integrated out. ``data`` is that of the fit unless given. Raises
        ZooError where neither is exact.
        """
        return exact.log_likelihood(self, data)

    def local(self, data: Any = None) -> dict[str, Any]:
        """The posterior of the local latents given each row, averaged over aligned draws.

        Of labels their probabilities, ``{"z": (N, K)}``; of continuous latents, where the model is linear-Gaussian, a
        ``Normal``: mean (N, Z) and covariance (N, Z, Z), whose part from the draws is that of the parameters.
        """
        values = exact.thin_draws(self.aligned()) if self.draws else self.params
        return exact.local(self.fitted_model, values, self.observed_data(data))

    def aligned(self) -> dict[str, np.ndarray]:
        """The draws with their labels in one order, ``{site: (chain, draw, *shape)}``, so that they can be averaged."""
        return alignment.aligned_draws(self)

    def predict(self, data: Any = None) -> dict[str, np.ndarray]:
        """The most probable value of each local latent: ``{"z": (N,)}`` of labels, or (N, Z) of posterior means."""
        local = self.local(data)
        return {n: p.mean if isinstance(p, Normal) else p.argmax(-1) for n, p in local.items()}

    def simulate(self, N: int, seed: int = 0) -> dict[str, np.ndarray]:
        """New rows, and their latents, from the program at the point estimate: ``{site: array}`` with N rows each."""
        sizes = {k: self.keywords[k] for k in ROW_SIZES if k in self.keywords} | {"N": N}
        return self.fitted_model.simulate(seed, values=self.params, **sizes)

    def summary(self) -> pd.DataFrame:
        """A row for each number reported: mean, sd and 94% interval; R-hat and bulk ESS where there are chains."""
        return table.summary_table(self)

    def to_arviz(self) -> xr.DataTree:
        """ArviZ DataTree: posterior, sample_stats, log_likelihood (latents summed out) and observed_data."""
        return arviz.to_arviz(self)

    def save(self, folder: str | Path) -> Path:
        """Write ``fit.json`` and ``arrays.npz``; ``inference.load(folder)`` gives the same fit back, exactly.

        The folder appears whole or not at all; one that is there already is replaced.
        """
        return storage.save(self, Path(folder))


def load(
    folder: str | Path, model: Model | None = None, *, backend: str | None = None, device: str | None = None
) -> Fit:
    """Read a saved fit. ``model`` is needed where the program was the user's own. Raises ZooError.

    backend, device: those it was made by unless given. What a program and a guide learn are the same arrays in every
    backend, so that the fit of a network answers alike in each.
    """
    return Fit(**storage.read(Path(folder), model, backend, device))
