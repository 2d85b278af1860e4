# %% [markdown]
# # Hierarchies: a prior that is learned, a ladder that is exact, and groups that say nothing
#
# In a hierarchy each layer of latents is the prior of the layer below. This tutorial shows why one Gaussian can be too
# little, builds a ladder of thirty layers whose every draw is exact, looks at what each group of latents holds, and
# ends with collapse: how to see it, and what helps. Every number below is computed where it stands. Figures are written
# to the folder that the environment variable `FIGURES` names (else to `figures/`).

# %%
import warnings
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import logsumexp
from style import show

import inference
import zoo
from guides.linear_ladder import information_filter
from inference import latents
from inference.amortised import AmortisedPosterior
from inference.analysis.latents import figures
from inference.analysis.latents.images import image_table
from inference.plots.style import FIT_COLOURS
from zoo import datasets

# %% [markdown]
# ## One Gaussian is too little
#
# The data are those of tutorial 4: `digits_dynamic`, 1500 images of 8 by 8 pixels to train on, of which each step draws
# the pixels anew, and 297 test images. A `vae` has the prior $p(z) = \mathrm{Normal}(0, I)$, and its encoder a normal
# $q(z \mid x_n)$ for each image. The mixture of all of them, $q(z) = \frac{1}{N} \sum_n q(z \mid x_n)$, is the
# *aggregate posterior*: the codes that the decoder was trained on. New images come from the prior. Both agree only if
# $q(z) = p(z)$, and the difference is a part of the ELBO (Hoffman and Johnson 2016):
#
# $$\frac{1}{N} \sum_n \mathrm{KL} \big( q(z \mid x_n) \,\|\, p(z) \big) = \underbrace{\frac{1}{N} \sum_n \mathrm{KL}
# \big( q(z \mid x_n) \,\|\, q(z) \big)}_{\text{what a code tells of its image}} + \mathrm{KL} \big( q(z) \,\|\, p(z)
# \big).$$
#
# The last term is a pure loss: with a prior equal to $q(z)$ it would be 0. The loop fits two models, in the second of
# which the KL has a twentieth of its weight, so that codes tell more of their images. It estimates the last term on the
# test images.

# %%
train, digits = datasets.observed("digits_dynamic", "train"), datasets.observed("digits_dynamic", "test").binarise(0)
images = train.binarise(0)  # one draw of the training images
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # at beta = 0.05 the objective is no bound, which the fit says
    one_layer = {
        beta: inference.fit(
            zoo.load("vae", Z=2, width=64),
            train,
            "svi",
            beta=beta,
            num_epochs=40,
            learning_rate=5e-3,
            seed=1,
        )
        for beta in (1.0, 0.05)
    }


def log_aggregate(fit, z):
    """log q(z) of each code (M, 2): the mean of the encoder's normals over the training images."""
    mean, sd = latents.encode(fit, images)
    log_q = -(((z[:, None] - mean) / sd) ** 2).sum(-1) / 2 - np.log(2 * np.pi * sd.prod(1))
    return logsumexp(log_q, axis=1) - np.log(len(mean))


def log_prior(z):
    """log p(z) of each code (M, 2)."""
    return -(z**2).sum(1) / 2 - np.log(2 * np.pi)


rng = np.random.default_rng(0)
from_prior = rng.normal(size=(2000, 2))
rows = {}
for beta, fit in one_layer.items():
    mean, sd = latents.encode(fit, digits)
    codes = (mean + sd * rng.normal(size=(20, *mean.shape))).reshape(-1, 2)  # twenty of each test image
    split = inference.elbo_split(fit, digits)
    rows[f"beta = {beta}"] = {
        "ELBO": split.elbo_nats_per_example,
        "reconstruction": split.reconstruction_nats_per_example,
        "KL": split.kl_nats_per_example,
        "KL(q(z) || p(z))": (log_aggregate(fit, codes) - log_prior(codes)).mean(),
        "prior in holes": (log_aggregate(fit, from_prior) < log_prior(from_prior) - np.log(10)).mean(),
    }
