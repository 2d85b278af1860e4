# %% [markdown]
# # Topics: one corpus through Gibbs sampling, variational EM, SVI and ProdLDA
#
# Four ways to fit topics to the same documents: first to documents with known topics, then with a known posterior, then
# to articles of Reuters. What differs, and why? Every number below is computed by the code above it. Figures are
# written to the folder that the environment variable `FIGURES` names (else in `figures/`).

# %%
from itertools import product

import numpy as np
import pandas as pd
from arviz_stats import ess  # pyright: ignore[reportPrivateImportUsage]
from matplotlib.figure import Figure
from scipy.special import gammaln, logsumexp
from style import show

import inference
import zoo
from inference import topics
from inference.analysis.latents.images import image_table
from inference.plots.style import FIT_COLOURS
from zoo import datasets
from zoo.data.corpus import Corpus, as_corpus
from zoo.data.corpus.synthetic import bars

pd.set_option("display.width", 160, "display.max_colwidth", 100)

# %% [markdown]
# ## Documents of pixels
#
# In *latent Dirichlet allocation* (Blei, Ng and Jordan 2003) a topic is a distribution over words, each document has
# its own proportions of the topics, and each token comes from one topic:
#
# $$\phi_k \sim \mathrm{Dirichlet}(\eta), \qquad \theta_n \sim \mathrm{Dirichlet}(\alpha), \qquad
# z_{nt} \sim \mathrm{Categorical}(\theta_n), \qquad w_{nt} \sim \mathrm{Categorical}(\phi_{z_{nt}}).$$
#
# $\phi$, $\theta$ and $z$ are latent. To show whether they can be recovered, Griffiths and Steyvers (2004) used words
# that can be displayed: the 25 pixels of a square. Ten topics are its bars, five horizontal and five vertical, and a
# document is a hundred pixels drawn from a mixture of them.

# %%
images, truth = bars(N=500)
print(images)
show(image_table(images.dense()[None, :10], (5, 5), rows=["documents"]), "documents")

# %% [markdown]
# A brighter pixel occurs more often in its document. No document shows a single bar, although there are only ten. Five
# ways to recover them:
#
# - `gibbs` repeatedly draws the topic of each token given those of all others. $\theta$ and $\phi$ are integrated out,
#   hence *collapsed*, so that a draw needs counts alone. Its draws converge to the posterior.
# - `em`, variational EM, replaces the posterior by the best of a family in which $\phi$, $\theta$ and every $z$ are
#   independent. It maximises a bound of $\log p(w)$, quickly, and ends in a local maximum that depends on the start.
# - `svi` with an *encoder*: here the labels are summed out, $p(w_{nt}) = \sum_k \theta_{nk} \phi_{k w}$ (the program
#   `collapsed`, on word counts), and a network maps a document to a distribution of its $\theta$.
# - `svi` with `guide="mean_field"`: the same bound, with separate variational parameters for each document.
# - `prod_lda` is another model (Srivastava and Sutton 2017): $w \sim \mathrm{Categorical}(\mathrm{softmax}(m + \theta_n
#   \beta))$. Topics are added as log-odds, so that their distributions are *multiplied* rather than averaged.
#
# The networks are trained in Pyro, which compiles nothing: here compilation would take longer than the steps.

# %%
lda = zoo.load("latent_dirichlet", K=10, alpha=1.0, eta=0.1)
lda_in_pyro = zoo.load("latent_dirichlet", backend="pyro", K=10, alpha=1.0, eta=0.1)
prod = zoo.load("prod_lda", backend="pyro", K=10, alpha=1.0, width=50)
starts = [inference.fit(lda, images, "em", seed=seed) for seed in range(10)]
bars_fits = {
    "Gibbs": inference.fit(lda, images, "gibbs"),
    "EM, one start": starts[0],
    "EM, best of ten": max(starts, key=lambda fit: fit.trace[-1]),  # restarts=10 does the same in one call
    "SVI, encoder": inference.fit(lda_in_pyro, images, "svi", num_steps=1500, batch_size=100),
    "SVI, mean field": inference.fit(
        lda, images, "svi", guide="mean_field", num_steps=800, learning_rate=0.05, num_draws=100
    ),
    "ProdLDA": inference.fit(prod, images, "svi", num_steps=1000, learning_rate=0.01, batch_size=100),
}


