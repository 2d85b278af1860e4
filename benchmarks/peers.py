"""Topics of the peers, as ``inference.topics.perplexity`` takes them: alpha, and phi with every word smoothed by eta.

Each function takes a fitted model of its library. Columns are the words of the corpus that it was trained on; for
libraries that know words as text, training documents are those of ``texts(corpus)``.

    python benchmarks/peers.py      trains each on Reuters (K = 20), and scores the same 45 documents by the same code
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from inference.analysis.topics import perplexity, smoothed
from zoo.data.corpus import Corpus

Law = dict[str, Any]


def texts(corpus: Corpus) -> list[list[str]]:
    """Documents as tokens, each the number of its word as text."""
    names = [str(v) for v in range(corpus.V)]
    ends = corpus.indptr
    return [[names[v] for v in np.repeat(corpus.words[a:b], corpus.counts[a:b])] for a, b in pairwise(ends)]


def of_tomotopy(model: Any, V: int) -> Law:
    """Its counts hold eta already, and only words that training saw."""
    counts = np.array([model.get_topic_word_dist(k, normalize=False) for k in range(model.k)]) - model.eta
    words = [int(word) for word in model.used_vocabs]
    return {"phi": smoothed(counts, model.eta, words=words, V=V), "alpha": model.alpha}


def of_lda(model: Any) -> Law:
    """Its counts are of the last sweep."""
    return {"phi": smoothed(model.nzw_, model.eta), "alpha": model.alpha}


def of_scikit_learn(model: Any) -> Law:
    """Its components are those of q(phi), in which the prior is: their mean is phi."""
    return {
        "phi": model.components_ / model.components_.sum(1, keepdims=True),
        "alpha": model.doc_topic_prior_,
    }


def of_gensim(model: Any) -> Law:
    """Its topics are the mean of q(phi), in 32 bits."""
    return {"phi": model.get_topics().astype(float), "alpha": model.alpha.astype(float)}


def by_tomotopy(corpus: Corpus, K: int, sweeps: int, seed: int) -> Law:
    tomotopy = import_module("tomotopy")

    model = tomotopy.LDAModel(k=K, alpha=0.1, eta=0.01, seed=seed)
    model.optim_interval = 0
    for document in texts(corpus):
        model.add_doc(document)
    model.train(sweeps, workers=1)
    return of_tomotopy(model, corpus.V)


def by_lda(corpus: Corpus, K: int, sweeps: int, seed: int) -> Law:
    lda = import_module("lda")

    model = lda.LDA(n_topics=K, n_iter=sweeps, alpha=0.1, eta=0.01, random_state=seed, refresh=sweeps)
    return of_lda(model.fit(corpus.dense().astype(np.int64)))


def by_scikit_learn(corpus: Corpus, K: int, sweeps: int, seed: int) -> Law:
    from sklearn.decomposition import LatentDirichletAllocation

    model = LatentDirichletAllocation(
        K, doc_topic_prior=0.1, topic_word_prior=0.01, max_iter=sweeps, random_state=seed, learning_method="batch"
    )
    return of_scikit_learn(model.fit(corpus.sparse()))


def by_gensim(corpus: Corpus, K: int, sweeps: int, seed: int) -> Law:
    from gensim.matutils import Sparse2Corpus
    from gensim.models import LdaModel

    documents = Sparse2Corpus(corpus.sparse().T.tocsc())
    words = {v: str(v) for v in range(corpus.V)}
    model = LdaModel(
        documents, K, words, passes=sweeps, chunksize=corpus.N, update_every=0, alpha=[0.1] * K, eta=0.01,
        random_state=seed, eval_every=None,
    )  # fmt: skip
    return of_gensim(model)


PEERS: dict[str, tuple[Callable[..., Law], int]] = {  # and after how many sweeps
    "tomotopy": (by_tomotopy, 300),
    "lda": (by_lda, 300),
    "scikit-learn": (by_scikit_learn, 60),
    "gensim": (by_gensim, 60),
}


def main() -> None:
    import inference
    import zoo
    from zoo import datasets

    corpus: Any = datasets.observed("reuters")
    dealt = np.random.RandomState(1).permutation(corpus.N)
    seen, held = corpus.take(dealt[:350]), corpus.take(dealt[350:])
    model = zoo.load("latent_dirichlet", K=20, alpha=0.1, eta=0.01)
    results = {"gibbs": perplexity(inference.fit(model, seen, "gibbs", num_warmup=200, num_samples=100), held)}
    for name, (train, sweeps) in PEERS.items():
        begun = time.perf_counter()
        results[name] = perplexity(train(seen, 20, sweeps, seed=1), held)
        print(f"{name}: {sweeps} sweeps, {time.perf_counter() - begun:.1f} s")
    for name, found in results.items():
        ahead, error = results["gibbs"].better_than(found)
        print(
            f"{name:12}  {found.per_word:7.1f} +- {found.standard_error:5.1f}   gibbs ahead {ahead:7.4f} +- {error:.4f}"
        )


if __name__ == "__main__":
    main()