mismatch = pd.DataFrame(rows).T
print("nats per image:", mismatch.round(2).to_string(), sep="\n")
small, large = (mismatch.loc[f"beta = {beta}"] for beta in one_layer)
assert large["reconstruction"] > small["reconstruction"] + 0.5
assert large["KL(q(z) || p(z))"] > 1.5 * small["KL(q(z) || p(z))"]
assert large["prior in holes"] > 0.05 > 0.02 > small["prior in holes"]

# %%
figure = Figure((8.6, 3.7), layout="constrained")
angles, side = np.linspace(0, 2 * np.pi, 200), np.linspace(-3.5, 3.5, 71)
grid, maps = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2), []
for axes, (beta, fit) in zip(figure.subplots(1, 2, sharey=True), one_layer.items(), strict=True):
    ratio = (log_aggregate(fit, grid) - log_prior(grid)).reshape(len(side), -1) / np.log(10)
    levels = [-2, -1, -0.5, 0.5, 1, 2]
    maps.append(axes.contourf(side, side, ratio, levels=levels, cmap="RdBu", extend="both"))
    for radius in (1, 2, 3):
        axes.plot(radius * np.cos(angles), radius * np.sin(angles), color="black", linewidth=0.8)
    axes.set(aspect="equal", xlabel="z[0]", ylabel="z[1]", title=f"beta = {beta}")
    axes.label_outer()
figure.colorbar(maps[0], ax=figure.axes, label="log10 of q(z) / p(z)")
show(figure, "aggregate")

# %%
lines = {}
for beta, fit in one_layer.items():
    order = np.argsort(log_prior(from_prior) - log_aggregate(fit, from_prior))  # the deepest hole is the last
    for name, chosen in {"typical": order[:1000:72], "holes": order[-70::5]}.items():
        lines[f"{beta:g}: {name}"] = latents.decode(fit, from_prior[chosen])
show(image_table(np.stack(list(lines.values())), (8, 8), (0, 1), rows=list(lines)), "holes")

# %% [markdown]
# Circles are one, two and three standard deviations of the prior. With `beta=1` the aggregate is close to the prior:
# every difference costs nats, so the normals are wide, and a code tells little of its image. With a twentieth of the
# weight codes tell 3.9 nats more and images are reconstructed better, but the map has *holes* (red): 15% of the prior
# has a $q(z)$ below a tenth of $p(z)$. Some are between the narrow normals of single images, and more images would fill
# them. The decoder has hardly met these codes, and yet the model draws them.
#
# The images alone hardly show it. "Typical" codes of the prior are from the better half by $q(z) / p(z)$, and "holes"
# are the worst. A decoder of two dimensions is smooth, and a hole is decoded to something between its neighbours. The
# number to look at is the KL of $q(z)$ from the prior, here 0.23 nats.
#
# So one Gaussian leaves a choice between codes that tell little and a prior with holes. A hierarchy does not have to
# choose: its lowest layer has the prior $p(z_1) = \int p(z_1 \mid z_2) \, p(z_2) \, dz_2$, a mixture of infinitely many
# normals, and it is *learned*. What it costs is a posterior over all layers.
#
# ## A ladder whose every draw is exact
#
# Before networks, a hierarchy in which everything is known. `linear_ladder` has the layers
#
# $$z_L \sim \mathrm{Normal}(0, I), \qquad z_l \mid z_{l+1} \sim \mathrm{Normal}(V_l z_{l+1}, \mathrm{diag}(s_l^2)),
# \qquad x \mid z_1 \sim \mathrm{Normal}(W z_1 + \mu, \mathrm{diag}(\Psi)).$$
#
# If each $V_l$ is $c$ times an orthogonal matrix and $s_l^2 = 1 - c^2$, every layer has the covariance $I$, and $x$ has
# that of factor analysis with the same $W$. So take $W$, $\mu$ and $\Psi$ from EM (tutorial 2) and put thirty layers
# above: the likelihood does not change, and is known.
#
# The posterior of such a ladder is that of a Kalman smoother, with layers in the place of times. Going up, each layer
# gets a *message*, $\exp(h_l^\top z_l - \frac{1}{2} z_l^\top M_l z_l)$, which is proportional to $p(x \mid z_l)$. Going
# down, the posterior of a layer is its prior times its message:
#
# $$q(z_l \mid z_{l+1}, x) \propto p(z_l \mid z_{l+1}) \, \exp(h_l^\top z_l - \tfrac{1}{2} z_l^\top M_l z_l).$$
#
# This is the *ladder encoder* (Sonderby et al. 2016): precisions add, and means are weighed by them. With networks the
# messages are learned. Here `information_filter` computes those that are exact. If $q$ is the posterior, then $\log
# p(x, z) - \log q(z \mid x) = \log p(x)$ for *every* $z$: not only is the ELBO equal to the log-likelihood, each single
# draw is.

