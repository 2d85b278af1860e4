"""One chain: the topic of every token, the counts that follow from it, and the sums over the sweeps kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.engines.gibbs.latent_dirichlet import learning, tallies
from inference.engines.gibbs.latent_dirichlet.lanes import padded
from inference.engines.gibbs.latent_dirichlet.layout import Layout
from inference.engines.gibbs.latent_dirichlet.tables import METHODS
from inference.engines.gibbs.latent_dirichlet.tallies import Tallies, Tally

WHOLE = (1 << 64) - 1


class Chain:
    """seed: numbers that no other chain has. alpha: (K,). method: the name of one of ``tables.METHODS``."""

    def __init__(self, layout: Layout, seed: tuple[int, int], alpha: np.ndarray, eta: float, V: int, method: str):
        self.layout, self.seed, self.alpha, self.eta, self.V = layout, seed, alpha, eta, V
        self.K, self.method = len(alpha), method
        kind = np.uint16 if self.K <= 1 << 16 else np.int32
        self.occupy(np.random.default_rng(seed).integers(0, self.K, len(layout.words), kind))
        self.kept = 0
        self.phi, self.theta = np.zeros((V, self.K)), np.zeros((layout.N, self.K), np.int64)  # sums
        self.shares = np.zeros(self.K)

    def occupy(self, topics: np.ndarray) -> None:
        """Let the tokens have these topics."""
        self.topics = topics
        self.table = METHODS[self.method](self.layout, topics, self.K, self.V)
        self.totals = np.bincount(topics, minlength=padded(self.K))

    def blocks(self, sweep: int, turn: int, heat: float = 1.0) -> list[Any]:
        """The jobs of one turn of a sweep, which may be done in any order or side by side: each gives the new totals.

        heat: how many times as large as they are alpha and eta are to be taken.

        In turn t shard p has the words of group p + t, so that no two shards have a document or a word in common.
        """
        documents, P = self.layout.documents, self.layout.P
        alpha = np.zeros(padded(self.K), np.float32)
        alpha[: self.K] = heat * self.alpha
        eta = np.float32(heat * self.eta)

        def job(shard: int) -> Any:
            def run() -> np.ndarray:
                totals = self.totals.copy()
                state = np.uint64(stream(*self.seed, sweep, turn, shard))
                block = int(documents[shard]), int(documents[shard + 1]), (shard + turn) % P
                self.table.sweep(block, self.layout, self.topics, totals, alpha, eta, state)
                return totals

            return run

        return [job(shard) for shard in range(P)]

    def gather(self, totals: list[np.ndarray]) -> None:
        """The totals after a turn, from those that each shard ended with."""
        self.totals = self.totals + sum(shard - self.totals for shard in totals)

    def tallied(self, keep: bool = False) -> Tallies:
        """How often each count occurs; ``keep``: this sweep is one over which is averaged."""
        lengths = self.layout.ends[:, -1] - self.layout.ends[:, 0]
        histogram = self.histogram()
        tallies.by_topic(self.layout.ends, self.topics, histogram, self.theta if keep else self.theta[:0])
        by_topic = [Tally(sizes, times[sizes]) for times in histogram for sizes in (np.flatnonzero(times),)]
        if keep:
            shares = 1 / (self.totals[: self.K] + self.V * self.eta)
            self.table.add(shares, self.phi)
            self.shares += shares
            self.kept += 1
        return Tallies(Tally.of(lengths), by_topic, Tally.of(self.table.positive()), self.totals[: self.K])

    def histogram(self) -> np.ndarray:
        """Room for how many documents have each count of each topic."""
        lengths = self.layout.ends[:, -1] - self.layout.ends[:, 0]
        return np.zeros((self.K, int(lengths.max(initial=0)) + 1), np.int64)

    def learn(self, alpha: str | None, eta: bool) -> None:
        """Bring alpha and eta closer to their maximum given the topics of the tokens."""
        tallies = self.tallied()
        if alpha:
            self.alpha = learning.learned_alpha(tallies, self.alpha, alpha)
        if eta:
            self.eta = learning.learned_eta(tallies, self.eta, self.V)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """phi (K, V) and theta (N, K): over the sweeps kept, the mean of their expectations given all topics."""
        phi = ((self.phi + self.eta * self.shares) / self.kept).T[:, self.layout.number]
        theta = self.theta / self.kept + self.alpha
        return phi / phi.sum(1, keepdims=True), theta / theta.sum(1, keepdims=True)

    def draw(self, sweep: int) -> tuple[np.ndarray, np.ndarray]:
        """A draw of phi (K, V) and theta (N, K) given the topics of all tokens."""
        random = np.random.default_rng((*self.seed, sweep))
        counts = np.zeros((self.layout.N, self.K), np.int64)
        tallies.by_topic(self.layout.ends, self.topics, self.histogram(), counts)
        phi = dirichlet(random, self.table.full(self.K).T[:, self.layout.number] + self.eta)
        return phi, dirichlet(random, counts + self.alpha)

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the run depends on."""
        sums = {"phi": self.phi, "theta": self.theta, "shares": self.shares, "kept": np.array(self.kept)}
        return {"topics": self.topics, "alpha": self.alpha, "eta": np.array(self.eta), **sums, **self.table.state()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Be as the chain was that had this state."""
        self.occupy(state["topics"])
        self.table.restore(state)
        self.alpha, self.eta, self.kept = state["alpha"], float(state["eta"]), int(state["kept"])
        self.phi, self.theta, self.shares = state["phi"], state["theta"], state["shares"]


def dirichlet(random: np.random.Generator, concentration: np.ndarray) -> np.ndarray:
    """A draw for each row, each number above zero: by logarithms, for a gamma of shape 0.01 is often below 1e-300."""
    logs = (
        np.log(random.standard_gamma(concentration + 1)) + np.log1p(-random.random(concentration.shape)) / concentration
    )
    draws = np.exp(np.maximum(logs - logs.max(-1, keepdims=True), -700))
    return draws / draws.sum(-1, keepdims=True)


def stream(*numbers: int) -> int:
    """64 bits made of whole numbers, by splitmix64: where the random numbers of a block begin."""
    state = 0
    for number in numbers:
        state = (state ^ number) * 0xBF58476D1CE4E5B9 + 0x9E3779B97F4A7C15 & WHOLE
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & WHOLE
        state = (state ^ state >> 27) * 0x94D049BB133111EB & WHOLE
        state ^= state >> 31
    return state
