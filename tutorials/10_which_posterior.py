# %% [markdown]
# # Which posterior: three fits that are confidently wrong, and the checks that show it
#
# An engine returns draws whether or not they are draws of the posterior, and wrong draws look like right ones. This
# tutorial fits three small models whose posteriors are hard for a mean-field guide: a regression, a hierarchy and a
# position with two solutions. It shows which check finds the fault, what the verdict means, and what to do. Every
# number below is computed where it stands. Figures are written to the folder that the environment variable `FIGURES`
# names (else to `figures/`).

# %%
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from matplotlib.figure import Figure
from style import show

import inference
import zoo
from inference.plots.style import FIT_COLOURS
from zoo import datasets

BLUE, ORANGE, GREEN = FIT_COLOURS[:3]

# %% [markdown]
# ## Five verdicts
#
# `inference.judge(fit)` gives the verdict on one fit by its own checks, `inference.compare(fit, fit)` that on each fit
# beside the others.
#
# | verdict | what it means | what to report |
# |---|---|---|
# | yes | means, 90% intervals and joint statements may be used | all of them |
# | means only | an interval, or a combination of quantities, is wrong or not confirmed | means, without intervals |
# | unclear | too few draws to say, or nothing to compare with | nothing yet: the reason names the option to raise |
# | point | an estimate without spread | the estimate, without an interval |
# | no | a mean is wrong, or there is no evidence for it | nothing |
#
# Checks are of two kinds. Some use the fit alone: R-hat, effective sample size and divergences of chains; Pareto k-hat
# and the bound of a guide. These cannot show a region that the fit never visits. Others use a second fit that came by
# another way. That is why the verdict of a guide alone is weaker than that beside sound chains.
#
# ## A regression with an uncentred covariate
#
# Old Faithful (Azzalini and Bowman 1990): the wait until the next eruption, given how long the last one took, for 40
# eruptions. The covariate is in minutes as it was recorded, and is never near 0.

# %%
table = datasets.load("faithful").iloc[:40]
duration, wait = table["eruptions"].to_numpy(), table["waiting"].to_numpy(float)


