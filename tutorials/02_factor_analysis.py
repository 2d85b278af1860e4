# %% [markdown]
# # Factor analysis: loadings, their rotation, and their uncertainty
#
# This tutorial fits one linear latent variable model to one table. It explains what the parameters mean, which of them
# the data identify, how to select the number of factors, and how certain the loadings are. Every number below is
# computed where it stands. Figures are written to the folder that the environment variable `FIGURES` names (else to
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
# Scores of tests of one kind are correlated. *Factor analysis* explains the correlations by a few latent abilities, the
# *factors* $z_n$, on which each test depends linearly:
#
# $$z_n \sim \mathrm{Normal}(0, I_Z), \qquad x_n \mid z_n \sim \mathrm{Normal}(W z_n + \mu, \Psi), \qquad
# \Psi = \mathrm{diag}(\psi_1, \dots, \psi_D).$$
#
# - $W$ contains the *loadings*: $W_{dj}$ is the change of test $d$ for one standard deviation of factor $j$.
# - $\mu$ is the mean of each test.
# - $\psi_d$ is the *uniqueness* of test $d$: the variance that it shares with no other test. It contains the specific
#   content of the test and measurement error; the model does not separate them.
# - $z_n$ are the *scores* of pupil $n$. Their unit is the standard deviation, because a factor has no unit of its own.
#
# The main assumption is that $\Psi$ is diagonal: *given* the factors the tests are independent, so all correlations
# between tests come from $z$. In the zoo this model is a program. $W$, $\mu$ and $\Psi$ have vague priors, which
# maximum likelihood ignores.

# %%
model = zoo.load("factor_analysis", Z=3)
print(model.card.story)

# %% [markdown]
# A sum of normal vectors is normal, so $z$ can be integrated out in closed form (Bishop 2006, section 12.2.4):
#
# $$x_n \sim \mathrm{Normal}(\mu, \Sigma), \qquad \Sigma = W W^\top + \Psi.$$
#
# Factor analysis is thus a model of a covariance matrix. An unrestricted covariance has $D(D+1)/2$ parameters; this one
# has fewer, so the data can contradict it. The likelihood depends on the data only through the sample mean $\bar x$,
# the sample covariance $S$ and the number of rows:
#
# $$\log p(x \mid W, \mu, \Psi) = -\frac{N}{2} \Big( D \log 2 \pi + \log |\Sigma| +
# \mathrm{tr}(\Sigma^{-1} S) \Big) \quad \text{at } \mu = \bar x.$$
#
# ## EM in closed form
#
# If the scores were known, each test would be a linear regression on them. EM (Rubin and Thayer 1982) replaces the
# scores by their posterior. Given a row, it is normal with
#
# $$\mathbb{E}[z_n \mid x_n] = \beta (x_n - \mu), \qquad \mathrm{Cov}[z_n \mid x_n] = I - \beta W, \qquad
# \beta = W^\top \Sigma^{-1}.$$
#
# The regression needs only the averages of $x z^\top$ and of $z z^\top$, which follow from $S$:

# %%
S = np.cov(x.T, bias=True)


def log_likelihood(Sigma):
    """log p of the table under Normal(mean, Sigma), in nats."""
    return -N / 2 * (D * np.log(2 * np.pi) + np.linalg.slogdet(Sigma)[1] + np.trace(np.linalg.solve(Sigma, S)))


def em_step(W, Psi):
    beta = W.T @ np.linalg.inv(W @ W.T + np.diag(Psi))
    xz = S @ beta.T  # E-step: the average of (x - mu) z', given the rows
    zz = np.eye(W.shape[1]) - beta @ W + beta @ xz  # and of z z': posterior covariance, and that of posterior means
    W = np.linalg.solve(zz, xz.T).T  # M-step: regression of x on z
    return W, np.diag(S - W @ xz.T)  # and its residual variances


