# %% [markdown]
# # Missing data: what a hole in a table says, what it does not, and what it costs to fill it in
#
# Two tables with holes, and one table in which we make holes ourselves, so that the truth is known. Every number below
# is computed where it stands. Figures are written to the folder that the environment variable `FIGURES` names (else in
# `figures/`).

# %%
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import multivariate_normal
from style import show

import inference
import zoo
from inference import factors
from inference.plots.style import FIT_COLOURS
from zoo import datasets

# %% [markdown]
# ## The data
#
# `penguins`: 344 birds of three species, their bills, flippers and mass (Gorman, Williams and Fraser 2014). `bfi`: 2800
# people and 25 statements about themselves, each answered from 1 (very inaccurate) to 6 (very accurate), five for each
# of the traits agreeableness, conscientiousness, extraversion, neuroticism and openness (Revelle, Wilt and Rosenthal
# 2010).

# %%
for name in ("penguins", "bfi"):
    whole, given = datasets.load(name), datasets.observed(name)
    holes = given.isna()
    print(
        f"{name}: {whole.isna().sum().sum()} values missing in the file, {holes.sum().sum()} in the columns of a model;"
    )
    print(
        f"    {holes.to_numpy().mean():.2%} of the values, {holes.any(axis=1).mean():.1%} of the rows have a hole,",
        end="",
    )
    print(f" {holes.all(axis=1).sum()} rows are empty")

birds = datasets.load("penguins")
columns = list(datasets.about("penguins").columns)
short = ["bill length (mm)", "bill depth (mm)", "flipper (mm)", "mass (g)"]
answers = datasets.observed("bfi")

# %% [markdown]
# Most of the penguins' holes are in the column `sex`, which holds words; of the measurements only two birds have none
# at all. In `bfi` fewer than one answer in a hundred is missing, and yet one person in eight has a hole. To throw
# these people away would be to lose an eighth of the answers for the sake of a hundredth.
#
# ## Missing at random
#
# Let $r$ say which values were seen, $x^o$ be those and $x^m$ the others. What was measured is the *pair* $(x^o, r)$,
#
# $$p(x^o, r \mid \theta, \phi) = \int p(x^o, x^m \mid \theta) \; p(r \mid x^o, x^m, \phi) \; dx^m.$$
#
# If holes may depend on what was seen, but given that not on what was not, the second factor is
# $p(r \mid x^o, \phi)$; it leaves the integral, and
#
# $$p(x^o, r \mid \theta, \phi) = p(r \mid x^o, \phi) \; p(x^o \mid \theta).$$
#
# Then the reasons of the holes need not be modelled: for $\theta$ only the second factor counts. This is *missing at
# random*, MAR (Rubin 1976). It is a weaker thing than the name suggests: holes that depend on nothing are *missing
# completely at random*, MCAR. Holes that depend on the missing value itself are neither, and we come to them at the
# end.
#
# What is left to do is to compute $p(x^o \mid \theta)$, the density of what was seen. For a normal row that is exact
# and easy: of mean and covariance take the entries that were seen,
#
# $$x_n^o \sim \mathrm{Normal}(\mu_o, \Sigma_{oo}).$$
#
# Every linear-Gaussian model of the zoo does this wherever there is a NaN (for mixtures Ghahramani and Jordan 1994).
# Nothing is filled in.

# %%
one = zoo.load("factor_analysis", Z=1)
fit = inference.fit(one, birds[columns])
mu, Sigma = factors.predictive_distribution(fit).moments
row = birds.loc[0, columns].to_numpy(float, copy=True)
row[[1, 2]] = np.nan
seen = ~np.isnan(row)
exact = multivariate_normal.logpdf(row[seen], mu[seen], Sigma[np.ix_(seen, seen)])
empty = fit.log_likelihood()[birds[columns].isna().all(axis=1)]
print(f"log p of a bird of which two columns were seen: {fit.log_likelihood(row[None])[0]:.6f}; by hand {exact:.6f}")
print("log p of the two birds nobody measured:", empty)
assert np.isclose(fit.log_likelihood(row[None])[0], exact)
assert np.allclose(empty, 0)

# %% [markdown]
# ## Holes made on purpose
#
# Take the 342 birds that were measured, and lose the bills of the heavy ones: they will not hold still. The chance of
# a hole in either bill column rises with the mass, which is seen of every bird: MAR, by construction.

