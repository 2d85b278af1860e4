# %% [markdown]
# # Missing data: exact likelihood, imputation with intervals, and the assumption behind them
#
# This tutorial uses two tables with missing values, and one table from which values are removed on purpose, so that the
# true values are known. Every number below is computed where it stands. Figures are written to the folder that the
# environment variable `FIGURES` names (else to `figures/`).

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
    file, modelled = datasets.load(name), datasets.observed(name)
    missing = modelled.isna()
    print(f"{name}: {file.isna().sum().sum()} values missing in the file,", end=" ")
    print(f"{missing.sum().sum()} in the columns of a model;")
    print(f"    {missing.to_numpy().mean():.2%} of the values,", end=" ")
    print(f"{missing.any(axis=1).mean():.1%} of the rows have a missing value,", end=" ")
    print(f"{missing.all(axis=1).sum()} rows are empty")

birds = datasets.load("penguins")
columns = list(datasets.about("penguins").columns)
titles = ["bill length (mm)", "bill depth (mm)", "flipper (mm)", "mass (g)"]
answers = datasets.observed("bfi")

# %% [markdown]
# Most missing values of the penguins are in the column `sex`, which is text. Only two birds have no measurements at
# all. In `bfi` fewer than one answer in a hundred is missing, but one person in eight has at least one missing answer.
# Removing these people would discard an eighth of the answers because of a hundredth.
#
# ## Missing at random
#
# Let $r$ indicate which values were observed, $x^o$ the observed values and $x^m$ the missing ones. The data are the
# *pair* $(x^o, r)$, with density
#
# $$p(x^o, r \mid \theta, \phi) = \int p(x^o, x^m \mid \theta) \; p(r \mid x^o, x^m, \phi) \; dx^m.$$
#
# If $r$ may depend on the observed values, but given those not on the missing ones, the second factor is
# $p(r \mid x^o, \phi)$. It does not depend on $x^m$, so
#
# $$p(x^o, r \mid \theta, \phi) = p(r \mid x^o, \phi) \; p(x^o \mid \theta).$$
#
# The reasons for the missing values then need no model: for $\theta$ only the second factor matters. This assumption is
# *missing at random*, MAR (Rubin 1976). It is weaker than its name suggests. Values whose absence depends on nothing
# are *missing completely at random*, MCAR. If the absence depends on the missing value itself, neither holds; the last
# section returns to this case.
#
# It remains to compute $p(x^o \mid \theta)$, the density of the observed values. For a normal row it is exact and
# simple: take the entries of the mean and the covariance that belong to the observed columns,
#
# $$x_n^o \sim \mathrm{Normal}(\mu_o, \Sigma_{oo}).$$
#
# Every linear-Gaussian model of the zoo does this for NaN in the data (for mixtures see Ghahramani and Jordan 1994).
# Missing values are marginalised out, not filled in.

# %%
one_factor = zoo.load("factor_analysis", Z=1)
fit = inference.fit(one_factor, birds[columns])
mu, Sigma = factors.predictive_distribution(fit).moments
row = birds.loc[0, columns].to_numpy(float, copy=True)
row[[1, 2]] = np.nan
observed = ~np.isnan(row)
exact = multivariate_normal.logpdf(row[observed], mu[observed], Sigma[np.ix_(observed, observed)])
empty = fit.log_likelihood()[birds[columns].isna().all(axis=1)]
print(f"log p of a bird with two observed columns: {fit.log_likelihood(row[None])[0]:.6f}; by the formula {exact:.6f}")
print("log p of the two birds without measurements:", empty)
assert np.isclose(fit.log_likelihood(row[None])[0], exact)
assert np.allclose(empty, 0)

# %% [markdown]
# ## Removing values on purpose
#
# Take the 342 measured birds, and remove bill measurements of the heavy ones. The probability of a missing value in
# either bill column increases with the mass, which is observed for every bird. So the values are MAR by construction.

# %%
measured = birds.dropna(subset=columns).reset_index(drop=True)
x = measured[columns].to_numpy()
N, D = x.shape
mass = (x[:, 3] - x[:, 3].mean()) / x[:, 3].std()


