"""Linear dynamical systems against a ladder of layers, and against the state-space models of statsmodels."""

import numpy as np
import pytest

import zoo
from inference import fit
from inference.exact.kalman import smooth
from zoo.linear_chain import LinearChain

L, Z, D = 30, 2, 4


def test_a_ladder_is_a_chain_of_which_the_last_step_is_seen():
    """The evidence of ``linear_ladder`` with 30 layers of equal weights is that of 30 steps, the last with values."""
    rng = np.random.default_rng(0)
    x, A, s = rng.normal(size=(6, D)), rng.normal(size=(Z, Z)) * 0.6, rng.uniform(0.5, 1.5, Z)
    W, mu, Psi = rng.normal(size=(D, Z)), rng.normal(size=D), rng.uniform(0.2, 1.0, D)
    params = {"W": W, "mu": mu, "Psi": Psi, "ladder.weight": np.tile(A, (L - 1, 1, 1))}
    params["ladder.scale"] = np.tile(s, (L - 1, 1))
    program = zoo.load("linear_ladder", "pyro").collapsed
    assert program
    ladder = zoo.Model(program, backend="pyro", card=zoo.card("linear_ladder"), L=L, Z=Z)
    steps = np.full((6, L, D), np.nan)
    steps[:, -1] = x
    chain = LinearChain(np.zeros(Z), np.eye(Z), A, np.diag(s), W, mu, Psi)
    log_p = ladder.log_joint({"x": x, **params}, N=len(x), D=D)
    np.testing.assert_allclose(smooth(chain, steps).log_p.sum(), log_p, rtol=1e-10)


@pytest.mark.parametrize("structure", ["local_level", "local_trend"])
def test_em_reaches_the_maximum_of_a_state_space_model(structure):
    """statsmodels maximises the same likelihood, with the same distribution of the first step."""
    components = pytest.importorskip("statsmodels.tsa.statespace.structural").UnobservedComponents
    rng = np.random.default_rng(1)
    slope = np.cumsum(0.2 * rng.normal(size=120)) if structure == "local_trend" else np.zeros(120)
    x = np.cumsum(slope + 0.5 * rng.normal(size=120)) + rng.normal(size=120)
    x[30:36] = np.nan
    fitted = fit(zoo.load("linear_dynamical_system", "pyro", structure=structure), x[:, None], "em", tol=1e-12)
    keywords = {n: float(np.ravel(fitted.keywords[n])[0]) for n in ("loc", "scale", "spread")}
    peer = components(x, "llevel" if structure == "local_level" else "lltrend")
    means = np.array([keywords["loc"], 0.0])[: peer.k_states]
    variances = np.array([keywords["scale"], keywords["spread"]])[: peer.k_states] ** 2
    peer.ssm.initialize_known(means, np.diag(variances))
    peer.loglikelihood_burn = peer.ssm.loglikelihood_burn = 0
    values = {"sigma2.irregular": fitted.params["Psi"], "sigma2.level": fitted.params["level_sd"] ** 2}
    values |= {"sigma2.trend": fitted.params["slope_sd"] ** 2} if structure == "local_trend" else {}
    at_ours = np.array([float(values[name][0]) for name in peer.param_names])
    assert abs(peer.loglike(at_ours) - fitted.trace[-1]) < 1e-8 * abs(fitted.trace[-1])
    best = peer.fit(at_ours * 1.3 + 0.01, method="lbfgs", maxiter=2000, disp=False, pgtol=1e-9, factr=10)
    assert fitted.trace[-1] > best.llf - 1e-4
