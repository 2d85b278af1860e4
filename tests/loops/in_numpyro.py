"""Each chain as NumPyro's tutorial writes it: the plate in the body of the scan, sequences that end masked."""

import jax.numpy as jnp
from numpyro import plate, sample
from numpyro.contrib.control_flow import scan
from numpyro.distributions import Bernoulli, Beta, Categorical, Dirichlet, Normal
from numpyro.handlers import mask

from tests.loops import K, L


def simplexes(name, *shape):
    return sample(name, Dirichlet(jnp.ones(shape)).to_event(len(shape) - 1))


def normals(name, *shape):
    return sample(name, Normal(jnp.zeros(shape), 1.0).to_event(len(shape)))


def first_order(y, lengths, covariate):
    A, mu = simplexes("A", K, K), normals("mu", K)

    def step(carry, y_t):
        x, t = carry
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            x = sample("x", Categorical(A[x]), infer={"enumerate": "parallel"})
            sample("y", Normal(mu[x], 1.0), obs=y_t)
        return (x, t + 1), None

    scan(step, (jnp.zeros(len(y), int), 0), y.T)


def lagged_values(y, lengths, covariate):
    A, p = simplexes("A", K, K), sample("p", Beta(1.0, 1.0).expand([K, 2]).to_event(2))

    def step(carry, y_t):
        x, before, t = carry
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            x = sample("x", Categorical(A[x]))
            sample("y", Bernoulli(p[x, before]), obs=y_t)
        return (x, y_t.astype(int), t + 1), None

    start = jnp.zeros(len(y), int)
    scan(step, (start, start, 0), y.T)


def factorial(y, lengths, covariate):
    A, B, mu, nu = simplexes("A", K, K), simplexes("B", L, L), normals("mu", K), normals("nu", L)

    def step(carry, y_t):
        w, x, t = carry
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            w = sample("w", Categorical(A[w]))
            x = sample("x", Categorical(B[x]))
            sample("y", Normal(mu[w] + nu[x], 1.0), obs=y_t)
        return (w, x, t + 1), None

    start = jnp.zeros(len(y), int)
    scan(step, (start, start, 0), y.T)


def dependent_chains(y, lengths, covariate):
    A, C, mu, nu = simplexes("A", K, K), simplexes("C", K, L, L), normals("mu", K), normals("nu", L)

    def step(carry, y_t):
        w, x, t = carry
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            w = sample("w", Categorical(A[w]))
            x = sample("x", Categorical(C[w, x]))
            sample("y", Normal(mu[w] * nu[x], 1.0), obs=y_t)
        return (w, x, t + 1), None

    start = jnp.zeros(len(y), int)
    scan(step, (start, start, 0), y.T)


def second_order(y, lengths, covariate):
    S, mu = simplexes("S", K, K, K), normals("mu", K)

    def step(carry, y_t):
        before, x, t = carry
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            after = sample("x", Categorical(S[before, x]))
            sample("y", Normal(mu[after], 1.0), obs=y_t)
        return (x, after, t + 1), None

    start = jnp.zeros(len(y), int)
    scan(step, (start, start, 0), y.T, history=2)


def mixture_in_states(y, lengths, covariate):
    A, v, nu = simplexes("A", K, K), simplexes("v", K, L), normals("nu", L)

    def step(carry, y_t):
        x, t = carry
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            x = sample("x", Categorical(A[x]))
            m = sample("m", Categorical(v[x]))
            sample("y", Normal(nu[m], 1.0), obs=y_t)
        return (x, t + 1), None

    scan(step, (jnp.zeros(len(y), int), 0), y.T)


def mixture_of_transitions(y, lengths, covariate):
    pi, C, nu = simplexes("pi", K), simplexes("C", K, L, L), normals("nu", L)

    def step(carry, y_t):
        x, t = carry
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            m = sample("m", Categorical(pi))
            x = sample("x", Categorical(C[m, x]))
            sample("y", Normal(nu[x], 1.0), obs=y_t)
        return (x, t + 1), None

    scan(step, (jnp.zeros(len(y), int), 0), y.T)


def covariates(y, lengths, covariate):
    b, mu = normals("b", K, K), normals("mu", K)

    def step(carry, inputs):
        (x, t), (y_t, u_t) = carry, inputs
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            x = sample("x", Categorical(logits=b[x] * u_t))
            sample("y", Normal(mu[x] + u_t, 1.0), obs=y_t)
        return (x, t + 1), None

    scan(step, (jnp.zeros(len(y), int), 0), (y.T, covariate))


def emission_of_two_states(y, lengths, covariate):
    A, M = simplexes("A", K, K), normals("M", K, K)

    def step(carry, y_t):
        before, t = carry
        with plate("sequences", len(y), dim=-1), mask(mask=t < lengths):
            x = sample("x", Categorical(A[before]))
            sample("y", Normal(M[before, x], 1.0), obs=y_t)
        return (x, t + 1), None

    scan(step, (jnp.zeros(len(y), int), 0), y.T)


def emissions_within(y):
    A, mu = simplexes("A", K, K), normals("mu", K)

    def step(x, y_t):
        x = sample("x", Categorical(A[x]))
        sample("y", Normal(mu[x], 1.0), obs=y_t)
        return x, None

    scan(step, 0, y)


def emissions_outside(y):
    A, mu = simplexes("A", K, K), normals("mu", K)

    def step(x, _):
        x = sample("x", Categorical(A[x]))
        return x, x

    _, x = scan(step, 0, None, length=len(y))
    with plate("time", len(y)):
        sample("y", Normal(mu[x], 1.0), obs=y)


def continuous_in_scan(y):
    A, mu = simplexes("A", K, K), normals("mu", K)

    def step(carry, y_t):
        x, level = carry
        x = sample("x", Categorical(A[x]))
        level = sample("level", Normal(level + mu[x], 1.0))
        sample("y", Normal(level, 1.0), obs=y_t)
        return (x, level), None

    scan(step, (0, 0.0), y)


def scan_in_reverse(y):
    A, mu = simplexes("A", K, K), normals("mu", K)

    def step(x, y_t):
        x = sample("x", Categorical(A[x]))
        sample("y", Normal(mu[x], 1.0), obs=y_t)
        return x, None

    scan(step, 0, y, reverse=True)


def counts_of_states(y):
    A, mu = simplexes("A", K, K), normals("mu", K)

    def step(carry, y_t):
        x, count = carry
        x = sample("x", Categorical(A[x]))
        sample("y", Normal(mu[x] * count, 1.0), obs=y_t)
        return (x, count + x), None

    scan(step, (0, 0), y)
