"""All chains of a fit of latent_dirichlet, swept side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.gibbs.latent_dirichlet import learning
from inference.engines.gibbs.latent_dirichlet.chains import Chain
from inference.engines.gibbs.latent_dirichlet.layout import laid_out
from inference.engines.gibbs.options import GibbsOptions
from inference.engines.gibbs.record import SamplerEstimate
from zoo import ZooError
from zoo.data.corpus import Corpus

MANY = 250  # topics from which lists are the quicker


class Sampler:
    """``sweep``, ``record`` and ``draw`` for ``gibbs/running.py``; the options are checked."""

    def __init__(self, request: FitRequest[GibbsOptions]):
        self.request, self.options = request, request.options
        keywords, corpus = request.keywords, cast(Corpus, request.table["w"])
        self.K, self.V = keywords["K"], keywords["V"]
        learns = [word for word in ("learn_alpha", "learn_eta") if getattr(self.options, word)]
        self.cool = self.options.num_warmup // 2  # sweeps until alpha and eta are what they are to be
        if learns and self.options.num_warmup < 2 * learning.EVERY:
            given = f"num_warmup={self.options.num_warmup}"
            raise ZooError(f"{learns[0]} wants num_warmup from {2 * learning.EVERY} up, to learn in; given {given}")
        self.layout = laid_out(corpus, self.options.shards)
        self.method = self.options.method
        if self.method == "auto":
            self.method = "sparse" if self.K >= MANY else "dense"
        alpha = np.broadcast_to(np.asarray(keywords["alpha"], float), self.K).copy()
        given = alpha, float(keywords["eta"]), self.V, self.method
        self.chains = [Chain(self.layout, (request.seed, c), *given) for c in range(self.options.num_chains)]

    @property
    def jobs(self) -> int:
        """How many blocks can be swept side by side."""
        return self.layout.P * len(self.chains)

    def sweep(self, number: int, pool: ThreadPoolExecutor | None) -> None:
        """Draw the topics of all tokens once, in every chain; without a pool one block after another."""
        heat = self.options.anneal ** max(0.0, 1 - number / max(self.cool, 1))
        for turn in range(self.layout.P):
            jobs = [chain.blocks(number, turn, heat) for chain in self.chains]
            if pool is None:
                done = [[run() for run in blocks] for blocks in jobs]
            else:
                begun = [[pool.submit(run) for run in blocks] for blocks in jobs]
                done = [[job.result() for job in blocks] for blocks in begun]
            for chain, totals in zip(self.chains, done, strict=True):
                chain.gather(totals)

    def learn(self, number: int) -> None:
        """Bring alpha and eta up to date, if it is time to."""
        wanted = self.options.learn_alpha, self.options.learn_eta
        if any(wanted) and number >= self.cool and number % learning.EVERY == 0:
            for chain in self.chains:
                chain.learn(*wanted)

    def record(self, keep: bool) -> np.ndarray:
        """log p(w, z | alpha, eta) of each chain; ``keep``: this sweep is one over which is averaged."""
        return np.array([c.tallied(keep).log_joint(c.alpha, c.eta, self.V) for c in self.chains])

    def draw(self, number: int) -> dict[str, np.ndarray]:
        """A draw of each chain, (chain, *shape)."""
        phi, theta = zip(*(chain.draw(number) for chain in self.chains), strict=True)
        return {"phi": np.stack(phi), "theta": np.stack(theta)}

    def state(self) -> dict[str, np.ndarray]:
        """All that the rest of the run depends on."""
        return {f"{c}/{n}": v for c, chain in enumerate(self.chains) for n, v in chain.state().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from that state."""
        for c, chain in enumerate(self.chains):
            chain.restore({n.split("/", 1)[1]: v for n, v in state.items() if n.split("/", 1)[0] == str(c)})

    def estimate(self, best: int) -> SamplerEstimate:
        """The estimate of the best chain from the sweeps it kept."""
        chain, learned = self.chains[best], {}
        phi, theta = chain.means()
        if self.options.learn_alpha:
            learned["alpha"] = float(chain.alpha[0]) if self.options.learn_alpha == "symmetric" else chain.alpha
        if self.options.learn_eta:
            learned["eta"] = chain.eta
        about = {"method": self.method, "shards": self.layout.P, "tokens": len(self.layout.words)}
        return SamplerEstimate({"phi": phi}, {"theta": theta}, learned, about)
