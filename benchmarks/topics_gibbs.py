"""Collapsed Gibbs sampling of topics beside tomotopy (C++) and lda (Cython): tokens per second, and perplexity.

    python benchmarks/topics_gibbs.py [--K 50] [--workers 1] [--rounds 7] [--seconds 12] [--method auto]

Everyone has the same corpus, alpha and eta, and learns neither. Speed is of sweeps after the first fifty, in turn, a
few of each at a time, by the clock and by the CPU. Held-out perplexity is by document completion, one evaluator for
all, of topics smoothed by eta: after as many sweeps of each, by our last sweep alone and averaged; and after so many
seconds of the workers' CPU time (0 for no perplexity). ``pip install tomotopy lda`` brings the peers.
"""

import argparse
import os
import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

ALPHA, ETA, BURN_IN, HELD_OUT = 0.1, 0.01, 50, 500
PEERS = {n: import_module(n) for n in ("tomotopy", "lda") if find_spec(n)}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--tokens", type=int, default=100, help="of a document")
    parser.add_argument("--words", type=int, default=5000)
    parser.add_argument("--K", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sweeps", type=int, default=10, help="of each in a round")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--method", default="auto")
    return parser.parse_args()


class Tomotopy:
    """The peer, sweep by sweep."""

    def __init__(self, corpus, K, workers):
        import numpy as np

        optional = PEERS["tomotopy"]
        self.model = optional.LDAModel(k=K, alpha=ALPHA, eta=ETA, seed=1, tw=optional.TermWeight.ONE)
        self.model.optim_interval, self.workers, self.V = 0, workers, corpus.V
        for n in range(corpus.N):
            row = slice(corpus.indptr[n], corpus.indptr[n + 1])
            self.model.add_doc([str(w) for w in np.repeat(corpus.words[row], corpus.counts[row])])

    def sweep(self, count):
        self.model.train(count, workers=self.workers)

    def topics(self):
        import numpy as np

        from inference.analysis.topics import smoothed

        with_eta = np.array([self.model.get_topic_word_dist(k, normalize=False) for k in range(self.model.k)])
        return smoothed(np.maximum(with_eta - ETA, 0), ETA, words=[int(w) for w in self.model.used_vocabs], V=self.V)


class Ours:
    """The sampler of inference/gibbs, sweep by sweep."""

    def __init__(self, corpus, K, workers, method):
        import zoo
        from inference.engines import FitRequest
        from inference.engines.gibbs.latent_dirichlet.sampler import Sampler
        from inference.engines.gibbs.options import GibbsOptions
        from inference.run.workers import WorkerPool

        model = zoo.load("latent_dirichlet", K=K, alpha=ALPHA, eta=ETA)
        table, keywords = model.bind(corpus)
        options = GibbsOptions(method=method)
        self.sampler = Sampler(FitRequest(model, keywords, table, 0, options, False))
        self.pool = WorkerPool(workers)
        self.done = 0

    def sweep(self, count):
        for _ in range(count):
            self.sampler.sweep(self.done, self.pool)
            self.done += 1


