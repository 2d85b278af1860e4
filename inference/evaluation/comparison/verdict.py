"""The rules: which published threshold each fit meets, and what that means for a person who wants to use it.

Chains are held to R-hat, effective sample size and divergences. A guide is held to sound chains where there are any.
Alone it must pass k-hat, which is taken from its own draws and so cannot see what it never visits (at some thousand
draws a guide half as wide as it should be may pass); it must lie near the posterior by the gap of its ELBO; and its
own draws, reweighted, must show that its means and spreads are right, doubt counting against it. Chains that failed
their checks vouch for nothing, but a guide that differs from them is not trusted either until they are mended. A
point claims no spread; one that is no maximum is told so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.engines.svi.diagnostics import AmortisedDiagnostics
from inference.evaluation.comparison import explanation as words
from inference.evaluation.comparison.agreement import Agreement, divergence, self_agreement
from inference.summaries.statistics import FitStatistics

R_HAT, ESS, CHAINS = 1.01, 400, 2
MEANS = 0.5  # sds: a 95% interval shifted by this much still holds 92% of a normal posterior
SPREAD = 1.25  # factor: a 95% interval this much too narrow holds 88% of it
SHAPE = 0.5  # sds of Wasserstein distance
NEAR = 1.0  # nats of KL divergence from the posterior
EPOCHS = 10  # before which nobody can tell whether the ELBO of batches still rises
LOWER = 1.0  # nats by which a point of highest likelihood may stand below another point

CHAIN_RULE = (
    f"R-hat at most {R_HAT}, bulk and tail ESS at least {ESS}, {CHAINS} chains or more (Vehtari et al. 2021), "
    "no divergences (Betancourt 2017)"
)
GUIDE_RULE = (
    "Pareto k-hat below min(1 - 1/log10(draws), 0.7), discrete sites summed out (Vehtari et al. 2024); against chains, "
    f"means within {MEANS} sd, sds within a factor of {SPREAD} and Wasserstein distance within {SHAPE} sd, Monte Carlo "
    "error allowed for; without sound chains, means and sds surely so against its own draws "
    f"reweighted, and its ELBO within {NEAR:g} nat of the importance-weighted bound (Burda et al. 2016)"
)
NETWORK_RULE = (
    "the ELBO is a number and has stopped rising, by the rows held out where there are any, else by the rows trained "
    f"on, over {EPOCHS} epochs or more"
)
POINT_RULE = f"converged, and its likelihood no more than {LOWER:g} nat below that of any other fit's estimate"


@dataclass(frozen=True)
class Verdict:
    """trust: "yes", "means only", "no" or "point" (an estimate without spread); words to act on; the rule behind."""

    trust: str
    words: str
    rule: str


@dataclass(frozen=True)
class Candidate:
    """A fit before the judge: its name in the comparison, its options, whether it converged, and its numbers.

    heywood: columns of a factor model without noise of their own.
    """

    name: str
    options: Mapping[str, Any]
    converged: bool
    evidence: FitStatistics
    heywood: Sequence[Any] = ()


def alone(c: Candidate, others: Mapping[str, FitStatistics]) -> Verdict:
    """The verdict on a fit by its own checks; of the others only the objective is looked at."""
    match c.evidence.kind:
        case "chains":
            return chains(c)
        case "guide":
            return guide(c, others)
    return point(c, others)


def chains(c: Candidate) -> Verdict:
    """Chains pass every check of CHAIN_RULE, or each failure is said; too few draws of the tails leave the means."""
    e = c.evidence
    if not np.isfinite(e.values).all():
        return Verdict("no", "some draws are not finite numbers: try another seed or dtype='float64'", CHAIN_RULE)
    faults = []
    if len(e.values) < CHAINS:
        faults.append("one chain cannot be held against another: set num_chains=4")
    still = np.flatnonzero(e.sd == 0)
    if still.size:
        faults.append(f"{e.quantities[still[0]]} never moved: raise num_warmup or try another seed")
    if e.divergences:
        faults.append(words.diverged(e))
    if (e.r_hat > R_HAT).any():
        faults.append(words.unmixed(e, R_HAT))
    if (e.ess_bulk < ESS).any():
        faults.append(words.few(c, e.ess_bulk, ESS, "bulk"))
    if faults:
        return Verdict("no", "; ".join(faults), CHAIN_RULE)
    if (e.ess_tail < ESS).any():
        return Verdict("means only", words.few(c, e.ess_tail, ESS, "tail"), CHAIN_RULE)
    return Verdict("yes", words.sound(e), CHAIN_RULE)


def guide(c: Candidate, others: Mapping[str, FitStatistics]) -> Verdict:
    """A guide is held to k-hat, and where that is good to the gap of its ELBO and its own draws reweighted."""
    e = c.evidence
    if not np.isfinite(e.values).all():
        return Verdict("no", "some draws are not finite numbers: lower learning_rate", GUIDE_RULE)
    if not e.k_hat < e.k_limit:
        alone = f"{words.k_hat(e)}, and no sound chains are there to vouch for it: run nuts"
        return Verdict("no", alone + words.richer(c), GUIDE_RULE)
    gap = divergence(e, others.values())
    if not gap <= NEAR:
        far = f"{words.k_hat(e)}, but it is {gap:.2f} nats or more (KL) from the posterior: run nuts to see what is off"
        return Verdict("no", far + words.richer(c), GUIDE_RULE)
    a = self_agreement(e)
    j, most = words.worst(np.abs(a.delta), -a.noise_delta)
    if not most <= MEANS:
        return Verdict("no", words.doubtful_mean(c, j, most), GUIDE_RULE)
    j, most = words.worst(a.log_ratio, -a.noise_log_ratio)
    if not most <= np.log(SPREAD):
        return Verdict("means only", words.doubtful_spread(c, j, np.exp(most)), GUIDE_RULE)
    return Verdict("yes", f"{words.k_hat(e)}, and {words.close(a, 'its own draws reweighted')}", GUIDE_RULE)


def point(c: Candidate, others: Mapping[str, FitStatistics]) -> Verdict:
    """A point has no spread to check, but a maximum of the likelihood must not stand below another fit's estimate."""
    e = c.evidence
    if not np.isfinite(e.values).all():
        return Verdict("no", "the estimate is not a finite number: try another seed", POINT_RULE)
    if not c.converged:
        more = "num_steps" if "num_steps" in c.options else "max_iter"
        return Verdict("no", f"it stopped before it converged: raise {more}", POINT_RULE)
    best = max(others, key=lambda name: np.nan_to_num(others[name].log_likelihood, nan=-np.inf))
    gap = others[best].log_likelihood - e.log_likelihood
    if c.options.get("objective") == "ml" and gap > LOWER:
        return Verdict(
            "no",
            f"a lower maximum: its log-likelihood is {gap:.1f} nats below that of {best}; raise restarts",
            POINT_RULE,
        )
    return Verdict("point", f"one estimate, which says nothing of spread{words.heywood(c)}", POINT_RULE)


