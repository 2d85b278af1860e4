"""Posteriors that are hard for guides and chains: the funnel of a centred hierarchy, and bounds that are latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inference.record import FitRecord
from inference.summaries.statistics import sample_kind
from zoo import Card


def describe_funnel(scales: Mapping[str, Sequence[str]], effect: str) -> str:
    """Which latents make a funnel, what that does to a fit, and how to write them; "" where there are none.

    scales: as of a card. effect: the end of "the posterior is a funnel, ...".

    >>> describe_funnel({"theta": ("tau",)}, "which the guide hides")[:52]
    'theta is centred, with the scale tau: where that is '
    """
    if not scales:
        return ""
    name, parents = next(iter(scales.items()))
    verb = "is" if len(scales) == 1 else "are"
    return (
        f"{join_names(list(scales))} {verb} centred, with the scale {join_names(parents)}: where that is small the "
        f"posterior is a funnel, {effect}; write {name} as its mean plus {parents[0]} times a standard normal latent "
        "(non-centred)"
    )


def describe_bounds(bounds: Mapping[str, Sequence[str]]) -> str:
    """Which observed site ends at which latents, and how to write them; "" where there is none.

    bounds: as of a card.

    >>> describe_bounds({"x": ("top",)})[:58]
    'the bounds of x depend on top, so that the density of top '
    """
    if not bounds:
        return ""
    site, latents = next(iter(bounds.items()))
    name = latents[0]
    return (
        f"the bounds of {site} depend on {join_names(latents)}, so that the density of {name} falls to 0 at a value of "
        f"{site}, which steps cross: write {name} as the outermost value of {site} plus (or minus) a positive latent"
    )


def difficulty_of_chains(card: Card) -> str:
    """Why chains may diverge, and how to write the program; "" where the card tells nothing."""
    funnel = describe_funnel(card.scales, "whose end chains that diverge do not reach")
    return "; ".join(filter(None, (funnel, describe_bounds(card.bounds))))


def difficulty_note(fit: FitRecord) -> str:
    """The sentence for one fit: what a guide hides, or where chains diverged; else ""."""
    if sample_kind(fit) == "guide":
        return describe_funnel(fit.model.card.scales, "which the guide hides")
    return difficulty_of_chains(fit.model.card) if fit.diagnostics.get("divergences") else ""


def join_names(names: Sequence[str]) -> str:
    """Names as a list in a sentence.

    >>> join_names(["em", "svi", "nuts"])
    'em, svi and nuts'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