def word_probabilities(fit):
    """phi (K, V); for ProdLDA the word probabilities of a document with a single topic."""
    return fit.model.card.topics(fit.params, fit.keywords)


def match_to(reference, phi):
    """The topics in the order of the reference, by the pairs of the greatest similarity."""
    return phi[topics.matched(reference, phi)["other"].to_numpy(int)]


rows = {}
for name, fit in bars_fits.items():
    error = np.abs(match_to(truth, word_probabilities(fit)) - truth).sum(1) / 2
    bound = fit.diagnostics.get("elbo", fit.trace[-1] if "EM" in name else np.nan)
    rows[name] = {"bars": (error < 0.15).sum(), "mean error": error.mean(), "worst error": error.max()}
    rows[name] |= {"bound": bound, "s": fit.seconds if "ten" not in name else sum(start.seconds for start in starts)}
table = pd.DataFrame(rows).T
print("error: total variation from the bar, 0 to 1. bound: of log p(w), nats. s: seconds, compilation included")
print(table.round({"bars": 0, "mean error": 3, "worst error": 3, "bound": 0, "s": 1}))
lines = {"truth": truth, **{name: match_to(truth, word_probabilities(fit)) for name, fit in bars_fits.items()}}
show(
    image_table(np.stack(list(lines.values())), (5, 5), (0, 0.25), rows=[n.replace(", ", ",\n") for n in lines]), "bars"
)
assert table.loc[["Gibbs", "EM, best of ten"], "worst error"].max() < 0.1
assert table.loc["EM, one start", "worst error"] > 0.15
assert table.loc["SVI, encoder", "mean error"] < 0.15

# %% [markdown]
# Each line has the topics of one fit, in the order of the nearest bars; the order of the topics within a fit has no
# meaning. There are two kinds of errors. A topic that merges two bars, while another bar is in two topics or in none,
# is a *local maximum*: both would have to change at once, and each change alone makes the bound worse. So is a pixel
# where two bars cross and that belongs to one of them alone. A grey veil around a bar is due to a variational family,
# or a network, that cannot represent the posterior.
#
# Several starts help against the first kind. The bound selects the best of the maxima, without the true topics:

# %%
restarts = pd.DataFrame(
    {
        "bound": [fit.trace[-1] for fit in starts],
        "bars": [(np.abs(match_to(truth, word_probabilities(fit)) - truth).sum(1) / 2 < 0.15).sum() for fit in starts],
    }
).sort_values("bound", ascending=False)
print(restarts.round(0).astype(int).T.to_string())
print(f"correlation of the bound and the number of bars recovered: {restarts.corr().iloc[0, 1]:.2f}")

# %% [markdown]
# Gibbs sampling moves at random, so that it can leave a local maximum, if not always soon; it also anneals, with large
# $\alpha$ and $\eta$ that decrease to their values (`anneal`).
#
# The column of bounds needs care. The bounds of EM and of SVI are of the same $\log p(w)$, so that the higher is the
# tighter. That of mean-field SVI is higher than EM's although its family is no richer for $\theta$ and $\phi$: EM also
# needs a $q(z)$, independent of the rest, where SVI sums $z$ out. ProdLDA's bound is of the $\log p(w)$ of *another*
# model, with $\beta$ fitted rather than integrated out. Neither it nor the trace of Gibbs sampling, which is
# $\log p(w, z)$, can be compared with these. ProdLDA's topics need not be bars: products of distributions can represent
# these images in other ways.
#
# ## Documents with a known posterior
#
# With three documents of four tokens, three words and two topics, there are $2^{12}$ values of $z$, and one can sum
# over all of them. Given $z$, everything has a closed form: with $n_{nk}$ tokens of topic $k$ in document $n$ and
# $n_{kv}$ tokens of word $v$ in topic $k$, and $B$ the multivariate beta function,
#
# $$p(w, z) = \prod_n \frac{B(\alpha + n_n)}{B(\alpha)} \prod_k \frac{B(\eta + n_k)}{B(\eta)}, \qquad
# \mathbb{E}[\theta_{nk} \mid z] = \frac{\alpha + n_{nk}}{K \alpha + T_n}, \qquad
# \mathbb{E}[\phi_{kv} \mid z] = \frac{\eta + n_{kv}}{V \eta + \sum_v n_{kv}}.$$

