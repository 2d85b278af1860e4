"""Items and labels in other codes than 0, 1, ...: the error says the cure, and what is unambiguous is accepted."""

import numpy as np
import pandas as pd
import pytest

import inference
import zoo

RNG = np.random.default_rng(0)
ITEMS = RNG.integers(0, 2, (40, 3))
FRAME = pd.DataFrame(ITEMS, columns=["a", "b", "c"])
BLANK = np.broadcast_to(np.arange(40)[:, None] == 3, ITEMS.shape)


def message(data, name="latent_class"):
    with pytest.raises(zoo.ZooError) as caught:
        inference.fit(zoo.load(name, K=2), data, engine="em")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_items_coded_as_one_and_two():
    assert "of the two values 1 and 2, (x == 2) is 1 for 2 and 0 for 1" in message(ITEMS + 1)


def test_items_in_words():
    text = message(FRAME.replace({0: "no", 1: "yes"}))
    assert "columns of words (a, b, c)" in text
    assert "(df['a'] == 'yes').astype(float) codes 'no' and 'yes'" in text


def test_codes_of_missing_answers():
    gaps = np.where(RNG.random(ITEMS.shape) < 0.2, -9, ITEMS)
    assert "replace it by NaN, as zoo fit --na -9 does" in message(gaps)
    assert "replace it by NaN, as zoo fit --na -99 does" in message(np.array([3, -99, 4, 2]), "poisson_mixture")


def test_grey_values_are_still_advised_to_be_binarised():
    assert "binarise grey values" in message(ITEMS * 7 + RNG.integers(0, 3, ITEMS.shape))


@pytest.mark.parametrize(
    "items",
    [
        FRAME.astype(bool),
        FRAME.astype("boolean").mask(BLANK),
        FRAME.astype(bool).astype(object).where(~BLANK, None),
        FRAME.astype(object).where(~BLANK, np.nan),
        FRAME.astype("Int8").mask(BLANK),
    ],
    ids=["booleans", "nullable", "booleans with blanks", "objects", "nullable numbers"],
)
def test_unambiguous_codes_are_accepted(items):
    table, _ = zoo.load("latent_class", K=2).bind(items)
    expected = ITEMS.astype(float)
    if items.isna().any(axis=None):
        expected[3] = np.nan
    np.testing.assert_array_equal(table["x"], expected)
