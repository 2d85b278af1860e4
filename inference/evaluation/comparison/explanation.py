"""The sentences that explain a verdict and advise what to do."""

from __future__ import annotations

import numpy as np

from inference.evaluation.comparison.agreement import Agreement
from inference.evaluation.comparison.record import VerdictInput
from inference.summaries.difficulties import describe_funnel, join_names
from inference.summaries.statistics import FitStatistics


def sound_chains(s: FitStatistics) -> str:
    """The numbers by which chains passed."""
    ess = np.nanmin([s.ess_bulk, s.ess_tail])
    numbers = f"R-hat {np.nanmax(s.r_hat):.3f}, ESS {ess:.0f}"
    if s.divergences is None:
        return f"its chains pass every check but one ({numbers}; divergences not recorded)"
    return f"its chains pass every check ({numbers}, no divergences)"


def divergences(c: VerdictInput) -> str:
    """How many draws diverged, and what to do."""
    s, remedy = c.statistics, c.difficulty or "raise target_accept"
    return f"{s.divergences} of {s.lp.size} draws diverged, so part of the posterior is cut off: {remedy}"


def unknown_statistics(s: FitStatistics, j: int) -> str:
    """That there are too few draws to check a quantity."""
    chains, draws, _ = s.values.shape
    return f"R-hat and ESS of {s.quantities[j]} have no value for {draws} draws of {chains} chains: raise num_samples"


def high_r_hat(s: FitStatistics, limit: float) -> str:
    """The highest R-hat, and the one chain that differs from the others, where there is one."""
    j = index_of_largest(s.r_hat)
    sentence = f"R-hat of {s.quantities[j]} is {s.r_hat[j]:.3f}, above {limit}"
    means, within = s.values[..., j].mean(1), s.values[..., j].std(1)
    outlier = int(np.abs(means - np.median(means)).argmax())
    others = np.arange(len(means)) != outlier
    if len(means) < 3 or abs(means[outlier] - means[others].mean()) < 3 * within.mean():
        return sentence + ": raise num_warmup and num_samples"
    sentence += f": chain {outlier} sits at {means[outlier]:.3g}, the others at {means[others].mean():.3g}"
    gap = s.lp[outlier].mean() - s.lp[others].mean()
    gap_text = f", its log joint {abs(gap):.1f} nats {'lower' if gap < 0 else 'higher'}" if np.isfinite(gap) else ""
    return f"{sentence}{gap_text}; run more chains, or another seed"


def low_ess(c: VerdictInput, sizes: np.ndarray, limit: int, which: str) -> str:
    """The quantity with the fewest effective draws, and how many draws would be enough."""
    s = c.statistics
    j = index_of_largest(-sizes)
    enough = int(np.ceil(s.values.shape[1] * limit / max(sizes[j], 1.0) * 1.2 / 100) * 100)
    option = "num_draws and num_samples" if "num_draws" in c.options else "num_samples"  # not all samples are stored
    return f"{which} ESS of {s.quantities[j]} is {sizes[j]:.0f}, below {limit}: raise {option} to {enough}"


def k_hat(s: FitStatistics) -> str:
    """k-hat and its limit."""
    if np.isnan(s.k_hat) and np.isnan(s.elbo):
        return "there is no k-hat, as log p - log q of its draws is not recorded and needs the program"
    if np.isnan(s.k_hat):
        return "there are too few draws for a k-hat"
    return f"k-hat {s.k_hat:.2f} is {'below' if s.k_hat < s.k_limit else 'not below'} {s.k_limit:.2f}"


def closeness(a: Agreement, reference: str) -> str:
    """The largest distances of means and spreads, where both are small."""
    means, factor = largest(np.abs(a.delta)), np.exp(largest(a.log_ratio))
    return f"each mean is within {means:.2g} sd of {reference} and each spread within a factor of {factor:.2f}"


def point_distance(s: FitStatistics, a: Agreement, reference: str) -> str:
    """The largest distance of a point from the means of the reference."""
    j = index_of_largest(np.abs(a.delta))
    return f"it lies up to {abs(a.delta[j]):.2g} sd from the means of {reference} ({s.quantities[j]})"


def wrong_mean(c: VerdictInput, a: Agreement, j: int, reference: str) -> str:
    """A mean that differs from the reference."""
    side, quantity = "above" if a.delta[j] > 0 else "below", c.statistics.quantities[j]
    return f"it puts {quantity} {abs(a.delta[j]):.1f} sd {side} {reference}: use {reference}{guide_advice(c)}"


