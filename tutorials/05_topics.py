# %% [markdown]
# # Topics: one corpus through Gibbs sampling, variational EM, SVI and ProdLDA
#
# Four ways to the topics of the same documents: first where the topics are known, then where the posterior is, then on
# articles of Reuters, where neither is. What differs, and why? Every number below is computed where it stands. Figures
# are kept in the folder that the environment variable `FIGURES` names (else in `figures/`).

# %%
import time
from itertools import product

import numpy as np
import pandas as pd
from arviz_stats import ess  # pyright: ignore[reportPrivateImportUsage]
from matplotlib.figure import Figure
from scipy.special import gammaln, logsumexp, softmax
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
# *Latent Dirichlet allocation* (Blei, Ng and Jordan 2003) says that a topic is a distribution over words, that each
# document has its own mixture of topics, and that each token comes from one of them:
#
# $$\phi_k \sim \mathrm{Dirichlet}(\eta), \qquad \theta_n \sim \mathrm{Dirichlet}(\alpha), \qquad
# z_{nt} \sim \mathrm{Categorical}(\theta_n), \qquad w_{nt} \sim \mathrm{Categorical}(\phi_{z_{nt}}).$$
#
# Nobody sees $\phi$, $\theta$ or $z$. To see whether they can be found, Griffiths and Steyvers (2004) took words that
# one can look at: 25 pixels of a square. Ten topics are its bars, five lying and five standing, and a document is a
# hundred pixels drawn from a mixture of them.

# %%
images, truth = bars(N=500)
print(images)
show(image_table(images.dense()[None, :10], (5, 5), rows=["documents"]), "documents")

# %% [markdown]
# The brighter a pixel, the more often it was drawn. No document shows a single bar, and still there are only ten. Five
# ways to find them:
#
# - `gibbs` draws each token's topic given those of all others, over and over. $\theta$ and $\phi$ are integrated out,
#   hence *collapsed*, so that all that a draw needs are counts. Its draws are from the posterior, given time.
# - `em`, variational EM, replaces the posterior by the best of a family in which $\phi$, $\theta$ and every $z$ are
#   independent. It climbs a bound of $\log p(w)$, quickly, to a maximum that is as good as its start was.
# - `svi` with an *encoder*: here it is the labels that are summed out, $p(w_{nt}) = \sum_k \theta_{nk} \phi_{k w}$, and
#   that is the program `collapsed`, on word counts; a network reads a document and says what its $\theta$ may be.
# - `svi` with `guide="mean_field"`: the same bound, with numbers of its own for each document.
# - `prod_lda` is another model (Srivastava and Sutton 2017): $w \sim \mathrm{Categorical}(\mathrm{softmax}(m + \theta_n
#   \beta))$. Topics are added as log-odds and so their laws *multiply*, where those of the others are averaged.

# %%
lda, prod = zoo.load("latent_dirichlet", K=10, alpha=1.0, eta=0.1), zoo.load("prod_lda", K=10, alpha=1.0, width=50)
ways = {
    "Gibbs": (lda, "gibbs", {}),
    "EM, one start": (lda, "em", {}),
    "EM, best of ten": (lda, "em", {"restarts": 10}),
    "SVI, encoder": (lda, "svi", {}),
    "SVI, mean field": (lda, "svi", {"guide": "mean_field", "num_steps": 800, "learning_rate": 0.05, "num_draws": 100}),
    "ProdLDA": (prod, "svi", {"num_steps": 1000, "learning_rate": 0.01, "batch_size": 100}),
}


def words_of(fit):
    """phi (K, V): of ProdLDA the law of the words of a document that is of one topic alone."""
    return fit.params["phi"] if "phi" in fit.params else softmax(fit.keywords["loc"] + fit.params["beta"], axis=1)


def in_order(phi, of=truth):
    """The topics in the order of others, each beside the one most like it."""
    return phi[topics.matched(of, phi)["other"].to_numpy(int)]


found, rows = {}, {}
for name, (model, engine, options) in ways.items():
    began = time.process_time()
    fit = found[name] = inference.fit(model, images, engine, **options)
    took = time.process_time() - began
    off = np.abs(in_order(words_of(fit)) - truth).sum(1) / 2
    bound = fit.diagnostics.get("elbo", fit.trace[-1] if engine == "em" else np.nan)
    rows[name] = {"bars": (off < 0.15).sum(), "mean off": off.mean(), "worst off": off.max(), "bound": bound, "s": took}
