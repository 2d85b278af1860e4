# %% [markdown]
# # Chains: states and levels of a series
#
# In a table the order of the rows says nothing. In a series it says much: one year resembles the year before. This
# tutorial fits one series by a hidden Markov model with four engines and by a level that moves, chooses the number of
# states, removes ten years to see what a gap does, and forecasts. Every number below is computed where it stands.
# Figures are written to the folder that the environment variable `FIGURES` names (else to `figures/`).

# %%
import numpy as np
from matplotlib.figure import Figure
from style import show

import inference
import zoo
from inference import sequences
from inference.plots.style import COMPONENT_COLOURS
from zoo import datasets

# %% [markdown]
# ## The series
#
# The number of earthquakes of magnitude 7 or more in each year from 1900 to 2006 (Zucchini, MacDonald and Langrock
# 2016). One sequence is one row of the model: an array of N sequences, T steps and D columns, here (1, 107, 1).

# %%
table = datasets.load("earthquakes")
years, x = table["year"].to_numpy(), table[["count"]].to_numpy(float)
deviation = x[:, 0] - x.mean()
autocorrelation = (deviation[1:] * deviation[:-1]).sum() / (deviation**2).sum()
print(f"{len(x)} years, mean {x.mean():.1f}, variance {x.var():.1f}")
print(f"correlation of neighbouring years {autocorrelation:.2f}")
assert x.var() > 2 * x.mean()

# %% [markdown]
# A Poisson distribution has a variance equal to its mean; here it is more than twice that. A mixture of Poisson
# distributions explains the variance. It does not explain the correlation, since its rows are independent.
#
# ## A hidden Markov model
#
# Each year has a state $z_t$, which depends on the state before, and the count depends on the state:
#
# $$z_1 \sim \mathrm{Categorical}(\pi), \qquad z_t \sim \mathrm{Categorical}(A_{z_{t-1}}), \qquad
# x_t \sim \mathrm{Poisson}(\mu_{z_t}).$$
#
# There are $K^{107}$ paths. Their sum is a pass over the years, and EM needs only the probabilities of each state and
# of each pair of neighbouring states, which two passes give: Baum-Welch.

# %%
print(" K   log-likelihood      BIC   mixture: log-likelihood      BIC")
fits = {}
for K in range(2, 5):
    fits[K] = inference.fit(zoo.load("hidden_markov", K=K, emission="poisson"), x, restarts=5)
    mixture = inference.fit(zoo.load("poisson_mixture", K=K), x, restarts=5)
    text = f"{fits[K].trace[-1]:16.2f} {fits[K].diagnostics['bic']:8.1f}"
    print(f"{K:2d} {text} {mixture.trace[-1]:25.2f} {mixture.diagnostics['bic']:8.1f}")
    assert fits[K].trace[-1] > mixture.trace[-1] - 1e-3

# %% [markdown]
# A mixture is a chain whose rows of $A$ are equal, so a chain is never worse. With two states the chain gains 18 nats
# over the mixture, for two more numbers. BIC hardly distinguishes two states from three, and is against four: the data
# do not say more. The published log-likelihood of three states is -328.53, at rates of 13.1, 19.7 and 29.7.

# %%
fit = fits[3]
order = np.argsort(fit.params["mu"][:, 0])
print("rates:", fit.params["mu"][order, 0].round(2))
print("transitions, in the order of the rates:\n", fit.params["A"][np.ix_(order, order)].round(2))
assert abs(fit.trace[-1] + 328.53) < 0.01

names = [f"{rate:.0f}\na year" for rate in fit.params["mu"][:, 0]]
figure = Figure(figsize=(5, 5), layout="constrained")
sequences.figures.transition_graph(fit, names, axes=figure.subplots())
show(figure, "chains_transitions")

# %% [markdown]
# Each arrow has the width of its probability. A state lasts: in expectation 1 / (1 - A_kk) years, which
# `sequences.durations` compares with the stays in draws of the path.

# %% [markdown]
# `smoothed` has the probability of each state in each year, given all years; `most_probable_path` the best whole path.
# They are different questions. A path of the states that are most probable one by one may take a transition that is
# impossible.

# %%
states = sequences.smoothed(fit)[0][:, order]
path = sequences.most_probable_path(fit)
best = np.argsort(order)[path.states[0]]
print(f"years in which the two disagree: {years[best != states.argmax(1)]}")
print(f"log probability of the best path given the counts: {path.log_probability[0]:.1f} nats")