def line(duration, wait=None):
    intercept = numpyro.sample("intercept", dist.Normal(50.0, 30.0))
    slope = numpyro.sample("slope", dist.Normal(0.0, 20.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(20.0))
    with numpyro.plate("eruptions", len(duration)):
        numpyro.sample("wait", dist.Normal(intercept + slope * duration, sigma), obs=wait)


regression = zoo.Model(line, backend="numpyro")
mean_field = inference.fit(regression, duration, wait, engine="svi")
print("ELBO settled:", mean_field.diagnostics["converged"])
print(mean_field.summary()[["mean", "sd"]].round(2))
alone = inference.judge(mean_field)
print(f"{alone.trust}: {alone.explanation}")
assert alone.trust != "yes"

# %% [markdown]
# The optimiser has converged, the summary looks like any other, and the verdict does not trust it, without any chain.
# Each draw of a guide comes with $\log p - \log q$. If the guide were the posterior, this would be a constant; its tail
# gives Pareto k-hat, and its mean is the ELBO. Below the limit of k-hat the draws can be reweighted by $p / q$, and the
# reweighted draws tell how far off means and intervals are.
#
# Chains are another way to the same posterior.

# %%
nuts = inference.fit(regression, duration, wait, engine="nuts")
full_rank = inference.fit(regression, duration, wait, engine="svi", guide="full_rank")
comparison = inference.compare(mean_field, full_rank, nuts)
print(comparison)
trusts = {name: verdict.trust for name, verdict in comparison.verdicts.items()}
assert trusts == {"svi (mean_field)": "means only", "svi (full_rank)": "yes", "nuts": "yes"}

# %% [markdown]
# Read the columns of the guides from the top. The means are right (`means off by`). `sd ratio` has the range over all
# parameters, far below 1 for the mean-field guide, and `90% holds` is the consequence: how much of the posterior, by
# the draws of the chains, is in what the guide calls a 90% interval, at worst. Sentences follow. They may name a
# combination of parameters, whose spread differs most from that of the reference, or the log joint density: each single
# interval can be right where a correlation is wrong, so that these are compared too.

# %%
pairs = {name: (fit.draws["intercept"].ravel(), fit.draws["slope"].ravel()) for name, fit in comparison.fits.items()}
colours = dict(zip(pairs, (ORANGE, GREEN, BLUE), strict=True))
minutes = np.linspace(0, 6, 100)
figure = Figure(figsize=(8.5, 3.6), layout="constrained")
left, right = figure.subplots(1, 2)
for name in ("nuts", "svi (mean_field)"):
    left.scatter(*(values[:1000] for values in pairs[name]), s=3, alpha=0.4, color=colours[name], label=name)
for name, (intercept, slope) in pairs.items():
    height = (intercept[:, None] + slope[:, None] * minutes).std(0)
    right.plot(minutes, height, color=colours[name], label=name, linestyle="--" if "full" in name else "-")
right.plot(duration, np.zeros(len(duration)), "|", color="0.5", markersize=10, clip_on=False)
left.set(xlabel="intercept (minutes)", ylabel="slope (minutes per minute)", title="Draws")
right.set(xlabel="duration of the last eruption (minutes)", ylabel="minutes", ylim=(0, None), title="sd of the line")
left.legend(markerscale=4)
right.legend()
show(figure, "posterior_regression")
correlation = np.corrcoef(*pairs["nuts"])[0, 1]
shrinkage = mean_field.draws["intercept"].std() / nuts.draws["intercept"].std()
print(f"correlation of intercept and slope {correlation:.3f}, sqrt(1 - r^2) = {np.sqrt(1 - correlation**2):.2f}")
print(f"sd of the intercept, mean-field over nuts: {shrinkage:.2f}")
assert abs(shrinkage - np.sqrt(1 - correlation**2)) < 0.1

# %% [markdown]
# A line through a cloud far from 0 has a high intercept where it has a low slope. A mean-field guide has no
# correlations, and the normal distribution without them that is nearest, in the sense of the ELBO, lies inside the
# ellipse: its standard deviation is that of one parameter *given the others*, $\sqrt{1 - r^2}$ of the right one (Turner
# and Sahani 2011). On the right is what this does to an answer, with the data as ticks: the height of the line is too
# certain for short eruptions, and too uncertain for the others. So the guide is not simply "too narrow".
#
# There are two remedies. A guide with correlations (`full_rank`) is nearly right. Or write the model so that there are
# none: with the covariate centred, the intercept is the wait at the mean duration.

# %%
middle = duration - duration.mean()
centred = inference.fit(regression, middle, wait, engine="svi")
verdict = inference.judge(centred)
print(f"{verdict.trust}: {verdict.explanation}")
assert verdict.trust == "yes"

# %% [markdown]
# ## A check that needs no reference
#
# Chains may be too slow, and then nothing is there to compare with. `inference.calibrate` needs only the program: draw
# parameters from the prior, simulate data, fit them, and ask how often the intervals contain the parameters that made
# the data (Talts et al. 2018). It tests the engine for all data that the prior allows, and not the fit of these data.

# %%
calibration = inference.calibrate(
    zoo.read(regression, duration, wait), "svi", simulations=12, num_steps=600, num_draws=200
)
print(calibration)
assert {"intercept", "slope"} & set(calibration.miscalibrated)
show(calibration.figure(), "posterior_calibration")

# %% [markdown]
# Where draws are too narrow, the truth is often below or above all of them: its ranks collect at both ends, and the
# curve is high at the left and low at the right. Grey is the band of a calibrated engine, wide for so few simulations.
# The table tests shift and spread as well, which sees more: quantities that it finds miscalibrated are orange. Twelve
# simulations suffice for intervals that are three times too narrow; smaller errors need hundreds.
#
# ## A funnel
#
# Eight schools (Rubin 1981): the effect of coaching in each school, with its standard error. In the *centred* form each
# effect has the prior $\mathrm{Normal}(\mu, \tau)$. Where $\tau$ is small all effects must be near $\mu$: the posterior
# narrows to a funnel.

# %%
effects = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
errors = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def schools(errors, effects=None, centred=True):
    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
    with numpyro.plate("schools", len(errors)):
        if centred:
            theta = numpyro.sample("theta", dist.Normal(mu, tau))
        else:
            deviation = numpyro.sample("deviation", dist.Normal(0.0, 1.0))
            theta = numpyro.deterministic("theta", mu + tau * deviation)
        numpyro.sample("effect", dist.Normal(theta, errors), obs=effects)


hierarchy = zoo.Model(schools, backend="numpyro")
schools_fits = {
    "nuts, centred": inference.fit(hierarchy, errors, effects, engine="nuts"),
    "svi, centred": inference.fit(hierarchy, errors, effects, engine="svi"),
    "nuts, non-centred": inference.fit(hierarchy, errors, effects, centred=False, engine="nuts"),
}
for name, fit in schools_fits.items():
    verdict = inference.judge(fit)
    print(f"{name}: {verdict.trust}: {verdict.explanation}\n")
assert inference.judge(schools_fits["nuts, centred"]).trust != "yes"
assert inference.judge(schools_fits["svi, centred"]).trust != "yes"
assert inference.judge(schools_fits["nuts, non-centred"]).trust == "yes"

# %%
figure = Figure(figsize=(8.5, 3.4), layout="constrained")
panes = figure.subplots(1, 3, sharex=True, sharey=True)
for axes, (name, fit), colour in zip(panes, schools_fits.items(), (ORANGE, GREEN, BLUE), strict=True):
    log_tau, theta = np.log(fit.draws["tau"]).ravel(), fit.draws["theta"][..., 0].ravel()
    axes.scatter(theta, log_tau, s=3, alpha=0.4, color=colour)
    if "diverging" in fit.stats:
        diverging = fit.stats["diverging"].ravel().astype(bool)
        axes.scatter(theta[diverging], log_tau[diverging], s=14, color="black", zorder=3, label="divergent")
    below = (log_tau < 0).mean()
    axes.set(title=f"{name}\ntau below 1: {below:.1%}", xlabel="effect in school 1", ylim=(-4, 4), xlim=(-20, 45))
    print(f"{name}: P(tau < 1) = {below:.3f}, mean of tau {fit.draws['tau'].mean():.2f}")
panes[0].set(ylabel="log tau")
panes[0].legend(loc="lower right")
show(figure, "posterior_funnel")

# %% [markdown]
# One step size has to do for the mouth and for the neck. In the neck it is too long, the simulated path leaves the
# energy level, and NUTS reports a *divergence* (Betancourt and Girolami 2015). Divergent draws (black) are not the
# fault, but mark where it is: the chains turn back, and what lies below is visited too seldom.
#
# The guide has no divergences. It has one normal distribution for each latent, which can be of the width of the mouth
# or of the neck, and its own draws never see the rest. For this reason the rule reads the *program*: it knows that
# `theta` has the scale `tau`, and no guide of a centred hierarchy gets a "yes" by itself.
#
# The remedy is again to write the model otherwise. In the non-centred form the latents are the deviations, standard
# normal whatever $\tau$ is. Where each group has many observations it is the other way round, and the centred form is
# better: the divergences tell.
#
# A sound posterior may still depend on what was put in. Power scaling raises the prior, or the likelihood, to a power
# near 1, and measures how far each quantity moves; prior predictive data show whether the prior is near the data at
# all.

# %%
sound = schools_fits["nuts, non-centred"]
print(inference.sensitivity(sound, prior=["mu", "tau"]))
print(inference.predictive_check(sound, prior=True))

# %% [markdown]
# Where the prior of `mu` or `tau` moves the answer, report it with the answer: eight schools are few to learn a spread
# from. That is a property of the posterior, and not an error of the engine.
#
# ## Two modes
#
# A ship measures its distance from two beacons on a straight coast, five times each. Two circles meet in two points:
# one at sea, one on land, mirror images of each other. The prior says that the ship is more probably in the north, and
# does not exclude the south.

# %%
beacons = np.array([[0.0, 0.0], [6.0, 0.0]])  # km
ship = np.array([2.0, 3.0])
rng = np.random.default_rng(0)
distances = np.linalg.norm(ship - beacons, axis=1) + 0.5 * rng.normal(size=(5, 2))


def position(beacons, distances=None, count=5):
    east = numpyro.sample("east", dist.Normal(3.0, 5.0))
    north = numpyro.sample("north", dist.Normal(1.0, 3.0))
    radius = jnp.sqrt((east - beacons[:, 0]) ** 2 + (north - beacons[:, 1]) ** 2)
    with numpyro.plate("measurements", count):
        numpyro.sample("distance", dist.Normal(radius, 0.5).to_event(1), obs=distances)


navigation = zoo.Model(position, backend="numpyro")
ship_chains = inference.fit(navigation, beacons, distances, engine="nuts")
ship_guide = inference.fit(navigation, beacons, distances, engine="svi", guide="full_rank")
for name, fit in {"nuts": ship_chains, "svi": ship_guide}.items():
    verdict = inference.judge(fit)
    print(f"{name}: {verdict.trust}: {verdict.explanation}\n")
    print(fit.summary()[["mean", "sd"]].round(2), "\n")
    assert verdict.trust == "no"
elsewhere = ship_guide.diagnostics["other_modes"]
blind = inference.judge(replace(ship_guide, diagnostics=ship_guide.diagnostics.replace(other_modes=None)))
print(f"mass of the modes in which the guide is not: {elsewhere:.2f}; verdict without the search: {blind.trust}")
assert blind.trust == "yes"

# %% [markdown]
# Each chain stays in one mode for good, and would look sound alone; the guide is about one mode, and its own draws show
# no fault. What shows it is a search before the fit: both engines ascend the density from some draws of the prior, and
# keep the modes that hold mass. The chains begin in all of them, so that R-hat sees two places. The guide begins in the
# largest, and `other_modes` has the mass of the others by Laplace's approximation. The mean of the chains is at neither
# place, and it weighs the modes by the number of chains that began there.
#
# The search is no proof either: it begins at eight draws of the prior in at most a hundred dimensions, and a narrow
# mode far from the prior escapes it. Two fits that are in different modes are found by `compare`, too.
#
# What to do depends on what is known. If the ship is known to be at sea, say so in the prior. If not, both positions
# are the answer: one guide in each mode, each with its mass. The evidence of a mode is estimated by its ELBO, since the
# guide fills the mode.


# %%
def at_sea(beacons, distances=None, count=5):
    east = numpyro.sample("east", dist.Normal(3.0, 5.0))
    north = numpyro.sample("north", dist.TruncatedNormal(1.0, 3.0, low=0.0))
    radius = jnp.sqrt((east - beacons[:, 0]) ** 2 + (north - beacons[:, 1]) ** 2)
    with numpyro.plate("measurements", count):
        numpyro.sample("distance", dist.Normal(radius, 0.5).to_event(1), obs=distances)


sea = zoo.Model(at_sea, backend="numpyro")
verdict = inference.judge(inference.fit(sea, beacons, distances, engine="nuts"))
print(f"prior of a ship at sea: {verdict.trust}: {verdict.explanation}")
assert verdict.trust == "yes"

mirror = {"east": ship_guide.params["east"], "north": -ship_guide.params["north"]}
other = inference.fit(navigation, beacons, distances, engine="svi", guide="full_rank", start=mirror)
evidence = np.exp([fit.diagnostics["elbo"] - ship_guide.diagnostics["elbo"] for fit in (ship_guide, other)])
mass = evidence / evidence.sum()
for fit, part in zip((ship_guide, other), mass, strict=True):
    print(f"mass {part:.2f}: north {fit.draws['north'].mean():.2f} +- {fit.draws['north'].std():.2f} km")
by_prior = 1 / (1 + np.exp(-2 * 1.0 * ship_guide.params["north"] / 3.0**2))
print(f"mass of the mode in the north by the priors of two mirror images: {by_prior:.2f}")
assert abs(mass[0] - by_prior) < 0.03
assert abs(elsewhere - mass[1]) < 0.05

# %%
east, north = np.meshgrid(np.linspace(-3, 8, 200), np.linspace(-5, 5, 200))
log_density = -((east - 3) ** 2) / 50 - (north - 1) ** 2 / 18
for (beacon_east, beacon_north), measured in zip(beacons, distances.T, strict=True):
    radius = np.hypot(east - beacon_east, north - beacon_north)
    log_density -= ((radius[..., None] - measured) ** 2).sum(-1) / (2 * 0.5**2)
figure = Figure(figsize=(8.5, 3.6), layout="constrained")
panes = figure.subplots(1, 2, sharex=True, sharey=True)
for axes, title in zip(panes, ("nuts: four chains", "two guides, with their masses"), strict=True):
    axes.contour(east, north, log_density - log_density.max(), levels=[-8, -4, -2, -1], colors="0.7", linewidths=0.8)
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.plot(*beacons.T, "^", color="black")
    for place in beacons:
        axes.annotate("beacon", place, (0, -13), textcoords="offset points", ha="center", fontsize=8)
    axes.set(aspect="equal", xlabel="east (km)", title=title)
for chain, (x, y) in enumerate(zip(ship_chains.draws["east"], ship_chains.draws["north"], strict=True)):
    panes[0].scatter(x[::4], y[::4], s=3, alpha=0.5, color=FIT_COLOURS[chain], label=f"chain {chain}")
for fit, part, colour in zip((ship_guide, other), mass, (BLUE, ORANGE), strict=True):
    count = int(1000 * part)
    panes[1].scatter(*(fit.draws[n].ravel()[:count] for n in ("east", "north")), s=3, alpha=0.5, color=colour)
    panes[1].annotate(f"{part:.0%}", (5, np.sign(fit.params["north"]) * 3), color=colour)
panes[0].set(ylabel="north (km)")
panes[0].legend(markerscale=3, loc="upper right")
show(figure, "posterior_modes")

# %% [markdown]
# Labels of a mixture are another matter: its modes are permutations of one another, the same answer many times. The zoo
# finds such symmetries by a test and aligns the draws (tutorials 0 and 1), so that R-hat does not see them.
#
# ## The posterior and the model
#
# All of this is about the posterior *of the model*. Whether the model fits the data is another question, with other
# checks, and these hardly see a wrong posterior. Here are both at once: the right posterior of a model that ignores the
# duration, and two posteriors of the line, one of them wrong.


# %%
def level(duration, wait=None):
    intercept = numpyro.sample("intercept", dist.Normal(50.0, 30.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(20.0))
    with numpyro.plate("eruptions", len(duration)):
        numpyro.sample("wait", dist.Normal(intercept, sigma), obs=wait)


constant = inference.fit(zoo.Model(level, backend="numpyro"), duration, wait, engine="nuts")
models = {"constant, nuts": constant, "line, nuts": nuts, "line, mean-field": mean_field}


def with_duration(values):
    """The correlation of waits with durations."""
    return np.corrcoef(np.ravel(values), duration)[0, 1]


print("                     verdict       loo   p of the correlation")
for name, fit in models.items():
    loo = inference.loo(fit)
    check = inference.predictive_check(fit, statistics={"correlation": with_duration})
    print(f"{name:18s} {inference.judge(fit).trust:>10s} {loo.elpd:9.1f} {check.table['p'].iloc[0]:22.2f}")

# %% [markdown]
# The constant has an exact posterior, and fails: data from it never have the correlation of the real data, and each
# eruption is predicted far worse from the others. The two lines pass alike. Predictions of single eruptions are
# dominated by `sigma`, so that they hide a posterior whose intervals of the slope are much too narrow. A predictive
# check is no check of the engine, and a verdict of "yes" is no check of the model. Do both.
#
# ## How often a verdict is wrong
#
# A verdict is a decision from draws, and has error rates: a sound fit may be refused, and a wrong one may pass. The
# [guide](../docs/guide.md#how-often-a-verdict-is-wrong) has them, as `benchmarks/verdicts.py` measures them by problems
# whose posterior is known. Three properties follow from how the rules are made:
#
# - A check from a guide's own draws cannot see what it never visits. "Yes" is surer beside sound chains than alone.
# - Every limit has a margin of the Monte Carlo error. With few draws the verdict is "unclear", and not "yes" or "no".
# - Whether a difference matters is a choice: half a standard deviation of a mean, a 90% interval that holds 80%. If
#   your decision needs less or more, read the table and not the word.
#
# ## Summary
#
# | posterior | what goes wrong | what shows it | what to do |
# |---|---|---|---|
# | correlated | mean-field is narrow | k-hat, reweighted draws; `compare`; `calibrate` | `full_rank`, or centre |
# | funnel | chains diverge, guides hide it | divergences; the program's scales | non-centred form |
# | two modes | chains stay, a guide sees one | R-hat; `other_modes` | a prior, or both with masses |
# | wrong model | the posterior is exact | `predictive_check`, `loo` | another model |
#
# ## Exercises
#
# 1. Subtract 3, and not the mean, from the duration. At which correlation does mean-field get a "yes"?
# 2. Divide the standard errors of the schools by 10. Which of the two forms has divergences now?
# 3. Add a third beacon at (3, 4). How many of its measurements leave one mode?
# 4. Give the ship the prior mean 0 north. What does the zoo say about the symmetry, and what becomes of R-hat?
# 5. Calibrate `full_rank`, and `nuts`. How small an error could 20 simulations show?
#
# ## References
#
# - Azzalini, A. and Bowman, A. W. (1990). A look at some data on the Old Faithful geyser. Applied Statistics 39.
# - Betancourt, M. and Girolami, M. (2015). Hamiltonian Monte Carlo for hierarchical models. In Current Trends in
#   Bayesian Methodology with Applications.
# - Kallioinen, N., Paananen, T., Bürkner, P.-C. and Vehtari, A. (2024). Detecting and diagnosing prior and likelihood
#   sensitivity with power-scaling. Statistics and Computing 34.
# - Rubin, D. B. (1981). Estimation in parallel randomized experiments. Journal of Educational Statistics 6.
# - Talts, S. et al. (2018). Validating Bayesian inference algorithms with simulation-based calibration.
#   arXiv:1804.06788.
# - Turner, R. E. and Sahani, M. (2011). Two problems with variational expectation maximisation for time-series models.
#   In Bayesian Time Series Models.
# - Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed importance sampling. Journal of
#   Machine Learning Research 25.
# - Yao, Y., Vehtari, A., Simpson, D. and Gelman, A. (2018). Yes, but did it work? Evaluating variational inference.
#   International Conference on Machine Learning.
