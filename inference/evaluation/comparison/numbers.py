"""The numbers of a report as text: each with its Monte Carlo error, and a sentence that says what it is."""

from __future__ import annotations

import math

import numpy as np

from inference.evaluation.comparison.errors import QuantityErrors, monte_carlo_errors
from inference.evaluation.comparison.explanation import index_of_largest
from inference.evaluation.comparison.record import ComparisonRecord
from inference.evaluation.comparison.table import format_number, short_table, table_by_fit, table_by_quantity
from inference.plots.numbers import to_digits, two_digits, with_error
from inference.summaries.statistics import FitStatistics, k_hat_error

ESTIMATE_DIGITS = 20  # an estimate without an error is printed to a twentieth of the posterior sd

MEANINGS = {  # a sentence for each row of the short table
    "engine": "What made the fit.",
    "backend": "The library of its program.",
    "seconds": "The time of this one run, with compiling, on this machine; two digits, and no error is known.",
    "means off by": "How far the mean of a quantity is from that of the reference, in standard deviations of the "
    "reference: the largest over all quantities.",
    "sd ratio": "The standard deviation of a quantity over that of the reference: the smallest and the largest. "
    "Below 1 intervals are too narrow, above 1 too wide.",
    "Wasserstein": "The mean distance between the sorted draws of a quantity and those of the reference, in standard "
    "deviations of the reference: the largest. It shows wrong shapes too. It is never 0: of two faithful fits it is "
    "about as large as its error.",
    "90% holds": "The part of the draws of the reference in the 90% interval of the fit: the smallest over all "
    "quantities. A narrow spread and a shift add up in it.",
    "R-hat": "The spread of all chains together over that within each: the largest. Chains that agree have 1, give or "
    "take the error.",
    "ESS": "The number of independent draws with the same information on the bulk and on the tails of the worst "
    "quantity; of chains an estimate, to two digits, of a guide the number of its draws, less if they were "
    "resampled by weights.",
    "divergent": "The number of transitions that left the path of the dynamics: a count.",
    "k-hat": "The shape of the tail of the importance weights. From about 0.7 on the posterior has regions that the "
    "guide hardly visits.",
    "ELBO": "The evidence lower bound in nats: the higher, the nearer is the guide to the posterior.",
    "KL at least": "A lower bound on the Kullback-Leibler divergence of the guide from the posterior, in nats.",
    "log lik.": "The log-likelihood at the estimate, or at the mean of the draws, in nats, discrete latents summed "
    "out. At an estimate it has no Monte Carlo error; at a mean of draws it moves with that mean, by an amount that "
    "is not estimated.",
    "trust": "The verdict.",
}
QUANTITY_MEANINGS = {
    "mean": "The posterior mean, or the estimate.",
    "sd": "The posterior standard deviation.",
    "off by": "The mean less that of the reference, in standard deviations of the reference.",
    "sd ratio": "The standard deviation over that of the reference.",
    "Wasserstein": "The mean distance between sorted draws of both, in standard deviations of the reference; its error "
    "is about that of the distance of the means.",
    "R-hat": "The spread of all chains together over that within each.",
    "ESS": "The number of independent draws with the same information on the bulk, to two digits for chains.",
}


def agreement_rows(c: ComparisonRecord) -> list[list[str]]:
    """Heading and cells of each row of the short table, with errors."""
    names, rows = short_table(c)
    errors, by_fit = monte_carlo_errors(c), table_by_fit(c)
    cells = {
        name: {
            "seconds": two_digits(c.fits[name].seconds),
            **(distance_cells(c, name, errors[name]) if name != c.reference else {}),
            **(chain_cells(c.statistics[name]) if c.statistics[name].kind == "chains" else {}),
            **(weight_cells(c, name, float(by_fit.loc[name, "kl"])) if c.statistics[name].kind == "guide" else {}),
        }
        for name in names
    }
    return [
        [heading, *(cells[name].get(heading, cell) if cell else "" for name, cell in zip(names, texts, strict=True))]
        for heading, *texts in rows
    ]