def remove_bills(seed, by=mass):
    """The table with bill measurements missing, each with probability logistic(2 by)."""
    rng = np.random.default_rng(seed)
    y = x.copy()
    for d in (0, 1):
        y[rng.random(N) < 1 / (1 + np.exp(-2 * by)), d] = np.nan
    return y


y = remove_bills(0)
print(f"missing: {np.isnan(y).sum()} values, {np.isnan(y[:, :2]).mean():.0%} of the bills")
complete_rows = ~np.isnan(y).any(1)
print(f"complete rows: {complete_rows.sum()} of {N}")
print("of each species:", measured["species"][complete_rows].value_counts().to_dict())

# %% [markdown]
# There are four ways to estimate the mean and covariance of the table, and to predict the missing values:
#
# - *column means*: fill in the mean of the column, and continue as if the table were complete;
# - *complete rows*: remove rows with missing values;
# - *exact, one normal*: factor analysis with one factor, by the likelihood above;
# - *exact, mixture*: a mixture of three factor analysers. (There are three species, but the model does not use the
#   species of a bird.)
#
# Thirty tables are made, to show both bias and spread. The root mean square error (RMSE) compares the missing values
# with their conditional means. For complete rows the model is fitted to these rows and then predicts the others.

# %%
mixture = zoo.load("mixture_of_factor_analysers", K=3, Z=1)
METHODS = ("column means", "complete rows", "exact, one normal", "exact, mixture")


def describe(mu, Sigma, filled, missing):
    sd = np.sqrt(np.diag(Sigma))
    return {
        "mean bill length": mu[0],
        "sd of bill length": sd[0],
        "correlation, bill length and mass": Sigma[0, 3] / (sd[0] * sd[3]),
        "correlation, bill depth and mass": Sigma[1, 3] / (sd[1] * sd[3]),
        "RMSE of bill length": np.sqrt(np.mean((filled - x)[missing[:, 0], 0] ** 2)),
        "RMSE of bill depth": np.sqrt(np.mean((filled - x)[missing[:, 1], 1] ** 2)),
    }


def moments(table):
    return table.mean(0), np.cov(table.T, bias=True)


rows = []
for seed in range(30):
    y_seed = remove_bills(seed)
    missing = np.isnan(y_seed)
    with_means = np.where(missing, np.nanmean(y_seed, axis=0), y_seed)
    complete = y_seed[~missing.any(1)]
    normal_fit, mixture_fit = inference.fit(one_factor, y_seed), inference.fit(mixture, y_seed)
    estimates = (
        (*moments(with_means), with_means),
        (*moments(complete), factors.fill_missing(inference.fit(one_factor, complete), y_seed)),
        (*factors.predictive_distribution(normal_fit).moments, factors.fill_missing(normal_fit)),
        (*factors.predictive_distribution(mixture_fit).moments, factors.fill_missing(mixture_fit)),
    )
    for method, estimate in zip(METHODS, estimates, strict=True):
        rows.append({"method": method, **describe(*estimate, missing)})
results = pd.DataFrame(rows).groupby("method", sort=False)
truth = pd.Series(describe(*moments(x), x, np.ones_like(x, bool)), name="truth")
print(pd.concat([results.mean().T, truth], axis=1).round(2).to_string())
print("\nstandard deviation over the thirty tables")
print(results.std().T.round(2).to_string())

# %%
figure = Figure((10, 4.6), layout="constrained")
panels = figure.subplots(2, 3, sharey=True).ravel()
for axes, quantity in zip(panels, truth.index, strict=True):
    for i, method in enumerate(METHODS):
        values = results.get_group(method)[quantity]
        axes.plot(values, i + np.linspace(-0.25, 0.25, len(values)), "o", color=FIT_COLOURS[i], markersize=3)
    if not quantity.startswith("RMSE"):
        axes.axvline(truth[quantity], color="black", linewidth=1, linestyle="--")
    axes.set(title=quantity, yticks=range(4), yticklabels=METHODS)
    axes.label_outer(remove_inner_ticks=True)
    axes.tick_params(labelbottom=True)
