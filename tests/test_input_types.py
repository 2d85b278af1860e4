"""Arrays of every kind of number and library: masked values are missing, graphs and precisions make no difference."""

from typing import Any

import ml_dtypes
import numpy as np
import pandas as pd
import pytest
import torch

import inference
import zoo
from zoo.data.tables import as_numbers, as_table

X = np.random.default_rng(0).normal([0.0, 1.0], size=(40, 2))
HIDDEN = np.zeros((40, 2), bool)
HIDDEN[::3, 0] = HIDDEN[1::5, 1] = True
BEHIND = np.where(HIDDEN, -999.0, X)
MASKED = np.ma.array(BEHIND, mask=HIDDEN)
GAPS = np.where(HIDDEN, np.nan, X)


@pytest.mark.parametrize(
    "values",
    [
        MASKED,
        np.ma.array(BEHIND.astype("f4"), mask=HIDDEN),
        list(MASKED),
        np.ma.array(BEHIND.astype(object), mask=HIDDEN),
        pd.DataFrame({"a": pd.array(X[:, 0]), "b": X[:, 1]}).mask(HIDDEN),
    ],
    ids=["masked", "float32", "a list of masked rows", "objects", "pandas"],
)
def test_masked_is_missing(values):
    np.testing.assert_allclose(as_numbers("x", values), GAPS, rtol=1e-7)


def test_masked_whole_numbers_and_truth_values_are_missing():
    for kind in (int, bool, np.uint8):
        values = np.ma.array(np.array([1, 0, 1], kind), mask=[False, True, False])
        np.testing.assert_array_equal(as_numbers("x", values), [1, np.nan, 1])


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_a_fit_does_not_read_behind_the_mask(backend):
    fits = [inference.fit(zoo.load("factor_analysis", backend, Z=1), x, engine="em") for x in (MASKED, GAPS)]
    np.testing.assert_array_equal(fits[0].params["mu"], fits[1].params["mu"])
    np.testing.assert_array_equal(fits[0].log_likelihood(MASKED), fits[0].log_likelihood(GAPS))


@pytest.mark.parametrize("name", zoo.names())
def test_no_model_reads_behind_the_mask(name):
    card = zoo.card(name)
    sites, sizes = {n: card.sites()[n] for n in card.observed}, {**dict.fromkeys("NDJTL", 4), **card.sizes}
    ones = {n: np.ones(s.shape(sizes)) for n, s in sites.items()}
    masks = {n: np.arange(v.size).reshape(v.shape) == 3 for n, v in ones.items()}
    data = {n: np.ma.array(np.where(masks[n], 77.0, v), mask=masks[n]) for n, v in ones.items()}
    if card.of_words:
        with pytest.raises(zoo.ZooError, match="is missing"):
            as_table(data, sites)
        return
    for n, values in as_table(data, sites).items():
        np.testing.assert_array_equal(values, np.where(masks[n], np.nan, 1.0))


def test_masked_grey_values_are_missing():
    grey = zoo.intensities.Intensities(
        np.ma.array([[255, 0], [9, 255]], "u1", mask=[[False, False], [True, False]]), levels=255
    )
    np.testing.assert_array_equal(grey[:], [[1, 0], [np.nan, 1]])


@pytest.mark.parametrize(
    "values",
    [
        torch.tensor(X, requires_grad=True),
        torch.tensor(X, requires_grad=True) * 1.0,
        torch.nn.Parameter(torch.tensor(X)),
        [torch.tensor(row, requires_grad=True) for row in X],
    ],
    ids=["requires_grad", "in a graph", "a parameter", "rows"],
)
def test_tensors_are_detached(values):
    np.testing.assert_array_equal(as_numbers("x", values), X)


@pytest.mark.parametrize(
    "values",
    [torch.tensor([1.5, 2.0, -3.0], dtype=torch.bfloat16), np.array([1.5, 2.0, -3.0], ml_dtypes.bfloat16)],
    ids=["torch", "jax"],
)
def test_bfloat16_is_read_exactly(values):
    np.testing.assert_array_equal(as_numbers("x", values), [1.5, 2.0, -3.0])


@pytest.mark.parametrize("values", [torch.tensor([1 + 2j]), torch.tensor([1.0]).to_sparse()], ids=["complex", "sparse"])
def test_tensors_that_are_no_rectangles_of_numbers_are_refused(values):
    with pytest.raises(zoo.ZooError, match=r"complex numbers|sparse"):
        as_numbers("x", values)


@pytest.mark.parametrize(("engine", "gradients"), [("em", torch.no_grad), ("nuts", torch.inference_mode)])
def test_a_fit_needs_no_gradient_mode(engine, gradients):
    options: dict[str, Any] = {"num_warmup": 2, "num_samples": 2, "num_chains": 1} if engine == "nuts" else {}
    model = zoo.load("gaussian_mixture", "pyro", K=1, covariance="spherical")
    expected = inference.fit(model, X, engine=engine, **options)
    with gradients():
        fit = inference.fit(model, X, engine=engine, **options)
        likelihood = fit.log_likelihood()
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    np.testing.assert_array_equal(fit.params["mu"], expected.params["mu"])
    np.testing.assert_array_equal(likelihood, expected.log_likelihood())
