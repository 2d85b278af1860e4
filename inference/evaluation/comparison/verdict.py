"""The rules of the verdicts: published thresholds, and what they mean for the use of a fit.

Chains are checked by R-hat, effective sample size and divergences. A guide is compared with sound chains where there
are any. On its own it must pass k-hat, which is computed from its own draws and so does not show regions that the guide
never visits (at some thousand draws a guide half as wide as the posterior may pass); its ELBO must be near the
importance-weighted bound; and its reweighted draws must confirm its means and spreads, with the Monte Carlo error
counted against the guide. In a centred hierarchy the guide hides a funnel: without chains its intervals are not
trusted. Chains that failed their checks confirm nothing, but a guide that differs from them is not
trusted either until the chains are improved. A point has no spread; one that is not a maximum is not trusted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.svi.diagnostics import AmortisedDiagnostics
from inference.evaluation.comparison import explanation
from inference.evaluation.comparison.agreement import Agreement, divergence, is_constant, self_agreement
from inference.evaluation.comparison.explanation import largest_excess
from inference.evaluation.comparison.record import Verdict, VerdictInput
from inference.summaries.statistics import FitStatistics

MAX_R_HAT, MIN_ESS, MIN_CHAINS = 1.01, 400, 2
MAX_MEAN_SHIFT = 0.5  # sds: a 95% interval shifted by this much still contains 92% of a normal posterior
MAX_SPREAD_FACTOR = 1.25  # a 95% interval too narrow by this factor contains 88% of it
MAX_WASSERSTEIN = 0.5  # sds
MAX_KL = 1.0  # nats from the posterior
MIN_EPOCHS = 10  # with fewer, a rising ELBO cannot be told from the noise of batches
MAX_LIKELIHOOD_GAP = 1.0  # nats by which a maximum of the likelihood may be below another fit's estimate

CHAIN_RULE = (
    f"R-hat at most {MAX_R_HAT}, bulk and tail ESS at least {MIN_ESS}, {MIN_CHAINS} chains or more "
    "(Vehtari et al. 2021), no divergences (Betancourt 2017)"
)
GUIDE_RULE = (
    "Pareto k-hat below min(1 - 1/log10(draws), 0.7), discrete sites summed out (Vehtari et al. 2024); against chains, "
    f"means within {MAX_MEAN_SHIFT} sd, sds within a factor of {MAX_SPREAD_FACTOR} and Wasserstein distance within "
    f"{MAX_WASSERSTEIN} sd, Monte Carlo error allowed for; without sound chains, means and sds surely so against its "
    f"own draws reweighted, its ELBO within {MAX_KL:g} nat of the importance-weighted bound (Burda et al. 2016), and "
    "no latent whose scale is another latent (Betancourt and Girolami 2015)"
)
NETWORK_RULE = (
    "the ELBO is a number and has stopped rising, by the rows held out where there are any, else by the rows trained "
    f"on, over {MIN_EPOCHS} epochs or more"
)
POINT_RULE = (
    f"converged, and its likelihood no more than {MAX_LIKELIHOOD_GAP:g} nat below that of any other fit's estimate"
)


def own_verdict(c: VerdictInput, others: Mapping[str, FitStatistics]) -> Verdict:
    """The verdict on a fit by its own checks; of the others only the objective is used."""
    match c.statistics.kind:
        case "chains":
            return chains_verdict(c)
        case "guide":
            return guide_verdict(c, others)
    return point_verdict(c, others)


def chains_verdict(c: VerdictInput) -> Verdict:
    """Chains pass every check of CHAIN_RULE, or each failure is named; of a low tail ESS the means are trusted."""
    s = c.statistics
    if not np.isfinite(s.values).all():
        return Verdict("no", "some draws are not finite numbers: try another seed or dtype='float64'", CHAIN_RULE)
    failures = []
    if len(s.values) < MIN_CHAINS:
        failures.append("one chain cannot be compared with another: set num_chains=4")
    constant = is_constant(s)
    if constant.any():
        failures.append(f"{s.quantities[int(constant.argmax())]} never moved: raise num_warmup or try another seed")
    if s.divergences:
        failures.append(explanation.divergences(c))
    is_unknown = np.isnan(s.r_hat + s.ess_bulk + s.ess_tail) & ~constant
    if is_unknown.any():
        failures.append(explanation.unknown_statistics(s, int(is_unknown.argmax())))
    if (s.r_hat > MAX_R_HAT).any():
        failures.append(explanation.high_r_hat(s, MAX_R_HAT))
    if (s.ess_bulk < MIN_ESS).any():
        failures.append(explanation.low_ess(c, s.ess_bulk, MIN_ESS, "bulk"))
    if failures:
        return Verdict("no", "; ".join(failures), CHAIN_RULE)
    if (s.ess_tail < MIN_ESS).any():
        return Verdict("means only", explanation.low_ess(c, s.ess_tail, MIN_ESS, "tail"), CHAIN_RULE)
    return Verdict("yes", explanation.sound_chains(s), CHAIN_RULE)


def guide_verdict(c: VerdictInput, others: Mapping[str, FitStatistics]) -> Verdict:
    """A guide must pass k-hat, the gap of its ELBO, and the comparison with its own reweighted draws."""
    s = c.statistics
    if not np.isfinite(s.values).all():
        return Verdict("no", "some draws are not finite numbers: lower learning_rate", GUIDE_RULE)
    k_hat, advice = explanation.k_hat(s), explanation.guide_advice(c)
    if not s.k_hat < s.k_limit:
        no_chains = f"{k_hat}, and there are no sound chains to compare it with: {explanation.run_chains(c)}{advice}"
        return Verdict("no", no_chains, GUIDE_RULE)
    gap = divergence(s, others.values())
    if not gap <= MAX_KL:
        far = (
            f"{k_hat}, but it is {gap:.2f} nats or more (KL) from the posterior: {explanation.run_chains(c)} to find "
            f"what is wrong{advice}"
        )
        return Verdict("no", far, GUIDE_RULE)
    a = self_agreement(s)
    j, most = largest_excess(np.abs(a.delta), -a.noise_delta)
    if not most <= MAX_MEAN_SHIFT:
        return Verdict("no", explanation.doubtful_mean(c, j, most), GUIDE_RULE)
    j, most = largest_excess(a.log_ratio, -a.noise_log_ratio)
    if not most <= np.log(MAX_SPREAD_FACTOR):
        return Verdict("means only", explanation.doubtful_spread(c, j, np.exp(most)), GUIDE_RULE)
    close = f"{k_hat}, and {explanation.closeness(a, 'its own draws reweighted')}"
    if funnel := explanation.hidden_funnel(c):  # its own draws do not enter it
        return Verdict("means only", f"{close}; {funnel}, or {explanation.run_chains(c)} for intervals", GUIDE_RULE)
    return Verdict("yes", close, GUIDE_RULE)


def point_verdict(c: VerdictInput, others: Mapping[str, FitStatistics]) -> Verdict:
    """A point has no spread to check, but a maximum of the likelihood must not be below another fit's estimate."""
    s = c.statistics
    if not np.isfinite(s.values).all():
        return Verdict("no", "the estimate is not a finite number: try another seed", POINT_RULE)
    if c.converged is False:
        option = "num_steps" if "num_steps" in c.options else "max_iter"
        return Verdict("no", f"it stopped before it converged: raise {option}", POINT_RULE)
    best = max(others, key=lambda name: np.nan_to_num(others[name].log_likelihood, nan=-np.inf))
    gap = others[best].log_likelihood - s.log_likelihood
    is_known = not np.isnan(others[best].log_likelihood)
    if np.isnan(s.log_likelihood) and is_known and c.options:  # a fit made elsewhere may have none
        return Verdict("no", f"its log-likelihood is not a number, and that of {best} is: try another seed", POINT_RULE)
    if c.options.get("objective") == "ml" and gap > MAX_LIKELIHOOD_GAP:
        lower = f"a lower maximum: its log-likelihood is {gap:.1f} nats below that of {best}; raise restarts"
        return Verdict("no", lower, POINT_RULE)
    warning = explanation.heywood_warning(c) + explanation.convergence_warning(c)
    return Verdict("point", f"one estimate, which says nothing of spread{warning}", POINT_RULE)


