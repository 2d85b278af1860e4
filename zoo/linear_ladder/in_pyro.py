import torch
from pyro import param, plate, sample
from pyro.distributions import Normal, constraints

from zoo._distributions.in_pyro import DiagonalNormal, LowRankNormal
from zoo._distributions.units.in_pyro import in_units


def model(x=None, *, N, D, L=3, Z=2, loc=0.0, spread=1.0, encoder="ladder"):
    W, mu, Psi, V, s = parameters(D, L, Z, loc, spread)
    with plate("N", N):
        z = sample(f"z{L}", Normal(torch.zeros(Z), 1.0).to_event(1))
        for i in range(L - 1, 0, -1):
            z = sample(f"z{i}", Normal(z @ V[i - 1].T, s[i - 1]).to_event(1))
        sample("x", DiagonalNormal(z @ W.T + mu, Psi), obs=x)


def collapsed(x=None, *, N, D, L=3, Z=2, loc=0.0, spread=1.0, encoder="ladder"):
    W, mu, Psi, V, s = parameters(D, L, Z, loc, spread)
    covariance = torch.eye(Z)  # of the layer
    for i in range(L - 1, 0, -1):
        covariance = V[i - 1] @ covariance @ V[i - 1].T + s[i - 1].square().diag()
    with plate("N", N):
        sample("x", LowRankNormal(mu, W @ torch.linalg.cholesky(covariance), Psi), obs=x)


def parameters(D, L, Z, loc, spread):
    loc, spread = (torch.as_tensor(v).expand(D) for v in (loc, spread))
    # half of each variance begins in the layer above, half about it
    unit = spread[:, None]
    W = param("W", lambda: unit * torch.randn(D, Z) / (2 * Z) ** 0.5, constraint=in_units(0.0, unit))
    mu = param("mu", loc.clone, constraint=in_units(loc, spread))
    Psi = param("Psi", lambda: spread**2 / 2, constraint=constraints.positive)
    V = param("ladder.weight", lambda: torch.linalg.qr(torch.randn(L - 1, Z, Z))[0] / 2**0.5)
    s = param("ladder.scale", lambda: torch.full((L - 1, Z), 0.5**0.5), constraint=constraints.positive)
    return W, mu, Psi, V, s