def amortised(said: AmortisedDiagnostics) -> Verdict:
    """The verdict on networks trained with an encoder, by what their training says of itself."""
    elbo, held = said.elbo_nats_per_row, said.held_out_elbo_nats_per_row
    if not np.isfinite(elbo) or said.broken:
        return Verdict("no", "its ELBO is not a number in the end: lower learning_rate, or set clip_norm", NETWORK_RULE)
    rising = not said.converged
    if held is not None:
        rising = said.best_step == said.epochs["step"][-1]
    elif said.epochs["epoch"][-1] < EPOCHS:
        few = f"{said.epochs['epoch'][-1]:.0f} epochs are too few to see whether the ELBO has stopped rising"
        return Verdict("no", f"{few}: raise num_epochs", NETWORK_RULE)
    if rising:
        where = "of the rows held out " if held is not None else ""
        return Verdict("no", f"the ELBO {where}was still rising when training ended: raise num_epochs", NETWORK_RULE)
    return Verdict("point", words.networks(elbo, held), NETWORK_RULE)


def against(c: Candidate, own: Verdict, a: Agreement, reference: str) -> Verdict:
    """The verdict on a fit with a sound reference beside it."""
    e = c.evidence
    if not np.isfinite(e.values).all():
        return own
    if e.kind == "point":
        return Verdict(own.trust, f"{own.words}; {words.distance(e, a, reference)}", own.rule)
    if e.kind == "chains":
        return Verdict(own.trust, f"{own.words}; {words.close(a, reference)}", own.rule)
    fault = disagreement(c, a, reference)
    if fault:
        return fault
    if not e.k_hat < e.k_limit:
        joint = f"{words.close(a, reference)}, but {words.k_hat(e)}: take joint statements from {reference}"
        return Verdict("means only", joint + words.richer(c), GUIDE_RULE)
    return Verdict("yes", f"{words.close(a, reference)} (k-hat {e.k_hat:.2f})", GUIDE_RULE)


