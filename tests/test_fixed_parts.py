"""Linear dynamical systems with parts that the user fixes: maxima, axes, questions and refusals."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

import inference
import zoo
from inference import fit, sequences
from inference.alignment import axes
from inference.alignment.commuting import commuting_basis, nearest_commuting, num_rotations
from inference.engines.em.linear_dynamical_system import log_prior, num_parameters
from tests.table import SLOW_IN_NUMPYRO

NAME = "linear_dynamical_system"
A = np.array([[0.9, 0.3], [-0.3, 0.8]])
W = np.array([[1.0, 0.0], [0.5, 1.0], [-0.5, 2.0]])
VELOCITY: dict[str, Any] = {"fixed_A": ((1.0, 1.0), (0.0, 1.0)), "fixed_W": ((1.0, 0.0),), "fixed_mu": 0.0}


def system_rows(N=4, T=7, seed=0):
    """Sequences of a system with dynamics A and loadings W, some values missing."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(N, T, 2))
    for t in range(1, T):
        z[:, t] += z[:, t - 1] @ A.T
    x = z @ W.T + 0.5 * rng.normal(size=(N, T, 3)) + np.arange(3)
    x[0, 3:5, 1] = x[1, 5:] = np.nan
    return x


def tracks(seed=0):
    """Positions of targets with nearly constant velocities."""
    rng = np.random.default_rng(seed)
    velocity = rng.normal(size=(4, 1)) + np.cumsum(0.2 * rng.normal(size=(4, 30)), 1)
    return (20 + np.cumsum(velocity + 0.1 * rng.normal(size=(4, 30)), 1) + rng.normal(size=(4, 30)))[..., None]


def joint_log_density(chain, x):
    """log p of sequences by the joint normal distribution of all their values."""
    T, Z, total = x.shape[1], len(chain.loc), 0.0
    covs, means = [chain.S @ chain.S.T], [chain.loc]
    for _ in range(T - 1):
        covs.append(chain.A @ covs[-1] @ chain.A.T + chain.Q @ chain.Q.T)
        means.append(chain.A @ means[-1])
    z = np.zeros((T, Z, T, Z))
    for t in range(T):
        for s in range(t + 1):
            z[t, :, s] = np.linalg.matrix_power(chain.A, t - s) @ covs[s]
            z[s, :, t] = z[t, :, s].T
    loading = np.kron(np.eye(T), chain.W)
    mean = loading @ np.concatenate(means) + np.tile(chain.mu, T)
    cov = loading @ z.reshape(T * Z, T * Z) @ loading.T + np.diag(np.tile(chain.Psi, T))
    for row in x.reshape(len(x), -1):
        known = np.flatnonzero(~np.isnan(row))
        root = np.linalg.cholesky(cov[np.ix_(known, known)])
        unit = np.linalg.solve(root, row[known] - mean[known])
        total -= 0.5 * (unit @ unit + len(known) * np.log(2 * np.pi)) + np.log(np.diag(root)).sum()
    return total


FIXED: list[dict[str, Any]] = [
    {"fixed_A": A},
    {"fixed_A": A, "fixed_mu": np.arange(3.0)},
    {"fixed_W": W},
    {"fixed_W": W, "fixed_move_sd": 1.0, "fixed_A": A},
    {"fixed_W": W, "move_cov": ((1.0, 0.3), (0.3, 0.5)), "fixed_Psi": (0.2, 0.3, 0.3)},
    {"structure": "local_trend", "fixed_level_sd": 0.5},
    {"structure": "local_level", "fixed_Psi": 0.25},
    {"structure": "local_trend", "fixed_level_sd": 0.0},
    {"fixed_A": A, "fixed_W": W, "fixed_move_sd": (1.0, 0.0)},
]


@pytest.mark.parametrize(
    ("settings", "objective"),
    [
        *((settings, "ml") for settings in FIXED),
        *(pytest.param(s, "map", marks=() if i == 2 else pytest.mark.slow) for i, s in enumerate(FIXED)),
    ],
)
def test_em_of_what_is_left_reaches_the_maximum_of_the_joint_density(settings, objective):
    """A general optimiser, which begins nearby, finds nothing higher than EM by more than 1e-4 nats."""
    x = system_rows()
    fitted = fit(zoo.load(NAME, "pyro", **settings), x, "em", tol=1e-11, objective=objective)
    card, keywords = fitted.model.card, fitted.keywords
    sites = card.parameters(keywords)
    assert set(sites) == set(fitted.params)
    assert not {name.removeprefix("fixed_") for name in settings} & set(sites)
    assert card.linear_chain

    def objective_of(params):
        assert card.linear_chain
        value = joint_log_density(card.linear_chain(params, keywords), x)
        return value + (log_prior(params, keywords) if objective == "map" else 0.0)

    def from_vector(vector):
        params, start = {}, 0
        for name, site in sites.items():
            shape = site.shape(keywords)
            part = vector[start : start + int(np.prod(shape))].reshape(shape)
            params[name], start = np.exp(part) if site.kind == "positive" else part, start + part.size
        return params

    at = np.concatenate([np.ravel(np.log(v) if sites[n].kind == "positive" else v) for n, v in fitted.params.items()])
    np.testing.assert_allclose(objective_of(from_vector(at)), fitted.trace[-1], rtol=1e-9)
    nearby = at + 0.05 * np.random.default_rng(1).normal(size=at.shape)
    best = minimize(lambda v: -objective_of(from_vector(v)), nearby, method="L-BFGS-B", options={"maxfun": 3000})
    assert fitted.trace[-1] > -best.fun - 1e-4


