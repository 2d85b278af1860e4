# %% [markdown]
# # Discrete latents: the same sum three ways, and codes one can look at
#
# A discrete latent has no derivative. This tutorial computes the gradient of one bound exactly, by the score function,
# and by a relaxation; shows what the variance of a gradient costs in training, and when a biased gradient is worth it;
# and ends with a VQ-VAE, whose codes are a grid of symbols. Every number below is computed where it stands. Figures are
# written to the folder that the environment variable `FIGURES` names (else to `figures/`).

# %%
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import expit, logit
from scipy.stats import norm
from style import show

import inference
import zoo
from inference import latents
from inference.analysis.latents import figures
from inference.analysis.latents.images import image_table
from inference.plots.style import FIT_COLOURS
from zoo import datasets

# %% [markdown]
# ## The same sum three ways
#
# A scale shows the total weight of the objects on it, with a standard error of 1 kg. There are four objects, of 1, 2, 3
# and 4 kg, each on the scale with probability 1/2. The scale shows 5 kg: which objects are on it? The program and its
# guide are written as the tutorials of NumPyro write them.

# %%
SIGMA = 1.0  # kg


def scale_with(weights, logits):
    """The program of a scale for objects of some weights, and a guide of independent Bernoullis."""
    weights, logits = jnp.asarray(weights), jnp.asarray(logits)

    def scale(reading):
        with numpyro.plate("readings", len(reading)):
            z = numpyro.sample("z", dist.Bernoulli(jnp.full(len(weights), 0.5)).to_event(1))
            numpyro.sample("reading", dist.Normal(z @ weights, SIGMA), obs=reading)

    def independent(reading):
        alpha = numpyro.param("alpha", logits)
        with numpyro.plate("readings", len(reading)):
            numpyro.sample("z", dist.Bernoulli(logits=alpha).to_event(1))

    return zoo.Model(scale, backend="numpyro"), independent


def objective(z, reading, weights, logits):
    """log p(x, z) - log q(z) of each row of z, in nats."""
    log_q = (z * np.log(expit(logits)) + (1 - z) * np.log(expit(-logits))).sum(1)
    return norm.logpdf(reading, z @ weights, SIGMA) + len(weights) * np.log(0.5) - log_q


# %% [markdown]
# The guide has a probability $p_i = \sigma(\alpha_i)$ for each object. The ELBO is a mean over the $2^4 = 16$ values of
# $z$, of $f(z) = \log p(x, z) - \log q(z)$, and can be differentiated in three ways.
#
# 1. *Exactly*, as a sum: $\nabla \, \mathbb{E}_q [f] = \sum_z f(z) \, \nabla q(z)$. (The derivative of $-\log q$ inside
#    $f$ has the mean 0, here and below.) A sum over $L$ latents has $2^L$ terms.
# 2. By the *score function*: since $\nabla q = q \, \nabla \log q$, the same sum is a mean over draws, $\mathbb{E}_q
#    \big[ (f(z) - c) \, \nabla \log q(z) \big]$, for any constant $c$. The program is only evaluated, never
#    differentiated. `reinforce` takes $c = 0$ unless it is given a baseline (Williams 1992); `rloo` takes two draws,
#    and subtracts from $f$ at each of them $f$ at the other (Kool, van Hoof and Welling 2019); `disarm` takes two draws
#    that are opposite where they can be (Dong, Mnih and Tucker 2020).
# 3. By a *relaxation*. A draw is $z = \mathbb{1}[\alpha + \varepsilon > 0]$ with logistic noise $\varepsilon$.
#    `gumbel_softmax` replaces the step by a smooth function, $\sigma((\alpha + \varepsilon) / \tau)$, through which it
#    differentiates (Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017). The *temperature* $\tau$ says how smooth.
#    `straight_through` evaluates the program at the hard draw and pretends that $\partial z / \partial p = 1$ (Bengio,
#    Leonard and Courville 2013). Both differentiate the program at values between 0 and 1, where it has no meaning.
#
# Here $f$ is quadratic in $z$, so that its mean, and the gradient, have a closed form:
#
# $$\frac{\partial}{\partial \alpha_i} \mathbb{E}_q [f] = p_i (1 - p_i) \Big[ \frac{w_i (x - \sum_j w_j p_j)}{\sigma^2}
# - \frac{w_i^2 (1 - 2 p_i)}{2 \sigma^2} - \alpha_i \Big].$$
#
# `straight_through` has the derivative of the square in the place of a difference of squares: its mean lacks the second
# term. That is its bias, exactly.

