# %% [markdown]
# # Discrete latents: the same sum three ways, and codes one can look at
#
# A discrete latent has no derivative. This tutorial computes the gradient of one bound exactly, by the score function,
# and by a relaxation; shows what the variance of a gradient costs in training, and when a biased gradient is worth it;
# and ends with a VQ-VAE, whose codes are a grid of symbols. Every number below is computed where it stands. Figures are
# written to the folder that the environment variable `FIGURES` names (else to `figures/`).

# %%
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
from inference.objectives.estimators.gumbel_softmax import GumbelSoftmax
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
# PROSE1
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
        "reinforce": both * ((1 - p) * f1 + p * f0) ** 2,
        "rloo": (f1 - f0) ** 2 * both * (1 / 2 - both),
        "disarm": (f1 - f0) ** 2 * both * (M / 2 - both),
    }


coin, coin_guide = scale_with([2.0], [logit(0.8)])
exact = pd.Series(coin_variances(logit(0.8)))
coin_report = inference.gradient_report(
    coin, np.array([3.0]), guide=coin_guide, estimators=list(exact.index), num_draws=4000
)
measured = coin_report.table.loc["alpha"].loc[exact.index]
print(pd.DataFrame({"formula": exact, "measured": measured["variance"], "error": measured["variance_se"]}).round(4))
assert (np.abs(measured["variance"] - exact) < 4.5 * measured["variance_se"]).all()

figure = Figure((6, 3.2), layout="constrained")
axes = figure.subplots()
grid = np.linspace(0.02, 0.995, 400)
for colour, (name, values) in zip(FIT_COLOURS, coin_variances(logit(grid)).items(), strict=False):
    axes.plot(grid, values, color=colour, label=name)
    axes.plot(0.8, measured.loc[name, "variance"], "o", color=colour)
posterior = expit(4.0)  # log-odds: the difference of log p(x | z)
axes.axvline(posterior, color="0.6", linestyle=":", linewidth=1)
axes.annotate("posterior", (posterior, 0.9), xycoords=("data", "axes fraction"), ha="right", fontsize=8, color="0.4")
axes.set(xlabel="p, the probability of 1 under the guide", ylabel="variance of the gradient", yscale="log", ylim=1e-3)
axes.legend(loc="lower left")
show(figure, "coin")

# %% [markdown]
# PROSE2
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
options = {"num_epochs": 50, "batch_size": 50, "learning_rate": 3e-3, "held_out": 0.1}
estimators = {
    "reinforce": ("reinforce", 2),
    "with a mean": ("reinforce(baseline='running_mean')", 2),
    "rloo": ("rloo", 2),
    "disarm": ("disarm", 1),  # each draw is a pair
    "straight_through": ("straight_through", 2),
    "gumbel_softmax": ("gumbel_softmax(temperature=0.5)", 2),
}
fits = {
    name: inference.fit(network, train, "svi", gradient=gradient, num_particles=draws, **options)
    for name, (gradient, draws) in estimators.items()
}
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
assert order["disarm"] > order["rloo"] > order["with a mean"] > order["reinforce"]

