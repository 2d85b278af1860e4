"""Variational EM of topics, compared with scikit-learn and gensim: CPU time, and the bound after equal passes.

    python benchmarks/topics_variational.py [--data synthetic] [--K 50] [--passes 40] [--rounds 3]
    python benchmarks/topics_variational.py --online [--passes 2] [--batch 256]
    python benchmarks/topics_variational.py --stream [--documents 300000]

All have the same corpus, alpha 0.1, eta 0.01 and one thread, and runs alternate. One function computes every bound,
with each document at its fixed point. Batch: the zoo and scikit-learn (learning_method="batch") start at the same
topics; compared are passes, and the CPU time to the bound of scikit-learn after all passes. ``--online``: the same
batches, kappa 0.7 and tau0 10 for all. ``--stream`` fits a tenth of a corpus in a mapped file online, then all of it,
and measures memory. ``pip install gensim`` installs the second peer.
"""

import os
import statistics
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

from report import Report, make_parser, measure, median_and_range, set_threads

ALPHA, ETA, KAPPA, TAU0 = 0.1, 0.01, 0.7, 10.0
SEED = 3  # of the topics at which scikit-learn and the zoo start


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--data", default="synthetic", help="or a data set, as ap")
    parser.add_argument("--documents", type=int, help="of the synthetic corpus: 5,000, and 300,000 with --stream")
    parser.add_argument("--tokens", type=int, default=100, help="of a synthetic document")
    parser.add_argument("--words", type=int, default=5000, help="of the synthetic corpus")
    parser.add_argument("--K", type=int, default=50)
    parser.add_argument("--passes", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=256, help="documents of a batch, with --online")
    parser.add_argument("--threads", type=int, default=1, help="with --stream")
    parser.add_argument("--online", action="store_true")
    parser.add_argument("--stream", action="store_true")
    return parser.parse_args()


def load_corpus(args):
    from zoo import datasets
    from zoo.data.corpus.synthetic import sample_lda

    if args.data != "synthetic":
        return datasets.observed(args.data)
    return sample_lda(args.documents or 5000, args.tokens, args.words, args.K, ALPHA, ETA, seed=0)[0]


def bound(lam, corpus):
    """The evidence lower bound of topics lam (V, K) in nats per token, with each document at its fixed point."""
    import numpy as np

    from inference.engines.em.latent_dirichlet.e_step import dirichlet_factors, e_step, uniform_gamma
    from inference.run.workers import WorkerPool

    alpha, lam = np.full(lam.shape[1], ALPHA), np.ascontiguousarray(lam, float)
    with WorkerPool(1) as pool:
        factors = dirichlet_factors(lam, lam.sum(0), pool)
        posteriors = e_step(corpus, factors, alpha, uniform_gamma(corpus, alpha), 1e-5, 1000, pool)
    return (posteriors.elbo_term + factors.elbo_term(ETA)) / corpus.total


class ZooEM:
    """``inference.fit(model, corpus, "em")`` pass by pass, without its stopping rule."""

    def __init__(self, corpus, K):
        import zoo
        from inference.engines import FitRequest
        from inference.engines.em.latent_dirichlet.batch import LatentDirichletEM
        from inference.engines.em.latent_dirichlet.options import VariationalEMOptions, prepare_options
        from inference.run.workers import WorkerPool

        model = zoo.load("latent_dirichlet", K=K, alpha=ALPHA, eta=ETA)
        table, keywords = model.bind(corpus)
        options = VariationalEMOptions(threads=1, start={"lambda": initial_topics(K, corpus.V)})
        self.opening = options.opening
        request = FitRequest(model, keywords, table, 0, options, False)
        self.algorithm = LatentDirichletEM(request, prepare_options(request), WorkerPool(1))
        self.state, self.passes = self.algorithm.initialize(0), 0

    def run_pass(self):
        em, is_opening = self.algorithm, self.passes < self.opening
        self.state = em.opening_pass(self.state) if is_opening else em.step(self.state)[0]
        self.passes += 1

    @property
    def lam(self):
        return self.state.lam


