"""``fit``: validate the data, run one engine, return a ``Fit`` of NumPy arrays."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack, overload

import numpy as np

from inference import engines
from inference.alignment import align
from inference.draws_model import check_program
from inference.engines import EngineResult, FitRequest
from inference.engines.keywords import EMKeywords, GibbsKeywords, NUTSKeywords, PathfinderKeywords, SVIKeywords
from inference.exact.observed import impossible_data
from inference.result import Fit
from inference.structure import describe_density
from zoo import Model, ReadModel, Refusal, ZooError
from zoo._backend import backend_of
from zoo._programs.arguments import split_call
from zoo._programs.reading import Choices
from zoo.checks import check_seed
from zoo.data.column_names import column_names, warn_of_header
from zoo.data.intensities import has_intensities
from zoo.data.observed import check_columns
from zoo.data.sequences import first_table
from zoo.data.tables import check_any_observed, data_by_site
from zoo.errors import ColumnError, DensityError
from zoo.read_model import read_arguments
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
def fit(model: Model, data: DataLike, engine: Literal["pathfinder"], **keywords: Unpack[PathfinderKeywords]) -> Fit: ...
@overload  # a program of the user's own, with its own arguments; an engine that is named by a variable
def fit(
    model: Model,
    *args: Any,
    engine: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    dtype: str | None = None,
    progress: bool = False,
    rows: str | None = None,
    row_arguments: Sequence[str] | None = None,
    dims: Mapping[str, Sequence[str]] | None = None,
    coords: Mapping[str, Sequence[object]] | None = None,
    **keywords: Any,
) -> Fit: ...
def fit(
    model: Model,
    *args: Any,
    engine: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    dtype: str | None = None,
    progress: bool = False,
    rows: str | None = None,
    row_arguments: Sequence[str] | None = None,
    dims: Mapping[str, Sequence[str]] | None = None,
    coords: Mapping[str, Sequence[object]] | None = None,
    **keywords: Any,
) -> Fit:
    """Fit a model to data by one engine.

    Parameters
    ----------
    model : zoo.Model
        From ``zoo.load(name, ...)`` or ``zoo.Model(program, backend=...)``.
    *args
        Of a model of the zoo the data, ``{site: array}``, or a bare array, DataFrame or corpus where the model
        observes one site; rows come first. Of a program of the user's own its positional arguments, or one dict of
        arguments by name.
    engine : str, optional
        One of ``inference.engines.names()``, also as the last positional argument; by default the first that supports
        the model. It is never overridden.
    seed : int, default 0
        Seed of everything random; the same seed gives the same fit.
    device : str, default "cpu"
        "cpu", or "gpu" where there is one.
    dtype : {"float64", "float32"}, optional
        Precision for this fit alone: "float64" by default on a CPU, "float32" on other devices and for networks.
    progress : bool, default False
        Whether to show a progress bar on stderr.
    rows, row_arguments, dims, coords : optional
        Of a program of the user's own: see ``zoo.read``.
    **keywords
        The options of the engine: see ``inference.engines.get(engine).options``, or ``zoo show MODEL``. Of a program
        of the user's own also its keyword arguments; where a name is both, it is the option, and ``data=dict(...)``
        has arguments by name in any case.

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

    Notes
    -----
    Fits in several threads run one after another, and so do all other calls that run a program: the libraries keep
    handlers, parameters and precision for the whole process. Each is equal to the fit made alone. Processes run at
    once. Programs that other threads run without this library do not wait.

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
    check_seed(seed)
    last = args[-1] if len(args) > 1 else None
    if engine is None and isinstance(last, str) and (last in engines.names() or model.has_card):
        args, engine = args[:-1], last
    model, data, options = read_call(
        model, args, keywords, engine, Choices(rows, row_arguments, dims or {}, coords or {})
    )
    name = engine or engines.supported_engines(model.card, model.backend)[0]
    chosen = engines.get(name)
    narrow = model.card.networks or (isinstance(model, ReadModel) and model.program.dtype == "float32")
    dtype = dtype or ("float32" if narrow else None)
    made = chosen.make_options(options, model.card)
    reason = chosen.refuses_options(model.card, model.backend, made)
    if reason:
        others = [e for e, why in engines.refusals(model).items() if not why]
        raise Refusal(f"{name} cannot fit {model.name}: {reason}; these can: {', '.join(others) or 'none'}")
    weights = made.as_dict().get("sample_weight")
    model = with_column_names(model, data)
    table: dict[str, Any] = {}
    bound: dict[str, Any] = {}
    try:
        table, bound = model.bind(data, seed=None if chosen.redraws_intensities else int(seed), weights=weights)
        if not isinstance(model, ReadModel):
            check_any_observed(table)
            check_columns(model.card, table, bound, None if weights is None else np.asarray(weights))
        request = FitRequest(model, bound, table, int(seed), made, progress)
        begun = time.perf_counter()
        with backend_of(model).runtime(dtype, device):
            result = chosen.run(request)
    except DensityError as error:
        explanation = impossible_data(model, table, bound, dtype, device)
        raise ZooError(explanation or str(error)) from error
    except ColumnError as error:
        raise error.with_names(next(iter(model.columns.values()), ())) from error
    seconds = time.perf_counter() - begun
    return make_fit(request, result, name, device, dtype, seconds, has_intensities(data))


