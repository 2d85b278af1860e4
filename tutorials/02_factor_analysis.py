# %% [markdown]
# # Factor analysis: what nine tests share, and how sure one can be of it
#
# One table, one linear model with hidden causes, and the questions one asks of it: what the parameters mean, which of
# them the data can tell and which not, how many factors there are, how certain the loadings are. Every number below is
# computed where it stands. Figures are written to the folder that the environment variable `FIGURES` names (else in
# `figures/`).

# %%
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import chi2, ortho_group
from sklearn.decomposition import PCA
from style import show

import inference
import zoo
from inference import enumeration, factors
from inference.plots.style import FIT_COLOURS
from inference.summaries.statistics import chain_statistics
from zoo import datasets
from zoo.gaussian_mixture.plot import ellipse

# %% [markdown]
# ## The data and the model
#
# In 1939 Holzinger and Swineford published the scores of 301 pupils of two schools in tests of ability. Nine of these
# tests have become a standard example: `x1` to `x3` were made to measure visual ability, `x4` to `x6` verbal ability
# (textual), `x7` to `x9` speed.

# %%
pupils = datasets.load("holzinger_swineford_1939")
table = datasets.observed("holzinger_swineford_1939")
columns, x = list(table.columns), table.to_numpy()
N, D = x.shape
visual, textual, speed = [0, 1, 2], [3, 4, 5], [6, 7, 8]
print(table.describe().loc[["count", "mean", "std", "min", "max"]].round(2))

# %% [markdown]
# Tests of one kind go together: who is good at one of them is good at the others. *Factor analysis* says that they do
# because of a few unseen abilities, the *factors* $z_n$, to which each test answers linearly:
#
# $$z_n \sim \mathrm{Normal}(0, I_Z), \qquad x_n \mid z_n \sim \mathrm{Normal}(W z_n + \mu, \Psi), \qquad
# \Psi = \mathrm{diag}(\psi_1, \dots, \psi_D).$$
#
# - $W$ holds the *loadings*: $W_{dj}$ is what one standard deviation more of factor $j$ adds to test $d$.
# - $\mu$ is the mean of each test.
# - $\psi_d$ is the *uniqueness* of test $d$: the variance of what it shares with no other test. Its own subject and
#   plain chance are both in it; the model cannot tell them apart.
# - $z_n$ are the *scores* of pupil $n$, in standard deviations, since nothing else gives a factor a unit.
#
# That $\Psi$ is diagonal is the whole content: *given* the factors the tests are independent, so that everything they
# share must come through $z$. In the zoo the story is a program; $W$, $\mu$ and $\Psi$ have vague priors, which
# maximum likelihood does not look at.

# %%
model = zoo.load("factor_analysis", Z=3)
print(model.card.story)

# %% [markdown]
# A sum of normal vectors is normal, so that $z$ can be integrated out by hand (Bishop 2006, section 12.2.4):
#
# $$x_n \sim \mathrm{Normal}(\mu, \Sigma), \qquad \Sigma = W W^\top + \Psi.$$
#
# Factor analysis is thus a model of a covariance. A free one has $D(D+1)/2$ numbers; this one has fewer, and the
# difference is what the data can contradict. Nothing in $\Sigma$ is about single pupils: the sample covariance $S$ and
# the number of rows are all that the likelihood needs,
#
# $$\log p(x \mid W, \mu, \Psi) = -\frac{N}{2} \Big( D \log 2 \pi + \log |\Sigma| +
# \mathrm{tr}(\Sigma^{-1} S) \Big) \quad \text{at } \mu = \bar x.$$
#
# ## EM in closed form
#
# If the scores were known, each test would be a linear regression on them. EM (Rubin and Thayer 1982) puts in what is
# known of them. Given a row, the scores are normal too, with
#
# $$\mathbb{E}[z_n \mid x_n] = \beta (x_n - \mu), \qquad \mathrm{Cov}[z_n \mid x_n] = I - \beta W, \qquad
# \beta = W^\top \Sigma^{-1},$$
#
# and the regression needs the averages of $x z^\top$ and of $z z^\top$ only, which come from $S$:

# %%
S = np.cov(x.T, bias=True)


def log_likelihood(Sigma):
    """log p of the table under Normal(mean, Sigma), in nats."""
    return -N / 2 * (D * np.log(2 * np.pi) + np.linalg.slogdet(Sigma)[1] + np.trace(np.linalg.solve(Sigma, S)))


