"""Sound fits, and fits with a known defect, made of exact draws: nothing is sampled by an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.verdict_suite.problem import Problem
from inference.external.draws import ExternalDraws
from inference.external.fits import make_fit
from inference.result import Fit

NUM_EXACT = 20_000  # draws that stand for the posterior
NUM_CHAINS, NUM_DRAWS, NUM_GUIDE = 4, 1000, 1000
Rng = np.random.Generator


class Posterior(NamedTuple):
    """Exact draws of a problem, and their mean and covariance on the unconstrained scale, tails cut at 0.5%."""

    problem: Problem
    exact: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


def posterior_of(problem: Problem, seed: int) -> Posterior:
    """The exact draws of a problem."""
    exact = problem.draw(np.random.default_rng([seed, 7]), NUM_EXACT)
    z = problem.unconstrain(exact)
    z = np.clip(z, *np.quantile(z, (0.005, 0.995), axis=0))
    return Posterior(problem, exact, z.mean(0), np.atleast_2d(np.cov(z.T)))


def chains_fit(problem: Problem, x: np.ndarray) -> Fit:
    """A fit of chains, x (chain, draw, P), none of whose draws diverged."""
    lp = problem.log_density(x.reshape(-1, x.shape[-1])).reshape(x.shape[:2])
    stats = {"lp": lp, "diverging": np.zeros(x.shape[:2], bool)}
    return make_fit(ExternalDraws(problem.name, "chains", "exact", "", problem.by_site(x), "chains", stats))


def guide_fit(problem: Problem, x: np.ndarray, log_p: np.ndarray, log_q: np.ndarray) -> Fit:
    """A fit of a guide: draws x (draw, P) with both log densities on one scale."""
    stats = {"lp": problem.log_density(x)[None], "log_weight": (log_p - log_q)[None]}
    return make_fit(ExternalDraws(problem.name, "guide", "exact", "", problem.by_site(x[None]), "guide", stats))


def normal_guide(problem: Problem, mean: np.ndarray, covariance: np.ndarray, rng: Rng, count: int = NUM_GUIDE) -> Fit:
    """A normal guide on the unconstrained scale."""
    root = np.linalg.cholesky(covariance + 1e-12 * np.diag(np.diag(covariance)))
    noise = rng.standard_normal((count, len(mean)))
    x, log_jacobian = problem.constrain(mean + noise @ root.T)
    log_q = -0.5 * (noise**2).sum(1) - np.log(np.diag(root)).sum()
    return guide_fit(problem, x, problem.log_density(x) + log_jacobian, log_q)


def perfect(p: Posterior, rng: Rng) -> Fit:
    """Four chains of independent exact draws."""
    return chains_fit(p.problem, exact_chains(p, rng))


def exact_chains(p: Posterior, rng: Rng, chains: int = NUM_CHAINS, draws: int = NUM_DRAWS) -> np.ndarray:
    """Independent exact draws as chains, (chain, draw, P)."""
    return p.problem.draw(rng, chains * draws).reshape(chains, draws, -1)


def short(p: Posterior, rng: Rng) -> Fit:
    """Four chains of a hundred exact draws."""
    return chains_fit(p.problem, exact_chains(p, rng, draws=100))


def sticky(p: Posterior, rng: Rng) -> Fit:
    """Chains that stay at each draw for forty iterations: a hundred draws in all."""
    return chains_fit(p.problem, np.repeat(exact_chains(p, rng, draws=NUM_DRAWS // 40), 40, axis=1))


def one_chain(p: Posterior, rng: Rng) -> Fit:
    """One chain of exact draws."""
    return chains_fit(p.problem, exact_chains(p, rng, chains=1))


def stuck(p: Posterior, rng: Rng) -> Fit:
    """One of four chains stays near one of its draws."""
    x = exact_chains(p, rng)
    x[0] = x[0, 0] + 0.05 * (x[0] - x[0, 0])
    return chains_fit(p.problem, x)


def unconverged(p: Posterior, rng: Rng) -> Fit:
    """The first third of each chain drifts in from four sds away."""
    z = p.problem.unconstrain(exact_chains(p, rng))
    drift = np.clip(1 - 3 * np.arange(NUM_DRAWS) / NUM_DRAWS, 0, None)[:, None]
    away = 4 * rng.choice([-1, 1], (NUM_CHAINS, 1, 1)) * np.sqrt(np.diag(p.covariance))
    return chains_fit(p.problem, p.problem.constrain(z + drift * away)[0])


def one_mode_of_chains(p: Posterior, rng: Rng) -> Fit | None:
    """All chains in one mode, that of the largest mass or another."""
    x = draws_of_mode(p, rng, NUM_CHAINS * NUM_DRAWS)
    return None if x is None else chains_fit(p.problem, x.reshape(NUM_CHAINS, NUM_DRAWS, -1))


def split_modes(p: Posterior, rng: Rng) -> Fit | None:
    """Each chain in a mode of its own, half of them in each."""
    if p.problem.mode_of is None:
        return None
    x = p.problem.draw(rng, 60 * NUM_DRAWS)
    modes = p.problem.mode_of(x)
    parts = [x[modes == m][: 2 * NUM_DRAWS] for m in (0, 1)]
    if min(map(len, parts)) < 2 * NUM_DRAWS:
        parts = [part[rng.integers(len(part), size=2 * NUM_DRAWS)] for part in parts if len(part)]
    return chains_fit(p.problem, np.concatenate(parts).reshape(NUM_CHAINS, NUM_DRAWS, -1))


def swapped(p: Posterior, rng: Rng) -> Fit | None:
    """Exchangeable labels in one order, which switches half-way in one chain."""
    if p.problem.swap is None:
        return None
    x = exact_chains(p, rng)
    ordered = np.where(x[..., :1] > x[..., 1:2], p.problem.swap(x.reshape(-1, x.shape[-1])).reshape(x.shape), x)
    ordered[0, NUM_DRAWS // 2 :] = p.problem.swap(ordered[0, NUM_DRAWS // 2 :])
    return chains_fit(p.problem, ordered)


def draws_of_mode(p: Posterior, rng: Rng, count: int) -> np.ndarray | None:
    """Exact draws of one mode, usually that of the largest mass; None where there is one mode."""
    if p.problem.mode_of is None:
        return None
    mode = int(rng.uniform() < 0.3)
    x = p.exact[p.problem.mode_of(p.exact) == mode]
    return x[rng.integers(len(x), size=count)] if len(x) > 10 else None


def exact_guide(p: Posterior, rng: Rng) -> Fit:
    """A guide that is the posterior."""
    x = p.problem.draw(rng, NUM_GUIDE)
    return guide_fit(p.problem, x, np.zeros(len(x)), np.zeros(len(x)))


def normal(p: Posterior, rng: Rng) -> Fit:
    """The normal guide with the moments of the posterior."""
    return normal_guide(p.problem, p.mean, p.covariance, rng)


def mean_field(p: Posterior, rng: Rng) -> Fit | None:
    """Independent normals of the conditional variances, as mean-field inference has of a normal posterior."""
    if len(p.mean) == 1:
        return None
    return normal_guide(p.problem, p.mean, np.diag(1 / np.diag(np.linalg.inv(p.covariance))), rng)


def half(p: Posterior, rng: Rng) -> Fit:
    """Half as wide."""
    return normal_guide(p.problem, p.mean, p.covariance / 4, rng)


def double(p: Posterior, rng: Rng) -> Fit:
    """Twice as wide."""
    return normal_guide(p.problem, p.mean, p.covariance * 4, rng)


def shifted(p: Posterior, rng: Rng) -> Fit:
    """One mean off by a standard deviation."""
    return normal_guide(p.problem, shift_one(p, rng, 1.0), p.covariance, rng)


def narrow_and_shifted(p: Posterior, rng: Rng) -> Fit:
    """Spreads of 0.8 and a shift of half a standard deviation, each of which alone is small."""
    return normal_guide(p.problem, shift_one(p, rng, 0.5), 0.64 * p.covariance, rng)


def few_and_shifted(p: Posterior, rng: Rng) -> Fit:
    """A hundred draws, a mean off by 0.9 sd."""
    return normal_guide(p.problem, shift_one(p, rng, 0.9), p.covariance, rng, count=100)


def shift_one(p: Posterior, rng: Rng, size: float) -> np.ndarray:
    """The mean with one coordinate moved by so many sds."""
    mean, j = p.mean.copy(), rng.integers(len(p.mean))
    mean[j] += size * rng.choice([-1, 1]) * np.sqrt(p.covariance[j, j])
    return mean


def wrong_correlation(p: Posterior, rng: Rng) -> Fit | None:
    """The right margins, and for the correlation of two coordinates the opposite, 0.5 where there is none."""
    if len(p.mean) == 1:
        return None
    sd = np.sqrt(np.diag(p.covariance))
    correlation = p.covariance / np.outer(sd, sd)
    r = float(np.clip(-correlation[0, 1], -0.9, 0.9))
    r = r if abs(r) > 0.3 else 0.5
    changed = np.eye(len(sd))
    changed[0, 1] = changed[1, 0] = r
    return normal_guide(p.problem, p.mean, changed * np.outer(sd, sd), rng)


def wrong_scale(p: Posterior, rng: Rng) -> Fit:
    """One coordinate with a tenth of its spread."""
    scale, j = np.ones(len(p.mean)), rng.integers(len(p.mean))
    scale[j] = 0.1
    return normal_guide(p.problem, p.mean, p.covariance * np.outer(scale, scale), rng)


def one_mode_of_guide(p: Posterior, rng: Rng) -> Fit | None:
    """A normal guide about one mode."""
    x = draws_of_mode(p, rng, 5000)
    if x is None:
        return None
    z = p.problem.unconstrain(x)
    return normal_guide(p.problem, z.mean(0), np.atleast_2d(np.cov(z.T)), rng)


# fits without a defect, which are sound where the truth agrees
SOUND = (
    *("perfect", "short", "one_chain", "nuts", "nuts, few draws"),
    *("exact_guide", "exact_guide, reweighted", "normal", "mean_field", "full_rank"),
)
Maker = Callable[[Posterior, Rng], Fit | None]
CHAINS: tuple[Maker, ...] = (
    perfect,
    short,
    sticky,
    one_chain,
    stuck,
    unconverged,
    one_mode_of_chains,
    split_modes,
    swapped,
)
GUIDES: tuple[Maker, ...] = (
    exact_guide,
    normal,
    mean_field,
    half,
    double,
    shifted,
    narrow_and_shifted,
    few_and_shifted,
    wrong_correlation,
    wrong_scale,
    one_mode_of_guide,
)


def make_fits(p: Posterior, makers: tuple[Maker, ...], seed: int) -> Iterator[tuple[str, Fit]]:
    """The fits that the problem has, each with draws of its own."""
    for number, maker in enumerate(makers):
        fit = maker(p, np.random.default_rng([seed, 11, number]))
        if fit is not None:
            yield maker.__name__, fit
