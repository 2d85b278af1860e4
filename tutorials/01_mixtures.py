# %% [markdown]
# # Mixtures: what EM does, when it gets stuck, and what SVI and NUTS add
#
# One data set, one model, three ways of fitting it, and the question which of the answers to believe. Every number
# below is computed where it stands. Figures are written to the folder that the environment variable `FIGURES` names
# (else in `figures/`).

# %%
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import entr, logsumexp, rel_entr
from scipy.stats import multivariate_normal
from style import show

import inference
import zoo
from inference import enumeration
from inference.plots.style import COMPONENT_COLOURS, FIT_COLOURS
from zoo import datasets
from zoo.gaussian_mixture.plot import ellipse, plot

# %% [markdown]
# ## The data and the model
#
# Old Faithful is a geyser. For each eruption there are two numbers, both in minutes: how long it lasted, and how long
# the wait was until the next (Azzalini and Bowman 1990).

# %%
table = datasets.load("faithful")
x, columns = table.to_numpy(float), list(table.columns)
print(table.describe().loc[["count", "mean", "std", "min", "max"]].round(2))

# %% [markdown]
# A *mixture* says that each row $x_n$ belongs to one of $K$ components, and that nobody wrote down to which: the
# label $z_n$ is latent.
#
# $$z_n \sim \mathrm{Categorical}(\pi), \qquad x_n \mid z_n = k \sim \mathrm{Normal}(\mu_k, \Sigma_k)$$
#
# With the labels summed out, a row has the density (Bishop 2006, section 9.2)
#
# $$p(x_n \mid \theta) = \sum_{k=1}^{K} \pi_k \, \mathrm{Normal}(x_n \mid \mu_k, \Sigma_k), \qquad
# \theta = (\pi, \mu, \Sigma).$$
#
# In the zoo this story is a program, and the card tells it in words. `Lambda` is the precision,
# $\Lambda_k = \Sigma_k^{-1}$.

# %%
model = zoo.load("gaussian_mixture", K=2)
print(model.card.story)

# %% [markdown]
# ## What EM does
#
# If the labels were known, the best $\theta$ would be shares, means and covariances of groups. If $\theta$ were known,
# each label would have a posterior,
#
# $$r_{nk} = p(z_n = k \mid x_n, \theta) =
# \frac{\pi_k \mathrm{Normal}(x_n \mid \mu_k, \Sigma_k)}{\sum_j \pi_j \mathrm{Normal}(x_n \mid \mu_j, \Sigma_j)},$$
#
# the *responsibility* of component $k$ for row $n$. EM (Dempster, Laird and Rubin 1977) does the one, then the other,
# and repeats. For this model both steps are closed forms (Bishop 2006, section 9.2.2), and the whole algorithm is
# these three functions.


# %%
def complete(theta):
    """log p(x_n, z_n = k | theta), for each row and component: (N, K)."""
    parts = zip(theta["pi"], theta["mu"], theta["Lambda"], strict=True)
    return np.stack([np.log(pi) + multivariate_normal.logpdf(x, mu, np.linalg.inv(P)) for pi, mu, P in parts], axis=1)


def e_step(theta):
    """The responsibilities (N, K), and the log-likelihood."""
    joint = complete(theta)
    evidence = logsumexp(joint, axis=1, keepdims=True)
    return np.exp(joint - evidence), evidence.sum()


def m_step(r):
    """Shares, means and precisions of the rows, each counted in component k by its responsibility."""
    n = r.sum(0)
    mu = r.T @ x / n[:, None]
    Sigma = [(r[:, [k]] * (x - mu[k])).T @ (x - mu[k]) / n[k] for k in range(len(n))]
    return {"pi": n / n.sum(), "mu": mu, "Lambda": np.linalg.inv(Sigma)}


# %% [markdown]
# A start that knows almost nothing: both components in the middle of the data and as wide as all of it, their means
# a little apart.