def amortised_verdict(training: AmortisedDiagnostics) -> Verdict:
    """The verdict on networks trained with an encoder, by the diagnostics of their training."""
    elbo, held_out = training.elbo_nats_per_row, training.held_out_elbo_nats_per_row
    if not np.isfinite(elbo) or training.broken or not np.isfinite(elbo if held_out is None else held_out):
        return Verdict(
            "no",
            "its ELBO is not a number in the end: lower learning_rate, or set clip_norm or skip_above",
            NETWORK_RULE,
        )
    is_rising = not training.converged
    if held_out is not None:
        is_rising = training.best_step == training.epochs["step"][-1]
    elif training.epochs["epoch"][-1] < MIN_EPOCHS:
        few = f"{training.epochs['epoch'][-1]:.0f} epochs are too few to see whether the ELBO has stopped rising"
        return Verdict("no", f"{few}: raise num_epochs", NETWORK_RULE)
    if is_rising:
        rows = "of the rows held out " if held_out is not None else ""
        return Verdict("no", f"the ELBO {rows}was still rising when training ended: raise num_epochs", NETWORK_RULE)
    return Verdict("point", explanation.network_advice(elbo, held_out), NETWORK_RULE)


def verdict_by_reference(c: VerdictInput, own: Verdict, a: Agreement, reference: str) -> Verdict:
    """The verdict on a fit compared with a sound reference."""
    s = c.statistics
    if not np.isfinite(s.values).all():
        return own
    if s.kind == "point":
        return Verdict(own.trust, f"{own.explanation}; {explanation.point_distance(s, a, reference)}", own.rule)
    closeness = explanation.closeness(a, reference)
    if s.kind == "chains":
        return Verdict(own.trust, f"{own.explanation}; {closeness}", own.rule)
    fault = guide_fault(c, a, reference)
    if fault:
        return fault
    if not s.k_hat < s.k_limit:
        joint = f"{closeness}, but {explanation.k_hat(s)}: take joint statements from {reference}"
        return Verdict("means only", joint + explanation.guide_advice(c), GUIDE_RULE)
    return Verdict("yes", f"{closeness} (k-hat {s.k_hat:.2f})", GUIDE_RULE)


