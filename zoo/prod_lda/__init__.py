"""ProdLDA: topics as a product of experts, in which a document's words come from one softmax of its mixed topics.

    z_n  ~ Normal(m, s)                                [N K]  the topics of document n, as unconstrained numbers
    w_nt ~ Categorical(softmax(loc + theta_n beta))    [N T]  its words, where theta_n = softmax(z_n)

m and s are those by which theta is about Dirichlet(alpha, ..., alpha): m = 0 and s^2 = (1 - 1/K) / alpha, the Laplace
approximation in the softmax basis (MacKay 1998). beta [K V] is learned by maximum likelihood. A topic raises or lowers
the log-odds of words against ``loc``, the log frequencies of the corpus, and topics multiply where those of
``latent_dirichlet`` are averaged, so that a word can be less likely than under any topic alone. The order of words
has no effect: a corpus of counts is sufficient. The guide "prod_lda" is an encoder over the bag of words,
an MLP with ``depth`` layers of ``width`` units.
"""

import numpy as np
from scipy.special import softmax

from zoo.cards import Card
from zoo.data.corpus import Corpus
from zoo.errors import ZooError


def priors(data, settings):
    """Keyword: loc [V], the log frequency of each word, each counted once more than it occurs."""
    w = data["w"]
    words, counts = (w.words, w.counts) if isinstance(w, Corpus) else (w[~np.isnan(w)].astype(int), None)
    counts_plus_one = 1 + np.bincount(words, counts, minlength=settings["V"])
    return {"loc": np.log(counts_plus_one / counts_plus_one.sum())}


def check(keywords):
    """Raise ZooError for an alpha that is not one number above 0."""
    alpha = np.asarray(keywords["alpha"])
    if alpha.dtype.kind not in "iuf" or alpha.ndim or not 0 < alpha < np.inf:
        raise ZooError(f"alpha is a number above 0; given {keywords['alpha']!r}")


def topics(params, settings):
    """The word probabilities of a document of one topic alone, softmax(loc + beta_k), (K, V)."""
    return softmax(settings["loc"] + params["beta"], axis=-1)


CARD = Card(
    name="prod_lda",
    title="ProdLDA: a topic model as a product of experts",
    citation="Srivastava, A. and Sutton, C. (2017). Autoencoding variational inference for topic models. International "
    "Conference on Learning Representations.",
    latents={"z": "real [N K]"},
    observed={"w": "word [N T]"},
    learned={"beta": "real [K V]"},
    sizes={"N": 6, "T": 5, "V": 7, "K": 2},
    priors=priors,
    empirical=("loc",),
    check=check,
    topics=topics,
    missing=("w",),
    tags=("topics", "text", "deep", "continuous"),
    shown_on="reuters",
)