# %%
wide = np.linalg.inv(np.cov(x.T, bias=True))
start = {"pi": np.array([0.5, 0.5]), "mu": np.array([[3.4, 70.0], [3.6, 71.0]]), "Lambda": np.stack([wide, wide])}

path, climbed = [start], []
for _ in range(60):
    r, log_likelihood = e_step(path[-1])
    climbed.append(log_likelihood)
    path.append(m_step(r))

by_hand = np.array(climbed)
print(f"log-likelihood: {by_hand[0]:.2f} nats at the start, {by_hand[-1]:.2f} after {len(by_hand) - 1} iterations")
print(f"smallest step:  {np.diff(by_hand).min():+.1e} nats")

# %% [markdown]
# The zoo's `em` engine takes the same steps. For models without a closed form it still can: the E-step is then a
# gradient of the enumerated log marginal, and the M-step a numerical ascent (`inference/em/general`).

# %%
em = inference.fit(model, table, engine="em", start=start)
same = min(len(em.trace), len(by_hand))
print(f"{em.diagnostics['iterations']} iterations; converged: {em.diagnostics['converged']}")
print(f"largest difference from the loop above: {np.abs(em.trace[:same] - by_hand[:same]).max():.1e} nats")
assert np.allclose(em.trace[:same], by_hand[:same], atol=1e-6)
print(em.summary().round(3))

# %%
figure = Figure((10, 5.6), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=(1.15, 1))
for axes, i in zip(above.subplots(1, 4, sharey=True), (0, 14, 18, len(em.trace) - 1), strict=True):
    plot(axes, path[i], em.data, {"z": e_step(path[i])[0]}, columns=columns)
    axes.get_legend().remove()
    axes.set(title=f"iteration {i}", xlim=(1, 5.7), ylim=(38, 101))
    axes.label_outer()
axes = below.subplots()
axes.plot(em.trace, color=FIT_COLOURS[0], marker="o", markersize=3)
axes.set(xlabel="iteration", ylabel="log-likelihood (nats)")
show(figure, "em_climbs")

# %% [markdown]
# Ellipses are one and two standard deviations; a point's colour mixes the colours of the components that claim it.
#
# Look at the long flat stretch. Nothing is wrong there: the components overlap so much that the labels are nearly
# unknown, and EM's steps shrink with the share of the information that is missing (Dempster, Laird and Rubin 1977,
# section 3). A rule that stops at the first small gain would have stopped on this ledge.
#
# ## Why it climbs
#
# Take *any* distribution $q$ over the labels. Then, exactly (Neal and Hinton 1998; Bishop 2006, section 9.4),
#
# $$\log p(x \mid \theta) =
# \underbrace{\mathbb{E}_q[\log p(x, z \mid \theta)]}_{Q} \;+\;
# \underbrace{\mathbb{H}[q]}_{H} \;+\;
# \mathrm{KL}\big(q \,\|\, p(z \mid x, \theta)\big).$$
#
# KL is never negative, so $Q + H$ is a lower bound on the log-likelihood. To see that the identity holds, take $q$
# from one $\theta$ and the rest from another; the left side is the zoo's own exact sum over the labels.

# %%
old, new = path[17], path[18]
q = enumeration.responsibilities(model, old, x)["z"]


def bound(q, theta):
    """Q + H, in nats."""
    return (q * complete(theta)).sum() + entr(q).sum()


for name, theta in {"old": old, "new": new}.items():
    exact = enumeration.log_marginal(model, theta, x).sum()
    kl = rel_entr(q, enumeration.responsibilities(model, theta, x)["z"]).sum()
    Q, H = (q * complete(theta)).sum(), entr(q).sum()
    print(f"at the {name} theta: log p = {exact:.6f};  Q + H + KL = {Q:.3f} + {H:.3f} + {kl:.3f} = {Q + H + kl:.6f}")
    assert np.isclose(exact, Q + H + kl, atol=1e-8)

