# %% [markdown]
# # Variational autoencoders: from principal components to networks, and how to evaluate them
#
# This tutorial fits one data set of small images, first with a linear decoder, where everything can be computed
# exactly, then with a neural network, where the quality of a fit has to be estimated. Every number below is computed
# where it stands. Figures are written to the folder that the environment variable `FIGURES` names (else to `figures/`).

# %%
import tempfile
from pathlib import Path

import numpy as np
import optax
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import logsumexp, ndtri, softmax
from style import show

import inference
import zoo
from inference import factors, latents
from inference.analysis.latents import figures
from inference.analysis.latents.images import image_table
from inference.plots.style import FIT_COLOURS
from zoo import datasets

# %% [markdown]
# ## The data
#
# `digits`: handwritten digits of 8 by 8 pixels with intensities from 0 to 16 (Alpaydin and Kaynak 1998). 1500 images
# are for training and 297 for testing. No model is fitted to the test images.
#
# The first model is for real numbers and uses the intensities. The others are for binary pixels. `digits_dynamic`
# provides the intensity as a probability: each training step draws the pixels anew, 1 with probability intensity / 16
# (Salakhutdinov and Murray 2008). Of the test images one draw is used throughout.

# %%
intensities = datasets.observed("digits", "train").to_numpy(float)
intensities = intensities[:, intensities.std(0) > 0]  # without the corner pixels, which are always zero
train, digits = datasets.observed("digits_dynamic", "train"), datasets.observed("digits_dynamic", "test").binarise(0)
labels = {part: datasets.labels("digits_dynamic", part) for part in ("train", "test")}
(N, D), P = intensities.shape, digits.shape[1]
print(f"intensities: {N} images of {D} pixels that vary; binary: {len(train)} and {len(digits)} images of {P} pixels")

# %% [markdown]
# ## A linear decoder
#
# In *probabilistic PCA* (PPCA) an image is a point of a plane plus noise: $z_n \sim \mathrm{Normal}(0, I_Z)$, $x_n \mid
# z_n \sim \mathrm{Normal}(W z_n + \mu, \sigma^2 I)$. Its likelihood has a closed form, and EM maximises it (Tipping and
# Bishop 1999; tutorial 2). A bound needs no closed form. For any density $q$ of the codes
#
# $$\log p(x) = \underbrace{\mathbb{E}_{q(z)} \big[ \log p(x, z) - \log q(z) \big]}_{\mathrm{ELBO}} +
# \mathrm{KL} \big( q(z) \,\|\, p(z \mid x) \big).$$
#
# A KL divergence is never negative, so the first term, the *evidence lower bound*, is at most $\log p(x)$. The
# difference is the divergence of $q$ from the posterior. The ELBO can be estimated by draws from $q$, without an
# integral. A *variational autoencoder* (Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014) maximises it over
# two sets of parameters: those of the *decoder* $p(x \mid z)$, and those of an *encoder*, a function that maps each
# image to its $q(z \mid x)$, a normal with independent coordinates.
#
# `linear_vae` is the simplest example. The decoder is the matrix of PPCA. The encoder is linear too, with one standard
# deviation for each coordinate. The loop trains it three times, twice with too few steps.

# %%
ppca = inference.fit(zoo.load("probabilistic_pca", Z=2), intensities, engine="em")
maximum = ppca.log_likelihood().mean()
fits = {
    steps: inference.fit(
        zoo.load("linear_vae", Z=2),
        intensities,
        engine="svi",
        num_steps=steps,
        batch_size=N,  # all images in each step
        learning_rate=optax.cosine_decay_schedule(0.3, 1000),
        gradient="sticking_the_landing",  # explained below
    )
    for steps in (6, 20, 1000)
}
converged = fits[1000]


def gap(fit):
    """KL(q || posterior) of each row, in nats; the posterior of a linear model is normal and known exactly."""
    (mean, sd), exact = latents.encode(fit), fit.local()["z"]
    precision, difference = np.linalg.inv(exact.covariance), mean - exact.mean
    spread = (sd**2 * np.diagonal(precision, 0, 1, 2)).sum(1) - 2 * np.log(sd).sum(1)
    shift = np.einsum("ni,nij,nj->n", difference, precision, difference)
    return (spread + shift - mean.shape[1] + np.linalg.slogdet(exact.covariance)[1]) / 2