# %%
figure = Figure((9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
steps = fits["rloo"].diagnostics["epochs"]["step"]
for colour, (name, curve) in zip(FIT_COLOURS, curves.items(), strict=False):
    style = "--" if "relaxed" in fits[name].diagnostics else "-"
    for axes in (left, right):
        axes.plot(steps, curve, style, color=colour, label=name, linewidth=1.4)
left.set(
    xlim=(0, 300),
    ylim=(-31, -25.5),
    title="the first steps",
    xlabel="step",
    ylabel="ELBO of the validation images, nats",
)
right.set(xlim=(300, None), ylim=(-26.6, -24.6), title="the others", xlabel="step")
figure.legend(*right.get_legend_handles_labels(), loc="outside right center")
show(figure, "bounds")

# %% [markdown]
# PROSE3
#
# ## When bias is worth it
#
# A step along a gradient with bias $b$ and variance $v$ has the mean squared error $\|b\|^2 + v$. But an optimiser
# averages over steps: the error of the mean of $n$ gradients is $\|b\|^2 + v / n$. Averaging removes variance, and
# leaves bias. The reports below are at the parameters of a fit of two epochs, and at those of the end of training, with
# the reference of many draws: $2^{30}$ codes cannot be summed over.

# %%
early = inference.fit(network, train, "svi", gradient="disarm", **{**options, "num_epochs": 2})
compared = ["disarm", "straight_through", "gumbel_softmax"]
reports = {
    title: inference.gradient_report(network, at=fit, estimators=compared, batch_size=50, num_draws=400)
    for title, fit in {"after two epochs": early, "at the end of training": fits["disarm"]}.items()
}
rows = {}
for title, gradients in reports.items():
    encoder, length = gradients.table.loc["encoder"], gradients.reference.norms["encoder"]
    for name in compared:
        row = encoder.loc[name]
        rows[title, name] = {
            "gradient": length,
            "sd / gradient": np.sqrt(row.variance) / length,
            "bias / gradient": row.bias / length,
            "runs": row.evaluations,
        }
of_encoder = pd.DataFrame(rows).T
print(of_encoder.round(3))

# %%
figure = Figure((9, 3.2), layout="constrained")
work = np.geomspace(2, 4000, 100)
for axes, title in zip(figure.subplots(1, 2, sharey=True), reports, strict=True):
    for colour, name in zip(FIT_COLOURS, compared, strict=False):
        row = of_encoder.loc[title, name]
        error = np.sqrt(row["bias / gradient"] ** 2 + row["sd / gradient"] ** 2 * row["runs"] / work)
        axes.loglog(work, error, "--" if row["bias / gradient"] > 0.05 else "-", color=colour, label=name)
    axes.set(title=title, xlabel="runs of the program that are averaged")
figure.axes[0].set_ylabel("root mean squared error,\nrelative to the gradient")
figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center")
show(figure, "bias")

# %% [markdown]
# PROSE4
#
# ### A temperature that falls
#
# If bias is harmless at first and harmful later, let it decrease: $\tau$ may be a function of the fraction of training
# that is done. The next model has categories in the place of units: `categorical_vae`, with eight groups of eight
# categories and networks of 64 units. The annealed temperature falls from 1 to 0.2. `rloo` is the unbiased alternative:
# DisARM is for binary latents.

# %%
categorical = zoo.load("categorical_vae", M=8, K=8, width=64)
schedules = {
    "rloo": "rloo",
    "temperature 1": "gumbel_softmax(temperature=1.0)",
    "1 to 0.2": GumbelSoftmax(temperature=lambda fraction: jnp.exp(jnp.log(0.2) * fraction)),
}
rows = {}
for name, gradient in schedules.items():
    fit = inference.fit(categorical, train, "svi", gradient=gradient, num_particles=2, **options)
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
# PROSE5
#
# ## A VQ-VAE
#
# In a *vector-quantised* autoencoder (van den Oord, Vinyals and Kavukcuoglu 2017) a latent is the number of a
# *codeword*, one of $K$ vectors that are learned. An image has $M$ of them, here a grid of 4 by 4 positions, one for
# each 2 by 2 pixels, with $K = 8$. The encoder is convolutional and returns a vector for each position; the code is the
# nearest codeword. So the guide is a point: nothing is drawn, no score function exists, and the gradient for the
# encoder is that of the codeword, straight through.
#
# Codewords follow the encoder: each is the moving average of the vectors that are nearest to it. A codeword that nothing
# is near to would stay so for ever, and is moved to a vector of the batch. Since $q$ is a point, the ELBO is
# $\log p(x \mid z) - [-\log p(z)]$: the *reconstruction*, less the *rate*, the nats that it takes to transmit the code.
# For a uniform prior the rate is $M \log K$. The second fit learns its prior, an autoregressive network that predicts
# each codeword from those above it and to its left.

# %%
vq_options = {"num_epochs": 30, "batch_size": 50, "learning_rate": 5e-3}
vq_fits = {
    prior: inference.fit(
        zoo.load("vq_vae", M=16, K=8, network="convolutional", width=64, prior=prior), train, "svi", **vq_options
    )
    for prior in ("uniform", "autoregressive")
}
learned = vq_fits["autoregressive"]
show(figures.code_grids(learned, digits), "codes")

# %%
codes, K = latents.codes(learned), learned.keywords["K"]
patches = train[:].reshape(-1, 4, 2, 4, 2).swapaxes(2, 3).reshape(-1, 16, 4)  # those 2 by 2 pixels below each position
mean_patches = np.stack([patches[codes == k].mean(0) for k in range(K)])
show(
    image_table(mean_patches[None], (2, 2), (0, 1), rows=["mean pixels"], columns=[str(k) for k in range(K)]),
    "codewords",
)

# %% [markdown]
# PROSE6

# %%
use = {prior: latents.codebook(fit, digits) for prior, fit in vq_fits.items()}
for prior, numbers in use.items():
    print(f"{prior} prior, test images:", numbers, sep="\n")
print("16 log 8 =", round(16 * np.log(8), 2))
print(
    f"all training images: usage {latents.codebook(learned).usage:.0%}, perplexity {latents.codebook(learned).perplexity:.2f}"
)
assert latents.codebook(learned).usage == 1.0
assert abs(use["uniform"].rate - 16 * np.log(8)) < 1e-3
assert use["autoregressive"].rate < use["uniform"].rate - 5

# %%
lines = [latents.sample(fit, 14, seed=1) for fit in vq_fits.values()]
show(image_table(np.stack([*lines, digits[:14]]), (8, 8), (0, 1), rows=[*vq_fits, "data"]), "samples")

# %% [markdown]
# PROSE7
#
# ## Summary
#
# PROSE8
#
# ## Exercises
#
# 1. Let the scale show 5 kg with `SIGMA = 0.2`. Which estimators suffer most, and why?
# 2. Train the first model with `gradient="rebar"` or `"relax"`, whose control variates are relaxed draws. Are they worth
#    their third run of the program?
# 3. Give the belief network two layers (`L=2`) and `gradient={"z1": "disarm", "z2": "rloo"}`.
# 4. Maximise the importance-weighted bound: `objective="iwae"`, `num_particles=5`, with `rloo`, which is then VIMCO
#    (Mnih and Rezende 2016).
# 5. Give the VQ-VAE `K=64`, with and without restarts (`restart_below=0`). What are usage and perplexity?
# 6. Give it `M=4`, a codeword for each quarter of the image. What happens to rate and reconstruction?
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
# - van den Oord, A., Vinyals, O. and Kavukcuoglu, K. (2017). Neural discrete representation learning. Advances in Neural
#   Information Processing Systems 30.
# - Williams, R. J. (1992). Simple statistical gradient-following algorithms for connectionist reinforcement learning.
#   Machine Learning 8.