class ScikitLearnEM:
    """The ``fit`` of scikit-learn pass by pass."""

    def __init__(self, corpus, K):
        from peers import make_scikit_learn

        self.counts = corpus.sparse().astype(float)
        self.model = make_scikit_learn(K, SEED, learning_method="batch", batch_size=corpus.N)
        self.model._init_latent_vars(corpus.V)
        assert (self.model.components_ == initial_topics(K, corpus.V)).all()

    def run_pass(self):
        self.model._em_step(self.counts, total_samples=self.counts.shape[0], batch_update=True)

    @property
    def lam(self):
        return self.model.components_.T


def initial_topics(K, V):
    """The topics (K, V) at which scikit-learn starts with ``random_state=SEED``."""
    import numpy as np

    return np.random.RandomState(SEED).gamma(100.0, 0.01, (K, V))


def compare_batch(report, args):
    corpus = load_corpus(args)
    passes = args.passes or 40
    report.add(f"{corpus}, K={args.K}; load average {os.getloadavg()[0]:.1f}")
    compiled = ZooEM(corpus.take(slice(0, 20)), args.K)
    for _ in range(compiled.opening + 1):
        compiled.run_pass()
    shown = {1, 2, 5, 10, 15, 20, 30, passes}
    ratios, time_ratios = [], []
    for round_number in range(args.rounds):
        zoo_em, peer = ZooEM(corpus, args.K), ScikitLearnEM(corpus, args.K)
        zoo_times, peer_times, zoo_bounds = [], [], []
        for number in range(1, passes + 1):
            zoo_times.append(measure(zoo_em.run_pass).cpu)
            peer_times.append(measure(peer.run_pass).cpu)
            zoo_bounds.append(bound(zoo_em.lam, corpus))
            if round_number == 0 and number in shown:
                peer_bound = bound(peer.lam, corpus)
                text = (
                    f"pass {number:3}: zoo {zoo_bounds[-1]:.4f} nats per token, {sum(zoo_times):6.2f} s; scikit-learn "
                    f"{peer_bound:.4f}, {sum(peer_times):6.2f} s"
                )
                record = {"pass": number, "zoo_bound": zoo_bounds[-1], "peer_bound": peer_bound}
                report.add(text, **record, zoo_cpu=sum(zoo_times), peer_cpu=sum(peer_times))
        peer_bound = bound(peer.lam, corpus)
        needed = next((i + 1 for i, value in enumerate(zoo_bounds) if value >= peer_bound), None)
        ratios.append(statistics.median(p / z for p, z in zip(peer_times, zoo_times, strict=True)))
        text = "its last bound not reached"
        if needed:
            time_ratios.append(sum(peer_times) / sum(zoo_times[:needed]))
            text = f"its last bound after {needed} passes, {time_ratios[-1]:.1f} times sooner"
        report.add(f"round {round_number}: a pass {ratios[-1]:.1f} times as fast (median); {text}")
    text = f"per pass: {median_and_range(ratios)} times as fast as scikit-learn"
    report.add(text, ratio_per_pass=statistics.median(ratios))
    if time_ratios:
        text = f"to its bound: {median_and_range(time_ratios)} times sooner"
        report.add(text, ratio_to_bound=statistics.median(time_ratios))