panels[-1].invert_yaxis()
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
# Dashed lines are the values of the complete table. Each point is one table.
#
# - *Column means* are means of the light birds, so the mean is too low. All imputed values are equal, so the standard
#   deviation is too small. They do not depend on the mass, so the correlation is biased towards zero. More data would
#   not reduce the bias.
# - *Complete rows* are light birds. Even the sign of a correlation is wrong: most of the remaining birds are of two
#   species, in which depth increases with mass, and the third species, heavy birds with flat bills, is nearly absent.
# - *Exact, one normal* uses every observed number. The mass of a bird is informative about its missing bill. The
#   remaining bias comes from the model: one normal distribution for three species.
# - *Exact, mixture* has nearly no bias. With missing values the model also predicts them, so a good model is even more
#   important.
#
# ## EM with missing values, and why mu must be estimated jointly
#
# For an unrestricted covariance EM takes a few lines (Orchard and Woodbury 1972; Little and Rubin 2019, section 11.2).
# The E-step fills in the conditional mean of each missing value, and adds the conditional covariance $C_n = \Sigma_{mm}
# - \Sigma_{mo} \Sigma_{oo}^{-1} \Sigma_{om}$ of the missing values.


# %%
def em(table, fix_mean=False, iterations=400):
    """Mean, covariance and log-likelihoods; with ``fix_mean`` the mean stays at that of the columns."""
    mean, sd = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    u, m, S, log_likelihoods = (table - mean) / sd, np.zeros(D), np.eye(D), []
    patterns, pattern_of_row = np.unique(np.isnan(u), axis=0, return_inverse=True)
    for _ in range(iterations):
        filled, C, log_p = u.copy(), np.zeros((D, D)), 0.0
        for p, missing in enumerate(patterns):
            rows, o = np.flatnonzero(pattern_of_row == p), ~missing
            gain = np.linalg.solve(S[np.ix_(o, o)], S[np.ix_(o, missing)]).T
            filled[np.ix_(rows, missing)] = m[missing] + (u[np.ix_(rows, o)] - m[o]) @ gain.T
            C[np.ix_(missing, missing)] += len(rows) * (S[np.ix_(missing, missing)] - gain @ S[np.ix_(o, missing)])
            log_p += multivariate_normal.logpdf(u[np.ix_(rows, o)], m[o], S[np.ix_(o, o)]).sum()
            log_p -= len(rows) * np.log(sd[o]).sum()
        log_likelihoods.append(log_p)
        m = m if fix_mean else filled.mean(0)
        S = ((filled - m).T @ (filled - m) + C) / len(u)
    return mean + sd * m, S * np.outer(sd, sd), np.array(log_likelihoods)


free, fixed = em(y), em(y, fix_mean=True)
two_factors = inference.fit(zoo.load("factor_analysis", Z=2), y)
cost = free[2][-1] - fixed[2][-1]
print(f"all parameters free: {free[2][-1]:.3f} nats; mean fixed: {fixed[2][-1]:.3f}; difference {cost:.2f} nats")
print(f"EM of the zoo, two factors: {two_factors.diagnostics['log_likelihood']:.3f} nats")
print("mean bill length: true", x[:, 0].mean().round(2), "free", free[0][0].round(2), "fixed", fixed[0][0].round(2))
assert min(np.diff(free[2]).min(), np.diff(fixed[2]).min()) > -1e-8
assert -0.05 < two_factors.diagnostics["log_likelihood"] - free[2][-1] < 1e-6
assert cost > 5