results = pd.DataFrame(
    {
        f"{steps} steps": {
            "elbo by draws": fit.trace[-1] / N,
            "elbo": fit.log_likelihood().mean() - gap(fit).mean(),
            "gap": gap(fit).mean(),
            "log p": fit.log_likelihood().mean(),
        }
        for steps, fit in fits.items()
    }
).T
print("nats per image:", results.round(4), f"log p at EM's maximum: {maximum:.4f}", sep="\n")
assert gap(converged).mean() < 1e-3 < 0.5 < gap(fits[20]).mean()
assert abs(results.loc["1000 steps", "elbo"] - maximum) < 1e-3
assert results.loc["20 steps", "elbo"] > results.loc["6 steps", "elbo"] + 1
assert results.loc["20 steps", "log p"] < results.loc["6 steps", "log p"] - 1

# %% [markdown]
# After few steps the ELBO is below the maximum for two reasons, which it does not distinguish: the parameters are not
# optimal, and $q$ is not the posterior. From step 6 to step 20 it increases although the model becomes *worse*,
# because the encoder improves. At the end both reasons are gone: the ELBO *equals* the log-likelihood, which is that of
# EM. The matrix spans the same plane, and the encoder returns the mean of each image's posterior.

# %%
angle = factors.angles(converged, ppca.params["W"]).max()
code_error = np.abs(latents.encode(converged).mean - converged.local()["z"].mean).max()
gram = converged.params["W"].T @ converged.params["W"]
print(f"largest angle between the planes of W: {angle:.4f} radians;", end=" ")
print(f"largest error of a code: {code_error:.4f}")
print("W'W:", gram.round(1).tolist())
assert angle < 0.01
assert code_error < 0.01
assert abs(gram[0, 1]) < 0.02 * gram[0, 0]

