"""The sampler of hidden Markov models: its chains, each on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import gammaln, xlogy

from inference.engines.contract import FitRequest
from inference.engines.em import hidden_markov as em
from inference.engines.em.options import EMOptions, PreparedOptions
from inference.engines.gibbs.contract import SamplerEstimate
from inference.engines.gibbs.dirichlet import draw_dirichlet
from inference.engines.gibbs.hidden_markov.discrete import CountDraws, ItemDraws, SymbolDraws
from inference.engines.gibbs.hidden_markov.normal import FullNormalDraws, NormalDraws
from inference.engines.gibbs.options import GibbsOptions, number_of_draws
from inference.engines.starts import complete_start
from inference.exact.markov import SequenceStates
from inference.run.workers import WorkerPool
from inference.unconstrained.kmeans import kmeans_labels
from zoo import Card
from zoo.data.sequences import Steps, observed_steps
from zoo.errors import DensityError
from zoo.types import Keywords

DRAWS = {
    "normal": NormalDraws,
    "full_normal": FullNormalDraws,
    "tied_normal": FullNormalDraws,
    "bernoulli": ItemDraws,
    "poisson": CountDraws,
    "categorical": SymbolDraws,
}


class Sampler:
    """All chains of a fit; fulfils ``inference.engines.gibbs.contract.GibbsSampler``."""

    usual_start = "k-means++"

    def __init__(self, request: FitRequest[GibbsOptions]):
        self.card, self.keywords = request.card, request.keywords
        (x,) = request.table.values()
        self.steps, self.keeps_draws = observed_steps(np.asarray(x, float)), number_of_draws(request) > 0
        seeds = [(request.seed, chain) for chain in range(request.options.num_chains)]
        self.chains = [Chain(self.steps, request.keywords, seed) for seed in seeds]

    @property
    def num_jobs(self) -> int:
        """Number of chains, which are swept side by side."""
        return len(self.chains)

    def begin(self, starts: Sequence[Mapping[str, np.ndarray]]) -> None:
        """Begin at the parameters given, and at paths given these."""
        for chain, given in zip(self.chains, starts, strict=True):
            chain.begin(self.card, self.keywords, given)

    def sweep(self, number: int, pool: WorkerPool) -> None:
        """Draw the parameters, then the paths, in every chain."""
        pool.run([chain.job(number) for chain in self.chains])

    def learn(self, number: int) -> None:
        """Hyperparameters are not learned."""

    def record(self, keep: bool) -> np.ndarray:
        """The log density of parameters and data in each chain, the states summed out."""
        lps = [chain.log_density() for chain in self.chains]
        for chain, lp in zip(self.chains, lps, strict=True):
            if keep and lp > chain.best_lp:
                chain.best_lp, chain.best = lp, chain.params
        return np.array(lps)

    def draw(self, number: int) -> dict[str, np.ndarray]:
        """The parameters of each chain, (chain, *shape)."""
        return {n: np.stack([chain.params[n] for chain in self.chains]) for n in self.chains[0].params}

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the run depends on."""
        return {f"{c}/{n}": v for c, chain in enumerate(self.chains) for n, v in chain.state().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state."""
        for c, chain in enumerate(self.chains):
            chain.restore({n.split("/", 1)[1]: v for n, v in state.items() if n.split("/", 1)[0] == str(c)})

    def estimate(self, best: int) -> SamplerEstimate:
        """Without draws the parameters of highest density among the sweeps of a chain; with draws, their mean is."""
        z = np.full((len(self.chains), *self.steps.is_step.shape), -1)
        for of_chain, chain in zip(z, self.chains, strict=True):
            of_chain[self.steps.is_step] = chain.states
        params = {} if self.keeps_draws else dict(self.chains[best].best)
        return SamplerEstimate(params, {"z": z}, {}, "forward filtering, backward sampling", 1, len(self.steps.values))


class Chain:
    """One chain: the states of all steps, and the parameters.

    seed: the seed and the number of the chain.
    """

    def __init__(self, steps: Steps, keywords: Keywords, seed: tuple[int, int]):
        self.steps, self.seed, self.K = steps, seed, keywords["K"]
        self.of_paths = SequenceStates(steps.starts, np.ones(len(steps.starts) - 1))
        self.transition_prior = keywords["concentration"] + keywords["stickiness"] * np.eye(self.K)
        self.draws = DRAWS[keywords["emission"]](steps.values, keywords)
        options = PreparedOptions(**{**EMOptions().as_dict(), "sample_weight": np.ones(1), "start": {}})
        self.density = em.form(keywords, options).emissions(steps, np.ones(len(steps.values)))
        # kmeans_labels counts missing values as the mean of their column
        categories = {"x": np.full(steps.values.shape[1], keywords["emission"] == "categorical")}
        kmeans_seed = int(np.random.default_rng(seed).integers(2**31))
        self.states = kmeans_labels({"x": steps.values}, self.K, kmeans_seed, None, categories)
        self.params: dict[str, np.ndarray] = {}
        self.log_likelihood, self.best_lp, self.best = -np.inf, -np.inf, self.params

    def job(self, number: int) -> Callable[[], None]:
        """A function that does one sweep; its draws depend on the seed and the number of the sweep alone."""

        def run() -> None:
            rng = np.random.default_rng((*self.seed, number))
            self.params = self._draw_params(rng)
            self._draw_paths(rng)

        return run

    def begin(self, card: Card, keywords: Keywords, given: Mapping[str, np.ndarray]) -> None:
        """Begin at the parameters given; the others are a draw given the k-means labels, in the order of the states."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(1,)))
        usual = self._draw_params(rng)
        self.params = dict(given) if given.keys() == usual.keys() else complete_start(card, keywords, given, usual)
        self._draw_paths(rng)
        if not np.isfinite(self.log_likelihood):
            raise DensityError("the density of a sequence is 0 at the start: give start= with values that allow it")

    def _draw_paths(self, rng: np.random.Generator) -> None:
        """The path of each sequence given the parameters."""
        with np.errstate(divide="ignore"):  # a start may have probabilities of 0
            log_pi, log_A = np.log(self.params["pi"]), np.log(self.params["A"])
        log_states = self.density.log_density(self.params)
        log_states[self.steps.starts[:-1]] += log_pi
        log_sums, self.states = self.of_paths.draw(log_states, log_A, rng)
        self.log_likelihood = float(log_sums.sum())

    def _draw_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The parameters given the states."""
        is_state, first = np.eye(self.K)[self.states], self.steps.starts[:-1]
        is_later = np.ones(len(self.states), bool)
        is_later[first] = False
        later = np.flatnonzero(is_later)
        counts = np.zeros((self.K, self.K))
        np.add.at(counts, (self.states[later - 1], self.states[later]), 1)
        pi = draw_dirichlet(rng, 1 + is_state[first].sum(0))
        A = draw_dirichlet(rng, self.transition_prior + counts)
        return {"pi": pi, "A": A, **self.draws.draw(rng, is_state, self.params or None)}

    def log_density(self) -> float:
        """The log density of the parameters and the data, the states summed out."""
        of_pi = gammaln(self.K)  # a density that is constant
        prior = self.transition_prior
        of_A = gammaln(prior.sum(1)).sum() - gammaln(prior).sum() + xlogy(prior - 1, self.params["A"]).sum()
        return self.log_likelihood + float(of_pi + of_A) + self.draws.log_prior(self.params)

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the run depends on."""
        best = {f"best/{n}": v for n, v in self.best.items()}
        lps = {"log_likelihood": np.array(self.log_likelihood), "best_lp": np.array(self.best_lp)}
        return {"states": self.states, **{f"params/{n}": v for n, v in self.params.items()}, **best, **lps}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state."""
        self.states, self.best_lp = state["states"], float(state["best_lp"])
        self.log_likelihood = float(state["log_likelihood"])
        self.params, self.best = (
            {n.removeprefix(group): v for n, v in state.items() if n.startswith(group)}
            for group in ("params/", "best/")
        )
