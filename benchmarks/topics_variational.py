"""Variational EM of topics beside scikit-learn and gensim: CPU seconds, and the bound after as many passes.

    python benchmarks/topics_variational.py [--data synthetic] [--K 50] [--passes 40] [--rounds 3]
    python benchmarks/topics_variational.py --online [--passes 2] [--batch 256]
    python benchmarks/topics_variational.py --stream [--documents 300000]

All have the same corpus, alpha 0.1, eta 0.01, one thread, and are run in turn. Whoever found the topics, one function
gives their bound, with each document's fixed point found anew. Batch: we and scikit-learn (learning_method="batch")
begin at the same topics; pass by pass, and by the CPU time to the bound that it has after all of them. ``--online`` has
the same batches, kappa 0.7 and tau0 10 for all. ``--stream`` fits a tenth of a corpus in a mapped file online, then all
of it, and gives the memory that took. ``pip install gensim`` brings the second peer.
"""

import argparse
import os
import statistics
import tempfile
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

from em_stream import Peak

ALPHA, ETA, KAPPA, TAU0 = 0.1, 0.01, 0.7, 10.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="synthetic", help="or a data set, as ap")
    parser.add_argument("--documents", type=int, help="of the synthetic corpus: 5,000, and 300,000 to stream")
    parser.add_argument("--tokens", type=int, default=100, help="of a synthetic document")
    parser.add_argument("--words", type=int, default=5000, help="of the synthetic corpus")
    parser.add_argument("--K", type=int, default=50)
    parser.add_argument("--passes", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=256, help="documents, online")
    parser.add_argument("--threads", type=int, default=1, help="to stream by")
    parser.add_argument("--online", action="store_true")
    parser.add_argument("--stream", action="store_true")
    return parser.parse_args()


def corpus_of(args):
    from zoo import datasets
    from zoo.data.corpus.synthetic import generated

    if args.data != "synthetic":
        return datasets.observed(args.data)
    return generated(args.documents or 5000, args.tokens, args.words, args.K, ALPHA, ETA, seed=0)[0]


def bound(lam, corpus):
    """The evidence lower bound per token in nats of topics lam (V, K), each document at its fixed point."""
    import numpy as np

    from inference.engines.em.latent_dirichlet.e_step import dirichlet_factors, e_step, uniform_gamma
    from inference.run.workers import WorkerPool

    alpha, lam = np.full(lam.shape[1], ALPHA), np.ascontiguousarray(lam, float)
    with WorkerPool(1) as pool:
        factors = dirichlet_factors(lam, lam.sum(0), pool)
        posteriors = e_step(corpus, factors, alpha, uniform_gamma(corpus, alpha), 1e-5, 1000, pool)
    return (posteriors.elbo_term + factors.elbo_term(ETA)) / corpus.total


class Ours:
    """Our engine pass by pass: what ``inference.fit(model, corpus, "em")`` does, and stops nowhere."""

    def __init__(self, corpus, K):
        import zoo
        from inference.engines import FitRequest
        from inference.engines.em.latent_dirichlet.batch import LatentDirichletEM
        from inference.engines.em.latent_dirichlet.options import VariationalEMOptions, prepare_options
        from inference.run.workers import WorkerPool

        model = zoo.load("latent_dirichlet", K=K, alpha=ALPHA, eta=ETA)
        table, keywords = model.bind(corpus)
        options = VariationalEMOptions(threads=1, start={"lambda": first(K, corpus.V)})
        self.opening = options.opening
        request = FitRequest(model, keywords, table, 0, options, False)
        self.algorithm = LatentDirichletEM(request, prepare_options(request), WorkerPool(1))
        self.state, self.done = self.algorithm.initialize(0), 0

    def one_pass(self):
        em, opening = self.algorithm, self.done < self.opening
        self.state = em.opening_pass(self.state) if opening else em.step(self.state)[0]
        self.done += 1

    @property
    def lam(self):
        return self.state.lam


