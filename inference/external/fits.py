"""The ``Fit`` that is made of draws from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from inference.alignment import align
from inference.diagnostics import Diagnostics, ExternalChains, ExternalGuide
from inference.draws_model import DrawsModel, card_of_draws
from inference.engines.nuts.result import energy_fractions
from inference.external.draws import ExternalDraws
from inference.external.program import Call, add_program
from inference.result import Fit
from zoo import Model, ZooError

NO_CALL = Call()


def make_fit(source: ExternalDraws, call: Call = NO_CALL) -> Fit:
    """The fit of some draws, with a program where one is given.

    Raises ZooError where there are no draws, or they are not of the model.
    """
    if not source.draws or not all(v.size for v in source.draws.values()):
        raise ZooError(f"{source.engine} of {source.library} holds no draws: run it first")
    # moments of draws are taken in 64 bits, as those of our own fits
    draws = {n: v.astype(float) if v.dtype.kind == "f" else v for n, v in source.draws.items()}
    source = replace(source, draws=draws)
    if call.model is None:
        if call.args or call.kwargs or call.data is not None:
            given = ["data=" if call.data is not None else "", "arguments" if call.args else "", *call.kwargs]
            raise ZooError(
                f"{', '.join(filter(None, given))}: of a program alone, give model=zoo.Model(...) too, or none of them"
            )
        card = card_of_draws(source.name, draws, source.dims)
        dimensions = {d for site in card.quantities.values() for d in site.dims}
        coords = {d: values for d, values in source.coords.items() if d in dimensions}
        model: Model = DrawsModel(card, library=source.library, version=source.version, coords=coords)
        stats, keywords, table = source.stats, {}, source.data
    else:
        model, draws, stats, keywords, table = add_program(source, call)
    card, is_point = model.card, source.kind == "point"
    lp = stats.get("lp", np.zeros(next(iter(draws.values())).shape[:2]))
    aligned = align(card, keywords, draws, lp)
    return Fit(
        model=model,
        engine=source.engine,
        keywords=keywords,
        options=source.options,
        seed=0,
        device="cpu",
        dtype=None,
        data=table,
        seconds=source.seconds,
        params={n: aligned[n].mean((0, 1)) for n in [*card.parameters(keywords), *card.deterministic] if n in aligned},
        trace=source.trace,
        draws={} if is_point else draws,
        stats={} if is_point else stats,
        state=source.state,
        diagnostics=make_diagnostics(source, stats),
    )


def make_diagnostics(source: ExternalDraws, stats: Mapping[str, np.ndarray]) -> Diagnostics:
    """The diagnostics that were recorded."""
    if source.kind == "point":
        return Diagnostics()
    if source.kind == "guide":
        guide, weights = source.options.get("guide"), stats.get("log_weight")
        if weights is None:
            return ExternalGuide(guide=guide)
        se = float(weights.std() / np.sqrt(weights.size))
        return ExternalGuide(guide=guide, elbo=float(weights.mean()), elbo_se=se)
    e_bfmi = energy_fractions(stats["energy"]) if "energy" in stats else None
    diverging = stats.get("diverging")
    if diverging is None:
        return ExternalChains(e_bfmi=e_bfmi)
    by_chain = [int(n) for n in diverging.sum(1)]
    return ExternalChains(divergences=sum(by_chain), divergences_by_chain=by_chain, e_bfmi=e_bfmi)
