"""Collapsed Gibbs sampling of topics, compared with tomotopy (C++) and lda (Cython): tokens per second, and perplexity.

    python benchmarks/topics_gibbs.py [--K 50] [--workers 1] [--rounds 7] [--seconds 12] [--method auto]

All have the same corpus, alpha and eta, and learn no hyperparameter. Sweeps are timed after the first fifty, a few of
each sampler in turn, by wall and CPU time. Held-out perplexity is by document completion, with one evaluator, of
topics smoothed by eta: at equal sweeps, of our last sweep and of averaged topics; and at equal CPU time,
``--seconds`` for each worker (0 for no perplexity). ``pip install tomotopy lda`` installs the peers.
"""

import logging
import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from report import Report, make_parser, measure, median_and_range, set_threads

ALPHA, ETA, BURN_IN, HELD_OUT = 0.1, 0.01, 50, 500
INSTALLED = [name for name in ("tomotopy", "lda") if find_spec(name)]


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--tokens", type=int, default=100, help="of a document")
    parser.add_argument("--words", type=int, default=5000)
    parser.add_argument("--K", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sweeps", type=int, default=10, help="of each sampler in a round")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--method", default="auto")
    return parser.parse_args()


class TomotopySampler:
    """The peer, sweep by sweep."""

    def __init__(self, corpus, K, workers):
        from peers import make_tomotopy

        self.model, self.workers, self.V = make_tomotopy(corpus, K, seed=1), workers, corpus.V

    def sweep(self, count):
        self.model.train(count, workers=self.workers)

    def phi(self):
        from peers import tomotopy_topics

        return tomotopy_topics(self.model, self.V)["phi"]


class ZooSampler:
    """The sampler of the engine, sweep by sweep."""

    def __init__(self, corpus, K, workers, method):
        import zoo
        from inference.engines import FitRequest
        from inference.engines.gibbs.latent_dirichlet.options import TopicGibbsOptions
        from inference.engines.gibbs.latent_dirichlet.sampler import Sampler
        from inference.run.workers import WorkerPool

        model = zoo.load("latent_dirichlet", K=K, alpha=ALPHA, eta=ETA)
        table, keywords = model.bind(corpus)
        self.sampler = Sampler(FitRequest(model, keywords, table, 0, TopicGibbsOptions(method=method), False))
        self.pool = WorkerPool(workers)
        self.done = 0

    def sweep(self, count):
        for _ in range(count):
            self.sampler.sweep(self.done, self.pool)
            self.done += 1


def measure_speed(report, args, corpus):
    """Rounds of sweeps in turn."""
    import numpy as np

    zoo_sampler = ZooSampler(corpus, args.K, args.workers, args.method)
    samplers: dict[str, Any] = {"zoo": zoo_sampler}
    if "tomotopy" in INSTALLED:
        samplers["tomotopy"] = TomotopySampler(corpus, args.K, args.workers)
    for sampler in samplers.values():
        sampler.sweep(BURN_IN)
    seconds = {name: [] for name in samplers}
    for _ in range(args.rounds):
        for name, sampler in samplers.items():
            seconds[name].append(measure(sampler.sweep, args.sweeps)[1:])
    if "lda" in INSTALLED:
        seconds["lda"] = [lda_seconds(args, corpus)]
    rates = {name: corpus.total * args.sweeps / 1e6 / np.array(times) for name, times in seconds.items()}
    report.add(f"zoo: {zoo_sampler.sampler.method}, {zoo_sampler.sampler.layout.P} shards")
    for name, rate in rates.items():
        wall, cpu = np.median(rate, 0)
        ratio = rates["zoo"] / (rate if len(rate) == args.rounds else np.median(rate, 0))
        record = {"sampler": name, "million_tokens_per_second": wall, "million_tokens_per_cpu_second": cpu}
        text = f"{name:>9}: {wall:6.2f} million tokens per second, best {rate[:, 0].max():.2f}, by CPU {cpu:.2f}"
        if name != "zoo":
            wall_ratio, cpu_ratio = (median_and_range(ratio[:, i], 2) for i in (0, 1))
            text += f"; ratio {wall_ratio}, by CPU time {cpu_ratio}"
            record |= {"ratio": np.median(ratio[:, 0]), "cpu_ratio": np.median(ratio[:, 1])}
        report.add(text, **record)


