"""One simulation of a model: true values and data, and draws by an engine, a sampler, or exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from inference import engines, fitting
from inference.evaluation.calibration.density import JointDensity
from inference.evaluation.calibration.invariants import invariants
from inference.evaluation.calibration.joint import LOG_JOINT, LOG_LIKELIHOOD
from inference.evaluation.calibration.ranks import thin_indices
from inference.evaluation.calibration.simulations import RunTrial, Trial
from inference.evaluation.comparison import judge
from inference.exact import enumeration, gaussian
from inference.result import Fit
from inference.summaries.quantities import entry_name
from inference.summaries.statistics import chain_statistics, sample_kind
from zoo import Model, Refusal, ZooError
from zoo._backend import backend_of, in_backend
from zoo.read_model import read
from zoo.types import DataLike, Program

NO_LIKELIHOOD = "the log-likelihood is not among the quantities, as rows have none of their own"
Values: TypeAlias = dict[str, np.ndarray]
Sampler: TypeAlias = Callable[[Any, int], Mapping[str, ArrayLike]]  # (data, seed) -> {site: (draws, *shape)}


class Simulation(NamedTuple):
    """What one trial begins with: true values of all sites, the data that has them, and the model of the fit to it."""

    values: Values
    data: DataLike
    model: Model


Simulate: TypeAlias = Callable[[int], Simulation]  # of a seed


def prior_simulation(model: Model) -> Simulate:
    """Parameters from the prior, and data given these."""

    def simulate(seed: int) -> Simulation:
        values = model.simulate(seed)
        return Simulation(values, model.data_of(values), model)

    return simulate


def fix_settings(model: Model) -> Model:
    """The model with every keyword set: sizes from the card, others from the program, none from data."""
    return model.with_settings(**model.complete({**model.card.sizes, **model.settings}, {}))


def read_program(model: Model, data: DataLike = None) -> Model:
    """A program of the user's own, read with its data, or without where it runs so; raises ZooError where it cannot."""
    try:
        if data is None:
            return read(model)
        return read(model, **data) if isinstance(data, Mapping) else read(model, data)
    except ZooError as error:
        raise ZooError(f"calibrate takes zoo.read(model, X, y), with the data's covariates: {error}") from error


def check_simulation(model: Model) -> None:
    """Raise ZooError where a program of the user's own does not simulate its data and every parameter."""
    card = model.card
    if not card.is_own:
        return
    if card.learned:
        raise ZooError(f"{', '.join(card.learned)} of {model.name} has no prior, and is not simulated: give it one")
    try:
        values = model.simulate(0)
    except NotImplementedError as error:  # of NumPyro, for an improper prior
        raise ZooError(f"a prior of {model.name} cannot be simulated from: calibration needs proper ones") from error
    model.data_of(values)


def engine_trial(
    model: Model, simulate: Simulate, engine: str, options: Mapping[str, Any], compilation_folder: str
) -> RunTrial:
    """A trial that fits by an engine, and judges the fit; what is compiled is kept in a folder for all simulations."""
    engine_options = {name: value for name, value in options.items() if name not in ("device", "dtype")}
    engines.get(engine).make_options(engine_options, model.card)  # a wrong name is an error, not a failed simulation
    density = JointDensity()

    def trial(seed: int, fit_seed: int, count: int) -> Trial:
        with backend_of(model).compile_once(compilation_folder):
            values, data, fitted = simulate(seed)
            run = {"seed": fit_seed, **options}
            name: str | None = engine
            fit = fitting.fit(fitted, data, name, **run)
            if not fit.draws:
                raise Refusal(
                    f"{engine} gives a point: calibration ranks the truth among draws, of nuts or svi for one"
                )
            result = fit_trial(values, fit, count, density, are_independent=sample_kind(fit) == "guide")
            return replace(result, trust=judge(fit).trust)

    return trial


def sampler_trial(model: Model, simulate: Simulate, sampler: Sampler) -> RunTrial:
    """A trial of independent draws of the parameters by a user's function."""
    density = JointDensity()

    def trial(seed: int, fit_seed: int, count: int) -> Trial:
        values, data, fitted = simulate(seed)
        fit = sampled_fit(fitted, data, sampler, fit_seed)
        return fit_trial(values, fit, count, density, are_independent=True)

    return trial


def sampled_fit(model: Model, data: DataLike, sampler: Sampler, seed: int) -> Fit:
    """The draws of a user's function as a fit; raises Refusal where a parameter has none."""
    given = sampler(data, seed)
    missing = [n for n in model.card.parameters(model.settings) if n not in given]
    if missing:
        raise Refusal(f"the sampler gives no draws of {', '.join(missing)}: it must give every parameter")
    table, keywords = model.bind(data)
    return Fit(
        model=model,
        engine="",
        keywords=keywords,
        options={},
        seed=seed,
        device="cpu",
        dtype=None,
        data=table,
        seconds=0.0,
        params={},
        trace=np.zeros(0),
        draws={n: np.asarray(v)[None] for n, v in given.items()},
    )


