import torch
from pyro import plate, sample
from pyro.distributions import Dirichlet, InverseGamma, Normal

from zoo._distributions.chain.in_pyro import Chain
from zoo._distributions.gaussian_steps.in_pyro import GaussianSteps
from zoo._distributions.in_pyro import DiagonalNormal
from zoo.switching_lds import STEP_OF_A


def model(x=None, *, N, T, D, K, Z=1, stickiness=1.0, loc=0.0, scale=2.0, spread=1.0):
    loc, scale, spread = (torch.as_tensor(v).expand(D) for v in (loc, scale, spread))
    pi = sample("pi", Dirichlet(torch.ones(K)))
    with plate("K", K):
        transition = sample("transition", Dirichlet(1 + stickiness * torch.eye(K)))
        A = sample("A", Normal(torch.zeros(Z, Z), STEP_OF_A).to_event(2))
        b = sample("b", Normal(torch.zeros(Z), 1.0).to_event(1))
    with plate("D", D):
        W = sample("W", Normal(torch.zeros(D, Z), spread[:, None]).to_event(1))
        mu = sample("mu", Normal(loc, scale))
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2))
    with plate("N", N, dim=-2):
        s = sample("s", Chain(pi, transition, T))
        z = sample("z", GaussianSteps(torch.zeros(Z), torch.eye(Z), A[s], b[s], torch.eye(Z), T))
        with plate("T", T, dim=-1):
            sample("x", DiagonalNormal(z @ W.mT + mu, Psi), obs=x)