# %%
tiny = Corpus([0, 2, 4, 6], [0, 1, 1, 2, 0, 2], [3, 1, 2, 2, 1, 3], V=3, vocabulary=["a", "b", "c"])
alpha, eta = 0.5, 0.5
word, document = np.repeat(tiny.words, tiny.counts), np.repeat(np.arange(3), tiny.lengths)
z = np.eye(2)[np.array(list(product(range(2), repeat=12)))]  # (4096, 12, 2): all values of z
in_document = alpha + np.einsum("sik,in->snk", z, np.eye(3)[document])
in_topic = eta + np.einsum("sik,iv->skv", z, np.eye(3)[word])


def log_beta(a):
    return gammaln(a).sum(-1) - gammaln(a.sum(-1))


log_p = (log_beta(in_document) - log_beta(np.full(2, alpha))).sum(1)
log_p += (log_beta(in_topic) - log_beta(np.full(3, eta))).sum(1)
evidence = logsumexp(log_p)
theta, phi = (counts / counts.sum(-1, keepdims=True) for counts in (in_document, in_topic))
exact = np.einsum("s,snk,skv->nv", np.exp(log_p - evidence), theta, phi)
print("counts:", tiny.dense().tolist(), " E[phi]:", np.einsum("s,skv->kv", np.exp(log_p - evidence), phi).round(4))

# %% [markdown]
# The exact posterior means of the two topics are equal, and would be for any corpus, since the posterior does not
# change when the labels of the topics are exchanged. This is *label switching*. The mean of $\phi_k$ over the posterior
# is therefore meaningless, while quantities that do not depend on the labels can be compared, such as the predictive
# distribution of the next word of each document, $\mathbb{E}[\theta_n \phi]$:

# %%
small = zoo.load("latent_dirichlet", K=2, alpha=alpha, eta=eta)
sampled = {
    "gibbs": inference.fit(small, tiny, "gibbs", num_chains=4, num_samples=5000, every=5, num_draws=1000, seed=1),
    "nuts": inference.fit(small, tiny, "nuts", num_samples=500, seed=1),
}
em = inference.fit(small, tiny, "em", restarts=5)
table = {("exact", ""): exact.ravel()}
for name, fit in sampled.items():
    predictive = (fit.draws["theta"] @ fit.draws["phi"]).reshape(4, -1, 9)
    mean = predictive.mean((0, 1))
    error = np.array([predictive[..., i].std() / np.sqrt(ess(predictive[..., i], method="mean")) for i in range(9)])
    table |= {(name, "mean"): mean, (name, "+-"): error}
    assert (np.abs(mean - exact.ravel()) < 4.5 * error).all()
table["em", ""] = (em.state["theta"] @ em.params["phi"]).ravel()
table = pd.DataFrame(table, index=[f"{v} after {n}" for n, v in product(range(3), "abc")])
em_error = np.abs(table["em", ""] - exact.ravel()).max()
print(
    table.round(4),
    f"log p(w) = {evidence:.3f}, EM's bound {em.trace[-1]:.3f}; the greatest error of EM {em_error:.3f}",
    sep="\n",
)
assert em.trace[-1] < evidence
assert em_error > 0.01

# %% [markdown]
# The two samplers agree with the sum within their errors: `gibbs` draws labels and integrates the rest, `nuts` draws
# the rest and sums over labels. Variational EM has an error that more passes would not remove: it assumes that
# $\theta$, $\phi$ and $z$ are independent, and covers one order of the topics instead of both. Its bound is below $\log
# p(w)$ by the Kullback-Leibler divergence from the posterior. Both matter less with more tokens; these are very few.
#
# In a larger corpus a chain stays at one order: to exchange two topics it would have to pass through states of
# negligible probability. Then the mean of $\phi_k$ over *one* chain is meaningful, and this is `fit.params["phi"]`. The
# draws of several chains are aligned to one order (`fit.aligned()`).
#
# ## Articles
#
# The corpus is 395 articles of Reuters. Words in fewer than fifteen documents, and in more than a third of them, carry
# little information on topics, and are left out, as is usual; perplexities with another vocabulary cannot be compared
# with those below. 45 articles at random are held out.