# %%
measured = birds.dropna(subset=columns).reset_index(drop=True)
x = measured[columns].to_numpy()
N, D = x.shape
mass = (x[:, 3] - x[:, 3].mean()) / x[:, 3].std()


def lose_bills(seed, by=mass):
    """The table with bills missing, each with probability logistic(2 by)."""
    rng = np.random.default_rng(seed)
    y = x.copy()
    for d in (0, 1):
        y[rng.random(N) < 1 / (1 + np.exp(-2 * by)), d] = np.nan
    return y


y = lose_bills(0)
print(f"missing: {np.isnan(y).sum()} values, {np.isnan(y[:, :2]).mean():.0%} of the bills")
whole = ~np.isnan(y).any(1)
print(f"rows without a hole: {whole.sum()} of {N}")
print("of each species:", measured["species"][whole].value_counts().to_dict())

# %% [markdown]
# Four ways to estimate the table's mean and covariance, and to tell the values that were lost:
#
# - *column means*: put the mean of the column into each hole, then go on as if nothing had happened;
# - *complete rows*: throw away what has a hole;
# - *exact, one normal*: factor analysis with one factor, by the likelihood above;
# - *exact, mixture*: a mixture of three factor analysers (there are three species; the model is not told which bird is
#   of which).
#
# Thirty tables, for bias and spread both. The root mean square error (RMSE) is of the lost values against their
# conditional means; for complete rows the model is fitted to these and then told of the others.

# %%
mixture = zoo.load("mixture_of_factor_analysers", K=3, Z=1)
METHODS = ("column means", "complete rows", "exact, one normal", "exact, mixture")


def describe(mu, Sigma, filled, holes):
    sd = np.sqrt(np.diag(Sigma))
    return {
        "mean bill length": mu[0],
        "sd of bill length": sd[0],
        "correlation, bill length and mass": Sigma[0, 3] / (sd[0] * sd[3]),
        "correlation, bill depth and mass": Sigma[1, 3] / (sd[1] * sd[3]),
        "RMSE of bill length": np.sqrt(np.mean((filled - x)[holes[:, 0], 0] ** 2)),
        "RMSE of bill depth": np.sqrt(np.mean((filled - x)[holes[:, 1], 1] ** 2)),
    }


def moments(table):
    return table.mean(0), np.cov(table.T, bias=True)


found = []
for seed in range(30):
    lost = lose_bills(seed)
    holes = np.isnan(lost)
    plain = np.where(holes, np.nanmean(lost, axis=0), lost)
    rest = lost[~holes.any(1)]
    normal, groups = inference.fit(one, lost), inference.fit(mixture, lost)
    estimates = (
        (*moments(plain), plain),
        (*moments(rest), factors.fill_missing(inference.fit(one, rest), lost)),
        (*factors.predictive_distribution(normal).moments, factors.fill_missing(normal)),
        (*factors.predictive_distribution(groups).moments, factors.fill_missing(groups)),
    )
    for method, answer in zip(METHODS, estimates, strict=True):
        found.append({"method": method, **describe(*answer, holes)})
results = pd.DataFrame(found).groupby("method", sort=False)
truth = pd.Series(describe(*moments(x), x, np.ones_like(x, bool)), name="truth")
print(pd.concat([results.mean().T, truth], axis=1).round(2).to_string())
print("\nstandard deviation over the thirty tables")
print(results.std().T.round(2).to_string())

# %%
figure = Figure((10, 4.6), layout="constrained")
for axes, quantity in zip(figure.subplots(2, 3, sharey=True).ravel(), truth.index, strict=True):
    for i, method in enumerate(METHODS):
        values = results.get_group(method)[quantity]
        axes.plot(values, i + np.linspace(-0.25, 0.25, len(values)), "o", color=FIT_COLOURS[i], markersize=3)
    if not quantity.startswith("RMSE"):
        axes.axvline(truth[quantity], color="black", linewidth=1, linestyle="--")
    axes.set(title=quantity, yticks=range(4), yticklabels=METHODS)
    axes.label_outer(remove_inner_ticks=True)
    axes.tick_params(labelbottom=True)
axes.invert_yaxis()
show(figure, "four_methods")