class ScikitLearn:
    """The peer pass by pass: what its ``fit`` does, one call for each pass."""

    def __init__(self, corpus, K):
        from sklearn.decomposition import LatentDirichletAllocation

        self.counts, size = corpus.sparse().astype(float), corpus.N
        self.model = LatentDirichletAllocation(
            K, doc_topic_prior=ALPHA, topic_word_prior=ETA, learning_method="batch", batch_size=size, random_state=3
        )
        self.model._init_latent_vars(corpus.V)
        assert (self.model.components_ == first(K, corpus.V)).all()

    def one_pass(self):
        self.model._em_step(self.counts, total_samples=self.counts.shape[0], batch_update=True)

    @property
    def lam(self):
        return self.model.components_.T


def first(K, V):
    """The topics at which scikit-learn begins by random_state=3, (K, V)."""
    import numpy as np

    return np.random.RandomState(3).gamma(100.0, 0.01, (K, V))


def timed(function):
    begun = time.process_time()
    function()
    return time.process_time() - begun


def batch(args):
    corpus = corpus_of(args)
    passes = args.passes or 40
    print(f"{corpus}, K={args.K}; load average {os.getloadavg()[0]:.1f}")
    warmed = Ours(corpus.take(slice(0, 20)), args.K)
    for _ in range(warmed.opening + 1):
        warmed.one_pass()
    looked = sorted({1, 2, 5, 10, 15, 20, 30, passes})
    ratios, reached = [], []
    for turn in range(args.rounds):
        ours, theirs = Ours(corpus, args.K), ScikitLearn(corpus, args.K)
        seconds = {"ours": [], "theirs": []}
        heights = []  # ours, pass by pass
        for done in range(1, passes + 1):
            seconds["ours"].append(timed(ours.one_pass))
            seconds["theirs"].append(timed(theirs.one_pass))
            heights.append(bound(ours.lam, corpus))
            if turn == 0 and done in looked:
                spent = [sum(seconds[who]) for who in ("ours", "theirs")]
                print(
                    f"pass {done:3}: ours {heights[-1]:.4f} nats per token, {spent[0]:6.2f} s; scikit-learn "
                    f"{bound(theirs.lam, corpus):.4f}, {spent[1]:6.2f} s"
                )
        final = bound(theirs.lam, corpus)
        until = next((i + 1 for i, height in enumerate(heights) if height >= final), None)
        ratios.append(statistics.median(t / o for t, o in zip(seconds["theirs"], seconds["ours"], strict=True)))
        if until:
            reached.append(sum(seconds["theirs"]) / sum(seconds["ours"][:until]))
        said = f"reached after {until} passes, {reached[-1]:.1f} times sooner" if until else "not reached"
        print(f"round {turn}: a pass {ratios[-1]:.1f} times as fast (median); its last bound {said}", flush=True)
    print(f"per pass: {statistics.median(ratios):.1f} times scikit-learn ({min(ratios):.1f} to {max(ratios):.1f})")
    if reached:
        middle = statistics.median(reached)
        print(f"to its bound: {middle:.1f} times sooner ({min(reached):.1f} to {max(reached):.1f})")