# %%
weights, logits, reading = np.array([1.0, 2.0, 3.0, 4.0]), np.array([-1.0, -0.5, 0.5, 1.0]), 5.0
p = expit(logits)
every = np.array(list(np.ndindex(2, 2, 2, 2)), float)
q = np.where(every == 1, p, 1 - p).prod(1)
by_sum = (q * objective(every, reading, weights, logits)) @ (every - p)  # every - p is the derivative of log q
second_term = p * (1 - p) * weights**2 * (1 - 2 * p) / (2 * SIGMA**2)
closed_form = p * (1 - p) * (weights * (reading - weights @ p) / SIGMA**2 - logits) - second_term
print("by the sum: ", by_sum.round(4), "closed form: ", closed_form.round(4))
assert np.abs(by_sum - closed_form).max() < 1e-12

model, guide = scale_with(weights, logits)
temperatures = {f"gumbel_softmax(temperature={t})": t for t in (2.0, 0.6, 0.1)}
names = ["reinforce", "rloo", "disarm", "straight_through", *temperatures]
report = inference.gradient_report(model, np.array([reading]), guide=guide, estimators=names, num_draws=2000)
print(report)
show(report.figure(), "three_ways")

# %%
table = report.table.loc["alpha"]
print(
    f"norm of the gradient: closed form {np.linalg.norm(closed_form):.4f}, report {report.reference.norms['alpha']:.4f}"
)
exact_bias = np.linalg.norm(second_term)
low, high = table.loc["straight_through", ["bias_low", "bias_high"]]
print(f"bias of straight_through: {exact_bias:.3f}, estimated from draws: {low:.3f} to {high:.3f}")
assert abs(np.linalg.norm(closed_form) - report.reference.norms["alpha"]) < 1e-6
assert set(report.biased) <= {"straight_through", *temperatures}
relaxed = table.loc[list(temperatures)]
assert relaxed["bias"].is_monotonic_decreasing
assert relaxed["variance"].is_monotonic_increasing

# %% [markdown]
# Each gradient is a vector of four numbers; its variance is the sum of theirs. Estimators that declare a bias are
# orange. The norm of the exact gradient is 0.588, so *one* draw is mostly noise by any unbiased estimator: the standard
# deviation of `disarm`, the least, is $\sqrt{6.37} = 2.5$. At equal runs of the program it has less than half of the
# variance of `rloo` (12.7 and 26.7), and `rloo` less than `reinforce` (35.3).
#
# A temperature exchanges variance for bias. With $\tau = 2$ the variance is 0.29, and the bias 92% of the gradient.
# With $\tau = 0.1$ no bias is found in 2000 draws, and the variance is 53.5, more than that of `reinforce`. There is no
# temperature without one of them. The bias of `straight_through`, 0.78, is even longer than the gradient.
#
# ## One coin: what a baseline does
#
# With one latent the variances have closed forms too. Let $f_1$ and $f_0$ be the two values of $f$, $\Delta = f_1 -
# f_0$, and $M = \max(p, 1 - p)$. The gradient is $p (1 - p) \Delta$. The variances of one estimate are
#
# | estimator | variance |
# |---|---|
# | `reinforce` with the constant $c$ | $p (1-p) \, [(1-p) f_1 + p f_0 - c]^2$ |
# | `rloo` with two draws | $\Delta^2 \, p (1-p) \, [\frac{1}{2} - p (1-p)]$ |
# | `disarm` | $\Delta^2 \, p (1-p) \, [\frac{1}{2} M - p (1-p)]$ |
#
# The next cell has one object of 2 kg, and a scale that shows 3 kg.

# %%