# %% [markdown]
# The *E-step* sets $q$ to the posterior of the labels: KL becomes zero, and the bound touches the log-likelihood. The
# *M-step* maximises $Q$, and so the bound, over $\theta$. The log-likelihood lies above the bound everywhere, so it
# rises at least as much as the bound did; what KL has grown to meanwhile comes on top. Here is the picture, along the
# straight line through two iterates.

# %%
t = np.linspace(-0.7, 2.1, 57)
line = [{n: old[n] + s * (new[n] - old[n]) for n in old} for s in t]
draws = {n: np.stack([theta[n] for theta in line])[None] for n in old}  # one chain of points on the line
exact = enumeration.log_marginal(model, draws, x)[0].sum(-1)

figure = Figure((7, 3.6), layout="constrained")
axes = figure.subplots()
axes.plot(t, exact, color="black", linewidth=2, label="log-likelihood")
for shade, at, name in ((FIT_COLOURS[1], 0, "old"), (FIT_COLOURS[0], 1, "new")):
    touching = enumeration.responsibilities(model, (old, new)[at], x)["z"]
    axes.plot(t, [bound(touching, theta) for theta in line], color=shade, label=f"bound, q from the {name} parameters")
    axes.plot(at, bound(touching, (old, new)[at]), "o", color=shade)
axes.axvline(1, color="0.7", linewidth=0.8, zorder=0)
axes.set(xlabel="0: old parameters, 1: after the M-step", ylabel="nats")
axes.legend(loc="lower center")
show(figure, "lower_bound")

# %% [markdown]
# The first bound touches at 0 and has its maximum at 1; the second touches at 1 and takes over from there.
#
# This is also a test of any EM program: if the objective ever falls by more than rounding, its M-step is wrong. The
# zoo raises an error then. And the same bound, with a $q$ over *all* unknowns, will come back below as the ELBO.
#
# ## When it gets stuck
#
# Climbing is all that EM promises. It ends where the gradient vanishes, which need not be the top (Wu 1983). Three
# ways to go astray:
#
# **A start without any difference.** Two equal components claim every row equally, so they stay equal for ever.

# %%
equal, values = {**start, "mu": np.array([[3.5, 70.0], [3.5, 70.0]])}, []
for _ in range(50):
    r, log_likelihood = e_step(equal)
    values.append(log_likelihood)
    equal = m_step(r)
one = e_step(m_step(np.ones((len(x), 1))))[1]
print(f"two equal components after 50 iterations: {values[-1]:.3f} nats; one component: {one:.3f}")

# %% [markdown]
# **A lower maximum.** With three components there are several ways to spend the third. The zoo starts EM from k-means
# with k-means++ seeding (Arthur and Vassilvitskii 2007), and `restarts` tries again and keeps the highest:

# %%
three = model.with_settings(K=3)
high = inference.fit(three, table, restarts=20)
heights = np.array(high.diagnostics["restarts"])
top = heights > heights.max() - 0.01
print(f"{top.sum()} of {len(heights)} starts reach {heights.max():.2f} nats")
print(f"the others end at {np.unique(heights[~top].round(2))}")
assert 0 < top.sum() < len(heights)

low = inference.fit(three, table, seed=int(np.argmin(top)))  # restart i has the seed of the fit plus i
judged = inference.compare(low, high, names=["one start", "twenty starts"])
print(f"one start: {judged.verdicts['one start'].explanation}.")

# %%
figure = Figure((10, 3.6), layout="constrained")
sorted_starts, one_start, many_starts = figure.subplots(1, 3)
many_starts.sharex(one_start)
many_starts.sharey(one_start)
sorted_starts.plot(np.arange(1, 21), np.sort(heights), "o", color=FIT_COLOURS[0], markersize=5)
sorted_starts.set(xlabel="start, the lowest first", ylabel="log-likelihood (nats)", xticks=[1, 5, 10, 15, 20])
for axes, name, fit in ((one_start, "one start", low), (many_starts, "the best of twenty", high)):
    plot(axes, fit.params, fit.data, fit.local(), columns=columns)
    axes.get_legend().remove()
    axes.set_title(f"{name}: {fit.trace[-1]:.1f} nats")
