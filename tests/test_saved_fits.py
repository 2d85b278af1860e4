"""Fits that version 0.1 saved still load: the folders in ``saved_fits`` were written by it.

``expected.json`` holds what version 0.1 computed from each fit: shape, sum and sum of squares of each array; the sum of
the trace; the total log-likelihood where rows have one; and the names and the first number of the summary.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import zoo
from inference import load
from inference.evaluation.comparison import judge
from inference.evaluation.comparison.record import TRUSTS

SAVED = Path(__file__).parent / "saved_fits"
EXPECTED = json.loads((SAVED / "expected.json").read_text())
KINDS = {
    "factor_analysis_em": "point",
    "gaussian_mixture_em": "point",
    "gaussian_mixture_nuts": "chains",
    "gaussian_mixture_svi": "guide",
    "latent_dirichlet_em": "point",
    "latent_dirichlet_gibbs": "chains",
    "vae_svi": "amortised",
}


def checksum(values):
    return [list(values.shape), float(np.sum(values)), float(np.sum(np.square(values)))]


def test_every_saved_fit_has_expected_numbers():
    assert set(KINDS) == set(EXPECTED) == {folder.name for folder in SAVED.iterdir() if folder.is_dir()}


@pytest.mark.parametrize("name", KINDS)
def test_a_fit_of_version_0_1_loads(name):
    fit, expected = load(SAVED / name), EXPECTED[name]
    assert fit.kind == KINDS[name]
    for group in ("params", "draws"):
        assert {n: checksum(v) for n, v in getattr(fit, group).items()} == expected[group]
    assert float(fit.trace.sum()) == expected["trace"]
    if "log_likelihood" in expected:
        np.testing.assert_allclose(fit.log_likelihood().sum(), expected["log_likelihood"], rtol=1e-9)
    else:
        with pytest.raises(zoo.ZooError):
            fit.log_likelihood()
    summary = fit.summary()
    assert list(summary.columns) == expected["summary"]["columns"]
    assert list(map(str, summary.index)) == expected["summary"]["rows"]
    np.testing.assert_allclose(summary.iloc[0, 0], expected["summary"]["first"], rtol=1e-9)
    assert judge(fit).trust in TRUSTS


@pytest.mark.parametrize("name", KINDS)
def test_a_fit_of_version_0_1_saved_again_is_the_same(name, tmp_path):
    old = load(SAVED / name)
    new = load(old.save(tmp_path / name))
    np.testing.assert_equal(dict(new.diagnostics), dict(old.diagnostics))
    assert type(new.diagnostics) is type(old.diagnostics)
    for group in ("params", "draws", "stats", "state"):
        ours, theirs = getattr(old, group), getattr(new, group)
        assert {n: v.tobytes() for n, v in ours.items()} == {n: v.tobytes() for n, v in theirs.items()}
    assert new.options.keys() == old.options.keys()


def test_the_missing_values_of_a_saved_fit_are_still_missing():
    fit = load(SAVED / "factor_analysis_em")
    assert np.isnan(fit.data["x"]).sum() == 3
