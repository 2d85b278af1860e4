# %% [markdown]
# # Variational autoencoders: from principal components to networks, and how to see what one has
#
# One data set of small images, first with a matrix for a decoder, where all can be computed, then with a network, where
# nothing can, and the question that is left: how good is it? Every number below is computed where it stands. Figures
# are kept in the folder that the environment variable `FIGURES` names (else in `figures/`).

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
# `digits`: handwritten digits of 8 by 8 pixels, whose ink goes from 0 to 16 (Alpaydin and Kaynak 1998). 1500 are for
# training, 297 for testing: nothing is ever fitted to these.
#
# The first model is for real numbers and takes the ink as it is. The others are for black and white. `digits_dynamic`
# gives them the ink as a probability: each look at an image draws its pixels anew, 1 with probability ink / 16
# (Salakhutdinov and Murray 2008). Of the test images one draw is taken, once and for all.

# %%
ink = datasets.observed("digits", "train").to_numpy(float)
ink = ink[:, ink.std(0) > 0]  # corner pixels that nobody ever wrote on
train, digits = datasets.observed("digits_dynamic", "train"), datasets.observed("digits_dynamic", "test").drawn(0)
labels = {part: datasets.labels("digits_dynamic", part) for part in ("train", "test")}
(N, D), P = ink.shape, digits.shape[1]
print(f"ink: {N} images of {D} pixels that vary; black and white: {len(train)} and {len(digits)} images of {P} pixels")

# %% [markdown]
# ## A matrix for a decoder
#
# *Probabilistic PCA* says that an image is a plane's point and noise: $z_n \sim \mathrm{Normal}(0, I_Z)$, $x_n \mid z_n
# \sim \mathrm{Normal}(W z_n + \mu, \sigma^2 I)$. Its likelihood has a formula and EM climbs it (Tipping and Bishop
# 1999; tutorial 2). Now forget that formula. For any density $q$ of the codes
#
# $$\log p(x) = \underbrace{\mathbb{E}_{q(z)} \big[ \log p(x, z) - \log q(z) \big]}_{\mathrm{ELBO}} +
# \mathrm{KL} \big( q(z) \,\|\, p(z \mid x) \big).$$
#
# A KL divergence is never negative, so that the first term, the *evidence lower bound*, is below $\log p(x)$, by as
# much as $q$ differs from the posterior. It can be estimated by draws from $q$, without any integral. A *variational
# autoencoder* (Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014) maximises it in both at once: in the
# parameters of the *decoder* $p(x \mid z)$, and in those of an *encoder*, one function that makes for each image its
# $q(z \mid x)$, a normal with independent coordinates.
#
# `linear_vae` is the least of them. The decoder is the matrix of PPCA; the encoder is linear too, with one standard
# deviation for each coordinate. We train it three times, twice too short.

# %%
ppca = inference.fit(zoo.load("probabilistic_pca", Z=2), ink, engine="em")
top = ppca.log_likelihood().mean()
fits = {
    steps: inference.fit(
        zoo.load("linear_vae", Z=2),
        ink,
        engine="svi",
        num_steps=steps,
        batch_size=N,  # all images in each step
        learning_rate=optax.cosine_decay_schedule(0.1, 1000),
        gradient="sticking_the_landing",  # of which more below
    )
    for steps in (10, 20, 1000)
}
whole = fits[1000]


def gap(fit):
    """KL(q || posterior) of each row, in nats: the posterior of a linear model is a normal that is known."""
    (mean, sd), exact = latents.encode(fit), fit.local()["z"]
    precision, apart = np.linalg.inv(exact.covariance), mean - exact.mean
    spread = (sd**2 * np.diagonal(precision, 0, 1, 2)).sum(1) - 2 * np.log(sd).sum(1)
    shift = np.einsum("ni,nij,nj->n", apart, precision, apart)
    return (spread + shift - mean.shape[1] + np.linalg.slogdet(exact.covariance)[1]) / 2