def fit_trial(values: Values, fit: Fit, count: int, density: JointDensity, are_independent: bool) -> Trial:
    """The true values and ``count`` draws of a fit: its quantities, and the log densities."""
    card, settings = fit.model.card, fit.keywords
    sites = card.parameters(settings)
    flat = {n: v.reshape(-1, *v.shape[2:]) for n, v in fit.draws.items()}
    chains, length = fit.draws[next(iter(sites))].shape[:2]
    ranked = thin_indices(chains * length, count)
    names, draws = invariants(card, settings, {n: flat[n] for n in sites})
    _, truth = invariants(card, settings, {n: values[n][None] for n in sites})
    ess = float("inf")
    if not are_independent:
        ess = float(np.nanmin(chain_statistics(draws.reshape(chains, length, -1))[1], initial=np.inf))
    by_name = {name: np.append(truth[0, j], draws[ranked, j]) for j, name in enumerate(names)}
    chosen, warnings = {n: v[ranked] for n, v in flat.items()}, ()
    try:
        joined = {n: np.concatenate([values[n][None], chosen[n]])[None] for n in sites}
        by_name[LOG_LIKELIHOOD] = replace(fit, draws=joined).log_likelihood().sum(-1)[0]
    except ZooError:
        warnings = (NO_LIKELIHOOD,)
    with suppress(ZooError):  # the log-likelihood is there, or its warning
        by_name[LOG_JOINT] = density(fit, values, chosen)
    return Trial({n: v[:1] for n, v in by_name.items()}, {n: v[1:, None] for n, v in by_name.items()}, ess, warnings)


def exact_trial(model: Model) -> RunTrial:
    """A trial of local latents from their exact posterior, at the parameters that generated the data.

    Given parameters and data the rows are independent, so every row is a repeat (one row of each simulation where a
    discrete latent shared by all rows makes them dependent). The log joint density by the program itself is ranked too.
    """
    card, settings = model.card, model.settings
    sites = card.sites(settings)
    posterior = exact_posterior(model)
    are_dependent = any("N" not in sites[n].dims for n in posterior.latents)
    backend = in_backend("inference.evaluation.calibration", model.backend)
    log_joint = backend.LogJoint(posterior.program, settings)

    def trial(seed: int, draw_seed: int, count: int) -> Trial:
        values = model.simulate(seed)
        params, data = {n: values[n] for n in card.parameters(settings)}, model.data_of(values)
        draws = posterior.draw(params, data, draw_seed, count)
        joined = {n: np.concatenate([values[n][None], draws[n]]) for n in posterior.latents}  # the truth comes first
        quantities = {LOG_JOINT: log_joint(data, params, joined)[:, None]}
        for name, value in joined.items():
            dims = sites[name].dims
            if "N" in dims:
                value = np.moveaxis(value, 1 + dims.index("N"), -1)
                value = value[..., [seed % value.shape[-1]]] if are_dependent else value
            else:
                value = value[..., None]
            entries = np.ndindex(*value.shape[1:-1])
            quantities |= {entry_name(name, ("n", *i)): value[(slice(None), *i)] for i in entries}
        truth = {n: v[0] for n, v in quantities.items()}
        return Trial(truth, {n: v[1:] for n, v in quantities.items()})

    return trial


class ExactPosterior(NamedTuple):
    """The exact posterior of local latents.

    latents: their names. program: a program whose only local latents are these. draw: ``(params, data, seed, count) ->
    {site: (count, *shape)}``.
    """

    latents: list[str]
    program: Program
    draw: Callable[[dict[str, np.ndarray], DataLike, int, int], dict[str, np.ndarray]]


def exact_posterior(model: Model) -> ExactPosterior:
    """The exact posterior of the local latents of a model; raises Refusal where there is none."""
    card = model.card
    local = [n for n in card.latents if n not in card.parameters(model.settings)]
    continuous = [n for n in local if n not in card.enumerated]
    if card.linear is not None and len(continuous) == 1:

        def draw_normal(params: dict[str, np.ndarray], data: DataLike, seed: int, count: int) -> dict[str, np.ndarray]:
            return {continuous[0]: gaussian.sample_latents(model, params, data, seed, count)}

        marginalize = in_backend("inference.exact.enumeration", model.backend).marginalize
        return ExactPosterior(continuous, marginalize(model.program) if card.enumerated else model.program, draw_normal)
    if not local or continuous:
        raise Refusal(f"{model.name} has no exact posterior of local latents: name an engine, nuts or svi")

    def draw_labels(params: dict[str, np.ndarray], data: DataLike, seed: int, count: int) -> dict[str, np.ndarray]:
        repeated = {n: np.broadcast_to(v, (1, count, *v.shape)) for n, v in params.items()}
        return {n: v[0] for n, v in enumeration.sample_labels(model, repeated, data, seed).items()}

    return ExactPosterior(local, model.program, draw_labels)