# %% [markdown]
# Without $C$ this would be regression imputation: the imputed values would lie exactly on the regression plane, and the
# covariance would be too small again. With $C$ the likelihood increases to its exact maximum. (Two factors can
# represent nearly any covariance of four columns, so factor analysis reaches the same maximum.)
#
# In a complete table the best mean is the mean of the columns, whatever the covariance. It is therefore common to
# centre the columns first. With missing values this is not the maximum: the observed part of a column is not a
# representative sample, and the other columns show in which direction it differs. The loss in log-likelihood is printed
# above, and the mean is nearly as wrong as with column means. $\mu$, $W$ and $\Psi$ must be estimated jointly. The EM
# of the zoo regresses each column on $z$ *and* a constant (for PCA see Ilin and Raiko 2010).
#
# ## Imputation with intervals
#
# `factors.impute` returns the distribution of each missing value given the rest of its row: mean, sd and interval. To
# check the intervals, remove values on purpose and count how many intervals contain the true value. The check uses
# small tables, thirty penguins of one species, so that the parameters are uncertain too, and removes 30% of the values
# at random.

# %%
adelie = x[(measured["species"] == "Adelie").to_numpy()]


def sample_birds(seed):
    """Thirty Adelie penguins, complete and with missing values."""
    rng = np.random.default_rng(seed)
    complete = adelie[rng.choice(len(adelie), 30, replace=False)]
    return complete, np.where(rng.random(complete.shape) < 0.3, np.nan, complete)


def covers(table, complete, stretch=1.0):
    """Which intervals, stretched around their centres, contain the true value."""
    true, centre = complete[table["row"], table["column"]], (table["low"] + table["high"]) / 2
    return (np.abs(true - centre) < stretch * (table["high"] - table["low"]) / 2).to_numpy()


def coverage(stretch=1.0):
    """The share of intervals of the hundred tables that contain the true value, and its standard error."""
    rates = np.array([covers(table, complete, stretch).mean() for table, complete in tables_by_em])
    return rates.mean(), rates.std() / np.sqrt(len(rates))


tables_by_em = []
for seed in range(100):
    complete, incomplete = sample_birds(seed)
    tables_by_em.append((factors.impute(inference.fit(one_factor, incomplete, tol=1e-6)), complete))
rate, error = coverage()
print(f"94% intervals by EM, 100 tables: {rate:.1%} +- {error:.1%} contain the true value")
assert rate + 3 * error < 0.94

# %% [markdown]
# The coverage is too low. EM uses one estimate of the parameters as if it were exact: the interval includes the noise
# and the uncertainty of $z$, but not that of $\mu$, $W$ and $\Psi$. NUTS includes it. Each draw of the parameters has
# its own conditional distribution, and the interval is that of their mixture. (Multiple imputation, Rubin 1987, does
# the same with a few draws.) One of the hundred tables:

# %%
complete, incomplete = sample_birds(2)
by_em = inference.fit(one_factor, incomplete)
by_nuts = inference.fit(
    one_factor, incomplete, engine="nuts", num_warmup=300, num_samples=300, target_accept=0.8, seed=1
)
tables = {"em": factors.impute(by_em), "nuts": factors.impute(by_nuts)}
print(inference.compare(by_em, by_nuts).verdict)
for name, table in tables.items():
    inside = covers(table, complete)
    print(f"{name:5}: {inside.sum()} of {len(inside)} intervals contain the true value")
lengths = {name: table["high"] - table["low"] for name, table in tables.items()}
ratio = (lengths["nuts"] / lengths["em"]).mean()
stretched_rate, error = coverage(ratio)
print(f"the intervals by NUTS are {ratio - 1:.0%} longer on average")
print(f"EM's in the 100 tables, stretched by as much: {stretched_rate:.1%} +- {error:.1%} contain the true value")
assert ratio > 1.08
assert stretched_rate > rate + 0.02
assert covers(tables["nuts"], complete).sum() >= covers(tables["em"], complete).sum()

# %% [markdown]
# One table has too few missing values to estimate the coverage, so the last line applies the average ratio of lengths
# to all hundred tables. Most of the missing coverage is recovered. (One ratio for all intervals is an approximation; a
# hundred runs of NUTS would be exact.)

