"""Held-out evaluation of topics: one evaluator for fits and for topics of any other origin.

    perplexity(topics, data)    per word, with standard errors and the log-likelihood of each document
    smoothed(counts, eta)       topics of counts from another package, without probabilities of zero
    split(corpus, seed)         the two halves of each document, for completion

**completion** (the default; Asuncion, Welling, Smyth and Teh 2009; Wallach, Murray, Salakhutdinov and Mimno 2009). The
tokens of each document are divided into two halves at random, by the seed, the number of the document and its words
alone: every model gets the same halves. The first half determines the topic proportions, and each token of the second
half is scored by sum_k theta_k phi_kw. ``theta="mean"`` is the posterior mean, with which this is the predictive
probability of a next word, by collapsed Gibbs sampling of z with phi known; ``theta="mode"`` is the fixed point of
Asuncion et al., ten times faster, without Monte Carlo error, and usually within 1% of the mean. Variational means,
which are 2 to 4% off, are not offered. ``prod_lda`` has codes of an encoder in place of theta: "mean" averages p over
draws from the encoder, "mode" is p at the mean of the code.

**left_to_right** (Wallach et al. 2009; Buntine 2009 on its bias). The log-likelihood of complete documents, without
conditioning on a half: a particle filter over the tokens, with an unbiased estimate of p, and Gibbs sampling of the
earlier topics at each token.

Results can be compared if they are of one corpus, method and seed. The perplexities that libraries report themselves
cannot: those of scikit-learn and gensim are a variational bound on p of complete documents; tomotopy leaves out words
that were absent in training, so that rare words cost nothing; some are of the training documents. Here a word that the
model has not seen gets the probability that its prior gives it (``smoothed``), and is scored.

Log-likelihoods are in nats, of words in an order: without multinomial coefficients.
"""

from inference.analysis.topics.held_out.evaluation import METHODS, Difference, Perplexity, perplexity
from inference.analysis.topics.held_out.methods import split
from inference.analysis.topics.held_out.parameters import smoothed

__all__ = ["METHODS", "Difference", "Perplexity", "perplexity", "smoothed", "split"]
