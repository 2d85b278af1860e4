"""Reading regressions of any sizes, names, dtypes and containers: right roles, rows and density, or one line."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zoo
from inference.structure import describe_density
from tests.table import SLOW_IN_NUMPYRO
from tests.test_reading import language

SIZE = st.integers(1, 5)  # small, so that sizes are often equal
PLATES = ("N", "K", "rows", "X", "data", "group")
CONTAINERS = ("array", "float32", "list", "frame", "masked", "fortran")
SD = 2.0


def contain(values, container):
    """Values in one of the forms that users have them in."""
    if container == "list":
        return values.tolist()
    if container == "frame":
        return pd.DataFrame(values) if values.ndim == 2 else pd.Series(values)
    if container == "masked":
        return np.ma.MaskedArray(np.nan_to_num(values), np.isnan(values))
    if container == "float32":
        return values.astype(np.float32)
    return np.asfortranarray(values) if container == "fortran" else values


@st.composite
def calls(draw):
    """A regression with group effects: its sizes, the names of its plates, and its arguments."""
    N, D, G = draw(SIZE), draw(SIZE), draw(SIZE)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale, offset = 10.0 ** draw(st.integers(-3, 6)), draw(st.sampled_from([0.0, 1.0, -1e4]))
    X, y = rng.normal(size=(N, D)) * scale, offset + rng.normal(size=N)
    y[rng.random(N) < draw(st.sampled_from([0.0, 0.4, 1.0]))] = np.nan
    X[:, rng.random(D) < draw(st.sampled_from([0.0, 0.5]))] = draw(st.sampled_from([0.0, 1.0]))
    rows, groups = draw(st.permutations(PLATES))[:2]
    container = draw(st.sampled_from(CONTAINERS))
    arguments = {"X": contain(X, container), "group": rng.integers(G, size=N), "y": contain(y, container)}
    arguments["group"] = arguments["group"].astype(draw(st.sampled_from([np.int64, np.int32, np.uint8])))
    # as every group has an offset, its size is that of an argument which does not go with the rows
    arguments["offsets"] = rng.normal(size=G)
    return (N, D, G), (rows, groups), arguments, draw(st.booleans())


def make_program(backend, plates, has_plate):
    here = language(backend)

    def program(X, group, offsets, y=None):
        b = here.ppl.sample("b", here.dist.Normal(here.zeros(X.shape[1]), 1.0).to_event(1))
        with here.ppl.plate(plates[1], len(offsets)):
            effect = here.ppl.sample("effect", here.dist.Normal(offsets, SD))
        mean = (X * b).sum(-1) + effect[group]
        if has_plate:
            with here.ppl.plate(plates[0], len(X)):
                here.ppl.sample("y", here.dist.Normal(mean, SD), obs=y)
        else:
            here.ppl.sample("y", here.dist.Normal(mean, SD).to_event(1), obs=y)

    return program


def log_normal(x, mean, sd):
    return -0.5 * ((x - mean) / sd) ** 2 - math.log(sd) - 0.5 * math.log(2 * math.pi)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
@given(calls())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_a_regression_is_read_as_it_is_or_refused_in_one_line(backend, call):
    (N, D, G), plates, arguments, has_plate = call
    y = np.ma.filled(np.ma.asarray(arguments["y"], float), np.nan)
    program = zoo.Model(make_program(backend, plates, has_plate), backend=backend)
    if np.isnan(y).all():
        with pytest.raises(zoo.ZooError, match=r"every value of an observed array is missing \(y\)"):
            zoo.read(program, **arguments)
        return
    model = describe_density(zoo.read(program, **arguments))
    card, rows = model.card, model.reading.rows
    assert (set(card.latents), set(card.observed)) == ({"b", "effect"}, {"y"})
    assert card.missing == (("y",) if np.isnan(y).any() else ())
    assert {n: len(s.dims) for n, s in card.sites().items()}["b"] == 1
    if has_plate:
        assert (rows.plate, rows.size) == (plates[0], N)
        if N > 1:
            assert set(rows.entries) == {"X", "group", "y"}
    else:
        assert not rows.entries
    # density at a point, in closed form
    X, offsets = np.asarray(arguments["X"], float), np.asarray(arguments["offsets"])
    rng = np.random.default_rng(0)
    values = {"b": rng.normal(size=D), "effect": rng.normal(size=G)}
    mean = X @ values["b"] + values["effect"][arguments["group"]]
    expected = (
        log_normal(values["b"], 0.0, 1.0).sum()
        + log_normal(values["effect"], offsets, SD).sum()
        + np.nansum(log_normal(y, mean, SD))
    )
    np.testing.assert_allclose(model.log_joint(values), expected, rtol=1e-9)
    # groups have offsets of their own, and coefficients columns: neither can be permuted, unless columns are equal
    assert card.sites()["effect"].dims[0] not in card.exchangeable
    seen = X[~np.isnan(y)]
    if len({tuple(column) for column in seen.T}) == D:
        assert card.sites()["b"].dims[0] not in card.exchangeable