# %%
figure = Figure((10, 3.2), layout="constrained")
panels = figure.subplots(1, 4)
for d, axes in enumerate(panels):
    wide = tables["nuts"][tables["nuts"]["column"] == d]
    narrow = tables["em"][tables["em"]["column"] == d]
    true = complete[wide["row"], d]
    colours = np.where(covers(wide, complete), FIT_COLOURS[0], FIT_COLOURS[1])
    axes.vlines(true, wide["low"], wide["high"], color=colours, linewidth=2.5, alpha=0.6)
    axes.vlines(true, narrow["low"], narrow["high"], color="black", linewidth=0.8)
    axes.scatter(true, wide["mean"], s=12, color=colours, zorder=3)
    axes.axline((true.min(), true.min()), slope=1, color="0.5", linewidth=0.8, linestyle="--")
    axes.axhline(np.nanmean(incomplete[:, d]), color="0.5", linewidth=0.8, linestyle=":")
    axes.set(title=titles[d], xlabel="true value")
panels[0].set_ylabel("94% interval given the rest of the row")
show(figure, "intervals")

# %% [markdown]
# Thick bars are intervals by NUTS, orange where they miss the true value. Thin black lines are intervals by EM. A
# perfect prediction lies on the dashed line. The dotted line is the mean of the column, where imputation by column
# means would place every point, without an interval.
#
# An interval is conditional on the model. It does not include the possibility that the model is wrong.
#
# ## Some columns given others
#
# The same conditioning answers other questions: how long is the bill of a bird of 3700 g?
# `factors.conditional_distribution` returns the distribution of the remaining columns at given values of some columns.
# The result has the methods `marginal`, `quantile`, `log_density` and `sample`.

# %%
mixture_fit = inference.fit(mixture, birds[columns], restarts=5)
normal_fit = inference.fit(one_factor, birds[columns])
print(f"BIC: one normal {normal_fit.diagnostics['bic']:.1f}, mixture {mixture_fit.diagnostics['bic']:.1f}")
assert mixture_fit.diagnostics["bic"] < normal_fit.diagnostics["bic"]


def bill_length(fit, **given):
    """The distribution of the bill length given other columns."""
    rest = [name for name in columns if name not in given]
    return factors.conditional_distribution(fit, given, columns).marginal(np.array([rest.index("bill_length_mm")]))


lengths = np.linspace(30, 62, 300)
conditions = ({"body_mass_g": 3700.0}, {"body_mass_g": 4600.0}, {"body_mass_g": 4600.0, "bill_depth_mm": 15.0})
num_modes = []
for given in conditions:
    distribution = bill_length(mixture_fit, **given)
    low, high = distribution.quantile(0.03)[0], distribution.quantile(0.97)[0]
    density = np.exp(distribution.log_density(lengths[:, None]))
    num_modes.append(int((np.diff(np.sign(np.diff(density))) < 0).sum()))
    print(f"bill length given {given}:")
    print(f"    mean {distribution.moments[0][0]:.1f} mm, 94% from {low:.1f} to {high:.1f} mm, modes: {num_modes[-1]}")
assert num_modes[0] == 2
assert num_modes[2] == 1

# %%
figure = Figure((10, 3.8), layout="constrained")
left, right = figure.subplots(1, 2)
grid = np.linspace(2700, 6300, 49)
for colour, name, fit in ((FIT_COLOURS[0], "one normal", normal_fit), (FIT_COLOURS[1], "mixture", mixture_fit)):
    distributions = [bill_length(fit, body_mass_g=value) for value in grid]
    means = [distribution.moments[0][0] for distribution in distributions]
    low, high = ([distribution.quantile(p)[0] for distribution in distributions] for p in (0.03, 0.97))
    left.plot(grid, means, color=colour, label=f"{name}: mean, 94% interval")
    left.fill_between(grid, low, high, color=colour, alpha=0.15, linewidth=0)
left.scatter(x[:, 3], x[:, 0], s=6, color="0.4", linewidth=0)
left.set(xlabel=titles[3], ylabel=titles[0], title="bill length given mass")
left.legend(loc="upper left")
for colour, given in zip(FIT_COLOURS[2:], conditions, strict=False):
    label = ", ".join(f"{titles[columns.index(name)].split(' (')[0]} {value:.0f}" for name, value in given.items())
    density = np.exp(bill_length(mixture_fit, **given).log_density(lengths[:, None]))
    right.plot(lengths, density, color=colour, label=label)
