"""What a fit of a centred hierarchy tells too little of: its posterior is a funnel where the scale is small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inference.record import FitRecord
from inference.summaries.statistics import sample_kind


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


def funnel_note(fit: FitRecord) -> str:
    """The sentence for one fit: a guide hides a funnel, and chains that diverge do not reach its end; else ""."""
    if sample_kind(fit) == "guide":
        return describe_funnel(fit.model.card.scales, "which the guide hides")
    if sample_kind(fit) == "chains" and fit.diagnostics.get("divergences"):
        return describe_funnel(fit.model.card.scales, "whose end chains that diverge do not reach")
    return ""


def join_names(names: Sequence[str]) -> str:
    """Names as a list in a sentence.

    >>> join_names(["em", "svi", "nuts"])
    'em, svi and nuts'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
