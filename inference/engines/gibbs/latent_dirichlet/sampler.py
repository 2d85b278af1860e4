"""The collapsed sampler of latent Dirichlet allocation: its chains, swept side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.gibbs.contract import SamplerEstimate
from inference.engines.gibbs.dirichlet import draw_dirichlet
from inference.engines.gibbs.latent_dirichlet.counts import METHODS, CountHistograms, Histogram, count_documents
from inference.engines.gibbs.latent_dirichlet.layout import TokenLayout, make_layout
from inference.engines.gibbs.latent_dirichlet.options import TopicGibbsOptions
from inference.engines.gibbs.latent_dirichlet.start import draw_topics
from inference.engines.gibbs.latent_dirichlet.vectors import padded_size
from inference.run.random_streams import as_uint64, combined_stream
from inference.run.workers import WorkerPool
from zoo import ZooError
from zoo.data.corpus import Corpus
from zoo.types import Keywords

SPARSE_FROM = 250  # topics from which lists are faster than a table
LEARN_EVERY = 10  # sweeps
ANNEAL = 10.0  # from random topics


class Sampler:
    """All chains of a fit; fulfils ``inference.engines.gibbs.contract.GibbsSampler``."""

    usual_start = "random topics"

    def __init__(self, request: FitRequest[TopicGibbsOptions]):
        self.request, self.options = request, request.options
        keywords, corpus = request.keywords, cast(Corpus, request.table["w"])
        self.K, self.V = keywords["K"], keywords["V"]
        learned = [name for name in ("learn_alpha", "learn_eta") if getattr(self.options, name)]
        self.annealing = self.options.num_warmup // 2  # sweeps until alpha and eta have their own values
        self.anneal = self.options.anneal or (ANNEAL if self.options.start is None else 1.0)
        if learned and self.options.num_warmup < 2 * LEARN_EVERY:
            value = f"given num_warmup={self.options.num_warmup}"
            raise ZooError(f"{learned[0]} needs num_warmup of {2 * LEARN_EVERY} or more, to learn during it; {value}")
        self.layout = make_layout(corpus, self.options.shards)
        self.method = self.options.method
        if self.method == "auto":
            self.method = "sparse" if self.K >= SPARSE_FROM else "dense"
        alpha = np.broadcast_to(np.asarray(keywords["alpha"], float), self.K).copy()
        arguments = alpha, float(keywords["eta"]), self.V, self.method
        self.chains = [Chain(self.layout, (request.seed, c), *arguments) for c in range(self.options.num_chains)]

    @property
    def num_jobs(self) -> int:
        """Number of blocks that can be swept side by side."""
        return self.layout.P * len(self.chains)

    def begin(self, starts: Sequence[Mapping[str, np.ndarray]]) -> None:
        """Begin at topics of the tokens given phi and theta."""
        for chain, given in zip(self.chains, starts, strict=True):
            chain.begin(given)

    def sweep(self, number: int, pool: WorkerPool) -> None:
        """Draw the topics of all tokens once, in every chain."""
        heat = self.anneal ** max(0.0, 1 - number / max(self.annealing, 1))
        P = self.layout.P
        for turn in range(P):
            totals = pool.run([job for chain in self.chains for job in chain.jobs(number, turn, heat)])
            for c, chain in enumerate(self.chains):
                chain.merge_totals(totals[c * P : (c + 1) * P])

    def learn(self, number: int) -> None:
        """Update alpha and eta, at the sweeps at which this is due."""
        options = self.options.learn_alpha, self.options.learn_eta
        if any(options) and number >= self.annealing and number % LEARN_EVERY == 0:
            for chain in self.chains:
                chain.learn(*options)

    def record(self, keep: bool) -> np.ndarray:
        """log p(w, z | alpha, eta) of each chain; ``keep``: add this sweep to the averages."""
        return np.array([c.histograms(keep).log_joint(c.alpha, c.eta, self.V) for c in self.chains])

    def draw(self, number: int) -> dict[str, np.ndarray]:
        """A draw of phi and theta in each chain, (chain, *shape)."""
        phi, theta = zip(*(chain.draw(number) for chain in self.chains), strict=True)
        return {"phi": np.stack(phi), "theta": np.stack(theta)}

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the run depends on."""
        return {f"{c}/{n}": v for c, chain in enumerate(self.chains) for n, v in chain.state().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state."""
        for c, chain in enumerate(self.chains):
            chain.restore({n.split("/", 1)[1]: v for n, v in state.items() if n.split("/", 1)[0] == str(c)})

    def estimate(self, best: int) -> SamplerEstimate:
        """The estimate by the sweeps that one chain averages."""
        chain = self.chains[best]
        keywords: Keywords = {}
        phi, theta = chain.means()
        if self.options.learn_alpha:
            keywords["alpha"] = float(chain.alpha[0]) if self.options.learn_alpha == "symmetric" else chain.alpha
        if self.options.learn_eta:
            keywords["eta"] = chain.eta
        return SamplerEstimate(
            params={"phi": phi},
            state={"theta": theta},
            keywords=keywords,
            method=self.method,
            shards=self.layout.P,
            tokens=len(self.layout.words),
        )


class Chain:
    """One chain: the topic of every token, the counts that follow from it, and sums over the sweeps to average.

    seed: the seed and the number of the chain. alpha: (K,). method: a key of ``counts.METHODS``.
    """

    def __init__(self, layout: TokenLayout, seed: tuple[int, int], alpha: np.ndarray, eta: float, V: int, method: str):
        self.layout, self.seed, self.alpha, self.eta, self.V = layout, seed, alpha, eta, V
        self.K, self.method = len(alpha), method
        self.dtype = np.uint16 if self.K <= 1 << 16 else np.int32
        self.set_topics(np.random.default_rng(seed).integers(0, self.K, len(layout.words), self.dtype))
        self.num_averaged = 0
        self.phi_sum, self.theta_sum = np.zeros((V, self.K)), np.zeros((layout.N, self.K), np.int64)
        self.share_sum = np.zeros(self.K)

    def begin(self, given: Mapping[str, np.ndarray]) -> None:
        """Draw the topics of the tokens given phi (K, V), theta (N, K), or both."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(1,)))
        self.set_topics(draw_topics(self.layout, self.K, given, rng).astype(self.dtype))

    def set_topics(self, topics: np.ndarray) -> None:
        """Give the tokens these topics, and count them."""
        self.topics = topics
        self.counts = METHODS[self.method](self.layout, topics, self.K, self.V)
        self.totals = np.bincount(topics, minlength=padded_size(self.K))

    def jobs(self, sweep: int, turn: int, heat: float = 1.0) -> list[Callable[[], np.ndarray]]:
        """The jobs of one turn of a sweep, which may run in any order or side by side; each returns the new totals.

        In turn t shard p sweeps the words of group p + t, so that no two shards share a document or a word. heat: the
        factor by which alpha and eta are larger than their values.
        """
        documents, P = self.layout.documents, self.layout.P
        alpha = np.zeros(padded_size(self.K), np.float32)
        alpha[: self.K] = heat * self.alpha
        eta = np.float32(heat * self.eta)

        def job(shard: int) -> Callable[[], np.ndarray]:
            def run() -> np.ndarray:
                totals = self.totals.copy()
                state = np.uint64(combined_stream(as_uint64(*self.seed, sweep, turn, shard)))
                block = int(documents[shard]), int(documents[shard + 1]), (shard + turn) % P
                self.counts.sweep(block, self.layout, self.topics, totals, alpha, eta, state)
                return totals

            return run

        return [job(shard) for shard in range(P)]

    def merge_totals(self, totals: list[np.ndarray]) -> None:
        """Update the totals from those that each shard returned."""
        self.totals = self.totals + sum(shard - self.totals for shard in totals)

    def histograms(self, keep: bool = False) -> CountHistograms:
        """Histograms of all counts; ``keep``: add this sweep to the averages."""
        lengths = self.layout.ends[:, -1] - self.layout.ends[:, 0]
        histogram = self._empty_histogram()
        count_documents(self.layout.ends, self.topics, histogram, self.theta_sum if keep else self.theta_sum[:0])
        by_topic = [Histogram(sizes, times[sizes]) for times in histogram for sizes in (np.flatnonzero(times),)]
        if keep:
            shares = 1 / (self.totals[: self.K] + self.V * self.eta)
            self.counts.add_weighted(shares, self.phi_sum)
            self.share_sum += shares
            self.num_averaged += 1
        words = Histogram.from_values(self.counts.positive())
        return CountHistograms(Histogram.from_values(lengths), by_topic, words, self.totals[: self.K])

    def _empty_histogram(self) -> np.ndarray:
        lengths = self.layout.ends[:, -1] - self.layout.ends[:, 0]
        return np.zeros((self.K, int(lengths.max(initial=0)) + 1), np.int64)

    def learn(self, alpha: str | None, eta: bool) -> None:
        """Bring alpha and eta closer to their maximum given the topics of the tokens."""
        histograms = self.histograms()
        if alpha:
            self.alpha = histograms.learn_alpha(self.alpha, alpha)
        if eta:
            self.eta = histograms.learn_eta(self.eta, self.V)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """phi (K, V) and theta (N, K): their expectations given all topics, averaged over sweeps."""
        phi = ((self.phi_sum + self.eta * self.share_sum) / self.num_averaged).T[:, self.layout.numbers]
        theta = self.theta_sum / self.num_averaged + self.alpha
        return phi / phi.sum(1, keepdims=True), theta / theta.sum(1, keepdims=True)

    def draw(self, sweep: int) -> tuple[np.ndarray, np.ndarray]:
        """A draw of phi (K, V) and theta (N, K) given the topics of all tokens."""
        random = np.random.default_rng((*self.seed, sweep))
        document_counts = np.zeros((self.layout.N, self.K), np.int64)
        count_documents(self.layout.ends, self.topics, self._empty_histogram(), document_counts)
        phi = draw_dirichlet(random, self.counts.as_array(self.K).T[:, self.layout.numbers] + self.eta)
        return phi, draw_dirichlet(random, document_counts + self.alpha)

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the run depends on, by the names of the checkpoints of version 0.1."""
        sums = {"phi": self.phi_sum, "theta": self.theta_sum, "shares": self.share_sum}
        numbers = {"alpha": self.alpha, "eta": np.array(self.eta), "kept": np.array(self.num_averaged)}
        return {"topics": self.topics, **numbers, **sums, **self.counts.state()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state."""
        self.set_topics(state["topics"])
        self.counts.restore(state)
        self.alpha, self.eta, self.num_averaged = state["alpha"], float(state["eta"]), int(state["kept"])
        self.phi_sum, self.theta_sum, self.share_sum = state["phi"], state["theta"], state["shares"]
