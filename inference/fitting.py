"""The one door: check, convert once, run an engine, and leave as numpy."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from inference import engines
from inference.alignment import align
from inference.engines import Task
from inference.result import Fit
from zoo import Model, Refusal, ZooError
from zoo._backend import backend_of, in_backend
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
    engine = engine or engines.takers(model.card, model.backend)[0]
    dtype = dtype or ("float32" if model.card.networks else None)
    options = engines.complete(engine, options, model.card)
    reason = engines.get(engine).refuses(model.card, model.backend)
    if reason:
        willing = [e for e, why in engines.refusals(model).items() if not why]
        raise Refusal(f"{engine} cannot fit {model.name}: {reason}; these can: {', '.join(willing) or 'none'}")
    afresh = getattr(engines.get(engine), "INTENSITIES", False)  # draws binary pixels anew each time it looks at them
    table, keywords = model.bind(data, seed=None if afresh else int(seed))
    task = Task(model, keywords, table, int(seed), options, progress)
    backend = backend_of(model)
    run = in_backend(f"inference.engines.{engine}", model.backend).run
    begun = time.perf_counter()
    with backend.room(dtype, device):
        answer = run(task)
    seconds = time.perf_counter() - begun
    if answer.draws:  # the mean of draws means something once their labels agree
        drawn = align(model.card, keywords, answer.draws, answer.stats["lp"])
        means = {n: drawn[n].mean((0, 1)) for n in model.card.parameters(keywords) if n in drawn}
        answer.params = {**means, **answer.params}
    if intensities.among(data):
        answer.diagnostics.setdefault("binarisation", "dynamic" if afresh else "one draw")
    elif model.card.networks and any(model.card.sites(keywords)[n].kind == "binary" for n in table):
        answer.diagnostics["binarisation"] = "static"  # its zeros and ones are as they are
    found = vars(answer)
    return Fit(
        model=model,
        engine=engine,
        keywords={**keywords, **found.pop("keywords")},
        options=options,
        seed=task.seed,
        device=device,
        dtype=dtype,
        data=table,
        seconds=seconds,
        **found,
    )