def timed(call, *args):
    """Seconds by the clock and those of the CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    call(*args)
    return time.perf_counter() - wall, time.process_time() - cpu


def spread(ratios):
    """Median and range."""
    import numpy as np

    return f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"


def speed(args, corpus):
    """Rounds of sweeps in turn; returns million tokens per second of ours, by the clock."""
    import numpy as np

    running: dict[str, Any] = {"ours": Ours(corpus, args.K, args.workers, args.method)}
    if "tomotopy" in PEERS:
        running["tomotopy"] = Tomotopy(corpus, args.K, args.workers)
    for sampler in running.values():
        sampler.sweep(BURN_IN)
    taken = {name: [] for name in running}
    for _ in range(args.rounds):
        for name, sampler in running.items():
            taken[name].append(timed(sampler.sweep, args.sweeps))
    tokens = corpus.total * args.sweeps / 1e6
    rates = {name: tokens / np.array(seconds) for name, seconds in taken.items()}
    if "lda" in PEERS:
        rates["lda"] = tokens / np.array(of_lda(args, corpus))[None]
    ours = rates["ours"]
    layout = running["ours"].sampler
    print(f"ours: {layout.method}, {layout.layout.P} shards")
    for name, rate in rates.items():
        wall, cpu = np.median(rate, 0)
        ratio = ours / rate if len(rate) == len(ours) else np.median(ours, 0) / rate
        of = (
            ""
            if name == "ours"
            else (f"; ours is {spread(ratio[:, 0])} times as fast, by CPU time {spread(ratio[:, 1])}")
        )
        print(f"{name:>9}: {wall:6.2f} million tokens per second, best {rate[:, 0].max():.2f}, by CPU {cpu:.2f}{of}")
    return float(np.median(rates["ours"][:, 0]))


def of_lda(args, corpus):
    """Seconds of some sweeps of lda, which cannot go on from where it was: those of many less those of few."""
    import logging

    logging.getLogger("lda").setLevel(logging.ERROR)
    counts = corpus.dense()

    def run(count):
        PEERS["lda"].LDA(args.K, n_iter=count, alpha=ALPHA, eta=ETA, random_state=1, refresh=10_000).fit(counts)

    few, many = timed(run, 1), timed(run, 1 + args.sweeps)
    return [b - a for a, b in zip(few, many, strict=True)]


def quality(args, corpus, held_out, truth):
    """Perplexity at equal sweeps and at equal time."""
    import inference
    import zoo
    from inference.analysis.topics import perplexity

    def said(phi):
        found = perplexity(phi, held_out, alpha=ALPHA)
        return f"{found.per_word:.1f}", found.per_word

    print(f"perplexity of {held_out.N} documents held out; by the topics that drew them: {said(truth)[0]}")
    model = zoo.load("latent_dirichlet", K=args.K, alpha=ALPHA, eta=ETA)

    def ours(num_warmup, num_samples, seed=0):
        options = {"num_draws": 0, "threads": args.workers, "method": args.method, "seed": seed}
        return inference.fit(model, corpus, "gibbs", num_warmup=num_warmup, num_samples=num_samples, **options)

    budget = args.seconds * args.workers
    peer, spent, sweeps = Tomotopy(corpus, args.K, args.workers), 0.0, 0
    while spent < budget:
        spent += timed(peer.sweep, args.sweeps)[1]
        sweeps += args.sweeps
    reached, theirs = said(peer.topics())
    print(f"tomotopy, {spent:.1f} s of CPU, {sweeps} sweeps: {reached}")
    last = said(ours(sweeps - 1, 1).params["phi"])[0]
    averaged = said(ours(sweeps // 2, sweeps - sweeps // 2).params["phi"])[0]
    print(f"ours, {sweeps} sweeps: {averaged} averaged over the second half, {last} by the last sweep alone")
    _, pace = timed(lambda: ours(BURN_IN, BURN_IN))
    total = int(budget / pace * 2 * BURN_IN)
    found = []
    spent = timed(lambda: found.append(ours(total // 2, total - total // 2)))[1]
    reached, value = said(found[0].params["phi"])
    print(f"ours, {spent:.1f} s of CPU, {total} sweeps: {reached}, {100 * (1 - value / theirs):.1f}% below tomotopy")


def main(args):
    from zoo.data.corpus.synthetic import generated

    size = args.documents + HELD_OUT
    corpus, truth, _ = generated(size, args.tokens, args.words, args.K, ALPHA, ETA, seed=0)
    trained, held_out = corpus.take(slice(0, args.documents)), corpus.take(slice(args.documents, size))
    print(f"{trained}, K={args.K}, {args.workers} workers; load average {os.getloadavg()[0]:.1f}")
    for name in ("tomotopy", "lda"):
        if name not in PEERS:
            print(f"{name} is not installed, so there is nothing to compare with: pip install {name}")
    speed(args, trained)
    if args.seconds and "tomotopy" in PEERS:
        quality(args, trained, held_out, truth)


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    main(arguments())
