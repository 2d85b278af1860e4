"""Rows in which nothing was observed: they count in no criterion, and the answer for one alone is the prior."""

import numpy as np
import pytest

import inference
import zoo
from inference import fit, topics
from tests.table import required_sizes

MODELS = ["factor_analysis", "probabilistic_pca", "mixture_of_factor_analysers", "latent_class"]
EMPTY = np.full((1, 4), np.nan)
DOCUMENTS = [["a", "b", "b"], ["a", "c"], ["c", "c", "a"], ["b", "b"]] * 3


def rows(name, N=80):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 1)) + 0.7 * rng.normal(size=(N, 4)) + np.where(np.arange(N) < 30, 0.0, 4.0)[:, None]
    return (x > 1).astype(float) if name == "latent_class" else x


@pytest.fixture(scope="module")
def fits():
    made = {}
    for name in MODELS:
        model = zoo.load(name, "pyro", **required_sizes(name))
        made[name] = fit(model, rows(name), "em", objective="map", max_iter=4)
    return made


@pytest.mark.parametrize("name", MODELS)
def test_they_count_in_no_criterion(name, fits):
    x = rows(name)
    among = np.insert(x, np.repeat([3, 60], [70, 50]), np.nan, axis=0)
    model, options = zoo.load(name, "pyro", **required_sizes(name)), {"objective": "map", "max_iter": 4}
    other = fit(model, among, "em", **options)
    for criterion in ("bic", "icl", "log_likelihood"):
        np.testing.assert_allclose(other.diagnostics[criterion], fits[name].diagnostics[criterion], rtol=1e-9)
    np.testing.assert_allclose(other.trace, fits[name].trace, rtol=1e-9)
    assert len(other.log_likelihood()) == 200


def test_they_count_in_no_criterion_of_a_users_program():
    import torch
    from pyro import distributions as dist
    from pyro import plate, sample

    def program(x):
        mu = sample("mu", dist.Normal(0.0, 10.0))
        with plate("rows", len(x)):
            z = sample("z", dist.Categorical(torch.tensor([0.5, 0.5])), infer={"enumerate": "parallel"})
            sample("x", dist.Normal(mu + 2.0 * z, 1.0), obs=x)

    x = np.random.default_rng(0).normal(size=20)
    empty = np.append(x, np.full(30, np.nan))
    pair = [fit(zoo.Model(program, backend="pyro"), x=v, engine="em", max_iter=20) for v in (x, empty)]
    np.testing.assert_allclose(pair[1].diagnostics["bic"], pair[0].diagnostics["bic"], rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_one_alone_has_the_prior(name, fits):
    company = np.vstack([EMPTY, rows(name)[:1]])
    alone, among = fits[name].local(EMPTY), fits[name].local(company)
    for site in alone:
        one, other = (getattr(v[site], "covariance", None) is not None for v in (alone, among))
        assert one == other
        left, right = (v[site].mean if one else v[site] for v in (alone, among))
        np.testing.assert_allclose(left[:1], right[:1], rtol=1e-12)
    np.testing.assert_allclose(fits[name].log_likelihood(EMPTY), 0.0, atol=1e-12)


@pytest.mark.parametrize("name", ["factor_analysis", "mixture_of_factor_analysers"])
def test_one_alone_is_imputed_by_the_prior(name, fits):
    alone, among = (inference.factors.impute(fits[name], x) for x in (EMPTY, np.vstack([EMPTY, rows(name)[:1]])))
    np.testing.assert_allclose(np.asarray(alone)[0], np.asarray(among)[0], rtol=1e-12)


def test_a_row_without_pixels_has_a_code():
    x = np.random.default_rng(0).integers(0, 2, size=(12, 16)).astype(float)
    trained = fit(zoo.load("vae", "pyro", Z=2, width=4), x, "svi", num_steps=3)
    empty = np.full((1, 16), np.nan)
    alone, among = (inference.latents.encode(trained, v).mean[0] for v in (empty, np.vstack([empty, x[:1]])))
    np.testing.assert_allclose(alone, among, rtol=1e-5)


@pytest.mark.parametrize("documents", [[[]], [[], []]])
def test_documents_without_words_have_the_mean_of_the_prior(documents):
    trained = fit(zoo.load("latent_dirichlet", "pyro", K=2), DOCUMENTS, "em", max_iter=3)
    np.testing.assert_allclose(topics.mixtures(trained, documents), 0.5, rtol=1e-12)
    with pytest.raises(zoo.ZooError, match=f"all {len(documents)} documents are without words"):
        topics.perplexity(trained, documents)
    with pytest.raises(zoo.ZooError, match="without words"):
        fit(trained.model, documents, "em")


@pytest.mark.parametrize("engine", ["em", "nuts"])
def test_an_item_without_answers_is_refused_by_name(engine):
    import pandas as pd

    x = rows("latent_class")
    x[:, 2] = np.nan
    frame = pd.DataFrame(x, columns=["apples", "pears", "plums", "figs"])
    for settings in ({}, {"a": 2.0, "b": 2.0}):
        with pytest.raises(zoo.ZooError, match="column plums of x is missing throughout"):
            fit(zoo.load("latent_class", "pyro", K=2, **settings), frame, engine)
    weights = np.ones(80)
    x[7, 2], weights[7] = 1.0, 0.0
    with pytest.raises(zoo.ZooError, match="column 2 of x is missing throughout"):
        fit(zoo.load("latent_class", "pyro", K=2), x, "em", sample_weight=weights)


def test_nothing_at_all_is_refused():
    for name in MODELS:
        with pytest.raises(zoo.ZooError, match=r"missing"):
            fit(zoo.load(name, "pyro", **required_sizes(name)), np.full((5, 4), np.nan), "em")
