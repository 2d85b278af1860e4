"""Held-out evaluation against exact log p: of the linear VAE in closed form, of networks by quadrature."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

import zoo
from inference import Fit, compare, elbo_split, fit, held_out, inference_gap, log_marginal
from inference.amortised import AmortisedPosterior
from inference.engines.svi.diagnostics import AmortisedDiagnostics
from inference.evaluation.comparison import judge
from tests.table import SLOW_IN_NUMPYRO
from zoo.data.intensities import Intensities

N, S = 40, 2000
GRID = np.linspace(-8, 8, 401)  # of codes: a density of a width of 0.3 or more is summed to many digits


def untrained_fit(name, backend, data, state, learned=(), **settings):
    """A Fit at given weights, without training: an encoder that is wrong, and known."""
    model = zoo.load(name, backend, **settings)
    table, keywords = model.bind(data)
    words = {"engine": "svi", "options": {"guide": name}, "seed": 0, "device": "cpu", "seconds": 0.0}
    params = {n: v for n, v in state.items() if n in learned or n.startswith("decoder")}
    dtype = "float32" if model.card.networks else None
    return Fit(
        model=model, keywords=keywords, data=table, params=params, state=state, trace=np.zeros(1), dtype=dtype, **words
    )


def network(name, *sizes, seed=0):
    rng = np.random.default_rng(seed)
    state = {}
    for i, (a, b) in enumerate(itertools.pairwise(sizes)):
        state[f"{name}.layers.{i}.weight"] = rng.normal(size=(a, b)) / np.sqrt(a)
        state[f"{name}.layers.{i}.bias"] = 0.3 * rng.normal(size=b)
    return state


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def linear(request):
    """A linear VAE whose encoder is off by a part of the posterior's width, and whose posterior is correlated."""
    rng = np.random.default_rng(1)
    W, mu, sigma2 = rng.normal(size=(5, 2)), rng.normal(size=5), np.array(0.5)
    W[:, 1] += W[:, 0]  # columns that are far from orthogonal, for a correlated posterior
    x = rng.normal(size=(N, 2)) @ W.T + mu + np.sqrt(sigma2) * rng.normal(size=(N, 5))
    loc, spread = x.mean(0), float(np.sqrt(x.var(0).mean()))
    best = np.linalg.solve(sigma2 * np.eye(2) + W.T @ W, W.T)
    covariance = np.linalg.inv(np.eye(2) + W.T @ W / sigma2)  # of the posterior; a narrower q would have wild weights
    state = {"W": W, "mu": mu, "sigma2": sigma2, "encoder.scale": 1.2 * np.sqrt(np.diag(covariance))}
    state["encoder.layers.0.weight"] = 0.9 * spread * best.T
    state["encoder.layers.0.bias"] = best @ (loc - mu) + 0.1
    return untrained_fit("linear_vae", request.param, x, state, ("W", "mu", "sigma2"), Z=2)


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def vae(request):
    return binary(request.param)


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def classes(request):
    return labelled(request.param)


def binary(backend):
    rng = np.random.default_rng(2)
    x = (rng.random((N, 6)) < 0.5).astype(float)
    x[3, 2] = np.nan
    state = network("decoder", 1, 4, 6) | network("encoder", 6, 4, 2)
    return untrained_fit("vae", backend, x, state, Z=1, width=4, depth=1)


def labelled(backend):
    rng = np.random.default_rng(3)
    x = (rng.random((N, 6)) < 0.5).astype(float)
    label = np.where(rng.random(N) < 0.5, rng.integers(3, size=N), np.nan)
    state = network("decoder", 4, 4, 6) | network("encoder", 9, 4, 2) | network("classifier", 6, 4, 3)
    return untrained_fit("semi_supervised_vae", backend, {"x": x, "label": label}, state, Z=1, C=3, width=4, depth=1)


