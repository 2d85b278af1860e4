"""How well topics predict documents that they were not fitted to, by one evaluator for fits and for any peer's phi.

    perplexity(topics, data)    per word, with its standard errors and the log-likelihood of each document
    smoothed(counts, eta)       topics of the counts that a peer keeps: every word has a probability above zero
    split(corpus, seed)         the two halves of each document that completion is about

**completion** (the default; Asuncion, Welling, Smyth and Teh 2009; Wallach, Murray, Salakhutdinov and Mimno 2009). The
tokens of each document are torn in two at random, by the seed, the number of the document and its words alone: every
model gets the same halves. The first half tells the document's mixture, and of the second half each token is scored by
sum_k theta_k phi_kw. ``theta="mean"`` takes the posterior mean, with which this is the predictive probability of a next
word, by collapsed Gibbs sampling of z with phi known; ``theta="mode"`` the fixed point of Asuncion et al., which is
ten times quicker and free of chance, and as a rule within 1% of it. Variational means, which are 2 to 4% off, are not
offered. ``prod_lda`` has codes in the place of theta: the mean of p over draws from its encoder, or p at their mean.

**left_to_right** (Wallach et al. 2009, and Buntine 2009 on its bias). The log-likelihood of whole documents, no half of
which is given: a particle filter over the tokens, which makes p unbiased, with Gibbs sampling of what came before each.

What may be compared: results of one corpus, method and seed. Not comparable with each other are the perplexities that
libraries report themselves: those of scikit-learn and gensim are a variational bound, on p of whole documents;
tomotopy's leaves out words that training did not see, so that a word too rare to learn costs nothing; some are of the
training documents. Words a model never had get here what its prior gives them (``smoothed``), and are scored.

Log-likelihoods are in nats, of words in an order: no multinomial coefficient is in them.
"""

from inference.analysis.topics.held_out.perplexity import METHODS, perplexity
from inference.analysis.topics.held_out.result import Difference, Perplexity
from inference.analysis.topics.held_out.smoothing import smoothed
from inference.analysis.topics.held_out.splitting import split

__all__ = ["METHODS", "Difference", "Perplexity", "perplexity", "smoothed", "split"]
