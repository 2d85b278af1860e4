"""``fit``: validate the data, run one engine, return a ``Fit`` of NumPy arrays."""

from __future__ import annotations

import time
from typing import Literal, Never, Unpack, overload

from inference import engines
from inference.alignment import align
from inference.draws_model import check_program
from inference.engines import FitRequest
from inference.engines.keywords import EMKeywords, GibbsKeywords, NUTSKeywords, SVIKeywords
from inference.result import Fit
from zoo import Model, Refusal, ZooError
from zoo._backend import backend_of
from zoo.checks import check_whole
from zoo.data import intensities
from zoo.types import DataLike

DTYPES = ("float32", "float64")


@overload
def fit(model: Model, data: DataLike, engine: Literal["em"], **keywords: Unpack[EMKeywords]) -> Fit: ...
@overload
def fit(model: Model, data: DataLike, engine: Literal["svi"], **keywords: Unpack[SVIKeywords]) -> Fit: ...
@overload
def fit(model: Model, data: DataLike, engine: Literal["nuts"], **keywords: Unpack[NUTSKeywords]) -> Fit: ...
@overload
def fit(model: Model, data: DataLike, engine: Literal["gibbs"], **keywords: Unpack[GibbsKeywords]) -> Fit: ...
@overload
def fit(
    model: Model,
    data: DataLike,
    engine: None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    dtype: str | None = None,
    progress: bool = False,
    **options: object,
) -> Fit: ...
@overload  # an engine that is named by a variable: its options are unpacked from a dict
def fit(
    model: Model,
    data: DataLike,
    engine: str | None,
    *,
    seed: int = 0,
    device: str = "cpu",
    dtype: str | None = None,
    progress: bool = False,
    **options: Never,
) -> Fit: ...
def fit(
    model: Model,
    data: DataLike,
    engine: str | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    dtype: str | None = None,
    progress: bool = False,
    **options: object,
) -> Fit:
    """Fit a model to data by one engine.

    Parameters
    ----------
    model : zoo.Model
        From ``zoo.load(name, ...)`` or ``zoo.Model(program, backend=...)``.
    data : array, DataFrame or dict
        ``{site: array}``; a bare array, DataFrame or corpus where the model observes one site. Rows come first.
    engine : str, optional
        One of ``inference.engines.names()``; by default the first that supports the model. It is never overridden.
    seed : int, default 0
        Seed of everything random; the same seed gives the same fit.
    device : str, default "cpu"
        "cpu", or "gpu" where there is one.
    dtype : {"float64", "float32"}, optional
        Precision for this fit alone: "float64" by default on a CPU, "float32" on other devices and for networks.
    progress : bool, default False
        Whether to show a progress bar on stderr.
    **options
        The options of the engine: see ``inference.engines.get(engine).options``, or ``zoo show MODEL``.

    Returns
    -------
    Fit
        NumPy arrays: point estimates, draws, the trace of the objective in nats, diagnostics.

    Raises
    ------
    Refusal
        Where the engine cannot fit the model; the message names the engines that can.
    ZooError
        For data, names or options that are not allowed; the message tells what is.

    Examples
    --------
    >>> import zoo
    >>> fit = fit(zoo.load("poisson_mixture", K=1), [1.0, 2.0, 3.0], engine="em", objective="ml")
    >>> fit.params["rate"].round(3)
    array([2.])
    """
    if not isinstance(model, Model):
        raise ZooError("fit takes a model: zoo.load(name, K=3), or zoo.Model(program, backend=...)")
    check_program(model)
    if dtype not in (None, *DTYPES):
        raise ZooError(f"dtype is one of {', '.join(DTYPES)}; given {dtype!r}")
    check_whole(0, seed=seed)
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
    if intensities.has_intensities(data):
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
