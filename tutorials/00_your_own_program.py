# %% [markdown]
# # A program of your own: from the libraries' idioms to a comparison one can trust
#
# Three programs, written as the tutorials of NumPyro and Pyro write them: a regression, a hierarchical model, and a
# mixture of regressions. Each is read, fitted by variational inference and by NUTS, and compared. Every number below is
# computed where it stands. Figures are written to the folder that the environment variable `FIGURES` names (else to
# `figures/`).

# %%
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pyro
import pyro.distributions as pyro_dist
from matplotlib.figure import Figure
from style import show

import inference
import zoo
from inference.plots.style import FIT_COLOURS
from zoo import datasets

birds = datasets.load("penguins").dropna(subset=["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"])
numbers = birds[["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]]
standardised = (numbers - numbers.mean()) / numbers.std()
mass = birds["body_mass_g"].to_numpy() / 1000  # kg

# %% [markdown]
# ## A regression
#
# Penguins (Gorman, Williams and Fraser 2014): the mass of a bird from three measurements. The program has covariates,
# reads its sizes off the data, and names its sites and its plate as it likes.


# %%
def regression(X, y=None):
    intercept = numpyro.sample("intercept", dist.Normal(4.0, 2.0))
    slopes = numpyro.sample("slopes", dist.Normal(0.0, 1.0).expand([X.shape[1]]).to_event(1))
    sigma = numpyro.sample("sigma", dist.Exponential(1.0))
    with numpyro.plate("birds", X.shape[0]):
        numpyro.sample("mass", dist.Normal(intercept + X @ slopes, sigma), obs=y)


linear = zoo.Model(regression, backend="numpyro")
reading = zoo.read(linear, standardised, mass, dims={"slopes": ["measurement"]})
for name, site in reading.card.sites().items():
    print(f"{name:10} {site}")
print("rows:", reading.reading.rows.plate, reading.reading.rows.size, "with", *reading.reading.rows.entries)

# %% [markdown]
# `zoo.read` ran the program once with these arguments. `mass` is observed, the plate `birds` holds the rows, and both
# arrays go with them: the program was run on half of the birds to find that out. Engines call the plate of the rows N,
# whatever the program calls it. A fit does the same by itself, and takes the arguments of the program. `dims` and
# `coords` name what no plate names.

# %%
names = {"dims": {"slopes": ["measurement"]}, "coords": {"measurement": list(numbers.columns)}}
svi = inference.fit(linear, standardised, mass, engine="svi", guide="full_rank", seed=0, **names)
nuts = inference.fit(linear, standardised, mass, engine="nuts", seed=0, **names)
print(nuts.summary().round(3))
comparison = inference.compare(svi, nuts)
print(comparison)

# %% [markdown]
# The least-squares estimate is the posterior mean, as nearly as the wide priors allow. Here both engines can be used.

# %%
design = np.column_stack([np.ones(len(mass)), standardised])
least_squares = np.linalg.lstsq(design, mass)[0]
estimates = np.array([nuts.params["intercept"], *nuts.params["slopes"]])
print("least squares", least_squares.round(3), "NUTS", estimates.round(3))
assert np.abs(estimates - least_squares).max() < 0.02

# %% [markdown]
# ## A hierarchical model
#
# Eight schools (Rubin 1981): the effect of coaching in each school, with its standard error. The effects have a common
# mean and spread. This program is in Pyro, and centred: each effect is drawn about the mean.

# %%
effects = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
errors = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def schools(errors, effects=None):
    mu = pyro.sample("mu", pyro_dist.Normal(0.0, 5.0))
    tau = pyro.sample("tau", pyro_dist.HalfCauchy(5.0))
    with pyro.plate("schools", len(errors)):
        theta = pyro.sample("theta", pyro_dist.Normal(mu, tau))
        pyro.sample("effect", pyro_dist.Normal(theta, errors), obs=effects)


centred = zoo.Model(schools, backend="pyro")
for engine, reason in inference.refusals(zoo.read(centred, errors, effects)).items():
    print(f"{engine}: {reason or 'can fit it'}")

# %% [markdown]
# EM refuses: the effects are continuous and belong to the rows, and EM sums over discrete latents. Gibbs sampling needs
# a sampler written for the model. SVI and NUTS can fit any program with a differentiable density. The same model in
# NumPyro, with the effects as deviations from the mean, is another program of the same posterior.


# %%
def deviations(errors, effects=None):
    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
    with numpyro.plate("schools", len(errors)):
        deviation = numpyro.sample("deviation", dist.Normal(0.0, 1.0))
        theta = numpyro.deterministic("theta", mu + tau * deviation)
        numpyro.sample("effect", dist.Normal(theta, errors), obs=effects)


noncentred = zoo.Model(deviations, backend="numpyro")
by_nuts = inference.fit(noncentred, errors, effects, engine="nuts", seed=0)
by_svi = inference.fit(noncentred, errors, effects, engine="svi", seed=0, num_steps=3000)
print(by_nuts.summary().loc[["mu", "tau", "theta[0]", "theta[7]"]].round(2))
print(inference.compare(by_svi, by_nuts))

# %%
figure = Figure(figsize=(7, 3), layout="constrained")
axes = figure.subplots()
for offset, (label, fit) in zip((-0.15, 0.15), {"svi": by_svi, "nuts": by_nuts}.items(), strict=True):
    theta = fit.draws["theta"].reshape(-1, 8)
    low, middle, high = np.percentile(theta, [5, 50, 95], axis=0)
    axes.errorbar(
        np.arange(8) + offset,
        middle,
        [middle - low, high - middle],
        fmt="o",
        color=FIT_COLOURS[label == "nuts"],
        label=label,
    )
axes.plot(np.arange(8), effects, "kx", label="observed")
axes.set(xlabel="school", ylabel="effect of coaching (points)")
axes.legend()
show(figure, "schools")

# %% [markdown]
# Bars are 90% intervals. The effects are pulled towards the common mean. The spread and the deviations depend on each
# other, which a mean-field guide ignores: the comparison tells by how much its means and intervals differ.
#
# In the Pyro program the latent of each row is `theta`, not `deviation`, and `compare` refuses fits of different
# programs. As trees of ArviZ they have names and draws alone, and what both have is compared: `mu`, `tau` and `theta`.

# %%
in_pyro = inference.fit(centred, errors, effects, engine="svi", seed=0, num_steps=3000)
try:
    inference.compare(in_pyro, by_nuts)
except zoo.ZooError as error:
    print(error)
centred_comparison = inference.compare(*[inference.from_arviz(fit.to_arviz()) for fit in (in_pyro, by_nuts)])
print(centred_comparison)
assert [verdict.trust for verdict in centred_comparison.verdicts.values()] == ["no", "yes"]

# %% [markdown]
# The same kind of guide, the same number of steps, the same posterior, and a worse approximation: in the centred
# program an effect depends strongly on `mu` and `tau`, and a mean-field guide has no such dependence. Pareto k-hat
# finds this without any chain; the chains show which means are wrong.
#
# ## A mixture of regressions
#
# Points near two lines, and no record of which line each belongs to: 60% near a line of slope 2, the others near one of
# slope -1. One regression finds a slope between the two. `line` is discrete, and a sample statement like any other.


# %%
def two_lines(x, y=None, lines=2):
    weights = numpyro.sample("weights", dist.Dirichlet(jnp.ones(lines)))
    with numpyro.plate("lines", lines):
        slope = numpyro.sample("slope", dist.Normal(0.0, 5.0))
        noise = numpyro.sample("noise", dist.HalfNormal(1.0))
    with numpyro.plate("points", len(x)):
        line = numpyro.sample("line", dist.Categorical(weights))
        numpyro.sample("y", dist.Normal(slope[line] * x, noise[line]), obs=y)


rng = np.random.default_rng(0)
x = rng.normal(size=150)
y = np.where(rng.random(150) < 0.6, 2.0, -1.0) * x + 0.3 * rng.normal(size=150)
mixture = zoo.Model(two_lines, backend="numpyro")
guide = inference.fit(mixture, x, y, engine="svi", seed=0)
chains = inference.fit(mixture, x, y, engine="nuts", seed=0)
print("one line:", np.polyfit(x, y, 1).round(2), "can be exchanged:", chains.model.card.exchangeable)
print(chains.summary().round(2))

# %% [markdown]
# The labels of the plate `lines` can be exchanged: permuting them in every latent at once leaves the log joint density
# as it was, to nine digits. They are aligned before anything is averaged. The labels of `measurement` above cannot be
# exchanged. Every engine sums `line` out exactly, and its probabilities come back with `local`.

# %%
probability = chains.local()["line"]
line = probability.argmax(1)
figure = Figure(figsize=(7, 3.2), layout="constrained")
axes = figure.subplots()
ends = np.array([x.min(), x.max()])
for k in range(2):
    axes.scatter(x[line == k], y[line == k], s=10, color=FIT_COLOURS[k])
    axes.plot(ends, chains.params["slope"][k] * ends, color=FIT_COLOURS[k])
axes.set(xlabel="x", ylabel="y")
show(figure, "regressions")
print(inference.compare(guide, chains))

# %% [markdown]
# Both slopes are found. Near the origin the two lines meet, and a point may belong to either: `local` has its
# probabilities. What a program may be is in the README; `zoo check FILE.py:PROGRAM` prints what was found in a program
# of your own.

# %%
slopes = np.sort(chains.params["slope"])
sd = chains.aligned()["slope"].std((0, 1)).max()
print("slopes", slopes.round(2), "true -1 and 2; sd at most", sd.round(3))
assert np.abs(slopes - [-1.0, 2.0]).max() < 4 * sd
