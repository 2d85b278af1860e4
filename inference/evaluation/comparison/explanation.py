"""What the rules found, in words a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.comparison.agreement import Agreement
from inference.summaries.statistics import FitStatistics

if TYPE_CHECKING:
    from inference.evaluation.comparison.verdict import Candidate


def sound(e: FitStatistics) -> str:
    """The numbers by which chains passed."""
    ess = np.nanmin([e.ess_bulk, e.ess_tail])
    return f"its chains pass every check (R-hat {np.nanmax(e.r_hat):.3f}, ESS {ess:.0f}, no divergences)"


def diverged(e: FitStatistics) -> str:
    """How many draws diverged, and what to do."""
    return f"{e.divergences} of {e.lp.size} draws diverged, so part of the posterior is cut off: raise target_accept"


def unmixed(e: FitStatistics, limit: float) -> str:
    """What R-hat found, with the chain that sits elsewhere named where one does."""
    j = highest(e.r_hat)
    found = f"R-hat of {e.quantities[j]} is {e.r_hat[j]:.3f}, above {limit}"
    means, within = e.values[..., j].mean(1), e.values[..., j].std(1)
    odd = int(np.abs(means - np.median(means)).argmax())
    others = np.arange(len(means)) != odd
    if len(means) < 3 or abs(means[odd] - means[others].mean()) < 3 * within.mean():
        return found + ": raise num_warmup and num_samples"
    found += f": chain {odd} sits at {means[odd]:.3g}, the others at {means[others].mean():.3g}"
    gap = e.lp[odd].mean() - e.lp[others].mean()
    height = f", its log joint {abs(gap):.1f} nats {'lower' if gap < 0 else 'higher'}" if np.isfinite(gap) else ""
    return f"{found}{height}; run more chains, or another seed"


def few(c: Candidate, sizes: np.ndarray, limit: int, which: str) -> str:
    """Which quantity has too few effective draws, and how many draws would do."""
    e = c.evidence
    j = highest(-sizes)
    enough = int(np.ceil(e.values.shape[1] * limit / max(sizes[j], 1.0) * 1.2 / 100) * 100)
    option = "num_draws and num_samples" if "num_draws" in c.options else "num_samples"  # of which not all are kept
    return f"{which} ESS of {e.quantities[j]} is {sizes[j]:.0f}, below {limit}: raise {option} to {enough}"


def k_hat(e: FitStatistics) -> str:
    """k-hat beside its limit."""
    if np.isnan(e.k_hat):
        return "there are too few draws for a k-hat"
    return f"k-hat {e.k_hat:.2f} is {'below' if e.k_hat < e.k_limit else 'not below'} {e.k_limit:.2f}"


def close(a: Agreement, reference: str) -> str:
    """How near the means and spreads are."""
    means, factor = largest(np.abs(a.delta)), np.exp(largest(a.log_ratio))
    return f"each mean is within {means:.2g} sd of {reference} and each spread within a factor of {factor:.2f}"


def distance(e: FitStatistics, a: Agreement, reference: str) -> str:
    """Where a point lies furthest from the means of the reference."""
    j = highest(np.abs(a.delta))
    return f"it lies up to {abs(a.delta[j]):.2g} sd from the means of {reference} ({e.quantities[j]})"


def shifted(c: Candidate, a: Agreement, j: int, reference: str) -> str:
    """A mean that is off."""
    side = "above" if a.delta[j] > 0 else "below"
    return f"it puts {c.evidence.quantities[j]} {abs(a.delta[j]):.1f} sd {side} {reference}: use {reference}{richer(c)}"


def spread(c: Candidate, a: Agreement, j: int, reference: str) -> str:
    """A spread that is off."""
    ratio, quantity = a.sd_ratio[j], c.evidence.quantities[j]
    how = "understates" if ratio < 1 else "overstates"
    found = f"it {how} the spread of {quantity} by {abs(1 - ratio):.0%}"
    return f"{found} against {reference}: use its means, take intervals from {reference}{richer(c)}"


def doubtful_mean(c: Candidate, j: int, most: float) -> str:
    """A mean that its own reweighted draws do not vouch for."""
    found = f"by its own draws, reweighted, its mean of {c.evidence.quantities[j]} may be off by {most:.1f} sd"
    return f"{k_hat(c.evidence)}, but {found}: run nuts to see{richer(c)}"


def doubtful_spread(c: Candidate, j: int, most: float) -> str:
    """A spread that its own reweighted draws do not vouch for."""
    found = (
        f"by its own draws, reweighted, its spread of {c.evidence.quantities[j]} may be off by a factor of {most:.2f}"
    )
    return f"{k_hat(c.evidence)}, but {found}: use its means, run nuts for intervals{richer(c)}"


def difference(e: FitStatistics, a: Agreement, reference: str) -> str:
    """Where a guide and chains differ most, without saying who is right."""
    j = highest(a.wasserstein)
    return (
        f"{e.quantities[j]} differs from {reference} by {abs(a.delta[j]):.1f} sd in its mean and a factor of "
        f"{a.sd_ratio[j]:.2f} in its spread, and k-hat cannot see what a guide never visits"
    )


def richer(c: Candidate) -> str:
    """What could make a guide better: more steps, or a family that holds correlations."""
    better = [] if c.converged else ["raise num_steps, as its ELBO had not settled"]
    if c.options.get("guide") == "mean_field":
        better.append("fit guide='full_rank'")
    return "".join(f", or {one}" for one in better)


def heywood(c: Candidate) -> str:
    """Which uniquenesses are improper: a reader must not take them for a finding."""
    if not c.heywood:
        return ""
    places = [f"Psi[{','.join(map(str, np.atleast_1d(place)))}]" for place in c.heywood]
    return (
        f"; {listed(places)} fell to almost nothing (a Heywood case): Z may be too large, or the rows too few; "
        "objective='map' keeps it proper"
    )


def networks(elbo: float, held_out: float | None) -> str:
    """What may be trusted of networks, and what to look at next."""
    found = f"ELBO {elbo:.2f} nats per row on rows trained on"
    found += f", {held_out:.2f} on rows held out, which chose the weights" if held_out is not None else ""
    return (
        f"one estimate of the weights, which says nothing of spread; codes are the encoder's, and not the posterior's; "
        f"{found}: inference.held_out(fit, data) says how far that is below log p"
    )


def listed(names: list[str]) -> str:
    """
    >>> listed(["em", "svi", "nuts"])
    'em, svi and nuts'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def worst(size: np.ndarray, noise: np.ndarray) -> tuple[int, float]:
    """The quantity whose size most exceeds its Monte Carlo noise, and by how much (with noise below 0: at most)."""
    excess = size - noise
    j = highest(excess)
    return j, float(excess[j])


def highest(values: np.ndarray) -> int:
    """Index of the largest number; NaN counts as least."""
    return int(np.where(np.isnan(values), -np.inf, values).argmax())


def largest(values: np.ndarray) -> float:
    """The largest number, NaN where there is none."""
    return float(values[highest(values)])