show(figure, "local_maxima")

# %% [markdown]
# One start lays the third component between the two clusters, where there are hardly any rows; the best of twenty finds
# a thin layer among the short eruptions. Nothing proves that there is no higher place yet; one can only start again.
#
# **A component that collapses.** Put a component on one row and let it shrink: the density at that row grows without
# bound, and so does the likelihood (Day 1969; Bishop 2006, section 9.2.1). No maximum exists there, and whatever came
# out would be an accident of rounding. The zoo refuses, and names the component:

# %%
trap = {n: v.copy() for n, v in low.params.items()}
trap["mu"][2], trap["Lambda"][2] = x[0], np.diag(1000 / x.var(0))
try:
    inference.fit(three, table, start=trap)
except zoo.ZooError as error:
    print(error)

# %% [markdown]
# The principled way out is a prior: `objective="map"` maximises $\log p(x \mid \theta) + \log p(\theta)$. The zoo's
# prior on a covariance is worth one row of vague data (after Fraley and Raftery 2007), enough to make zero width
# impossible.

# %%
rescued = inference.fit(three, table, start=trap, objective="map")
width = np.sqrt(np.linalg.eigvalsh(np.linalg.inv(rescued.params["Lambda"]))[:, 0])
print(f"MAP from the same start: log-likelihood {rescued.diagnostics['log_likelihood']:.2f} nats")
print("narrowest standard deviation of each component:", width.round(3), "minutes")

# %% [markdown]
# The same start now ends in a fit without a component of no width. What MAP does not cure is lower maxima.
#
# ## How many components?
#
# More components always fit better, so the likelihood cannot choose. Two criteria that charge for parameters, smaller
# being better: with $P$ free numbers,
#
# $$\mathrm{BIC} = -2 \log p(x \mid \hat\theta) + P \log N, \qquad
# \mathrm{ICL} = \mathrm{BIC} + 2\, \mathbb{H}[z \mid x, \hat\theta]$$
#
# (Schwarz 1978; Biernacki, Celeux and Govaert 2000). BIC asks how many components the *density* needs. ICL also charges
# for labels in doubt, and so asks how many *clusters* there are. We let the components share one covariance, `tied`.

# %%
tied = model.with_settings(covariance="tied")
choice = inference.choose(tied, table, K=range(1, 5), criterion="bic", restarts=10)
print(choice.table[["log_likelihood", "parameters", "bic", "icl"]].round(1))
by_bic, by_icl = choice.table["bic"].idxmin(), choice.table["icl"].idxmin()
print(f"BIC takes K = {by_bic}, ICL takes K = {by_icl}")
assert by_bic > by_icl

# %%
figure = Figure((10, 3.6), layout="constrained")
criteria, density = figure.subplots(1, 2)
for shade, name in zip(FIT_COLOURS, ("bic", "icl"), strict=False):
    column = choice.table[name]
    criteria.plot(column.index, column, marker="o", color=shade, label=name.upper())
    criteria.plot(column.idxmin(), column.min(), "o", color=shade, markersize=11, fillstyle="none")
criteria.set(xlabel="K", ylabel="criterion (smaller is better)", xticks=list(choice.table.index))
criteria.legend()
plot(density, choice.best.params, choice.best.data, choice.best.local(), choice.best.keywords, columns)
density.set_title(f"the {by_bic} components that BIC takes")
show(figure, "how_many")