told = pd.DataFrame(
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
print("nats per image:", told.round(4), f"log p at EM's maximum: {top:.4f}", sep="\n")
assert gap(whole).mean() < 1e-3 < 0.5 < gap(fits[20]).mean()
assert abs(told.loc["1000 steps", "elbo"] - top) < 1e-3
assert told.loc["20 steps", "elbo"] > told.loc["10 steps", "elbo"] + 1
assert told.loc["20 steps", "log p"] < told.loc["10 steps", "log p"] - 1

# %% [markdown]
# Stopped early, the ELBO is short of the maximum for two reasons that it does not tell apart: the parameters could be
# better, and $q$ is not yet the posterior. From the tenth step to the twentieth it rises though the model becomes
# *worse*: the encoder is catching up. At the end both reasons are gone. The ELBO *is* the log-likelihood, and that is
# EM's. So is the rest: the matrix spans the same plane, and the encoder gives each image the mean of its posterior.

# %%
angle = factors.angles(whole, ppca.params["W"]).max()
off = np.abs(latents.encode(whole).mean - whole.local()["z"].mean).max()
gram = whole.params["W"].T @ whole.params["W"]
print(
    f"largest angle between the planes of W: {angle:.4f} radians; largest distance of a code from its mean: {off:.4f}"
)
print("W'W:", gram.round(1).tolist())
assert angle < 0.01
assert off < 0.01
assert abs(gram[0, 1]) < 0.02 * gram[0, 0]

figure = Figure((9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
left.semilogy(np.maximum(top - whole.trace / N, 1e-5), color=FIT_COLOURS[0], linewidth=1)
left.set(xlabel="step", ylabel="nats per image", title="EM's log-likelihood less the ELBO by draws")
for (steps, fit), color in zip(fits.items(), (FIT_COLOURS[1], FIT_COLOURS[2], FIT_COLOURS[0]), strict=True):
    of_each = fit.local()["z"].mean[:, 0], latents.encode(fit).mean[:, 0]
    right.plot(*of_each, ".", color=color, markersize=3, label=f"{steps} steps")
right.axline((0, 0), slope=1, color="0.7", linewidth=0.8, zorder=0)
right.set(xlabel="mean of the posterior", ylabel="mean by the encoder", title="the first number of each code")
right.legend(markerscale=3)
show(figure, "linear")

# %% [markdown]
# In one thing it says more than PPCA, whose axes may be turned at will. Coordinates that are independent given an image
# need a $W^\top W$ that is diagonal; so the ELBO prefers those axes (Lucas et al. 2019), and its long shelf on the left
# is where they are still being turned. There is nothing in the likelihood for it: what the encoder can express has its
# say in what is learned.
#
# `sticking_the_landing` (Roeder, Wu and Duvenaud 2017) is why a stochastic climb ends so near the top. It leaves a term
# out of the gradient whose mean is zero, and what remains is without noise where $q$ is the posterior.
#
# ## A network for a decoder
#
# A plane is a poor place for digits. `vae` puts networks in place of the matrices, here with two layers of 64 units on
# either side, and a Bernoulli for each pixel. The code has two numbers still, so that one can look at all of it.

# %%
flat = inference.fit(
    zoo.load("vae", Z=2, width=64), train, "svi", num_epochs=100, learning_rate=5e-3, held_out=0.1, seed=1
)
show(figures.training(flat), "training")

# %%
show(figures.reconstructions(flat, digits, count=12), "reconstructions")

# %% [markdown]
# Training goes as it should: the bound rises, quickly and then slowly, and on images held out nearly as on the others.
# Reconstructions are of test images: above what was seen, below the probability of a one that the decoder gives to each
# pixel at the mean code. Two numbers are few; what is left of an image is its broad shape.
#
# The map of codes has a point for each test image, the mean of its code, and the colour of a label that the model has
# never seen. The board under it walks over that map, in even steps of the prior's probability, and decodes each point.

# %%
show(figures.codes(flat, digits, labels["test"]), "codes")

# %%
side = ndtri(np.linspace(0.03, 0.97, 12))
walk = np.stack(np.meshgrid(side, side[::-1]), -1).reshape(-1, 2)  # as the map is drawn: z[1] upwards
walked = latents.decode(flat, walk).reshape(12, 12, P)
words = [f"{v:+.1f}" for v in side]
show(image_table(walked, (8, 8), (0, 1), rows=[f"z[1] = {w}" for w in words[::-1]], columns=words), "plane")

# %%
new = [latents.sample(flat, 24, seed=1, mean=mean).reshape(2, 12, P) for mean in (True, False)]
lines = np.stack(new, 1).reshape(4, 12, P)
show(image_table(lines, (8, 8), (0, 1), rows=["decoded", "pixels drawn"] * 2), "samples")

# %% [markdown]
# These are *new* digits: codes from the prior, decoded, and under each what comes of it when the pixels are drawn too,
# as in the data. Some would pass; those between two regions of the map are neither the one nor the other.
#
# ## What the ELBO hides: how far below it is
#
# With two numbers in a code the integral can still be had by brute force, on a fine grid of codes:
# $p(x) \approx \sum_g p(z_g) \, p(x \mid z_g) \, \Delta$.

# %%
axis = np.linspace(-5, 5, 161)
codes = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
pixel = np.clip(latents.decode(flat, codes).astype(float), 1e-7, 1 - 1e-7)
log_prior = -(codes**2).sum(1) / 2 - np.log(2 * np.pi) + 2 * np.log(axis[1] - axis[0])


def log_joint(x):
    """log p(x, z) of each row (N, D) and each code of the grid, (N, G), without the pixels that are missing."""
    seen = ~np.isnan(x)
    ones = np.where(seen, x, 0)
    return ones @ np.log(pixel).T + (seen - ones) @ np.log1p(-pixel).T + log_prior


log_p = logsumexp(log_joint(digits), axis=1)
split = inference.elbo_split(flat, digits)
below = log_p - split.elbo
print(split)
print(f"log p by the grid: {log_p.mean():.3f} nats per image, {below.mean():.3f} above the ELBO;", end=" ")
print(f"for half of the images by less than {np.median(below):.2f}, for one by {below.max():.1f}")
assert below.min() > -5 * split.errors.max()
assert below.mean() > 0.1

# %% [markdown]
# The ELBO is *reconstruction*, the log-probability of the image given codes drawn for it, less the *KL divergence* of
# these codes from the prior. It is short of $\log p(x)$ for every image, by very different amounts. The posterior is on
# the grid too, so that we can look at where it fails: at an image of an ordinary gap, and at three of large ones.

# %%
order = np.argsort(below)
some = order[[len(order) // 2, -12, -5, -1]]
mean, sd = latents.encode(flat, digits[some])
figure = Figure((10, 2.9), layout="constrained")
around = np.linspace(0, 2 * np.pi, 200)
for axes, n, m, s in zip(figure.subplots(1, 4), some, mean, sd, strict=True):
    density = softmax(log_joint(digits[[n]])[0]).reshape(len(axis), -1)
    axes.contourf(axis, axis, density / density.max(), levels=[0.05, 0.2, 0.4, 0.6, 0.8, 1], cmap="Greys")
    for width in (1, 2):
        axes.plot(m[0] + width * s[0] * np.cos(around), m[1] + width * s[1] * np.sin(around), color=FIT_COLOURS[1])
    inside = axes.inset_axes((0.02, 0.72, 0.26, 0.26))
    inside.imshow(digits[n].reshape(8, 8), cmap="gray")
    inside.set(xticks=[], yticks=[])
    centre = (codes * density.reshape(-1, 1)).sum(0)
    axes.set(xlim=centre[0] + np.array([-2, 2]), ylim=centre[1] + np.array([-2, 2]), title=f"gap {below[n]:.2f} nats")
    axes.set_aspect("equal")
show(figure, "posteriors")

# %% [markdown]
# Grey is the posterior, the ellipses are one and two standard deviations of the encoder's normal. There are two ways to
# lose. The posterior has a shape that no such normal has: bent, or in two pieces, where an image could be either of two
# digits. That is the *family gap*. Or a better normal was there, and the encoder, which has to serve all images with
# one network, did not find it: the *amortisation gap* (Cremer, Li and Duvenaud 2018).
#
# With more than a few numbers in a code there is no grid. What there is are draws: with $z_1, \dots, z_K$ from the
# encoder, weigh each by $w_k = p(x, z_k) / q(z_k \mid x)$. The mean weight is $p(x)$ in expectation; the logarithm of
# the mean weight is below $\log p(x)$ on average, and approaches it as $K$ grows (Burda, Grosse and Salakhutdinov
# 2016). With $K = 1$ it is the ELBO again.

# %%
found = inference.log_marginal(flat, digits, num_samples=5000)
bounds = {K: -inference.log_marginal(flat, digits, num_samples=K).nats_per_example for K in (5, 50)}
bounds[5000] = -found.nats_per_example
print(found)
print({"ELBO": round(split.elbo_nats_per_example, 3), **{K: round(b, 3) for K, b in bounds.items()}}, end=" ")
print(f"grid {log_p.mean():.3f}")
short = log_p - found.log_p
worst = short.argmax()
mean, sd = latents.encode(flat, digits[[worst]])
far = (((codes - mean) / sd) ** 2).sum(1) > 3.5**2
out_of_reach = softmax(log_joint(digits[[worst]])[0])[far].sum()
print(f"the grid less 5000 draws: {short.mean():.3f} nats on average, {np.median(short):.3f} for half of the images")
print(f"for one it is {short[worst]:.1f}, where an error of {found.errors[worst]:.2f} is reported;", end=" ")
print(f"{out_of_reach:.0%} of its posterior is more than 3.5 standard deviations away from the encoder's mean")
assert out_of_reach > 0.5
assert split.elbo_nats_per_example < bounds[5] < bounds[50] < bounds[5000] < log_p.mean() + 4 * found.monte_carlo_error
assert bounds[5000] > log_p.mean() - 0.03
assert np.median(np.abs(short)) < 2 * np.median(found.errors)

# %% [markdown]
# With 5000 draws the estimate is within a few hundredths of a nat of the grid. It is what one should report, and
# compare models by. For most images it is off by about its own error, but not for all: where the posterior has a second
# piece and the encoder's normal does not reach it, no draw comes there, and nothing in the weights tells of it. An
# error that is computed from draws knows of what was drawn. The estimate is then too low, so that it flatters no model.
#
# ## What the ELBO hides: what a code means
#
# The ELBO looks at images, and at the prior of the codes; what the codes *are* it does not see. Take a whirl: turn each
# code about the origin, by an angle that grows with its distance from there. The prior does not change by it, for
# distances stay, and so do areas. Let the decoder undo the whirl first, and the encoder's draws go through it.


# %%
def whirl(z, angle=4.0):
    """Turn codes (N, 2) about the origin, by ``angle`` radians for each unit of distance."""
    c = z[:, 0] + 1j * z[:, 1]
    c *= np.exp(1j * angle * np.abs(c))
    return np.stack([c.real, c.imag], 1)


def read(codes, test):
    """How many test images have the label whose mean code is nearest to theirs."""
    centres = np.stack([codes[labels["train"] == c].mean(0) for c in range(10)])
    return (np.linalg.norm(test[:, None] - centres, axis=2).argmin(1) == labels["test"]).mean()


z = np.random.default_rng(0).normal(size=(2000, 2))
step = 1e-5 * np.eye(2)
slopes = np.stack([(whirl(z + d) - whirl(z - d)) / 2e-5 for d in step], -1)
prior_moves = np.abs((whirl(z) ** 2).sum(1) - (z**2).sum(1)).max()
area_moves = np.abs(np.linalg.det(slopes) - 1).max()
undone = latents.decode(flat, whirl(whirl(z), -4.0)) - latents.decode(flat, z)
print(
    f"largest change of the prior {prior_moves:.0e}, of an area {area_moves:.0e}, of a pixel {np.abs(undone).max():.0e}"
)
assert max(prior_moves, area_moves) < 1e-6
assert np.abs(undone).max() < 1e-4

means = {"as trained": [latents.encode(flat, x).mean for x in (train.drawn(0), digits)]}
means["whirled"] = [whirl(z) for z in means["as trained"]]
right = {name: read(*pair) for name, pair in means.items()}
print("digits told by the nearest mean code:", {name: f"{share:.0%}" for name, share in right.items()})
assert right["whirled"] < right["as trained"] - 0.2

# %%
figure = Figure((8.4, 3.9), layout="constrained")
for axes, (name, (_, test)) in zip(figure.subplots(1, 2, sharex=True, sharey=True), means.items(), strict=True):
    axes.scatter(*test.T, c=labels["test"], cmap="tab10", s=12, linewidth=0)
    axes.set(title=f"{name}: {right[name]:.0%} told by the nearest mean", xlabel="z[0]", ylabel="z[1]", aspect="equal")
    axes.label_outer()
show(figure, "whirled")

# %% [markdown]
# Every image has the same $p(x)$ as before and, with that encoder, the same ELBO, draw by draw. And yet the digits are
# stirred together. Whatever is pleasant about the codes of a VAE came from networks, which like smooth functions, and
# from encoders that can only say "about here", not from the likelihood of any image. Codes are to be judged by what
# they are used for.
#
# ## What the ELBO hides: codes that are not used
#
# More numbers in a code, more is kept of an image: eight in place of two. The second of these fits was told that the KL
# divergence counts twice (`beta=2`; Higgins et al. 2017), which buys codes nearer to the prior with worse images.

# %%
vae = zoo.load("vae", Z=8, width=64)
training = {"num_epochs": 50, "learning_rate": 5e-3}
plain = inference.fit(vae, train, "svi", **training)
heavy = inference.fit(vae, train, "svi", beta=2.0, **training)
splits = {"beta 1": inference.elbo_split(plain, digits), "beta 2": inference.elbo_split(heavy, digits)}
used = {name: int((of.kl_by_dimension["z"] > 0.1).sum()) for name, of in splits.items()}
for name, of in splits.items():
    print(f"{name}: {of}; {used[name]} with a KL above 0.1 nats")
assert used["beta 2"] < used["beta 1"] - 2
assert splits["beta 2"].kl_nats_per_example < splits["beta 1"].kl_nats_per_example / 2

# %%
figure = Figure((8.4, 3.2), layout="constrained")
for axes, (name, of) in zip(figure.subplots(1, 2, sharey=True), splits.items(), strict=True):
    axes.bar(
        np.arange(8), of.kl_by_dimension["z"], color=np.where(of.variances["z"] > 0.01, FIT_COLOURS[0], FIT_COLOURS[1])
    )
    axes.set(title=f"{name}: {of.active_units} of 8 count as active", xlabel="number of the code", ylabel="KL in nats")
    axes.label_outer()
show(figure, "units")

# %% [markdown]
# One ELBO is many pairs of reconstruction and KL, so both should be looked at, and the KL for each number of the code.
# A number whose KL is nothing carries nothing: its posterior is its prior for every image, which is called *posterior
# collapse*. Burda, Grosse and Salakhutdinov (2016) count as *active* the numbers whose posterior mean varies over
# images with a variance above 0.01. The bars say more than the count, which is generous: with `beta=2` three numbers
# carry all there is. Nor is collapse always a failure to optimise. Where the decoder does better without a number, the
# best $q$ for it *is* the prior; so it is in `linear_vae`, exactly, for directions whose variance is not above
# $\sigma^2$ (Lucas et al. 2019).
#
# A traversal shows it. Each line takes one number of a code of `beta=2` from -3 to 3 and leaves the others at 0; the
# lines are ordered by KL.

# %%
show(figures.traversals(heavy, dims=np.argsort(-splits["beta 2"].kl_by_dimension["z"]).tolist()), "traversals")

# %% [markdown]
# ## What importance weights buy
#
# If the weighted bound is nearer to $\log p(x)$, why not climb *it*? That is the importance-weighted autoencoder, with
# `objective="iwae"`. The networks are the same, so are the steps; only $K$ differs.

# %%
weighted = {"objective": "iwae", "gradient": "doubly_reparameterised"}
trained = {1: plain} | {K: inference.fit(vae, train, "svi", num_particles=K, **weighted, **training) for K in (5, 50)}
told = {}
for K, fit in trained.items():
    of = splits["beta 1"] if K == 1 else inference.elbo_split(fit, digits)
    marginal = inference.log_marginal(fit, digits)
    told[f"K = {K}"] = {
        "elbo": of.elbo_nats_per_example,
        "reconstruction": of.reconstruction_nats_per_example,
        "KL": of.kl_nats_per_example,
        "active": of.active_units,
        "-log p": marginal.nats_per_example,
        "error": marginal.monte_carlo_error,
        "few draws": marginal.num_unreliable,
    }
table = pd.DataFrame(told).T
print(table.round(3))
assert table["-log p"].is_monotonic_decreasing
assert table["elbo"].is_monotonic_decreasing

# %% [markdown]
# Now compare the columns. By the ELBO, training with $K = 50$ gave the worst of the three. By $\log p(x)$ it gave the
# best, on the same test images, by far more than the draws were short of the grid above. This is what the ELBO hides:
# it is a score of a model *and* a $q$, and says as much about the one as about the other.
#
# Why is the model better? The ELBO punishes a decoder for a posterior that the encoder cannot follow, so that it learns
# a model whose posteriors are simple, and not the best. With $K$ draws $q$ needs only to hit the posterior now and
# then. But then the encoder is no posterior. Its gap is that of a proposal:

# %%
gaps = {K: inference.inference_gap(trained[K], digits, rows=40, steps=200, num_samples=1000) for K in (1, 50)}
for K, of in gaps.items():
    print(f"K = {K}: {of}")
assert gaps[1].amortisation_gap.nats_per_example > gaps[1].family_gap.nats_per_example
for part in ("amortisation_gap", "family_gap"):
    low, high = getattr(gaps[1], part), getattr(gaps[50], part)
    assert 3 * low.monte_carlo_error < low.nats_per_example < high.nats_per_example - 3 * high.monte_carlo_error

# %% [markdown]
# Here each of forty images was given a normal of its own, which climbed that image's ELBO while the decoder stayed as
# it was: what it gained is the amortisation gap, what is left to $\log p(x)$ the family gap, rather too small, for
# $\log p(x)$ is by draws. At $K = 1$ most of the loss is the encoder's, and a better one is to be had. At $K = 50$ both
# are large, because nobody asked for anything else. Who wants codes should refine them, or weigh draws; who wants a
# likelihood has it.
#
# ## The gradient that comes with it
#
# Importance weights have a price that does not show in the bound. As $K$ grows, the bound depends ever less on $q$, and
# the plain gradient's mean for the encoder shrinks faster than its noise (Rainforth et al. 2018). The *doubly
# reparameterised* gradient (Tucker et al. 2019) has the same mean and keeps its signal. It is seen best where all is
# small: $z \sim \mathrm{Normal}(0, 1)$, $x \mid z \sim \mathrm{Normal}(z, 1)$, $x = 2$, and
# $q = \mathrm{Normal}(m, s^2)$ near the posterior. With normalised weights $\bar w_k$ the two gradients for $m$ are
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
toy = pd.DataFrame(rows).T
print(toy.unstack(0).swaplevel(axis=1).sort_index(axis=1).round(4).to_string())
either = toy.loc["plain"], toy.loc["doubly"]
assert (np.abs(either[0]["mean"] - either[1]["mean"]) < 4 * np.hypot(either[0]["error"], either[1]["error"])).all()
assert either[1].loc[1000, "signal to noise"] > 10 * either[0].loc[1000, "signal to noise"]

# %% [markdown]
# The means agree within their errors. The plain gradient's signal sinks under its noise, the other's rises from it.
# With $K = 1$ the second is `sticking_the_landing`, which we met in the beginning.
#
# ## Half an image
#
# A pixel that nobody saw is NaN, and the likelihood leaves it out, which is exact where pixels are missing at random
# (tutorial 3). So a model of whole images answers for half of one as well: what may the lower half be, given the upper?
# The encoder has an answer, but it was trained on whole images and takes a missing pixel for a zero. The posterior of
# the code given the seen half is on our grid; it needs no training.

# %%
half = digits.copy()
half[:, P // 2 :] = np.nan
given = log_joint(half)
weights = softmax(given, axis=1)
ways = {
    "mean image": np.tile(train[:].mean(0), (len(digits), 1)),
    "encoder": latents.reconstruct(flat, half),
    "posterior": weights @ pixel,
}
lower = digits[:, P // 2 :]
cost = {}
for name, guess in ways.items():
    p = np.clip(guess[:, P // 2 :].astype(float), 1e-3, 1 - 1e-3)
    cost[name] = -(lower * np.log(p) + (1 - lower) * np.log1p(-p)).sum(1).mean()
cost["posterior, all pixels together"] = -(log_p - logsumexp(given, axis=1)).mean()
print("nats for the lower half:", {name: round(float(c), 2) for name, c in cost.items()})
assert cost["posterior, all pixels together"] < cost["posterior"] < cost["mean image"] < cost["encoder"]

# %%
ten = np.linspace(0, len(digits) - 1, 10).astype(int)
draws = [pixel[[rng.choice(len(codes), p=weights[n] / weights[n].sum()) for n in ten]] for _ in range(3)]
lines = {
    "image": digits[ten],
    "seen": half[ten],
    "encoder": ways["encoder"][ten],
    "posterior": ways["posterior"][ten],
    **{f"draw {i + 1}": draw for i, draw in enumerate(draws)},
}
show(image_table(np.stack(list(lines.values())), (8, 8), (0, 1), rows=list(lines)), "halves")

# %% [markdown]
# The lower a number, the less the lower half was a surprise. The encoder is worse than the mean image of all digits,
# which looks at nothing: half an image is unlike anything it was trained on. The posterior's mean is blurred where the
# upper half leaves a choice; single draws of the code choose. The last number is the lowest because given a code pixels
# are independent, but without it they are not: what the model says of the half as a whole is more than what it says of
# each pixel.
#
# ## In the other language
#
# Weights are the same arrays in both backends. What was trained above by NumPyro can be read by Pyro, and answers
# alike; and Pyro can go on training from there.

# %%
with tempfile.TemporaryDirectory() as folder:
    plain.save(Path(folder) / "plain")
    read_in_pyro = inference.load(Path(folder) / "plain", backend="pyro")
difference = np.abs(latents.encode(read_in_pyro, digits).mean - latents.encode(plain, digits).mean).max()
print(f"largest difference of a code between the backends: {difference:.0e}")
assert difference < 1e-4

again = inference.fit(
    zoo.load("vae", backend="pyro", Z=8, width=64), train, "svi", num_epochs=3, learning_rate=1e-3, start=plain.state
)
ended, went_on = (fit.diagnostics["epochs"]["bound_nats_per_row"] for fit in (plain, again))
print(
    f"nats per image in the last epochs of NumPyro: {ended[-3:].round(2)}, and in the next, by Pyro: {went_on.round(2)}"
)
assert np.abs(went_on - ended[-1]).max() < 0.5

# %% [markdown]
# ## What to remember
#
# - An ELBO is $\log p(x)$ less a gap, and does not say how large it is. A rising ELBO can be a better model, or a
#   better $q$ for the same one, or even for a worse.
# - Compare models by `inference.held_out`, on rows they were not trained on: importance sampling, with its error, and
#   with the rows where it cannot be trusted.
# - Look at reconstruction and KL, at the KL of each number of a code, and at pictures of a traversal.
# - Codes mean what the networks make of them. No bound checks it.
# - IWAE buys a better model with a worse encoder. `gradient="doubly_reparameterised"` belongs to it.
# - Missing pixels are left out of the likelihood. The encoder's guess of them is a guess.
#
# ## Exercises
#
# 1. Give `linear_vae` eight numbers and turn its $W$ by a random orthogonal matrix. The likelihood stays. What does the
#    best encoder with independent coordinates lose? (Its variances are one over the diagonal of the posterior's
#    precision.)
# 2. Train `flat` with `depth=0`: a linear decoder of log-odds. How many nats do two hidden layers buy?
# 3. Let the KL rise slowly: `warm_up=0.5` with `beta=2`. Are there more active units at the end? Is the ELBO better?
# 4. Take the encoder of `trained[50]` for what it is, a proposal: encode an image by weighing 50 draws, and decode
#    their weighted mean. Compare it with `reconstruct`.
# 5. Train `flat` on `datasets.observed("digits_static").astype(float)` with NaN in the lower half of every other image.
#    Does the encoder learn to guess?
# 6. Train with `objective="iwae"`, `num_particles=50` and the reparameterised gradient. How far from the doubly
#    reparameterised one does it end?

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