def online(args):
    import inference
    import zoo

    corpus = corpus_of(args)
    K, passes = args.K, args.passes or 2
    model = zoo.load("latent_dirichlet", K=K, alpha=ALPHA, eta=ETA)
    options = {"online": True, "kappa": KAPPA, "tau0": TAU0, "batch_size": args.batch, "threads": 1}

    def ours(seed):
        return inference.fit(model, corpus, "em", num_passes=passes, seed=seed, **options).state["lambda"].T

    def scikit_learn(seed):
        from sklearn.decomposition import LatentDirichletAllocation

        peer = LatentDirichletAllocation(
            K, doc_topic_prior=ALPHA, topic_word_prior=ETA, learning_method="online", learning_decay=KAPPA,
            learning_offset=TAU0, batch_size=args.batch, max_iter=passes, random_state=seed,
        )  # fmt: skip
        return peer.fit(corpus.sparse()).components_.T

    def gensim(seed):
        from gensim.matutils import Sparse2Corpus
        from gensim.models import LdaModel

        documents = Sparse2Corpus(corpus.sparse().T.tocsc())
        peer = LdaModel(
            documents, K, {v: str(v) for v in range(corpus.V)}, passes=passes, chunksize=args.batch, update_every=1,
            alpha=[ALPHA] * K, eta=ETA, decay=KAPPA, offset=TAU0, iterations=100, random_state=seed, eval_every=None,
        )  # fmt: skip
        return peer.state.get_lambda().T

    print(f"{corpus}, K={K}, {passes} passes, {args.batch} documents at a time; load average {os.getloadavg()[0]:.1f}")
    inference.fit(model, corpus.take(slice(0, 20)), "em", **options)  # compiled
    everyone = [ours, scikit_learn, *([gensim] if find_spec("gensim") else [])]
    seconds, heights = {f: [] for f in everyone}, {f: [] for f in everyone}
    for turn in range(args.rounds):
        for who in everyone:
            begun = time.process_time()
            lam = who(turn)
            seconds[who].append(time.process_time() - begun)
            heights[who].append(bound(lam, corpus))
    for who in everyone:
        times = statistics.median(t / o for t, o in zip(seconds[who], seconds[ours], strict=True))
        print(
            f"{who.__name__:12}: {statistics.median(seconds[who]):7.2f} s of CPU, {times:5.1f} times ours; "
            f"{statistics.median(heights[who]):.4f} nats per token"
        )


def stream(args):
    import numpy as np

    import inference
    import zoo
    from zoo.data.corpus import Corpus, folder
    from zoo.data.corpus.synthetic import documents

    N, part = args.documents or 300_000, 10_000
    rng = np.random.default_rng(0)
    phi = rng.dirichlet(np.full(args.words, ETA), args.K)

    def drawn():
        for begun in range(0, N, part):
            theta = rng.dirichlet(np.full(args.K, ALPHA), min(part, N - begun))
            yield documents(phi, theta, args.tokens, rng)

    model = zoo.load("latent_dirichlet", K=args.K, alpha=ALPHA, eta=ETA)
    options = {"online": True, "threads": args.threads}
    with tempfile.TemporaryDirectory() as place:
        kept = folder.write(drawn(), Path(place) / "corpus")
        size = sum(file.stat().st_size for file in kept.iterdir()) / 2**20
        whole = folder.load(kept)
        print(f"{whole}: {size:.0f} MiB on disk; K={args.K}, {args.threads} threads")
        inference.fit(model, whole.take(slice(0, 2000)), "em", **options)  # compiled
        for rows in (N // 10, N):
            ends = whole.indptr[rows]
            corpus = Corpus(whole.indptr[: rows + 1], whole.words[:ends], whole.counts[:ends], whole.V)
            wall, cpu = time.perf_counter(), time.process_time()
            with Peak() as peak:
                fit = inference.fit(model, corpus, "em", **options)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            theta = fit.state["theta"].nbytes / 2**20 if "theta" in fit.state else 0
            print(
                f"N={rows}: {wall:.1f} s, CPU {cpu:.1f}, {corpus.total / wall / 1e6:.2f} million tokens per second; "
                f"peak of own memory {peak.own:.0f} MiB, gamma and theta of the documents {2 * theta:.0f} of them, and "
                f"{peak.mapped:.0f} mapped; {fit.trace[-1] / corpus.total:.4f} nats per token"
            )


if __name__ == "__main__":
    given = arguments()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    warnings.simplefilter("ignore")
    (stream if given.stream else online if given.online else batch)(given)
