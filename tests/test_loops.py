"""Programs with ``scan`` and ``markov``: sums over their discrete states, against the program at every path."""

import importlib
import itertools

import numpy as np
import pytest
from scipy.special import logsumexp

import inference
import zoo
from inference import enumeration, sequences
from tests.loops import BITS, COVARIATE, LATENTS, LENGTHS, PROGRAMS, VALUES, Y, N, T
from tests.table import BACKENDS
from zoo._backend import backend_of, in_backend

ALONE = [name for name, (_, sizes) in PROGRAMS.items() if len(sizes) == 1 and name != "second_order"]


def read(name, backend, rows=slice(None), lengths=LENGTHS, num_steps=T):
    """A program of the table with the data of some sequences."""
    y = (BITS if PROGRAMS[name][0] else Y)[rows, :num_steps]
    program = getattr(importlib.import_module(f"tests.loops.in_{backend}"), name)
    model = zoo.Model(program, backend=backend)
    return zoo.read(model, y, np.minimum(lengths[rows], num_steps), COVARIATE[:num_steps])


def log_joint(model, values):
    backend, (table, keywords) = backend_of(model), model.bind()
    return backend.log_joint(model.program, {**keywords, **table}, values)


def every_path(name, backend, n, num_steps=T):
    """The log density of one sequence with each path of its states, and the states by site, (paths, steps).

    By the user's program, of this sequence alone and cut at its end, with a value for every state.
    """
    sizes, length, values = PROGRAMS[name][1], min(LENGTHS[n], num_steps), {k: VALUES[k] for k in LATENTS[name]}
    rows = slice(n, n + 1)
    model = read(name, backend, rows, num_steps=length)
    paths = np.array(list(itertools.product(*(range(size) for size in sizes.values() for _ in range(length)))))
    states = dict(zip(sizes, np.split(paths, len(sizes), axis=1), strict=True))
    logs = []
    for i in range(len(paths)):
        if backend == "pyro":
            at = {f"{s}_{t}": x[i, t : t + 1] for s, x in states.items() for t in range(length)}
        else:
            at = {s: x[i, :, None] for s, x in states.items()}
        logs.append(log_joint(model, {**values, **at}))
    nothing = read(name, backend, rows, lengths=0 * LENGTHS, num_steps=length)  # all is masked: the prior alone
    return np.array(logs) - log_joint(nothing, {**values, **at}), states


def by_sequence(name, backend, values):
    """Values of states as (N, T, ...), from the sites of a program."""
    if backend == "numpyro":
        return {s: np.moveaxis(values[s], 1, 0) for s in PROGRAMS[name][1]}
    num_steps = sum(n.startswith("x_") for n in values)
    return {s: np.stack([values[f"{s}_{t}"] for t in range(num_steps)], 1) for s in PROGRAMS[name][1]}


@pytest.mark.parametrize("num_steps", [1, 2, T])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_sums_are_those_over_every_path(name, backend, num_steps):
    model = read(name, backend, num_steps=num_steps)
    values = {k: VALUES[k] for k in LATENTS[name]}
    log_p = enumeration.log_marginal(model, values, None)
    states = by_sequence(name, backend, enumeration.responsibilities(model, values, None))
    for n in range(N):
        logs, paths = every_path(name, backend, n, num_steps)
        np.testing.assert_allclose(log_p[n], logsumexp(logs), rtol=1e-12)
        p = np.exp(logs - logsumexp(logs))
        for site, size in PROGRAMS[name][1].items():
            exact = np.stack([(p[:, None] * (paths[site] == k)).sum(0) for k in range(size)], -1)
            np.testing.assert_allclose(states[site][n, : len(exact)], exact, atol=1e-12)