# %%
bias = results.mean() - truth
assert (bias.loc[["column means", "complete rows"], "mean bill length"] < -1.5).all()
assert abs(bias.loc["exact, mixture", "mean bill length"]) < 0.2
assert bias.loc["column means", "sd of bill length"] < -1
assert bias.loc["column means", "correlation, bill length and mass"] < -0.3
assert abs(bias.loc["exact, mixture", "correlation, bill depth and mass"]) < 0.05
assert bias.loc["complete rows", "correlation, bill depth and mass"] > 0.5
assert results.mean()["RMSE of bill depth"].idxmin() == "exact, mixture"

# %% [markdown]
# Dashed lines are the truth, of the table before anything was lost; points are tables.
#
# - *Column means* are those of the light birds, so the mean is too low. Every filled value lies in the middle, so the
#   spread is too small; and it does not depend on the mass, so the correlation is pulled to zero. More data would not
#   help: it would give the wrong number with more digits.
# - *Complete rows* are light birds. Here even the sign of a correlation is lost: most of what is left is two species,
#   in which depth rises with mass, and the third, of heavy birds with flat bills, is gone.
# - *Exact, one normal* uses every number that was seen. The mass of a bird without bill tells something of its bill.
#   What bias is left is not that of the holes but that of the model: one normal for three species.
# - *Exact, mixture* is right in all of them. With holes a model must do more than describe: it fills in what is not
#   there, and so it matters more, not less, that it is a good one.
#
# ## EM with holes, and why mu must move
#
# For a free covariance EM is a few lines (Orchard and Woodbury 1972; Little and Rubin 2019, section 11.2). The E-step
# *does* put the conditional mean into each hole, but it keeps count of what that leaves out: the conditional
# covariance $C_n = \Sigma_{mm} - \Sigma_{mo} \Sigma_{oo}^{-1} \Sigma_{om}$ of the values it has put in.


# %%
def em(table, freeze=False, iterations=400):
    """Mean, covariance and log-likelihoods; ``freeze`` holds the mean at that of the columns."""
    mean, sd = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    u, m, S, climbed = (table - mean) / sd, np.zeros(D), np.eye(D), []
    patterns, which = np.unique(np.isnan(u), axis=0, return_inverse=True)
    for _ in range(iterations):
        filled, C, log_p = u.copy(), np.zeros((D, D)), 0.0
        for p, hole in enumerate(patterns):
            rows, o = np.flatnonzero(which == p), ~hole
            gain = np.linalg.solve(S[np.ix_(o, o)], S[np.ix_(o, hole)]).T
            filled[np.ix_(rows, hole)] = m[hole] + (u[np.ix_(rows, o)] - m[o]) @ gain.T
            C[np.ix_(hole, hole)] += len(rows) * (S[np.ix_(hole, hole)] - gain @ S[np.ix_(o, hole)])
            log_p += multivariate_normal.logpdf(u[np.ix_(rows, o)], m[o], S[np.ix_(o, o)]).sum()
            log_p -= len(rows) * np.log(sd[o]).sum()
        climbed.append(log_p)
        m = m if freeze else filled.mean(0)
        S = ((filled - m).T @ (filled - m) + C) / len(u)
    return mean + sd * m, S * np.outer(sd, sd), np.array(climbed)


free, frozen = em(y), em(y, freeze=True)
two = inference.fit(zoo.load("factor_analysis", Z=2), y)
cost = free[2][-1] - frozen[2][-1]
print(f"all free: {free[2][-1]:.3f} nats; mean frozen: {frozen[2][-1]:.3f}; the cost is {cost:.2f} nats")
print(f"the zoo's EM, two factors: {two.diagnostics['log_likelihood']:.3f} nats")
print("mean bill length: true", x[:, 0].mean().round(2), "free", free[0][0].round(2), "frozen", frozen[0][0].round(2))
assert min(np.diff(free[2]).min(), np.diff(frozen[2]).min()) > -1e-8
assert -0.05 < two.diagnostics["log_likelihood"] - free[2][-1] < 1e-6
assert cost > 5

