"""FitRecord: the plain record of a fit, in NumPy arrays.

It imports nothing of ``inference``, so that every layer can take one. ``inference.result.Fit`` adds the questions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inference.diagnostics import Diagnostics, FitKind
from zoo import Model
from zoo.cards import ROW_SIZES
from zoo.data.intensities import binarise_once


@dataclass(frozen=True, repr=False)
class FitRecord:
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
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    def __repr__(self) -> str:
        rows = len(next(iter(self.data.values())))
        what = f"{self.model!r}, by {self.engine}, {rows} rows, seed={self.seed}, {self.seconds:.1f} s"
        return f"{type(self).__name__}({what})"

    @property
    def kind(self) -> FitKind:
        """Whether the fit holds "chains", draws of a "guide", a "point", or networks with an encoder ("amortised")."""
        return self.diagnostics.kind

    @property
    def fitted_model(self) -> Model:
        """The model with every hyperparameter of this fit, and the sizes that do not depend on the rows."""
        rows = ROW_SIZES if self.model.card.observed else ()
        return self.model.with_settings(**{k: v for k, v in self.keywords.items() if k not in rows})

    def observed_data(self, data: Any = None) -> Any:
        """Data, that of the fit unless given, as questions are put to it: of ``Intensities`` one draw, by the seed."""
        return binarise_once(self.data if data is None else data, self.seed)