def by_quadrature(made):
    """log p(x_n), or log p(x_n, label_n), from the pixels' probabilities on a grid of codes."""
    C = made.keywords.get("C", 1)
    codes, y = np.tile(GRID, C)[:, None], np.repeat(np.arange(C), len(GRID))
    latents = {"z": codes, "y": y} if C > 1 else {"z": codes}
    p = AmortisedPosterior(made).decode(latents)["x"].astype(float)
    x = made.data["x"][:, None]
    by_pixel = np.where(np.isnan(x), 1.0, np.where(x == 1, p, 1 - p))
    density = np.exp(-(GRID**2) / 2) / np.sqrt(2 * np.pi) * (GRID[1] - GRID[0])
    given = (by_pixel.prod(-1).reshape(N, C, -1) * density).sum(-1) / C
    if C > 1:
        label = made.data["label"][:, None]
        given = np.where(np.isnan(label) | (label == np.arange(C)), given, 0.0)
    return np.log(given.sum(1))


def test_log_p_is_exact_within_its_error(linear):
    """The errors in units of their standard error are standard normal over rows, and log p is not too high."""
    result, exact = log_marginal(linear, num_samples=S), linear.log_likelihood()
    scores = (result.log_p - exact) / result.errors
    assert (result.log_p < exact + 5 * result.errors).all()
    assert abs(scores.mean()) < 4 / np.sqrt(N)
    assert 1 - 4 / np.sqrt(2 * N) < scores.std() < 1 + 4 / np.sqrt(2 * N)
    assert abs(result.nats_per_example + exact.mean()) < 4 * result.monte_carlo_error
    assert result.bits_per_dimension == pytest.approx(result.nats_per_example / 5 / np.log(2))
    assert result.standard_error == pytest.approx(result.log_p.std(ddof=1) / np.sqrt(N))
    assert not result.num_unreliable
    assert "trained on" in repr(result)


def test_the_elbo_is_below_log_p_by_the_known_kl(linear):
    """KL(q || posterior) and KL(q || prior) of normals have a closed form."""
    result, exact = elbo_split(linear, num_samples=1000), linear.log_likelihood()
    posterior, q = linear.local()["z"], AmortisedPosterior(linear).encode(linear.data)["z"]
    precision = np.linalg.inv(posterior.covariance)
    off = q.mean - posterior.mean
    short = np.einsum("nzz,nz->n", precision, q.sd**2) + np.einsum("nz,nzy,ny->n", off, precision, off) - 2
    short = (short - np.log(q.sd**2).sum(1) + np.linalg.slogdet(posterior.covariance)[1]) / 2
    scores = (result.elbo - exact + short) / result.errors
    assert abs(scores).max() < 5
    assert abs(scores.mean()) < 4 / np.sqrt(N)
    kl = (q.sd**2 + q.mean**2 - 1) / 2 - np.log(q.sd)
    np.testing.assert_allclose(result.kl, kl.sum(1), rtol=1e-6)
    np.testing.assert_allclose(result.kl_by_dimension["z"], kl.mean(0), rtol=1e-6)
    np.testing.assert_allclose(result.reconstruction - result.kl, result.elbo)
    assert result.active_units == 2
    assert result.units == 2
    assert result.bits_per_dimension == pytest.approx(-result.elbo_nats_per_example / 5 / np.log(2))


def test_the_gap_is_divided_into_known_parts(linear):
    """The best independent normals for a normal posterior have its mean, and the sds of its precision's diagonal."""
    result = inference_gap(linear, rows=20, steps=300, num_samples=S)
    exact, covariance = linear.log_likelihood()[result.rows], linear.local()["z"].covariance[0]
    precision = np.linalg.inv(covariance)
    family = (np.log(np.diag(precision)).sum() + np.linalg.slogdet(covariance)[1]) / 2
    assert family > 0.05
    missed = 0.02  # nats: the last steps of Adam are noisy, and where they end costs a little
    gap = result.family_gap
    assert abs(gap.nats_per_example - family) < missed + 4 * gap.monte_carlo_error
    assert (result.refined < exact - family + 5 * result.errors["refined"]).all()
    total = result.gap
    assert total.nats_per_example == pytest.approx(gap.nats_per_example + result.amortisation_gap.nats_per_example)
    assert result.amortisation_gap.nats_per_example > 0.1
    assert abs(result.log_p - exact).max() < 5 * result.errors["log_p"].max()
    assert "20 rows" in repr(result)


