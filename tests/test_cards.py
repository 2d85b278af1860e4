"""Every line of every card against a run of the program, and the two backends against each other."""

from typing import Any

import numpy as np
import pytest

import zoo
from inference import enumeration, exact
from inference.structure import describe_density
from tests import table
from tests.table import BACKENDS
from zoo._backend import in_backend
from zoo.sites import Site

CASES = [*table.CASES, *table.FURTHER_CASES]
IDS = [*table.IDS, *table.FURTHER_IDS]
KINDS_OF_DATA = {"real", "binary", "count", "category", "positive", "unit", "word"}


@pytest.mark.parametrize("name", zoo.names())
def test_the_card_has_title_citation_and_story(name):
    card = zoo.card(name)
    assert card.name == name
    num_lines = (1 if card.groups else len(card.latents)) + len(card.observed)
    assert card.story.count("~") >= num_lines, "one line of the story for each site"
    assert len(card.citation) > 20
    assert card.shown_on
    assert {s.kind for n, s in card.sites().items() if n in card.observed} <= KINDS_OF_DATA
    every = {n for settings in table.variants(name) for n in card.sites(settings)}
    assert set(card.enumerated) | set(card.sampled) <= set(card.sites()) - set(card.observed)
    assert card.groups or set(card.latents) == every - set(card.observed)
    assert not set(card.enumerated) & set(card.sampled)
    assert set(card.missing) <= set(card.observed)
    assert set(card.exact) <= {"enumeration", "marginal", "posterior"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_the_card_agrees_with_a_trace(name, settings, backend):
    card = zoo.card(name)
    if backend in card.absent:
        pytest.skip(card.absent[backend])
    model = zoo.load(name, backend, **settings)
    traced = in_backend("zoo._backend", backend).trace(model.program, model.complete({**card.sizes, **settings}, {}))
    sites = card.sites({**card.sizes, **settings})
    assert set(traced) == set(sites)
    for site, line in sites.items():
        assert traced[site].shape == line.shape(card.sizes), site
        assert traced[site].kind == line.kind, site
        discrete_latent = traced[site].discrete and site not in card.observed
        assert discrete_latent == (site in (*card.enumerated, *card.sampled)), site
        assert ("N" in traced[site].plates) == ("N" in line.dims), site


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_the_card_lists_what_is_learned(name, settings, backend):
    card = zoo.card(name)
    if backend in card.absent:
        pytest.skip(card.absent[backend])
    model = zoo.load(name, backend, **settings)
    keywords = model.complete({**card.sizes, **settings}, {})
    shapes = in_backend("zoo._backend", backend).learned(model.program, keywords)
    weights = [n for n in shapes if n.split(".")[0] in card.networks]
    assert {n.split(".")[0] for n in weights} == set(card.networks)
    settings = {**card.sizes, **settings}
    latents = set(card.sites(settings))
    lines = {n: site.shape(card.sizes) for n, site in card.parameters(settings).items() if n not in latents}
    assert {n: shape for n, shape in shapes.items() if n not in weights} == lines
    fixed = dict.fromkeys((n for n in lines if n in model.keywords), 0.5)
    without_fixed = in_backend("zoo._backend", backend).learned(model.program, {**keywords, **fixed})
    assert (
        set(without_fixed) == set(shapes) - set(fixed) == {*weights, *card.parameters({**settings, **fixed})} - latents
    )


def assert_one_log_joint(name, settings, draws_from):
    """All backends have the same log joint at three draws from one of them."""
    card = zoo.card(name)
    models = {b: zoo.load(name, b, **settings) for b in BACKENDS if b not in card.absent}
    for seed in range(3):
        values = models[draws_from].simulate(seed)
        joints = [m.log_joint(values, **card.sizes) for m in models.values()]
        assert np.isfinite(joints).all()
        np.testing.assert_allclose(joints, joints[0], rtol=1e-9)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_the_backends_agree_in_log_joint(name, settings):
    assert_one_log_joint(name, settings, "numpyro" if "pyro" in zoo.card(name).absent else "pyro")


# JAX compiles each operation of a draw: a second for each variant, of which one of each model is fast
FIRST_VARIANTS = [next(i for i, (n, _) in enumerate(CASES) if n == name) for name in zoo.names()]


@pytest.mark.parametrize(
    ("name", "settings"),
    [pytest.param(*case, marks=() if i in FIRST_VARIANTS else pytest.mark.slow) for i, case in enumerate(CASES)],
    ids=IDS,
)
def test_the_backends_agree_in_log_joint_at_draws_of_numpyro(name, settings):
    card = zoo.card(name)
    if card.absent:
        pytest.skip("one backend has it alone")
    assert_one_log_joint(name, settings, "numpyro")


@pytest.mark.parametrize(("name", "settings"), [case for case in CASES if zoo.card(case[0]).missing])
def test_missing_values_do_not_change_the_likelihood(name, settings):
    card = zoo.card(name)
    for backend in BACKENDS:
        model = zoo.load(name, backend, **settings)
        values = model.simulate(0)
        data = {site: values[site] for site in card.missing}
        thirds = {site: np.arange(x.size).reshape(x.shape) % 3 for site, x in data.items()}
        given = {site: table.without_density(card, settings, x) for site, x in data.items()}
        partial = {**values, **{n: np.where((thirds[n] > 0) | given[n], x, np.nan) for n, x in data.items()}}
        empty = {**values, **{n: np.where(given[n], x, np.nan) for n, x in data.items()}}
        complete, incomplete, absent = (model.log_joint(v, **card.sizes) for v in (values, partial, empty))
        assert np.isfinite([complete, incomplete, absent]).all()
        assert complete < incomplete < absent, "each observed answer can only lower a probability"


@pytest.mark.parametrize(("name", "settings"), [case for case in CASES if zoo.card(case[0]).symmetries])
def test_the_likelihood_has_the_symmetries_of_the_card(name, settings):
    """Transformed axes and other values of the ``hyper`` latents leave the likelihood of every row unchanged."""
    model = zoo.load(name, "pyro", **settings)
    card = model.card
    sizes: dict[str, Any] = {**card.sizes, **{letter: max(2, card.sizes[letter]) for letter in card.symmetries}}
    values = model.simulate(3, **sizes)
    sites = card.parameters(settings)
    if not (model.collapsed or card.linear):  # the density is that of the rows given their latents
        sites |= {n: card.sites(settings)[n] for n in card.continuous_in_rows(settings)}
    params = {n: values[n] for n in sites}
    (observed,) = card.observed
    bound = model.with_settings(**{k: v for k, v in model.complete({**sizes, **settings}, {}).items() if k != "N"})
    moved = {n: 2 * v if n in card.hyper else v for n, v in params.items()}
    for letter, symmetry in card.symmetries.items():
        size, rng = sizes[letter], np.random.default_rng(0)
        turn = {
            "rotation": np.linalg.qr(rng.normal(size=(size, size)))[0],
            "signed permutation": np.diag(rng.choice([-1.0, 1.0], size))[rng.permutation(size)],
        }[symmetry]
        for n, site in sites.items():
            if n in card.hyper:
                continue
            for axis in (a for a, dim in enumerate(site.dims) if dim == letter):
                moved[n] = np.moveaxis(np.moveaxis(moved[n], axis, -1) @ turn, -1, axis)
    has_axes = any(letter in site.dims for site in sites.values() for letter in card.symmetries)
    assert has_axes == any((moved[n] != params[n]).any() for n in params)
    # the sum over labels is that of the program itself; where it has none, the density of the rows by the card
    log_density = exact.log_density if card.linear and not model.collapsed else enumeration.log_marginal
    before, after = (log_density(bound, at, values[observed]) for at in (params, moved))
    np.testing.assert_allclose(after, before, rtol=1e-9)


def test_a_card_is_inferred_for_a_program_without_one():
    def numpyro_program(x=None, *, N, D, K):
        import jax.numpy as jnp
        from numpyro import plate, sample
        from numpyro.distributions import Categorical, Dirichlet, Laplace, LogNormal

        pi = sample("pi", Dirichlet(jnp.ones(K)))
        with plate("K", K):
            mu = sample("mu", Laplace(jnp.zeros(D), 3.0).to_event(1))
            b = sample("b", LogNormal(0.0, 1.0))
        with plate("N", N):
            z = sample("z", Categorical(pi))
            sample("x", Laplace(mu[z], b[z][..., None]).to_event(1), obs=x)

    model = describe_density(zoo.read(zoo.Model(numpyro_program, backend="numpyro", K=3, D=3)))
    assert {n: str(s) for n, s in model.card.sites().items()} == {  # equal sizes do not confuse it
        "pi": "simplex [K]",  # one event, whose entries are permuted with the components
        "mu": "real [K mu_dim_1]",
        "b": "positive [K]",
        "z": "category [N]",
        "x": "real [N x_dim_1]",
    }
    assert model.card.enumerated == ("z",)
    assert model.card.exchangeable == ("K",)


def test_a_dimension_without_a_plate_is_named_by_its_site():
    def nameless(x=None, *, N):
        import jax.numpy as jnp
        from numpyro import plate, sample
        from numpyro.distributions import Dirichlet, Normal

        w = sample("w", Dirichlet(jnp.ones(4)))
        with plate("N", N):
            sample("x", Normal(w[0], 1.0), obs=x)

    model = zoo.Model(nameless, backend="numpyro")
    with pytest.raises(zoo.ZooError, match="gives it a card"):
        _ = model.card
    assert str(zoo.read(model, np.zeros(5)).card.sites()["w"]) == "simplex [w_dim_0]"


def test_a_site_line_round_trips():
    for line in ("real [K D]", "count [N]", "positive"):
        assert str(Site.parse(line)) == line
    with pytest.raises(zoo.ZooError, match="kind one of"):
        Site.parse("number of apples")


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_a_card_declares_what_its_priors_compute(name, settings):
    """``zoo show`` reads it, to say what comes from the data without running anything."""
    card = zoo.card(name)
    if card.priors:
        values = zoo.load(name, "numpyro" if "pyro" in card.absent else "pyro", **settings).simulate(0)
        given = card.priors({n: values[n] for n in card.observed}, {**card.variant(settings), **card.sizes})
        assert set(given) <= set(card.empirical) <= set(zoo.load(name).keywords)
