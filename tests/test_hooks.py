"""Model hooks: found in the project and beside a model, and never for a user's own program."""

import textwrap

import numpy as np
import pytest

import guides
import inference
import zoo
from inference.engines.em import (
    autoregressive_hmm,
    bayesian_pca,
    closed_form,
    factor_analysis,
    hidden_markov,
    mixture_of_factor_analysers,
    poisson_mixture,
    probabilistic_pca,
    switching_regression,
)
from inference.engines.em.closed_form import ChainHook, LinearGaussianForm
from tests.table import simulate_case
from zoo.hooks import find_hook

HOMES = {"em": "inference.engines.em", "gibbs": "inference.engines.gibbs", "guide": "guides", "plot": ""}


def test_hooks_of_the_project_are_found():
    assert find_hook("zoo.vae", "guide", HOMES["guide"]) == "guides.vae"
    assert find_hook("zoo.latent_dirichlet", "gibbs", HOMES["gibbs"]) == "inference.engines.gibbs.latent_dirichlet"
    assert find_hook("zoo.gaussian_mixture", "plot") == "zoo.gaussian_mixture.plot"
    assert find_hook("zoo.gaussian_mixture", "guide", HOMES["guide"]) is None


@pytest.mark.parametrize("name", zoo.names())
def test_a_card_names_its_package(name):
    assert zoo.card(name).package == f"zoo.{name}"
    assert zoo.load(name).package == f"zoo.{name}"


def test_a_program_of_the_same_name_has_no_hooks():
    """A user's function called ``vae`` is no model of the zoo: its default guide is a family, not the zoo's encoder."""
    import jax.numpy as jnp
    from numpyro import plate, sample
    from numpyro.distributions import Normal

    def vae(x=None, *, N):
        mu = sample("mu", Normal(0.0, 1.0))
        with plate("N", N):
            sample("x", Normal(mu * jnp.ones(N), 1.0), obs=x)

    model = zoo.read(zoo.Model(vae, backend="numpyro"), np.zeros(5))
    assert model.package == ""
    assert guides.own_guide(model.card) is None
    assert inference.engines.get("svi").default_options(model.card).guide == "mean_field"


def test_a_hook_beside_a_model_comes_first(tmp_path, monkeypatch):
    folder = tmp_path / "own_mixture"
    (folder / "em").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        textwrap.dedent(
            """
            "A Poisson mixture, with an M-step of its own."
            import dataclasses
            from zoo.poisson_mixture import CARD as POISSON
            CARD = dataclasses.replace(POISSON, name="own_mixture")
            """
        )
    )
    (folder / "in_numpyro.py").write_text(
        "from zoo.poisson_mixture import in_numpyro as other\n\n\n"
        "def model(x=None, *, N, K, shape=2.0, mean=10.0):\n"
        "    return other.model(x, N=N, K=K, shape=shape, mean=mean)\n"
    )
    (folder / "em" / "__init__.py").write_text(
        '"The M-step of a Poisson mixture."\nKIND = "exponential_family"\nCALLS = []\n'
    )
    (folder / "em" / "in_numpyro.py").write_text(
        "from inference.engines.em.poisson_mixture.in_numpyro import form as other\n"
        "from zoo.own_mixture.em import CALLS\n\n\n"
        "def form(data, keywords, options):\n"
        "    CALLS.append(1)\n"
        "    return other(data, keywords, options)\n"
    )
    monkeypatch.setenv("ZOO_MODELS", str(tmp_path))
    assert "own_mixture" in zoo.names()
    assert find_hook("zoo.own_mixture", "em", HOMES["em"]) == "zoo.own_mixture.em"
    _, x = simulate_case("poisson_mixture", {}, N=30)
    fit = inference.fit(zoo.load("own_mixture", K=2), x, engine="em")
    reference = inference.fit(zoo.load("poisson_mixture", K=2), x, engine="em")
    assert fit.trace.tolist() == reference.trace.tolist()
    from zoo.own_mixture.em import CALLS  # pyright: ignore[reportMissingImports]

    assert CALLS, "the M-step beside the model was used"


# a type checker compares these modules with the protocol
LINEAR_GAUSSIAN: dict[str, LinearGaussianForm] = {
    "bayesian_pca": bayesian_pca,
    "factor_analysis": factor_analysis,
    "mixture_of_factor_analysers": mixture_of_factor_analysers,
    "probabilistic_pca": probabilistic_pca,
}
EXPONENTIAL_FAMILY = ("gaussian_mixture", "latent_class", "mixed_latent_class", "poisson_mixture")
CHAINS: dict[str, ChainHook] = {
    "autoregressive_hmm": autoregressive_hmm,
    "hidden_markov": hidden_markov,
    "switching_regression": switching_regression,
}


@pytest.mark.parametrize("name", zoo.names())
def test_the_kind_of_each_hook_of_em(name):
    model = zoo.load(name)
    assert closed_form.linear_gaussian_form(model) is LINEAR_GAUSSIAN.get(name)
    assert (closed_form.exponential_family_form(model) is not None) == (name in EXPONENTIAL_FAMILY)
    assert closed_form.chain_form(model) is CHAINS.get(name)
    assert (closed_form.variational_form(model.card) is not None) == (name == "latent_dirichlet")


def test_a_hook_of_em_declares_an_allowed_kind(monkeypatch):
    model = zoo.load("poisson_mixture", K=2)
    monkeypatch.setattr(poisson_mixture, "KIND", "conjugate")
    with pytest.raises(zoo.ZooError, match="KIND = 'conjugate': set it to one of 'exponential_family'"):
        inference.fit(model, [1.0, 2.0, 7.0], "em")
    monkeypatch.setattr(poisson_mixture, "KIND", "linear_gaussian")
    with pytest.raises(zoo.ZooError, match="the card of poisson_mixture has no linear"):
        inference.fit(model, [1.0, 2.0, 7.0], "em")
    monkeypatch.delattr(poisson_mixture, "KIND")
    with pytest.raises(zoo.ZooError, match="KIND = None"):
        inference.fit(model, [1.0, 2.0, 7.0], "em")


@pytest.mark.parametrize("name", zoo.names())
def test_what_a_card_declares(name):
    """The letters and keywords that a card declares are the program's."""
    card, keywords = zoo.card(name), zoo.load(name).keywords
    assert not card.classes or card.classes in card.sizes
    assert not card.levels or card.levels in keywords
    if card.topics:
        assert card.of_words