# %% [markdown]
# They disagree, and both are right. There are two clusters. But the long eruptions are not one normal cloud, and a
# better density takes two overlapping components to draw it. Which you want depends on what the answer is for. The
# rest of this page keeps BIC's choice, because overlap is where methods of inference part ways.
#
# ## How sure? Standard errors
#
# A maximum alone says nothing of its own precision. Where data is plenty, the estimate is about normal around the
# truth, with the inverse of the *observed information* as covariance (Efron and Hinkley 1978):
#
# $$\mathrm{Cov}(\hat\theta) \approx \Big[ -\nabla^2_\theta \log p(x \mid \theta) \Big]_{\theta = \hat\theta}^{-1}.$$
#
# EM never computes this matrix; the zoo differentiates the enumerated likelihood twice. (`method="bootstrap"`
# resamples the rows instead.)

# %%
best = choice.best
errors = inference.standard_errors(best)
flat = {f"{n}[{','.join(map(str, i))}]": v[i] for n, v in errors.items() for i in np.ndindex(v.shape)}
estimates = best.summary().assign(standard_error=pd.Series(flat))
print(estimates.round(3))

# %% [markdown]
# ## What SVI adds: a distribution
#
# A Bayesian answer is not a point with an error bar but the posterior $p(\theta \mid x)$. *Variational inference* takes
# a family of distributions $q_\phi(\theta)$, called guides here, and climbs the same kind of bound, now on the evidence
# $p(x)$ (Jordan et al. 1999; Hoffman et al. 2013):
#
# $$\log p(x) = \underbrace{\mathbb{E}_{q_\phi}[\log p(x, \theta) - \log q_\phi(\theta)]}_{\text{ELBO}} +
# \mathrm{KL}\big(q_\phi(\theta) \,\|\, p(\theta \mid x)\big).$$
#
# There are no closed forms any more: the gradient is estimated from draws of $q_\phi$, which is the S in SVI. That is
# what makes it general. Any program and any guide will do, and with `batch_size=` a step sees only some of the rows.
# The labels stay summed out exactly.
#
# `mean_field` gives every parameter a normal of its own, in free coordinates, with no correlation. `full_rank` has one
# normal over all of them.

# %%
mean_field = inference.fit(best.model, table, engine="svi", guide="mean_field", seed=1)
full_rank = inference.fit(best.model, table, engine="svi", guide="full_rank", seed=1)
for name, fit in {"mean_field": mean_field, "full_rank": full_rank}.items():
    said = fit.diagnostics
    print(f"{name:10}  ELBO {said['elbo']:.2f} +- {said['elbo_se']:.2f} nats; converged: {said['converged']}")

# %% [markdown]
# The higher ELBO is the nearer guide: both differ from the same $\log p(x)$ by their KL. But the ELBO does not say how
# far off either is, nor in what. And *converged* means only that the climbing is over.
#
# There is a reason to be wary of mean-field. If the posterior is normal with precision matrix $A$, the best mean-field
# guide has variances $1 / A_{ii}$, where the true ones are $(A^{-1})_{ii}$ (Bishop 2006, section 10.1.2). The first are
# never larger. Where parameters are correlated, mean-field is too sure of itself.
#
# ## What NUTS adds: draws from the posterior itself
#
# The No-U-Turn sampler (Hoffman and Gelman 2014) has no family to be limited by. It walks through parameter space,
# and its draws come from the posterior, given time. Several chains from different starts tell whether it was enough
# time: $\hat R$ compares the spread between chains to that within them, and should be near 1; ESS is the number of
# independent draws that the correlated ones are worth (Vehtari et al. 2021).

# %%
nuts = inference.fit(best.model, table, engine="nuts", seed=1)
print("draws of mu (chain, draw, K, D):", nuts.draws["mu"].shape)
print("divergences:", nuts.diagnostics["divergences"])