def em_step(W, Psi):
    beta = W.T @ np.linalg.inv(W @ W.T + np.diag(Psi))
    xz = S @ beta.T  # E-step: the average of (x - mu) z', given the rows
    zz = np.eye(W.shape[1]) - beta @ W + beta @ xz  # and of z z': what is uncertain, and what varies between rows
    W = np.linalg.solve(zz, xz.T).T  # M-step: regression of x on z
    return W, np.diag(S - W @ xz.T)  # and what it leaves of each test


# %% [markdown]
# The zoo's engine does the same with two accelerations that change nothing of what is maximised (parameter-expanded EM:
# Liu, Rubin and Wu 1998; SQUAREM: Varadhan and Roland 2008).

# %%
em = inference.fit(model, table, engine="em")
top = em.diagnostics["log_likelihood"]

values, vectors = np.linalg.eigh(S)
W, Psi = vectors[:, -3:] * np.sqrt(values[-3:]), np.diag(S) / 2  # a start: the principal axes, half of each variance
climbed = []
for _ in range(300):
    climbed.append(log_likelihood(W @ W.T + np.diag(Psi)))
    W, Psi = em_step(W, Psi)
by_hand = np.array(climbed)
near = 1e-6 * N  # nats
print(f"by hand: {by_hand[-1]:.6f} nats, within {near:.4f} of it after {np.argmax(by_hand > top - near)} iterations")
print(f"engine:  {top:.6f} nats, converged after {em.diagnostics['iterations']} iterations")
assert abs(by_hand[-1] - top) < 1e-3
assert np.diff(by_hand).min() > -1e-8

# %% [markdown]
# ## The covariance it implies
#
# Is $\Sigma$ like the covariance that was measured? Both are drawn as correlations, in which all tests have one unit.

# %%
Sigma = em.params["W"] @ em.params["W"].T + np.diag(em.params["Psi"])
sd = np.sqrt(np.diag(S))
sample, implied = S / np.outer(sd, sd), Sigma / np.outer(sd, sd)
figure = Figure((10, 3.4), layout="constrained")
panels = figure.subplots(1, 3)
for axes, title, matrix, limit in zip(
    panels,
    ("sample correlations", "those of WW' + Psi", "sample less model"),
    (sample, implied, sample - implied),
    (1, 1, 0.2),
    strict=True,
):
    image = axes.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set_xticks(range(D), columns)
    axes.set_yticks(range(D), columns)
    axes.tick_params(length=0)
    axes.set_title(title)
    figure.colorbar(image, ax=axes, shrink=0.8)
show(figure, "covariance")

# %%
off = ~np.eye(D, dtype=bool)
saturated = log_likelihood(S)
free = ((D - 3) ** 2 - (D + 3)) // 2  # numbers of a free covariance, less those of W and Psi, rotations not counted
ratio = 2 * (saturated - top)
print(f"largest gap on the diagonal: {np.abs(np.diag(sample - implied)).max():.4f}")
print(f"off the diagonal: root mean square {np.sqrt(((sample - implied)[off] ** 2).mean()):.3f}")
print(f"likelihood ratio against a free covariance: {ratio:.1f} on {free} degrees of freedom", end="")
print(f" (p = {chi2.sf(ratio, free):.3f})")
assert np.abs(np.diag(sample - implied)).max() < 1e-3
assert chi2.sf(ratio, free) > 0.01

# %% [markdown]
# The diagonal is met exactly: $\Psi$ takes whatever variance is left. It is the correlations between tests that could
# have gone wrong, and three factors leave little of them. The test of the last line (Lawley and Maxwell 1971) asks
# whether the rest could be chance. It doubts it a little: a model of three abilities is not the whole truth about these
# pupils, and with enough pupils no model of a few numbers passes.
#
# ## Rotation is free
#
# Take any orthogonal matrix $R$ and let $W' = W R$. Then $W' W'^\top = W R R^\top W^\top = W W^\top$: the covariance
# does not move, nor does the likelihood of any row. It cannot be known in which direction the axes of the factors
# point, only which space they span.

# %%
R = ortho_group.rvs(3, random_state=np.random.default_rng(0))
turned = {**em.params, "W": em.params["W"] @ R}
by_row = enumeration.log_marginal(model, turned, table)
print("loadings of x1:", em.params["W"][0].round(2), "and turned:", turned["W"][0].round(2))
print(f"largest change of any row's log-likelihood: {np.abs(by_row - em.log_likelihood()).max():.1e} nats")
assert np.allclose(by_row, em.log_likelihood(), atol=1e-9)