def verdict_by_failed_reference(c: VerdictInput, own: Verdict, a: Agreement, reference: str) -> Verdict:
    """The verdict on a fit compared with chains that failed their checks: a guide must not differ from them."""
    if c.statistics.kind != "guide" or own.trust != "yes":
        return own
    if guide_fault(c, a, reference) is None:
        agreeing = f"{own.explanation}; it differs from {reference} by Monte Carlo error at most"
        return Verdict("yes", agreeing, own.rule)
    difference = explanation.largest_difference(c.statistics, a, reference)
    differing = f"{explanation.k_hat(c.statistics)}, but {difference}: improve {reference} to decide which is right"
    return Verdict("no", differing, GUIDE_RULE)


def guide_fault(c: VerdictInput, a: Agreement, reference: str) -> Verdict | None:
    """The verdict where a guide differs beyond Monte Carlo error in its means, else spreads, else shapes; or None.

    A quantity that cannot be compared counts as one that differs.
    """
    sizes = (a.delta, a.noise_delta), (a.log_ratio, a.noise_log_ratio), (a.wasserstein, a.noise_wasserstein)
    for size, noise in sizes:
        j, excess = largest_excess(np.abs(size), noise)
        if np.isnan(excess):
            name = c.statistics.quantities[j]
            unknown = f"{name} cannot be compared with {reference}, where too few draws differ"
            return Verdict("no", f"{unknown}: {explanation.run_chains(c)}", GUIDE_RULE)
    j, excess = largest_excess(np.abs(a.delta), a.noise_delta)
    if excess > MAX_MEAN_SHIFT:
        return Verdict("no", explanation.wrong_mean(c, a, j, reference), GUIDE_RULE)
    j, excess = largest_excess(a.log_ratio, a.noise_log_ratio)
    if excess > np.log(MAX_SPREAD_FACTOR):
        return Verdict("means only", explanation.wrong_spread(c, a, j, reference), GUIDE_RULE)
    j, excess = largest_excess(a.wasserstein, a.noise_wasserstein)
    if excess > MAX_WASSERSTEIN:
        name = c.statistics.quantities[j]
        shape = f"mean and spread of {name} are right and its shape is not: take intervals from {reference}"
        return Verdict("means only", shape + explanation.guide_advice(c), GUIDE_RULE)
    return None


def conflict(c: VerdictInput, a: Agreement, reference: str) -> str | None:
    """The explanation where two fits that both pass their own checks differ, or None where they agree."""
    j, excess = largest_excess(np.abs(a.delta), a.noise_delta)
    if excess <= MAX_MEAN_SHIFT:
        return None
    difference = f"{c.statistics.quantities[j]} by {abs(a.delta[j]):.1f} sd"
    return (
        f"{reference} and {c.name} both pass their own checks and yet differ in {difference}: "
        "run more chains, other seeds"
    )


def overall_verdict(best: str, verdicts: Mapping[str, Verdict]) -> str:
    """One sentence that names the fit to use, and one on the others."""
    use, rest = verdicts[best], {n: v for n, v in verdicts.items() if n != best}
    phrases = {
        "yes": "{} may be used as well",
        "means only": "of {} the means only",
        "no": "do not use {}",
        "point": "no spread comes with {}",
    }
    groups = {trust: [n for n, v in rest.items() if v.trust == trust] for trust in phrases}
    others = "; ".join(phrases[trust].format(explanation.join_names(names)) for trust, names in groups.items() if names)
    opening = {
        "yes": f"Use {best}",
        "means only": f"Use the means of {best}",
        "no": f"Trust none of these yet; the nearest is {best}",
        "point": f"Use {best} as an estimate alone: no fit here has a spread to trust",
    }[use.trust]
    return f"{opening}: {use.explanation}. Of the others: {others}."
