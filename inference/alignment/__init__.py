"""Alignment of draws: component labels in one order, latent axes in one frame.

A posterior has a symmetry where its parameters can change without a change of the likelihood: the labels K of
exchangeable components can be permuted, and the axes of latent dimensions rotated, as ``Card.symmetries`` declares.
Averages across symmetric modes are meaningless. ``labels`` and ``axes`` each remove one symmetry, by

    align_within(card, settings, draws, lp)       bring every draw to one order, or frame; of labels also how many moved
    align_to(card, settings, draws, reference)    move aligned draws, all alike, to the order or frame of others

Draws are ``{site: (chain, draw, *shape)}``, of the parameters and of any local latents. Labels are aligned first: they
are distinguished by rotation-invariant quantities, and the axes of a component can be rotated once its label is fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inference.alignment import axes, labels
from inference.record import FitRecord
from zoo import Card
from zoo.types import Keywords

Draws = dict[str, np.ndarray]


def align(
    card: Card,
    settings: Keywords,
    draws: Mapping[str, np.ndarray],
    lp: np.ndarray,
    reference: Mapping[str, np.ndarray] | None = None,
) -> Draws:
    """Align the component labels and latent axes of all draws.

    The order of the components is ascending in the draw of highest ``lp``, by the first quantity of the card that has
    components and is not their weights; the frame is that of the principal axes.

    Parameters
    ----------
    card : Card
        The card of the model, which declares its symmetries.
    settings : mapping
        The keywords of the program.
    draws : mapping of str to array, (chain, draw, *shape)
        Draws of the parameters and of any local latents.
    lp : array, (chain, draw)
        The log joint of each draw in nats, up to a constant.
    reference : mapping of str to array, (chain, draw, *shape), optional
        Aligned draws whose order and frame the result has. All draws are then moved alike, so that the fit as a whole
        is aligned and not each draw.

    Returns
    -------
    dict of str to array, (chain, draw, *shape)
        The aligned draws; those of a model without symmetries are unchanged.
    """
    own = axes.align_within(card, settings, labels.align_within(card, settings, draws, lp)[0], lp)
    return own if reference is None else align_to(card, settings, own, reference)


def align_to(
    card: Card, settings: Keywords, draws: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]
) -> Draws:
    """Move aligned draws, all draws alike, to the order and the frame of a reference.

    Parameters
    ----------
    card : Card
        The card of the model.
    settings : mapping
        The keywords of the program.
    draws, reference : mapping of str to array, (chain, draw, *shape)
        Draws that ``align`` returned.

    Returns
    -------
    dict of str to array, (chain, draw, *shape)
    """
    return axes.align_to(card, settings, labels.align_to(card, settings, draws, reference), reference)


def aligned_draws(fit: FitRecord) -> Draws:
    """The aligned draws of a fit.

    Parameters
    ----------
    fit : FitRecord

    Returns
    -------
    dict of str to array, (chain, draw, *shape)
        A point estimate is one chain of one draw, in its own order and frame.
    """
    return _align_fit(fit)[0]


def align_fits(fits: Sequence[FitRecord], first: int) -> tuple[list[Draws], list[int]]:
    """Align the draws of several fits to those of one of them.

    Parameters
    ----------
    fits : sequence of FitRecord
        Fits of one model.
    first : int
        The index of the fit whose order and frame all have.

    Returns
    -------
    draws : list of dict of str to array, (chain, draw, *shape)
    switched : list of int
        How many draws of each fit were relabelled.
    """
    own, switched = zip(*map(_align_fit, fits), strict=True)
    draws = [
        draws if i == first else align_to(fit.model.card, fit.keywords, draws, own[first])
        for i, (fit, draws) in enumerate(zip(fits, own, strict=True))
    ]
    return draws, list(switched)


def _align_fit(fit: FitRecord) -> tuple[Draws, int]:
    """The aligned draws of a fit, and how many of them had their labels in another order than most."""
    card, settings = fit.model.card, fit.keywords
    if not fit.draws:
        names = [*card.parameters(settings), *card.deterministic]
        # a user's program has latents that an encoder describes
        optional = {*card.deterministic, *(card.latents if card.is_own else ())}
        names = [n for n in names if n in fit.params or n not in optional]
        return {n: np.asarray(fit.params[n])[None, None] for n in names}, 0
    # without a log joint the first draw is the pivot: any draw will do
    lp = fit.stats.get("lp", np.zeros(next(iter(fit.draws.values())).shape[:2]))
    draws, minority = labels.align_within(card, settings, fit.draws, lp)
    return {**axes.align_within(card, settings, draws, lp), **fit.learned_draws()}, minority