# %% [markdown]
# The engine of the zoo does the same with two accelerations, which do not change the maximum (parameter-expanded EM:
# Liu, Rubin and Wu 1998; SQUAREM: Varadhan and Roland 2008).

# %%
em = inference.fit(model, table, engine="em")
maximum = em.diagnostics["log_likelihood"]

values, vectors = np.linalg.eigh(S)
W, Psi = vectors[:, -3:] * np.sqrt(values[-3:]), np.diag(S) / 2  # start: principal axes, half of each variance
log_likelihoods = []
for _ in range(300):
    log_likelihoods.append(log_likelihood(W @ W.T + np.diag(Psi)))
    W, Psi = em_step(W, Psi)
trace = np.array(log_likelihoods)
tolerance = 1e-6 * N  # nats
first = np.argmax(trace > maximum - tolerance)
print(f"loop above: {trace[-1]:.6f} nats, within {tolerance:.4f} of the maximum after {first} iterations")
print(f"engine:     {maximum:.6f} nats, converged after {em.diagnostics['iterations']} iterations")
assert abs(trace[-1] - maximum) < 1e-3
assert np.diff(trace).min() > -1e-8

# %% [markdown]
# ## The implied covariance
#
# The figure compares $\Sigma$ with the sample covariance, both as correlations.

