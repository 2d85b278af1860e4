"""Joint calibration: errors of a posterior whose marginal distributions are right, such as a wrong correlation.

*The distance to the mean* is ranked as a quantity of its own: the Mahalanobis distance of a point of all quantities
from the mean of the truth and the draws together, in which all are alike. This is the coverage test with a point of
reference that depends on the data (TARP; Lemos et al. 2023, "Sampling-based accuracy testing of posterior estimators
for general inference"). It finds correlations that the draws have and the posterior has not. With points of reference
far from the posterior, as random ones are, the distance is nearly a projection, whose errors in different directions
cancel.

*Correlations* are tested for all pairs together. In each simulation the truth and its draws are exchangeable, so that
any of them may take the place of the truth: the products of each pair, summed over simulations, are compared with those
of random replacements (a permutation test, Besag and Clifford 1991, which ends early where there is nothing to find).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from inference.evaluation.calibration.simulations import Trial

LOG_LIKELIHOOD, LOG_JOINT, DISTANCE = "log-likelihood", "log joint", "distance to the mean"
JOINT = (LOG_LIKELIHOOD, LOG_JOINT, DISTANCE)  # quantities of all parameters at once
CORRELATIONS = "correlations"  # their row in the table
MAX_QUANTITIES, MAX_POINTS = 40, 5000  # of the test of correlations
REPLICATES, ENOUGH = 9999, 20  # at most, and as large as the truth's: then the test ends


class CorrelationTest(NamedTuple):
    """The test of the correlations of all pairs of quantities.

    p: the probability of a pair as far from the draws' correlation. pair: the names of the farthest one. truth, draws:
    its correlation among true values, and among draws, over all simulations.
    """

    p: float
    pair: tuple[str, str]
    truth: float
    draws: float

    @property
    def finding(self) -> str:
        """What is wrong with the draws."""
        first, second = self.pair
        return (
            f"the draws have a correlation of {self.draws:.2f} between {first} and {second}, and the true values of "
            f"{self.truth:.2f}"
        )


def with_distance(trial: Trial) -> Trial:
    """The trial with the distance to the mean among its quantities, where it has two quantities or more."""
    points = standardised_points(trial)
    if points is None:
        return trial
    quantities = points.shape[-1]
    correlation = np.einsum("lmi,lmj->mij", points, points) / len(points)
    # a matrix of many quantities and few draws is drawn towards independence
    weight = min(1.0, quantities / len(points))
    correlation = (1 - weight) * correlation + weight * np.eye(quantities)
    distance = np.einsum("lmi,mij,lmj->lm", points, np.linalg.inv(correlation), points)
    truth, draws = {**trial.truth, DISTANCE: distance[0]}, {**trial.draws, DISTANCE: distance[1:]}
    return replace(trial, truth=truth, draws=draws)


def standardised_points(trial: Trial) -> np.ndarray | None:
    """The truth and the draws, (1 + draws, m, quantities), with mean 0 and sd 1 over the first axis.

    None where there is one quantity.
    """
    names = marginal_names(trial.truth)
    if len(names) < 2 or len({len(trial.truth[n]) for n in names}) > 1:
        return None
    truth, draws = (np.stack([part[n] for n in names], axis=-1) for part in (trial.truth, trial.draws))
    points = np.concatenate([truth[None], draws])
    sd = points.std(0)
    return (points - points.mean(0)) / np.where(sd > 0, sd, 1.0)


def marginal_names(quantities: Mapping[str, object]) -> list[str]:
    """The names of the quantities that are not of all parameters at once."""
    return [n for n in quantities if n not in JOINT]


def correlation_test(trials: Sequence[Trial], seed: int) -> CorrelationTest | None:
    """The test over all simulations; None where there are no two quantities, or different ones in each simulation."""
    names = marginal_names(trials[0].truth)[:MAX_QUANTITIES]
    if any(marginal_names(t.truth)[:MAX_QUANTITIES] != names for t in trials):
        return None
    parts = [p for t in trials if (p := standardised_points(t)) is not None]
    if not parts:
        return None
    points = np.concatenate([p[..., : len(names)].swapaxes(0, 1) for p in parts])[:MAX_POINTS]  # (points, 1 + draws, Q)
    first, second = np.triu_indices(len(names), 1)
    mean = variance = np.zeros(len(first))
    for point in points:  # one at a time, for memory
        products = point[:, first] * point[:, second]
        mean, variance = mean + products.mean(0), variance + products.var(0)
    sd = np.sqrt(np.maximum(variance, 1e-12))

    def distances(chosen: np.ndarray) -> np.ndarray:
        return np.abs((chosen.T @ chosen)[first, second] - mean) / sd

    observed = distances(points[:, 0])
    worst = int(observed.argmax())
    x, y = points[:, 0, first[worst]], points[:, 0, second[worst]]
    truth = float((x * y).mean() / np.sqrt((x**2).mean() * (y**2).mean()))
    exceeded = (distances(chosen).max() >= observed[worst] for chosen in replacements(points, seed))
    return CorrelationTest(
        sequential_p(exceeded), (names[first[worst]], names[second[worst]]), truth, float(mean[worst] / len(points))
    )


def replacements(points: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Points in the place of the truth, (points, quantities): one of each simulation at random."""
    rng, rows = np.random.default_rng(seed), np.arange(len(points))
    for _ in range(REPLICATES):
        yield points[rows, rng.integers(0, points.shape[1], len(points))]


def sequential_p(exceeded: Iterator[bool]) -> float:
    """The p-value of replicates that exceed what was observed or do not, which ends when enough do.

    >>> sequential_p(iter([True] * 30)), sequential_p(iter([False] * 99))
    (1.0, 0.01)
    """
    total = hits = 0
    for total, is_larger in enumerate(exceeded, start=1):
        hits += bool(is_larger)
        if hits == ENOUGH:
            return hits / total
    return (hits + 1) / (total + 1)
