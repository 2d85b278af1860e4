"""The sentences that explain a verdict and advise what to do."""

from __future__ import annotations

import numpy as np

from inference.evaluation.comparison.agreement import Agreement
from inference.evaluation.comparison.findings import Z_PASS, Finding
from inference.evaluation.comparison.record import VerdictInput
from inference.summaries.difficulties import describe_funnel, join_names
from inference.summaries.statistics import FitStatistics

MIN_E_BFMI = 0.3  # Betancourt (2016)
MANY_DRAWS = 4000  # of a guide, which cost little
MODE_GAP = 5.0  # nats between the log joints of chains apart: further below, a chain is stuck where there is no mass


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
    """The highest R-hat, and the two groups in which the chains sit, where they do not overlap."""
    j = index_of_largest(s.r_hat)
    sentence = f"R-hat of {s.quantities[j]} is {s.r_hat[j]:.3f}, above {limit}"
    is_apart = chains_apart(s.values[..., j])
    if is_apart is None:
        return sentence + ": raise num_warmup and num_samples"
    apart, others = np.flatnonzero(is_apart), np.flatnonzero(~is_apart)
    where, elsewhere = (s.values[group][..., j].mean() for group in (apart, others))
    name = f"chain {apart[0]} sits" if len(apart) == 1 else f"chains {join_names([str(c) for c in apart])} sit"
    rest = "the others" if len(others) > 1 else "the other"
    sentence += f": {name} at {where:.3g}, {rest} at {elsewhere:.3g}"
    gap = s.lp[apart].mean() - s.lp[others].mean()
    if not np.isfinite(gap):
        return f"{sentence}; run more chains, or another seed"
    sentence += f", {'its' if len(apart) == 1 else 'their'} log joint {abs(gap):.1f} nats"
    sentence += " lower" if gap < 0 else " higher"
    if abs(gap) > MODE_GAP:
        return f"{sentence}; run more chains, or another seed"
    return f"{sentence}; both may be modes with mass: report each, or choose one by a prior"


def chains_apart(values: np.ndarray) -> np.ndarray | None:
    """Which chains of one quantity, (chain, draw), sit apart from the others, the fewer ones; None where all overlap.

    The chains are divided at the largest gap of their means, which must be 3 sds of the draws of a chain.
    """
    means, within = values.mean(1), values.std(1).mean()
    if len(means) < 2:
        return None
    ordered = np.sort(means)
    gaps = np.diff(ordered)
    if not gaps.max() >= 3 * within:
        return None
    is_low = means <= ordered[gaps.argmax()]
    return is_low if 2 * is_low.sum() <= len(means) else ~is_low


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


def sound_weights(s: FitStatistics) -> str:
    """The numbers by which resampled draws passed."""
    size = weighted_sizes(s).min(initial=len(s.flat))
    return f"{k_hat(s)}, and its {len(s.flat)} draws, resampled by their weights, are worth {size:.0f} or more"


def weighted_sizes(s: FitStatistics) -> np.ndarray:
    """How many independent draws resampled ones are worth, by quantity: of a constant the number of distinct ones."""
    assert s.source is not None  # as of every reweighted fit
    sizes = np.minimum(s.ess_bulk, s.ess_tail)
    return np.where(np.isnan(sizes), len(np.unique(s.source)), sizes)


def few_weights(c: VerdictInput, limit: int) -> str:
    """The quantity for which resampled draws are worth least, and how to get more."""
    s = c.statistics
    sizes = weighted_sizes(s)
    j = index_of_largest(-sizes)
    few = f"its {len(s.flat)} draws, resampled by their weights, are worth {sizes[j]:.0f} of {s.quantities[j]}"
    return f"not enough draws to say: {few}, below {limit}: raise num_draws, or {run_chains(c)}{guide_advice(c)}"


def with_reweighting(explanation: str) -> str:
    """The explanation of a verdict on a guide whose resampled draws pass."""
    return f"{explanation}; reweighted by inference.reweight(fit), it may be used"


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
        what = f"its margins agree with {reference}, and joint quantities do not: {distance_text(found)}"
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
    a, j, quantity = found.agreement, found.j, found.quantity
    return {
        "mean": f"the mean of {quantity} is off by {abs(a.shift[j]):.2f} sd",
        "coverage": f"its 90% interval of {quantity} holds {a.coverage[j]:.0%}",
        "spread": f"its spread of {quantity} is {a.sd_ratio[j]:.2f} times the right one",
        "shape": f"the shape of {quantity} is {a.wasserstein[j]:.2f} sd away",
        "unknown": f"{quantity} has no value",
    }[found.distance]


def doubt(c: VerdictInput, found: Finding) -> str:
    """What its own draws, reweighted, show of a guide, or are too few to exclude."""
    source = f"{k_hat(c.statistics)}, but by its own draws, reweighted,"
    if not found.is_sure:
        few = f"not enough draws to say: {source} {limit_text(found)}"
        return f"{few}: raise num_draws, or {run_chains(c)}{guide_advice(c)}"
    use = f"{run_chains(c)} to see" if found.is_wrong_mean else f"use its means, {run_chains(c)} for intervals"
    return f"{source} {distance_text(found)}: {use}{guide_advice(c)}"


def limit_text(found: Finding) -> str:
    """What a few draws leave possible."""
    a, j = found.agreement, found.j
    if found.distance == "coverage":
        least = max(a.coverage[j] - Z_PASS * a.se_coverage[j], 0)
        return f"the 90% interval of {found.quantity} may hold as few as {least:.0%}"
    return f"the mean of {found.quantity} may be off by {abs(a.shift[j]) + Z_PASS * a.se_shift[j]:.1f} sd"


def too_few_draws(c: VerdictInput, found: Finding, reference: str) -> str:
    """That Monte Carlo error is too large to tell, and which side needs draws."""
    s = c.statistics
    option = f"num_samples of {reference}"
    if np.nanmin(s.ess_bulk) <= MANY_DRAWS:
        option = f"num_draws of {c.name}, or {option}"
    return f"not enough draws to say: against {reference}, {limit_text(found)}: raise {option}"


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


def other_modes(c: VerdictInput) -> str:
    """That a guide is about one of several modes, and what to report."""
    return (
        f"it is about one mode, and others hold some {c.other_modes:.0%} of the mass: {run_chains(c)} to see them, and "
        "report each (start= begins a fit in it), or choose one by a prior"
    )


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