# %%
Sigma = em.params["W"] @ em.params["W"].T + np.diag(em.params["Psi"])
sd = np.sqrt(np.diag(S))
sample, implied = S / np.outer(sd, sd), Sigma / np.outer(sd, sd)
figure = Figure((10, 3.4), layout="constrained")
for axes, title, matrix, limit in zip(
    figure.subplots(1, 3),
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
off_diagonal = ~np.eye(D, dtype=bool)
saturated = log_likelihood(S)
degrees = ((D - 3) ** 2 - (D + 3)) // 2  # parameters of a free covariance, less those of W and Psi up to rotation
ratio = 2 * (saturated - maximum)
residuals = sample - implied
print(f"largest residual on the diagonal: {np.abs(np.diag(residuals)).max():.4f}")
print(f"off the diagonal: root mean square {np.sqrt((residuals[off_diagonal] ** 2).mean()):.3f}")
print(f"likelihood ratio against a free covariance: {ratio:.1f} on {degrees} degrees of freedom", end="")
print(f" (p = {chi2.sf(ratio, degrees):.3f})")
assert np.abs(np.diag(residuals)).max() < 1e-3
assert chi2.sf(ratio, degrees) > 0.01

# %% [markdown]
# The diagonal is reproduced exactly, because $\Psi$ takes all remaining variance. The correlations between tests could
# have been wrong, but three factors leave only small residuals. The likelihood ratio test in the last line (Lawley and
# Maxwell 1971) has a small p-value: a model of three abilities is not the whole truth about these pupils. With enough
# data, any model with few parameters is rejected.
#
# ## Rotation
#
# Take any orthogonal matrix $R$ and let $W' = W R$. Then $W' W'^\top = W R R^\top W^\top = W W^\top$: the covariance
# does not change, nor does the likelihood of any row. The data identify the space that the factors span, but not the
# direction of its axes.

# %%
R = ortho_group.rvs(3, random_state=np.random.default_rng(0))
rotated = {**em.params, "W": em.params["W"] @ R}
by_row = enumeration.log_marginal(model, rotated, table)
print("loadings of x1:", em.params["W"][0].round(2), "and rotated:", rotated["W"][0].round(2))
print(f"largest change of any row's log-likelihood: {np.abs(by_row - em.log_likelihood()).max():.1e} nats")
assert np.allclose(by_row, em.log_likelihood(), atol=1e-9)

# %% [markdown]
# The axes may therefore be chosen for interpretation. A matrix of loadings is easy to interpret when each test loads on
# few factors: *simple structure* (Thurstone 1947). *Varimax* (Kaiser 1958) finds the orthogonal $R$ whose squared
# loadings vary most within each column, so that they are either large or close to zero. *Oblimin* (Jennrich and Sampson
# 1966) also allows axes that are not orthogonal: factors may then be correlated, as real abilities are.
#
# The loadings are standardised: they are in standard deviations of each test.

# %%
figure = Figure((10, 3.8), layout="constrained")
for axes, rotation in zip(figure.subplots(1, 3), (None, "varimax", "oblimin"), strict=True):
    factors.heatmap(factors.loadings(em, rotation, columns=columns), axes)
    axes.set_title(rotation or "axes of the fit")
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
# The fit recovers the three groups of the publication without using them: factor 1 is textual, factor 2 visual, factor
# 3 speed. Only `x9` loads on two factors. It asks the pupil to tell straight capitals from curved ones quickly, which
# needs visual ability as well. All correlations between factors are positive. With oblique factors a loading is a
# regression weight and not a correlation. A negative one (`x7` on the visual factor) means less than its speed would
# predict.
#
# A rotation is a choice of description, not a result. Varimax, oblimin and every other rotation fit the data equally
# well.
#
# ## Communality, uniqueness, and a Heywood case
#
# The share of each test's variance that the factors explain does not depend on the rotation. It is the *communality*
# $h_d^2 = \sum_j W_{dj}^2 / \Sigma_{dd}$. The rest, $\psi_d / \Sigma_{dd}$, is the uniqueness as a share.

# %%
varimax = factors.loadings(em, "varimax", columns=columns)
assert np.allclose(varimax["communality"], oblique["communality"])
assert np.allclose(oblique["communality"] + oblique["uniqueness"], 1)
share = factors.explained_variance(em, "varimax")["share"]
lowest, highest = oblique["communality"].idxmin(), oblique["communality"].idxmax()
print(oblique[["communality", "uniqueness"]].T.round(2).to_string())
print(f"least of {lowest}, most of {highest}; of all tests together {share['all']:.0%}")

# %% [markdown]
# A variance cannot be negative, but the *formula* that estimates it can be. Take three tests and one factor. There are
# three correlations $r$ and three loadings, so one can solve for the loadings, and
#
# $$h_3^2 = \frac{r_{13} \, r_{23}}{r_{12}}.$$
#
# If tests 1 and 2 are weakly correlated while each is correlated with test 3, this exceeds 1. `x1`, `x7` and `x9`,
# which is both visual and fast, are such tests.

# %%
three = table[["x1", "x7", "x9"]]
r = np.corrcoef(three.T)
print(f"the communality of x9 would have to be {r[0, 2] * r[1, 2] / r[0, 1]:.2f}")
heywood = inference.fit(model.with_settings(Z=1), three)
print("communalities at the maximum:", factors.loadings(heywood, columns=list(three))["communality"].round(3).to_dict())
print("columns reported as Heywood cases:", heywood.diagnostics["heywood"])
assert heywood.diagnostics["heywood"] == [2]

# %% [markdown]
# This is a *Heywood case* (Heywood 1931): the likelihood is largest where a uniqueness is zero, on the boundary of the
# parameter space. In this fit `x9` equals the factor, without any error, which is implausible. A Heywood case indicates
# too many factors, too few rows, or a wrong model: here one factor where there are two. The zoo reports it under
# `heywood`.
#
# With all nine tests, three factors have no Heywood case. A fourth factor produces one.

# %%
print("three factors:", em.diagnostics["heywood"], "smallest uniqueness", oblique["uniqueness"].min().round(2))
four = model.with_settings(Z=4)
fits = {
    "40 iterations of EM": inference.fit(four, table, max_iter=40),
    "converged": inference.fit(four, table),
    "MAP": inference.fit(four, table, objective="map"),
}
uniqueness = {name: factors.loadings(fit, columns=columns).loc["x7", "uniqueness"] for name, fit in fits.items()}
for name, fit in fits.items():
    nats = fit.diagnostics["log_likelihood"]
    print(f"four factors, {name:20} {nats:.3f} nats, uniqueness of x7 {uniqueness[name]:.4f}")
print("columns reported as Heywood cases:", fits["converged"].diagnostics["heywood"])
assert fits["converged"].diagnostics["heywood"] == [columns.index("x7")]
assert fits["40 iterations of EM"].diagnostics["heywood"] == fits["MAP"].diagnostics["heywood"] == []
assert uniqueness["converged"] < 1e-5 < 0.1 < uniqueness["MAP"]
assert 0 < fits["converged"].trace[-1] - fits["MAP"].diagnostics["log_likelihood"] < 0.5

# %% [markdown]
# EM is sublinear near a Heywood case: it approaches the boundary ever more slowly, for a negligible gain. An EM that
# has stopped does not prove that a uniqueness is positive. So where a uniqueness is small, the zoo continues with
# quasi-Newton steps with bounds (L-BFGS-B), which reach the boundary. `objective="map"` stays away from it at the cost
# of a fraction of a nat: the prior is an inverse gamma, whose density is zero at zero (Martin and McDonald 1975
# proposed a similar remedy).
#
# ## Scores and their uncertainty
#
# The scores of a pupil are inferred: $p(z_n \mid x_n)$ is normal, with the mean and covariance given above.
# `fit.local()` returns both. The covariance is the same for all pupils, because all took the same tests.

# %%
z = em.local()["z"]
T = factors.rotate(factors.loadings(em)[["factor 1", "factor 2", "factor 3"]].to_numpy(), "oblimin").T
scores, covariance = z.mean @ T, T.T @ z.covariance[0] @ T  # on the oblique axes
names = ["textual", "visual", "speed"]
total = z.mean.T @ z.mean / N + z.covariance[0]
print("posterior standard deviations:", dict(zip(names, np.sqrt(np.diag(covariance)).round(2).tolist(), strict=True)))
print(f"variance between pupils and within, together: identity up to {np.abs(total - np.eye(3)).max():.4f}")
assert np.abs(total - np.eye(3)).max() < 1e-2
assert np.sqrt(np.diag(covariance)).argmin() == 0

# %% [markdown]
# A factor has a standard deviation of one. The posterior standard deviation is the uncertainty that remains after the
# tests; it is smallest for the textual factor. The variance of the posterior means and the posterior variance add up to
# the variance of the prior (at the maximum of the likelihood this is exact). So the posterior *means* vary less than
# the factors do. They shrink towards zero, and more so where the uncertainty is larger.

# %%
schools = pupils["school"].to_numpy()
figure = Figure((10, 4), layout="constrained")
left, right = figure.subplots(1, 2)
for axes, (i, j) in ((left, (1, 0)), (right, (1, 2))):
    for colour, school in zip(FIT_COLOURS, np.unique(schools), strict=False):
        group = scores[schools == school]
        axes.scatter(group[:, i], group[:, j], s=9, color=colour, linewidth=0, label=school)
    for pupil in (0, 100, 200, 300):
        axes.add_patch(ellipse(scores[pupil, [i, j]], covariance[np.ix_([i, j], [i, j])], 2, "black"))
        label = None if pupil else "four pupils,\nmean and 2 sd"
        axes.plot(*scores[pupil, [i, j]], "o", color="black", markersize=4, label=label)
    axes.set(xlabel=names[i], ylabel=names[j], aspect="equal")
right.legend(title="posterior means", loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
show(figure, "scores")

# %%
differences = np.abs(scores[:, None, 1] - scores[None, :, 1])[np.triu_indices(N, 1)]
significant = (differences > 1.96 * np.sqrt(2) * np.sqrt(covariance[1, 1])).mean()
print(f"pairs of pupils whose visual scores differ by more than chance allows (at 5%): {significant:.0%}")
by_school = pd.DataFrame(scores, columns=pd.Index(names)).groupby(schools)
print(pd.concat({"mean": by_school.mean(), "standard error": by_school.sem()}, axis=1).round(2).to_string())
assert significant < 0.5
assert np.ptp(by_school.mean()["textual"]) > 3 * by_school.sem()["textual"].max()

# %% [markdown]
# The ellipses are two posterior standard deviations of four of the pupils. The visual scores of most pairs of pupils do
# not differ significantly. Means of many pupils do: the Grant-White school has higher textual scores.
#
# ## The number of factors
#
# The maximised likelihood increases with the number of factors. `inference.choose` fits each number and compares
# criteria. With $P$ free parameters (up to rotation),
#
# $$\mathrm{BIC} = -2 \log p(x \mid \hat\theta) + P \log N, \qquad \mathrm{AIC} = -2 \log p(x \mid \hat\theta) + 2 P$$
#
# (Schwarz 1978; Akaike 1974). *Cross-validation* computes the exact log-density of rows that were not used in the fit
# (Stone 1974). (`tol` shortens the convergence to the boundary of fits with too many factors.)

# %%
choice = inference.choose(model, table, Z=range(1, 6), folds=5, tol=1e-6)
print(choice.table[["log_likelihood", "parameters", "bic", "aic", "cv", "cv_behind_se"]].round(3))
print(choice.sizes)
loss = choice.table["cv"].max() - choice.table["cv"]
simplest = int(loss.index[loss <= choice.table["cv_behind_se"]].min())
print(f"the smallest number within one standard error of the best by cross-validation: {simplest}")
assert choice.sizes["bic"] == simplest == 3

# %%
show(choice.figure(), "how_many")

# %% [markdown]
# BIC selects three factors. AIC and cross-validation estimate which number *predicts* best, and four factors predict as
# well as three: the difference is far within its standard error. The smallest number within one standard error of the
# best is again three. The Heywood case above shows what a fourth factor describes: the noise of one test. The rest of
# this tutorial uses three factors.
#
# ## NUTS: the posterior of the loadings
#
# How certain are the loadings? NUTS (Hoffman and Gelman 2014) draws from the posterior of $W$, $\mu$ and $\Psi$. By
# default it uses the program `collapsed`, in which $z$ is integrated out. It has 45 parameters, without the 903 scores.

# %%
nuts = inference.fit(model, table, engine="nuts", num_warmup=300, num_samples=400, target_accept=0.8, seed=1)
raw, aligned = nuts.draws["W"], nuts.aligned()["W"]
print("draws of W (chain, draw, D, Z):", raw.shape, "divergences:", nuts.diagnostics["divergences"])
checks = {}
for name, draws in {"raw": raw, "aligned": aligned}.items():
    r_hat, ess, _ = chain_statistics(draws.reshape(*draws.shape[:2], -1))
    largest_mean = np.abs(draws.mean((0, 1))).max()
    checks[name] = r_hat.max(), ess.min()
    print(f"{name:8}: largest R-hat {r_hat.max():.3f}, least ESS {ess.min():5.0f}, largest mean {largest_mean:.2f}")
assert checks["raw"][0] > 1.01 > checks["aligned"][0]

# %% [markdown]
# The likelihood does not depend on the rotation, and the prior of $W$ is the same in all directions, so the *posterior*
# does not depend on it either. Chains move over all rotations, each in its own way. Hence the large $\hat R$ and the
# small ESS of the raw loadings. Longer chains would not help: by symmetry, the true posterior mean of every loading is
# zero.
#
# Instead, the draws are aligned before they are averaged. Each draw is rotated by the orthogonal matrix that brings its
# loadings nearest to a common mean (*Procrustes*: Schönemann 1966; mean and matrices in turn: Gower 1975). This does
# not change the likelihood of any draw. The remaining spread is the uncertainty of the loadings.

# %%
figure = Figure((9, 4), layout="constrained")
left, right = figure.subplots(1, 2, sharex=True, sharey=True)
for axes, title, draws in ((left, "raw draws", raw), (right, "aligned", aligned)):
    for d in (0, 3, 6):
        for chain, marker in zip(range(len(draws)), "o^sv", strict=False):
            pair = draws[chain, ::2, d, :2]
            axes.scatter(*pair.T, s=7, marker=marker, color=FIT_COLOURS[d // 3], alpha=0.5, linewidth=0)
        axes.scatter([], [], s=16, color=FIT_COLOURS[d // 3], label=columns[d])
    axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.set(title=title, xlabel="loading on axis 1", ylabel="loading on axis 2", aspect="equal")
right.legend(loc="center left", bbox_to_anchor=(1, 0.5))
show(figure, "procrustes")

# %% [markdown]
# On the left, the loadings of each test fill a disc, the projection of a sphere. On the right, they form three clouds.
# Quantities that do not depend on the rotation, such as the entries of $W W^\top + \Psi$, need no alignment. They show
# that the chains have converged.

# %%
invariant = factors.covariances(nuts, columns)
print(
    f"entries of WW' + Psi: largest R-hat {invariant['r_hat'].max():.3f}, least ESS {invariant['ess_bulk'].min():.0f}"
)
assert invariant["r_hat"].max() < 1.01

# %% [markdown]
# The aligned loadings have intervals, on the axes that oblimin gives for their mean. (The intervals do not include the
# uncertainty of the rotation itself.)

# %%
posterior = factors.loadings(nuts, "oblimin", columns=columns)
figure = Figure((9, 3.6), layout="constrained")
panels = figure.subplots(1, 3, sharey=True)
for axes, name, factor in zip(panels, names, (1, 2, 3), strict=True):
    statistics = posterior[f"factor {factor}"]
    excludes_zero = ((statistics["eti_3%"] > 0) | (statistics["eti_97%"] < 0)).to_numpy()
    for d in range(D):
        colour = FIT_COLOURS[0] if excludes_zero[d] else "0.6"
        axes.plot(statistics.loc[columns[d], ["eti_3%", "eti_97%"]], [d, d], color=colour, linewidth=2)
        axes.plot(statistics.loc[columns[d], "mean"], d, "o", color=colour, markersize=5)
    by_em = loadings[:, factor - 1]
    axes.plot(by_em, np.arange(D), "d", color=FIT_COLOURS[1], markersize=4, fillstyle="none", label="em")
    axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.set(title=name, xlabel="standardised loading", yticks=range(D), yticklabels=columns)
    axes.label_outer()
panels[-1].invert_yaxis()
panels[-1].legend(loc="lower right")
show(figure, "loadings")

# %%
includes_zero = posterior.xs("eti_3%", axis=1, level=1).lt(0) & posterior.xs("eti_97%", axis=1, level=1).gt(0)
for group, factor in ((textual, 1), (visual, 2), (speed, 3)):
    assert not any(includes_zero.loc[columns[d], f"factor {factor}"] for d in group)
print("94% interval of x9 on visual:", posterior.loc["x9", "factor 2"][["eti_3%", "eti_97%"]].round(2).tolist())
print("94% interval of x7's uniqueness:", posterior.loc["x7", "uniqueness"][["eti_3%", "eti_97%"]].round(2).tolist())
assert posterior.loc["x9", ("factor 2", "eti_3%")] > 0

# %% [markdown]
# Bars are 94% intervals, blue where they exclude zero; diamonds are the estimates by EM. Each test's loading on its own
# factor is well above zero. So is the loading of `x9` on the visual factor, which is therefore not due to chance.
#
# ## Which fit to trust
#
# EM took a fraction of a second, NUTS much longer. SVI is in between: it fits a normal with independent coordinates
# (`mean_field`) to the posterior. `compare` aligns the axes of each fit, and then those of all fits, before it compares
# anything.

# %%
svi = inference.fit(model, table, engine="svi", num_steps=2000, seed=1)
comparison = inference.compare(em, svi, nuts, columns=columns)
print(comparison)
assert comparison.verdicts["nuts"].trust == "yes"
assert comparison.verdicts["svi (mean_field)"].trust != "yes"
pooled = {n: v.reshape(-1, *v.shape[2:]) for n, v in comparison.draws["nuts"].items()}
within_test = np.corrcoef(np.square(pooled["W"][:, 6]).sum(-1), pooled["Psi"][:, 6])[0, 1]
of_means = np.corrcoef(pooled["mu"][:, 3], pooled["mu"][:, 4])[0, 1]
print("correlations by NUTS:")
print(f"    communality and uniqueness of x7 {within_test:.2f}; means of x4 and x5 {of_means:.2f}")
assert within_test < -0.5
assert of_means > 0.5

# %%
show(comparison.figures()["marginals"], "marginals")

# %% [markdown]
# Each panel shows the posterior of one quantity; the first panels are those on which the fits differ most. The dashed
# line is the estimate by EM. NUTS passes its own checks and is the reference. EM is a point estimate, and a good one.
# The means of the guide are correct, but its intervals are too narrow. The shared variance of a test and its uniqueness
# add up to its variance, so they are negatively correlated in the posterior. The means of correlated tests are
# positively correlated. A family without correlations can represent neither.
#
# ## PCA as a limit
#
# *Probabilistic PCA* (Tipping and Bishop 1999; Roweis 1998) is factor analysis with the same noise variance for each
# column, $\Psi = \sigma^2 I$. Its maximum likelihood estimate has a closed form: the columns of $W$ span the space of
# the first principal axes $u_j$, with $w_j = u_j \sqrt{\lambda_j - \sigma^2}$, where $\lambda_j$ are the eigenvalues of
# $S$ and $\sigma^2$ is the mean of the remaining eigenvalues. With the posterior mean of $z$ a row is reconstructed as
#
# $$W \, \mathbb{E}[z_n \mid x_n] + \mu = \mu + \sum_j \Big( 1 - \frac{\sigma^2}{\lambda_j} \Big)
# u_j u_j^\top (x_n - \mu).$$
#
# This is the projection of PCA, shrunk towards the mean. As $\sigma^2 \to 0$ the factor goes to 1, and the result is
# PCA. To show this, the part of the data outside of the space of the first three axes is scaled down, so that only
# $\sigma^2$ changes, and EM is fitted each time. It starts from random loadings, so that the start does not already
# contain the solution.

# %%
ppca = zoo.load("probabilistic_pca", Z=3)
pca = PCA(3).fit(x)
projection = pca.inverse_transform(pca.transform(x))
start = {"W": np.random.default_rng(0).normal(size=(D, 3)), "mu": x.mean(0), "sigma2": np.array(1.0)}
rows = []
for scale in np.logspace(0, -3, 7):
    y = projection + scale * (x - projection)
    fit = inference.fit(ppca, y, start=start)
    sigma2 = float(fit.params["sigma2"])
    angle = factors.angles(fit, pca.components_.T).max()
    distance = np.linalg.norm(factors.reconstruct(fit)[0] - projection) / np.linalg.norm(projection - x.mean(0))
    eigenvalues = x.var(0).sum() * pca.explained_variance_ratio_
    exact = np.sqrt(((sigma2 / eigenvalues) ** 2 * eigenvalues).sum() / eigenvalues.sum())
    rows.append((sigma2, angle, distance, exact))
limit = pd.DataFrame(rows, columns=pd.Index(["sigma2", "angle", "distance", "exact"]))
print(limit.map("{:.2e}".format))
assert limit["angle"].iloc[-1] < 1e-6
assert np.allclose(limit["distance"], limit["exact"], rtol=1e-3)

# %%
figure = Figure((9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
left.loglog(limit["sigma2"], limit["angle"], "o-", color=FIT_COLOURS[0])
left.set(ylabel="radians", title="angle between the space of W and that of PCA")
right.loglog(limit["sigma2"], limit["exact"], color="0.6", label="by the formula")
right.loglog(limit["sigma2"], limit["distance"], "o", color=FIT_COLOURS[1], label="of the fits")
right.set(ylabel="relative distance", title="W E[z] + mu: distance from PCA's projection")
right.legend()
for axes in (left, right):
    axes.set_xlabel("sigma2 (fitted)")
show(figure, "pca_limit")

# %% [markdown]
# The reconstructions approach those of PCA in proportion to $\sigma^2$, as the formula predicts. The maximum likelihood
# space equals that of PCA at *every* $\sigma^2$. The left panel shows only the numerical error of EM, which is smaller
# where the noise is smaller, because the likelihood is then more sensitive to the angle.
#
# Factor analysis differs from PCA. PCA explains variances, so a noisy column looks important. Factor analysis explains
# correlations, and each column has its own noise variance. Multiply one test by ten:

# %%
stretched = x * np.where(np.arange(D) == 1, 10.0, 1.0)
refitted = inference.fit(model, stretched)
change = np.abs(factors.loadings(refitted, "varimax") - varimax.to_numpy()).to_numpy().max()
first_axis = np.abs(PCA(1).fit(stretched).components_[0])
print(f"standardised loadings of factor analysis change by {change:.4f} at most")
print(f"weight of x2 in PCA's first axis: {first_axis[1]:.3f} of 1")
assert change < 1e-2 < 0.99 < first_axis[1]

# %% [markdown]
# ## A mixture of factor analysers
#
# Where rows come from several groups, each group may have its own factors: a *mixture of factor analysers* (Ghahramani
# and Hinton 1996) has the covariance $W_k W_k^\top + \Psi_k$ in component $k$. It is between two common mixtures:
# `diag`, in which columns are uncorrelated within a group, and `full`, in which each group has $D(D+1)/2$ covariance
# parameters. The wine data have 13 columns and 178 rows, of three cultivars:

# %%
wine = datasets.observed("wine")
wine = (wine - wine.mean()) / wine.std(ddof=0)
models = {
    "diag": zoo.load("gaussian_mixture", K=3, covariance="diag"),
    "full": zoo.load("gaussian_mixture", K=3, covariance="full"),
    "one factor in each": zoo.load("mixture_of_factor_analysers", K=3, Z=1),
    "two factors in each": zoo.load("mixture_of_factor_analysers", K=3, Z=2),
}
fits = {name: inference.fit(mixture, wine, restarts=3) for name, mixture in models.items()}
criteria = pd.DataFrame(
    {name: {key: fit.diagnostics[key] for key in ("log_likelihood", "parameters", "bic")} for name, fit in fits.items()}
).T
print(criteria.round(1))
heywood_cases = fits["one factor in each"].diagnostics["heywood"]
print("Heywood cases of one factor in each (component, column):", heywood_cases)
assert criteria["bic"].idxmin() == "one factor in each"

# %% [markdown]
# By BIC one factor in each group is best: a few correlations improve the fit enough for their parameters, a full
# covariance does not. The Heywood cases are the warning described above. In a group of about sixty wines a factor can
# describe a single column. `factors.loadings(fit, k=0)` shows the loadings of one group.
#
# ## Summary
#
# - The likelihood depends on $W$ and $\Psi$ only through $\Sigma = W W^\top + \Psi$. Check it against the sample
#   covariance.
# - A rotation is chosen and not estimated. Communalities and uniquenesses do not depend on it.
# - A uniqueness of zero (Heywood case) indicates too many factors, too few rows, or a wrong model.
# - Scores are uncertain, often considerably.
# - Align draws of loadings before averaging them or computing R-hat. `summary`, `loadings` and `compare` do so.
#   `factors.covariances` needs no alignment.
# - PCA is the limit of zero noise. Factor analysis allows a different noise variance for each column.

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
