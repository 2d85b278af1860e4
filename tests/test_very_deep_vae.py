"""The very deep VAE: layouts, the mixture of logistics by sums over its values, grids by NumPy, forty groups."""

import importlib
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

import inference
import zoo
from tests.table import BACKENDS
from zoo._backend import in_backend
from zoo.very_deep_vae.layout import Layout

TINY: dict[str, Any] = {"width": 6, "bottleneck": 3, "channels": 2, "depth": 1}
LEVELS = 4


def images(N=24, D=16):
    return (np.random.default_rng(0).random((N, D)) < np.linspace(0.2, 0.8, D)).astype(float)


def array_module(backend):
    return importlib.import_module({"numpyro": "jax.numpy", "pyro": "torch"}[backend])


def residual_networks(backend):
    return in_backend("zoo._networks.residual", backend)


def test_a_layout_names_its_groups_from_the_top():
    design = Layout.read(" 1x2, 2x1,4x3", D=64)
    assert (design.stages, design.total, design.side, design.colours, design.factor) == (
        ((1, 2), (2, 1), (4, 3)),
        6,
        8,
        1,
        2,
    )
    sizes = {"z6": 2, "z5": 2, "z4": 8, "z3": 32, "z2": 32, "z1": 32}
    assert design.latents(channels=2) == sizes
    lines = zoo.load("very_deep_vae", layout="1x2,2x1,4x3", channels=2).card.latents
    assert lines == {name: f"real [N {size}]" for name, size in sizes.items()}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layout": "1x2;2x4"}, "side x groups"),
        ({"layout": 3}, "side x groups"),
        ({"layout": "1x2,"}, "side x groups"),
        ({"layout": "1x2,2x0"}, "from 1 up"),
        ({"layout": "0x2,2x1"}, "from 1 up"),
        ({"layout": "1x1"}, "vae"),
        ({"layout": "2x2,3x2"}, "side 3 follows 2"),
        ({"layout": "2x2,1x2"}, "side 1 follows 2"),
        ({"layout": "1x2,3x2"}, "does not divide the side 4"),
        ({"shape": (4, 4)}, "shape is"),
        ({"shape": (4, 4, 3)}, "48 numbers"),
        ({"shape": (2, 8, 1)}, "square"),
        ({"width": 0}, "width"),
        ({"bottleneck": 0}, "bottleneck"),
        ({"channels": 0}, "channels"),
        ({"mixtures": 0, "likelihood": "discretised_logistic"}, "mixtures"),
        ({"depth": 0}, "depth"),
        ({"residual": 1}, "residual"),
        ({"likelihood": "gaussian", "sigma": -1.0}, "sigma"),
    ],
    ids=str,
)
def test_bad_settings_are_refused_in_one_line(settings, words):
    with pytest.raises(zoo.ZooError, match=words) as error:
        inference.fit(zoo.load("very_deep_vae", "pyro", **settings), images(), engine="svi", num_steps=1)
    assert "\n" not in str(error.value)


def test_rows_that_are_no_square_are_refused():
    with pytest.raises(zoo.ZooError, match="D=12"):
        inference.fit(zoo.load("very_deep_vae", "pyro"), images(D=12), engine="svi", num_steps=1)


def mixture_of(backend, batch=(2,), P=1, C=2, M=3):
    rng = np.random.default_rng(1)
    arrays = (
        rng.normal(size=(*batch, P, M)),
        rng.normal(1.5, 1.0, size=(*batch, P, C, M)),
        rng.uniform(0.2, 1.0, size=(*batch, P, C, M)),
    )
    module = in_backend("zoo._distributions.logistic_mixture", backend)
    return module.LogisticMixture(*(array_module(backend).asarray(a) for a in arrays), LEVELS)


