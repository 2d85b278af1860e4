"""One order for the labels of every draw, and one frame for its axes.

A posterior has a symmetry where its parameters can be moved without a change of the likelihood: the labels K of
exchangeable components can be permuted, and the axes of latent dimensions turned, as the card's ``symmetries`` tell.
A mean over draws that wander between equal copies is a mean of nothing. ``labels`` and ``axes`` undo one symmetry each,
and promise

    settled(card, settings, draws, lp)            every draw moved to one order, or frame
    turned(card, settings, draws, reference)      settled draws moved, all alike, to the order or frame of others

Draws are ``{site: (chain, draw, *shape)}``, of the parameters and of such local latents as they hold. Labels come
first: they are told apart by what no rotation changes, and the axes of a component can be turned once one knows which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inference.alignment import axes, labels
from inference.record import FitRecord
from zoo import Card

Draws = dict[str, np.ndarray]


def align(
    card: Card,
    settings: Mapping[str, Any],
    draws: Mapping[str, np.ndarray],
    lp: np.ndarray,
    reference: Mapping[str, np.ndarray] | None = None,
) -> Draws:
    """The draws with the components of each in one order and its axes in one frame, (chain, draw, *shape).

    lp: (chain, draw), the log joint in nats up to a constant. The order of the components is ascending in the draw of
    highest lp, by the first quantity of the card that has components and is not their weights; the frame is that of the
    principal axes. Where ``reference`` holds draws already aligned, order and frame are those of the reference: the fit
    is then moved as a whole, so that it cannot be made to agree draw by draw. Draws of a model without symmetries are
    returned as they are.
    """
    own = axes.align_within(card, settings, labels.align_within(card, settings, draws, lp), lp)
    return own if reference is None else align_to(card, settings, own, reference)


def align_to(
    card: Card, settings: Mapping[str, Any], draws: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]
) -> Draws:
    """Aligned draws moved, all draws alike, to the order and the frame of the reference."""
    return axes.align_to(card, settings, labels.align_to(card, settings, draws, reference), reference)


def aligned(fit: FitRecord) -> Draws:
    """A fit's draws, aligned; a point is one chain of one draw, in its own order and frame."""
    return align_within(fit)[0]


def in_one_order(fits: Sequence[FitRecord], first: int) -> tuple[list[Draws], list[int]]:
    """The aligned draws of several fits as one of them has them, and how many of each had to be relabelled."""
    own, switched = zip(*map(align_within, fits), strict=True)
    together = [
        draws if i == first else align_to(fit.model.card, fit.keywords, draws, own[first])
        for i, (fit, draws) in enumerate(zip(fits, own, strict=True))
    ]
    return together, list(switched)


def align_within(fit: FitRecord) -> tuple[Draws, int]:
    """A fit's draws, aligned, and how many of them had their labels in another order than most."""
    card, settings = fit.model.card, fit.keywords
    if not fit.draws:
        return {n: np.asarray(fit.params[n])[None, None] for n in card.parameters(settings)}, 0
    # an engine that keeps no log joint has its first draw for pivot: any will do
    lp = fit.stats.get("lp", np.zeros(next(iter(fit.draws.values())).shape[:2]))
    order = labels.ordering(card, settings, fit.draws, lp)
    draws = labels.permuted(card, settings, fit.draws, order)
    return axes.align_within(card, settings, draws, lp), labels.minority(order)