# %% [markdown]
# One thing must be settled before anything is averaged. Swap the names of two components and the density is the same,
# so the posterior has $K!$ equal copies, and each chain may live in another one: *label switching* (Stephens 2000). A
# raw mean over chains is then a mean of different things. `inference.compare` puts the labels of every draw into one
# order, the nearest to common centres, before it computes anything; `params` and `summary()` of a fit do the same.

# %%
judged = inference.compare(best, mean_field, full_rank, nuts, columns=columns)
ordered = judged.draws["nuts"]
print("raw means of mu over all chains:\n", nuts.draws["mu"].mean((0, 1)).round(2))
print("means of mu, labels aligned:\n", ordered["mu"].mean((0, 1)).round(2))

# %%
figure = Figure((10, 3.2), layout="constrained")
for axes, title, mu in zip(
    figure.subplots(1, 2, sharey=True),
    ("as drawn: chains differ in the order of labels", "labels aligned"),
    (nuts.draws["mu"], ordered["mu"]),
    strict=True,
):
    chains, length, K, _ = mu.shape
    for chain in range(chains):
        draw = np.arange(length) + chain * length
        for k in range(K):
            axes.plot(draw, mu[chain, :, k, 0], color=COMPONENT_COLOURS[k], linewidth=0.6)
        axes.axvline(draw[0], color="0.6", linewidth=0.8, linestyle=":")
    axes.set(title=title, xlabel=f"draw, {chains} chains in a row", ylabel="minutes")
    axes.label_outer()
for k in range(K):
    axes.plot([], [], color=COMPONENT_COLOURS[k], label=f"mu[{k},0]")  # for the legend
figure.legend(loc="outside lower center", ncols=K)
show(figure, "label_switching")

# %% [markdown]
# ## Which to trust
#
# `compare` holds every fit to its own checks, and then to the most trustworthy one.

# %%
print(judged)

# %%
show(judged.figures()["marginals"], "marginals")

# %% [markdown]
# Each panel is the posterior of one number by each fit; the dashed line is EM's estimate. How to read the table, from
# the top:
#
# - *means off by*, *sd ratio* and *Wasserstein* are distances from the reference, the worst over all quantities, in
#   posterior standard deviations of the reference. An sd ratio of one half means intervals half as wide as they
#   ought to be.
# - *R-hat*, *ESS* and *divergent* are the chains' own checks. A reference must pass them, or nobody is the reference.
# - *k-hat* is the guides' own check (Vehtari et al. 2024): the shape of the largest weights
#   $p(\theta, x) / q(\theta)$. Above about 0.7 the guide leaves out places where the posterior has mass. It needs no
#   chains to compare to.
# - *KL at least* is how far the ELBO lies below the best bound known.
# - *trust* is the verdict: `yes`, `means only`, `point` (an estimate without spread) or `no`; the sentences say
#   why, and what to do.
#
# Nothing in the verdict is taste. Each comes with its rule:

# %%
for kind, name in {"chains": "nuts", "guides": "svi (mean_field)", "points": "em"}.items():
    print(f"{kind}: {judged.verdicts[name].rule}.\n")
assert judged.verdicts["svi (mean_field)"].trust != "yes"
assert judged.verdicts["svi (full_rank)"].trust == "yes"

# %% [markdown]
# What went wrong with mean-field can be seen. The two components of the long eruptions overlap: move the mean of one,
# and rows change hands, so its weight follows. Their posterior is a tilted cloud, and a family without correlation can
# only lie inside it.

# %%
k = int(np.argmin(ordered["pi"].mean((0, 1))))  # the smaller of the overlapping components
figure = Figure((6, 3.8), layout="constrained")
axes = figure.subplots()
for shade, name in zip(FIT_COLOURS, ("nuts", "svi (mean_field)", "svi (full_rank)"), strict=False):
    pair = np.stack([judged.draws[name]["mu"][..., k, 0].ravel(), judged.draws[name]["pi"][..., k].ravel()], axis=1)
    if name == "nuts":
        axes.scatter(*pair.T, s=4, color="0.7", linewidth=0, label="nuts, draws")
        print(f"correlation of mu[{k},0] and pi[{k}] in the posterior: {np.corrcoef(pair.T)[0, 1]:.2f}")
    axes.add_patch(ellipse(pair.mean(0), np.cov(pair.T), 2, shade))
    axes.plot([], [], color=shade, label=f"{name}, 2 sd")