def log_probs(backend, distribution, values):
    return np.array([np.asarray(distribution.log_prob(array_module(backend).asarray(v))) for v in values])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_mixture_is_a_distribution_of_the_pixel_and_of_each_of_its_colours(backend):
    with in_backend("zoo._backend", backend).runtime("float64"):
        distribution = mixture_of(backend)
        values = np.array(list(product(range(LEVELS), repeat=2)), float)
        pixels = np.exp(log_probs(backend, distribution, values))  # (values, batch)
        np.testing.assert_allclose(pixels.sum(0), 1.0, rtol=1e-12)
        np.testing.assert_allclose(np.einsum("vb,vd->bd", pixels, values), np.asarray(distribution.mean), rtol=1e-10)
        for first in range(LEVELS):  # a missing colour is summed out
            partial = np.exp(log_probs(backend, distribution, [[first, np.nan]]))[0]
            np.testing.assert_allclose(partial, pixels[values[:, 0] == first].sum(0), rtol=1e-12)
        np.testing.assert_allclose(log_probs(backend, distribution, [[np.nan, np.nan]]), 0.0, atol=1e-12)
        assert (log_probs(backend, distribution, [[LEVELS, 0.0], [0.0, -1.0]]) == -np.inf).all()
        dependent = pixels.reshape(LEVELS, LEVELS, -1)[..., 0]
        assert np.abs(dependent - np.outer(dependent.sum(1), dependent.sum(0))).max() > 0.01


@pytest.mark.parametrize("backend", BACKENDS)
def test_draws_of_the_mixture_have_its_probabilities(backend):
    num_draws = 40_000
    with in_backend("zoo._backend", backend).runtime("float64"):
        distribution = mixture_of(backend, batch=())
        values = np.array(list(product(range(LEVELS), repeat=2)), float)
        pixels = np.exp(log_probs(backend, distribution, values))
        if backend == "numpyro":
            import jax

            draws = np.asarray(distribution.sample(jax.random.PRNGKey(0), (num_draws,)))
        else:
            import torch

            torch.manual_seed(0)
            draws = distribution.sample((num_draws,)).numpy()
    shares = np.array([(draws == value).all(1).mean() for value in values])
    sigma = np.sqrt(pixels * (1 - pixels) / num_draws)
    assert (np.abs(shares - pixels) < 4 * sigma + 1e-12).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_grids_hold_squares_of_pixels_in_the_order_of_the_image(backend):
    with in_backend("zoo._backend", backend).runtime("float64"):
        networks, np_of = residual_networks(backend), array_module(backend)
        side, times, colours = 2, 3, 2
        image = np.random.default_rng(0).normal(size=(5, side * times, side * times, colours))
        grid = np.asarray(networks.space_to_depth(np_of.asarray(image.reshape(5, -1)), side, colours))
        for i, j in product(range(side), repeat=2):
            square = image[:, times * i : times * (i + 1), times * j : times * (j + 1)]
            np.testing.assert_array_equal(grid[:, i, j], square.reshape(5, -1))
        pixels = np.asarray(networks.depth_to_space(np_of.asarray(grid), times))
        np.testing.assert_array_equal(pixels, image.reshape(5, -1, colours))
        larger = np.asarray(networks.upsample(np_of.asarray(grid), side * times))
        np.testing.assert_array_equal(larger, grid.repeat(times, 1).repeat(times, 2))
        np.testing.assert_allclose(np.asarray(networks.downsample(np_of.asarray(larger), side)), grid, rtol=1e-6)


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_colour_images_have_the_likelihood_of_their_pixels(backend):
    shape, D = (2, 2, 3), 12
    settings = {**TINY, "layout": "1x1,2x1", "likelihood": "discretised_logistic", "mixtures": 2, "shape": shape}
    model = zoo.load("very_deep_vae", backend, **settings, levels=LEVELS)
    values = model.simulate(0, N=5, D=D)
    assert values["x"].shape == (5, D)
    assert set(np.unique(values["x"])) <= set(range(LEVELS))
    pixel = np.arange(3)  # of the first pixel the colours, and nothing else
    empty = {**values, "x": np.full((5, D), np.nan)}
    prior = model.log_joint(empty, N=5, D=D)
    terms = []
    for p in range(4):
        x = np.full((5, D), np.nan)
        x[:, 3 * p + pixel] = values["x"][:, 3 * p + pixel]
        terms.append(model.log_joint({**values, "x": x}, N=5, D=D) - prior)
    np.testing.assert_allclose(prior + sum(terms), model.log_joint(values, N=5, D=D), rtol=1e-10)


