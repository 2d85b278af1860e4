"""Collapsed Gibbs sampling: each discrete latent drawn anew given all others, the continuous ones integrated out.

A model joins by a folder here, whose ``sampler.py`` has ``Sampler(task)``. Compiled code of numba does the work, on the
CPU and for both backends: a draw changes a few counts, one token after another, for which neither language is made.

``latent_dirichlet`` (Griffiths and Steyvers 2004): one sweep draws the topic of each token of the corpus. Documents and
words are dealt into ``shards``; the shards of one group of documents each are swept side by side on the cores, always
on different groups of words, so that they share no count but the K totals of the topics, which are brought together
between groups (Yan, Xu and Qi 2009). With one shard this is Gibbs sampling as it stands in the book; with more, a
total may be late by what the others did meanwhile, and the draws are of a distribution that is very near the posterior.
The draws depend on the seed and the number of shards, which by default depends on the corpus alone, and never on the
number of threads.

Options: ``num_warmup`` sweeps, then ``num_samples`` sweeps, of each of ``num_chains`` chains, of which one in ``every``
is kept: the estimate of phi, ``fit.params["phi"]``, and of theta, ``fit.state["theta"]``, is the mean over the kept
sweeps of their expectations given the topics of all tokens, by the chain with the highest mean of log p(w, z), for
topics of different chains are in different orders. ``num_draws`` sweeps, spread evenly, also give a draw of phi and
theta, which takes K V + N K numbers; 0 for none, None for 100 draws, or for as many as take 128 MiB together.
``method``, "dense" (each draw looks at all topics), "sparse" (at those of the word, for hundreds of topics) or "auto".
``learn_alpha``, None, "symmetric" or "asymmetric", and ``learn_eta``: by Minka's fixed point on the counts every tenth
sweep of the second half of the warm-up; the draws are those given the values found. ``anneal``: at first alpha and eta
are so many times as large, and fall to what they are during the first half of the warm-up, for topics that settle
slowly settle better (1 for none). ``shards``, None for what the corpus is large enough for. ``threads``, None for one a
core. ``checkpoint``, a folder in which the run is kept every ``checkpoint_every`` sweeps, and from which it goes on.

The trace is log p(w, z | alpha, eta) in nats, in closed form, of every kept sweep and as often during warm-up.
"""

from __future__ import annotations

from pathlib import Path

from zoo import Card

OPTIONS = {
    "num_warmup": 500,
    "num_samples": 500,
    "num_chains": 1,
    "num_draws": None,
    "every": 5,
    "anneal": 10.0,
    "method": "auto",
    "learn_alpha": None,
    "learn_eta": False,
    "shards": None,
    "threads": None,
    "checkpoint": None,
    "checkpoint_every": 100,
}


def refuses(card: Card, backend: str) -> str | None:
    """Gibbs sampling is written model by model, where the conditionals are known in closed form."""
    if (Path(__file__).parent / card.name / "sampler.py").exists():
        return None
    return "its conditionals are not written down here (inference/gibbs has a folder for each model that it samples)"
