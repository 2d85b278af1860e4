"""The core: simulate, draw, rank. It knows no model and no engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.evaluation.calibration.result import Calibration
from inference.run.progress import Progress
from zoo.errors import Refusal, ZooError

FEWEST = 10  # simulations, below which no band means anything
HOPELESS = 3  # simulations that fail at the outset before it is called off


@dataclass(frozen=True)
class Trial:
    """One simulation. truth: {quantity: (m,)}, m repeats that are independent; draws: {quantity: (draws, m)}.

    ess: the least effective sample size of any quantity among all the draws these were thinned from, infinite where
    they are known to be independent. notes: what the user should be told, once.
    """

    truth: Mapping[str, np.ndarray]
    draws: Mapping[str, np.ndarray]
    ess: float = float("inf")
    notes: tuple[str, ...] = ()


def ranks_of(
    simulate: Callable[[int], tuple[Mapping[str, Any], Any]],
    draw: Callable[[Any, int], Mapping[str, Any]],
    *,
    simulations: int = 100,
    draws: int = 99,
    seed: int = 0,
    progress: bool = False,
) -> Calibration:
    """Calibration of any sampler on any simulator.

    simulate: ``(seed) -> (truth, data)``, with truth ``{name: number or array}`` from the prior. draw: ``(data, seed)
    -> {name: (draws, *shape)}``, at least ``draws`` independent draws of the posterior. Each entry is ranked by itself.
    """

    def trial(simulation_seed: int, draw_seed: int, count: int) -> Trial:
        truth, data = simulate(simulation_seed)
        found = draw(data, draw_seed)
        lacking = [name for name in truth if name not in found]
        if lacking:
            raise Refusal(f"no draws of {', '.join(lacking)}: draw gives {', '.join(found) or 'nothing'}")
        drawn = {name: np.asarray(found[name]) for name in truth}
        drawn = {name: value[thinned(len(value), count)] for name, value in drawn.items()}
        return Trial(entries(truth, leading=0), entries(drawn, leading=1))

    name = getattr(draw, "__name__", type(draw).__name__)
    return ranked(trial, name, simulations=simulations, draws=draws, seed=seed, progress=progress)


def entries(values: Mapping[str, Any], leading: int) -> dict[str, np.ndarray]:
    """Each entry of each array under a name of its own, (*leading, 1)."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    return {
        f"{name}[{','.join(map(str, i))}]" if i else name: array[(..., *i, None)]
        for name, array in arrays.items()
        for i in np.ndindex(*array.shape[leading:])
    }


def thinned(available: int, wanted: int) -> np.ndarray:
    """Indices of ``wanted`` draws, evenly spaced over all; raises Refusal where there are fewer."""
    if available < wanted:
        raise Refusal(f"{wanted} draws are to be ranked and a fit gives {available}: pass draws={available} or fewer")
    return np.linspace(0, available - 1, wanted).round().astype(int)


def ranked(
    trial: Callable[[int, int, int], Trial], what: str, *, simulations: int, draws: int, seed: int, progress: bool
) -> Calibration:
    """Run the trials, each with two seeds of its own. What raises ZooError is counted; a Refusal ends it all."""
    for word, value, least in (("simulations", simulations, FEWEST), ("draws", draws, 1)):
        if not isinstance(value, int | np.integer) or value < least:
            raise ZooError(f"{word} is a whole number from {least} up; given {value!r}")
    # not one seed for both: a sampler that began with the simulator's random numbers could know the truth
    seeds = np.random.SeedSequence(seed).generate_state(2 * simulations).reshape(-1, 2) >> 1
    rng = np.random.default_rng(seed)
    found: dict[str, list[np.ndarray]] = {}
    ess, failures, notes = [], {}, {}
    with Progress("calibrate", simulations, progress) as bar:
        for i, (of_simulation, of_draws) in enumerate(seeds.tolist()):
            try:
                one = trial(of_simulation, of_draws, draws)
                check_finite(one)
            except Refusal:
                raise
            except ZooError as error:
                failures[i] = str(error)
                if len(failures) == i + 1 == HOPELESS:
                    raise ZooError(f"the first {HOPELESS} simulations all failed: {error}") from error
                continue
            finally:
                bar.at(i + 1, f"{len(failures)} failed" if failures else "")
            for name, truth in one.truth.items():
                found.setdefault(name, []).append(rank(truth, one.draws[name], rng))
            ess.append(one.ess)
            notes |= dict.fromkeys(one.notes)
    ranks = {name: np.concatenate(parts) for name, parts in found.items()}
    return Calibration(what, ranks, draws, simulations, np.array(ess), failures, tuple(notes))


def check_finite(one: Trial) -> None:
    for name, truth in one.truth.items():
        if not (np.isfinite(truth).all() and np.isfinite(one.draws[name]).all()):
            raise ZooError(f"{name} is not finite in the truth or in a draw")


def rank(truth: np.ndarray, draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How many draws lie below the truth, (m,), from truth (m,) and draws (draws, m); ties are broken at random."""
    return (draws < truth).sum(0) + rng.integers(0, (draws == truth).sum(0) + 1)