# %%
all_words = datasets.observed("reuters")
frequency = np.bincount(all_words.words, minlength=all_words.V)  # number of documents that have the word
is_used = (frequency >= 15) & (frequency <= all_words.N / 3)
vocabulary = [word for word, used in zip(all_words.vocabulary, is_used, strict=True) if used]
articles = as_corpus(all_words.sparse()[:, is_used], vocabulary)
order = np.random.default_rng(0).permutation(articles.N)
training, held_out = articles.take(order[:350]), articles.take(order[350:])
titles = [datasets.titles("reuters")[n] for n in order]
print(all_words, articles, sep="\n")
print(f"training: {training.N} articles, {training.total} tokens; held out: {held_out.total} tokens")

# %%
K = 20
lda, lda_in_pyro = zoo.load("latent_dirichlet", K=K), zoo.load("latent_dirichlet", backend="pyro", K=K)
prod = zoo.load("prod_lda", backend="pyro", K=K, alpha=0.5, width=50)
fits = {
    "Gibbs": inference.fit(lda, training, "gibbs"),
    "EM": inference.fit(lda, training, "em", restarts=5),
    "SVI": inference.fit(lda_in_pyro, training, "svi", num_steps=400, batch_size=70),
    "ProdLDA": inference.fit(prod, training, "svi", num_steps=600, learning_rate=0.01, batch_size=70),
}
print("seconds, compilation included:", {name: round(fit.seconds, 1) for name, fit in fits.items()})
print(topics.overview(fits["Gibbs"], top=7).round(3).to_string())
show(topics.topic_map(fits["Gibbs"]), "map")

# %% [markdown]
# The table has the topics of Gibbs sampling, the largest first, with their share of all tokens and its 94% interval.
# Most are stories of those months. The largest is not: words that occur in any story must be in some topic as well. On
# the map nearby topics have words in common; most are far from all others, which a plane cannot show well, as the
# labels of its axes show.
#
# Do the other methods give the same topics? The topics of each are matched with those of Gibbs sampling; similarity is
# 1 less the Jensen-Shannon distance. For reference, the same engine with another seed is included.

