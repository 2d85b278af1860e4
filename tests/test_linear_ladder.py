"""The linear ladder: guides that are exact, compared with the density of a row in closed form."""

import numpy as np
import pytest

import inference
import zoo
from guides.linear_ladder import information_filter
from inference.objectives import Objective
from tests.objectives import BACKEND_OBJECTIVES
from zoo import ZooError, datasets
from zoo._backend import in_backend

BACKENDS = ("numpyro", "pyro")
N, D = 7, 5


def parameters(L, Z, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "W": rng.normal(size=(D, Z)),
        "mu": rng.normal(size=D),
        "Psi": rng.uniform(0.2, 1.0, D),
        "ladder.weight": rng.normal(size=(L - 1, Z, Z)) / Z**0.5,
        "ladder.scale": rng.uniform(0.3, 1.0, (L - 1, Z)),
    }


def covariance(params):
    """Of a row, as a dense matrix."""
    Z = params["W"].shape[1]
    S = np.eye(Z)
    for V, s in zip(params["ladder.weight"][::-1], params["ladder.scale"][::-1], strict=True):
        S = V @ S @ V.T + np.diag(s**2)
    return params["W"] @ S @ params["W"].T + np.diag(params["Psi"])


def log_density(params, x):
    """log p(x_n) of each row, by the dense covariance."""
    C, d = covariance(params), x - params["mu"]
    return -0.5 * (d * np.linalg.solve(C, d.T).T).sum(-1) - 0.5 * np.linalg.slogdet(2 * np.pi * C)[1]


def rows(seed=1):
    return np.random.default_rng(seed).normal(size=(N, D))


@pytest.mark.parametrize("separate", [False, True], ids=["one run", "two runs"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_with_the_information_filter_every_draw_has_the_evidence(backend, separate):
    L, Z = 30 if backend == "pyro" else 8, 3  # NumPyro compiles layer by layer
    x, loc, spread = rows(), np.linspace(-1, 1, D), np.linspace(0.5, 2, D)
    params = parameters(L, Z)
    params |= information_filter(params, loc, spread)
    program = zoo.load("linear_ladder", backend).program
    module = in_backend("guides.linear_ladder", backend)
    guide = module.SharedGuide(program, module.posterior, module.messages, separate)
    inputs = {"x": x, "N": N, "D": D, "L": L, "Z": Z, "loc": loc, "spread": spread}
    terms = BACKEND_OBJECTIVES[backend]().terms(Objective(num_particles=4), (program, guide), params, inputs)
    elbos = terms.likelihood - terms.kl
    assert elbos.shape == (4, N)
    np.testing.assert_allclose(elbos, np.broadcast_to(log_density(params, x), elbos.shape), atol=1e-9, rtol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_collapsed_program_has_the_evidence(backend):
    params, x = parameters(4, 2), rows()
    model = zoo.load("linear_ladder", backend, L=4, Z=2)
    assert model.collapsed
    collapsed = zoo.Model(model.collapsed, backend=backend, card=zoo.card("linear_ladder"), L=4, Z=2)
    for data in (x, np.where(np.arange(x.size).reshape(x.shape) % 4, x, np.nan)):
        joint = collapsed.log_joint({"x": data, **params}, N=N, D=D)
        expected = 0.0
        for row in data:
            seen = ~np.isnan(row)
            C, d = covariance(params)[np.ix_(seen, seen)], (row - params["mu"])[seen]
            expected += -0.5 * d @ np.linalg.solve(C, d) - 0.5 * np.linalg.slogdet(2 * np.pi * C)[1]
        np.testing.assert_allclose(joint, expected, rtol=1e-10)


def evidence_and_bound(backend, x, L, encoder, num_steps):
    """Per row: the exact evidence of the fitted parameters, and the bound of the fit by many draws."""
    model = zoo.load("linear_ladder", backend, L=L, Z=2, encoder=encoder)
    fit = inference.fit(
        model,
        x,
        engine="svi",
        gradient="sticking_the_landing",
        learning_rate=lambda t: 0.02 * (1 - t / num_steps) + 1e-5,
        batch_size=len(x),
        num_steps=num_steps,
        dtype="float64",
        progress=False,
    )
    bound = inference.elbo_split(fit, num_samples=50).elbo_nats_per_example
    return log_density(fit.state, x).mean(), bound


def maximum(x):
    """The maximum of the likelihood of factor analysis per row: that of the ladder, whose rows are normal alike."""
    fit = inference.fit(zoo.load("factor_analysis", Z=2), x, engine="em", objective="ml", max_iter=5000, tol=1e-10)
    W, mu, Psi = (np.asarray(fit.params[n]) for n in ("W", "mu", "Psi"))
    C, d = W @ W.T + np.diag(Psi), x - mu
    return (-0.5 * (d * np.linalg.solve(C, d.T).T).sum(-1)).mean() - 0.5 * np.linalg.slogdet(2 * np.pi * C)[1]


def factor_data(count=200):
    """Rows of two factors in five columns."""
    rng = np.random.default_rng(5)
    W = np.array([[1.0, 0.2], [0.8, -0.5], [0.1, 0.9], [-0.6, 0.7], [0.4, 0.4]])
    return rng.normal(size=(count, 2)) @ W.T + 0.5 * rng.normal(size=(count, D)) + np.arange(D)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "encoder", "L", "num_steps"),
    [
        ("numpyro", "ladder", 3, 3000),
        pytest.param("numpyro", "bottom_up", 3, 3000, marks=pytest.mark.slow),
        pytest.param("pyro", "ladder", 3, 3000, marks=pytest.mark.slow),
        pytest.param("numpyro", "ladder", 30, 6000, marks=pytest.mark.slow),
    ],
)
def test_training_reaches_the_evidence_and_its_maximum(backend, encoder, L, num_steps):
    x = factor_data()
    evidence, bound = evidence_and_bound(backend, x, L, encoder, num_steps)
    assert abs(evidence - bound) < 0.01, "nats per row"
    assert abs(maximum(x) - evidence) < 0.01, "nats per row"


def test_a_ladder_of_one_layer_and_too_many_factors_are_refused():
    iris = datasets.observed("iris")
    for L, Z, message in ((1, 2, "factor_analysis, which has one"), (3, 9, "take Z=")):
        with pytest.raises(ZooError, match=message) as error:
            inference.fit(zoo.load("linear_ladder", L=L, Z=Z), iris, engine="svi")
        assert "\n" not in str(error.value)
