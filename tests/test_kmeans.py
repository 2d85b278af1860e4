"""Starts by k-means: codes of categories have no order, and a weight is a number of copies, ties included."""

import numpy as np
import pytest

import inference
import zoo
from inference.unconstrained.kmeans import MAX_ROWS, ClusterFeatures, kmeans_labels

CODES = np.array([2, 0, 3, 1])


def symbols(seed, shape=(12, 5, 2)):
    return np.random.default_rng(seed).integers(0, 4, shape).astype(float)


def traces(name, settings, tables, **options):
    model = zoo.load(name, "pyro", K=2, **settings)
    return [inference.fit(model, x, engine="em", max_iter=3, seed=1, **o, **options).trace for x, o in tables]


@pytest.mark.parametrize("seed", range(8))
def test_other_codes_change_nothing(seed):
    x = symbols(seed)
    settings = {"emission": "categorical", "V": 4}
    one, other = traces("hidden_markov", settings, [(x, {}), (CODES[x.astype(int)].astype(float), {})])
    np.testing.assert_allclose(one, other, rtol=1e-12)
    rows = np.c_[symbols(seed, (20, 3)), np.random.default_rng(seed).normal(size=20)]
    recoded = np.c_[CODES[rows[:, :3].astype(int)], rows[:, 3]]
    one, other = traces("mixed_latent_class", {"columns": (4, 4, 4, 0)}, [(rows, {}), (recoded, {})])
    np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("emission", ["categorical", "bernoulli", "poisson"])
def test_weights_are_copies_where_distances_are_equal(emission):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x, weights = symbols(seed), rng.integers(0, 4, 12)
        x = x % 2 if emission == "bernoulli" else x
        x[rng.random(x.shape) < 0.1] = np.nan
        settings = {"emission": emission} | ({"V": 4} if emission == "categorical" else {})
        tables = [(x, {"sample_weight": weights}), (np.repeat(x, weights, axis=0), {})]
        one, other = traces("hidden_markov", settings, tables)
        np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize(("K", "levels"), [(2, 3), (3, 3), (4, 4)])
def test_labels_of_copies_are_those_of_weights(K, levels):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x, weights = rng.integers(0, levels, (30, 2)).astype(float), rng.integers(1, 4, 30)
        labels = kmeans_labels({"x": x}, K, seed, weights.astype(float))
        copies = kmeans_labels({"x": np.repeat(x, weights, axis=0)}, K, seed)
        np.testing.assert_array_equal(copies, np.repeat(labels, weights))


def test_a_category_of_two_levels_is_the_column_of_zeros_and_ones():
    x, w = (np.random.default_rng(0).random((50, 1)) < 0.3).astype(float), np.ones(50)
    numbers, indicators = (ClusterFeatures(x, w, np.array([has_codes]))(x) for has_codes in (False, True))
    distances = [np.square(f[:, None] - f[None]).sum(-1) for f in (numbers, indicators)]
    np.testing.assert_allclose(*distances, rtol=1e-12)


def test_many_rows_and_missing_codes_are_labelled():
    rng = np.random.default_rng(0)
    x = np.c_[rng.integers(0, 2, MAX_ROWS + 50) * 5.0, rng.integers(0, 200, MAX_ROWS + 50)]
    x[::7, 1] = np.nan
    labels = kmeans_labels({"x": x}, 2, 0, categories={"x": np.array([False, True])})
    assert len(np.unique(labels[x[:, 0] == 0])) == len(np.unique(labels[x[:, 0] == 5])) == 1
    assert set(labels) == {0, 1}


def test_rows_that_weigh_almost_nothing_are_no_warning():
    x = np.array([[[0.0], [1.0]], [[0.0], [0.0]], [[2.0], [1.0]]])
    model = zoo.load("hidden_markov", "pyro", K=3, emission="categorical")
    for seed in range(9):
        assert np.isfinite(inference.fit(model, x, "em", sample_weight=[1e8, 1e8, 1e-8], seed=seed).trace).all()


def test_numbers_whose_squares_exceed_64_bits_are_labelled():
    x = np.random.default_rng(0).normal(size=(20, 2))
    x[3, 0] = 1e200
    labels = kmeans_labels({"x": x}, 2, 0)
    assert (labels == labels[3]).sum() == 1