# %%
compared = {**fits, "Gibbs, seed 1": inference.fit(lda, training, "gibbs", seed=1)}
similarities = {}
for name, fit in compared.items():
    if name != "Gibbs":
        pairs = topics.matched(fits["Gibbs"], fit)
        similarities[name] = pairs["similarity"].to_numpy()
        if name in fits:
            best = pairs.sort_values("similarity", ascending=False).iloc[[0, 1, K // 2, -1]]
            print(f"Gibbs and {name}:", best.round(2).to_string(index=False), sep="\n")
figure = Figure((8, 2.8), layout="constrained")
axes = figure.subplots()
for color, (name, values) in zip(FIT_COLOURS, similarities.items(), strict=False):
    ranked = np.sort(values)[::-1]
    axes.plot(np.arange(1, K + 1), ranked, color=color, marker="o", markersize=3, label=f"Gibbs and {name}")
axes.set(xlabel="pairs of topics, the most similar first", ylabel="similarity", ylim=(0, 1), xticks=[1, 5, 10, 15, 20])
figure.legend(loc="outside right center")
show(figure, "similarity")
assert topics.matched(fits["Gibbs"], fits["Gibbs"])["similarity"].min() > 0.999

# %% [markdown]
# *The same* engine with another seed gives some of the topics again, and others not, which is a reason for caution in
# interpreting a topic. Differences between engines have to be compared with this. The posterior has many modes of about
# the same density. Topics that occur for every seed are a property of the corpus; a topic that occurs once depends on
# the seed.
#
# ## How good are they?
#
# Topics that are easy to interpret need not be good ones. One evaluator measures all four: given half of the tokens of
# a held-out article, what is the probability of the others? The perplexity is the exponential of minus the mean
# log-probability: that many equally likely words would be as hard to predict. The bounds of four engines cannot be
# compared; perplexities can. Articles differ more than engines do, so that the standard error of each perplexity is
# large, while *differences*, article by article, are estimated precisely.

# %%
scores = {name: topics.perplexity(fit, held_out) for name, fit in fits.items()}
frequencies = np.bincount(training.words, training.counts, training.V)
one_topic = topics.smoothed(frequencies[None], eta=1.0)
scores["one topic"] = topics.perplexity(one_topic, held_out, alpha=1.0)


def comparison_table(scores, reference="Gibbs"):
    rows = {}
    for name, score in scores.items():
        better = score.better_than(scores[reference])
        rows[name] = {"perplexity": score.per_word, "+-": score.standard_error, "by draws": score.monte_carlo_error}
        rows[name] |= {f"nats/token over {reference}": better.nats_per_token, "error": better.standard_error}
    return pd.DataFrame(rows).T.round({"perplexity": 1, "+-": 1, "by draws": 1}).round(4)


print(comparison_table(scores).to_string())
others = [name for name in scores if name != "one topic"]
assert max(scores[name].per_word for name in others) < scores["one topic"].per_word

# %% [markdown]
# A difference is meaningful where it is several times its error. All four predict much better than word frequencies.
# Among the fits of latent Dirichlet allocation, the local maximum matters as much as the engine, and SVI had few steps.
# ProdLDA is no better on this corpus. Its topics are often reported to be more coherent (Srivastava and Sutton 2017).
# Compare the words of one story by all four models.


# %%
def effective_number(p):
    """exp(entropy), averaged over rows: the number of equally likely values with the same entropy."""
    return np.exp(-(p * np.log(np.maximum(p, 1e-300))).sum(1)).mean()


word_lists, rows = {}, {}
story = int(topics.top_words(fits["Gibbs"], 5).query("word == 'teresa'")["topic"].iloc[0])
for name, fit in fits.items():
    pair = story if name == "Gibbs" else int(topics.matched(fits["Gibbs"], fit)["other"][story])
    for label, relevance in (("by weight", None), ("by lift", 0.0)):
        table = topics.top_words(fit, 9, relevance)
        word_lists[name, label] = " ".join(table.loc[table["topic"] == pair, "word"])
    phi, first = word_probabilities(fit), topics.top_words(fit, 10)
    theta = topics.mixtures(fit, held_out)
    rows[name] = {
        "words of a topic": effective_number(phi),
        "topics of a document": effective_number(theta),
        "lift of first ten": np.exp(np.log(first["lift"]).mean()),
        "least share": topics.topic_sizes(fit)["share"].min(),
    }
print(pd.Series(word_lists).to_string(), pd.DataFrame(rows).T.round(3).to_string(), sep="\n")

# %% [markdown]
# The second table has the effective number of words of a topic (the exponential of its entropy), the effective number
# of topics of a held-out article, the lift of the first ten words over all articles, and the share of the smallest
# topic. In latent Dirichlet allocation an article is an average of topics, and no word in it can be more likely than
# under each of them: so the topics must contain a story's words themselves, and common words collect in a few topics of
# their own. In ProdLDA common words are in $m$, and a topic raises or lowers the log-odds relative to them; several
# topics can raise a word together. Its distributions are therefore spread widely, and the characteristic words of a
# topic are the first *by lift*, the order of $\beta$. These are lists of rare words, and may look more precise than
# they are: $\beta$ is K V numbers fitted without a prior, here to few tokens.
#
# *Coherence* measures whether the first words of a topic occur together, which is another property than perplexity
# (Chang et al. 2009): is ProdLDA better here? It is computed by gensim, which nothing else here needs.

# %%
try:
    coherence = pd.DataFrame({name: topics.coherence(fit, articles, "c_npmi") for name, fit in fits.items()})
    print(coherence.describe().loc[["mean", "std", "min", "max"]].round(3))
except zoo.ZooError as error:
    print(error)

# %% [markdown]
# ## Topics of new articles
#
# For a new article the topics are fixed, and its proportions are estimated: the posterior mean of $\theta$ given its
# words, by a few sweeps over this document alone.

# %%
mixtures = topics.mixtures(fits["Gibbs"], held_out)
new = topics.Topics(fits["Gibbs"].params["phi"], theta=mixtures, corpus=held_out)
show(topics.document_figure(new, rows=range(10), titles=titles[350:]), "mixtures")

# %% [markdown]
# ## Learning alpha and eta
#
# So far `alpha` and `eta` had their defaults, 0.1 and 0.01. Both can be learned (Minka 2000), and $\alpha$ may have a
# number for each topic: the topic of common words is then expected in every document, and the others need not contain
# them (Wallach, Mimno and McCallum 2009).

# %%
learned = {
    "alpha_k": {"learn_alpha": "asymmetric"},
    "eta": {"learn_eta": True},
    "alpha_k, eta": {"learn_alpha": "asymmetric", "learn_eta": True},
}
learned_fits = {name: inference.fit(lda, training, "gibbs", **options) for name, options in learned.items()}
rows = {}
for name, fit in {"as given": fits["Gibbs"], **learned_fits}.items():
    a, difference = (
        np.broadcast_to(fit.keywords["alpha"], K),
        topics.perplexity(fit, held_out).better_than(scores["Gibbs"]),
    )
    sizes = topics.topic_sizes(fit)["share"]
    rows[name] = {"least alpha": a.min(), "greatest": a.max(), "eta": fit.keywords["eta"], "largest share": sizes.max()}
    rows[name] |= {
        "perplexity": topics.perplexity(fit, held_out).per_word,
        "gain, nats/token": difference.nats_per_token,
    }
    rows[name] |= {"error": difference.standard_error}
print(pd.DataFrame(rows).T.round(4).to_string())
learned_fit = learned_fits["alpha_k, eta"]
first = np.argsort(-np.broadcast_to(learned_fit.keywords["alpha"], K))[:3]
lists = topics.overview(learned_fit, top=9)["words"]
print("the largest alpha:", *(f"{learned_fit.keywords['alpha'][k]:.2f}  {lists[k]}" for k in first), sep="\n  ")

# %% [markdown]
# Which of the two gains more here? Compare the gain with the differences between engines above. The default `eta` is
# far from the learned one: with 0.01 a topic has few words, and words that it did not use get hardly any probability,
# but held-out articles have such words. No engine can compensate for a wrong prior.
#
# ## How many topics?
#
# Select K by cross-validation, in which every article is held out once, with short runs:

# %%
selection = inference.choose(lda, articles, K=(5, 20, 50), folds=2, num_warmup=100, num_samples=50, num_draws=0)
print(selection.table[["cv", "cv_se", "cv_behind_se", "perplexity"]].round(4))
print(f"the best of these is K = {selection.sizes['cv']}")
show(selection.figure(), "selection")

# %% [markdown]
# Perplexity improves with more topics as long as each predicts words of new documents. Topics that are to be
# *interpreted* should be fewer. A corpus has no true K, and no criterion takes the purpose of the topics into account.
#
# ## Summary
#
# - Begin with collapsed Gibbs sampling: it is fast, it recovers the bars, and its draws are of the posterior. Its cost
#   is many sweeps over all tokens.
# - Variational EM needs fewer passes, and its bound selects the best start: use `restarts`. For a corpus that does not
#   fit into memory use `online=True`.
# - SVI with an encoder is useful for a stream of documents, or for a variation of the model. It is slower than both
#   here.
# - ProdLDA is another model, with other topics. Interpret them by lift.
# - Compare fits by held-out perplexity of one evaluator, by differences with their errors, with one vocabulary.
# - Learn `alpha` and `eta`, and fit with different seeds before interpreting a topic.
#
# ## Exercises
#
# 1. Fit the bars with K = 8 and K = 12. What happens to bars without a topic, and to topics without a bar?
# 2. Give `gibbs` `anneal=1` and short runs on the bars, with ten seeds. How often are two bars merged?
# 3. Hold out the *last* 45 articles and not 45 at random. Why is the perplexity so much higher?
# 4. Score the fits by `method="left_to_right"`, log p of whole articles. Do the differences stay?
# 5. Train `prod_lda` for 200 and for 2000 steps. Is the bound's best the perplexity's best?
# 6. Give EM `learn_eta=True`. How much of its distance from `gibbs` with learned `eta` remains?

# %% [markdown]
# ## References
#
# - Blei, D. M., Ng, A. Y. and Jordan, M. I. (2003). Latent Dirichlet allocation. Journal of Machine Learning Research
#   3.
# - Chang, J., Boyd-Graber, J., Gerrish, S., Wang, C. and Blei, D. M. (2009). Reading tea leaves: how humans interpret
#   topic models. Advances in Neural Information Processing Systems 22.
# - Griffiths, T. L. and Steyvers, M. (2004). Finding scientific topics. Proceedings of the National Academy of Sciences
#   101.
# - Minka, T. P. (2000). Estimating a Dirichlet distribution. Technical report, MIT.
# - Srivastava, A. and Sutton, C. (2017). Autoencoding variational inference for topic models. International Conference
#   on Learning Representations.
# - Wallach, H. M., Mimno, D. and McCallum, A. (2009). Rethinking LDA: why priors matter. Advances in Neural Information
#   Processing Systems 22.
