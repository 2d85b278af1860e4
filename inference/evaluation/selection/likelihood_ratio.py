"""The parametric bootstrap likelihood-ratio test of each size against the size below (``blrt``).

The statistic is twice the gain in log-likelihood from size K - 1 to size K. It has no chi-squared distribution, since
the smaller model is at an edge of the larger one. So B data sets are simulated from the smaller fit, with its missing
values where the data has them, and both sizes are fitted to each, from as many starts as the fits themselves:

    p  =  (1 + number of data sets whose statistic is at least that of the data) / (1 + B)

Beginning at the smallest size, the test selects the size that is not rejected in favour of the next at 5 percent.

References
----------
McLachlan, G. J. (1987). On bootstrapping the likelihood ratio test statistic for the number of components in a normal
mixture. Applied Statistics 36, 318-324.
Nylund, K. L., Asparouhov, T. and Muthen, B. O. (2007). Deciding on the number of classes in latent class analysis and
growth mixture modeling. Structural Equation Modeling 14, 535-569.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inference.engines import FitRequest
from inference.engines.em.uncertainty import request_of
from inference.predictive.covariates import given_covariates
from inference.result import Fit
from inference.run.random_streams import chain_seeds
from inference.run.workers import num_workers
from zoo import Model, ZooError
from zoo._backend import backend_of, in_backend
from zoo.checks import check_whole

DEFAULT_SAMPLES = 99
DEFAULT_RESTARTS = 5  # of every fit, where the user gives none: a maximum that is missed is a wrong statistic
SIGNIFICANCE = 0.05
MAX_ROWS = 1_000_000  # simulated at a time

Table = dict[str, np.ndarray]
Precision = tuple[str | None, str]  # the dtype and the device
Job = tuple[tuple[FitRequest, ...], Precision, list[Table], list[int]]


@dataclass(frozen=True, eq=False)
class LikelihoodRatioTest:
    """The test of one size against the size below.

    Attributes
    ----------
    statistic : float
        Twice the difference of the two log-likelihoods, in nats.
    simulated : array, (B,)
        The statistics of data simulated from the smaller fit; infinite where a fit to them has no maximum, which can
        only raise the p-value.
    """

    statistic: float
    simulated: np.ndarray

    @property
    def p_value(self) -> float:
        """The p-value, from 1 / (1 + B) to 1.

        >>> LikelihoodRatioTest(3.0, np.array([1.0, 5.0, 2.0])).p_value
        0.5
        """
        return float((1 + (self.simulated >= self.statistic).sum()) / (1 + len(self.simulated)))


def unavailable_reason(model: Model) -> str:
    """Why the model has no such test, or "" where it has."""
    if model.card.is_own:
        return f"blrt simulates rows of a model of the zoo, and {model.name} is a program of your own"
    return ""


def compute_tests(
    fits: Mapping[int, Fit], samples: int | None, seed: int, workers: int | None
) -> dict[int, LikelihoodRatioTest]:
    """The test of each size whose predecessor was fitted too; raises ZooError where there is none.

    samples: B. workers: processes at most, each of which takes a part of the samples; one for each core unless given.
    """
    example = next(iter(fits.values()))
    if reason := unavailable_reason(example.model):
        raise ZooError(reason)
    if samples is None:
        raise ZooError("blrt fits two sizes once more for each data set that it simulates: give bootstrap=99")
    check_whole(1, bootstrap=samples)
    if workers is not None:
        check_whole(1, workers=workers)
    if example.options.get("sample_weight") is not None:
        raise ZooError("blrt simulates rows, which have no weights: leave sample_weight out, and repeat rows instead")
    sizes = [size for size in sorted(fits) if size - 1 in fits]
    if not sizes:
        raise ZooError("blrt tests a size against the one below: give sizes that follow each other, as range(1, 4)")
    return {size: compute_test(fits[size - 1], fits[size], samples, seed + size, workers) for size in sizes}


def compute_test(smaller: Fit, larger: Fit, samples: int, seed: int, workers: int | None) -> LikelihoodRatioTest:
    """The test of the size of one fit against that of another to the same data."""
    tables, seeds = simulate_tables(smaller, samples, seed), chain_seeds(seed, samples)
    requests = tuple(request_of(fit) for fit in (smaller, larger))
    precision = (smaller.dtype, smaller.device)
    parts = np.array_split(np.arange(samples), num_workers(samples, workers))
    jobs = [(requests, precision, [tables[i] for i in part], [seeds[i] for i in part]) for part in parts]
    log_likelihoods = np.concatenate(run_jobs(jobs))
    simulated = 2 * np.diff(log_likelihoods, axis=1)[:, 0]
    maxima = [fit.diagnostics["log_likelihood"] for fit in (smaller, larger)]
    return LikelihoodRatioTest(2 * (maxima[1] - maxima[0]), np.where(np.isnan(simulated), np.inf, simulated))


def simulate_tables(fit: Fit, count: int, seed: int) -> list[Table]:
    """Data sets of the size of the data, simulated at the fit, with its missing values."""
    data, N = fit.observed_data(), fit.keywords["N"]
    covariates = given_covariates(fit.model, fit.keywords, fit.data)
    group = max(1, MAX_ROWS // N)
    tables: list[Table] = []
    for first, group_seed in zip(range(0, count, group), chain_seeds(seed, -(-count // group)), strict=True):
        number = min(group, count - first)
        settings = {n: np.tile(w, (number, *(1,) * (w.ndim - 1))) for n, w in covariates.items()}
        rows = fit.model.data_of(fit.simulate(number * N, seed=group_seed, **settings))
        parts = {n: np.asarray(values, float).reshape(number, N, *values.shape[1:]) for n, values in rows.items()}
        tables += [{n: np.where(np.isnan(data[n]), np.nan, v[i]) for n, v in parts.items()} for i in range(number)]
    return tables


def run_jobs(jobs: list[Job]) -> list[np.ndarray]:
    """The results of the jobs, each in a process of its own where there are several.

    The processes are new ones: a fork of a process in which JAX has threads may hang.
    """
    if len(jobs) == 1:
        return [fit_tables(*jobs[0])]
    from joblib.externals.loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(len(jobs), env={"OMP_NUM_THREADS": "1"})
    try:
        return [job.result() for job in [pool.submit(fit_tables, *job) for job in jobs]]
    finally:
        pool.shutdown(kill_workers=True)  # nothing continues after an error


def fit_tables(
    requests: tuple[FitRequest, ...], precision: Precision, tables: list[Table], seeds: list[int]
) -> np.ndarray:
    """The log-likelihood of each table under each model, (tables, models); NaN where it has no maximum."""
    model = requests[0].model
    em = in_backend("inference.engines.em", model.backend)
    with backend_of(model).runtime(*precision):
        return np.stack([em.refit_tables(request, tables, seeds) for request in requests], axis=1)