def coin_variances(logits):
    """Variances by the table above, for logits of the one object."""
    p = expit(logits)
    f0, f1 = (norm.logpdf(3.0, 2.0 * z, SIGMA) + np.log(0.5) - np.log(expit((2 * z - 1) * logits)) for z in (0, 1))
    both, M = p * (1 - p), np.maximum(p, 1 - p)
    return {
        "enumerate": 0.0 * p,
        "reinforce": both * ((1 - p) * f1 + p * f0) ** 2,
        "rloo": (f1 - f0) ** 2 * both * (1 / 2 - both),
        "disarm": (f1 - f0) ** 2 * both * (M / 2 - both),
    }


def coin(reading):
    with numpyro.plate("readings", len(reading)):
        z = numpyro.sample("z", dist.Bernoulli(0.5))
        numpyro.sample("reading", dist.Normal(2.0 * z, SIGMA), obs=reading)


def coin_guide(reading):
    alpha = numpyro.param("alpha", jnp.array(logit(0.8)))
    with numpyro.plate("readings", len(reading)):
        numpyro.sample("z", dist.Bernoulli(logits=alpha))


exact = pd.Series(coin_variances(logit(0.8)))
coin_report = inference.gradient_report(
    zoo.Model(coin, backend="numpyro"),
    np.array([3.0]),
    guide=coin_guide,
    estimators=list(exact.index),
    num_draws=4000,
)
measured = coin_report.table.loc["alpha"].loc[exact.index]
columns = {"formula": exact, "measured": measured["variance"], "error": measured["variance_se"]}
print(pd.DataFrame({**columns, "runs of the program": measured["evaluations"]}).round(4).to_string())
assert (np.abs(measured["variance"] - exact) < 4.5 * measured["variance_se"] + 1e-12).all()

figure = Figure((7.2, 3.2), layout="constrained")
axes = figure.subplots()
grid = np.linspace(0.02, 0.995, 400)
by_formula = coin_variances(logit(grid))
for colour, name in zip(FIT_COLOURS, ("reinforce", "rloo", "disarm"), strict=False):
    axes.plot(grid, by_formula[name], color=colour, label=name)
    axes.plot(0.8, measured.loc[name, "variance"], "o", color=colour)
posterior = expit(4.0)  # log-odds: the difference of log p(x | z)
axes.axvline(posterior, color="0.6", linestyle=":", linewidth=1)
axes.annotate("posterior ", (posterior, 0.93), xycoords=("data", "axes fraction"), ha="right", fontsize=8, color="0.4")
axes.set(
    xlabel="p, the probability of 1 under the guide", ylabel="variance of the gradient", yscale="log", ylim=(1e-3, 10)
)
axes.yaxis.set_major_formatter("{x:g}")
figure.legend(loc="outside right center")
show(figure, "coin")

# %% [markdown]
# The formulas hold. `enumerate` runs the program once for each value of a latent, here as often as `rloo` and `disarm`,
# and has no variance at all. Sum where you can: it is the default where the discrete latents of a row are single
# numbers and have at most 1000 values together.
#
# In the formulas of `rloo` and `disarm` only $\Delta$ remains. A constant added to $\log p$ changes `reinforce` alone,
# whose variance is 0 only where its two terms happen to cancel. Where $q$ is the posterior, $f = \log p(x)$ for every
# $z$, so that $\Delta = 0$ and both are without noise; `reinforce` is not. At $p = 1/2$ `disarm` has no variance
# either: its two draws are then always 0 and 1, the complete sum.
#
# ## What variance costs
#
# Now a model whose sum is out of reach. A *sigmoid belief network* (Neal 1992) with 30 binary units above the pixels of
# a digit has $2^{30}$ codes. The data are those of tutorial 4: `digits_dynamic`, of which each training step draws the
# pixels anew. The guide is an encoder with independent units. Decoder and encoder are linear. Every fit has the same
# seed, number of steps and learning rate, and two runs of the program in each step, so that the fits differ only in the
# estimator. A tenth of the rows is for validation: their ELBO is computed after each epoch, *by hard draws* whatever
# the training used.