# %% [markdown]
# So axes may be chosen by what is easy to read. A matrix of loadings is easy to read when each test loads on few
# factors: *simple structure* (Thurstone 1947). *Varimax* (Kaiser 1958) looks for the orthogonal $R$ whose squared
# loadings vary most within each column, so that they are either large or near nothing. *Oblimin* (Jennrich and Sampson
# 1966) also lets the axes leave their right angles: factors may then be correlated, as abilities of real pupils are.
#
# The loadings are shown standardised, in standard deviations of each test.

# %%
figure = Figure((10, 3.8), layout="constrained")
for axes, rotation in zip(figure.subplots(1, 3), (None, "varimax", "oblimin"), strict=True):
    factors.heatmap(factors.loadings(em, rotation, columns=columns), axes)
    axes.set_title(rotation or "as EM left them")
show(figure, "rotations")

# %%
oblique = factors.loadings(em, "oblimin", columns=columns)
phi = factors.factor_correlations(em, "oblimin")
print(oblique.round(2))
print(phi.round(2))
loadings = oblique[["factor 1", "factor 2", "factor 3"]].to_numpy()
for group, factor in ((textual, 0), (visual, 1), (speed, 2)):
    assert (np.abs(loadings[group]).argmax(1) == factor).all()
assert phi.to_numpy().min() > 0

# %% [markdown]
# The three groups of the publication appear, though nobody told the model of them: factor 1 is textual, factor 2
# visual, factor 3 speed. Only `x9` divides itself: it asks to tell straight capitals from curved ones, quickly, and
# that is visual as well. The factors are correlated, all of them positively. With oblique factors a loading is a
# regression weight and no correlation, and a negative one (`x7` on the visual factor) says: less than its speed would
# lead one to expect.
#
# One thing must not be read into this. Varimax and oblimin fit the data equally well, and so does any other choice. A
# rotation is a way of speaking, and no finding.
#
# ## Communality, uniqueness, and a Heywood case
#
# What no rotation touches is how much of each test the factors explain: its *communality*
# $h_d^2 = \sum_j W_{dj}^2 / \Sigma_{dd}$; the rest, $\psi_d / \Sigma_{dd}$, is its uniqueness as a share.

# %%
varimax = factors.loadings(em, "varimax", columns=columns)
assert np.allclose(varimax["communality"], oblique["communality"])
assert np.allclose(oblique["communality"] + oblique["uniqueness"], 1)
share = factors.explained_variance(em, "varimax")["share"]
low, high = oblique["communality"].idxmin(), oblique["communality"].idxmax()
print(oblique[["communality", "uniqueness"]].T.round(2).to_string())
print(f"least of {low}, most of {high}; of all tests together {share['all']:.0%}")

# %% [markdown]
# A variance cannot be negative, but nothing keeps the *formula* for one from it. Take three tests and one factor: three
# correlations $r$ and three loadings, so that the loadings can be solved for, and
#
# $$h_3^2 = \frac{r_{13} \, r_{23}}{r_{12}}.$$
#
# If tests 1 and 2 have little to do with each other while each goes along with test 3, this is above 1. Such are `x1`,
# `x7` and `x9`, the one that is both visual and fast.

# %%
three = table[["x1", "x7", "x9"]]
r = np.corrcoef(three.T)
print(f"the communality of x9 would have to be {r[0, 2] * r[1, 2] / r[0, 1]:.2f}")
heywood = inference.fit(model.with_settings(Z=1), three)
print("communalities at the maximum:", factors.loadings(heywood, columns=list(three))["communality"].round(3).to_dict())
print("columns reported as Heywood cases:", heywood.diagnostics["heywood"])
assert heywood.diagnostics["heywood"] == [2]

# %% [markdown]
# That is a *Heywood case* (Heywood 1931): the likelihood is highest where a uniqueness is zero, at the edge of what is
# possible. The fit says, in words, that `x9` *is* the factor, measured without any error, which nobody believes. It is
# a sign of too many factors, of too few rows, or of a model that is wrong: here one factor, where there are two. The
# zoo reports it under `heywood` and does not hide it.
#
# With all nine tests, three factors are free of it, and a fourth is not.

