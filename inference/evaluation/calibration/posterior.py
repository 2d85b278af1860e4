"""Posterior calibration: parameters come from the posterior given the user's data, and not from the prior.

A fit to the data gives draws of the parameters; each simulates new rows, and a fit to the data and the new rows
together must rank its parameters uniformly, where the engine is right about the region of the data (Säilynoja, Schmitt,
Bürkner and Vehtari 2025, "Posterior SBC: simulation-based calibration checking conditional on data"). The prior may
then be vague, or have parameters at which nothing can be fitted.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference import fitting
from inference.evaluation.calibration.trials import Sampler, Simulate, Simulation, sampled_fit
from inference.evaluation.comparison import judge
from inference.result import Fit
from zoo import Model, ReadModel, Refusal, ZooError
from zoo.data.columns import COVARIATE
from zoo.data.corpus import Corpus
from zoo.types import DataLike


def fit_to_data(
    model: Model, data: DataLike, engine: str | Sampler, seed: int, options: Mapping[str, Any]
) -> tuple[Fit, tuple[str, ...]]:
    """The fit to the user's data, and warnings; raises ZooError for a model or data without rows."""
    if callable(engine):
        table, keywords = model.bind(data)
        return sampled_fit(bound_model(model, keywords), table, engine, seed), ()
    run = {"seed": seed, **options}
    name: str | None = engine
    fit = fitting.fit(model, data, name, **run)
    if not fit.draws:
        raise Refusal(f"{engine} gives a point: calibration ranks the truth among draws, of nuts or svi for one")
    verdict = judge(fit)
    if verdict.trust == "yes":
        return fit, ()
    return fit, (f"the fit to the data itself is judged {verdict.trust!r}: {verdict.explanation}",)


def bound_model(model: Model, keywords: Mapping[str, Any]) -> Model:
    """The model with the keywords of its fit, hyperparameters from the data among them; sizes of rows stay free."""
    if isinstance(model, ReadModel):
        return model
    return model.with_settings(**{n: v for n, v in keywords.items() if n not in model.card.row_sizes})


def posterior_simulation(fit: Fit) -> Simulate:
    """Parameters from the draws of a fit, and its data with as many new rows; raises ZooError where there are none."""
    card, keywords = fit.model.card, fit.keywords
    model = bound_model(fit.model, keywords)
    sites = card.sites(keywords)
    axes = {n: sites[n].dims.index("N") for n in fit.data if "N" in sites[n].dims}
    observed = [n for n in card.observed if n in fit.data]
    if not observed or any(n not in axes for n in observed):
        raise ZooError(
            f"calibrate with data adds simulated rows to it, and {fit.model.name} has no rows that are exchangeable: "
            "leave data out, which simulates from the prior"
        )
    for name, values in fit.data.items():
        if isinstance(values, Corpus):
            raise ZooError(f"calibrate with data takes arrays, and {name} is a corpus: leave data out")
    if COVARIATE in keywords.get(card.columns or "", ()):
        raise ZooError(f"calibrate with data does not simulate covariates, which {fit.model.name} has: leave data out")
    sizes = {} if isinstance(model, ReadModel) else keywords  # one that was read has its own
    flat = {n: v.reshape(-1, *v.shape[2:]) for n, v in fit.draws.items()}
    total = len(next(iter(flat.values())))

    def simulate(seed: int) -> Simulation:
        draw = {n: v[np.random.default_rng(seed).integers(total)] for n, v in flat.items()}
        params = {n: draw[n] for n in card.parameters(keywords)}
        values = model.simulate(seed, params, **sizes)
        new = model.data_of(values)
        data = {n: np.concatenate([v, new[n]], axes[n]) if n in axes else v for n, v in fit.data.items()}
        rows = {n: sites[n].dims.index("N") for n in draw if "N" in sites[n].dims}
        local = {n: np.concatenate([draw[n], values[n]], axis) for n, axis in rows.items()}
        return Simulation({**values, **local}, data, model)

    return simulate


def checksums(data: Mapping[str, np.ndarray]) -> dict[str, int]:
    """A number for each array, by which a folder knows the data that its simulations are of.

    >>> checksums({"x": np.zeros(3)}) == checksums({"x": np.ones(3)})
    False
    """
    return {n: zlib.crc32(np.ascontiguousarray(v).tobytes()) for n, v in data.items()}
