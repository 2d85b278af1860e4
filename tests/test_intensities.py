"""Intensities: validation, binarisation, engines, and storage."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import inference
import zoo
from zoo import ZooError
from zoo.data.intensities import Intensities, binarise_once, has_intensities

GREY = np.random.default_rng(0).integers(0, 17, (40, 3)).astype(np.uint8)
X = Intensities(GREY, levels=16)
EM = {"engine": "em", "max_iter": 5, "tol": 0}


def latent_class(backend="numpyro"):
    return zoo.load("latent_class", backend, K=2)


def error_message(call):
    with pytest.raises(ZooError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_indexing_gives_probabilities_and_bytes_are_not_copied():
    assert (X.shape, X.ndim, X.size, len(X), X.dtype) == ((40, 3), 2, 120, 40, float)
    assert X.nbytes == GREY.nbytes
    assert X.raw is GREY
    np.testing.assert_array_equal(X, GREY / 16)
    np.testing.assert_array_equal(X[[3, 1]], GREY[[3, 1]] / 16)
    np.testing.assert_array_equal(X.take([3, 1]).raw, GREY[[3, 1]])
    assert X.reshape(20, 6).shape == (20, 6)


WRONG = [
    (lambda: Intensities(GREY), "from 0 to levels=1, and "),
    (lambda: Intensities(np.array([[0.0, 12.0]])), "12 does not: give levels=12 or more"),
    (lambda: Intensities(np.array([[0.0, -0.5]])), "-0.5 does not: correct it"),
    (lambda: Intensities(np.array([[0.0, np.inf]])), "inf does not: correct it"),
    (lambda: Intensities([["a", "b"]]), "rectangular array of numbers"),
    (lambda: Intensities([[1.0], [0.0, 1.0]]), "rectangular array of numbers"),
    (lambda: Intensities(None), "rectangular array of numbers"),
    (lambda: Intensities(0.5), "rectangular array of numbers"),
    (lambda: Intensities(GREY, levels=0), "a number above 0; given 0"),
    (lambda: Intensities(GREY, levels="255"), "a number above 0; given '255'"),  # pyright: ignore[reportArgumentType]
]


@pytest.mark.parametrize(("call", "words"), WRONG)
def test_invalid_intensities_raise(call, words):
    assert words in error_message(call)


PIXELS = hnp.arrays(
    float, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5), elements=st.one_of(st.just(np.nan), st.floats(0, 1))
)


@given(raw=PIXELS, seed=st.integers(0, 2**32))
def test_draws_are_zeros_and_ones_determined_by_the_seed(raw, seed):
    x = Intensities(raw)
    draw = x.binarise(seed)
    np.testing.assert_array_equal(np.isnan(draw), np.isnan(raw))
    assert set(draw[~np.isnan(draw)]) <= {0.0, 1.0}
    assert (draw[raw == 0] == 0).all()
    assert (draw[raw == 1] == 1).all()
    np.testing.assert_array_equal(x.binarise(seed), draw)


def test_the_frequency_of_ones_is_the_intensity():
    ramp = np.tile(np.arange(17, dtype=np.uint8), (20_000, 1))
    mean = Intensities(ramp, 16).binarise(1).mean(0)
    p = np.arange(17) / 16
    assert (abs(mean - p) <= 4 * np.sqrt(p * (1 - p) / 20_000)).all()


def test_draws_of_two_seeds_are_independent():
    half = Intensities(np.full((100, 100), 0.5))
    same = (half.binarise(0) == half.binarise(1)).mean()
    assert abs(same - 0.5) <= 4 * 0.5 / 100  # the standard error of a share of 10,000


def test_binarise_once_draws_by_the_seed():
    np.testing.assert_array_equal(binarise_once(X, 3), X.binarise(3))
    table = binarise_once({"x": X, "y": GREY}, 3)
    np.testing.assert_array_equal(table["x"], X.binarise(3))
    assert table["y"] is GREY
    assert has_intensities(X)
    assert has_intensities({"y": GREY, "x": X})
    assert not has_intensities({"y": GREY})
    assert not has_intensities(GREY)


def test_a_model_binds_one_draw_or_the_intensities():
    model = latent_class()
    np.testing.assert_array_equal(model.bind(X)[0]["x"], X.binarise(0))
    np.testing.assert_array_equal(model.bind({"x": X}, seed=7)[0]["x"], X.binarise(7))
    table, keywords = model.bind(X, seed=None)
    assert table["x"] is X
    assert (keywords["N"], keywords["J"]) == (40, 3)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("gaussian_mixture", X, "intensities are for binary sites: give the grey values themselves"),
        ("poisson_mixture", Intensities(GREY[:, 0], 16), "intensities are for binary sites"),
        ("latent_class", Intensities(np.zeros((4, 2, 2))), "give 2 dimensions, not shape (4, 2, 2)"),
        ("latent_class", Intensities(np.zeros((0, 2))), "the data is empty"),
        ("latent_class", Intensities(np.full((4, 2), np.nan)), "every value is missing"),
        ("latent_class", GREY, "is not; binarise grey values: zoo.intensities.Intensities(x, levels=255)"),
        ("latent_class", GREY / 16, "is not; binarise grey values"),
        ("latent_class", GREY - 1.0 * (GREY == 0), "must be 0 or 1"),
    ],
)
def test_data_that_a_model_does_not_allow_raises(name, data, words):
    assert words in error_message(lambda: zoo.load(name, K=2).bind(data))


def test_a_vector_is_one_column():
    flat = Intensities(GREY[:, 0], 16)
    assert latent_class().bind(flat, seed=None)[0]["x"].shape == (40, 1)


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_an_engine_without_minibatches_draws_once_by_its_seed(backend, tmp_path):
    fit = inference.fit(latent_class(backend), X, seed=5, **EM)
    same = inference.fit(latent_class(backend), X.binarise(5), seed=5, **EM)
    assert fit.diagnostics["binarisation"] == "one draw"
    assert "binarisation" not in same.diagnostics
    np.testing.assert_array_equal(fit.data["x"], X.binarise(5))
    np.testing.assert_array_equal(fit.trace, same.trace)
    np.testing.assert_array_equal(fit.log_likelihood(), same.log_likelihood())
    np.testing.assert_array_equal(fit.log_likelihood(X), same.log_likelihood())  # new intensities: by the same seed
    np.testing.assert_array_equal(fit.predict(X)["z"], same.predict()["z"])
    assert inference.load(fit.save(tmp_path / "fit")).diagnostics["binarisation"] == "one draw"


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def dynamic(request):
    return inference.fit(latent_class(request.param), X, "svi", seed=5, num_steps=20, num_draws=100)


def test_a_fit_by_svi_keeps_the_intensities(dynamic, tmp_path):
    assert dynamic.diagnostics["binarisation"] == "dynamic"
    assert dynamic.data["x"] is X
    np.testing.assert_array_equal(dynamic.observed_data()["x"], X.binarise(5))
    np.testing.assert_array_equal(dynamic.log_likelihood(), dynamic.log_likelihood(X.binarise(5)))
    back = inference.load(dynamic.save(tmp_path / "fit"))
    kept = back.data["x"]
    assert isinstance(kept, Intensities)
    assert kept.raw.dtype == np.uint8
    assert kept.levels == 16
    np.testing.assert_array_equal(kept.raw, GREY)
    np.testing.assert_array_equal(back.log_likelihood(), dynamic.log_likelihood())
    assert back.diagnostics["binarisation"] == "dynamic"


def test_exports_of_a_fit_to_intensities(dynamic, tmp_path):
    np.testing.assert_array_equal(dynamic.to_arviz()["observed_data"]["x"], X.binarise(5))
    both = inference.compare(dynamic, dynamic)
    assert "x: 40 rows; column 0 from 0 to 1" in both.save(tmp_path / "report.html").read_text()


def test_a_mapped_file_stays_on_disk(tmp_path):
    np.save(tmp_path / "x.npy", GREY)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    x = Intensities(mapped, 16)
    assert x.raw is mapped
    np.testing.assert_array_equal(x.binarise(2), X.binarise(2))


def test_binding_makes_no_copy_in_floats():
    raw = np.random.default_rng(0).integers(0, 256, (20_000, 100), dtype=np.uint8)
    tracemalloc.start()
    try:
        latent_class().bind(Intensities(raw, 255), seed=None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < raw.nbytes * 2  # floats would take eight times as many bytes
