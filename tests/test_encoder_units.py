"""Offsets and units of the data make no difference: encoders read pixels in units of their spread, about their mean."""

from typing import Any

import numpy as np
import pytest

import inference
import zoo
from inference import fit

SCALE, OFFSET = 50.0, 170.0
N, D = 24, 16
CASES = [
    ("vae", "pyro", {"width": 5}),
    ("vae", "numpyro", {"width": 5}),
    ("vae", "pyro", {"width": 5, "network": "convolutional"}),
    ("deep_latent_gaussian", "pyro", {"widths": "3-2", "width": 5}),
]
COMPILED = pytest.param("numpyro", marks=pytest.mark.slow)
LEARNED = [
    ("linear_vae", "pyro"),
    pytest.param("linear_vae", "numpyro", marks=pytest.mark.slow),
    ("linear_ladder", "pyro"),
]
BINARY = [("vae", {"Z": 2}), ("categorical_vae", {"M": 2, "K": 2}), ("semi_supervised_vae", {"Z": 2, "C": 2})]


def plane():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 2)) @ rng.normal(size=(2, D)) + 0.3 * rng.normal(size=(N, D))


def images():
    return np.random.default_rng(0).integers(0, 2, size=(N, D)).astype(float)


def trained(name, backend, x, **settings):
    """A fit of three steps, in 64 bits, so that rounding is far below the tolerance."""
    settings = {**({} if "widths" in settings else {"Z": 2}), "likelihood": "gaussian", **settings}
    return fit(zoo.load(name, backend, **settings), x, "svi", num_steps=3, learning_rate=0.01, dtype="float64")


@pytest.mark.parametrize(("name", "backend", "settings"), CASES)
def test_units_and_offsets_make_no_difference(name, backend, settings):
    x = plane()
    one, other = (trained(name, backend, v, **settings) for v in (x, OFFSET + SCALE * x))
    np.testing.assert_allclose(one.trace, other.trace + N * D * np.log(SCALE), rtol=1e-6)
    codes = [inference.latents.encode(f) for f in (one, other)]
    if isinstance(codes[0], dict):
        codes = [next(iter(code.values())) for code in codes]
    np.testing.assert_allclose(codes[0].mean, codes[1].mean, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(codes[0].sd, codes[1].sd, rtol=1e-5)


@pytest.mark.parametrize(("name", "backend"), LEARNED)
def test_learned_numbers_take_steps_in_units_of_the_data(name, backend):
    x = np.random.default_rng(0).normal(size=(N, 3)) @ np.tri(3)
    options: dict[str, Any] = {"num_steps": 4, "learning_rate": 0.1, "dtype": "float64"}
    one, other = (fit(zoo.load(name, backend, Z=1), v, "svi", **options) for v in (x, OFFSET + SCALE * x))
    np.testing.assert_allclose(one.trace, other.trace + x.size * np.log(SCALE), rtol=1e-8)
    assert np.ptp(one.trace) > 1
    np.testing.assert_allclose(other.params["mu"], OFFSET + SCALE * one.params["mu"], rtol=1e-8)
    np.testing.assert_allclose(other.params["W"], SCALE * one.params["W"], rtol=1e-8)


@pytest.mark.parametrize("backend", ["pyro", COMPILED])
def test_a_pooled_encoder_reads_pixels_above_the_darkest_one(backend):
    data = {"x": plane(), "attribute": np.arange(N)[:, None] % 2.0}
    settings = {"Z": 2, "C": 2, "likelihood": "gaussian", "network": "pooled", "width": 4, "depth": 1}
    options: dict[str, Any] = {"num_steps": 2, "dtype": "float64"}
    model = zoo.load("attribute_vae", backend, **settings)
    one, other = (fit(model, {**data, "x": v}, "svi", **options) for v in (data["x"], OFFSET + SCALE * data["x"]))
    np.testing.assert_allclose(one.trace, other.trace + N * D * np.log(SCALE), rtol=1e-6)


def test_levels_enter_about_their_mean():
    x = np.random.default_rng(0).integers(0, 256, size=(N, D)).astype(float)
    fitted = fit(
        zoo.load("vae", "pyro", Z=2, width=5, likelihood="discretised_logistic"), x, "svi", num_steps=1, dtype="float64"
    )
    mean = fitted.keywords["loc"]
    at_mean = inference.latents.encode(fitted, np.where(np.arange(D) == 3, np.nan, x[:1]))
    x[0, 3] = np.round(mean[3])
    near = inference.latents.encode(fitted, x[:1])
    np.testing.assert_allclose(at_mean.mean, near.mean, atol=0.01)  # half a level is 0.007 of the spread


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_a_missing_pixel_enters_as_the_mean(backend):
    x = plane() + 5.0
    fitted = trained("vae", backend, x, width=5)
    row = x[:1].copy()
    row[0, 3] = fitted.keywords["loc"][3]
    missing = np.where(np.arange(D) == 3, np.nan, row)
    codes = [inference.latents.encode(fitted, v) for v in (row, missing)]
    np.testing.assert_allclose(codes[0].mean, codes[1].mean, rtol=1e-10)


@pytest.mark.parametrize(("name", "settings"), BINARY)
def test_a_missing_binary_pixel_is_between_0_and_1(name, settings):
    x = images()
    x[:, 3] = np.arange(N) % 4 == 0  # a mean of a quarter
    data = {"x": x, "label": np.arange(N) % 2.0} if name == "semi_supervised_vae" else x
    model = zoo.load(name, "pyro", width=5, depth=0, **settings)
    fitted = fit(model, data, "svi", num_steps=2, dtype="float64")
    module = zoo._backend.in_backend(f"guides.{name}", "pyro")
    torch = pytest.importorskip("torch")
    loc = torch.as_tensor(fitted.keywords["loc"])
    rows = torch.as_tensor(np.where(np.arange(D) == 3, np.nan, x[:2]))
    read = module.encoder_pixels(rows, "bernoulli", loc, 1.0).numpy()
    np.testing.assert_allclose(read[:, 3], 0.25, rtol=1e-6)
    np.testing.assert_array_equal(np.delete(read, 3, axis=1), np.delete(x[:2], 3, axis=1))
