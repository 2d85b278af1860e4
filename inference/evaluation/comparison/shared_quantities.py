"""Comparisons with fits whose program is not given: fits are brought to the quantities that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from inference.draws_model import DrawsCard, DrawsModel, has_program
from inference.record import FitRecord
from zoo import Card, ZooError
from zoo.types import Keywords


def share_quantities(fits: Sequence[FitRecord], names: Sequence[str]) -> tuple[list[FitRecord], list[str]]:
    """The fits with the quantities that all have, and warnings of those left out; all as given if all have a program.

    A fit without a program whose draws have every parameter of the first program takes its card, so that labels and
    axes are aligned as the card declares. Otherwise every fit is reduced to the common names.
    """
    if all(has_program(fit.model) and is_complete(fit) for fit in fits):
        return list(fits), []
    program = next((fit for fit in fits if has_program(fit.model)), None)
    if program is not None and all(has_parameters(fit, program) for fit in fits):
        card, keywords = shared_card(program.model.card, fits), program.keywords
        return [fit if has_program(fit.model) else with_card(fit, card, keywords) for fit in fits], []
    values = [reported_values(fit) for fit in fits]
    common = [n for n, v in values[0].items() if all(n in o and o[n].shape[2:] == v.shape[2:] for o in values[1:])]
    if not common:
        have = "; ".join(f"{name} has {', '.join(v)}" for name, v in zip(names, values, strict=True))
        raise ZooError(f"these fits share no name of one shape: {have}")
    warnings = []
    for name, quantities in zip(names, values, strict=True):
        others = [n for n in quantities if n not in common]
        if others:
            warnings.append(f"Of {name} {', '.join(others)} is not compared: other fits do not have it.")
    card = common_card(program or fits[0], common)
    return [
        with_card(replace(fit, **common_fields(fit, v, common)), card, {}) for fit, v in zip(fits, values, strict=True)
    ], warnings


def shared_card(card: Card, fits: Sequence[FitRecord]) -> Card:
    """The card of a program with the deterministic sites that every fit has."""
    shared = {n: s for n, s in card.deterministic.items() if all(n in (f.draws or f.params) for f in fits)}
    return replace(card, deterministic=shared)


def is_complete(fit: FitRecord) -> bool:
    """Whether a fit has a value of every parameter: an encoder describes latents of the rows without one."""
    return not fit.model.card.is_own or set(fit.model.card.parameters(fit.keywords)) <= {*fit.draws, *fit.params}


def has_parameters(fit: FitRecord, program: FitRecord) -> bool:
    """Whether a fit has every parameter of a program, in its shape."""
    sizes = {n: site.shape(program.keywords) for n, site in program.model.card.parameters(program.keywords).items()}
    return all(n in fit.params and np.shape(fit.params[n]) == shape for n, shape in sizes.items())


def with_card(fit: FitRecord, card: Card, keywords: Keywords) -> FitRecord:
    """The fit under another card, without a program: draws that the card does not have are left out."""
    model = DrawsModel(card, library=fit.model.backend)
    sites = [*card.parameters(keywords), *card.deterministic]
    params = {n: fit.params[n] for n in sites}
    draws = {n: fit.draws[n] for n in sites} if fit.draws else {}
    return replace(fit, model=model, keywords=dict(keywords), params=params, draws=draws)


def reported_values(fit: FitRecord) -> dict[str, np.ndarray]:
    """Parameters and quantities derived from them, (chain, draw, *shape), labels as the fit has them."""
    card, settings = fit.model.card, fit.keywords
    draws = {**fit.draws, **fit.learned_draws()} or {n: np.asarray(v)[None, None] for n, v in fit.params.items()}
    sites = [*card.parameters(settings), *(n for n in card.deterministic if n in draws)]
    values = {n: draws[n] for n in sites if n in draws or not card.is_own}
    return {**values, **card.report(values, settings)}


def common_fields(
    fit: FitRecord, values: Mapping[str, np.ndarray], common: Sequence[str]
) -> dict[str, dict[str, np.ndarray]]:
    """The fields of a fit that has the common quantities alone."""
    draws = {n: values[n] for n in common}
    return {"draws": draws if fit.draws else {}, "params": {n: v.mean((0, 1)) for n, v in draws.items()}}


def common_card(fit: FitRecord, common: Sequence[str]) -> DrawsCard:
    """A card of the common quantities, with the dimensions and the symmetries that the card of one fit has."""
    card, settings = fit.model.card, fit.keywords
    sites = {**card.parameters(settings), **card.reported(settings)}
    letters = {d for n in common for d in sites[n].dims}
    return DrawsCard(
        card.name,
        card.title,
        card.citation,
        {},
        {},
        quantities={n: sites[n] for n in common},
        symmetries={letter: s for letter, s in card.symmetries.items() if letter in letters},
    )
