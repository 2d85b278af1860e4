"""The sentences that explain a verdict and advise what to do."""

from __future__ import annotations

import numpy as np

from inference.evaluation.comparison.agreement import Agreement
from inference.evaluation.comparison.findings import Finding
from inference.evaluation.comparison.record import VerdictInput
from inference.summaries.difficulties import describe_funnel, join_names
from inference.summaries.statistics import FitStatistics

MIN_E_BFMI = 0.3  # Betancourt (2016)


def sound_chains(c: VerdictInput) -> str:
    """The numbers by which chains passed, and what was noticed beside."""
    s = c.statistics
    ess = np.nanmin([s.ess_bulk, s.ess_tail])
    numbers = f"R-hat {np.nanmax(s.r_hat):.3f}, ESS {ess:.0f}"
    notes = []
    if c.at_max_tree_depth:
        notes.append(f"{c.at_max_tree_depth} iterations reached max_tree_depth, which costs time alone")
    if c.e_bfmi < MIN_E_BFMI:
        notes.append(f"E-BFMI {c.e_bfmi:.2f} is below {MIN_E_BFMI}, as of heavy tails that chains explore slowly")
    more = "".join(f"; {note}" for note in notes)
    if s.divergences is None:
        return f"its chains pass every check but one ({numbers}; divergences not recorded){more}"
    count = f"{s.divergences} of {s.lp.size} draws diverged" if s.divergences else "no divergences"
    return f"its chains pass every check ({numbers}, {count}){more}"


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


def fault(c: VerdictInput, found: Finding, reference: str) -> str:
    """In what a guide surely differs from the reference, and what to use instead."""
    a, j, quantity = found.agreement, found.j, found.quantity
    if found.is_joint:
        what = f"its margins agree with {reference}, and {quantity} does not: {distance_text(found)}"
        return f"{what}; use single means, take joint statements from {reference}{guide_advice(c)}"
    if found.distance == "mean":
        side = "above" if a.shift[j] > 0 else "below"
        return f"it puts {quantity} {abs(a.shift[j]):.1f} sd {side} {reference}: use {reference}{guide_advice(c)}"
    if found.distance == "shape":
        shape = f"mean and spread of {quantity} are right and its shape is not: take intervals from {reference}"
        return shape + guide_advice(c)
    ratio = a.sd_ratio[j]
    if found.distance == "coverage" and abs(1 - ratio) < 0.1:
        error = f"its 90% interval of {quantity} holds {a.coverage[j]:.0%} of the draws of {reference}"
    else:
        error = f"it {'understates' if ratio < 1 else 'overstates'} the spread of {quantity} by {abs(1 - ratio):.0%}"
        error += f" against {reference}"
    return f"{error}: use its means, take intervals from {reference}{guide_advice(c)}"


def distance_text(found: Finding) -> str:
    """A distance as a number."""
    a, j = found.agreement, found.j
    return {
        "mean": f"its mean is off by {abs(a.shift[j]):.2f} sd",
        "coverage": f"its 90% interval holds {a.coverage[j]:.0%}",
        "spread": f"its spread is {a.sd_ratio[j]:.2f} times that",
        "shape": f"its shape is {a.wasserstein[j]:.2f} sd away",
        "unknown": "it has no value",
    }[found.distance]


def doubt(c: VerdictInput, found: Finding) -> str:
    """What its own draws, reweighted, show of a guide, or are too few to exclude."""
    source = f"{k_hat(c.statistics)}, but by its own draws, reweighted, of {found.quantity}"
    if not found.is_sure:
        few = f"not enough draws to say: {source} {limit_text(found)}"
        return f"{few}: raise num_draws, or {run_chains(c)}{guide_advice(c)}"
    use = f"{run_chains(c)} to see" if found.is_wrong_mean else f"use its means, {run_chains(c)} for intervals"
    return f"{source} {distance_text(found)}: {use}{guide_advice(c)}"


def limit_text(found: Finding) -> str:
    """What a few draws leave possible."""
    a, j = found.agreement, found.j
    if found.distance == "coverage":
        return f"the 90% interval may hold as few as {max(a.coverage[j] - 2.33 * a.se_coverage[j], 0):.0%}"
    return f"the mean may be off by {abs(a.shift[j]) + 2.33 * a.se_shift[j]:.1f} sd"


def too_few_draws(c: VerdictInput, found: Finding, reference: str) -> str:
    """That Monte Carlo error is too large to tell, and which side needs draws."""
    s = c.statistics
    option = f"num_samples of {reference}"
    if np.nanmin(s.ess_bulk) < 1000:
        option = f"num_draws of {c.name}, or {option}"
    return f"not enough draws to say: against {reference}, of {found.quantity} {limit_text(found)}: raise {option}"


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


def index_of_largest(values: np.ndarray) -> int:
    """Index of the largest number; NaN counts as least."""
    return int(np.where(np.isnan(values), -np.inf, values).argmax())


def largest(values: np.ndarray) -> float:
    """The largest number, or NaN where all are NaN."""
    return float(values[index_of_largest(values)])
