"""Bad input gives results without NaN, or a one-line error with a remedy."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import zoo
from inference import fit
from tests.table import EXACT, required_sizes

MIXTURE = {"name": "gaussian_mixture", "K": 2}


def error_message(data, engine="em", model=None, **options):
    """The one-line error of a fit."""
    spec = {**MIXTURE, **(model or {})}
    with pytest.raises(zoo.ZooError) as caught:
        fit(zoo.load(spec.pop("name"), **spec), data, engine, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


GOOD = np.random.default_rng(0).normal(size=(20, 2))
WRONG = [
    ("empty", np.empty((0, 2)), "empty"),
    ("no columns", np.empty((5, 0)), "empty"),
    ("one row", GOOD[:1], "at least two rows"),
    ("fewer rows than components", GOOD[:2], "take K=2 or fewer"),
    ("a constant column", np.column_stack([GOOD, np.full(20, 7.0)]), "column 2 of x is constant"),
    ("NaN", np.where(np.arange(40).reshape(20, 2) == 3, np.nan, GOOD), "row 1, column 1 is missing"),
    ("inf", np.where(np.arange(40).reshape(20, 2) == 4, np.inf, GOOD), "row 2, column 0 is infinite"),
    ("far away", np.where(np.arange(40).reshape(20, 2) == 4, 1e200, GOOD), "column 0 of x has squares beyond 64 bits"),
    ("three dimensions", np.zeros((4, 2, 2)), "give 2 dimensions, not shape"),
    ("words", np.array([["a", "b"], ["c", "d"]]), "other than numbers"),
    ("a ragged list", [[1.0, 2.0], [3.0]], "other than numbers"),
    ("nothing", None, "other than numbers"),
    ("one row many times", np.repeat(GOOD[:1], 9, axis=0), "constant"),
    ("two rows many times", np.repeat(GOOD[:2], 9, axis=0), "3 different rows, and there are 2"),
    ("another site", {"y": GOOD}, "no data for x; given y"),
]


@pytest.mark.parametrize(("data", "words"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_each_mistake_has_its_message(data, words):
    assert words in error_message(data, model={"K": 3})


def test_a_table_with_words_names_the_column():
    import pandas as pd

    assert "species" in error_message(pd.DataFrame({"length": [1.0, 2.0, 3.0], "species": ["a", "b", "c"]}))


@pytest.mark.parametrize("cell", [1e200, 1e308, -1e308])
@pytest.mark.parametrize("row", [0, 3])
def test_squares_beyond_64_bits_are_refused_without_a_warning(cell, row):
    x = np.random.default_rng(0).normal(size=(20, 4))
    x[row, 1] = cell
    deep = {"x": x, "attribute": np.arange(20)[:, None] % 2.0}
    for name, sizes, data in [
        ("factor_analysis", {"Z": 1}, x),
        ("vae", {"Z": 1, "likelihood": "gaussian"}, x),
        ("attribute_vae", {"Z": 2, "C": 2, "likelihood": "mixed"}, deep),
    ]:
        with pytest.raises(zoo.ZooError, match="squares beyond 64 bits"):
            zoo.load(name, "pyro", **sizes).bind(data)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("poisson_mixture", np.array([1.0, 2.5, 3.0]), "a whole number from 0 up, and 2.5 is not"),
        ("poisson_mixture", np.array([1.0, -2.0, 3.0]), "-2 is not"),
        ("latent_class", np.array([[0.0, 2.0], [1.0, 0.0]]), "0 or 1, and 2 is not"),
        ("latent_class", np.full((4, 2), np.nan), "every value is missing"),
        ("poisson_mixture", np.array([1.0, np.nan, 3.0]), "drop those rows"),
    ],
)
def test_values_outside_the_support(name, data, words):
    assert words in error_message(data, model={"name": name})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: zoo.load("gausian_mixture"), "did you mean 'gaussian_mixture'"),
        (lambda: zoo.card("nothing like it"), "known: "),
        (lambda: zoo.load("gaussian_mixture", backend="stan"), "no backend 'stan'"),
        (lambda: zoo.load("gaussian_mixture", K=0), "whole number from 1 up"),
        (lambda: zoo.load("gaussian_mixture", K="3"), "whole number from 1 up"),
        (lambda: zoo.load("gaussian_mixture", k=3), "no setting of gaussian_mixture 'k'"),
        (lambda: zoo.load("gaussian_mixture", covariance="round"), "no covariance 'round'"),
        (lambda: fit(zoo.load("gaussian_mixture", K=2), GOOD, "mcmc"), "no engine 'mcmc'"),
        (lambda: fit(zoo.load("gaussian_mixture", K=2), GOOD, "em", max_iters=3), "did you mean 'max_iter'"),  # pyright: ignore
        (
            lambda: fit(zoo.load("gaussian_mixture", K=2), GOOD, "em", objective="mle"),  # pyright: ignore
            "no objective 'mle'; did you mean 'ml'?",
        ),
        (lambda: fit(zoo.load("gaussian_mixture", K=2), GOOD, "em", sample_weight=[1, 2]), "each of the 20 rows"),
        (lambda: fit(zoo.load("gaussian_mixture", K=2), GOOD, "em", start={"mu": [0.5, 0.5]}), "start needs mu"),
        (lambda: fit(zoo.load("gaussian_mixture", K=2), GOOD, "em", max_iter=0), "from 1 up"),
        (lambda: fit(zoo.load("factor_analysis", Z=1), GOOD, "em", covariance_floor=0.0), "a number above 0"),
        (lambda: fit(zoo.load("linear_vae", Z=0), GOOD, "svi"), "Z is a whole number from 1 up"),
        (lambda: fit(zoo.load("gaussian_mixture", K=2), GOOD, "em", dtype="float16"), "float32, float64"),
        (lambda: fit(zoo.load("gaussian_mixture", K=2), GOOD, "em", device="tpu"), "no device 'tpu' here"),
        (lambda: fit(zoo.load("gaussian_mixture", K=2, D=3), GOOD, "em"), "D=3 but x has D=2"),
        (lambda: fit(zoo.load("gaussian_mixture"), GOOD, "em"), "K=..."),
        (lambda: fit("gaussian_mixture", GOOD, "em"), "zoo.load("),  # pyright: ignore[reportArgumentType, reportCallIssue]
        (lambda: fit(zoo.load("gaussian_mixture", "pyro", K=2), GOOD, "em", device="cuda"), "no device 'cuda' here"),
    ],
)
def test_errors_of_unknown_names_list_the_known(call, words):
    with pytest.raises(zoo.ZooError) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


ANY_TABLE = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 8), st.integers(1, 4)),
    elements=st.one_of(
        st.sampled_from([0.0, 1.0, 1e-300, 1e8, -1e8, 1e150, np.nan, np.inf]), st.floats(-1e3, 1e3, width=32)
    ),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    x=ANY_TABLE,
    K=st.integers(1, 3),
    Z=st.integers(0, 3),
    name=st.sampled_from(EXACT),
    objective=st.sampled_from(["ml", "map"]),
)
def test_any_table_gives_finite_numbers_or_a_one_line_error(x, K, Z, name, objective):
    """In Pyro, which does not compile for each new shape."""
    data = x[:, 0] if len(zoo.card(name).sites()["x"].dims) == 1 else x
    sizes = {**required_sizes(name)}
    sizes |= {letter: size for letter, size in {"K": K, "Z": Z}.items() if letter in sizes}
    try:
        result = fit(zoo.load(name, "pyro", **sizes), data, "em", objective=objective, max_iter=20)
    except zoo.ZooError as error:
        assert "\n" not in str(error)  # noqa: PT017  (most of these tables raise)
        return
    assert np.isfinite(result.trace).all()
    for site, value in result.params.items():
        assert np.isfinite(value).all(), site
    assert np.isfinite(result.log_likelihood()).all()
    local = result.local()
    for site in result.model.card.enumerated:
        assert (abs(local[site].sum(-1) - 1) < 1e-9).all()
    for value in local.values():  # probabilities, or the mean and covariance of a normal
        assert all(np.isfinite(part).all() for part in (value if isinstance(value, tuple) else (value,)))


@pytest.mark.parametrize("seed", [-1, 0.5, "a", True])
def test_a_seed_is_a_whole_number(seed):
    assert f"seed is a whole number from 0 up; given {seed!r}" in error_message(GOOD, seed=seed)