right.set(xlabel=titles[0], ylabel="density", title="by the mixture, given")
right.set_ylim(0, None)
right.legend(loc="upper left")
show(figure, "conditionals")

# %% [markdown]
# One normal distribution gives a straight line with a band of constant width. The mixture is nonlinear, because the
# heavy birds belong to one species. At 3700 g there are two species, and the density has two modes, which a mean and an
# interval cannot show. At 4600 g the species overlap. A flat bill leaves only one of them, and the interval is shorter.
#
# ## 25 questions, 2800 people
#
# `bfi` has values that are missing in reality. It is fitted as it is. Rows with the same observed columns share their
# computations, so the fit is fast. The model has one factor for each trait:

# %%
five_factors = zoo.load("factor_analysis", Z=5)
people = inference.fit(five_factors, answers)
table = factors.loadings(people, "oblimin", columns=list(answers))
print(f"{len(answers)} people, {answers.isna().sum().sum()} missing: {people.diagnostics['iterations']} iterations")
figure = Figure((6.4, 7), layout="constrained")
factors.heatmap(table, figure.add_subplot())
show(figure, "bfi_loadings")

# %%
largest = np.abs(table.filter(like="factor").to_numpy()).argmax(1).reshape(5, 5)  # a row for each trait
factor_of_trait = [int(np.bincount(row).argmax()) for row in largest]
correct = sum(int((row == j).sum()) for row, j in zip(largest, factor_of_trait, strict=True))
print(f"{correct} of 25 items load most on the factor of their own trait")
assert len(set(factor_of_trait)) == 5
assert correct >= 24

# %% [markdown]
# (`02_factor_analysis.py` shows how to select the number of factors. With many rows, and no simple model exactly true,
# criteria select more factors than can be interpreted. This is the case here.)

# %%
num_factors = inference.choose(five_factors, answers, Z=range(3, 9)).sizes["bic"]
print(f"BIC selects {num_factors} of 3 to 8")
assert num_factors > 5

# %% [markdown]
# Now remove 5% of the answers, and predict them from the other answers of the same person.

# %%
rng = np.random.default_rng(0)
known = answers.to_numpy(float)
incomplete = np.where(rng.random(known.shape) < 0.05, np.nan, known)
removed = np.isnan(incomplete) & ~np.isnan(known)
imputed = factors.impute(inference.fit(five_factors, incomplete))
imputed = imputed[removed[imputed["row"], imputed["column"]]]
true = known[imputed["row"], imputed["column"]]
item_means = np.nanmean(incomplete, axis=0)[imputed["column"]]
rmse_mean, rmse_model = (np.sqrt(np.mean((guess - true) ** 2)) for guess in (item_means, imputed["mean"]))
print(f"{len(true)} answers: RMSE {rmse_mean:.2f} by the mean of the item,", end=" ")
print(f"{rmse_model:.2f} given the person's other answers")
print(f"the other answers explain {1 - (rmse_model / rmse_mean) ** 2:.0%} of the variance")
print(f"94% intervals that contain the answer: {covers(imputed, known).mean():.1%}")
assert rmse_model < 0.9 * rmse_mean
assert 0.9 < covers(imputed, known).mean() < 0.98

# %% [markdown]
# The coverage of the intervals is about correct, although answers from 1 to 6 are not normal. With 2800 rows the
# parameters are precise enough for the intervals of EM. The intervals are wide: the other twenty-four answers explain
# only a small part of an answer.
#
# ## Another model for missing values
#
# None of this requires normal distributions. If the columns are independent *given* the latents, missing columns are
# left out of a product. A latent class model (Lazarsfeld and Henry 1968) of agreement, yes or no, has $K$ classes of
# people. A person of class $k$ agrees with item $j$ with probability $\theta_{kj}$: $p(x_n^o) = \sum_k \pi_k \prod_{j
# \text{ observed}} \theta_{kj}^{x_{nj}} (1 - \theta_{kj})^{1 - x_{nj}}$.