colours = [COMPONENT_COLOURS[k] for k in order]  # those of the states in the graph above
figure = Figure(figsize=(8, 4.5), layout="constrained")
counts, shares = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
counts.plot(years, x[:, 0], color="0.75", linewidth=1, zorder=1)
counts.scatter(years, x[:, 0], c=[colours[k] for k in best], s=14, zorder=2)
counts.step(years, fit.params["mu"][order, 0][best], where="mid", color="0.2", linewidth=1)
counts.set(ylabel="earthquakes a year", title="Counts, coloured by the most probable path, and its rate")
labels = [f"{rate:.0f} a year" for rate in fit.params["mu"][order, 0]]
shares.stackplot(years, *states.T, colors=colours, labels=labels, step="mid")
shares.set(ylabel="p(state)", ylim=(0, 1), xlim=(years[0] - 1, years[-1] + 1))
figure.legend(loc="outside right center", title="state", reverse=True)
show(figure, "chains_states")

# %% [markdown]
# The best path has a probability of about one in a thousand given the counts. It is the best of many paths that hardly
# differ, which is why an answer about the path as a whole needs draws of paths.
#
# ## Five ways
#
# EM gives one point. `gibbs` draws the path and the parameters in turn. `nuts` and `svi` sum the path out and draw, or
# approximate, the parameters. The fifth way is another model: a *level* that moves by a random walk, on the square root
# of the counts, whose variance is nearly constant.

# %%
model = zoo.load("hidden_markov", K=3, emission="poisson")
nuts = inference.fit(model, x, engine="nuts", num_warmup=300, num_samples=500, num_chains=2)
ways = {
    "gibbs": inference.fit(model, x, engine="gibbs", num_samples=3000),
    "svi": inference.fit(model, x, engine="svi"),
    "nuts": nuts,
}
print(f"em      rates {fit.params['mu'][order, 0].round(1)}")
for name, other in ways.items():
    rates = other.aligned()["mu"][..., 0].reshape(-1, 3)
    print(f"{name:6s}  rates {rates.mean(0).round(1)}, sd {rates.std(0).round(2)}")
exact = nuts.aligned()["mu"][..., 0].reshape(-1, 3)
gibbs = ways["gibbs"].aligned()["mu"][..., 0].reshape(-1, 3)
assert np.abs((gibbs.mean(0) - exact.mean(0)) / exact.std(0)).max() < 0.5

# %%
print(inference.compare(nuts, ways["svi"]))

# %% [markdown]
# The two samplers agree. Mean-field SVI has the means within a fifth of a standard deviation, and standard deviations
# of the rates that are a sixth to a fifth smaller than those of nuts: it leaves out the correlation of parameters.
# `compare` has the range over all parameters in the line `sd ratio`. It trusts neither fit yet: 1000 draws of nuts are
# worth 375 independent ones for the lowest rate, below its limit of 400, and it names the option to raise.
#
# ## What missing years do
#
# Remove 1940 to 1949. A missing value is left out of the likelihood, and the chain runs on: the states in the gap are
# known from both sides.

# %%
gap = (years >= 1940) & (years < 1950)
y = np.where(gap[:, None], np.nan, x)
without = inference.fit(model, y, restarts=5, seed=1)
order = np.argsort(without.params["mu"][:, 0])
inside = sequences.smoothed(without)[0][:, order]
entropy = -(inside * np.log(np.maximum(inside, 1e-300))).sum(1)
print(f"entropy of the state, mean over the gap {entropy[gap].mean():.2f}, over other years {entropy[~gap].mean():.2f}")
assert entropy[gap].mean() > entropy[~gap].mean()

trend = zoo.load("linear_dynamical_system", structure="local_level")
root = np.sqrt(x + 3 / 8)  # Anscombe: 2 sqrt(x + 3/8) has a variance near 1
level = inference.fit(trend, np.where(gap[:, None], np.nan, root))
moments = sequences.latents(level)
mean, sd = (v["level"][0, :, 0] for v in (moments.mean, moments.sd))
print(
    f"level moves by {level.params['level_sd'][0]:.2f} a year,",
    f"noise {np.sqrt(level.params['Psi'][0]):.2f} (of a Poisson count: 0.5)",
)
print(f"sd of the level: {sd[gap].max():.2f} in the gap, {np.median(sd[~gap]):.2f} elsewhere")
assert sd[gap].max() > 1.3 * np.median(sd[~gap])