def wrong_spread(c: VerdictInput, a: Agreement, j: int, reference: str) -> str:
    """A spread that differs from the reference."""
    ratio, quantity = a.sd_ratio[j], c.statistics.quantities[j]
    verb = "understates" if ratio < 1 else "overstates"
    error = f"it {verb} the spread of {quantity} by {abs(1 - ratio):.0%}"
    return f"{error} against {reference}: use its means, take intervals from {reference}{guide_advice(c)}"


def doubtful_mean(c: VerdictInput, j: int, most: float) -> str:
    """A mean that its own reweighted draws do not confirm."""
    doubt = f"by its own draws, reweighted, its mean of {c.statistics.quantities[j]} may be off by {most:.1f} sd"
    return f"{k_hat(c.statistics)}, but {doubt}: {run_chains(c)} to see{guide_advice(c)}"


def doubtful_spread(c: VerdictInput, j: int, most: float) -> str:
    """A spread that its own reweighted draws do not confirm."""
    quantity = c.statistics.quantities[j]
    doubt = f"by its own draws, reweighted, its spread of {quantity} may be off by a factor of {most:.2f}"
    return f"{k_hat(c.statistics)}, but {doubt}: use its means, {run_chains(c)} for intervals{guide_advice(c)}"


def largest_difference(s: FitStatistics, a: Agreement, reference: str) -> str:
    """The quantity in which a guide and failed chains differ most; either may be wrong."""
    j = index_of_largest(a.wasserstein)
    return (
        f"{s.quantities[j]} differs from {reference} by {abs(a.delta[j]):.1f} sd in its mean and a factor of "
        f"{a.sd_ratio[j]:.2f} in its spread, and k-hat does not cover what a guide never visits"
    )


def run_chains(c: VerdictInput) -> str:
    """How to get chains: parameters without a prior need one first."""
    return f"give {join_names(c.learned)} a prior and run nuts" if c.learned else "run nuts"


def hidden_funnel(c: VerdictInput) -> str:
    """Which latents of a centred hierarchy a guide misrepresents, and how to write them; "" where there are none."""
    return describe_funnel(c.scales, "which the guide hides")


def guide_advice(c: VerdictInput) -> str:
    """What could improve a guide: more steps, a family with correlations, or a program without a funnel."""
    advice = [] if c.converged is not False else ["raise num_steps, as its ELBO had not settled"]
    if c.options.get("guide") == "mean_field":
        advice.append("fit guide='full_rank'")
    funnel = hidden_funnel(c)
    return "".join(f", or {one}" for one in advice) + (f"; {funnel}" if funnel else "")


def heywood_warning(c: VerdictInput) -> str:
    """Which uniquenesses are improper, so that they are not taken for a result."""
    if not c.heywood:
        return ""
    places = [f"Psi[{','.join(map(str, place))}]" for place in c.heywood]
    return (
        f"; {join_names(places)} fell to almost nothing (a Heywood case): Z may be too large, or the rows too few; "
        "objective='map' keeps it proper"
    )


def convergence_warning(c: VerdictInput) -> str:
    """That nothing is known of convergence, where a point made elsewhere does not tell."""
    return "; whether it converged is not recorded" if c.converged is None else ""


def network_advice(elbo: float, held_out: float | None) -> str:
    """What may be trusted of networks, and how to evaluate them."""
    elbos = f"ELBO {elbo:.2f} nats per row on rows trained on"
    elbos += f", {held_out:.2f} on rows held out, which chose the weights" if held_out is not None else ""
    return (
        f"one estimate of the weights, without a spread; codes are those of the encoder and not of the posterior; "
        f"{elbos}: inference.held_out(fit, data) estimates how far that is below log p"
    )


def largest_excess(size: np.ndarray, noise: np.ndarray) -> tuple[int, float]:
    """The quantity whose size most exceeds its Monte Carlo noise, and by how much; given -noise, an upper bound.

    NaN where that of any quantity is.
    """
    excess = size - noise
    j = int(np.isnan(excess).argmax()) if np.isnan(excess).any() else index_of_largest(excess)
    return j, float(excess[j])


def index_of_largest(values: np.ndarray) -> int:
    """Index of the largest number; NaN counts as least."""
    return int(np.where(np.isnan(values), -np.inf, values).argmax())


def largest(values: np.ndarray) -> float:
    """The largest number, or NaN where all are NaN."""
    return float(values[index_of_largest(values)])