# %%
intensities = datasets.observed("digits", "train").to_numpy(float)
intensities = intensities[:, intensities.std(0) > 0]  # without the corner pixels, which are always zero
factor_analysis = inference.fit(zoo.load("factor_analysis", Z=3), intensities, engine="em", objective="ml")
units = {"loc": intensities.mean(0), "spread": intensities.std(0)}  # in which the encoder reads an image
intensities, log_p = intensities[:500], factor_analysis.log_likelihood()[:500]  # enough for what follows

L, c = 30, 0.98
orthogonal = np.stack([np.linalg.qr(matrix)[0] for matrix in rng.normal(size=(L - 1, 3, 3))])
ladder = {
    **{name: factor_analysis.params[name] for name in ("W", "mu", "Psi")},
    "ladder.weight": c * orthogonal,
    "ladder.scale": np.full((L - 1, 3), np.sqrt(1 - c**2)),
}
exact = information_filter(ladder, **units)


def ladder_with(messages):
    """A fit at these parameters: one step, of no length. Thirty layers are compiled slowly, and Pyro compiles none."""
    return inference.fit(
        zoo.load("linear_ladder", backend="pyro", L=L, Z=3, **units),
        intensities,
        engine="svi",
        start={**ladder, **messages},
        num_steps=1,
        learning_rate=1e-30,
        batch_size=len(intensities),
        dtype="float64",
    )


def elbo_of_draws(fit, num_draws=10):
    """log p(x, z) - log q(z) of single draws, (num_draws, N)."""
    posterior, elbo = AmortisedPosterior(fit), np.empty((num_draws, len(intensities)))
    for block, log_weights in posterior.log_weights(posterior.table(), num_draws, seed=0):
        elbo[:, block] = log_weights
    return elbo


exact_fit = ladder_with(exact)
draws = elbo_of_draws(exact_fit)
print(f"log p by EM: {log_p.mean():.6f} nats per image; largest error of {draws.size} draws: ", end="")
print(f"{np.abs(draws - log_p).max():.0e} nats, each a draw of {L * 3} numbers")
assert np.abs(draws - log_p).max() < 1e-9

# %% [markdown]
# No optimiser was involved, and no average over draws.
#
# Now perturb the messages. The first loop multiplies each weight of $h_l$ by $1 + \varepsilon \, \mathrm{noise}$. The
# second removes the message of one layer, whose posterior is then its prior given the layer above.

# %%
noise = rng.normal(size=exact["encoder.weight"].shape)
rows = {}
for size in (0.01, 0.03, 0.1, 0.3):
    fit = ladder_with({**exact, "encoder.weight": exact["encoder.weight"] * (1 + size * noise)})
    missing = log_p - elbo_of_draws(fit, num_draws=200)
    rows[size] = {"gap": missing.mean(), "variance / 2": missing.var(0, ddof=1).mean() / 2}