def unsettled(c: Candidate, own: Verdict, a: Agreement, reference: str) -> Verdict:
    """The verdict on a fit beside chains that failed their own checks: a guide must not differ from them."""
    if c.evidence.kind != "guide" or own.trust != "yes":
        return own
    fault = disagreement(c, a, reference)
    if fault is None:
        return Verdict("yes", f"{own.words}; it differs from {reference} by Monte Carlo error at most", own.rule)
    differ = words.difference(c.evidence, a, reference)
    return Verdict("no", f"{words.k_hat(c.evidence)}, but {differ}: mend {reference} to settle it", GUIDE_RULE)


def disagreement(c: Candidate, a: Agreement, reference: str) -> Verdict | None:
    """What a guide gets wrong beyond Monte Carlo error: its means, else its spreads, else its shapes; or None."""
    e = c.evidence
    j, excess = words.worst(np.abs(a.delta), a.noise_delta)
    if excess > MEANS:
        return Verdict("no", words.shifted(c, a, j, reference), GUIDE_RULE)
    j, excess = words.worst(a.log_ratio, a.noise_log_ratio)
    if excess > np.log(SPREAD):
        return Verdict("means only", words.spread(c, a, j, reference), GUIDE_RULE)
    j, excess = words.worst(a.wasserstein, a.noise_wasserstein)
    if excess > SHAPE:
        shape = f"mean and spread of {e.quantities[j]} are right and its shape is not: take intervals from {reference}"
        return Verdict("means only", shape + words.richer(c), GUIDE_RULE)
    return None


def rivals(c: Candidate, a: Agreement, reference: str) -> str | None:
    """What two fits that both pass their own checks disagree on, or None where they agree."""
    j, excess = words.worst(np.abs(a.delta), a.noise_delta)
    if not excess > MEANS:
        return None
    where = f"{c.evidence.quantities[j]} by {abs(a.delta[j]):.1f} sd"
    return (
        f"{reference} and {c.name} both pass their own checks and yet differ in {where}: run more chains, other seeds"
    )


def overall(best: str, verdicts: Mapping[str, Verdict]) -> str:
    """One sentence that names the fit to use, and one on the others."""
    use, rest = verdicts[best], {n: v for n, v in verdicts.items() if n != best}
    said = {
        "yes": "{} may be used as well",
        "means only": "of {} the means only",
        "no": "do not use {}",
        "point": "no spread comes with {}",
    }
    groups = {trust: [n for n, v in rest.items() if v.trust == trust] for trust in said}
    others = "; ".join(said[trust].format(words.listed(names)) for trust, names in groups.items() if names)
    opening = {
        "yes": f"Use {best}",
        "means only": f"Use the means of {best}",
        "no": f"Trust none of these yet; the nearest is {best}",
        "point": f"Use {best} as an estimate alone: no fit here has a spread to trust",
    }[use.trust]
    return f"{opening}: {use.words}. Of the others: {others}."