told = pd.DataFrame(rows).T
print("off: total variation from the bar, 0 to 1. bound: of log p(w), nats. s: of CPU, compilation included")
print(told.round({"bars": 0, "mean off": 3, "worst off": 3, "bound": 0, "s": 1}))
lines = {"truth": truth, **{name: in_order(words_of(fit)) for name, fit in found.items()}}
show(
    image_table(np.stack(list(lines.values())), (5, 5), (0, 0.25), rows=[n.replace(", ", ",\n") for n in lines]), "bars"
)
assert told.loc[["Gibbs", "EM, best of ten"], "worst off"].max() < 0.1
assert told.loc["EM, one start", "worst off"] > 0.15
assert told.loc["SVI, encoder", "mean off"] < 0.15

# %% [markdown]
# Each line has the topics of one fit, in the order of the bars that they are nearest to; the order in which a fit has
# them means nothing. What is amiss is of two kinds. A topic that is two bars in one, while another bar is in two
# topics or in none, is a *local maximum*: to get away, both would have to change at once, and each change alone makes
# the bound worse. So is a pixel where two bars cross and which one of them has all to itself. A grey veil around a bar
# is a family, or a network, that is not quite up to the posterior.
#
# The cure for the first is to begin again. The bound says which of the maxima to take, without having seen the truth:

# %%
starts = [inference.fit(lda, images, "em", seed=seed) for seed in range(10)]
again = pd.DataFrame(
    {
        "bound": [fit.trace[-1] for fit in starts],
        "bars": [(np.abs(in_order(words_of(fit)) - truth).sum(1) / 2 < 0.15).sum() for fit in starts],
    }
).sort_values("bound", ascending=False)
print(again.round(0).astype(int).T.to_string())
print(f"correlation of bound and bars found: {again.corr().iloc[0, 1]:.2f}")

# %% [markdown]
# Gibbs sampling moves at random, so it can leave such a place, if not always soon; it also begins hot, with large
# $\alpha$ and $\eta$ that fall to what they are (`anneal`).
#
# Two columns are not what they seem. The bounds of EM and of SVI are of the same $\log p(w)$, so the higher is the
# nearer. That of mean-field SVI is higher than EM's though its family is no richer for $\theta$ and $\phi$: EM needs a
# $q(z)$ too, independent of the rest, and pays for it, where SVI sums $z$ out. And ProdLDA's bound is of *another*
# model's $\log p(w)$, with $\beta$ fitted and not integrated out. Neither it nor the trace of Gibbs sampling, which is
# $\log p(w, z)$, may be held against these. ProdLDA's topics need not be bars at all: a product of laws is another way
# to make these images.
#
# ## Documents of which all is known
#
# With three documents of four tokens, three words and two topics, there are $2^{12}$ ways to give each token a topic.
# One can add up all of them. Given $z$, everything is in closed form: with $n_{nk}$ tokens of topic $k$ in document $n$
# and $n_{kv}$ tokens of word $v$ in topic $k$, and $B$ the multivariate beta function,
#
# $$p(w, z) = \prod_n \frac{B(\alpha + n_n)}{B(\alpha)} \prod_k \frac{B(\eta + n_k)}{B(\eta)}, \qquad
# \mathbb{E}[\theta_{nk} \mid z] = \frac{\alpha + n_{nk}}{K \alpha + T_n}, \qquad
# \mathbb{E}[\phi_{kv} \mid z] = \frac{\eta + n_{kv}}{V \eta + \sum_v n_{kv}}.$$

# %%
tiny = Corpus([0, 2, 4, 6], [0, 1, 1, 2, 0, 2], [3, 1, 2, 2, 1, 3], V=3, vocabulary=["a", "b", "c"])
alpha, eta = 0.5, 0.5
word, document = np.repeat(tiny.words, tiny.counts), np.repeat(np.arange(3), tiny.lengths)
z = np.eye(2)[np.array(list(product(range(2), repeat=12)))]  # (4096, 12, 2): a topic for each token, every way
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
# The exact posterior mean of one topic is that of the other, and would be for any corpus: exchange the names of the
# topics and nothing has changed. This is *label switching*. A mean of $\phi_k$ over all of the posterior says nothing;
# what can be asked of it are things that do not depend on names. Such is the law of the next word of each document,
# $\mathbb{E}[\theta_n \phi]$:

