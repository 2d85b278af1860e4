"""FitRecord: the plain record of a fit, in NumPy arrays.

It imports no engine and no analysis, so that every layer can take one. ``inference.result.Fit`` adds the methods.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inference.diagnostics import Diagnostics, FitKind
from inference.draws_model import check_program
from zoo import Model
from zoo.data.column_names import is_numbering
from zoo.data.corpus import Corpus
from zoo.data.intensities import binarise_once
from zoo.types import DataLike, Keywords


@dataclass(frozen=True, repr=False)
class FitRecord:
    """A fitted model.

    Attributes
    ----------
    model : Model
        The program with its card and settings; a ``DrawsModel`` where the fit was made elsewhere and has no program.
    engine : str
        The name of the engine, or of the sampler or library that made the fit elsewhere.
    keywords : dict of str to object
        Every keyword of the program; hyperparameters that were learned have their learned value.
    options : dict of str to object
        Every option of the engine.
    seed : int
        The seed of the fit; of a fit made elsewhere 0, the seed of what is drawn from it later.
    device : str
        Where the engine ran, as "cpu".
    dtype : str or None
        "float32", "float64", or None for the default.
    data : dict of str to array, Corpus or Intensities
        The data by site, as given to the engine.
    seconds : float
        Wall time, compilation included; NaN where it was not recorded.
    params : dict of str to array
        The point estimate of each global latent: the maximum, or the mean of the aligned draws.
    trace : array
        The objective after each iteration or step, in nats.
    draws : dict of str to array, (chain, draw, *shape)
        Posterior draws; empty where the engine gives a point alone.
    stats : dict of str to array, (chain, draw)
        Statistics of each draw: ``lp`` (log p(draw, data) up to a constant), ``diverging``, ``energy`` (the Hamiltonian
        of NUTS, in nats), ``log_weight`` (log p - log q of a guide's draws), ``source`` (of resampled draws the draw
        that each is a copy of).
    state : dict of str to array
        What the engine needs to continue, such as the parameters of a guide.
    diagnostics : Diagnostics
        The diagnostics of the engine.
    """

    model: Model
    engine: str
    keywords: Keywords
    options: dict[str, Any]
    seed: int
    device: str
    dtype: str | None
    data: dict[str, DataLike]
    seconds: float
    params: dict[str, np.ndarray]
    trace: np.ndarray
    draws: dict[str, np.ndarray] = field(default_factory=dict)
    stats: dict[str, np.ndarray] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    def __repr__(self) -> str:
        first = next(iter(self.data.values()), None)
        rows = [] if first is None or np.ndim(first) == 0 else [f"{len(first)} rows"]
        run = [f"seed={self.seed}", f"{self.seconds:.1f} s"] if np.isfinite(self.seconds) else []  # both are recorded
        return f"{type(self).__name__}({', '.join([repr(self.model), f'by {self.engine}', *rows, *run])})"

    @property
    def kind(self) -> FitKind:
        """Whether the fit holds "chains", draws of a "guide", a "point", or networks with an encoder ("amortised")."""
        return self.diagnostics.kind

    @property
    def fitted_model(self) -> Model:
        """The model with every hyperparameter of this fit, and the sizes that do not depend on the rows.

        Raises ZooError for a fit made elsewhere without a program.
        """
        check_program(self.model)
        row_sizes = self.model.card.row_sizes if self.model.card.observed else ()
        words = {n: v.vocabulary for n, v in self.data.items() if isinstance(v, Corpus) and v.vocabulary is not None}
        settings = {k: v for k, v in self.keywords.items() if k not in row_sizes}
        return self.model.with_settings(**settings).with_columns(words)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The names of the columns of each observed site that was given as a DataFrame.

        New data that is a DataFrame is matched by them, in any order; an array by position.
        """
        return dict(self.model.columns)

    @property
    def column_labels(self) -> tuple[str, ...] | None:
        """The names of the columns of the one observed site, for tables and figures; None where they are numbers."""
        names = list(self.columns.values())
        return None if len(names) != 1 or is_numbering(names[0]) else names[0]

    def learned_draws(self) -> dict[str, np.ndarray]:
        """Return the parameters learned beside the draws, which have one value, repeated for every draw.

        Returns
        -------
        dict of str to array, (chain, draw, *shape)
            Nothing where there are no draws, or nothing is learned without a prior.
        """
        if not self.draws:
            return {}
        sample_shape = next(iter(self.draws.values())).shape[:2]
        learned = [n for n in self.model.card.learned if n in self.params and n not in self.draws]
        return {n: np.broadcast_to(v, (*sample_shape, *np.shape(v))) for n, v in self.params.items() if n in learned}

    def observed_data(self, data: DataLike = None) -> DataLike:
        """Return the data with one draw of the binary pixels in the place of ``Intensities``.

        Parameters
        ----------
        data : optional
            As ``inference.fit`` takes it; the data of the fit by default.

        Returns
        -------
        The data of the same form; the pixels are drawn by the seed of the fit.
        """
        return binarise_once(self.data if data is None else data, self.seed)