figure = Figure((9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
left.semilogy(np.maximum(maximum - converged.trace / N, 1e-5), color=FIT_COLOURS[0], linewidth=1)
left.set(xlabel="step", ylabel="nats per image", title="EM's log-likelihood less the ELBO by draws")
for (steps, fit), colour in zip(fits.items(), (FIT_COLOURS[1], FIT_COLOURS[2], FIT_COLOURS[0]), strict=True):
    exact, encoded = fit.local()["z"].mean[:, 0], latents.encode(fit).mean[:, 0]
    right.plot(exact, encoded, ".", color=colour, markersize=3, label=f"{steps} steps")
right.axline((0, 0), slope=1, color="0.7", linewidth=0.8, zorder=0)
right.set(xlabel="mean of the posterior", ylabel="mean by the encoder", title="the first dimension of each code")
right.legend(markerscale=3)
show(figure, "linear")

# %% [markdown]
# The fit identifies more than PPCA does, whose axes can be rotated freely. Codes are independent given an image only if
# $W^\top W$ is diagonal, so the ELBO prefers such axes (Lucas et al. 2019). During the long plateau on the left the
# axes are still rotating. The likelihood has no such preference: the family of the encoder influences what is learned.
#
# `sticking_the_landing` (Roeder, Wu and Duvenaud 2017) is the reason why a stochastic optimiser ends so close to the
# maximum. It omits a term of the gradient whose mean is zero. The remaining terms have no noise where $q$ is the
# posterior.
#
# ## A network as decoder
#
# A plane is a poor model of digits. `vae` replaces the matrices by networks, here with two layers of 64 units each, and
# a Bernoulli distribution for each pixel. The code still has two dimensions, so that it can be plotted.

# %%
two_dimensional = inference.fit(
    zoo.load("vae", Z=2, width=64), train, "svi", num_epochs=100, learning_rate=5e-3, held_out=0.1, seed=1
)
show(figures.training(two_dimensional), "training")

# %%
show(figures.reconstructions(two_dimensional, digits, count=12), "reconstructions")

# %% [markdown]
# Training is normal: the bound increases, quickly at first, and nearly as much on the validation images as on the
# others. The reconstructions are of test images. The upper row shows the images; the lower row shows the decoder's
# probability of a one for each pixel at the mean code. Two dimensions retain only the broad shape of an image.
#
# The next figure shows the mean code of each test image, coloured by its label, which the model does not use. The
# figure below it decodes a grid of codes, in equal steps of the prior's probability.

# %%
show(figures.codes(two_dimensional, digits, labels["test"]), "codes")

# %%
side = ndtri(np.linspace(0.03, 0.97, 12))
grid = np.stack(np.meshgrid(side, side[::-1]), -1).reshape(-1, 2)  # z[1] increases upwards, as in the figure above
images = latents.decode(two_dimensional, grid).reshape(12, 12, P)
ticks = [f"{v:+.1f}" for v in side]
show(image_table(images, (8, 8), (0, 1), rows=[f"z[1] = {tick}" for tick in ticks[::-1]], columns=ticks), "plane")

# %%
new = [latents.sample(two_dimensional, 24, seed=1, mean=mean).reshape(2, 12, P) for mean in (True, False)]
lines = np.stack(new, 1).reshape(4, 12, P)
show(image_table(lines, (8, 8), (0, 1), rows=["decoded", "pixels drawn"] * 2), "samples")

# %% [markdown]
# These are *new* digits: codes drawn from the prior are decoded. Below each image its pixels are drawn too, as in the
# data. Some look like digits. Those whose codes lie between two regions look like neither.
#
# ## What the ELBO does not show: the gap
#
# With two dimensions the integral over codes can be computed on a fine grid:
# $p(x) \approx \sum_g p(z_g) \, p(x \mid z_g) \, \Delta$.

# %%
axis = np.linspace(-5, 5, 161)
codes = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
pixel = np.clip(latents.decode(two_dimensional, codes).astype(float), 1e-7, 1 - 1e-7)
log_prior = -(codes**2).sum(1) / 2 - np.log(2 * np.pi) + 2 * np.log(axis[1] - axis[0])


def log_joint(x):
    """log p(x, z) of each row (N, D) and each code of the grid, (N, G); missing pixels are left out."""
    observed = ~np.isnan(x)
    ones = np.where(observed, x, 0)
    return ones @ np.log(pixel).T + (observed - ones) @ np.log1p(-pixel).T + log_prior


log_p = logsumexp(log_joint(digits), axis=1)
split = inference.elbo_split(two_dimensional, digits)
gaps = log_p - split.elbo
print(split)
print(f"log p by the grid: {log_p.mean():.3f} nats per image, {gaps.mean():.3f} above the ELBO;", end=" ")
print(f"for half of the images by less than {np.median(gaps):.2f}, for one by {gaps.max():.1f}")
assert gaps.min() > -5 * split.errors.max()
assert gaps.mean() > 0.1

# %% [markdown]
# The ELBO is the *reconstruction* term, the expected log-probability of the image given codes from $q$, minus the *KL
# divergence* of $q$ from the prior. It is below $\log p(x)$ for every image, by very different amounts. The grid also
# gives the posterior. The figure shows it for an image with a typical gap, and for three with large gaps.

# %%
order = np.argsort(gaps)
examples = order[[len(order) // 2, -12, -5, -1]]
mean, sd = latents.encode(two_dimensional, digits[examples])
figure = Figure((10, 2.9), layout="constrained")
angles = np.linspace(0, 2 * np.pi, 200)
for axes, n, m, s in zip(figure.subplots(1, 4), examples, mean, sd, strict=True):
    density = softmax(log_joint(digits[[n]])[0]).reshape(len(axis), -1)
    axes.contourf(axis, axis, density / density.max(), levels=[0.05, 0.2, 0.4, 0.6, 0.8, 1], cmap="Greys")
    for width in (1, 2):
        axes.plot(m[0] + width * s[0] * np.cos(angles), m[1] + width * s[1] * np.sin(angles), color=FIT_COLOURS[1])
    inset = axes.inset_axes((0.02, 0.72, 0.26, 0.26))
    inset.imshow(digits[n].reshape(8, 8), cmap="gray")
    inset.set(xticks=[], yticks=[])
    centre = (codes * density.reshape(-1, 1)).sum(0)
    axes.set(xlim=centre[0] + np.array([-2, 2]), ylim=centre[1] + np.array([-2, 2]), title=f"gap {gaps[n]:.2f} nats")
    axes.set_aspect("equal")
show(figure, "posteriors")

# %% [markdown]
# Grey is the posterior. The ellipses are one and two standard deviations of the encoder's normal. The gap has two
# parts. The *family gap* arises where the posterior is far from any normal with independent coordinates: it is curved,
# or has two modes, because the image could be either of two digits. The *amortisation gap* arises where a better normal
# exists, but the encoder, one network for all images, does not find it (Cremer, Li and Duvenaud 2018).
#
# With more dimensions a grid is not feasible. Importance sampling is. With $z_1, \dots, z_K$ from the encoder, weight
# each by $w_k = p(x, z_k) / q(z_k \mid x)$. The expectation of the mean weight is $p(x)$. The logarithm of the mean
# weight is below $\log p(x)$ on average, and approaches it as $K$ grows (Burda, Grosse and Salakhutdinov 2016). With $K
# = 1$ it is the ELBO.

# %%
marginal = inference.log_marginal(two_dimensional, digits, num_samples=5000)
bounds = {K: -inference.log_marginal(two_dimensional, digits, num_samples=K).nats_per_example for K in (5, 50)}
bounds[5000] = -marginal.nats_per_example
print(marginal)
print({"ELBO": round(split.elbo_nats_per_example, 3), **{K: round(b, 3) for K, b in bounds.items()}}, end=" ")
print(f"grid {log_p.mean():.3f}")
differences = log_p - marginal.log_p
worst = differences.argmax()
mean, sd = latents.encode(two_dimensional, digits[[worst]])
is_far = (((codes - mean) / sd) ** 2).sum(1) > 3.5**2
far_mass = softmax(log_joint(digits[[worst]])[0])[is_far].sum()
print(f"grid less 5000 draws: {differences.mean():.3f} nats on average, {np.median(differences):.3f} in the median;")
print(f"{differences[worst]:.1f} for one image, where an error of {marginal.errors[worst]:.2f} is reported:", end=" ")
print(f"{far_mass:.0%} of its posterior is more than 3.5 standard deviations away from the encoder's mean")
assert far_mass > 0.5
assert (
    split.elbo_nats_per_example < bounds[5] < bounds[50] < bounds[5000] < log_p.mean() + 4 * marginal.monte_carlo_error
)
assert bounds[5000] > log_p.mean() - 0.03
assert np.median(np.abs(differences)) < 2 * np.median(marginal.errors)

# %% [markdown]
# With 5000 draws the estimate is within a few hundredths of a nat of the grid. It is the number to report, and to
# compare models by. For most images the error is about as large as reported. An exception is a posterior with a second
# mode that the encoder's normal does not reach: no draw falls there, so the weights do not reveal it. A standard error
# computed from draws reflects only the regions that were sampled. The estimate is then too low, so it does not
# overstate the model.
#
# ## What the ELBO does not show: the meaning of codes
#
# The ELBO depends on the images and on the prior of the codes, but not on what the codes *mean*. To see this, rotate
# each code about the origin, by an angle proportional to its distance from the origin. This swirl does not change the
# prior, because it preserves distances from the origin and areas. Let the encoder apply the swirl to its draws, and the
# decoder first undo it.


# %%
def swirl(z, angle=4.0):
    """Rotate codes (N, 2) about the origin, by ``angle`` radians for each unit of distance."""
    c = z[:, 0] + 1j * z[:, 1]
    c *= np.exp(1j * angle * np.abs(c))
    return np.stack([c.real, c.imag], 1)


def accuracy(codes, test):
    """The share of test images that have the label whose mean code is nearest to theirs."""
    centres = np.stack([codes[labels["train"] == c].mean(0) for c in range(10)])
    return (np.linalg.norm(test[:, None] - centres, axis=2).argmin(1) == labels["test"]).mean()


z = np.random.default_rng(0).normal(size=(2000, 2))
step = 1e-5 * np.eye(2)
jacobian = np.stack([(swirl(z + d) - swirl(z - d)) / 2e-5 for d in step], -1)
prior_change = np.abs((swirl(z) ** 2).sum(1) - (z**2).sum(1)).max()
area_change = np.abs(np.linalg.det(jacobian) - 1).max()
pixel_change = np.abs(latents.decode(two_dimensional, swirl(swirl(z), -4.0)) - latents.decode(two_dimensional, z)).max()
print(f"largest change of the prior {prior_change:.0e}, of an area {area_change:.0e}, of a pixel {pixel_change:.0e}")
assert max(prior_change, area_change) < 1e-6
assert pixel_change < 1e-4

means = {"as trained": [latents.encode(two_dimensional, x).mean for x in (train.binarise(0), digits)]}
means["swirled"] = [swirl(z) for z in means["as trained"]]
accuracies = {name: accuracy(*pair) for name, pair in means.items()}
print("digits classified by the nearest mean code:", {name: f"{share:.0%}" for name, share in accuracies.items()})
assert accuracies["swirled"] < accuracies["as trained"] - 0.2

# %%
figure = Figure((8.4, 3.9), layout="constrained")
for axes, (name, (_, test)) in zip(figure.subplots(1, 2, sharex=True, sharey=True), means.items(), strict=True):
    axes.scatter(*test.T, c=labels["test"], cmap="tab10", s=12, linewidth=0)
    title = f"{name}: {accuracies[name]:.0%} correct by the nearest mean"
    axes.set(title=title, xlabel="z[0]", ylabel="z[1]", aspect="equal")
    axes.label_outer()
show(figure, "swirled")

# %% [markdown]
# Every image has the same $p(x)$ as before and, with the swirled encoder, the same ELBO, draw by draw. But the digits
# are now mixed. The useful structure of the codes of a VAE is not due to the likelihood. It comes from the networks,
# which prefer smooth functions, and from encoders with a simple family. Evaluate codes by the task that they are used
# for.
#
# ## What the ELBO does not show: unused dimensions
#
# More dimensions retain more of an image. The next fits have eight. In the second fit the KL divergence has twice the
# weight (`beta=2`; Higgins et al. 2017), so its codes are closer to the prior and its images are worse.

# %%
vae = zoo.load("vae", Z=8, width=64)
options = {"num_epochs": 50, "learning_rate": 5e-3}
beta_1 = inference.fit(vae, train, "svi", **options)
beta_2 = inference.fit(vae, train, "svi", beta=2.0, **options)
splits = {"beta 1": inference.elbo_split(beta_1, digits), "beta 2": inference.elbo_split(beta_2, digits)}
informative = {name: int((split.kl_by_dimension["z"] > 0.1).sum()) for name, split in splits.items()}
for name, split in splits.items():
    print(f"{name}: {split}; {informative[name]} with a KL above 0.1 nats")
assert informative["beta 2"] < informative["beta 1"] - 2
assert splits["beta 2"].kl_nats_per_example < splits["beta 1"].kl_nats_per_example / 2

# %%
figure = Figure((8.4, 3.2), layout="constrained")
for axes, (name, split) in zip(figure.subplots(1, 2, sharey=True), splits.items(), strict=True):
    colours = np.where(split.variances["z"] > 0.01, FIT_COLOURS[0], FIT_COLOURS[1])
    axes.bar(np.arange(8), split.kl_by_dimension["z"], color=colours)
    axes.set(title=f"{name}: {split.active_units} of 8 count as active", xlabel="dimension", ylabel="KL in nats")
    axes.label_outer()
show(figure, "units")

# %% [markdown]
# One value of the ELBO is compatible with many pairs of reconstruction and KL. Report both, and the KL of each
# dimension. A dimension with zero KL carries no information: its posterior equals its prior for every image. This is
# called *posterior collapse*. Burda, Grosse and Salakhutdinov (2016) count a dimension as *active* if its posterior
# mean has a variance above 0.01 over images; others are orange. The KL is more informative than this count: with
# `beta=2` three dimensions carry all information. Collapse is not always a failure of optimisation. Where the decoder
# does not benefit from a dimension, the best $q$ *is* the prior. For `linear_vae` this holds exactly for directions
# whose variance is at most $\sigma^2$ (Lucas et al. 2019).
#
# A traversal shows collapse. Each line varies one dimension of a code of `beta=2` from -3 to 3, with the others at 0.
# The lines are ordered by KL.

# %%
show(figures.traversals(beta_2, dims=np.argsort(-splits["beta 2"].kl_by_dimension["z"]).tolist()), "traversals")

# %% [markdown]
# ## Importance-weighted training
#
# The weighted bound is closer to $\log p(x)$ than the ELBO, so one can maximise it instead. This is the
# importance-weighted autoencoder, with `objective="iwae"`. The networks and the steps are the same; only $K$ differs.

# %%
weighted = {"objective": "iwae", "gradient": "doubly_reparameterised"}
trained = {1: beta_1, 50: inference.fit(vae, train, "svi", num_particles=50, **weighted, **options)}
results = {}
for K, fit in trained.items():
    split = splits["beta 1"] if K == 1 else inference.elbo_split(fit, digits)
    marginal = inference.log_marginal(fit, digits)
    results[f"K = {K}"] = {
        "elbo": split.elbo_nats_per_example,
        "reconstruction": split.reconstruction_nats_per_example,
        "KL": split.kl_nats_per_example,
        "active": split.active_units,
        "-log p": marginal.nats_per_example,
        "error": marginal.monte_carlo_error,
        "few draws": marginal.num_unreliable,
    }
table = pd.DataFrame(results).T
print(table.round(3))
assert table["-log p"].is_monotonic_decreasing
assert table["elbo"].is_monotonic_decreasing

# %% [markdown]
# By the ELBO, training with $K = 50$ gives the worse of the two fits. By $\log p(x)$ it gives the better, on the same
# test images, with a difference far above the error of the estimates. The ELBO evaluates the model *and* the encoder,
# and does not separate them.
#
# The reason is that the ELBO penalises a decoder whose posteriors the encoder cannot match, so training prefers models
# with simple posteriors. With $K$ draws $q$ only needs to cover the posterior with some of them. The encoder is then a
# proposal distribution and no longer an approximation of the posterior. The gaps show it:

# %%
gaps = {K: inference.inference_gap(trained[K], digits, rows=40, steps=200, num_samples=1000) for K in (1, 50)}
for K, gap_of_fit in gaps.items():
    print(f"K = {K}: {gap_of_fit}")
assert gaps[1].amortisation_gap.nats_per_example > gaps[1].family_gap.nats_per_example
for name in ("amortisation_gap", "family_gap"):
    low, high = getattr(gaps[1], name), getattr(gaps[50], name)
    assert 3 * low.monte_carlo_error < low.nats_per_example < high.nats_per_example - 3 * high.monte_carlo_error

# %% [markdown]
# Here the ELBO of each of forty images was maximised over a separate normal, with the decoder fixed. The increase is
# the amortisation gap. The remaining distance to $\log p(x)$ is the family gap, which is slightly underestimated,
# because $\log p(x)$ is estimated by draws. At $K = 1$ most of the gap is due to the encoder, so a better encoder would
# help. At $K = 50$ both gaps are large, because the objective does not penalise them. For codes, refine them or use
# weighted draws; for likelihoods, this fit is the best.
#
# ## The gradient of the weighted bound
#
# As $K$ grows, the bound depends less and less on $q$. The mean of the plain gradient for the encoder then decreases
# faster than its noise (Rainforth et al. 2018). The *doubly reparameterised* gradient (Tucker et al. 2019) has the same
# mean and a better signal-to-noise ratio. A small example shows it: $z \sim \mathrm{Normal}(0, 1)$,
# $x \mid z \sim \mathrm{Normal}(z, 1)$, $x = 2$, and $q = \mathrm{Normal}(m, s^2)$ near the posterior. With normalised
# weights $\bar w_k$ the two gradients for $m$ are
#
# $$\sum_k \bar w_k \frac{\partial \log p(x, z_k)}{\partial z_k} \qquad \text{and} \qquad
# \sum_k \bar w_k^2 \, \frac{\partial}{\partial z_k} \log \frac{p(x, z_k)}{q(z_k)}.$$

# %%
rng, x, m, s = np.random.default_rng(0), 2.0, 0.8, 0.8
rows = {}
for K in (1, 10, 100, 1000):
    z = m + s * rng.normal(size=(4000, K))
    w = softmax(-(z**2) / 2 - (x - z) ** 2 / 2 + ((z - m) / s) ** 2 / 2, axis=1)
    slope = x - 2 * z  # of log p(x, z)
    for name, g in (("plain", (w * slope).sum(1)), ("doubly", (w**2 * (slope + (z - m) / s**2)).sum(1))):
        rows[name, K] = {"mean": g.mean(), "error": g.std() / np.sqrt(len(g)), "signal to noise": g.mean() / g.std()}
gradients = pd.DataFrame(rows).T
print(gradients.unstack(0).swaplevel(axis=1).sort_index(axis=1).round(4).to_string())
plain, doubly = gradients.loc["plain"], gradients.loc["doubly"]
assert (np.abs(plain["mean"] - doubly["mean"]) < 4 * np.hypot(plain["error"], doubly["error"])).all()
assert doubly.loc[1000, "signal to noise"] > 10 * plain.loc[1000, "signal to noise"]

# %% [markdown]
# The means agree within their errors. As $K$ grows, the signal-to-noise ratio of the plain gradient decreases, and that
# of the doubly reparameterised gradient increases. With $K = 1$ the latter is `sticking_the_landing`.
#
# ## Missing pixels
#
# A missing pixel is NaN. The likelihood leaves it out, which is exact where pixels are missing at random (tutorial 3).
# So a model of complete images also predicts one half of an image given the other. The encoder gives one answer, but it
# was trained on complete images and treats a missing pixel as zero. The posterior of the code given the upper half is
# available on the grid, without training.

# %%
half = digits.copy()
half[:, P // 2 :] = np.nan
log_joint_half = log_joint(half)
weights = softmax(log_joint_half, axis=1)
predictions = {
    "mean image": np.tile(train[:].mean(0), (len(digits), 1)),
    "encoder": latents.reconstruct(two_dimensional, half),
    "posterior": weights @ pixel,
}
lower = digits[:, P // 2 :]
loss = {}
for name, prediction in predictions.items():
    p = np.clip(prediction[:, P // 2 :].astype(float), 1e-3, 1 - 1e-3)
    loss[name] = -(lower * np.log(p) + (1 - lower) * np.log1p(-p)).sum(1).mean()
loss["posterior, joint"] = -(log_p - logsumexp(log_joint_half, axis=1)).mean()
print("nats for the lower half:", {name: round(float(value), 2) for name, value in loss.items()})
assert loss["posterior, joint"] < loss["posterior"] < loss["mean image"] < loss["encoder"]

# %%
ten = np.linspace(0, len(digits) - 1, 10).astype(int)
draws = [pixel[[rng.choice(len(codes), p=weights[n] / weights[n].sum()) for n in ten]] for _ in range(3)]
lines = {
    "image": digits[ten],
    "observed": half[ten],
    "encoder": predictions["encoder"][ten],
    "posterior": predictions["posterior"][ten],
    **{f"draw {i + 1}": draw for i, draw in enumerate(draws)},
}
show(image_table(np.stack(list(lines.values())), (8, 8), (0, 1), rows=list(lines)), "halves")

# %% [markdown]
# A lower number is a better prediction. The encoder is worse than the mean image of all digits, because half an image
# is unlike its training data. The mean of the posterior is blurred where the upper half is compatible with several
# digits; single draws of the code are not. The last number is the lowest because pixels are independent only given the
# code: the joint distribution of the lower half is more informative than the distributions of its pixels.
#
# ## The other backend
#
# Weights are the same arrays in both backends. Pyro can read the NumPyro fit above and returns the same codes. It can
# also continue the training.

# %%
with tempfile.TemporaryDirectory() as folder:
    beta_1.save(Path(folder) / "beta_1")
    in_pyro = inference.load(Path(folder) / "beta_1", backend="pyro")
difference = np.abs(latents.encode(in_pyro, digits).mean - latents.encode(beta_1, digits).mean).max()
print(f"largest difference of a code between the backends: {difference:.0e}")
assert difference < 1e-4

continued = inference.fit(
    zoo.load("vae", backend="pyro", Z=8, width=64), train, "svi", num_epochs=3, learning_rate=1e-3, start=beta_1.state
)
before, after = (fit.diagnostics["epochs"]["bound_nats_per_row"] for fit in (beta_1, continued))
print(
    f"nats per image in the last epochs of NumPyro: {before[-3:].round(2)}, and in the next, by Pyro: {after.round(2)}"
)
assert np.abs(after - before[-1]).max() < 0.5

# %% [markdown]
# ## Summary
#
# - An ELBO is $\log p(x)$ minus a gap of unknown size. A higher ELBO can mean a better model, or a better $q$ for the
#   same model, or even for a worse one.
# - Compare models by `inference.held_out`, on rows that were not used for training. It uses importance sampling, and
#   reports its error and the rows for which it is unreliable.
# - Report reconstruction and KL, and the KL of each dimension, and plot traversals.
# - The networks determine what codes mean. No bound evaluates it.
# - IWAE gives a better model with a worse encoder. Use it with `gradient="doubly_reparameterised"`.
# - Missing pixels are left out of the likelihood. The encoder's prediction of them is only a guess.
#
# ## Exercises
#
# 1. Give `linear_vae` eight dimensions and rotate its $W$ by a random orthogonal matrix. The likelihood does not
#    change. How much does the best encoder with independent coordinates lose? (Its variances are the reciprocals of the
#    diagonal of the posterior's precision.)
# 2. Train `two_dimensional` with `depth=0`: a linear decoder of log-odds. How many nats do two hidden layers gain?
# 3. Increase the weight of the KL slowly: `warm_up=0.5` with `beta=2`. Are there more active dimensions at the end? Is
#    the ELBO better?
# 4. Use the encoder of `trained[50]` as a proposal: encode an image by weighting 50 draws, and decode their weighted
#    mean. Compare it with `reconstruct`.
# 5. Train `two_dimensional` on `datasets.observed("digits_static").astype(float)` with NaN in the lower half of every
#    other image. Does the encoder learn to predict it?
# 6. Train with `objective="iwae"`, `num_particles=50` and the reparameterised gradient. How does the result differ from
#    that of the doubly reparameterised gradient?

# %% [markdown]
# ## References
#
# - Alpaydin, E. and Kaynak, C. (1998). Optical recognition of handwritten digits. UCI Machine Learning Repository.
# - Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). Importance weighted autoencoders. International Conference on
#   Learning Representations.
# - Cremer, C., Li, X. and Duvenaud, D. (2018). Inference suboptimality in variational autoencoders. International
#   Conference on Machine Learning.
# - Higgins, I. et al. (2017). beta-VAE: learning basic visual concepts with a constrained variational framework.
#   International Conference on Learning Representations.
# - Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes. International Conference on Learning
#   Representations.
# - Lucas, J., Tucker, G., Grosse, R. and Norouzi, M. (2019). Don't blame the ELBO! A linear VAE perspective on
#   posterior collapse. Advances in Neural Information Processing Systems 32.
# - Rainforth, T. et al. (2018). Tighter variational bounds are not necessarily better. International Conference on
#   Machine Learning.
# - Rezende, D. J., Mohamed, S. and Wierstra, D. (2014). Stochastic backpropagation and approximate inference in deep
#   generative models. International Conference on Machine Learning.
# - Roeder, G., Wu, Y. and Duvenaud, D. (2017). Sticking the landing: simple, lower-variance gradient estimators for
#   variational inference. Advances in Neural Information Processing Systems 30.
# - Salakhutdinov, R. and Murray, I. (2008). On the quantitative analysis of deep belief networks. International
#   Conference on Machine Learning.
# - Tipping, M. E. and Bishop, C. M. (1999). Probabilistic principal component analysis. Journal of the Royal
#   Statistical Society B 61.
# - Tucker, G., Lawson, D., Gu, S. and Maddison, C. J. (2019). Doubly reparameterized gradient estimators for Monte
#   Carlo objectives. International Conference on Learning Representations.