# %%
small = zoo.load("latent_dirichlet", K=2, alpha=alpha, eta=eta)
sampled = {
    "gibbs": inference.fit(small, tiny, "gibbs", num_chains=4, num_samples=10_000, every=5, num_draws=2000, seed=1),
    "nuts": inference.fit(small, tiny, "nuts", seed=1),
}
em = inference.fit(small, tiny, "em", restarts=5)
table = {("exact", ""): exact.ravel()}
for name, fit in sampled.items():
    laws = (fit.draws["theta"] @ fit.draws["phi"]).reshape(4, -1, 9)
    mean = laws.mean((0, 1))
    error = np.array([laws[..., i].std() / np.sqrt(ess(laws[..., i], method="mean")) for i in range(9)])
    table |= {(name, "mean"): mean, (name, "+-"): error}
    assert (np.abs(mean - exact.ravel()) < 4.5 * error).all()
table["em", ""] = (em.state["theta"] @ em.params["phi"]).ravel()
table = pd.DataFrame(table, index=[f"{v} after {n}" for n, v in product(range(3), "abc")])
off = np.abs(table["em", ""] - exact.ravel()).max()
print(
    table.round(4), f"log p(w) = {evidence:.3f}, EM's bound {em.trace[-1]:.3f}; EM is off by up to {off:.3f}", sep="\n"
)
assert em.trace[-1] < evidence
assert off > 0.01

# %% [markdown]
# The two samplers agree with the sum within their errors, one by drawing labels and integrating the rest, the other by
# drawing the rest and summing labels. Variational EM is off, and no number of passes would mend that: it takes
# $\theta$, $\phi$ and $z$ for independent, which they are not, and sees one order of the topics and not both. Its bound
# is below $\log p(w)$ by as much as its family is away from the posterior. With more tokens the names matter less, and
# so does the rest; these are very few.
#
# In a corpus of any size chains keep to one order: to exchange two topics they would have to pass through states of no
# probability. Then the mean of $\phi_k$ over *one* chain is what one wants, and that is `fit.params["phi"]`. Of several
# chains the draws are brought into one order first (`fit.aligned()`).
#
# ## Articles
#
# Now to words: 395 articles of Reuters. Words that are in fewer than fifteen documents teach a topic little, and those
# in more than a third tell little of any, so that both are left out, as is usual; perplexities with another vocabulary
# are not to be compared with those below. For 45 articles at random nothing is fitted.

# %%
whole = datasets.observed("reuters")
among = np.bincount(whole.words, minlength=whole.V)  # in how many documents
kept = (among >= 15) & (among <= whole.N / 3)
articles = as_corpus(whole.sparse()[:, kept], [w for w, keep in zip(whole.vocabulary, kept, strict=True) if keep])
order = np.random.default_rng(0).permutation(articles.N)
seen, unseen = articles.take(order[:350]), articles.take(order[350:])
titles = [datasets.titles("reuters")[n] for n in order]
print(f"{whole}\n{articles}\nof {seen.N} articles {seen.total} tokens, held out {unseen.total}")

# %%
K = 20
lda, prod = zoo.load("latent_dirichlet", K=K), zoo.load("prod_lda", K=K, alpha=0.5, width=50)
fits = {
    "Gibbs": inference.fit(lda, seen, "gibbs"),
    "EM": inference.fit(lda, seen, "em", restarts=5),
    "SVI": inference.fit(lda, seen, "svi", num_steps=300),
    "ProdLDA": inference.fit(prod, seen, "svi", num_steps=600, learning_rate=0.01, batch_size=70),
}
print("seconds, compilation included:", {name: round(fit.seconds, 1) for name, fit in fits.items()})
print(topics.overview(fits["Gibbs"], top=7).round(3).to_string())
show(topics.topic_map(fits["Gibbs"]), "map")

# %% [markdown]
# The table has the topics that Gibbs sampling found, the largest first, with their share of all tokens and its 94%
# interval. Most are stories of those months. The largest is not: words that go with any story must be in some topic
# too. On the map near topics have words in common; most are far from all others, which a plane cannot show well, as its
# axes say.
#
# Do the others see the same topics? Each is matched with those of Gibbs sampling; similarity is 1 less the
# Jensen-Shannon distance. For the measure, the same engine with another seed is beside them.

