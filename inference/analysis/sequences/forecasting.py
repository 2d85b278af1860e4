"""Later states and observations of sequences."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from inference.analysis.sequences.inputs import check_no_latents
from inference.analysis.sequences.later import later_steps
from inference.analysis.sequences.trends import forecast_trends, has_trends
from inference.exact import spread_draws
from inference.record import FitRecord
from zoo.checks import check_seed, check_whole
from zoo.types import DataLike


@dataclass(frozen=True, eq=False)
class Forecast:
    """The steps after the last one of each sequence.

    Attributes
    ----------
    states : array, (N, steps, K)
        Probabilities of the states, averaged over the draws of the parameters; K is 0 in a linear dynamical system.
    draws : dict of str to array, (num_draws, N, steps, ...)
        Draws of the observed sites.
    latents : dict of str to array, (num_draws, N, steps, ...)
        Draws of continuous latents, as ``level``.
    """

    states: np.ndarray
    draws: dict[str, np.ndarray]
    latents: dict[str, np.ndarray] = field(default_factory=dict)

    def interval(self, site: str = "x", probability: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Compute the central interval of each later observation, or latent.

        Parameters
        ----------
        site : str, default "x"
            The observed site, or a continuous latent.
        probability : float, default 0.9

        Returns
        -------
        lower, upper : array, (N, steps, ...)
        """
        tail = (1 - probability) / 2
        lower, upper = np.quantile({**self.latents, **self.draws}[site], (tail, 1 - tail), axis=0)
        return lower, upper


def forecast(
    fit: FitRecord,
    data: DataLike = None,
    steps: int = 1,
    num_draws: int = 200,
    seed: int = 0,
    site: str | None = None,
    covariates: DataLike = None,
) -> Forecast:
    """Forecast the steps after the last one of each sequence.

    The last step is the last of the data, where steps without values at the end of a sequence count as missing; in a
    model whose steps depend on those before, as ``autoregressive_hmm``, or on covariates, as ``switching_regression``,
    it is the last with a value.

    Parameters
    ----------
    fit : Fit
        A fit of a program with a chain, whose transitions do not change with time, or of a linear dynamical system.
    data : optional
        Sequences as ``inference.fit`` takes them; those of the fit by default.
    steps : int, default 1
        How many steps.
    num_draws : int, default 200
        Draws of the observations, each given one draw of the parameters where the fit has draws.
    seed : int, default 0
    site : str, optional
        The chain; not needed where there is one.
    covariates : array or DataFrame, (N, steps, P) or (steps, P), or list of DataFrames, optional
        The covariates of the later steps, in a model that has any; a table is matched by the names of its columns.

    Returns
    -------
    Forecast

    Raises
    ------
    ZooError
        Where the model has no such chain, its transitions change with time, or the covariates of later steps are
        missing.
    """
    check_whole(1, steps=steps, num_draws=num_draws)
    check_seed(seed)
    if has_trends(fit):
        latents, draws = forecast_trends(fit, data, steps, num_draws, seed)
        N = len(next(iter(draws.values()))[0])
        return Forecast(np.zeros((N, steps, 0)), draws, latents)
    check_no_latents(fit, "forecast")
    model, later = fit.fitted_model, later_steps(fit, data, steps, site, covariates)
    chains, now = later.chains, later.now
    rng, (S, N, K) = np.random.default_rng(seed), now.shape
    transitions = np.broadcast_to(later.transitions, (S, N, steps, K, K))
    probabilities, p = [], now
    for h in range(steps):
        p = np.einsum("snj,snjk->snk", p, transitions[:, :, h])
        probabilities.append(chains.probabilities(p).mean(0))
    at = spread_draws(num_draws, S)
    states, state = np.empty((num_draws, N, steps), int), draw_states(now[at], rng)
    for h in range(steps):
        rows = np.take_along_axis(transitions[at, :, h], state[..., None, None], axis=2)[:, :, 0]
        states[..., h] = state = draw_states(rows, rng)
    sizes = {k: v for k, v in fit.keywords.items() if k in model.card.row_sizes}
    sizes = {**sizes, "N": N, "T": steps, **later.settings}
    by_chain = chains.states(states)
    draws = []
    for i, s in enumerate(at):
        values = {n: v[0, s] for n, v in chains.params.items()} | {n: v[i] for n, v in by_chain.items()}
        draws.append(model.simulate(int(rng.integers(2**31)), values, **sizes))
    observed = {n: np.stack([draw[n] for draw in draws]) for n in model.card.observed}
    return Forecast(np.stack(probabilities, axis=1), observed)


def draw_states(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One state by the probabilities in the last dimension."""
    cumulative = probabilities.cumsum(-1)
    uniform = rng.random(probabilities.shape[:-1])[..., None] * cumulative[..., -1:]
    return np.minimum((cumulative <= uniform).sum(-1), probabilities.shape[-1] - 1)