@pytest.mark.parametrize("settings", FIXED, ids=lambda s: "-".join(s))
def test_the_prior_of_map_is_that_of_the_program(settings):
    fitted = fit(zoo.load(NAME, "pyro", **settings), system_rows(), "em", objective="map", max_iter=5)
    model, keywords = fitted.model, fitted.keywords
    assert model.collapsed
    program = zoo.Model(model.collapsed, backend="pyro", card=model.card, **model.settings)
    settings = {n: v for n, v in keywords.items() if n not in model.settings}
    joint = program.log_joint({**fitted.params, "x": fitted.data["x"]}, **settings)
    np.testing.assert_allclose(log_prior(fitted.params, keywords), joint - fitted.log_likelihood().sum(), rtol=1e-8)


def test_parts_fixed_at_the_maximum_have_its_likelihood():
    x = system_rows(seed=1)
    full = fit(zoo.load(NAME, "pyro"), x, "em", tol=1e-11)
    unit: dict[str, Any] = {"fixed_move_sd": 1.0, "initial_loc": 0.0, "initial_scale": 1.0}
    for names, further in ((["A"], {}), (["mu", "Psi"], {}), (["W"], unit), (["A", "W"], unit)):
        settings = {f"fixed_{n}": full.params[n] for n in names}
        some = fit(zoo.load(NAME, "pyro", **settings, **further), x, "em", tol=1e-11)
        assert abs(some.trace[-1] - full.trace[-1]) < 1e-5, names


def test_a_known_trend_is_the_structure_local_trend():
    """The same maximum, which tests/test_state_space.py holds against statsmodels, and the same answers."""
    x = tracks()
    trend = fit(zoo.load(NAME, "pyro", structure="local_trend"), x, "em", tol=1e-11)
    loc, scale, spread = (float(trend.keywords[n][0]) for n in ("loc", "scale", "spread"))
    settings = {**VELOCITY, "initial_loc": (loc, 0.0), "initial_scale": (scale, spread)}
    system = fit(zoo.load(NAME, "pyro", **settings), x, "em", tol=1e-11)
    assert set(system.params) == {"move_sd", "Psi"}
    np.testing.assert_allclose(system.trace[-1], trend.trace[-1], rtol=1e-9)
    sd = np.concatenate([trend.params["level_sd"], trend.params["slope_sd"]])
    np.testing.assert_allclose(system.params["move_sd"], sd, rtol=1e-3, atol=1e-3)
    for so_far in (False, True):
        z, both = (sequences.latents(f, so_far=so_far).mean for f in (system, trend))
        np.testing.assert_allclose(z["z"], np.concatenate([both["level"], both["slope"]], -1), rtol=1e-3, atol=1e-3)
    one, other = (sequences.forecast(f, steps=3, num_draws=500, seed=1) for f in (system, trend))
    np.testing.assert_allclose(one.draws["x"], other.draws["x"], rtol=1e-2, atol=1e-2)
    assert sequences.predictive_log_likelihood(system).shape == x.shape[:2]
    assert system.local()["z"].mean.shape == (4, 30, 2)


@pytest.mark.parametrize("backend", zoo.BACKENDS)
def test_a_fixed_part_leaves_its_prior_out_of_the_log_joint(backend):
    full, fixed = zoo.load(NAME, backend), zoo.load(NAME, backend, fixed_A=A)
    values = zoo.load(NAME, "pyro").simulate(0)
    sizes = zoo.card(NAME).sizes
    without = {n: v for n, v in values.items() if n != "A"}
    difference = full.log_joint({**values, "A": A}, **sizes) - fixed.log_joint(without, **sizes)
    np.testing.assert_allclose(difference, norm(scale=0.5).logpdf(A).sum(), rtol=1e-9)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_moves_without_noise_have_a_density_and_a_gradient(backend):
    """A smooth trend, as guides need it: its density is that of the filter, and steps of svi find more of it."""
    model = zoo.load(NAME, backend, structure="local_trend", fixed_level_sd=0.0)
    x = tracks()
    em = fit(model, x, "em", tol=1e-11)
    np.testing.assert_allclose(em.log_likelihood().sum(), em.trace[-1], rtol=1e-9)
    guide = fit(model, x, "svi", num_steps=60, num_draws=50)
    log_p = guide.log_likelihood().sum(-1)  # of each draw
    assert log_p.max() <= em.trace[-1] + 1e-6
    assert log_p.mean() > em.trace[-1] - 5
    assert np.isfinite(guide.trace).all()