# %%
print("three factors:", em.diagnostics["heywood"], "smallest uniqueness", oblique["uniqueness"].min().round(2))
four = model.with_settings(Z=4)
early = inference.fit(four, table, max_iter=40)
fit = inference.fit(four, table)
held = inference.fit(four, table, objective="map")
unique = {
    name: factors.loadings(f, columns=columns).loc["x7", "uniqueness"]
    for name, f in (("40 iterations of EM", early), ("to the end", fit), ("MAP", held))
}
for (name, u), f in zip(unique.items(), (early, fit, held), strict=True):
    print(f"four factors, {name:20} {f.diagnostics['log_likelihood']:.3f} nats, uniqueness of x7 {u:.4f}")
print("columns reported as Heywood cases:", fit.diagnostics["heywood"])
assert fit.diagnostics["heywood"] == [columns.index("x7")]
assert early.diagnostics["heywood"] == held.diagnostics["heywood"] == []
assert unique["to the end"] < 1e-5 < 0.1 < unique["MAP"]
assert 0 < fit.trace[-1] - held.diagnostics["log_likelihood"] < 0.5

# %% [markdown]
# EM by itself creeps towards the edge, ever more slowly, for a gain that is next to nothing: an EM that has stopped is
# no proof that a uniqueness is above zero. So where one is small the zoo's EM hands over to quasi-Newton steps that
# know the bound, and arrives. `objective="map"` keeps away from the edge at the price of a fraction of a nat, by the
# prior: an inverse gamma that has no mass at zero (a remedy of the kind that Martin and McDonald 1975 proposed).
#
# ## Scores, and how little is known of them
#
# The scores of a pupil are not computed but inferred: $p(z_n \mid x_n)$ is normal, with the mean and covariance given
# above. `fit.local()` has both. The covariance is the same for all pupils, for they all took the same tests.

# %%
z = em.local()["z"]
T = factors.rotate(factors.loadings(em)[["factor 1", "factor 2", "factor 3"]].to_numpy(), "oblimin").T
scores, spread = z.mean @ T, T.T @ z.covariance[0] @ T  # on the oblique axes
names = ["textual", "visual", "speed"]
whole = z.mean.T @ z.mean / N + z.covariance[0]
print("posterior standard deviations:", dict(zip(names, np.sqrt(np.diag(spread)).round(2).tolist(), strict=True)))
print(f"variance between pupils and within, together: identity up to {np.abs(whole - np.eye(3)).max():.4f}")
assert np.abs(whole - np.eye(3)).max() < 1e-2
assert np.sqrt(np.diag(spread)).argmin() == 0

# %% [markdown]
# A factor has a standard deviation of one; the posterior standard deviation is what the tests leave open of it. The
# textual factor is known best. The two parts of the variance, that of the posterior means and that around them, must
# add up to the prior's, and they do (at the maximum of the likelihood this is exact). So the posterior *means* vary by
# less than the factors do; they are drawn to zero, the more so the less is known.

# %%
schools = pupils["school"].to_numpy()
figure = Figure((10, 4), layout="constrained")
for axes, (i, j) in zip(figure.subplots(1, 2), ((1, 0), (1, 2)), strict=True):
    for shade, school in zip(FIT_COLOURS, np.unique(schools), strict=False):
        of = scores[schools == school]
        axes.scatter(of[:, i], of[:, j], s=9, color=shade, linewidth=0, label=school)
    for pupil in (0, 100, 200, 300):
        axes.add_patch(ellipse(scores[pupil, [i, j]], spread[np.ix_([i, j], [i, j])], 2, "black"))
        axes.plot(*scores[pupil, [i, j]], "o", color="black", markersize=4)
    axes.set(xlabel=names[i], ylabel=names[j], aspect="equal")
axes.legend(title="posterior means", loc="center left", bbox_to_anchor=(1, 0.5))
show(figure, "scores")

# %%
apart = np.abs(scores[:, None, 1] - scores[None, :, 1])[np.triu_indices(N, 1)]
told = (apart > 1.96 * np.sqrt(2) * np.sqrt(spread[1, 1])).mean()
print(f"pairs of pupils whose visual scores differ by more than chance allows (at 5%): {told:.0%}")
between = pd.DataFrame(scores, columns=pd.Index(names)).groupby(schools)
print(pd.concat({"mean": between.mean(), "standard error": between.sem()}, axis=1).round(2).to_string())
assert told < 0.5
assert np.ptp(between.mean()["textual"]) > 3 * between.sem()["textual"].max()

