"""Where other engines begin: the starts of EM."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from inference.engines import FitRequest
from inference.engines.em import ENGINE, closed_form
from inference.engines.em.backend import EMBackend
from inference.engines.em.options import EMOptions, PreparedOptions
from inference.engines.em.running import make_algorithm, precision
from inference.engines.options import EngineOptions
from zoo.types import BackendParams


def initial_values(backend: EMBackend, request: FitRequest[EngineOptions], seeds: Iterable[int]) -> list[BackendParams]:
    """For each seed the parameters at which EM begins, ``{site: array}``; {} for a model that EM cannot fit.

    Variational EM gives values of the latents of the rows too.
    """
    if ENGINE.refuses(request.card, request.model.backend):
        return [{} for _ in seeds]
    if variational := closed_form.variational_form(request.card):
        values = [variational.initial_values(request, seed) for seed in seeds]
    else:
        defaults = EMOptions(objective="map").as_dict()
        options = PreparedOptions(**{**defaults, "sample_weight": np.ones(request.rows), "start": {}})
        with precision(backend, request, options):
            algorithm = make_algorithm(backend, request, options)
            values = [algorithm.to_numpy(algorithm.initialize(seed)) for seed in seeds]
    return [{n: backend.to_array(v) for n, v in params.items()} for params in values]