@pytest.mark.slow
@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_guides_and_saved_fits_have_what_is_left(backend, tmp_path):
    model = zoo.load(NAME, backend, **VELOCITY)
    fitted = fit(model, tracks(), "svi", num_steps=20, num_draws=20)
    assert set(fitted.draws) == {"move_sd", "Psi"}
    assert sequences.latents(fitted).mean["z"].shape == (4, 30, 2)
    loaded = inference.load(fitted.save(tmp_path / "fit"))
    np.testing.assert_array_equal(loaded.log_likelihood(), fitted.log_likelihood())
    np.testing.assert_array_equal(loaded.model.settings["fixed_A"], VELOCITY["fixed_A"])


ROTATION = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
MAPS = {
    "none": 0.7 * np.eye(2),
    "plane": 0.9 * ROTATION,
    "signs": np.diag([0.9, 0.2]),
    "one sign": np.array([[0.9, 0.6], [-0.3, 0.8]]),
}


@pytest.mark.parametrize(
    ("name", "size", "dimension"), [("none", 4, 1), ("plane", 2, 1), ("signs", 2, 0), ("one sign", 1, 0)]
)
def test_axes_are_aligned_as_far_as_a_fixed_map_leaves_them_free(name, size, dimension):
    rng, at = np.random.default_rng(2), MAPS[name]
    basis = commuting_basis([at])
    assert (len(basis), num_rotations(basis)) == (size, dimension)
    turns = nearest_commuting(rng.normal(size=(50, 2, 2)), basis)
    np.testing.assert_allclose(turns @ at, at @ turns, atol=1e-12)
    np.testing.assert_allclose(turns @ np.swapaxes(turns, 1, 2), np.broadcast_to(np.eye(2), turns.shape), atol=1e-12)
    model = zoo.load(NAME, "pyro", fixed_A=at)
    draws = {"W": (W @ turns)[None], "z": (rng.normal(size=(1, 1, 4, 5, 2)) @ np.eye(2)) @ turns[None, :, None]}
    settings = {**model.settings, "structure": "general"}
    aligned = axes.align_within(model.card, settings, draws, np.zeros((1, 50)))
    assert np.ptp(aligned["W"], axis=1).max() < 1e-10
    assert np.ptp(aligned["z"], axis=1).max() < 1e-10
    turn = np.linalg.lstsq(W, aligned["W"][0, 0], rcond=None)[0]
    np.testing.assert_allclose(turn @ at, at @ turn, atol=1e-10)
    assert num_parameters({**settings, "N": 1, "T": 2, "D": 3}) == 6 + 3 + 3 - dimension


def test_factors_in_given_units_have_no_rotation():
    assert zoo.load(NAME, "pyro", fixed_W=W).card.symmetries == {}
    assert zoo.load(NAME, "pyro", fixed_mu=0.0).card.symmetries == {"Z": "rotation"}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"fixed_A": np.eye(3), "fixed_W": W}, "Z=3 but fixed_W has Z=2"),
    ({"fixed_A": np.ones(2)}, r"\[Z Z\]; given the shape \(2,\)"),
    ({"fixed_A": ((1.0,), (0.0, 1.0))}, "has numbers"),
    ({"fixed_A": "one"}, "has numbers"),
    ({"fixed_mu": (0.0, np.nan, 0.0)}, "finite"),
    ({"fixed_Psi": (1.0, -1.0, 1.0)}, "fixed_Psi must be above 0: its least value is -1"),
    ({"fixed_Psi": (1.0, 0.0, 1.0)}, "fixed_Psi must be above 0: its least value is 0"),
    ({"structure": "local_level", "fixed_level_sd": -1.0}, "fixed_level_sd must be 0 or more"),
    ({"fixed_W": W, "fixed_move_sd": (1.0, 0.0)}, "fixed_A"),
    ({"fixed_Psi": (1.0, 1.0)}, "D=2 but x has D=3"),
    ({"fixed_move_sd": 1.0}, "has no move_sd"),
    ({"structure": "local_level", "fixed_slope_sd": 1.0}, "has no slope_sd"),
    ({"structure": "local_trend", "fixed_A": A}, "has no A"),
    ({"move_cov": np.eye(2)}, "fixed_W"),
    ({"initial_loc": 3.0}, "fixed_W"),
    ({"fixed_W": W, "move_cov": -np.eye(2)}, "positive definite"),
    ({"fixed_W": W, "move_cov": ((1.0,), (0.0, 1.0))}, "positive definite"),
    ({"fixed_W": W, "initial_scale": 0.0}, "initial_scale must be above 0"),
    ({"fixed_W": W, "initial_loc": (1.0, 2.0, 3.0)}, "Z=2 finite numbers"),
    ({"structure": "local_level", "fixed_level_sd": 1.0, "fixed_Psi": 1.0}, "nothing to fit"),
]


@pytest.mark.parametrize(("settings", "message"), BAD)
def test_values_that_do_not_fit_are_refused_in_one_line(settings, message):
    with pytest.raises(zoo.ZooError, match=message) as caught:
        fit(zoo.load(NAME, "pyro", **settings), system_rows(), "em")
    assert "\n" not in str(caught.value)