def check_by_quadrature(made):
    result, exact = log_marginal(made, num_samples=S), by_quadrature(made)
    scores = (result.log_p - exact) / result.errors
    assert abs(scores).max() < 5
    assert abs(scores.mean()) < 4 / np.sqrt(N)
    split = elbo_split(made)
    assert (split.elbo < exact + 5 * split.errors).all()
    assert abs(split.elbo - exact).max() < 5


def test_a_network_by_quadrature(vae):
    """A code of one number can be integrated on a grid; a missing pixel is marginalised out."""
    check_by_quadrature(vae)


def test_classes_by_quadrature(classes):
    """Classes can be summed over, and observed ones are part of the row."""
    check_by_quadrature(classes)


@pytest.mark.slow
def test_optimal_classes_and_normals_have_a_small_gap(classes):
    """With the optimal q(y) and q(z | y) of each row only the family gap remains, which is small in one dimension."""
    result, exact = inference_gap(classes, rows=None, steps=100, num_samples=S), by_quadrature(classes)
    assert (result.rows == np.arange(N)).all()
    assert (result.refined < exact + 5 * result.errors["refined"]).all()
    assert (result.refined > result.elbo - 5 * np.hypot(result.errors["refined"], result.errors["elbo"])).all()
    assert 0 < result.family_gap.nats_per_example + 4 * result.family_gap.monte_carlo_error < 0.1


@pytest.mark.parametrize("make", [binary, labelled])
def test_both_backends_agree(make):
    """Results differ by Monte Carlo error at most; deterministic ones are equal."""
    one, two = (AmortisedPosterior(make(backend)) for backend in zoo.BACKENDS)
    codes, others = (posterior.encode(posterior.table()) for posterior in (one, two))
    for site in codes:
        np.testing.assert_allclose(np.array(codes[site]), np.array(others[site]), atol=1e-5)
    result, other = (elbo_split(posterior.fit) for posterior in (one, two))
    assert (abs(result.elbo - other.elbo) < 5 * np.hypot(result.errors, other.errors)).all()
    np.testing.assert_allclose(result.kl, other.kl, atol=1e-4)


def test_results_do_not_depend_on_blocks(vae):
    """More rows than a block holds, and not a multiple of them."""
    x = np.tile(vae.data["x"], (7, 1))[:270]
    posterior = AmortisedPosterior(vae)
    whole, some = posterior.encode({"x": x})["z"], posterior.encode({"x": x[:N]})["z"]
    np.testing.assert_allclose(whole.mean[:N], some.mean, atol=1e-6)
    np.testing.assert_allclose(whole.mean[240:], some.mean[:30], atol=1e-6)
    image = posterior.decode({"z": whole.mean})["x"]
    assert image.shape == (270, 6)
    assert (image > 0).all()
    assert (image < 1).all()
    draws = posterior.decode({"z": whole.mean}, seed=1)["x"]
    assert set(np.unique(draws)) == {0.0, 1.0}
    np.testing.assert_array_equal(draws, posterior.decode({"z": whole.mean}, seed=1)["x"])
    result = log_marginal(vae, x, num_samples=10)
    assert result.log_p.shape == (270,)
    assert np.isfinite(result.log_p).all()