# %% [markdown]
# Without $C$ this would be regression imputation: filled-in values lie too neatly on the plane, and the covariance
# comes out too small again. With it the likelihood climbs to the exact maximum. (Two factors can hold nearly any
# covariance of four columns, so that the zoo's factor analysis gets to the same place.)
#
# In a complete table the best mean is the mean of the columns, whatever the covariance; so it is tempting to centre
# the columns first and forget about $\mu$. With holes that is no longer the maximum: the seen part of a column is not
# a fair sample of it, and the other columns tell in which way. The cost stands above, and the mean is nearly as wrong
# as that of the filled-in table. All of $\mu$, $W$ and $\Psi$ must move together; the zoo's EM does it by regressing
# each column on $z$ *and* a constant (for PCA see Ilin and Raiko 2010).
#
# ## Imputation with intervals
#
# `factors.impute` gives the distribution of each missing value given the rest of its row, with mean, sd and interval.
# Can the intervals be believed? Blank out values on purpose, and count. We take few rows, thirty of the penguins of one
# species, so that the parameters are uncertain too, and lose three values in ten, anywhere.

# %%
adelie = x[(measured["species"] == "Adelie").to_numpy()]


def thirty(seed):
    """Thirty Adelie penguins, complete and with holes."""
    rng = np.random.default_rng(seed)
    complete = adelie[rng.choice(len(adelie), 30, replace=False)]
    return complete, np.where(rng.random(complete.shape) < 0.3, np.nan, complete)


def caught(table, complete, stretch=1.0):
    """Which of the intervals, stretched about their middles, hold the truth."""
    true, middle = complete[table["row"], table["column"]], (table["low"] + table["high"]) / 2
    return (np.abs(true - middle) < stretch * (table["high"] - table["low"]) / 2).to_numpy()


def coverage(stretch=1.0):
    """Over the hundred tables: the share of intervals that hold the truth, and its standard error."""
    rates = np.array([caught(table, complete, stretch).mean() for table, complete in by_table])
    return rates.mean(), rates.std() / np.sqrt(len(rates))


by_table = []
for seed in range(100):
    complete, lost = thirty(seed)
    by_table.append((factors.impute(inference.fit(one, lost, tol=1e-6)), complete))
point, error = coverage()
print(f"94% intervals by EM, 100 tables: {point:.1%} +- {error:.1%} hold the truth")
assert point + 3 * error < 0.94

# %% [markdown]
# Too few. EM knows one set of parameters and takes it for the truth; the interval has the noise and the uncertainty of
# $z$ in it, but not that of $\mu$, $W$ and $\Psi$. With NUTS they are in it: each draw of the parameters has its own
# conditional distribution, and the interval is that of their mixture (multiple imputation, Rubin 1987, is the same in
# a handful of draws). One of the hundred tables:

# %%
complete, lost = thirty(2)
by_em = inference.fit(one, lost)
by_nuts = inference.fit(one, lost, engine="nuts", num_warmup=300, num_samples=300, target_accept=0.8, seed=1)
tables = {"em": factors.impute(by_em), "nuts": factors.impute(by_nuts)}
print(inference.compare(by_em, by_nuts).verdict)
for name, table in tables.items():
    hits = caught(table, complete)
    print(f"{name:5}: {hits.sum()} of {len(hits)} intervals hold the truth")
lengths = {name: table["high"] - table["low"] for name, table in tables.items()}
longer = (lengths["nuts"] / lengths["em"]).mean()
stretched, error = coverage(longer)
print(f"the intervals by NUTS are {longer - 1:.0%} longer on average")
print(f"EM's in the 100 tables, made longer by as much: {stretched:.1%} +- {error:.1%} hold the truth")
assert longer > 1.08
assert stretched > point + 0.02
assert caught(tables["nuts"], complete).sum() >= caught(tables["em"], complete).sum()

# %% [markdown]
# A table of this size has too few holes to count by, so the last line borrows the length of the intervals for all
# hundred: most of what was lacking is there. (One length for all is not quite what NUTS would do; with a hundred runs
# of NUTS one could say it better.)

# %%
figure = Figure((10, 3.2), layout="constrained")
for d, axes in enumerate(figure.subplots(1, 4)):
    of = tables["nuts"][tables["nuts"]["column"] == d]
    narrow = tables["em"][tables["em"]["column"] == d]
    true = complete[of["row"], d]
    shades = np.where(caught(of, complete), FIT_COLOURS[0], FIT_COLOURS[1])
    axes.vlines(true, of["low"], of["high"], color=shades, linewidth=2.5, alpha=0.6)
    axes.vlines(true, narrow["low"], narrow["high"], color="black", linewidth=0.8)
    axes.scatter(true, of["mean"], s=12, color=shades, zorder=3)
    axes.axline((true.min(), true.min()), slope=1, color="0.5", linewidth=0.8, linestyle="--")
    axes.axhline(np.nanmean(lost[:, d]), color="0.5", linewidth=0.8, linestyle=":")
    axes.set(title=short[d], xlabel="true value")