def compare_online(report, args):
    from peers import make_scikit_learn, train_gensim

    import inference
    import zoo

    corpus = load_corpus(args)
    K, passes = args.K, args.passes or 2
    model = zoo.load("latent_dirichlet", K=K, alpha=ALPHA, eta=ETA)
    options = {"online": True, "kappa": KAPPA, "tau0": TAU0, "batch_size": args.batch, "threads": 1}

    def run_zoo(seed):
        return inference.fit(model, corpus, "em", num_passes=passes, seed=seed, **options).state["lambda"].T

    def run_scikit_learn(seed):
        schedule = {"learning_method": "online", "learning_decay": KAPPA, "learning_offset": TAU0}
        peer = make_scikit_learn(K, seed, batch_size=args.batch, max_iter=passes, **schedule)
        return peer.fit(corpus.sparse()).components_.T

    def run_gensim(seed):
        schedule = {"decay": KAPPA, "offset": TAU0, "update_every": 1, "iterations": 100}
        return train_gensim(corpus, K, seed, passes=passes, chunksize=args.batch, **schedule).state.get_lambda().T

    batches = f"{passes} passes, batches of {args.batch}"
    report.add(f"{corpus}, K={K}, {batches}; load average {os.getloadavg()[0]:.1f}")
    inference.fit(model, corpus.take(slice(0, 20)), "em", **options)  # compiles
    methods = {"zoo": run_zoo, "scikit-learn": run_scikit_learn}
    if find_spec("gensim"):
        methods["gensim"] = run_gensim
    seconds, bounds = {name: [] for name in methods}, {name: [] for name in methods}
    for seed in range(args.rounds):
        for name, run in methods.items():
            timing = measure(run, seed)
            seconds[name].append(timing.cpu)
            bounds[name].append(bound(timing.result, corpus))
    for name in methods:
        cpu, nats = statistics.median(seconds[name]), statistics.median(bounds[name])
        ratio = statistics.median(t / z for t, z in zip(seconds[name], seconds["zoo"], strict=True))
        text = f"{name:12}: CPU {cpu:7.2f} s, {ratio:5.1f} times that of the zoo; {nats:.4f} nats per token"
        report.add(text, method=name, cpu=cpu, ratio=ratio, nats_per_token=nats)


def measure_stream(report, args):
    import numpy as np
    from memory import PeakMemory, can_measure

    import inference
    import zoo
    from zoo.data.corpus import Corpus, folder
    from zoo.data.corpus.synthetic import sample_documents

    if not can_measure():
        return
    N, block = args.documents or 300_000, 10_000
    rng = np.random.default_rng(0)
    phi = rng.dirichlet(np.full(args.words, ETA), args.K)

    def simulate():
        for first in range(0, N, block):
            theta = rng.dirichlet(np.full(args.K, ALPHA), min(block, N - first))
            yield sample_documents(phi, theta, args.tokens, rng)

    model = zoo.load("latent_dirichlet", K=args.K, alpha=ALPHA, eta=ETA)
    options = {"online": True, "threads": args.threads}
    with tempfile.TemporaryDirectory() as place:
        path = folder.write(simulate(), Path(place) / "corpus")
        size = sum(file.stat().st_size for file in path.iterdir()) / 2**20
        stored = folder.load(path)
        report.add(f"{stored}: {size:.0f} MiB on disk; K={args.K}, {args.threads} threads")
        inference.fit(model, stored.take(slice(0, 2000)), "em", **options)  # compiles
        for rows in (N // 10, N):
            end = stored.indptr[rows]
            corpus = Corpus(stored.indptr[: rows + 1], stored.words[:end], stored.counts[:end], stored.V)
            with PeakMemory() as peak:
                timing = measure(lambda corpus=corpus: inference.fit(model, corpus, "em", **options))
            fit, wall, cpu = timing
            theta = fit.state["theta"].nbytes / 2**20 if "theta" in fit.state else 0
            nats = fit.trace[-1] / corpus.total
            text = (
                f"N={rows}: {wall:.1f} s, CPU {cpu:.1f}, {corpus.total / wall / 1e6:.2f} million tokens per second; "
                f"peak memory {peak.own:.0f} MiB, of which gamma and theta are {2 * theta:.0f}, and "
                f"{peak.mapped:.0f} mapped; {nats:.4f} nats per token"
            )
            report.add(text, documents=rows, wall=wall, cpu=cpu, own_mib=peak.own, nats_per_token=nats)


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(1)
    warnings.simplefilter("ignore")
    report = Report(__file__, args)
    run = measure_stream if args.stream else compare_online if args.online else compare_batch
    run(report, args)
    report.write()
