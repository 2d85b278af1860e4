"""The one door: check, convert once, run an engine, and leave as numpy."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from inference import engines
from inference.alignment import align
from inference.engines import FitRequest
from inference.result import Fit
from zoo import Model, Refusal, ZooError
from zoo._backend import backend_of
from zoo.data import intensities

DTYPES = ("float32", "float64")


def fit(
    model: Model,
    data: Any,
    engine: str | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    dtype: str | None = None,
    progress: bool = False,
    **options: Any,
) -> Fit:
    """Fit a model to data by one engine.

    data: ``{"x": array}``, or a bare array or DataFrame where one site is observed. engine: one of
    ``inference.engines.names()``, by default the first that takes the model; its options are those
    of ``inference.<engine>.OPTIONS``. dtype: "float64" by default on a CPU, "float32" elsewhere and for networks, in
    force for this fit alone. Raises Refusal where the engine
    declines the model, and ZooError for data, names or options that cannot be used; each says what would work.
    """
    if not isinstance(model, Model):
        raise ZooError("fit takes a model: zoo.load(name, K=3), or zoo.Model(program, backend=...)")
    if dtype not in (None, *DTYPES):
        raise ZooError(f"dtype is one of {', '.join(DTYPES)}; given {dtype!r}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ZooError(f"seed is a whole number from 0 up; given {seed!r}")
    name = engine or engines.supported_engines(model.card, model.backend)[0]
    chosen = engines.get(name)
    dtype = dtype or ("float32" if model.card.networks else None)
    made = chosen.make_options(options, model.card)
    reason = chosen.refuses(model.card, model.backend)
    if reason:
        others = [e for e, why in engines.refusals(model).items() if not why]
        raise Refusal(f"{name} cannot fit {model.name}: {reason}; these can: {', '.join(others) or 'none'}")
    table, keywords = model.bind(data, seed=None if chosen.redraws_intensities else int(seed))
    request = FitRequest(model, keywords, table, int(seed), made, progress)
    begun = time.perf_counter()
    with backend_of(model).runtime(dtype, device):
        result = chosen.run(request)
    seconds = time.perf_counter() - begun
    params, diagnostics = result.params, result.diagnostics
    if result.draws:  # the mean of draws means something once their labels agree
        aligned = align(model.card, keywords, result.draws, result.stats["lp"])
        means = {n: aligned[n].mean((0, 1)) for n in model.card.parameters(keywords) if n in aligned}
        params = {**means, **params}
    if intensities.among(data):
        diagnostics = diagnostics.replace(binarisation="dynamic" if chosen.redraws_intensities else "one draw")
    elif model.card.networks and any(model.card.sites(keywords)[n].kind == "binary" for n in table):
        diagnostics = diagnostics.replace(binarisation="static")  # its zeros and ones are as they are
    return Fit(
        model=model,
        engine=name,
        keywords={**keywords, **result.keywords},
        options=made.as_dict(),
        seed=request.seed,
        device=device,
        dtype=dtype,
        data=table,
        seconds=seconds,
        params=params,
        trace=result.trace,
        draws=result.draws,
        stats=result.stats,
        state=result.state,
        diagnostics=diagnostics,
    )