figure.get_axes()[0].set_ylabel("94% interval given the rest of the row")
show(figure, "intervals")

# %% [markdown]
# Thick bars are by NUTS, orange where they miss; the thin black lines within are by EM. On the dashed line an
# interval's middle would be the truth, on the dotted one it is the mean of the column: that is where column means
# would have put every point, without any bar.
#
# An interval is conditional on the model as well. Nothing in it knows that a model may be wrong.
#
# ## Some columns given others
#
# The same conditioning answers other questions. How long is the bill of a bird of 3700 g? The function
# `factors.conditional_distribution` gives the distribution of the columns not named, at the values of those named. The
# result has the methods `marginal`, `quantile`, `log_density` and `sample`.

# %%
groups = inference.fit(mixture, birds[columns], restarts=5)
single = inference.fit(one, birds[columns])
print(f"BIC: one normal {single.diagnostics['bic']:.1f}, mixture {groups.diagnostics['bic']:.1f}")
assert groups.diagnostics["bic"] < single.diagnostics["bic"]


def bill(fit, **given):
    """The distribution of the bill length given other columns."""
    rest = [name for name in columns if name not in given]
    return factors.conditional_distribution(fit, given, columns).marginal(np.array([rest.index("bill_length_mm")]))


lengths = np.linspace(30, 62, 300)
asked = ({"body_mass_g": 3700.0}, {"body_mass_g": 4600.0}, {"body_mass_g": 4600.0, "bill_depth_mm": 15.0})
humps = []
for given in asked:
    of = bill(groups, **given)
    low, high = of.quantile(0.03)[0], of.quantile(0.97)[0]
    density = np.exp(of.log_density(lengths[:, None]))
    humps.append(int((np.diff(np.sign(np.diff(density))) < 0).sum()))
    print(f"bill length given {given}:")
    print(f"    mean {of.moments[0][0]:.1f} mm, 94% from {low:.1f} to {high:.1f} mm, humps: {humps[-1]}")
assert humps[0] == 2
assert humps[2] == 1

# %%
figure = Figure((10, 3.8), layout="constrained")
band, densities = figure.subplots(1, 2)
grid = np.linspace(2700, 6300, 49)
for shade, name, fit in ((FIT_COLOURS[0], "one normal", single), (FIT_COLOURS[1], "mixture", groups)):
    laws = [bill(fit, body_mass_g=value) for value in grid]
    band.plot(grid, [of.moments[0][0] for of in laws], color=shade, label=f"{name}: mean, 94% interval")
    band.fill_between(
        grid, *[[of.quantile(p)[0] for of in laws] for p in (0.03, 0.97)], color=shade, alpha=0.15, linewidth=0
    )
band.scatter(x[:, 3], x[:, 0], s=6, color="0.4", linewidth=0)
band.set(xlabel=short[3], ylabel=short[0], title="bill length given mass")
band.legend(loc="upper left")
for shade, given in zip(FIT_COLOURS[2:], asked, strict=False):
    words = ", ".join(f"{short[columns.index(name)].split(' (')[0]} {value:.0f}" for name, value in given.items())
    densities.plot(lengths, np.exp(bill(groups, **given).log_density(lengths[:, None])), color=shade, label=words)
densities.set(xlabel=short[0], ylabel="density", title="by the mixture, given")
densities.set_ylim(0, None)
densities.legend(loc="upper left")
show(figure, "conditionals")

# %% [markdown]
# One normal can only draw a line with a band of one width. The mixture bends: it has found that the heavy birds are of
# one kind. At 3700 g there are two kinds of birds, and the density has two humps, which no mean and interval can tell.
# At 4600 g the kinds overlap; that the bill is flat leaves one of them, and a shorter interval.
#
# ## 25 questions, 2800 people
#
# Back to holes that nobody made on purpose. `bfi` is fitted as it is; the rows with the same columns seen share their
# algebra, so that this is quick. One factor for each trait that the questions were written for:

# %%
five = zoo.load("factor_analysis", Z=5)
people = inference.fit(five, answers)
table = factors.loadings(people, "oblimin", columns=list(answers))
print(f"{len(answers)} people, {answers.isna().sum().sum()} holes: {people.diagnostics['iterations']} iterations")
figure = Figure((6.4, 7), layout="constrained")
factors.heatmap(table, figure.add_subplot())
show(figure, "bfi_loadings")

# %%
largest = np.abs(table.filter(like="factor").to_numpy()).argmax(1).reshape(5, 5)  # a row for each trait
factor_of = [int(np.bincount(row).argmax()) for row in largest]
right = sum(int((row == j).sum()) for row, j in zip(largest, factor_of, strict=True))
print(f"{right} of 25 items load most on the factor of their own trait")
assert len(set(factor_of)) == 5
assert right >= 24

# %% [markdown]
# (How to choose the number is in `02_factor_analysis.py`. Where rows are many and no model of a few numbers is quite
# true, criteria want more factors than one can name, and so it is here.)

# %%
wanted = inference.choose(five, answers, Z=range(3, 9)).sizes["bic"]
print(f"BIC takes {wanted} of 3 to 8")
assert wanted > 5

# %% [markdown]
# Now blank out every twentieth answer, and tell it from the other answers of the
# same person.

# %%
rng = np.random.default_rng(0)
known = answers.to_numpy(float)
blanked = np.where(rng.random(known.shape) < 0.05, np.nan, known)
check = np.isnan(blanked) & ~np.isnan(known)
told = factors.impute(inference.fit(five, blanked))
told = told[check[told["row"], told["column"]]]
true = known[told["row"], told["column"]]
by_column = np.nanmean(blanked, axis=0)[told["column"]]
before, after = (np.sqrt(np.mean((guess - true) ** 2)) for guess in (by_column, told["mean"]))
print(f"{len(true)} answers: RMSE {before:.2f} by the mean of the item, {after:.2f} given the person's other answers")
print(f"the other answers tell {1 - (after / before) ** 2:.0%} of the variance")
print(f"94% intervals that hold the answer: {caught(told, known).mean():.1%}")
assert after < 0.9 * before
assert 0.9 < caught(told, known).mean() < 0.98

# %% [markdown]
# The intervals hold about as many as they say, although answers from 1 to 6 are not normal. With 2800 rows the
# parameters are known well enough for EM's intervals to do. They are wide all the same: most of what
# somebody answers to one question is not to be had from the other twenty-four.
#
# ## Another model that takes holes
#
# Nothing of this is particular to normal distributions; a model whose columns are independent *given* its latents drops
# the missing ones from a product. A latent class model (Lazarsfeld and Henry 1968) of agreement, yes or no, says that
# there are $K$ kinds of people, and that each answers item $j$ with yes by a chance $\theta_{kj}$:
# $p(x_n^o) = \sum_k \pi_k \prod_{j \text{ seen}} \theta_{kj}^{x_{nj}} (1 - \theta_{kj})^{1 - x_{nj}}$.

# %%
agree = datasets.observed("bfi_agree").to_numpy(float)
held = np.where(check, np.nan, agree)
classes = inference.fit(zoo.load("latent_class", K=6), held)
r = classes.local()["z"]  # the probability of each class, given what was seen of a person
chance = (r @ classes.params["theta"])[check]
guess = np.round(np.nanmean(held, axis=0))[np.nonzero(check)[1]]
print(f"answers told right: {np.mean((chance > 0.5) == agree[check]):.1%} by six classes", end="")
print(f", {np.mean(guess == agree[check]):.1%} by what most people say")
fewest = np.isnan(held).sum(1).argmax()
print(f"of the person with most holes {(~np.isnan(held[fewest])).sum()} answers were seen;", end="")
print(f" the most probable class has probability {r[fewest].max():.2f}")
assert np.mean((chance > 0.5) == agree[check]) > np.mean(guess == agree[check]) + 0.02

# %% [markdown]
# ## What this does not cover
#
# All of it stands on *missing at random*. Now let the bills be lost by their own length: long bills are hard to
# measure. Given the mass and the flipper the holes still depend on what was lost. That is *missing not at random*,
# MNAR, and $p(r \mid \cdot)$ does not leave the integral.

