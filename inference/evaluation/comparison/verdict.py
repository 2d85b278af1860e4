"""The verdict on a fit by its own checks: published thresholds, and what they mean for the use of a fit.

Chains are checked by R-hat, effective sample size and divergences, of the log joint density and of the latents of rows
too. A guide must pass k-hat, which is computed from its own draws and so does not show regions that the guide never
visits (at some thousand draws a guide half as wide as the posterior may pass); its ELBO must be near the
importance-weighted bound; and its reweighted draws must confirm its means and intervals, those of combinations too. In
a centred hierarchy the guide hides a funnel: its intervals are not trusted. A point has no spread; one that is not a
maximum is not trusted. Where the draws are too few to tell, the verdict is "unclear".

Draws of a guide resampled by importance weights (``inference.reweight``) are judged by the k-hat of these weights and
by how many independent draws they are worth: a wrong spread, mean or correlation of the guide is mended there, and is
no fault of theirs.

``references`` has the rules for a fit that is compared with others.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.svi.diagnostics import AmortisedDiagnostics
from inference.evaluation.comparison import explanation
from inference.evaluation.comparison.agreement import divergence, is_constant, missing_mass, self_agreement
from inference.evaluation.comparison.findings import (
    MAX_MEAN_SHIFT,
    MAX_SPREAD_FACTOR,
    MAX_WASSERSTEIN,
    MIN_COVERAGE,
    first_finding,
)
from inference.evaluation.comparison.record import Verdict, VerdictInput
from inference.summaries.statistics import FitStatistics

MAX_R_HAT, MIN_ESS, MIN_CHAINS = 1.01, 400, 2
CERTAIN_R_HAT = 1.1  # chains surely differ; below, more draws may show that they do not (Gelman and Rubin 1992)
MAX_DIVERGENCES = 1e-3  # of the draws: a few occur where nothing is cut off
MIN_WEIGHTED_ESS = 200  # of resampled draws: with fewer, wrong ones pass (benchmarks/verdicts.py)
MAX_KL = 1.0  # nats from the posterior, in any number of dimensions
KL_PER_SD = 0.25  # nats, of one or two quantities, up to which the log joint density is right by half its sd
MIN_OTHER_MASS = 0.05  # of a mode that a guide does not visit
MIN_EPOCHS = 10  # with fewer, a rising ELBO cannot be told from the noise of batches
MAX_LIKELIHOOD_GAP = 1.0  # nats by which a maximum of the likelihood may be below another fit's estimate

CHAIN_RULE = (
    f"R-hat at most {MAX_R_HAT}, bulk and tail ESS at least {MIN_ESS}, {MIN_CHAINS} chains or more "
    f"(Vehtari et al. 2021), divergences in at most {MAX_DIVERGENCES:.1%} of the draws (Betancourt 2017)"
)
GUIDE_RULE = (
    "Pareto k-hat below min(1 - 1/log10(draws), 0.7), discrete sites summed out (Vehtari et al. 2024); against sound "
    f"chains, or without them against its own draws reweighted, means within {MAX_MEAN_SHIFT} sd, 90% intervals that "
    f"hold {MIN_COVERAGE:.0%} or more, sds within a factor of {MAX_SPREAD_FACTOR} and Wasserstein distance within "
    f"{MAX_WASSERSTEIN} sd, of combinations of quantities too; without chains, its ELBO within {KL_PER_SD:g} nat "
    "(times the root of half the number of quantities) of the importance-weighted bound (Burda et al. 2016), no other "
    f"mode with {MIN_OTHER_MASS:.0%} of the mass, and no latent whose scale is another latent (Betancourt and Girolami "
    "2015)"
)
REWEIGHTED_RULE = (
    "Pareto k-hat of the weights below min(1 - 1/log10(draws), 0.7), discrete sites summed out (Vehtari et al. 2024); "
    f"bulk and tail effective number of draws at least {MIN_WEIGHTED_ESS}; against sound chains as a guide; no other "
    f"mode with {MIN_OTHER_MASS:.0%} of the mass, and no latent whose scale is another latent (Betancourt and Girolami "
    "2015)"
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
        case "guide" if c.statistics.source is not None:
            return reweighted_verdict(c, others)
        case "guide":
            return guide_verdict(c, others)
    return point_verdict(c, others)


def chains_verdict(c: VerdictInput) -> Verdict:
    """Chains pass every check of CHAIN_RULE, or each failure is named; of a low tail ESS the means are trusted."""
    s = c.statistics
    if not np.isfinite(s.values).all():
        return Verdict("no", "some draws are not finite numbers: try another seed or dtype='float64'", CHAIN_RULE)
    failures, warnings = [], []
    if len(s.values) < MIN_CHAINS:
        warnings.append("one chain cannot be compared with another: set num_chains=4")
    constant = is_constant(s.flat)
    if constant.any():
        failures.append(f"{s.quantities[int(constant.argmax())]} never moved: raise num_warmup or try another seed")
    if s.divergences and s.divergences > MAX_DIVERGENCES * s.lp.size:
        failures.append(explanation.divergences(c))
    r_hat = s.r_hat if len(s.values) >= MIN_CHAINS else np.ones_like(s.r_hat)  # one chain has none
    is_unknown = np.isnan(r_hat + s.ess_bulk + s.ess_tail) & ~constant
    if is_unknown.any():
        failures.append(explanation.unknown_statistics(s, int(is_unknown.argmax())))
    are_apart = bool((s.r_hat > CERTAIN_R_HAT).any())
    if (s.r_hat > MAX_R_HAT).any():
        (failures if are_apart else warnings).append(explanation.high_r_hat(s, MAX_R_HAT))
    if (s.ess_bulk < MIN_ESS).any() and not are_apart:  # of chains apart it is low however many draws there are
        warnings.append(explanation.low_ess(c, s.ess_bulk, MIN_ESS, "bulk"))
    for name, (one_r_hat, ess) in s.beside.items() if len(s.values) >= MIN_CHAINS and not are_apart else ():
        if not one_r_hat <= CERTAIN_R_HAT:
            failures.append(f"R-hat of {name} is {one_r_hat:.3f}, above {MAX_R_HAT}: raise num_warmup and num_samples")
        elif not (one_r_hat <= MAX_R_HAT and ess >= MIN_ESS):
            warnings.append(f"{name} has R-hat {one_r_hat:.3f} and ESS {ess:.0f}: raise num_samples")
    if failures:
        return Verdict("no", "; ".join(failures + warnings), CHAIN_RULE)
    if warnings:
        return Verdict("unclear", f"not enough draws to say: {'; '.join(warnings)}", CHAIN_RULE, is_shown=False)
    if (s.ess_tail < MIN_ESS).any():
        return Verdict("means only", explanation.low_ess(c, s.ess_tail, MIN_ESS, "tail"), CHAIN_RULE)
    return Verdict("yes", explanation.sound_chains(c), CHAIN_RULE)


def guide_verdict(c: VerdictInput, others: Mapping[str, FitStatistics]) -> Verdict:
    """A guide must pass k-hat, the gap of its ELBO, and the comparison with its own reweighted draws."""
    s = c.statistics
    if not np.isfinite(s.values).all():
        return Verdict("no", "some draws are not finite numbers: lower learning_rate", GUIDE_RULE)
    k_hat, advice = explanation.k_hat(s), explanation.guide_advice(c)
    if c.other_modes >= MIN_OTHER_MASS:
        return Verdict("no", explanation.other_modes(c), GUIDE_RULE)
    gap = divergence(s, others.values())
    if np.isnan(s.k_hat) or not gap <= MAX_KL:
        what = k_hat if np.isnan(s.k_hat) else f"{k_hat}, and it is {gap:.2f} nats or more (KL) from the posterior"
        return Verdict("no", f"{what}: {explanation.run_chains(c)} to compare it with{advice}", GUIDE_RULE, False)
    found = first_finding(a := self_agreement(s))
    if found:
        trust = "no" if found.is_wrong_mean else "means only" if found.is_sure else "unclear"
        return Verdict(trust, explanation.doubt(c, found), GUIDE_RULE, is_shown=found.is_sure and s.k_hat < s.k_limit)
    if not s.k_hat < s.k_limit:
        unknown = f"{k_hat}, so that its own draws cannot confirm it, and there are no sound chains to compare it with"
        return Verdict("unclear", f"{unknown}: {explanation.run_chains(c)}{advice}", GUIDE_RULE, is_shown=False)
    if not gap <= min(KL_PER_SD * np.sqrt(max(len(s.quantities), 2) / 2), MAX_KL):
        apart = (
            f"{k_hat}, and margins are right by its own draws, reweighted, but it is {gap:.2f} nats (KL) or more from"
        )
        text = f"{apart} the posterior: use its means, {explanation.run_chains(c)} for joint statements{advice}"
        return Verdict("means only", text, GUIDE_RULE, is_shown=False)
    close = f"{k_hat}, and {explanation.closeness(a, 'its own draws reweighted')}"
    if funnel := explanation.hidden_funnel(c):  # its own draws do not enter it
        return Verdict("means only", f"{close}; {funnel}, or {explanation.run_chains(c)} for intervals", GUIDE_RULE)
    return Verdict("yes", close, GUIDE_RULE)


def reweighted_verdict(c: VerdictInput, others: Mapping[str, FitStatistics]) -> Verdict:
    """Resampled draws must have weights with a good k-hat, and be worth enough independent ones."""
    s = c.statistics
    if not np.isfinite(s.values).all():
        return Verdict("no", "some draws are not finite numbers: lower learning_rate", REWEIGHTED_RULE)
    if c.other_modes >= MIN_OTHER_MASS:
        return Verdict("no", explanation.other_modes(c), REWEIGHTED_RULE)
    if not s.k_hat < s.k_limit:
        text = f"{explanation.k_hat(s)}, so that its weights do not make the guide the posterior"
        remedy = f"{explanation.run_chains(c)}{explanation.guide_advice(c)}"
        return Verdict("no", f"{text}: {remedy}", REWEIGHTED_RULE, is_shown=False)
    if (share := missing_mass(s, others.values())) >= MIN_OTHER_MASS:
        lacks = f"another guide finds {share:.0%} more mass than its weights do"
        return Verdict("no", f"{lacks}: {explanation.run_chains(c)}", REWEIGHTED_RULE)
    if (explanation.weighted_sizes(s) < MIN_WEIGHTED_ESS).any():
        return Verdict("unclear", explanation.few_weights(c, MIN_WEIGHTED_ESS), REWEIGHTED_RULE, is_shown=False)
    sound = explanation.sound_weights(s)
    if funnel := explanation.hidden_funnel(c):  # no weight tells of what the guide never visits
        text = f"{sound}; {funnel}, or {explanation.run_chains(c)} for intervals"
        return Verdict("means only", text, REWEIGHTED_RULE)
    return Verdict("yes", sound, REWEIGHTED_RULE)


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
