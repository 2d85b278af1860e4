"""Columns of numbers and categories: the distribution in both backends, inputs of networks, and tables of users."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from scipy.special import log_softmax

from zoo import ZooError, columns
from zoo._distributions.mixed_columns import MIN_SCALE, in_numpyro, in_pyro, layout, num_outputs
from zoo.data.column_kinds import check_columns, column_statistics

COLUMNS = (3, 0, 2, 0, 5)
LOC, SPREAD = np.array([0.0, 40.0, 0.0, -3.0, 0.0]), np.array([1.0, 12.0, 1.0, 0.5, 1.0])
N, W, NAN = 6, 14, np.nan
ROWS = np.array(
    [
        [0, 39.0, 1, -3.2, 4],
        [2, NAN, 0, -2.5, 0],
        [NAN, 51.0, NAN, -3.0, 2],
        [1, 20.0, 1, NAN, NAN],
        [NAN, NAN, NAN, NAN, NAN],
        [NAN, 1e4, 0, -90.0, 3],
    ]
)
OUTPUTS = np.random.default_rng(0).normal(size=(N, W)) * 2


def log_density(outputs, row, column_levels, loc, spread):
    """The log density of one row, column by column."""
    total, number, C = 0.0, 0, column_levels.count(0)
    start = 2 * C
    for d, L in enumerate(column_levels):
        if L == 0:
            scale = spread[d] * (MIN_SCALE + np.logaddexp(0, outputs[C + number]))
            term = stats.norm(loc[d] + spread[d] * outputs[number], scale).logpdf(row[d])
            number += 1
        else:
            logs = log_softmax(outputs[start : start + L])
            is_level = row[d] in range(L)
            term = logs[int(row[d])] if is_level else (NAN if np.isnan(row[d]) else -np.inf)
            start += L
        total += 0.0 if np.isnan(row[d]) else term
    return total


@partial(jax.jit, static_argnames="column_levels")
def numpyro_log_prob(outputs, x, column_levels=COLUMNS, loc=LOC, spread=SPREAD):
    return in_numpyro.decoded_columns(outputs, loc, spread, column_levels).log_prob(x)


def pyro_log_prob(outputs, x, column_levels=COLUMNS, loc=LOC, spread=SPREAD):
    outputs, x = torch.as_tensor(outputs), torch.as_tensor(x)
    return in_pyro.decoded_columns(outputs, loc, spread, column_levels).log_prob(x)


@pytest.fixture(autouse=True)
def in_64_bits():
    with jax.enable_x64(True):
        yield


BACKENDS = pytest.mark.parametrize("log_prob", [numpyro_log_prob, pyro_log_prob], ids=["numpyro", "pyro"])


@BACKENDS
def test_the_log_density_is_that_of_each_column_by_itself(log_prob):
    expected = [log_density(o, row, COLUMNS, LOC, SPREAD) for o, row in zip(OUTPUTS, ROWS, strict=True)]
    np.testing.assert_allclose(log_prob(OUTPUTS, ROWS), expected, rtol=1e-12)
    assert expected[4] == 0  # a row without values
    # draws of the code before the rows
    draws = np.stack([OUTPUTS, -OUTPUTS])
    np.testing.assert_allclose(log_prob(draws, ROWS)[1], log_prob(-OUTPUTS, ROWS), rtol=1e-12)


@BACKENDS
@pytest.mark.parametrize("column_levels", [(0, 0), (4, 2)], ids=["numbers", "categories"])
def test_one_kind_of_column_alone(log_prob, column_levels):
    outputs, x = OUTPUTS[:, : num_outputs(column_levels)], np.array([[1.0, 0.0]] * N)
    expected = [log_density(o, row, column_levels, (0, 0), (1, 1)) for o, row in zip(outputs, x, strict=True)]
    np.testing.assert_allclose(log_prob(outputs, x, column_levels, 0.0, 1.0), expected, rtol=1e-12)


@BACKENDS
@pytest.mark.parametrize("value", [3, -1, 0.5])
def test_outside_of_the_levels_the_density_is_zero(log_prob, value):
    rows = ROWS.copy()
    rows[0, 0] = value
    values = np.asarray(log_prob(OUTPUTS, rows))
    assert values[0] == -np.inf
    assert np.isfinite(values[1:]).all()


def test_probabilities_sum_to_one_and_draws_have_them():
    outputs, levels = OUTPUTS[0, :7], (3, 2, 2)
    table = np.array([[a, b, c] for a in range(3) for b in range(2) for c in range(2)], float)
    exact = np.exp(numpyro_log_prob(outputs, table, levels, 0.0, 1.0))
    assert exact.sum() == pytest.approx(1, abs=1e-12)
    num_draws = 40_000
    torch.manual_seed(0)
    for draws in (
        in_numpyro.decoded_columns(outputs, 0.0, 1.0, levels).sample(jax.random.key(0), (num_draws,)),
        in_pyro.decoded_columns(torch.as_tensor(outputs), 0.0, 1.0, levels).sample((num_draws,)),
    ):
        counts = np.bincount(np.asarray(draws, int) @ [4, 2, 1], minlength=12)
        # of a multinomial sample: chi-squared with 11 degrees of freedom
        assert ((counts - num_draws * exact) ** 2 / (num_draws * exact)).sum() < stats.chi2(11).ppf(0.9999)


def test_draws_of_numbers_have_their_mean_and_scale():
    num_draws, numbers = 20_000, [1, 3]
    torch.manual_seed(0)
    ours = in_numpyro.decoded_columns(OUTPUTS, LOC, SPREAD, COLUMNS)
    other = in_pyro.decoded_columns(torch.as_tensor(OUTPUTS), LOC, SPREAD, COLUMNS)
    np.testing.assert_allclose(ours.mean, other.mean, rtol=1e-12)
    loc = LOC[numbers] + SPREAD[numbers] * OUTPUTS[:, :2]
    scale = SPREAD[numbers] * (MIN_SCALE + np.logaddexp(0, OUTPUTS[:, 2:4]))
    for draws in (ours.sample(jax.random.key(1), (num_draws,)), other.sample((num_draws,))):
        draws = np.asarray(draws)
        assert draws.shape == (num_draws, N, 5)
        values = (draws[..., numbers] - loc) / scale
        assert np.abs(values.mean(0) * num_draws**0.5).max() < 4.5
        assert np.abs((values**2).mean(0) - 1).max() < 4.5 * (2 / num_draws) ** 0.5
    levels = np.stack([log_softmax(OUTPUTS[:, a:b], 1).argmax(1) for a, b in ((4, 7), (7, 9), (9, 14))], 1)
    np.testing.assert_array_equal(np.asarray(ours.mean)[:, [0, 2, 4]], levels)


def test_gradients_agree_and_missing_values_have_none():
    ours = jax.grad(lambda o: numpyro_log_prob(o, ROWS).sum())(jnp.asarray(OUTPUTS))
    outputs = torch.as_tensor(OUTPUTS).requires_grad_()
    pyro_log_prob(outputs, ROWS).sum().backward()
    assert outputs.grad is not None
    np.testing.assert_allclose(ours, outputs.grad, rtol=1e-10, atol=1e-12)
    assert np.all(np.asarray(ours)[4] == 0)
    assert np.all(np.asarray(ours)[3, [1, 3, *range(9, 14)]] == 0)


@pytest.mark.parametrize("size", [1e3, 1e6])
def test_values_and_gradients_are_finite_in_32_bits(size):
    outputs, rows = (OUTPUTS * size).astype("float32"), ROWS[:5].astype("float32")
    outputs[:, 2:4] = OUTPUTS[:, 2:4]  # scales
    loc, spread = LOC.astype("float32"), SPREAD.astype("float32")
    value, slope = jax.value_and_grad(lambda o: numpyro_log_prob(o, rows, loc=loc, spread=spread).sum())(outputs[:5])
    other = torch.as_tensor(outputs[:5]).requires_grad_()
    total = pyro_log_prob(other, rows, loc=loc, spread=spread).sum()
    total.backward()
    assert other.grad is not None
    assert value.dtype == np.float32
    assert total.dtype == torch.float32
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
    expected = [log_density(o.astype(float), r, COLUMNS, LOC, SPREAD) for o, r in zip(outputs, ROWS[:5], strict=False)]
    np.testing.assert_allclose([float(value), total.item()], sum(expected), rtol=1e-5)
    np.testing.assert_allclose(other.grad, slope, rtol=1e-4, atol=1e-6 * size)


def test_inputs_of_networks_are_standardised_numbers_and_levels():
    ours = np.asarray(in_numpyro.encode_columns(ROWS, COLUMNS, LOC, SPREAD))
    other = in_pyro.encode_columns(torch.as_tensor(ROWS), COLUMNS, LOC, SPREAD).numpy()
    np.testing.assert_allclose(ours, other, rtol=1e-15)
    assert ours.shape == (N, num_outputs(COLUMNS)) == (N, W)
    np.testing.assert_allclose(ours[0], [-1 / 12, -0.4, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1], rtol=1e-12)
    np.testing.assert_array_equal(ours[1, [0, 2]], [0, 1])  # a missing number
    np.testing.assert_array_equal(ours[4], [0, 0, 1, 1, *[0] * 10])
    assert layout(COLUMNS).order.tolist() == [2, 0, 3, 1, 4]


def test_statistics_are_those_of_observed_values():
    loc, spread, base = column_statistics(ROWS[:4], COLUMNS)
    np.testing.assert_allclose(loc, [0, 110 / 3, 0, -8.7 / 3, 0])
    np.testing.assert_allclose(spread[[1, 3]], np.nanstd(ROWS[:4, [1, 3]], axis=0))
    np.testing.assert_allclose(np.exp(base[4:7]), np.array([1.5, 1.5, 1.5]) / 4.5)
    np.testing.assert_allclose(np.exp(base[7:9]), np.array([1.5, 2.5]) / 4)
    assert base.shape == (W,)


FRAME = pd.DataFrame(
    {
        "age": [39, 50, 38, 20],
        "work": pd.Categorical(["state", "private", None, "state"], categories=["private", "state", "none"]),
        "degree": ["BSc", "MSc", "BSc", None],
        "member": [True, False, True, True],
        "hours": [40.0, None, 35.0, 20.0],
    }
)


def test_a_table_becomes_codes_and_back():
    read = columns.read(FRAME)
    assert read.levels == (0, 3, 2, 2, 0)
    x = read.encode(FRAME)
    np.testing.assert_array_equal(x, [[39, 1, 0, 1, 40], [50, 0, 1, 0, NAN], [38, NAN, 0, 1, 35], [20, 1, NAN, 1, 20]])
    # new rows: other columns, another order, fewer levels
    new = pd.DataFrame({"other": [1], "hours": [1], "degree": ["MSc"], "work": ["none"], "member": [False], "age": [9]})
    np.testing.assert_array_equal(read.encode(new), [[9, 2, 1, 0, 1]])
    back = read.decode(x)
    assert back["work"].tolist()[:2] == ["state", "private"]
    assert back["work"].isna().tolist() == [False, False, True, False]
    np.testing.assert_array_equal(columns.read(back).encode(back), x)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: columns.read(FRAME.to_numpy()), "read off a DataFrame"),
        (lambda: columns.read(FRAME.assign(x="one")), "column x is a category with one level, 'one': drop it"),
        (lambda: columns.read(FRAME.assign(x=None)), "no level: drop it"),
        (lambda: columns.read(FRAME.assign(x=pd.to_datetime("2020-01-01"))), "column x has dates"),
        (lambda: columns.read(FRAME.assign(x=[1, "a", 2, "b"])), "column x has values of several types"),
        (lambda: columns.read(FRAME.rename(columns={"age": "work"})), "two columns are named work"),
        (lambda: columns.read(FRAME).encode(FRAME.drop(columns="age")), "no column age; the columns are age, work"),
        (lambda: columns.read(FRAME).encode(FRAME.assign(degree="BSC")), "no level of column degree 'BSC'; did you"),
        (lambda: columns.read(FRAME).encode(FRAME.assign(age="old")), "column age has numbers where"),
        (lambda: columns.read(FRAME).decode(np.full((1, 5), 7)), "column work has levels 0 to 2: 7 is none"),
        (lambda: columns.read(FRAME).decode(np.zeros((1, 4))), "rows of 5 columns"),
        (lambda: check_columns((0, 1), 2), "from 2 up; given (0, 1)"),
        (lambda: check_columns(None, 2), "from 2 up; given None"),
        (lambda: check_columns((0, 3, 2), 2), "columns has 3 entries but x has D=2 columns"),
        (lambda: column_statistics(np.full((3, 1), 4.0), (0,)), "column 0 of x is 4 in all rows: drop it"),
        (lambda: column_statistics(np.full((3, 1), NAN), (2,)), "column 0 of x is missing in all rows"),
        (lambda: column_statistics(np.array([[2.0], [0.0]]), (2,)), "column 0 of x has levels 0 to 1: 2 is none"),
    ],
)
def test_bad_tables_raise_one_line(make, words):
    with pytest.raises(ZooError) as error:
        make()
    assert words in str(error.value)
    assert "\n" not in str(error.value)