# %%
train, digits = datasets.observed("digits_dynamic", "train"), datasets.observed("digits_dynamic", "test").binarise(0)
network = zoo.load("sigmoid_belief_network", L=1, Z=30)
options: dict[str, Any] = {"num_epochs": 40, "batch_size": 50, "learning_rate": 3e-3, "held_out": 0.1}
estimators = {
    "reinforce": ("reinforce", 2),
    "rloo": ("rloo", 2),
    "disarm": ("disarm", 1),  # each draw is a pair
    "gumbel_softmax": ("gumbel_softmax(temperature=0.5)", 2),
}
fits = {
    name: inference.fit(network, train, "svi", gradient=gradient, num_particles=draws, **options)
    for name, (gradient, draws) in estimators.items()
}
COLOURS = dict(zip(estimators, FIT_COLOURS, strict=False))
curves = {name: fit.diagnostics["epochs"]["held_out_elbo_nats_per_row"] for name, fit in fits.items()}
splits = {name: inference.elbo_split(fit, digits, num_samples=50) for name, fit in fits.items()}
results = pd.DataFrame(
    {
        name: {
            "epoch 3": curve[2],
            "last epoch": curve[-1],
            "objective": fits[name].diagnostics["epochs"]["bound_nats_per_row"][-1],
            "test ELBO": splits[name].elbo_nats_per_example,
            "less rloo's": (splits[name].elbo - splits["rloo"].elbo).mean(),
            "error": (splits[name].elbo - splits["rloo"].elbo).std() / np.sqrt(len(digits)),
        }
        for name, curve in curves.items()
    }
).T
print("nats per image:", results.round(2), sep="\n")
order = results["test ELBO"]
assert order["disarm"] > order["rloo"] > order["reinforce"]