def test_an_encoder_that_is_too_narrow_is_detected(linear):
    """A fifth as wide as the posterior it has few effective draws. Nearly a point it has many, and yet log p is far too
    low: only the draws from refined codes show it."""
    exact = linear.log_likelihood()
    narrow, point = (
        Fit(**{**vars(linear), "state": {**linear.state, "encoder.scale": factor * linear.state["encoder.scale"]}})
        for factor in (0.2, 1e-3)
    )
    result = log_marginal(narrow, num_samples=S)
    assert result.num_unreliable
    assert result.log_p.mean() < exact.mean()
    assert f"{result.num_unreliable} of {N} rows have fewer than 20 effective draws" in repr(result)
    report = held_out(point, num_samples=S, gap_rows=20)
    assert report.gap
    rows = report.gap.rows
    assert report.marginal.log_p[rows].mean() < exact[rows].mean() - 1
    assert abs(report.gap.log_p - exact[rows]).mean() < 0.1
    assert "the encoder misses a part of the posterior" in str(report)


def test_intensities_are_drawn_once_by_the_seed(vae):
    grey = Intensities(np.random.default_rng(0).random((N, 6)))
    one, same, other = (log_marginal(vae, grey, num_samples=10, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.log_p, same.log_p)
    assert one.seed == 5
    assert "seed 5" in repr(one)
    np.testing.assert_array_equal(AmortisedPosterior(vae).table(grey, 5)["x"], grey.binarise(5))
    assert abs(one.log_p - other.log_p).max() > 0.1


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_trained_fit_has_a_summary_and_a_verdict(backend):
    rng = np.random.default_rng(0)
    x = (rng.random((60, 6)) < np.where(rng.random((60, 1)) < 0.5, 0.9, 0.1)).astype(float)
    model = zoo.load("vae", backend, Z=1, width=4, depth=1, likelihood="gaussian")
    result = fit(model, x, "svi", num_epochs=3, batch_size=20, held_out=0.25, learning_rate=0.05)
    table = result.summary()["estimate"]
    assert {"sigma", "elbo_nats_per_row", "held_out_elbo_nats_per_row", "active_units"} <= set(table.index)
    assert table["sigma"] > 0
    assert table.notna().all()
    verdict = judge(result)
    assert verdict.trust in ("point", "no")
    assert "\n" not in verdict.explanation
    report = held_out(result, num_samples=50, gap_rows=0)
    assert "15 rows held out" in str(report)
    assert "active_units" in report.table.index
    assert report.table["value"].notna().all()
    assert len(report.kl_by_dimension) == 1


def test_networks_alone_have_no_quantities(vae):
    epochs = {
        "step": np.array([9.0]),
        "epoch": np.array([12.0]),
        "reconstruction_nats_per_row": np.array([-4.0]),
        "kl_nats_per_row": np.array([1.0]),
    }
    trained = AmortisedDiagnostics(
        elbo_nats_per_row=-5.0, epochs=epochs, converged=True, guide="vae", rise=0.0, rise_se=1.0, beta=1.0, elbo=-200.0
    )
    made = Fit(**{**vars(vae), "diagnostics": trained})
    assert list(made.summary().index) == [
        "elbo_nats_per_row",
        *list(epochs)[2:],
        "active_units",
    ]
    verdict = judge(made)
    assert verdict.trust == "point"
    assert "ELBO -5.00" in verdict.explanation
    assert "inference.held_out" in verdict.explanation
    assert "raise num_epochs" in judge(replace(made, diagnostics=trained.replace(converged=False))).explanation
    with pytest.raises(zoo.ZooError, match="has networks alone"):
        compare(made, made)


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        (lambda f: f.log_likelihood(), "log_marginal"),
        (lambda f: f.local(), "latents.encode"),
        (lambda f: log_marginal(f, num_samples=1), "num_samples is a whole number from 2 up; given 1"),
        (lambda f: inference_gap(f, rows=0), "rows is a whole number from 1 up"),
        (lambda f: log_marginal(f, f.data["x"][:, :5]), "D=6 but x has D=5"),
        (lambda f: log_marginal(f, f.data["x"] + 0.5), "0 or 1"),
        (lambda f: AmortisedPosterior(f).decode({"w": np.zeros((2, 1))}), "decodes z; given w"),
        (lambda f: AmortisedPosterior(f).decode({"z": np.zeros((2, 3))}), r"of shape \(2, 1\) here; given \(2, 3\)"),
        (lambda f: log_marginal(Fit(**{**vars(f), "state": {}})), "has no encoder: fit it by svi"),
        (lambda f: log_marginal(Fit(**{**vars(f), "options": {"guide": "mean_field"}})), "reads no rows"),
        (lambda f: log_marginal(Fit(**{**vars(f), "options": {"guide": "my_own"}})), "was a function"),
    ],
)
def test_errors_name_the_cause(vae, evaluate, message):
    with pytest.raises(zoo.ZooError, match=message):
        evaluate(vae)