def with_column_names(model: Model, data: DataLike) -> Model:
    """The model with the names of the columns of the data, where these are DataFrames; warns of unlikely names."""
    if isinstance(model, ReadModel):
        for name, labels in model.reading.runnable.arguments.columns.items():
            warn_of_header(name, labels)
        return model
    sites = model.card.sites(model.settings)
    given = data_by_site(data, {n: sites[n] for n in model.data_names})
    tables = [n for n in model.data_names if sites[n].kind != "word"]
    names = {n: columns for n in tables if (columns := column_names(first_table(given[n])))}
    for n in names:
        warn_of_header(n, first_table(given[n]).columns)
    return model.with_columns(names | model.encoded_names)


def read_call(
    model: Model, args: Sequence[Any], keywords: dict[str, Any], engine: str | None, choices: Choices
) -> tuple[Model, DataLike, dict[str, Any]]:
    """The model, its data, and the options of the engine; a program of the user's own is read with its arguments."""
    if (isinstance(model, ReadModel) and len(args) <= 1) or (not isinstance(model, ReadModel) and model.has_card):
        options = dict(keywords)
        has_data = bool(args) or "data" in options or isinstance(model, ReadModel)
        data = args[0] if args else options.pop("data", None)
        if len(args) > 1 or not has_data:
            raise ZooError(
                f"fit takes the model and its data, {', '.join(model.data_names)}; given {len(args)} arguments"
            )
        return model, data, options
    chosen = [engines.get(engine)] if engine else [engines.get(name) for name in engines.names()]
    source = model.source if isinstance(model, ReadModel) else model
    args, call, options = split_call(source.program, args, keywords, lambda n: any(e.has_option(n) for e in chosen))
    return describe_density(read_arguments(source, args, call, choices)), None, options


def make_fit(
    request: FitRequest[Any],
    result: EngineResult,
    engine: str,
    device: str,
    dtype: str | None,
    seconds: float,
    has_intensities: bool,
) -> Fit:
    """The fit of a result: point estimates of draws, and what is derived from the parameters."""
    model, keywords, table = request.model, request.keywords, request.table
    card, params, diagnostics = model.card, result.params, result.diagnostics
    draws = {**result.draws, **model.deterministic(result.draws, table, keywords)}
    if draws:  # the mean of draws means something once their labels agree
        aligned = align(card, keywords, draws, result.stats["lp"])
        means = {n: aligned[n].mean((0, 1)) for n in [*card.parameters(keywords), *card.deterministic] if n in aligned}
        params = {**means, **params}
    else:
        point = {n: np.asarray(v)[None, None] for n, v in params.items()}
        params = {**params, **{n: v[0, 0] for n, v in model.deterministic(point, table, keywords).items()}}
    if has_intensities:
        redraws = engines.get(engine).redraws_intensities
        diagnostics = diagnostics.replace(binarisation="dynamic" if redraws else "one draw")
    elif card.networks and any(card.sites(keywords)[n].kind == "binary" for n in table):
        diagnostics = diagnostics.replace(binarisation="static")  # its zeros and ones are as they are
    return Fit(
        model=model,
        engine=engine,
        keywords={**keywords, **result.keywords},
        options=request.options.as_dict(),
        seed=request.seed,
        device=device,
        dtype=dtype,
        data=table,
        seconds=seconds,
        params=params,
        trace=result.trace,
        draws=draws,
        stats=result.stats,
        state=result.state,
        diagnostics=diagnostics,
    )