# %% [markdown]
# The ellipses hold two posterior standard deviations of four of the pupils. Most pairs of pupils cannot be told apart
# by their visual score. Means of many pupils can be: the school of Grant-White is ahead in the textual tests.
#
# ## How many factors?
#
# More factors always fit better. `inference.choose` fits each number and lays the criteria side by side. With $P$ free
# numbers (a rotation not counted),
#
# $$\mathrm{BIC} = -2 \log p(x \mid \hat\theta) + P \log N, \qquad \mathrm{AIC} = -2 \log p(x \mid \hat\theta) + 2 P$$
#
# (Schwarz 1978; Akaike 1974), and *cross-validation*: the exact log-density of rows that the fit has not seen (Stone
# 1974). (`tol` ends the long way to the edge of the fits with too many factors.)

# %%
choice = inference.choose(model, table, Z=range(1, 6), folds=5, tol=1e-6)
print(choice.table[["log_likelihood", "parameters", "bic", "aic", "cv", "cv_behind_se"]].round(3))
print(choice.sizes)
behind = choice.table["cv"].max() - choice.table["cv"]
simplest = int(behind.index[behind <= choice.table["cv_behind_se"]].min())
print(f"the smallest number within one standard error of the best by cross-validation: {simplest}")
assert choice.sizes["bic"] == simplest == 3

# %%
show(choice.figure(), "how_many")

# %% [markdown]
# BIC takes three. AIC and cross-validation ask which number *predicts* best, and a fourth factor predicts no worse: the
# difference is far within its standard error, and the smallest number within one standard error of the best is three
# again. What a fourth factor would be we have seen: one test's own noise. Three it is.
#
# ## NUTS: the whole posterior, and why its raw loadings are no use
#
# How certain are the loadings? NUTS (Hoffman and Gelman 2014) draws from the posterior of $W$, $\mu$ and $\Psi$, by
# default on the program `collapsed`, where $z$ is integrated out: 45 numbers to explore, and not 45 and 903 more.

# %%
nuts = inference.fit(model, table, engine="nuts", num_warmup=300, num_samples=400, target_accept=0.8, seed=1)
raw, aligned = nuts.draws["W"], nuts.aligned()["W"]
print("draws of W (chain, draw, D, Z):", raw.shape, "divergences:", nuts.diagnostics["divergences"])
checks = {}
for name, draws in {"raw": raw, "aligned": aligned}.items():
    r_hat, ess, _ = chain_statistics(draws.reshape(*draws.shape[:2], -1))
    length = np.abs(draws.mean((0, 1))).max()
    checks[name] = r_hat.max(), ess.min()
    print(f"{name:8}: largest R-hat {r_hat.max():.3f}, least ESS {ess.min():5.0f}, largest mean {length:.2f}")
assert checks["raw"][0] > 1.01 > checks["aligned"][0]

# %% [markdown]
# The likelihood does not know the rotation, and the prior of $W$ is the same in all directions, so the *posterior* does
# not know it either: it is a shell, and the chains wander over it for ever, some one way, some another. Hence the bad
# $\hat R$ and the few independent draws of the raw loadings. But patience is no cure. The true posterior mean of every
# loading is zero, by symmetry: chains that had mixed perfectly would tell us nothing.
#
# What helps is to turn the draws into one frame before anything is averaged: each draw gets the orthogonal matrix that
# brings its loadings nearest to a common mean (*Procrustes*: Schönemann 1966; the mean and the matrices in turn: Gower
# 1975). That changes no draw's likelihood. What is left of the spread is what the data leave open.