def lda_seconds(args, corpus):
    """Wall and CPU seconds of lda's sweeps; it cannot resume, so that a run of one sweep is subtracted."""
    lda, counts = import_module("lda"), corpus.dense()
    logging.getLogger("lda").setLevel(logging.ERROR)

    def run(sweeps):
        lda.LDA(args.K, n_iter=sweeps, alpha=ALPHA, eta=ETA, random_state=1, refresh=10_000).fit(counts)

    few, many = measure(run, 1), measure(run, 1 + args.sweeps)
    return many.wall - few.wall, many.cpu - few.cpu


def measure_quality(report, args, corpus, held_out, true_phi):
    """Perplexity at equal sweeps and at equal time."""
    import inference
    import zoo
    from inference.analysis.topics import perplexity

    def evaluate(phi):
        return perplexity(phi, held_out, alpha=ALPHA).per_word

    truth = evaluate(true_phi)
    report.add(
        f"perplexity of {held_out.N} held-out documents; of the topics of the simulation: {truth:.1f}", truth=truth
    )
    model = zoo.load("latent_dirichlet", K=args.K, alpha=ALPHA, eta=ETA)

    def fit_zoo(num_warmup, num_samples):
        options = {"num_draws": 0, "threads": args.workers, "method": args.method, "seed": 0}
        return inference.fit(model, corpus, "gibbs", num_warmup=num_warmup, num_samples=num_samples, **options)

    budget = args.seconds * args.workers
    peer, cpu, sweeps = TomotopySampler(corpus, args.K, args.workers), 0.0, 0
    while cpu < budget:
        cpu += measure(peer.sweep, args.sweeps).cpu
        sweeps += args.sweeps
    peer_value = evaluate(peer.phi())
    text = f"tomotopy, CPU {cpu:.1f} s, {sweeps} sweeps: {peer_value:.1f}"
    report.add(text, sampler="tomotopy", cpu=cpu, sweeps=sweeps, perplexity=peer_value)
    last = evaluate(fit_zoo(sweeps - 1, 1).params["phi"])
    average = evaluate(fit_zoo(sweeps // 2, sweeps - sweeps // 2).params["phi"])
    text = f"zoo, {sweeps} sweeps: {average:.1f} averaged over the second half, {last:.1f} of the last sweep"
    report.add(text, sampler="zoo", sweeps=sweeps, perplexity=average, perplexity_of_last_sweep=last)
    pace = measure(fit_zoo, BURN_IN, BURN_IN).cpu / (2 * BURN_IN)
    sweeps = int(budget / pace)
    fit, _, cpu = measure(fit_zoo, sweeps // 2, sweeps - sweeps // 2)
    value = evaluate(fit.params["phi"])
    text = f"zoo, CPU {cpu:.1f} s, {sweeps} sweeps: {value:.1f}, {100 * (1 - value / peer_value):.1f}% below tomotopy"
    report.add(text, sampler="zoo", cpu=cpu, sweeps=sweeps, perplexity=value)


def main(args):
    from zoo.data.corpus.synthetic import sample_lda

    report = Report(__file__, args)
    size = args.documents + HELD_OUT
    corpus, true_phi, _ = sample_lda(size, args.tokens, args.words, args.K, ALPHA, ETA, seed=0)
    train, held_out = corpus.take(slice(0, args.documents)), corpus.take(slice(args.documents, size))
    report.add(f"{train}, K={args.K}, {args.workers} workers; load average {os.getloadavg()[0]:.1f}")
    for name in sorted({"tomotopy", "lda"} - set(INSTALLED)):
        print(f"{name} is not installed, and is not compared: pip install {name}")
    measure_speed(report, args, train)
    if args.seconds and "tomotopy" in INSTALLED:
        measure_quality(report, args, train, held_out, true_phi)
    report.write()


if __name__ == "__main__":
    set_threads(1)
    main(parse_arguments())