path_draws = sequences.paths(without, num_paths=400)[:, 0]
rates = without.params["mu"][:, 0][path_draws]
low, high = np.quantile(rates, [0.05, 0.95], axis=0)
figure = Figure(figsize=(8, 4.5), layout="constrained")
top, bottom = figure.subplots(2, 1, sharex=True, sharey=True)
for axes, (lower, middle, upper), title in (
    (top, (low, rates.mean(0), high), "Rate of the hidden Markov model"),
    (bottom, ((mean - 1.645 * sd) ** 2, mean**2, (mean + 1.645 * sd) ** 2), "Local level, squared"),
):
    axes.axvspan(1939.5, 1949.5, color="0.93")
    axes.scatter(years, x[:, 0], c=np.where(gap, "white", "0.6"), edgecolors="0.6", s=12, linewidths=0.8)
    axes.plot(years, middle, color=COMPONENT_COLOURS[0])
    axes.fill_between(years, lower, upper, color=COMPONENT_COLOURS[0], alpha=0.25, linewidth=0)
    axes.set(ylabel="earthquakes a year", title=f"{title}, with 90% intervals; white: removed")
show(figure, "chains_gap")

# %% [markdown]
# The two models disagree about the gap. A level that moves a little each year is interpolated, and its uncertainty
# grows towards the middle. A chain may jump there and back, so its interval is that of two states.
#
# ## Forecasting
#
# Leave out the last twenty years, and forecast them. A forecast is a distribution: draws of the parameters (here of
# gibbs), then of the states, then of the counts.

# %%
cut, horizon = len(x) - 20, 20
short = inference.fit(model, x[:cut], engine="gibbs", num_samples=3000, num_draws=400)
later = sequences.forecast(short, steps=horizon, num_draws=400)
of_level = sequences.forecast(inference.fit(trend, root[:cut]), steps=horizon, num_draws=1000)
draws = {
    "hidden Markov model": later.draws["x"][:, 0, :, 0],
    "local level": np.maximum(of_level.draws["x"][:, 0, :, 0] ** 2 - 3 / 8, 0.0),
    "Poisson, one rate": np.random.default_rng(0).poisson(x[:cut].mean(), (1000, horizon)).astype(float),
}
print("                       covered by 90%   width   mean error")
figure = Figure(figsize=(8, 4), layout="constrained")
panes = figure.subplots(1, 3, sharey=True)
covered = {}
for axes, (name, values) in zip(panes, draws.items(), strict=True):
    lower, upper = np.quantile(values, [0.05, 0.95], axis=0)
    truth = x[cut:, 0]
    covered[name] = ((truth >= lower) & (truth <= upper)).mean()
    print(
        f"{name:22s} {covered[name]:14.0%} {(upper - lower).mean():8.1f} {np.abs(values.mean(0) - truth).mean():10.1f}"
    )
    axes.plot(years[cut - 30 : cut], x[cut - 30 : cut, 0], color="0.6", label="counts")
    axes.scatter(years[cut:], truth, color="0.2", s=12, zorder=3, label="counts that were left out")
    sequences.figures.fan(axes, years[cut:], values)
    axes.set(title=name, xlabel="year")
panes[0].set(ylabel="earthquakes a year")
figure.legend(*panes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
show(figure, "chains_forecast")
assert covered["hidden Markov model"] >= 0.75

# %% [markdown]
# The one rate is too narrow, since it ignores the states. The chain forgets its last state after some years, and its
# forecast becomes the long-run distribution, which is too high for these quiet years. A random walk never forgets: its
# forecast stays at the last level, and its interval grows without bound. Here its errors are smaller; twenty years of
# one series cannot rank models, and the figure shows what each of them assumes.
# `sequences.figures.forecast_fan(fit)` is such a figure of one fit, in one call.
#
# ## What to remember
#
# - The order of the rows is information, and a chain uses it; compare with the mixture to see how much.
# - The path of states is uncertain as a whole even where each state is fairly certain. Ask `paths` for draws.
# - Missing steps need no treatment: they are left out of the likelihood.
# - Models that describe the past equally well can forecast differently: a chain returns, a random walk does not.