perturbed = pd.DataFrame(rows).T
print("nats per image:", perturbed.map("{:.5f}".format).to_string(), sep="\n")
assert perturbed["gap"].is_monotonic_increasing
assert abs(perturbed.loc[0.1, "gap"] / perturbed.loc[0.1, "variance / 2"] - 1) < 0.2

lost = {}
for layer in (1, 2, 5, 10, 20, 30):
    removed = {
        name: np.where(np.arange(L).reshape(-1, *[1] * (v.ndim - 1)) == layer - 1, 0, v) for name, v in exact.items()
    }
    lost[layer] = (log_p - elbo_of_draws(ladder_with(removed))).mean()
print("gap without the message of one layer:", {f"z{layer}": round(gap, 3).item() for layer, gap in lost.items()})

# %%
kl = {name: value.sum() for name, value in inference.elbo_split(exact_fit, num_samples=50).kl_by_dimension.items()}
figure = Figure((9, 3.3), layout="constrained")
left, right = figure.subplots(1, 2)
for colour, (name, column) in zip(FIT_COLOURS, perturbed.items(), strict=False):
    left.loglog(perturbed.index, column, "o-", color=colour, label=name)
left.set(xlabel="size of the perturbation", ylabel="nats per image", title="gap of perturbed messages")
left.legend()
right.bar([int(name[1:]) for name in kl], list(kl.values()), color=FIT_COLOURS[0], label="KL of a layer")
right.plot(list(lost), list(lost.values()), "o-", color=FIT_COLOURS[1], label="gap without its message")
right.set(xlabel="layer", ylabel="nats per image", title="thirty layers, the image at the left")
right.legend()
show(figure, "ladder")

# %%
gaussian_kl = sum(kl.values())
gram = (factor_analysis.params["W"].T / factor_analysis.params["Psi"]) @ factor_analysis.params["W"]
covariance = np.linalg.inv(np.eye(3) + gram)
means = (intensities - ladder["mu"]) / ladder["Psi"] @ ladder["W"] @ covariance
by_formula = ((means**2).sum(1).mean() + np.trace(covariance) - 3 - np.linalg.slogdet(covariance)[1]) / 2
assert abs(gaussian_kl - by_formula) < 0.02
print(f"KL of all layers: {gaussian_kl:.3f} nats; of the one layer of factor analysis: {by_formula:.3f}")

# %% [markdown]
# On the left, the gap grows with the square of the perturbation, and is half of the variance of a single draw's ELBO.
# So the noise of draws tells how far $q$ is from the posterior, without knowing $\log p(x)$.
#
# On the right, the KL of each layer, the divergence of its posterior from its prior given the layer above: the
# information about the image that enters there. It is largest next to the image and falls with each layer, because each
# adds noise. The top has no layer above, and its KL is all that it tells of the image. Without its message a layer is
# drawn from that prior, and the gap is the same divergence the other way round, of the prior from the posterior. It is
# the larger of the two, because the prior is the wider one.
#
# The KL of all layers together is that of the one layer of factor analysis. Depth adds no information: it divides it.
#
# ## What each group holds
#
# Now with networks. `deep_latent_gaussian` has layers of codes with an MLP between each and the next, here of 16, 8
# and 4 numbers, and the ladder encoder of the last section with learned messages. `very_deep_vae` (Child 2021; Vahdat
# and Kautz 2020) has groups of latents on grids from coarse to fine: `1x2,2x3,4x3` is two groups on a grid of one
# position, three of 2 by 2, and three of 4 by 4. Its posteriors read the program's own activations. `z1` is next to the
# image, and the highest number is the top. Their options are those of the last section, which shows why. Networks of
# many groups take long to compile, so that all of these run in Pyro, which compiles nothing.

