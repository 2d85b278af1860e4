import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.distributions import Dirichlet, InverseGamma, Normal

from zoo._distributions.chain.in_numpyro import Chain
from zoo._distributions.gaussian_steps.in_numpyro import GaussianSteps
from zoo._distributions.in_numpyro import DiagonalNormal
from zoo.switching_lds import STEP_OF_A


def model(x=None, *, N, T, D, K, Z=1, stickiness=1.0, loc=0.0, scale=2.0, spread=1.0):
    loc, scale, spread = (jnp.broadcast_to(v, (D,)) for v in (loc, scale, spread))
    pi = sample("pi", Dirichlet(jnp.ones(K)))
    with plate("K", K):
        transition = sample("transition", Dirichlet(1 + stickiness * jnp.eye(K)))
        A = sample("A", Normal(jnp.zeros((Z, Z)), STEP_OF_A).to_event(2))
        b = sample("b", Normal(jnp.zeros(Z), 1.0).to_event(1))
    with plate("D", D):
        W = sample("W", Normal(jnp.zeros((D, Z)), spread[:, None]).to_event(1))
        mu = sample("mu", Normal(loc, scale))
        Psi = sample("Psi", InverseGamma(2.0, spread**2 / 2))
    with plate("N", N, dim=-2):
        s = sample("s", Chain(pi, transition, T))
        z = sample("z", GaussianSteps(jnp.zeros(Z), jnp.eye(Z), A[s], b[s], jnp.eye(Z), T))
        with plate("T", T, dim=-1):
            sample("x", DiagonalNormal(z @ W.T + mu, Psi), obs=x)
