"""Adult as one program: sex in a coordinate of its own, and the others free of it, for rows not trained on."""

import numpy as np
import pytest

import inference
import zoo
from inference import fairness, latents
from tests import table as table_of
from zoo import columns, datasets

STEPS, NUM_TESTS = 4000, 6000


@pytest.fixture(scope="module")
def adult():
    """Columns, rows (N, 13), sex (N, 1) as codes, and income."""
    table_of.load_or_skip("adult")
    frame = datasets.observed("adult")
    read = columns.read(frame)
    x = read.encode(frame)
    order = np.random.default_rng(0).permutation(len(x))
    return read, x[order], x[order][:, [read.names.index("sex")]], datasets.labels("adult")[order]


def small_fit(adult, backend, steps, objective, **options):
    read, x, sex, _ = adult
    sizes = {"C": 2, "Z": 8, "width": 64, "alpha": 10.0, "separation": 20.0}
    model = zoo.load("attribute_vae", backend, likelihood="mixed", columns=read.levels, **sizes)
    data = {"x": x[NUM_TESTS:], "attribute": sex[NUM_TESTS:]}
    options = {"batch_size": 256, "num_steps": steps, "dtype": "float32", **options}
    return inference.fit(model, data, "svi", objective=objective, **options)


def test_adult_is_one_program_with_missing_values(adult):
    """A few steps on some rows: the encoder and the decoder take a table, and give one."""
    read, x, sex, income = adult
    fit = small_fit((read, x[: NUM_TESTS + 500], sex[: NUM_TESTS + 500], income), "pyro", 20, "adversary")
    rows = x[np.isnan(x).any(1)][:50]
    decoded = read.decode(latents.decode(fit, latents.encode(fit, rows).mean))
    assert list(decoded.columns) == list(read.names)
    assert set(decoded["sex"]) <= {"Male", "Female"}
    rows[3, read.names.index("workclass")] = 8
    with pytest.raises(zoo.ZooError, match=r"column 1 of x has levels 0 to 7: 8 is none"):
        latents.encode(fit, rows)


@pytest.mark.slow
def test_the_other_coordinates_are_free_of_sex(adult):
    fit = small_fit(
        adult,
        "numpyro",
        STEPS,
        "adversary(gamma=6)",
        learning_rate=lambda step: 3e-3 * (1 - step / STEPS),
    )
    _, x, sex, income = adult
    names = np.array(["Female", "Male"])[sex[:NUM_TESTS, 0].astype(int)]
    report = fairness.report(fit, x[:NUM_TESTS], sensitive=names, target=income[:NUM_TESTS], num_bootstrap=200)
    for measures in report.predictors.values():
        every, others = measures.codes["all codes"], measures.codes["other coordinates"]
        assert every.sensitive_accuracy.low > 0.97
        assert others.sensitive_accuracy.value < report.sensitive_chance + 0.02
        assert others.parity_difference.value < every.parity_difference.value / 2
        assert measures.accuracy_loss.value < 0.02