# %%
agree = datasets.observed("bfi_agree").to_numpy(float)
incomplete = np.where(removed, np.nan, agree)
classes = inference.fit(zoo.load("latent_class", K=6), incomplete)
r = classes.local()["z"]  # the probability of each class, given the observed answers of a person
probability = (r @ classes.params["theta"])[removed]
majority = np.round(np.nanmean(incomplete, axis=0))[np.nonzero(removed)[1]]
print(f"correct predictions: {np.mean((probability > 0.5) == agree[removed]):.1%} by six classes", end="")
print(f", {np.mean(majority == agree[removed]):.1%} by the majority answer")
emptiest = np.isnan(incomplete).sum(1).argmax()
print(f"the person with most missing answers has {(~np.isnan(incomplete[emptiest])).sum()} observed ones;", end="")
print(f" the most probable class has probability {r[emptiest].max():.2f}")
assert np.mean((probability > 0.5) == agree[removed]) > np.mean(majority == agree[removed]) + 0.02

# %% [markdown]
# ## Limits: missing not at random
#
# Everything above assumes *missing at random*. Now let the bills be missing depending on their own length: long bills
# are hard to measure. Given mass and flipper length, the absence still depends on the missing value. This is *missing
# not at random*, MNAR, and $p(r \mid \cdot)$ depends on $x^m$, so it stays inside the integral.

# %%
own_length = (x[:, 0] - x[:, 0].mean()) / x[:, 0].std()
rows = []
for seed in range(6):
    for kind, by in (("MAR: by mass", mass), ("MNAR: by the bill itself", own_length)):
        mean = factors.predictive_distribution(inference.fit(mixture, remove_bills(seed, by))).moments[0][0]
        rows.append({"kind": kind, "bias": mean - x[:, 0].mean()})
by_kind = pd.DataFrame(rows).groupby("kind")["bias"].agg(["mean", "sem"])
print("bias of the mean bill length (mm), exact likelihood, mixture")
print(by_kind.round(2))
assert by_kind.loc["MNAR: by the bill itself", "mean"] < -0.5
assert abs(by_kind.loc["MAR: by mass", "mean"]) < 0.2

# %% [markdown]
# The model, the likelihood and the number of missing values are about the same, but there is a bias that more rows do
# not reduce. *The table cannot show which case it is.* The difference lies in values that are not available, so no test
# on the observed values can decide it (Molenberghs et al. 2008). The goodness of fit, and the coverage for values
# removed *on purpose*, can be equally good in both cases. The analyst has to know why values are missing: why was a
# question not answered, why was a bird not measured? (That two penguins were not measured at all is harmless. People
# who do not answer whether they get angry easily are a different matter.)
#
# There are three remedies. Measure more columns on which the absence may depend; each of them makes MAR more plausible.
# Model the absence, with assumptions that cannot be checked (Heckman 1979; Little and Rubin 2019, chapter 15). Or do a
# sensitivity analysis, which is simple. Suppose that the missing bills are longer by $\delta$ than the model predicts:

# %%
y = remove_bills(0, own_length)
filled = factors.fill_missing(inference.fit(mixture, y))[:, 0]
missing = np.isnan(y[:, 0])
for delta in (0, 1, 2, 3):
    print(f"delta {delta} mm: mean bill length {np.mean(filled + delta * missing):.2f} mm (true: {x[:, 0].mean():.2f})")

# %% [markdown]
# If a conclusion holds for every plausible $\delta$, it is robust. If not, the data do not decide it.
#
# ## Summary
#
# - The likelihood of the observed values is exact and cheap. Give the zoo the table with its NaN.
# - Do not fill in means, and do not remove rows. A filled table is too smooth. Use `fill_missing` for plots, `impute`
#   for intervals, and draws from NUTS for quantities that depend on the missing values.
# - Estimate all parameters jointly. Centring columns beforehand lowers the likelihood and causes bias.
# - With few rows, intervals must include the uncertainty of the parameters. With a wrong model, intervals are wrong.
# - MAR is an assumption about how the data were collected. The table cannot confirm it.

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