def test_labels_beyond_the_classes_raise(classes):
    data = {**classes.data, "label": np.full(N, 3.0)}
    with pytest.raises(zoo.ZooError, match="label has a label 3, and its values are 0 to 2"):
        log_marginal(classes, data)


def hierarchical_fit(backend):
    """x is normal about z2, z2 about z1: x has variance 3. The guide, a function, draws z2 first, and z1 given it."""
    if backend == "numpyro":
        import jax.numpy as package
        from numpyro import param, plate, sample
        from numpyro.distributions import Normal
    else:
        import torch as package
        from pyro import param, plate, sample
        from pyro.distributions import Normal

    def model(x=None, *, N):
        with plate("N", N):
            z1 = sample("z1", Normal(0.0, 1.0))
            z2 = sample("z2", Normal(z1, 1.0))
            sample("x", Normal(z2, 1.0), obs=x)

    def guide(x, *, N):
        a = param("a", package.zeros(()))  # type: ignore[arg-type]
        with plate("N", N):
            z2 = sample("z2", Normal(a * x, 0.9))
            sample("z1", Normal(0.5 * z2 + 0.1, 0.8))

    x = np.sqrt(3) * np.random.default_rng(0).normal(size=N)
    lines = {"latents": {"z1": "real [N]", "z2": "real [N]"}, "observed": {"x": "real [N]"}}
    chain = zoo.Model(model, backend=backend, card=zoo.Card("chain", "a chain", "a test", **lines))  # type: ignore[arg-type]
    table, keywords = chain.bind(x)
    made = Fit(
        model=chain,
        engine="svi",
        keywords=keywords,
        options={"guide": lambda program, start: guide},
        seed=0,
        device="cpu",
        dtype=None,
        data=table,
        seconds=0.0,
        params={},
        trace=np.zeros(1),
        state={"a": np.array(0.6)},
    )
    return made, -(x**2) / 6 - np.log(6 * np.pi) / 2


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_latents_that_depend_on_each_other(backend):
    """A user's guide that draws a latent on which another's prior depends: that KL is estimated from the draws."""
    made, exact = hierarchical_fit(backend)
    result = log_marginal(made, num_samples=S)
    scores = (result.log_p - exact) / result.errors
    assert abs(scores).max() < 5
    split = elbo_split(made, num_samples=1000)
    x = made.data["x"]
    # q(z2) and q(z1 | z2) from their posteriors, Normal(2x/3, 2/3) and Normal(z2/2, 1/2)
    short = normal_kl(0.6 * x, 0.81, 2 * x / 3, 2 / 3) + normal_kl(0.1, 0.64, 0.0, 0.5)
    assert abs((split.elbo - exact + short) / split.errors).max() < 5
    assert split.kl_by_dimension["z1"].shape == split.kl_by_dimension["z2"].shape == ()
    assert split.units == 2
    assert inference_gap(made, rows=5, steps=50, num_samples=10).gap.nats_per_example > -1


def normal_kl(mean, variance, other_mean, other_variance):
    return (np.log(other_variance / variance) + (variance + (mean - other_mean) ** 2) / other_variance - 1) / 2