# %%
figure = Figure((9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
steps = fits["rloo"].diagnostics["epochs"]["step"]
for name, curve in curves.items():
    style = "--" if "relaxed" in fits[name].diagnostics else "-"
    for axes in (left, right):
        axes.plot(steps, curve, style, color=COLOURS[name], label=name, linewidth=1.4)
left.set(
    xlim=(0, 300),
    ylim=(-31, -25.5),
    title="the first steps",
    xlabel="step",
    ylabel="ELBO of the validation images, nats",
)
right.set(xlim=(300, None), ylim=(-27.2, -24.9), title="the later steps", xlabel="step")
figure.legend(*right.get_legend_handles_labels(), loc="outside right center")
show(figure, "bounds")

# %% [markdown]
# Variance costs nats. At the same number of steps and of runs the unbiased estimators (solid) end in the order of their
# variance: -25.70 nats per test image by `reinforce`, -24.78 by `rloo`, and -24.55 by `disarm`. The error is that of
# the difference from `rloo` over test images.
#
# The biased one (dashed) is the fastest at first: after three epochs it is 0.2 nats ahead of `disarm`, and 0.6 ahead of
# `rloo`. Then it falls behind, and ends at -24.88.
#
# The column `objective` is what was maximised, in the last epoch. For `gumbel_softmax` it is -23.06, almost two nats
# above the ELBO of the same network: a relaxed code can carry more than thirty bits, so this is no bound. Such a fit
# says so: `fit.diagnostics["relaxed"]` names its estimators, `fit.trace` is of what was optimised, and every ELBO is of
# hard draws.
#
# ## When bias is worth it
#
# A step along a gradient with bias $b$ and variance $v$ has the mean squared error $\|b\|^2 + v$. But an optimiser
# averages over steps: the error of the mean of $n$ gradients is $\|b\|^2 + v / n$. Averaging removes variance, and
# leaves bias. The reports below are at the parameters of a fit of two epochs, and at those of the end of training, with
# the reference of many draws: $2^{30}$ codes cannot be summed over.

# %%
few: dict[str, Any] = {**options, "num_epochs": 2}
early = inference.fit(network, train, "svi", gradient="disarm", **few)
compared = ["disarm", "gumbel_softmax"]
reports = {
    title: inference.gradient_report(network, at=fit, estimators=compared, batch_size=50, num_draws=300)
    for title, fit in {"after two epochs": early, "at the end of training": fits["disarm"]}.items()
}
rows = {}
for title, gradients in reports.items():
    encoder, length = gradients.table.loc["encoder"], gradients.reference.norms["encoder"]
    for name in compared:
        row = encoder.loc[name]
        rows[title, name] = {
            "gradient": length,
            "its error": gradients.reference.errors["encoder"],
            "sd / gradient": np.sqrt(row.variance) / length,
            "bias / gradient": 0.0 if gradients.estimators[name].is_unbiased else row.bias / length,
            "runs": row.evaluations,
        }
of_encoder = pd.DataFrame(rows).T
work = of_encoder["sd / gradient"] ** 2 * of_encoder["runs"]  # variance of the mean of gradients, times all their runs
of_disarm = work.xs("disarm", level=1).reindex(work.index, level=0)
of_encoder["DisARM better after"] = (of_disarm - work) / of_encoder["bias / gradient"].where(lambda v: v > 0) ** 2
print(of_encoder.round(3).to_string())

# %%
figure = Figure((9, 3.2), layout="constrained")
num_runs = np.geomspace(2, 4000, 100)
for axes, title in zip(figure.subplots(1, 2, sharey=True), reports, strict=True):
    for name in compared:
        row = of_encoder.loc[title, name]
        error = np.sqrt(row["bias / gradient"] ** 2 + row["sd / gradient"] ** 2 * row["runs"] / num_runs)
        axes.loglog(num_runs, error, "--" if row["bias / gradient"] else "-", color=COLOURS[name], label=name)
    axes.axhline(1, color="0.6", linestyle=":", linewidth=1)
    axes.annotate("a gradient of 0 ", (num_runs[-1], 1.05), ha="right", va="bottom", fontsize=8, color="0.4")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(title=title, xlabel="runs of the program that are averaged")
figure.axes[0].set_ylabel("root mean squared error,\nrelative to the gradient")
figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center")
show(figure, "bias")

# %% [markdown]
# All lengths are relative to that of the gradient for the encoder, which is itself known with the error of the table.
# Dotted: the error of a gradient of 0, above which a step is worse than none.
#
# After two epochs the gradient is long, and the bias of `gumbel_softmax` is 17% of it. Its standard deviation is less
# than a fifth of that of `disarm`, which needs an average over 870 runs of the program to be as good; all training has
# 2160. At the end the gradient is a quarter as long, and the bias is 60% of it: the mean of these steps is as much bias
# as gradient, and leads to the optimum of another objective. `disarm` is better after 240 runs, and small steps average
# over as many.
#
# So bias is worth it as long as it is small beside the gradient, and the gradient small beside the noise: at the start
# of training, with many latents, and where steps are few. It is not for the last nats, and not without a look at a
# report.
#
# ### A temperature that falls
#
# If bias is harmless at first and harmful later, let it decrease: $\tau$ may be a function of the fraction of training
# that is done. The next model has categories in the place of units: `categorical_vae`, with eight groups of eight
# categories and networks of 32 units. The annealed temperature falls from 1 to 0.2. `rloo` is the unbiased alternative:
# DisARM is for binary latents. This model and the next run in Pyro, which compiles nothing: for small networks and
# short training compilation would take longer than the steps.

# %%
categorical = zoo.load("categorical_vae", backend="pyro", M=8, K=8, width=32)
schedules = {
    "rloo": "rloo",
    "temperature 1": "gumbel_softmax(temperature=1.0)",
    "1 to 0.2": inference.estimator("gumbel_softmax", temperature=lambda fraction: 0.2**fraction),
}
shorter: dict[str, Any] = {**options, "num_epochs": 30}
rows = {}
for name, gradient in schedules.items():
    fit = inference.fit(categorical, train, "svi", gradient=gradient, num_particles=2, **shorter)
    split, epochs = inference.elbo_split(fit, digits, num_samples=50), fit.diagnostics["epochs"]
    rows[name] = {
        "objective": epochs["bound_nats_per_row"][-1],
        "ELBO of these": fit.diagnostics["elbo_nats_per_row"],
        "test ELBO": split.elbo_nats_per_example,
        "reconstruction": split.reconstruction_nats_per_example,
        "KL": split.kl_nats_per_example,
    }
annealing = pd.DataFrame(rows).T
print("nats per image:", annealing.round(2), sep="\n")

# %% [markdown]
# At the temperature 1 the objective is 2.1 nats above the ELBO of the same images (of the weights with the best ELBO on
# the validation images): the decoder has learned to read numbers between 0 and 1, which a hard code never has. The
# falling temperature leaves 0.3 of it, and gains 0.3 nats per test image. `rloo`, unbiased, with no schedule to choose,
# is between the two after these few steps.
#
# ## A VQ-VAE
#
# In a *vector-quantised* autoencoder (van den Oord, Vinyals and Kavukcuoglu 2017) a latent is the number of a
# *codeword*, one of $K$ vectors that are learned. An image has $M$ of them, here a grid of 4 by 4 positions, one for
# each 2 by 2 pixels, with $K = 8$. The encoder is convolutional and returns a vector for each position; the code is the
# nearest codeword. So the guide is a point: nothing is drawn, no score function exists, and the gradient for the
# encoder is that of the codeword, straight through.
#
# Codewords follow the encoder: each is the moving average of the vectors nearest to it. A codeword that is nearest to
# none would never move again, and is *restarted* at a vector of the batch. Since $q$ is a point, the ELBO is the
# *reconstruction*, $\log p(x \mid z)$, less the *rate*, $-\log p(z)$: the nats that transmit the code. For a uniform
# prior the rate is $M \log K$. The second fit learns its prior: an autoregressive network predicts each codeword from
# those before it, line by line.

# %%
vq_options: dict[str, Any] = {"num_epochs": 30, "batch_size": 50, "learning_rate": 5e-3, "dtype": "float32"}
vq_fits = {
    prior: inference.fit(
        zoo.load("vq_vae", backend="pyro", M=16, K=8, network="convolutional", width=32, prior=prior),
        train,
        "svi",
        **vq_options,
    )
    for prior in ("uniform", "autoregressive")
}
learned = vq_fits["autoregressive"]
show(figures.code_grids(learned, digits), "codes")

# %%
K, images = learned.keywords["K"], train.binarise(0)
codes = latents.codes(learned, images)
patches = images.reshape(-1, 4, 2, 4, 2).swapaxes(2, 3).reshape(-1, 16, 4)  # 2 by 2 pixels of each position
mean_patches = np.stack([patches[codes == k].mean(0) for k in range(K)])
names = [f"{k}: {(codes == k).mean():.0%}" for k in range(K)]
show(image_table(mean_patches[None], (2, 2), (0, 1), rows=["mean pixels"], columns=names), "codewords")

# %% [markdown]
# A colour is a codeword, and similar codewords have similar colours. The grid can be read beside the image: dark pixels
# are 1 and 7, and 0, 5 and 6 at edges; strokes are 2, 3 and 4. Eight codewords for the sixteen patterns of 2 by 2
# binary pixels suffice for most pixels; the others are grey.
#
# The second figure has the mean pixels at the positions of each codeword, and its frequency. Hardly any codeword is one
# pattern. The encoder looks beyond the position, and the decoder at the neighbours as well: codewords that are dark
# alike differ in what is beside them.

# %%
use = {prior: latents.codebook(fit, digits) for prior, fit in vq_fits.items()}
for prior, numbers in use.items():
    print(f"{prior} prior, test images:", numbers, sep="\n")
overall = latents.codebook(learned)
print(f"all training images: usage {overall.usage:.0%}, perplexity {overall.perplexity:.2f} of {K}")
print(f"16 log 8 = {16 * np.log(8):.2f} nats")
assert overall.usage == 1.0
assert abs(use["uniform"].rate - 16 * np.log(8)) < 1e-3
assert use["autoregressive"].rate < use["uniform"].rate - 3

# %%
lines = [latents.sample(fit, 14, seed=1) for fit in vq_fits.values()]
show(
    image_table(np.stack([*lines, digits[:14]]), (8, 8), (0, 1), rows=["uniform prior", "learned prior", "data"]),
    "samples",
)

# %% [markdown]
# Usage and perplexity are of all images together; within a batch they would depend on its size. All codewords are used,
# and none of them is rare: the perplexity, the exponential of the entropy of their frequencies, is 7.3 of 8. So
# frequencies alone would hardly lower the rate of the uniform prior, 33.3 nats. What lowers it to 27.3 is that
# codewords depend on their neighbours.
#
# The prior does not change the codes: in both fits the encoder is trained straight through, for reconstruction, and the
# prior is trained on the codes that result. But a model of images needs both. The uniform prior draws grids that no
# digit has, and the learned prior draws strokes, some of them digits.
#
# The bound, -33.0 nats, is below those of the two models above, -24.6 and -24.5. It is comparable: all are lower bounds
# of $\log p(x)$ for the same test images. A point has no entropy, so its bound is $\log p(x, z)$ at one code, however
# many codes would do.
#
# ## Summary
#
# - Sum where you can: `enumerate`, the default for few values, is exact.
# - Else begin with an unbiased estimator: `disarm` for binary latents, `rloo` for others. They need no setting, and
#   their noise falls as $q$ approaches the posterior.
# - Variance costs nats at equal steps. Compare estimators by variance times runs of the program.
# - Relaxations are fast at first and biased at the end. Let the temperature fall, judge by the ELBO of hard draws,
#   never by the objective, and see `gradient_report` at the end of training.
# - A VQ-VAE is two models: a code, trained by reconstruction, and a prior of codes, without which it can neither draw
#   images nor be compared. Report reconstruction and rate, and usage and perplexity over all rows.
#
# ## Exercises
#
# 1. Let the scale show 5 kg with `SIGMA = 0.2`. Which estimators suffer most, and why?
# 2. Train the belief network with `gradient="rebar"` or `"relax"`, whose control variates are relaxed draws. Are they
#    worth their third run of the program?
# 3. Give the belief network two layers (`L=2`) and `gradient={"z1": "disarm", "z2": "rloo"}`.
# 4. Maximise the importance-weighted bound: `objective="iwae"`, `num_particles=5`, with `rloo`, which is then VIMCO
#    (Mnih and Rezende 2016).
# 5. Give the VQ-VAE `K=64`, with and without restarts (`restart_below=0`). What are usage and perplexity?
# 6. Give it `M=4`, a codeword for each quarter of the image. What happens to rate and reconstruction?
# 7. Train the belief network with `"straight_through"` and `"reinforce(baseline='running_mean')"`. Where do they end?
#
# ## References
#
# - Bengio, Y., Leonard, N. and Courville, A. (2013). Estimating or propagating gradients through stochastic neurons for
#   conditional computation. arXiv:1308.3432.
# - Dong, Z., Mnih, A. and Tucker, G. (2020). DisARM: an antithetic gradient estimator for binary latent variables.
#   Advances in Neural Information Processing Systems 33.
# - Jang, E., Gu, S. and Poole, B. (2017). Categorical reparameterization with Gumbel-softmax. International Conference
#   on Learning Representations.
# - Kool, W., van Hoof, H. and Welling, M. (2019). Buy 4 REINFORCE samples, get a baseline for free! Deep Reinforcement
#   Learning Meets Structured Prediction, ICLR workshop.
# - Maddison, C. J., Mnih, A. and Teh, Y. W. (2017). The concrete distribution: a continuous relaxation of discrete
#   random variables. International Conference on Learning Representations.
# - Mnih, A. and Rezende, D. J. (2016). Variational inference for Monte Carlo objectives. International Conference on
#   Machine Learning.
# - Neal, R. M. (1992). Connectionist learning of belief networks. Artificial Intelligence 56.
# - van den Oord, A., Vinyals, O. and Kavukcuoglu, K. (2017). Neural discrete representation learning. Advances in
#   Neural Information Processing Systems 30.
# - Williams, R. J. (1992). Simple statistical gradient-following algorithms for connectionist reinforcement learning.
#   Machine Learning 8.