@pytest.fixture(scope="module")
def trained():
    return train(images(), "pyro", layout="1x1,2x1", num_steps=2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_residual_posterior_without_weights_is_the_prior(trained, backend):
    # a prior whose scale is not 1, which a posterior that is not residual does not know
    state = {
        n: 0 * v if n.endswith("posterior.last") else v + 0.3 if n.endswith("prior.last") else v
        for n, v in trained.state.items()
    }
    kl = {}
    for residual in (True, False):
        model = zoo.load("very_deep_vae", backend, **{**trained.model.settings, "residual": residual})
        fit = replace(trained, model=model, keywords={**trained.keywords, "residual": residual}, state=state)
        kl[residual] = inference.elbo_split(fit, images(), num_samples=4).kl
    np.testing.assert_allclose(kl[True], 0.0, atol=1e-8)
    assert kl[False].max() > 0.05


def train(x, backend, num_steps=12, **settings):
    model = zoo.load("very_deep_vae", backend, **{**TINY, **settings})
    return inference.fit(
        model, x, engine="svi", num_steps=num_steps, learning_rate=0.003, batch_size=12, seed=0, progress=False
    )


@pytest.mark.parametrize("backend", ["pyro", pytest.param("numpyro", marks=pytest.mark.slow)])
def test_forty_groups_stay_finite_with_missing_pixels(backend):
    x = images()
    x[np.random.default_rng(1).random(x.shape) < 0.2] = np.nan
    x[3] = np.nan  # a row without any
    fit = train(x, backend, layout="1x10,2x30", num_steps=30)
    assert np.isfinite(fit.trace).all()
    assert fit.trace[-10:].mean() > fit.trace[:5].mean()
    assert len(fit.model.card.latents) == 40
    names = list(fit.model.card.local(fit.model.settings))
    assert (names[0], names[-1]) == ("z40", "z1")


@pytest.mark.parametrize("backend", ["pyro", pytest.param("numpyro", marks=pytest.mark.slow)])
def test_blocks_of_16_bits_give_nearly_the_same_bound(backend):
    model = zoo.load("very_deep_vae", backend, layout="1x1,4x2", **TINY)
    options = {"engine": "svi", "batch_size": 12, "num_steps": 20, "learning_rate": 1e-3, "progress": False}
    exact, short = (inference.fit(model.with_settings(bfloat16=half), images(), **options) for half in (False, True))
    assert {v.dtype for v in short.state.values()} == {np.dtype("float32")}
    assert (exact.trace != short.trace).any()
    # 8 bits of the mantissa: at most 1% of a bound of about 10 nats per row
    np.testing.assert_allclose(short.trace, exact.trace, rtol=0.01)


@pytest.mark.parametrize("backend", ["pyro", pytest.param("numpyro", marks=pytest.mark.slow)])
def test_images_of_the_shape_of_cifar_10_are_trained_on(backend):
    x = np.random.default_rng(0).integers(0, 256, (4, 32 * 32 * 3)).astype(float)
    settings = {
        "layout": "1x1,8x1",
        "likelihood": "discretised_logistic",
        "shape": (32, 32, 3),
        "mixtures": 2,
        "levels": 256,
        **TINY,
    }
    model = zoo.load("very_deep_vae", backend, **settings)
    fit = inference.fit(model, x, engine="svi", batch_size=2, num_steps=3, progress=False)
    assert np.isfinite(fit.trace).all()
    assert 7 < fit.diagnostics["bits_per_dimension"] < 14, "uniform noise of 256 levels has 8 bits"
    assert inference.latents.sample(fit, 2).shape == (2, 32 * 32 * 3)