# %%
own = (x[:, 0] - x[:, 0].mean()) / x[:, 0].std()
rows = []
for seed in range(10):
    for kind, by in (("MAR: lost by mass", mass), ("MNAR: lost by the bill itself", own)):
        lost = lose_bills(seed, by)
        mean = factors.predictive_distribution(inference.fit(mixture, lost)).moments[0][0]
        rows.append({"kind": kind, "bias": mean - x[:, 0].mean()})
by_kind = pd.DataFrame(rows).groupby("kind")["bias"].agg(["mean", "sem"])
print("bias of the mean bill length (mm), exact likelihood, mixture")
print(by_kind.round(2))
assert by_kind.loc["MNAR: lost by the bill itself", "mean"] < -0.5
assert abs(by_kind.loc["MAR: lost by mass", "mean"]) < 0.2

# %% [markdown]
# The same model, the same likelihood, about as many holes, and a bias that no number of rows takes away. And here is
# the unpleasant part: *the table does not tell*. Which of the two happened depends on values that nobody has, so that
# no test on the seen ones can decide it (Molenberghs et al. 2008); a good fit, intervals with good coverage on values
# *we* blanked out, all of that can look as well in one case as in the other. One has to know how the holes came about:
# why was the question not answered, why was the bird not measured? (Two penguins were not measured at all, which tells
# nothing by itself; people who do not say whether they get angry easily are another matter.)
#
# What can be done: measure more of what the holes may depend on, since each such column brings the table nearer to MAR;
# model the holes, which needs assumptions that cannot be checked (Heckman 1979; Little and Rubin 2019, chapter 15); or
# ask how wrong things would have to be. The last is cheap. Suppose that the lost bills were longer by $\delta$ than the
# model thinks:

# %%
lost = lose_bills(0, own)
filled = factors.fill_missing(inference.fit(mixture, lost))[:, 0]
gone = np.isnan(lost[:, 0])
for delta in (0, 1, 2, 3):
    print(f"delta {delta} mm: mean bill length {np.mean(filled + delta * gone):.2f} mm (true: {x[:, 0].mean():.2f})")

# %% [markdown]
# If a conclusion survives every $\delta$ that a person who knows the matter would believe, it stands. If not, the table
# does not decide it, and no method will.
#
# ## What to remember
#
# - The likelihood of what was seen is exact and cheap. Give the zoo the table with its NaN.
# - Do not fill in means, and do not throw away rows. If you need a filled table, know that it is too smooth:
#   `imputed` for a picture, `impute` for intervals, draws from NUTS for what follows from them.
# - All parameters move together; columns centred beforehand cost likelihood, and bias.
# - With few rows, an interval needs the parameters' uncertainty. With a wrong model, no interval helps.
# - MAR is an assumption about the world, not about the table.

# %% [markdown]
# ## References
#
# - Ghahramani, Z. and Jordan, M. I. (1994). Supervised learning from incomplete data via an EM approach. Advances in
#   Neural Information Processing Systems 6.
# - Gorman, K. B., Williams, T. D. and Fraser, W. R. (2014). Ecological sexual dimorphism and environmental variability
#   within a community of Antarctic penguins (genus Pygoscelis). PLoS ONE 9.
# - Heckman, J. J. (1979). Sample selection bias as a specification error. Econometrica 47.
# - Ilin, A. and Raiko, T. (2010). Practical approaches to principal component analysis in the presence of missing
#   values. Journal of Machine Learning Research 11.
# - Lazarsfeld, P. F. and Henry, N. W. (1968). Latent Structure Analysis. Houghton Mifflin.
# - Little, R. J. A. and Rubin, D. B. (2019). Statistical Analysis with Missing Data. 3rd edition. Wiley.
# - Molenberghs, G., Beunckens, C., Sotto, C. and Kenward, M. G. (2008). Every missingness not at random model has a
#   missingness at random counterpart with equal fit. Journal of the Royal Statistical Society B 70.
# - Orchard, T. and Woodbury, M. A. (1972). A missing information principle: theory and applications. Proceedings of the
#   Sixth Berkeley Symposium on Mathematical Statistics and Probability 1.
# - Revelle, W., Wilt, J. and Rosenthal, A. (2010). Individual differences in cognition: new methods for examining the
#   personality-cognition link. In Handbook of Individual Differences in Cognition. Springer.
# - Rubin, D. B. (1976). Inference and missing data. Biometrika 63.
# - Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley.