# %%
options: dict[str, Any] = {"num_epochs": 50, "batch_size": 100, "learning_rate": 5e-3}
deep_model = zoo.load("deep_latent_gaussian", backend="pyro", widths="16-8-4", width=64)
very_deep_model = zoo.load("very_deep_vae", backend="pyro", layout="1x2,2x3,4x3", channels=2, width=32, depth=1)
fits = {
    "one layer": inference.fit(zoo.load("vae", backend="pyro", Z=16, width=64), train, "svi", **options),
    "deep": inference.fit(deep_model, train, "svi", warm_up=0.5, kl_balance=True, **options),
    "very deep": inference.fit(
        very_deep_model,
        train,
        "svi",
        kl="analytic",  # less noise, which adds up over groups
        warm_up=0.3,
        kl_balance=True,
        free_bits=0.03,
        **options,
    ),
}
rows = {}
for name, fit in fits.items():
    split = inference.elbo_split(fit, digits, num_samples=50)
    rows[name] = {
        "ELBO": split.elbo_nats_per_example,
        "reconstruction": split.reconstruction_nats_per_example,
        "KL": split.kl_nats_per_example,
        "active groups": len(fit.diagnostics["active_latents"]),
    }
results = pd.DataFrame(rows).T
print("nats per test image:", results.round(2), sep="\n")
assert results.loc["deep", "ELBO"] > results.loc["one layer", "ELBO"] + 0.3
assert results["active groups"].tolist() == [1, 3, 8]

# %%
show(figures.kl_by_latent(fits["deep"]), "kl_deep")

# %%
show(figures.kl_by_latent(fits["very deep"]), "kl_very_deep")

# %% [markdown]
# At equal steps three layers have 1.0 nats more per test image than one: their codes tell more, and cost less than the
# reconstruction gains. The very deep model tells most of all and reconstructs best, but the ELBO of its eight groups is
# between the two after 750 steps; `benchmarks/hierarchy.py` trains 32 groups for longer.
#
# The bars are the KL of each group, on the training images. In both models most is near the image, and little at the
# top. A group with less than 0.01 nats would be grey, and not counted as active.
#
# ### Partial reconstructions
#
# The KL says how much a group holds, but not what. A *partial reconstruction* takes the upper groups from the encoder
# and the others from their prior given those. From left to right one more group is that of the image, which is at the
# right.

# %%
show(figures.partial_reconstructions(fits["deep"], digits), "partial_deep")

# %%
show(figures.partial_reconstructions(fits["very deep"], digits), "partial_very_deep")

# %% [markdown]
# Without a group from the image all lines begin with the same blurred digit, the mean of the prior. In `deep` the four
# numbers of `z3` change little; `z2` sets the broad shape, and `z1` has the digit. In the very deep model the groups of
# 1 by 1 change nothing that is visible, with their 0.04 nats; those of 2 by 2 move weight between the quarters of the
# image; `z3`, the first of 4 by 4, has the digit, and `z2` and `z1` sharpen it.
#
# ### Interpolations
#
# From one test image to another: in the first line all groups change, and in each of the others one group alone.

# %%
pair = [int(np.flatnonzero(datasets.labels("digits_dynamic", "test") == label)[0]) for label in (0, 4)]
show(figures.group_interpolations(fits["very deep"], digits[pair[0]], digits[pair[1]]), "interpolations")

# %% [markdown]
# By itself only `z3` changes the image much, and goes a part of the way from 0 to 4. Groups above it change hardly
# anything: what they hold is in `z3` too, which stays. The KL of a group counts what is new in it given the groups
# above, and groups below may repeat it. The model `deep` has no such figure: its pixels depend on `z1` alone, and other
# groups act through it.
#
# ### Temperature
#
# New images: the standard deviation of every group is multiplied by a *temperature*. Below 1 images are more typical
# and less varied, because each group stays near the mean that the groups above predict.

