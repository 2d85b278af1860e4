"""Topics of other libraries as arguments of ``inference.topics.perplexity``: alpha, and phi with every word smoothed
by eta.

Each ``<library>_topics`` takes a fitted model of its library. Columns of phi are the words of the training corpus; for
libraries whose words are text, the training documents are ``as_tokens(corpus)``.

    python benchmarks/peers.py      trains each on Reuters (K = 20), and evaluates the same 45 documents
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from report import Report, make_parser, measure

from inference.analysis.topics import perplexity, smoothed
from zoo.data.corpus import Corpus

Topics = dict[str, Any]  # phi and alpha
ALPHA, ETA = 0.1, 0.01


def as_tokens(corpus: Corpus) -> list[list[str]]:
    """Documents as lists of tokens; a token is the index of its word as text."""
    names = [str(v) for v in range(corpus.V)]
    words, counts = corpus.words, corpus.counts
    return [[names[v] for v in np.repeat(words[a:b], counts[a:b])] for a, b in pairwise(corpus.indptr)]


def tomotopy_topics(model: Any, V: int) -> Topics:
    """Its counts include eta, and only words of the training documents."""
    counts = np.array([model.get_topic_word_dist(k, normalize=False) for k in range(model.k)]) - model.eta
    words = [int(word) for word in model.used_vocabs]
    return {"phi": smoothed(np.maximum(counts, 0), model.eta, words=words, V=V), "alpha": model.alpha}


def lda_topics(model: Any) -> Topics:
    """Its counts are those of the last sweep."""
    return {"phi": smoothed(model.nzw_, model.eta), "alpha": model.alpha}


def scikit_learn_topics(model: Any) -> Topics:
    """Its components are the parameters of q(phi), with the prior: phi is their mean."""
    return {"phi": model.components_ / model.components_.sum(1, keepdims=True), "alpha": model.doc_topic_prior_}


def gensim_topics(model: Any) -> Topics:
    """Its topics are the mean of q(phi), in 32 bits."""
    return {"phi": model.get_topics().astype(float), "alpha": model.alpha.astype(float)}


def make_tomotopy(corpus: Corpus, K: int, seed: int) -> Any:
    """A model of tomotopy with the documents of a corpus, that learns no hyperparameter."""
    tomotopy = import_module("tomotopy")
    model = tomotopy.LDAModel(k=K, alpha=ALPHA, eta=ETA, seed=seed, tw=tomotopy.TermWeight.ONE)
    model.optim_interval = 0
    for document in as_tokens(corpus):
        model.add_doc(document)
    return model


def make_scikit_learn(K: int, seed: int, **options: Any) -> Any:
    """A model of scikit-learn that is not yet fitted."""
    from sklearn.decomposition import LatentDirichletAllocation

    return LatentDirichletAllocation(K, doc_topic_prior=ALPHA, topic_word_prior=ETA, random_state=seed, **options)


def train_gensim(corpus: Corpus, K: int, seed: int, **options: Any) -> Any:
    """A model of gensim, trained on a corpus."""
    matutils, models = import_module("gensim.matutils"), import_module("gensim.models")
    documents = matutils.Sparse2Corpus(corpus.sparse().T.tocsc())
    names = {v: str(v) for v in range(corpus.V)}
    return models.LdaModel(
        documents, K, names, alpha=[ALPHA] * K, eta=ETA, random_state=seed, eval_every=None, **options
    )


def run_tomotopy(corpus: Corpus, K: int, sweeps: int, seed: int) -> Topics:
    model = make_tomotopy(corpus, K, seed)
    model.train(sweeps, workers=1)
    return tomotopy_topics(model, corpus.V)


def run_lda(corpus: Corpus, K: int, sweeps: int, seed: int) -> Topics:
    lda = import_module("lda")
    model = lda.LDA(n_topics=K, n_iter=sweeps, alpha=ALPHA, eta=ETA, random_state=seed, refresh=sweeps)
    return lda_topics(model.fit(corpus.dense().astype(np.int64)))


def run_scikit_learn(corpus: Corpus, K: int, sweeps: int, seed: int) -> Topics:
    model = make_scikit_learn(K, seed, max_iter=sweeps, learning_method="batch")
    return scikit_learn_topics(model.fit(corpus.sparse()))


def run_gensim(corpus: Corpus, K: int, sweeps: int, seed: int) -> Topics:
    return gensim_topics(train_gensim(corpus, K, seed, passes=sweeps, chunksize=corpus.N, update_every=0))


PEERS: dict[str, tuple[str, Callable[..., Topics], int]] = {  # package, function, and number of sweeps
    "tomotopy": ("tomotopy", run_tomotopy, 300),
    "lda": ("lda", run_lda, 300),
    "scikit-learn": ("sklearn", run_scikit_learn, 60),
    "gensim": ("gensim", run_gensim, 60),
}


def main(args: Any) -> None:
    import inference
    import zoo
    from zoo import datasets

    report = Report(__file__, args)
    corpus: Any = datasets.observed("reuters")
    order = np.random.RandomState(1).permutation(corpus.N)
    train, test = corpus.take(order[:350]), corpus.take(order[350:])
    model = zoo.load("latent_dirichlet", K=args.K, alpha=ALPHA, eta=ETA)
    results = {"gibbs": perplexity(inference.fit(model, train, "gibbs", num_warmup=200, num_samples=100), test)}
    for name, (package, run, sweeps) in PEERS.items():
        try:
            import_module(package)
        except ImportError:
            print(f"{name} is not installed: pip install {name}")
            continue
        topics, wall, _ = measure(run, train, args.K, sweeps, 1)
        report.add(f"{name}: {sweeps} sweeps, {wall:.1f} s", peer=name, sweeps=sweeps, wall=wall)
        results[name] = perplexity(topics, test)
    for name, result in results.items():
        advantage, error = results["gibbs"].better_than(result)
        text = f"{name:12}  {result.per_word:7.1f} +- {result.standard_error:5.1f}"
        record = {"method": name, "perplexity": result.per_word, "standard_error": result.standard_error}
        report.add(f"{text}   advantage of gibbs {advantage:7.4f} +- {error:.4f} nats per token", **record)
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--K", type=int, default=20)
    main(parser.parse_args())
