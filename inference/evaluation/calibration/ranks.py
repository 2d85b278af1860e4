"""The ranks of true values among draws, over many simulations; independent of models and engines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from inference.evaluation.calibration.joint import correlation_test, with_distance
from inference.evaluation.calibration.result import Calibration
from inference.evaluation.calibration.simulations import Folder, RunTrial, Trial, run_simulations
from inference.summaries.quantities import entry_name
from zoo.cards import NOTHING
from zoo.checks import check_whole
from zoo.errors import Refusal

Data = TypeVar("Data")  # what a simulator gives and a sampler takes

MIN_SIMULATIONS = 10  # with fewer no test has power
VERSION = 2  # of the files in the folder of a calibration


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
    check_numbers(simulations, draws)

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


def run_trials(
    trial: RunTrial,
    title: str,
    *,
    simulations: int,
    draws: int,
    seed: int,
    progress: bool,
    workers: int | None = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    settings: Mapping[str, object] = NOTHING,
    warnings: Iterable[str] = (),
) -> Calibration:
    """Run the trials, each with two seeds of its own; an error is counted as a failure, a Refusal is raised.

    settings: of the calibration, which a folder that it goes on from must have too. warnings: of the calibration.
    """
    # two seeds: a sampler that began with the random numbers of the simulator could reproduce the true values
    seeds = np.random.SeedSequence(seed).generate_state(2 * simulations).reshape(-1, 2) >> 1
    settings = {"title": title, "draws": draws, "seed": seed, "version": VERSION, **settings}
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        # processes of this machine leave their results in a folder, so that one that is killed loses its own alone
        place = checkpoint or (None if workers in (1, None) else scratch)
        folder = None if place is None else Folder(place, settings)
        outcomes = run_simulations(trial, seeds.tolist(), draws, workers=workers, folder=folder, progress=progress)
    failures = {i: outcome for i, outcome in enumerate(outcomes) if isinstance(outcome, str)}
    trials = [with_distance(outcome) for outcome in outcomes if not isinstance(outcome, str)]
    correlations = correlation_test(trials, seed)
    rng = np.random.default_rng(seed)
    parts: dict[str, list[np.ndarray]] = {}
    found = dict.fromkeys(warnings)
    for trial_result in trials:
        for name, truth in trial_result.truth.items():
            parts.setdefault(name, []).append(rank(truth, trial_result.draws[name], rng))
        found |= dict.fromkeys(trial_result.warnings)
    ranks = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    ess, trust = np.array([t.ess for t in trials]), tuple(t.trust for t in trials if t.trust)
    return Calibration(title, ranks, draws, simulations, ess, failures, tuple(found), correlations, trust)


def check_numbers(simulations: int, draws: int, workers: int | None = 1) -> None:
    """Raise ZooError for numbers that are not allowed."""
    check_whole(MIN_SIMULATIONS, simulations=simulations)
    check_whole(1, draws=draws)
    if workers is not None:
        check_whole(1, workers=workers)


def rank(truth: np.ndarray, draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How many draws are below the truth, (m,), from truth (m,) and draws (draws, m); ties are broken at random."""
    return (draws < truth).sum(0) + rng.integers(0, (draws == truth).sum(0) + 1)
