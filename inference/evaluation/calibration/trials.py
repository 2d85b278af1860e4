"""One simulation of a model: values and data from the program, draws from whoever is held to account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from inference import engines, fitting
from inference.evaluation.calibration.invariants import invariants
from inference.evaluation.calibration.ranks import Trial, thinned
from inference.exact import enumeration
from inference.result import Fit
from inference.summaries.statistics import chain_statistics, sample_kind
from zoo import Model, Refusal, ZooError
from zoo._backend import in_backend

Made = Callable[[int, int, int], Trial]
UNSEEN = "the log-likelihood is not among the quantities, as rows have none of their own"


def fixed(model: Model) -> Model:
    """The model with every keyword set: sizes from the card, all else from the program, nothing from data."""
    return model.with_settings(**model.complete({**model.card.sizes, **model.settings}, {}))


def by_engine(model: Model, engine: str, options: Mapping[str, Any]) -> Made:
    """Fits by an engine."""
    own = {word: value for word, value in options.items() if word not in ("device", "dtype")}
    engines.get(engine).make_options(own, model.card)  # a wrong name is no failed simulation

    def trial(seed: int, fit_seed: int, count: int) -> Trial:
        values = model.simulate(seed)
        found = fitting.fit(model, model.data_of(values), engine, seed=fit_seed, **options)
        if not found.draws:
            raise Refusal(f"{engine} gives a point: calibration ranks the truth among draws, of nuts or svi for one")
        return held_against(values, found, count, independent=sample_kind(found) == "guide")

    return trial


def by_sampler(model: Model, sampler: Callable[[dict[str, np.ndarray], int], Mapping[str, Any]]) -> Made:
    """Independent draws of the parameters by a function of the user's."""

    def trial(seed: int, fit_seed: int, count: int) -> Trial:
        values = model.simulate(seed)
        data = model.data_of(values)
        given = sampler(data, fit_seed)
        lacking = [n for n in model.card.parameters(model.settings) if n not in given]
        if lacking:
            raise Refusal(f"the sampler gives no draws of {', '.join(lacking)}: it must give every parameter")
        draws = {n: np.asarray(v)[None] for n, v in given.items()}
        found = Fit(
            model=model,
            engine="",
            keywords=model.settings,
            options={},
            seed=fit_seed,
            device="cpu",
            dtype=None,
            data=data,
            seconds=0.0,
            params={},
            trace=np.zeros(0),
            draws=draws,
        )
        return held_against(values, found, count, independent=True)

    return trial


def held_against(values: Mapping[str, np.ndarray], found: Fit, count: int, independent: bool) -> Trial:
    """The truth beside ``count`` draws of a fit: its quantities, and the log-likelihood of the data."""
    card, settings = found.model.card, found.keywords
    sites = card.parameters(settings)
    flat = {n: found.draws[n].reshape(-1, *found.draws[n].shape[2:]) for n in sites}
    chains = found.draws[next(iter(sites))].shape[:2]
    kept = thinned(chains[0] * chains[1], count)
    names, drawn = invariants(card, settings, flat)
    _, truth = invariants(card, settings, {n: values[n][None] for n in sites})
    ess = float("inf")
    if not independent:
        ess = float(np.nanmin(chain_statistics(drawn.reshape(*chains, -1))[1], initial=np.inf))
    columns, true, notes = drawn[kept], truth[0], ()
    try:
        both = {n: np.concatenate([values[n][None], flat[n][kept]])[None] for n in sites}
        log_likelihood = replace(found, draws=both).log_likelihood().sum(-1)[0]
        names = [*names, "log-likelihood"]
        columns, true = np.column_stack([columns, log_likelihood[1:]]), np.append(true, log_likelihood[0])
    except ZooError:
        notes = (UNSEEN,)
    by_name = enumerate(names)
    return Trial(dict(zip(names, true[:, None], strict=True)), {n: columns[:, [j]] for j, n in by_name}, ess, notes)


def exactly(model: Model) -> Made:
    """Local latents from their exact posterior, at the parameters that made the data.

    Given parameters and data the rows are independent, so that every row is a repeat (where a discrete latent shared by
    all ties them, one row of each simulation is). Ranked with them is the log joint density, by the program itself.
    """
    card, settings = model.card, model.settings
    sites = card.sites(settings)
    drawn, program, draw = exact_posterior(model)
    tied = any("N" not in sites[n].dims for n in drawn)
    log_joint = in_backend("inference.evaluation.calibration", model.backend).LogJoint(program, settings)

    def trial(seed: int, draw_seed: int, count: int) -> Trial:
        values = model.simulate(seed)
        params, data = {n: values[n] for n in card.parameters(settings)}, model.data_of(values)
        found = draw(params, data, draw_seed, count)
        both = {n: np.concatenate([values[n][None], found[n]]) for n in drawn}
        ranked = {"log joint": log_joint(data, params, both)[:, None]}
        for name, value in both.items():
            dims = sites[name].dims
            if "N" in dims:
                value = np.moveaxis(value, 1 + dims.index("N"), -1)
                value = value[..., [seed % value.shape[-1]]] if tied else value
            else:
                value = value[..., None]
            rest = value.shape[1:-1]
            ranked |= {f"{name}[{','.join(('n', *map(str, i)))}]": value[(slice(None), *i)] for i in np.ndindex(*rest)}
        return Trial({n: v[0] for n, v in ranked.items()}, {n: v[1:] for n, v in ranked.items()})

    return trial


def exact_posterior(model: Model) -> tuple[list[str], Callable[..., Any], Callable[..., dict[str, np.ndarray]]]:
    """Which latents have one, a program with no local latents but these, and how to draw them.

    The last is ``(params, data, seed, count) -> {site: (count, *shape)}``. Raises Refusal where there are none.
    """
    card = model.card
    local = [n for n in card.latents if n not in card.parameters(model.settings)]
    continuous = [n for n in local if n not in card.enumerated]
    if card.linear is not None and len(continuous) == 1:
        from inference.exact import gaussian

        def normal(params: dict[str, np.ndarray], data: Any, seed: int, count: int) -> dict[str, np.ndarray]:
            return {continuous[0]: gaussian.sampled(model, params, data, seed, count)}

        marginalize = in_backend("inference.exact.enumeration", model.backend).marginalize
        return continuous, marginalize(model.program) if card.enumerated else model.program, normal
    if not local or continuous:
        raise Refusal(f"{model.name} has no exact posterior of local latents: name an engine, nuts or svi")

    def labels(params: dict[str, np.ndarray], data: Any, seed: int, count: int) -> dict[str, np.ndarray]:
        repeated = {n: np.broadcast_to(v, (1, count, *v.shape)) for n, v in params.items()}
        return {n: v[0] for n, v in enumeration.sampled(model, repeated, data, seed).items()}

    return local, model.program, labels