axes.set(xlabel=f"mu[{k},0] (minutes)", ylabel=f"pi[{k}]")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(figure, "mean_field_misleads")

# %% [markdown]
# And the standard errors? They come from one Hessian at one point, for the price of one EM fit. Beside the posterior
# standard deviations:

# %%
in_order = [int(np.abs(best.params["mu"] - mu).sum(1).argmin()) for mu in judged.draws["em"]["mu"][0, 0]]
beside = {
    "standard error": np.concatenate([errors["pi"][in_order], errors["mu"][in_order].ravel()]),
    "posterior sd": np.concatenate([ordered["pi"].std((0, 1)), ordered["mu"].std((0, 1)).ravel()]),
}
print(pd.DataFrame(beside, index=judged.statistics["nuts"].quantities[: len(beside["posterior sd"])]).round(3))

# %% [markdown]
# ## What to remember
#
# - EM is exact and fast, and it climbs because each step lifts a bound that touches. It finds *a* maximum: use
#   `restarts`, read the error when a component collapses, and take MAP where there is little data.
# - BIC counts components of a density, ICL counts clusters.
# - SVI gives a distribution from any program, within a family. Check k-hat, and prefer `full_rank` where you can
#   afford it.
# - NUTS gives the posterior, and its checks tell when it did not. Align labels before you average.
# - `inference.compare(...)` says all this of your own fits; `.save("report.html")` writes it down with the figures.

# %% [markdown]
# ## References
#
# - Arthur, D. and Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding. SODA.
# - Azzalini, A. and Bowman, A. W. (1990). A look at some data on the Old Faithful geyser. Applied Statistics 39.
# - Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for clustering with the integrated
#   completed likelihood. IEEE Transactions on Pattern Analysis and Machine Intelligence 22.
# - Bishop, C. M. (2006). Pattern Recognition and Machine Learning. Springer.
# - Day, N. E. (1969). Estimating the components of a mixture of normal distributions. Biometrika 56.
# - Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from incomplete data via the EM algorithm.
#   Journal of the Royal Statistical Society B 39.
# - Efron, B. and Hinkley, D. V. (1978). Assessing the accuracy of the maximum likelihood estimator: observed versus
#   expected Fisher information. Biometrika 65.
# - Fraley, C. and Raftery, A. E. (2007). Bayesian regularization for normal mixture estimation and model-based
#   clustering. Journal of Classification 24.
# - Hoffman, M. D., Blei, D. M., Wang, C. and Paisley, J. (2013). Stochastic variational inference. Journal of Machine
#   Learning Research 14.
# - Hoffman, M. D. and Gelman, A. (2014). The No-U-Turn sampler. Journal of Machine Learning Research 15.
# - Jordan, M. I., Ghahramani, Z., Jaakkola, T. S. and Saul, L. K. (1999). An introduction to variational methods for
#   graphical models. Machine Learning 37.
# - Neal, R. M. and Hinton, G. E. (1998). A view of the EM algorithm that justifies incremental, sparse, and other
#   variants. In Learning in Graphical Models.
# - Schwarz, G. (1978). Estimating the dimension of a model. Annals of Statistics 6.
# - Stephens, M. (2000). Dealing with label switching in mixture models. Journal of the Royal Statistical Society B 62.
# - Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021). Rank-normalization, folding, and
#   localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16.
# - Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed importance sampling. Journal of
#   Machine Learning Research 25.
# - Wu, C. F. J. (1983). On the convergence properties of the EM algorithm. Annals of Statistics 11.
