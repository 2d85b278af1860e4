"""The ranks of true values among draws, over many simulations; independent of models and engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from inference.evaluation.calibration.result import Calibration
from inference.run.progress import Progress
from inference.summaries.quantities import entry_name
from zoo.checks import check_whole
from zoo.errors import Refusal, ZooError

Data = TypeVar("Data")  # what a simulator gives and a sampler takes

MIN_SIMULATIONS = 10  # with fewer a band has no power
MAX_FIRST_FAILURES = 3  # if all of the first simulations fail, the run ends


@dataclass(frozen=True)
class Trial:
    """One simulation. truth: {quantity: (m,)}, m independent repeats; draws: {quantity: (draws, m)}.

    ess: the least effective sample size of any quantity among all the draws from which these were thinned, infinite
    where they are independent. warnings: shown once for all trials.
    """

    truth: Mapping[str, np.ndarray]
    draws: Mapping[str, np.ndarray]
    ess: float = float("inf")
    warnings: tuple[str, ...] = ()


RunTrial = Callable[[int, int, int], Trial]  # (seed of the simulation, seed of the draws, number of draws)


def calibrate_sampler(
    simulate: Callable[[int], tuple[Mapping[str, ArrayLike], Data]],
    draw: Callable[[Data, int], Mapping[str, ArrayLike]],
    *,
    simulations: int = 100,
    draws: int = 99,
    seed: int = 0,
    progress: bool = False,
) -> Calibration:
    """Check the calibration of any sampler on any simulator.

    Parameters
    ----------
    simulate : callable
        ``(seed) -> (truth, data)``, with truth ``{name: number or array}`` from the prior.
    draw : callable
        ``(data, seed) -> {name: (draws, *shape)}``, at least ``draws`` independent draws of the posterior.
    simulations, draws, seed, progress
        As in ``calibrate``.

    Returns
    -------
    Calibration
        Each entry of an array is a quantity.

    Raises
    ------
    ZooError
        For arguments that are not allowed, or where all simulations fail.
    Refusal
        Where ``draw`` omits a quantity or gives too few draws.
    """

    def trial(simulation_seed: int, draw_seed: int, count: int) -> Trial:
        truth, data = simulate(simulation_seed)
        posterior = draw(data, draw_seed)
        missing = [name for name in truth if name not in posterior]
        if missing:
            raise Refusal(f"no draws of {', '.join(missing)}: draw gives {', '.join(posterior) or 'nothing'}")
        values = {name: np.asarray(posterior[name]) for name in truth}
        values = {name: value[thin_indices(len(value), count)] for name, value in values.items()}
        return Trial(split_entries(truth, leading=0), split_entries(values, leading=1))

    title = getattr(draw, "__name__", type(draw).__name__)
    return run_trials(trial, title, simulations=simulations, draws=draws, seed=seed, progress=progress)


def split_entries(values: Mapping[str, ArrayLike], leading: int) -> dict[str, np.ndarray]:
    """Each entry of each array under its own name, (*leading, 1).

    >>> split_entries({"mu": [1.0, 2.0]}, leading=0)
    {'mu[0]': array([1.]), 'mu[1]': array([2.])}
    """
    arrays = {name: np.asarray(value) for name, value in values.items()}
    return {
        entry_name(name, i): array[(..., *i, None)]
        for name, array in arrays.items()
        for i in np.ndindex(*array.shape[leading:])
    }


def thin_indices(available: int, count: int) -> np.ndarray:
    """Indices of ``count`` draws, evenly spaced over all; raises Refusal where there are fewer.

    >>> thin_indices(9, 3)
    array([0, 4, 8])
    """
    if available < count:
        raise Refusal(f"{count} draws are to be ranked and a fit gives {available}: pass draws={available} or fewer")
    return np.linspace(0, available - 1, count).round().astype(int)


def run_trials(trial: RunTrial, title: str, *, simulations: int, draws: int, seed: int, progress: bool) -> Calibration:
    """Run the trials, each with two seeds of its own; a ZooError is counted as a failure, a Refusal is raised."""
    check_whole(MIN_SIMULATIONS, simulations=simulations)
    check_whole(1, draws=draws)
    # two seeds: a sampler that began with the random numbers of the simulator could reproduce the true values
    seeds = np.random.SeedSequence(seed).generate_state(2 * simulations).reshape(-1, 2) >> 1
    rng = np.random.default_rng(seed)
    parts: dict[str, list[np.ndarray]] = {}
    ess: list[float] = []
    failures: dict[int, str] = {}
    warnings: dict[str, None] = {}
    with Progress("calibrate", simulations, progress) as bar:
        for i, (simulation_seed, draw_seed) in enumerate(seeds.tolist()):
            try:
                result = trial(simulation_seed, draw_seed, draws)
                check_finite(result)
            except Refusal:
                raise
            except ZooError as error:
                failures[i] = str(error)
                if len(failures) == i + 1 == MAX_FIRST_FAILURES:
                    raise ZooError(f"the first {MAX_FIRST_FAILURES} simulations all failed: {error}") from error
                continue
            finally:
                bar.update(i + 1, f"{len(failures)} failed" if failures else "")
            for name, truth in result.truth.items():
                parts.setdefault(name, []).append(rank(truth, result.draws[name], rng))
            ess.append(result.ess)
            warnings |= dict.fromkeys(result.warnings)
    ranks = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return Calibration(title, ranks, draws, simulations, np.array(ess), failures, tuple(warnings))


def check_finite(trial: Trial) -> None:
    """Raise ZooError unless the true values and the draws are finite."""
    for name, truth in trial.truth.items():
        if not (np.isfinite(truth).all() and np.isfinite(trial.draws[name]).all()):
            raise ZooError(f"{name} is not finite in the truth or in a draw")


def rank(truth: np.ndarray, draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How many draws are below the truth, (m,), from truth (m,) and draws (draws, m); ties are broken at random."""
    return (draws < truth).sum(0) + rng.integers(0, (draws == truth).sum(0) + 1)