# %%
lines = {f"{t:g}": latents.sample(fits["very deep"], 14, seed=1, temperature=t) for t in (0.25, 0.5, 0.75, 1.0)}
lines["data"] = digits[:14]
show(image_table(np.stack(list(lines.values())), (8, 8), (0, 1), rows=list(lines)), "temperatures")
spread = {name: float(values.std(0).mean()) for name, values in lines.items() if name != "data"}
print("standard deviation of a pixel's probability over images:", {name: round(v, 2) for name, v in spread.items()})

# %% [markdown]
# At 0.25 all images are near the mean; at 0.5 and 0.75 many are digits; at 1, which is the model, they vary most and
# some are none. Samples at a low temperature do not show the model that the ELBO evaluates, which has temperature 1:
# state the temperature beside them.
#
# ## How to see a collapse
#
# A group has *collapsed* when its posterior is its prior for every image: its KL is 0, and the model does without it.
# The ELBO alone does not show it. The next fits have the layers of `deep` above. One has its ladder encoder, and no
# `warm_up`. The others have the encoder `bottom_up`: $q(z_1 \mid x) \, q(z_2 \mid z_1) \, q(z_3 \mid z_2)$, the order
# in which one would first write it.

# %%
bottom_up = zoo.load("deep_latent_gaussian", backend="pyro", widths="16-8-4", width=64, encoder="bottom_up")
runs = {
    "ladder": inference.fit(deep_model, train, "svi", warm_up=0.0, kl_balance=False, **options),
    "ladder, warm_up=0.5, kl_balance": fits["deep"],
    "bottom_up": inference.fit(bottom_up, train, "svi", warm_up=0.0, kl_balance=False, **options),
    "bottom_up, warm_up=0.5": inference.fit(bottom_up, train, "svi", warm_up=0.5, kl_balance=False, **options),
    "bottom_up, warm_up=0.5, kl_balance": inference.fit(
        bottom_up, train, "svi", warm_up=0.5, kl_balance=True, **options
    ),
    "bottom_up, free_bits=0.5": inference.fit(
        bottom_up, train, "svi", warm_up=0.0, kl_balance=False, free_bits=0.5, **options
    ),
}
collapse = pd.DataFrame(
    {
        name: {
            "ELBO": fit.diagnostics["elbo_nats_per_row"],
            **fit.diagnostics["kl_by_latent"],
            "active": len(fit.diagnostics["active_latents"]),
        }
        for name, fit in runs.items()
    }
).T
print("nats per training image:", collapse.round(2), sep="\n")
p = np.clip(train[:].mean(0), 1e-9, 1 - 1e-9)
print(f"independent pixels: {(p * np.log(p) + (1 - p) * np.log1p(-p)).sum():.2f}")
assert collapse.loc["ladder", ["z1", "z2", "z3"]].max() < 0.01
assert collapse.loc["bottom_up", ["z2", "z3"]].sum() < 0.1 < collapse.loc["bottom_up, warm_up=0.5", "z2"]
assert collapse.loc["ladder, warm_up=0.5, kl_balance", ["z1", "z2", "z3"]].min() > 0.1
assert collapse["ELBO"].nsmallest(2).index.tolist() == ["ladder", "bottom_up"]

# %%
figure = Figure((8, 3.2), layout="constrained")
axes = figure.subplots()
start = np.zeros(len(collapse))
for layer, colour in zip(("z1", "z2", "z3"), FIT_COLOURS, strict=False):
    axes.barh(list(collapse.index), collapse[layer], left=start, color=colour, label=layer)
    start += collapse[layer].to_numpy()
axes.invert_yaxis()
axes.set(xlabel="KL in nats per image")
figure.legend(loc="outside right center")
show(figure, "collapse")

# %% [markdown]
# The summary of a fit has the KL of each latent, and a warning where none is active.

# %%
with warnings.catch_warnings(record=True) as notes:
    warnings.simplefilter("always")
    table = runs["ladder"].summary()