# %%
figure = Figure((9, 4), layout="constrained")
for axes, title, draws in zip(
    figure.subplots(1, 2, sharex=True, sharey=True), ("as drawn", "aligned"), (raw, aligned), strict=True
):
    for d in (0, 3, 6):
        for chain, mark in zip(range(len(draws)), "o^sv", strict=False):
            pair = draws[chain, ::2, d, :2]
            axes.scatter(*pair.T, s=7, marker=mark, color=FIT_COLOURS[d // 3], alpha=0.5, linewidth=0)
        axes.scatter([], [], s=16, color=FIT_COLOURS[d // 3], label=columns[d])
    axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.set(title=title, xlabel="loading on axis 1", ylabel="loading on axis 2", aspect="equal")
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(figure, "procrustes")

# %% [markdown]
# Left, each test's loadings fill a disc, the shadow of a sphere. Right, they are three clouds. What never needed
# alignment are quantities that no rotation changes, such as the entries of $W W^\top + \Psi$; by them one sees that the
# chains were sound all along.

# %%
invariant = factors.covariances(nuts, columns)
print(
    f"entries of WW' + Psi: largest R-hat {invariant['r_hat'].max():.3f}, least ESS {invariant['ess_bulk'].min():.0f}"
)
assert invariant["r_hat"].max() < 1.01

# %% [markdown]
# Now the loadings have intervals, on axes that oblimin chose for their mean (the spread does not hold that of the
# choice itself).

# %%
posterior = factors.loadings(nuts, "oblimin", columns=columns)
figure = Figure((9, 3.6), layout="constrained")
for axes, name, factor in zip(figure.subplots(1, 3, sharey=True), names, (1, 2, 3), strict=True):
    of = posterior[f"factor {factor}"]
    clear = ((of["eti_3%"] > 0) | (of["eti_97%"] < 0)).to_numpy()
    for d in range(D):
        shade = FIT_COLOURS[0] if clear[d] else "0.6"
        axes.plot(of.loc[columns[d], ["eti_3%", "eti_97%"]], [d, d], color=shade, linewidth=2)
        axes.plot(of.loc[columns[d], "mean"], d, "o", color=shade, markersize=5)
    axes.plot(
        loadings[:, factor - 1], np.arange(D), "d", color=FIT_COLOURS[1], markersize=4, fillstyle="none", label="em"
    )
    axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.set(title=name, xlabel="standardised loading", yticks=range(D), yticklabels=columns)
    axes.label_outer()
axes.invert_yaxis()
axes.legend(loc="lower right")
show(figure, "loadings")

# %%
grey = posterior.xs("eti_3%", axis=1, level=1).lt(0) & posterior.xs("eti_97%", axis=1, level=1).gt(0)
own = [grey.loc[columns[d], f"factor {j + 1}"] for g, j in ((textual, 0), (visual, 1), (speed, 2)) for d in g]
assert not any(own)
print("94% interval of x9 on visual:", posterior.loc["x9", "factor 2"][["eti_3%", "eti_97%"]].round(2).tolist())
print("94% interval of x7's uniqueness:", posterior.loc["x7", "uniqueness"][["eti_3%", "eti_97%"]].round(2).tolist())
assert posterior.loc["x9", ("factor 2", "eti_3%")] > 0

# %% [markdown]
# Bars are 94% intervals, blue where they leave out zero; diamonds are EM's. Each test's loading on its own factor is
# well above zero, and so is that of `x9` on the visual factor: the exception is no accident of the sample.
#
# ## Which to trust
#
# EM took a fraction of a second, NUTS far longer. Between them stands SVI, which fits a normal with independent
# coordinates (`mean_field`) to the posterior. `compare` aligns the axes of each fit and turns all of them into one
# frame before it compares anything.

# %%
svi = inference.fit(model, table, engine="svi", num_steps=2000, seed=1)
judged = inference.compare(em, svi, nuts, columns=columns)
print(judged)
assert judged.verdicts["nuts"].trust == "yes"
assert judged.verdicts["svi (mean_field)"].trust != "yes"
ordered = {n: v.reshape(-1, *v.shape[2:]) for n, v in judged.draws["nuts"].items()}
tight = np.corrcoef(np.square(ordered["W"][:, 6]).sum(-1), ordered["Psi"][:, 6])[0, 1]
means = np.corrcoef(ordered["mu"][:, 3], ordered["mu"][:, 4])[0, 1]
print(f"correlations by NUTS: of what x7 shares with its uniqueness {tight:.2f}; of the means of x4 and x5 {means:.2f}")
assert tight < -0.5
assert means > 0.5

# %%
show(judged.figures()["marginals"], "marginals")

# %% [markdown]
# Each panel is one number's posterior, those on which the fits agree least first; the dashed line is EM's estimate. The
# verdict reads: NUTS passes its own checks and is what the others are held against. EM is a point, and a good one.
# The guide's means are right, its intervals are not. What a test shares and its uniqueness must add up to its variance,
# so that one falls where the other rises; and the means of tests of one group rise and fall together, as the tests do.
# A family without correlations can hold neither.
#
# ## PCA as a limit
#
# *Probabilistic PCA* (Tipping and Bishop 1999; Roweis 1998) is factor analysis with one and the same noise for each
# column, $\Psi = \sigma^2 I$. Its maximum likelihood is known in closed form: the columns of $W$ span the space of the
# first principal axes $u_j$, with $w_j = u_j \sqrt{\lambda_j - \sigma^2}$, where $\lambda_j$ are the eigenvalues of $S$
# and $\sigma^2$ is the mean of those left out. The posterior mean of $z$ puts the row at
#
# $$W \, \mathbb{E}[z_n \mid x_n] + \mu = \mu + \sum_j \Big( 1 - \frac{\sigma^2}{\lambda_j} \Big)
# u_j u_j^\top (x_n - \mu),$$
#
# which is PCA's projection, drawn towards the mean. As $\sigma^2 \to 0$ the factor goes to 1: PCA. To watch it happen,
# we take what lies outside of the plane of the first three axes and shrink it, so that $\sigma^2$ shrinks and nothing
# else changes; and each time we let EM fit. It starts from loadings drawn at random, lest it begin where it should end.

# %%
ppca = zoo.load("probabilistic_pca", Z=3)
pca = PCA(3).fit(x)
plane = pca.inverse_transform(pca.transform(x))
start = {"W": np.random.default_rng(0).normal(size=(D, 3)), "mu": x.mean(0), "sigma2": np.array(1.0)}
rows = []
for shrink in np.logspace(0, -3, 7):
    y = plane + shrink * (x - plane)
    fit = inference.fit(ppca, y, start=start)
    sigma2 = float(fit.params["sigma2"])
    angle = factors.angles(fit, pca.components_.T).max()
    gap = np.linalg.norm(factors.reconstruct(fit)[0] - plane) / np.linalg.norm(plane - x.mean(0))
    spread_j = x.var(0).sum() * pca.explained_variance_ratio_  # the eigenvalues, with N below
    exact = np.sqrt(((sigma2 / spread_j) ** 2 * spread_j).sum() / spread_j.sum())
    rows.append((sigma2, angle, gap, exact))
limit = pd.DataFrame(rows, columns=pd.Index(["sigma2", "angle", "gap", "exact"]))
print(limit.map("{:.2e}".format))
assert limit["angle"].iloc[-1] < 1e-6
assert np.allclose(limit["gap"], limit["exact"], rtol=1e-3)

# %%
figure = Figure((9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
left.loglog(limit["sigma2"], limit["angle"], "o-", color=FIT_COLOURS[0])
left.set(ylabel="radians", title="angle between the space of W and that of PCA")
right.loglog(limit["sigma2"], limit["exact"], color="0.6", label="by the formula")
right.loglog(limit["sigma2"], limit["gap"], "o", color=FIT_COLOURS[1], label="of the fits")
right.set(ylabel="relative distance", title="W E[z] + mu: distance from PCA's projection")
right.legend()
for axes in (left, right):
    axes.set_xlabel("sigma2 (fitted)")
show(figure, "pca_limit")

# %% [markdown]
# The scores approach PCA's in proportion to $\sigma^2$, as the formula has it. The space is that of PCA at *every*
# $\sigma^2$; what the left panel shows is only where EM stopped: the smaller the noise, the more sharply the
# likelihood tells a small angle, down to rounding.
#
# That is not to say that factor analysis is PCA. PCA explains variances and takes a noisy column for an important one;
# factor analysis explains correlations, and lets the noise of each column be its own. Multiply one test by ten:

# %%
stretched = x * np.where(np.arange(D) == 1, 10.0, 1.0)
refitted = inference.fit(model, stretched)
change = np.abs(factors.loadings(refitted, "varimax") - varimax.to_numpy()).to_numpy().max()
first = np.abs(PCA(1).fit(stretched).components_[0])
print(f"standardised loadings of factor analysis change by {change:.4f} at most")
print(f"PCA's first axis is now x2 itself: {first[1]:.3f} of 1")
assert change < 1e-2 < 0.99 < first[1]

# %% [markdown]
# ## A mixture of factor analysers
#
# Where rows come from several groups, each may have factors of its own: a *mixture of factor analysers* (Ghahramani and
# Hinton 1996) has the covariance $W_k W_k^\top + \Psi_k$ in component $k$. It stands between the two mixtures everybody
# knows: `diag`, in which columns do not correlate within a group, and `full`, in which a group has
# $D(D+1)/2$ numbers for its covariance alone. Wine has 13 columns and 178 rows, of three cultivars:

# %%
wine = datasets.observed("wine")
wine = (wine - wine.mean()) / wine.std(ddof=0)
kinds = {
    "diag": zoo.load("gaussian_mixture", K=3, covariance="diag"),
    "full": zoo.load("gaussian_mixture", K=3, covariance="full"),
    "one factor in each": zoo.load("mixture_of_factor_analysers", K=3, Z=1),
    "two factors in each": zoo.load("mixture_of_factor_analysers", K=3, Z=2),
}
fits = {name: inference.fit(kind, wine, restarts=3) for name, kind in kinds.items()}
said = pd.DataFrame({name: dict(fit.diagnostics) for name, fit in fits.items()}).T
print(said[["log_likelihood", "parameters", "bic"]].astype(float).round(1))
print("Heywood cases of one factor in each (component, column):", said.loc["one factor in each", "heywood"])
assert said["bic"].astype(float).idxmin() == "one factor in each"

# %% [markdown]
# By BIC one factor in each group is best: a few correlations are worth having, all of them are not worth their price.
# The Heywood cases are a warning of the kind we have met. In a group of some sixty wines a factor can attach itself to
# a single column. `factors.loadings(fit, k=0)` shows the loadings of one group.
#
# ## What to remember
#
# - $\Sigma = W W^\top + \Psi$ is all that the likelihood knows. Check it against the sample covariance.
# - A rotation is chosen, not found. Communalities and uniquenesses need none.
# - A uniqueness of nothing (Heywood) says: too many factors, too few rows, or the wrong model.
# - Scores come with uncertainty, and often a great deal of it.
# - Before draws of loadings are averaged, or their R-hat is looked at, they are aligned; `summary`, `loadings` and
#   `compare` do so. `factors.covariances` needs no alignment.
# - PCA is the limit of no noise. Factor analysis is for columns with noises of their own.

# %% [markdown]
# ## References
#
# - Akaike, H. (1974). A new look at the statistical model identification. IEEE Transactions on Automatic Control 19.
# - Bishop, C. M. (2006). Pattern Recognition and Machine Learning. Springer.
# - Ghahramani, Z. and Hinton, G. E. (1996). The EM algorithm for mixtures of factor analyzers. Technical report
#   CRG-TR-96-1, University of Toronto.
# - Gower, J. C. (1975). Generalized Procrustes analysis. Psychometrika 40.
# - Heywood, H. B. (1931). On finite sequences of real numbers. Proceedings of the Royal Society A 134.
# - Hoffman, M. D. and Gelman, A. (2014). The No-U-Turn sampler. Journal of Machine Learning Research 15.
# - Holzinger, K. J. and Swineford, F. (1939). A Study in Factor Analysis: The Stability of a Bi-Factor Solution.
#   Supplementary Educational Monographs 48, University of Chicago.
# - Jennrich, R. I. and Sampson, P. F. (1966). Rotation for simple loadings. Psychometrika 31.
# - Kaiser, H. F. (1958). The varimax criterion for analytic rotation in factor analysis. Psychometrika 23.
# - Lawley, D. N. and Maxwell, A. E. (1971). Factor Analysis as a Statistical Method. 2nd edition. Butterworths.
# - Liu, C., Rubin, D. B. and Wu, Y. N. (1998). Parameter expansion to accelerate EM: the PX-EM algorithm. Biometrika
#   85.
# - Martin, J. K. and McDonald, R. P. (1975). Bayesian estimation in unrestricted factor analysis: a treatment for
#   Heywood cases. Psychometrika 40.
# - Roweis, S. (1998). EM algorithms for PCA and SPCA. Advances in Neural Information Processing Systems 10.
# - Rubin, D. B. and Thayer, D. T. (1982). EM algorithms for ML factor analysis. Psychometrika 47.
# - Schönemann, P. H. (1966). A generalized solution of the orthogonal Procrustes problem. Psychometrika 31.
# - Schwarz, G. (1978). Estimating the dimension of a model. Annals of Statistics 6.
# - Stone, M. (1974). Cross-validatory choice and assessment of statistical predictions. Journal of the Royal
#   Statistical Society B 36.
# - Thurstone, L. L. (1947). Multiple-Factor Analysis. University of Chicago Press.
# - Tipping, M. E. and Bishop, C. M. (1999). Probabilistic principal component analysis. Journal of the Royal
#   Statistical Society B 61.
# - Varadhan, R. and Roland, C. (2008). Simple and globally convergent methods for accelerating the convergence of any
#   EM algorithm. Scandinavian Journal of Statistics 35.