def distance_cells(c: ComparisonRecord, name: str, e: QuantityErrors) -> dict[str, str]:
    """The largest distances of a fit from the reference."""
    a = c.agreements[name]
    mean, farthest = index_of_largest(np.abs(a.delta)), index_of_largest(a.wasserstein)
    low, high = index_of_largest(-a.sd_ratio), index_of_largest(a.sd_ratio)
    least = index_of_largest(-a.coverage)
    return {
        "means off by": f"{with_error(abs(a.delta[mean]), e.delta[mean])} sd",
        "sd ratio": " to ".join(with_error(a.sd_ratio[j], e.sd_ratio[j]) for j in (low, high)),
        "Wasserstein": f"{with_error(a.wasserstein[farthest], e.delta[farthest])} sd",
        "90% holds": f"{with_error(100 * a.coverage[least], 100 * a.se_coverage[least])}%",
    }


def chain_cells(s: FitStatistics) -> dict[str, str]:
    """The worst R-hat and effective sample size of chains."""
    worst = index_of_largest(s.r_hat)
    ess = np.minimum(s.ess_bulk, s.ess_tail)
    return {
        "R-hat": with_error(s.r_hat[worst], r_hat_error(len(s.values), s.ess_bulk[worst])),
        "ESS": two_digits(ess[index_of_largest(-ess)]),
    }


def weight_cells(c: ComparisonRecord, name: str, kl: float) -> dict[str, str]:
    """What follows from the importance weights of a guide."""
    s, log_weight = c.statistics[name], c.fits[name].stats.get("log_weight", np.full(1, np.nan))
    with np.errstate(invalid="ignore"):
        elbo_se = float(log_weight.std() / np.sqrt(log_weight.size))
    return {
        "k-hat": with_error(s.k_hat, k_hat_error(s.k_hat, s.num_weights)),
        "ELBO": with_error(s.elbo, elbo_se),
        "KL at least": with_error(kl, math.hypot(elbo_se, s.bound_se)),
    }


def quantity_rows(c: ComparisonRecord) -> list[list[str]]:
    """Quantity, fit and the columns of ``QUANTITY_MEANINGS`` for each quantity and fit; columns may be empty."""
    chains = {name: len(s.values) for name, s in c.statistics.items() if s.kind == "chains"}
    sd = dict(zip(c.statistics[c.reference].quantities, c.statistics[c.reference].sd, strict=True))
    rows, last = [], ""
    for r in table_by_quantity(c).itertuples():
        is_point, is_reference = c.statistics[r.fit].kind == "point", r.fit == c.reference
        cells = [
            to_digits(r.mean, sd[r.quantity] / ESTIMATE_DIGITS) if is_point else with_error(r.mean, r.mean_se),
            with_error(r.sd, r.sd_se),
            "" if is_reference else with_error(r.delta, r.delta_se),
            "" if is_reference else with_error(r.sd_ratio, r.sd_ratio_se),
            "" if is_reference else with_error(r.wasserstein, r.delta_se),
            with_error(r.r_hat, r_hat_error(chains[r.fit], r.ess_bulk)) if r.fit in chains else "",
            two_digits(r.ess_bulk) if r.fit in chains else format_number(r.ess_bulk, ".0f"),
        ]
        rows.append([r.quantity if r.quantity != last else "", r.fit, *cells])
        last = r.quantity
    return rows


def r_hat_error(chains: int, ess: float) -> float:
    """How much R-hat of chains that agree varies.

    The variance of the means of the 2 * chains halves is, over that within them, a chi-squared variable times
    2 * chains / ESS over its 2 * chains - 1 degrees of freedom; R-hat - 1 has half of its standard deviation.
    """
    return chains / ess * math.sqrt(2 / (2 * chains - 1)) if ess > 0 else math.nan