print(table["estimate"].filter(regex="elbo|kl_nats|active").round(4).to_string())
print(notes[-1].message)

# %% [markdown]
# - The ladder without `warm_up` has collapsed entirely: its ELBO is that of independent pixels. At the start codes are
#   noise to the decoder, so that training removes their KL first; the decoder then has no reason to use them, and the
#   encoder none to bring them back. Nothing diverged: only the KL and the warning show it.
# - `bottom_up` without `warm_up` uses `z1`, and nothing above: `z2` and `z3` have collapsed. Its ELBO is 2 nats above
#   that of independent pixels, and would look like a modest success.
# - `warm_up=0.5` raises the weight of the KL from 0 over half of the training: the decoder learns to use codes before
#   they cost anything. `z2` is used, and `z3` is still lost.
# - `kl_balance` weighs each group, as long as `warm_up` lasts, in proportion to its KL, so that the groups that
#   begin to be used cost least (Vahdat and Kautz 2020). All three are used, at the same ELBO.
# - `free_bits=0.5` counts half a nat for each group, used or not (Kingma et al. 2016), so that there is nothing to gain
#   below it. All three are used here too, even without `warm_up`, but the ELBO is the lowest of the four: free nats
#   need not be useful ones. A small number, as in the very deep model above, costs less.
# - The ladder with `warm_up` and `kl_balance` has the same ELBO with fewer nats in its codes. Its posteriors combine
#   the image with the layers above; the top posterior of `bottom_up` depends on the image only through draws of all
#   other layers.
#
# ## Summary
#
# - One Gaussian is a constraint on codes: they tell little, or the prior has holes, from which samples come. A
#   hierarchy learns the prior of its lowest layer.
# - The ladder encoder is exact for a linear ladder. The variance of single draws tells how far any encoder is from the
#   posterior.
# - Layers divide information. Look at `kl_by_latent`, then at partial reconstructions and interpolations by group.
# - The ELBO does not show a collapse. `summary()` has the KL of each group; train a hierarchy with `warm_up`.
# - Compare models by `inference.held_out`: free bits and balance change what groups hold, and may cost nats.
#
# ## Exercises
#
# 1. Let the ladder forget faster (`c = 0.9`). Which layers still have a message, and how large is the gap without it?
# 2. Train the linear ladder of three layers from its random start, with `gradient="sticking_the_landing"`. Does its
#    ELBO reach that of EM? Does it with `encoder="bottom_up"`?
# 3. Give the very deep VAE the layout `4x8`, all groups on one grid. Which groups are active, and what do partial
#    reconstructions show?
# 4. Train it with `residual=False`: posteriors that are not relative to the prior. Compare the KL of the groups.
# 5. Replace the two-dimensional `vae` of the first section by `deep_latent_gaussian` with `widths="2-2"`. How much of
#    the mismatch between $q(z_1)$ and $p(z_1)$ is left? (Draw from the prior by `latents.sample` of both models.)
# 6. Give `bottom_up` free bits of 0.1, 0.5 and 2 nats. At which are all layers active, and what does it cost?
#
# ## References
#
# - Child, R. (2021). Very deep VAEs generalize autoregressive models and can outperform them on images. International
#   Conference on Learning Representations.
# - Hoffman, M. D. and Johnson, M. J. (2016). ELBO surgery: yet another way to carve up the variational evidence lower
#   bound. Workshop on Advances in Approximate Bayesian Inference, NIPS.
# - Kingma, D. P. et al. (2016). Improved variational inference with inverse autoregressive flow. Advances in Neural
#   Information Processing Systems 29.
# - Sonderby, C. K., Raiko, T., Maaloe, L., Sonderby, S. K. and Winther, O. (2016). Ladder variational autoencoders.
#   Advances in Neural Information Processing Systems 29.
# - Vahdat, A. and Kautz, J. (2020). NVAE: a deep hierarchical variational autoencoder. Advances in Neural Information
#   Processing Systems 33.
