"""Controlled generation against linear decoders and encoders, groups of latents, attributes, bad input."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import inference
import zoo
from inference import latents
from tests.table import BACKENDS
from tests.test_latent_groups import make_fit as make_grouped_fit
from tests.test_latents import make_fit
from zoo import ZooError
from zoo.data.intensities import Intensities

W = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, -1.0], [0.5, 0.0]])
MU = np.array([0.0, 1.0, -1.0, 0.0, 2.0])
N = 60


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@cache
def linear_fit(backend):
    """x = W z + mu plus little noise, with an encoder that is the inverse of W, so that codes are z. z_0 is -1 or 1."""
    rng = np.random.default_rng(0)
    z = np.stack([np.where(np.arange(N) % 2, 1.0, -1.0), rng.normal(size=N)], 1) + 0.05 * rng.normal(size=(N, 2))
    x = z @ W.T + MU
    fit = inference.fit(zoo.load("linear_vae", backend, Z=2), x, num_steps=1, dtype="float64")
    spread, inverse = fit.keywords["spread"], np.linalg.pinv(W)
    state = {**fit.state, "W": W, "mu": MU, "encoder.layers.0.weight": spread * inverse.T}
    state["encoder.layers.0.bias"] = (fit.keywords["loc"] - MU) @ inverse.T
    assert set(state) == set(fit.state)
    fit.state.update(state)
    return fit, z, x


@pytest.mark.slow
def test_the_change_of_x_is_the_column_of_the_decoder(backend):
    fit, z, x = linear_fit(backend)
    result = latents.control(fit, z={1: [-2.0, 0.5]})
    np.testing.assert_allclose(result.codes, z, atol=1e-9)
    np.testing.assert_allclose(result.unchanged, x, atol=1e-9)
    np.testing.assert_array_equal(result.values[..., 0], np.repeat([[-2.0], [0.5]], N, 1))
    for i, value in enumerate((-2.0, 0.5)):
        delta = value - z[:, 1]
        np.testing.assert_allclose(result.generated[i] - result.unchanged, np.outer(delta, W[:, 1]), atol=1e-9)
        np.testing.assert_allclose(result.column_change[i], np.abs(delta).mean() * np.abs(W[:, 1]), atol=1e-9)
        np.testing.assert_allclose(result.generated_codes[i], np.stack([z[:, 0], np.full(N, value)], 1), atol=1e-9)
    np.testing.assert_allclose(result.code_change[:, 0], 0, atol=1e-9)
    np.testing.assert_allclose(result.table["z[1] again"], [-2.0, 0.5], atol=1e-9)
    assert result.table["largest of these"].max() < 1e-9
    assert result.attribute is None


def test_other_codes_change_by_what_the_encoder_mixes():
    """With any encoder matrix A the codes of what is generated change by A W[:, j] delta."""
    fit = make_fit("linear_vae", "numpyro")
    A, loadings = fit.state["encoder.layers.0.weight"].T / fit.keywords["spread"], fit.state["W"]
    result = latents.control(fit, z={0: 1.5})
    expected = (1.5 - result.codes[:, :1]) * (A @ loadings[:, 0])
    np.testing.assert_allclose(result.generated_codes[0] - result.unchanged_codes, expected, atol=1e-9)
    np.testing.assert_allclose(result.code_change[0], np.abs(expected).mean(0), atol=1e-9)


def test_values_are_numbers_lists_and_arrays_by_row():
    fit, z, x = linear_fit("numpyro")
    by_row = np.linspace(-1, 1, N)
    for value in (by_row, by_row[None], np.stack([by_row, -by_row])):
        result = latents.control(fit, z={0: value})
        assert result.values.shape == (np.atleast_2d(value).shape[0], N, 1)
        np.testing.assert_allclose(result.generated[0], x + np.outer(by_row - z[:, 0], W[:, 0]), atol=1e-9)
    assert "by row" in str(result)
    both = latents.control(fit, z={1: 3.0, 0: [0.0, 1.0]})
    assert both.coordinates == (1, 0)
    np.testing.assert_allclose(both.generated[1], np.tile(W @ [1.0, 3.0] + MU, (N, 1)), atol=1e-9)
    assert both.others == []
    assert both.table.index.tolist() == [("+3", "+0"), ("+3", "+1")]
    two = latents.control(fit, x[:2], z={0: [1.0, 2.0]})  # a list is of values even where there are as many rows
    assert two.generated.shape == (2, 2, 5)
    one = latents.control(fit, 3, z={0: np.array([1.0, 2.0, 4.0])})
    np.testing.assert_array_equal(one.data, x[[3]])
    np.testing.assert_allclose(one.generated[2, 0] - one.generated[0, 0], 3 * W[:, 0], atol=1e-9)


def test_some_rows_are_chosen_where_there_are_many():
    fit, z, _ = linear_fit("numpyro")
    by_row = np.arange(float(N))
    some = latents.control(fit, z={0: by_row}, max_rows=10, seed=1)
    assert len(np.unique(some.rows)) == 10
    np.testing.assert_array_equal(some.values[0, :, 0], by_row[some.rows])
    np.testing.assert_allclose(some.codes, z[some.rows], atol=1e-9)
    np.testing.assert_array_equal(some.rows, latents.control(fit, z={0: by_row}, max_rows=10, seed=1).rows)
    assert not np.array_equal(some.rows, latents.control(fit, z={0: by_row}, max_rows=10, seed=2).rows)


# attributes


def test_a_classifier_recognises_what_is_generated():
    """The attribute is the sign of z_0, which is far from 0: each row has the value of the request, whatever z_1 is."""
    fit, z, _ = linear_fit("numpyro")
    sign = np.where(z[:, 0] > 0, "plus", "minus")
    result = latents.control(fit, z={0: [-1.0, 1.0]}, attribute=sign, classifier=LogisticRegression())
    a = result.attribute
    assert a is not None
    assert a.classes.tolist() == ["minus", "plus"]
    assert a.accuracy.tolist() == [1.0, 1.0]
    assert a.shares.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert (a.real_accuracy, a.unchanged_accuracy, a.chance) == (1.0, 1.0, 0.5)
    assert result.table["wanted"].tolist() == ["minus", "plus"]
    swapped = latents.control(
        fit, z={0: [-1.0, 1.0]}, attribute=sign, wanted=["plus", "minus"], classifier=LogisticRegression()
    )
    assert swapped.attribute is not None
    assert swapped.attribute.accuracy.tolist() == [0.0, 0.0]
    assert "accuracy 1.000 on the rows" in str(swapped)


def test_a_coordinate_without_the_attribute_gives_chance():
    """z_1 says nothing of the sign of z_0: half of the rows have either class, whatever z_1 is."""
    fit, z, _ = linear_fit("numpyro")
    rows = latents.control(fit, z={1: [-2.0, 2.0]}, attribute=z[:, 0] > 0, classifier=LogisticRegression())
    assert rows.attribute is not None
    assert rows.attribute.shares.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert rows.attribute.accuracy.tolist() == [0.5, 0.5]
    assert "show nothing" not in str(rows)
    assert rows.attribute.standard_error == pytest.approx([np.sqrt(0.25 / N)] * 2)


def test_a_classifier_that_has_learned_nothing_is_named():
    fit, _, _ = linear_fit("numpyro")
    labels = np.random.default_rng(4).integers(2, size=N)
    rows = latents.control(fit, z={0: [-1.0, 1.0]}, attribute=labels, classifier=LogisticRegression())
    assert rows.attribute is not None
    assert not rows.attribute.is_informative
    assert "the accuracies above show nothing" in str(rows)


def test_the_wanted_class_of_a_row_follows_its_own_value():
    fit, z, _ = linear_fit("numpyro")
    by_row = np.where(np.arange(N) < 20, 1.0, -1.0)
    a = latents.control(fit, z={0: by_row}, attribute=z[:, 0] > 0, classifier=LogisticRegression()).attribute
    assert a is not None
    np.testing.assert_array_equal(a.wanted[0], by_row > 0)
    assert a.accuracy.tolist() == [1.0]
    given = np.stack([by_row > 0])
    again = latents.control(
        fit, z={0: by_row}, attribute=z[:, 0] > 0, wanted=given, classifier=LogisticRegression(), max_rows=15
    )
    assert again.attribute is not None
    assert again.attribute.accuracy.tolist() == [1.0]


def test_the_classifier_by_default_takes_missing_values_and_a_seed():
    fit, z, x = linear_fit("numpyro")
    missing = x.copy()
    missing[::7, 1] = np.nan
    results = [
        latents.control(fit, missing, z={0: [-1.0, 1.0]}, attribute=z[:, 0] > 0, seed=2, max_rows=30).attribute
        for _ in range(2)
    ]
    assert results[0] is not None
    assert results[1] is not None
    np.testing.assert_array_equal(results[0].predicted, results[1].predicted)
    assert results[0].accuracy.min() > 0.9


# other fits


def test_groups_and_classes_stay_at_those_of_the_row(backend):
    fit = make_grouped_fit("top down", backend)
    codes = {n: c.mean for n, c in latents.encode(fit).items()}
    changed = {**codes, "z1": codes["z1"].copy()}
    changed["z1"][:, 2] = 1.0
    result = latents.control(fit, z={2: 1.0}, group="z1")
    np.testing.assert_allclose(result.generated[0], latents.decode(fit, changed), rtol=1e-9)
    assert result.site == "z1"
    semi = make_fit("semi_supervised_vae", backend)
    code = latents.encode(semi, y=1).mean
    code[:, 0] = -1.0
    result = latents.control(semi, z={0: -1.0}, y=1)
    np.testing.assert_allclose(result.generated[0], latents.decode(semi, code, y=1), rtol=1e-9)


def test_changes_of_a_table_are_of_numbers_and_of_categories():
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=40), rng.integers(3, size=40), 100 * rng.normal(size=40)], 1)
    model = zoo.load("attribute_vae", "pyro", likelihood="mixed", columns=(0, 3, 0), Z=2, C=2, width=4, depth=1)
    fit = inference.fit(model, {"x": x, "attribute": np.arange(40) % 2}, num_steps=2)
    for name in [n for n in fit.state if n.startswith("decoder") and n.endswith("weight")]:
        fit.state[name] = 3 * fit.state[name]  # so that categories change
    result = latents.control(fit, x, z={0: [-3.0, 3.0]})  # rows without labels
    change = np.abs(result.generated - result.unchanged)
    assert change[..., 1].max() == 2
    np.testing.assert_allclose(result.column_change[:, [0, 2]], change.mean(1)[:, [0, 2]])
    np.testing.assert_allclose(result.column_change[:, 1], (change[..., 1] > 0).mean(1))
    numbers = (result.column_change[:, [0, 2]] / x.std(0)[[0, 2]]).mean(1)
    np.testing.assert_allclose(result.table["change of numbers"], numbers)
    np.testing.assert_allclose(result.table["categories changed"], result.column_change[:, 1])


def test_images_are_drawn_a_line_for_each_value(tmp_path):
    fit = make_fit("vae", "numpyro")
    rng = np.random.default_rng(1)
    grey = Intensities(rng.integers(0, 256, (12, 16)), levels=255)
    result = latents.control(fit, grey, z={0: [-2.0, 0.0, 2.0]}, attribute=np.arange(12) % 2)
    assert set(np.unique(result.data)) == {0.0, 1.0}  # a draw
    figure = result.figure(count=5)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == [
        "image", "decoded", "z[0] = -2", "z[0] = +0", "z[0] = +2",
    ]  # fmt: skip
    figure.savefig(tmp_path / "control.png")
    assert (tmp_path / "control.png").stat().st_size > 1000


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a coordinate": ({"z": {2: 1.0}}, "coordinates of a code are 0 to 1; given 2"),
    "a flag": ({"z": {True: 1.0}}, "coordinates of a code are 0 to 1; given True"),
    "no z": ({}, "z has the coordinates to set with their values"),
    "NaN": ({"z": {0: [1.0, np.nan]}}, r"z\[0\] has finite values; given nan"),
    "words": ({"z": {0: "large"}}, r"z\[0\] is a number, a list of numbers"),
    "ragged": ({"z": {0: [[1.0], [2.0, 3.0]]}}, r"z\[0\] is a number, a list of numbers"),
    "no values": ({"z": {0: []}}, r"z\[0\] is a number, a list of values, or an array \(60,\)"),
    "a shape": ({"z": {0: np.zeros((2, 7))}}, r"or \(V, 60\); given shape \(2, 7\)"),
    "lengths": ({"z": {0: [1.0, 2.0], 1: [1.0, 2.0, 3.0]}}, "have one length; given 2 and 3"),
    "columns": ({"data": np.zeros((3, 4)), "z": {0: 1.0}}, "D=5 but x has D=4"),
    "a group": ({"z": {0: 1.0}, "group": "z2"}, "no group of latents 'z2'"),
    "rows": ({"z": {0: 1.0}, "max_rows": 0}, "max_rows is a whole number from 1 up"),
    "length of the attribute": ({"z": {0: 1.0}, "attribute": [1, 2]}, r"each of the 60 rows of the data, \(N,\)"),
    "one class": ({"z": {0: 1.0}, "attribute": np.ones(N)}, "attribute has one value, 1.0"),
    "missing classes": ({"z": {0: 1.0}, "attribute": np.full(N, np.nan)}, "attribute has 60 missing values"),
    "many classes": ({"z": {0: 1.0}, "attribute": np.arange(N)}, "attribute has 60 values, at most 50"),
    "a rare class": ({"z": {0: 1.0}, "attribute": np.arange(N) == 3}, "attribute = True has 1 rows, and 3 are needed"),
    "wanted alone": ({"z": {0: 1.0}, "wanted": [1]}, "wanted and classifier are of an attribute"),
    "an unknown class": ({"z": {0: 1.0}, "attribute": np.arange(N) % 2, "wanted": [2]}, "0, 1; given 2"),
    "wanted by value": ({"z": {0: 1.0}, "attribute": np.arange(N) % 2, "wanted": [1, 1]}, r"1 values of z, \(1,\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_refused_in_one_line(name):
    arguments, message = WRONG[name]
    with pytest.raises(ZooError, match=message) as error:
        latents.control(linear_fit("numpyro")[0], **arguments)
    assert "\n" not in str(error.value)


def test_a_fit_without_codes_is_refused():
    rows = np.random.default_rng(0).normal(size=(30, 2))
    fit = inference.fit(zoo.load("gaussian_mixture", K=2), rows, "em")
    with pytest.raises(ZooError, match="has no encoder"):
        latents.control(fit, z={0: 1.0})