# %%
against = {**fits, "Gibbs, seed 1": inference.fit(lda, seen, "gibbs", seed=1)}
alike = {}
for name, fit in against.items():
    if name != "Gibbs":
        pairs = topics.matched(fits["Gibbs"], fit)
        alike[name] = pairs["similarity"].to_numpy()
        if name in fits:
            best = pairs.sort_values("similarity", ascending=False).iloc[[0, 1, K // 2, -1]]
            print(f"Gibbs and {name}:", best.round(2).to_string(index=False), sep="\n")
twin = inference.fit(lda, seen, "em", restarts=5, seed=5)
alike["EM and EM, seed 5"] = topics.matched(fits["EM"], twin)["similarity"].to_numpy()
figure = Figure((8, 2.8), layout="constrained")
axes = figure.subplots()
for color, (name, values) in zip(FIT_COLOURS, alike.items(), strict=False):
    label = name if "and" in name else f"Gibbs and {name}"
    axes.plot(np.arange(1, K + 1), np.sort(values)[::-1], color=color, marker="o", markersize=3, label=label)
axes.set(xlabel="pairs of topics, the most alike first", ylabel="similarity", ylim=(0, 1), xticks=[1, 5, 10, 15, 20])
figure.legend(loc="outside right center")
show(figure, "alike")
assert topics.matched(fits["Gibbs"], fits["Gibbs"])["similarity"].min() > 0.999

# %% [markdown]
# This is a figure to remember when one reads much into a topic: *the same* engine with another seed agrees with itself
# about some topics and not about others. How far another engine is away has to be seen against that. The posterior has
# many modes of about the same height. What comes up under every seed is in the corpus; what comes up once is in the
# seed.
#
# ## How good are they?
#
# Topics that one likes to read need not be good ones. One evaluator asks all four the same question: half of the tokens
# of a held-out article tell what it is about, what probability have the others? The perplexity is the exponential of
# minus the mean log-probability: as many words, all equally likely, would be as hard to guess. Bounds of four engines
# could not be compared; this can. Articles differ by more than engines do, so that standard errors of each are large,
# and it is their *differences*, article by article, that are worth looking at.

# %%
scores = {name: topics.perplexity(fit, unseen) for name, fit in fits.items()}
law = topics.smoothed(np.bincount(seen.words, seen.counts, seen.V)[None], eta=1.0)  # one topic: how often words occur
scores["one topic"] = topics.perplexity(law, unseen, alpha=1.0)


def side_by_side(scores, against="Gibbs"):
    rows = {}
    for name, score in scores.items():
        better = score.better_than(scores[against])
        rows[name] = {"perplexity": score.per_word, "+-": score.standard_error, "by draws": score.monte_carlo_error}
        rows[name] |= {f"nats/token over {against}": better.nats_per_token, "error": better.standard_error}
    return pd.DataFrame(rows).T.round({"perplexity": 1, "+-": 1, "by draws": 1}).round(4)


print(side_by_side(scores).to_string())
others = [name for name in scores if name != "one topic"]
assert max(scores[name].per_word for name in others) < scores["one topic"].per_word

# %% [markdown]
# A difference is worth a word where it is several times its error. All four know much more than how often words occur.
# Among the fits of latent Dirichlet allocation, the maximum that was found matters as much as the engine, and SVI was
# given few steps. ProdLDA is no better on this corpus. Its topics are often found to be the more coherent ones
# (Srivastava and Sutton 2017). Look at what the models say of one story, and at how they say it.


# %%
def effective(p):
    """exp(entropy): over how many it is as if spread evenly."""
    return np.exp(-(p * np.log(np.maximum(p, 1e-300))).sum(1)).mean()


shown, rows = {}, {}
story = int(topics.top_words(fits["Gibbs"], 5).query("word == 'teresa'")["topic"].iloc[0])
for name, fit in fits.items():
    pair = story if name == "Gibbs" else int(topics.matched(fits["Gibbs"], fit)["other"][story])
    for label, relevance in (("by weight", None), ("by lift", 0.0)):
        table = topics.top_words(fit, 9, relevance)
        shown[name, label] = " ".join(table.loc[table["topic"] == pair, "word"])
    phi, first = words_of(fit), topics.top_words(fit, 10)
    theta = topics.mixtures(fit, unseen)
    rows[name] = {
        "words of a topic": effective(phi),
        "topics of a document": effective(theta),
        "lift of first ten": np.exp(np.log(first["lift"]).mean()),
        "least share": topics.topic_sizes(fit)["share"].min(),
    }
print(pd.Series(shown).to_string(), pd.DataFrame(rows).T.round(3).to_string(), sep="\n")

# %% [markdown]
# The second table says over how many words a topic is spread, as the exponential of its entropy; over how many topics a
# held-out article; how many times as frequent as in all articles the first ten words are; and the smallest topic's
# share. In latent Dirichlet allocation an article is an average of topics, and no word in it can be more likely than
# under each of them: so the topics must have a story's words themselves, and the common words collect in a few topics
# made of nothing else. In ProdLDA common words are in $m$, and all a topic does is raise or lower the log-odds against
# them; several can raise a word together. Its laws are therefore spread widely, and what makes a topic is read off the
# order *by lift*, which is that of $\beta$. These are lists of rare words, and may look sharper than they are: $\beta$
# is K V numbers fitted without a prior, here to few tokens.
#
# Whether the first words of a topic occur together is what *coherence* measures, another question than perplexity
# (Chang et al. 2009): does ProdLDA win it here? It is by gensim, which is not needed for anything else here.

# %%
try:
    coherent = pd.DataFrame({name: topics.coherence(fit, articles, "c_npmi") for name, fit in fits.items()})
    print(coherent.describe().loc[["mean", "std", "min", "max"]].round(3))
except zoo.ZooError as error:
    print(error)

# %% [markdown]
# ## What articles are about
#
# Of a new article the topics stay and its mixture is asked for: the posterior mean of $\theta$ given its words, by a
# few sweeps over this document alone.

# %%
mixtures = topics.mixtures(fits["Gibbs"], unseen)
new = topics.Topics(fits["Gibbs"].params["phi"], theta=mixtures, corpus=unseen)
show(topics.document_figure(new, rows=range(10), titles=titles[350:]), "mixtures")

# %% [markdown]
# ## Not all topics are alike: learning alpha and eta
#
# `alpha` and `eta` were taken out of the air, 0.1 and 0.01. Both can be learned (Minka 2000), and $\alpha$ may have a
# number for each topic: the topic of words that go with everything then is expected in every document, and the
# others are freed of them (Wallach, Mimno and McCallum 2009).

# %%
learned = {
    "alpha": {"learn_alpha": "symmetric"},
    "alpha_k": {"learn_alpha": "asymmetric"},
    "eta": {"learn_eta": True},
    "alpha_k, eta": {"learn_alpha": "asymmetric", "learn_eta": True},
}
freed = {name: inference.fit(lda, seen, "gibbs", **options) for name, options in learned.items()}
rows = {}
for name, fit in {"as given": fits["Gibbs"], **freed}.items():
    a, difference = (
        np.broadcast_to(fit.keywords["alpha"], K),
        topics.perplexity(fit, unseen).better_than(scores["Gibbs"]),
    )
    sizes = topics.topic_sizes(fit)["share"]
    rows[name] = {"least alpha": a.min(), "greatest": a.max(), "eta": fit.keywords["eta"], "largest share": sizes.max()}
    rows[name] |= {"perplexity": topics.perplexity(fit, unseen).per_word, "gain, nats/token": difference.nats_per_token}
    rows[name] |= {"error": difference.standard_error}
print(pd.DataFrame(rows).T.round(4).to_string())
free = freed["alpha_k, eta"]
first = np.argsort(-np.broadcast_to(free.keywords["alpha"], K))[:3]
lists = topics.overview(free, top=9)["words"]
print("the largest alpha:", *(f"{free.keywords['alpha'][k]:.2f}  {lists[k]}" for k in first), sep="\n  ")

# %% [markdown]
# See which of the two is worth more here, and compare that with the differences between engines above. `eta` was far
# off: 0.01 says that a topic has few words, and gives hardly anything to those that it did not happen to use, but
# held-out articles have such words. No engine can make good for a prior that is wrong.
#
# ## How many topics?
#
# By cross-validation, every article held out once, with short runs:

# %%
choice = inference.choose(lda, articles, K=(5, 20, 80), folds=2, num_warmup=100, num_samples=50, num_draws=0)
print(choice.table[["cv", "cv_se", "cv_behind_se", "perplexity"]].round(4))
print(f"the best of these is K = {choice.sizes['cv']}")
show(choice.figure(), "choice")

# %% [markdown]
# Perplexity wants as many topics as it can get while each still says something of documents to come. Who wants to
# *read* topics stops earlier. There is no true K in a corpus, and no criterion knows what the topics are for.
#
# ## What to remember
#
# - Collapsed Gibbs sampling is the one to begin with: it is quick, it finds the bars, and its draws are of the
#   posterior. Its expense is a sweep over all tokens, many times.
# - Variational EM needs fewer passes and has a bound that says which start was the best: use `restarts`. For a corpus
#   that does not fit into memory there is `online=True`.
# - SVI with an encoder pays where documents keep coming, or where the model is not quite this one. It is the slowest
#   way to these topics.
# - ProdLDA is another model, with other topics. Read them by lift.
# - Compare by held-out perplexity of one evaluator, by differences with their errors, on one vocabulary.
# - Learn `alpha` and `eta`, and fit twice with different seeds before believing in a topic.
#
# ## Exercises
#
# 1. Fit the bars with K = 8 and K = 12. What becomes of the bars that have no topic, of the topics that have no bar?
# 2. Give `gibbs` `anneal=1` and short runs on the bars, with ten seeds. How often does it end in a merged bar?
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
