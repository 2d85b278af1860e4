"""The same noise, or the same weights and codes, give the same terms of the bound in both backends."""

from typing import Any

import numpy as np
import pytest

import guides
import zoo
from inference.objectives import Objective
from tests.objectives import BETA, CHAIN, Arrays, NumPyroObjectives, PyroObjectives, chain


def test_the_same_noise_gives_the_same_terms_in_both_backends():
    rng = np.random.default_rng(0)
    noise, x = rng.standard_normal((2, 2, 6))
    params = {n: rng.uniform(0.5, 1.0, 6) for n in CHAIN}

    def fixed_noise(backend):
        sample, plate, param = backend.primitives.sample, backend.primitives.plate, backend.primitives.param
        Normal, Delta = backend.distributions.Normal, backend.distributions.Delta

        def guide(x, noise, *, N):
            m, s, c, d, r = map(param, "mscdr")
            with plate("N", N):
                first, value = Normal(m, s), m + s * noise[0]
                z = sample("z", Delta(value, first.log_prob(value)))
                second, value = Normal(c * z + d, r), c * z + d + r * noise[1]
                sample("t", Delta(value, second.log_prob(value)))

        program, _ = chain(backend)
        return lambda x, noise, *, N: program(x, N=N), guide

    inputs = {"x": x[0], "noise": noise, "N": 6}
    answers = []
    for backend in (NumPyroObjectives(), PyroObjectives()):
        pair = fixed_noise(backend)
        terms = backend.terms(Objective(), pair, params, inputs)
        _, metrics, slopes = backend.bounds(Objective("iwae", 3), pair, params, inputs, BETA)  # all draws are alike
        answers.append({**named_arrays(terms, 0.0, metrics), **slopes})
    assert_same(answers[0], answers[1], 1e-9)


def named_arrays(terms: Any, value: Any, metrics: Arrays) -> Arrays:
    arrays = {**terms._asdict(), "value": value, **{f"metrics {n}": v for n, v in metrics.items()}}
    return {n: None if v is None else np.asarray(v) for n, v in arrays.items()}


def assert_same(ours: Arrays, theirs: Arrays, rtol: float) -> None:
    assert [n for n, v in ours.items() if v is None] == [n for n, v in theirs.items() if v is None]
    for name, value in ours.items():
        if value is not None:
            np.testing.assert_allclose(theirs[name], value, rtol=rtol, atol=rtol, err_msg=name)


@pytest.mark.parametrize("name", ["vae", "linear_vae", "semi_supervised_vae"])
@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 1e-5)])
def test_the_same_weights_and_codes_give_the_same_terms_in_both_backends(name, dtype, rtol):
    import jax
    import torch
    from numpyro.handlers import seed, substitute, trace

    from inference.objectives import in_numpyro, in_pyro
    from inference.objectives.runs.in_pyro import AtValues
    from zoo._backend import in_numpyro as in_jax
    from zoo._backend import in_pyro as in_torch

    sizes = {"Z": 2, **({"C": 3} if name == "semi_supervised_vae" else {})}
    model = zoo.load(name, "numpyro", **sizes)
    draws, objective = zoo.load(name, "pyro", **sizes).simulate(0), Objective("iwae", 2, "doubly_reparameterised")
    data = {n: np.asarray(draws[n], float) for n in model.card.observed}
    if "label" in data:
        data["label"][::2] = np.nan
    z = np.random.default_rng(1).standard_normal(draws["z"].shape)
    with in_jax.runtime(dtype):
        table, keywords = model.bind(data)
        inputs: Any = {**in_jax.to_backend(table), **in_jax.to_backend(keywords)}
        guide = guides.load(name, "numpyro")(model.program)

        def learned():
            nodes = trace(seed(guide, 0)).get_trace(**inputs) | trace(seed(model.program, 0)).get_trace(**inputs)
            return {n: s["value"] for n, s in nodes.items() if s["type"] == "param"}

        params = jax.jit(learned)()
        program, at, key = model.program, substitute(guide, data=in_jax.to_backend({"z": z})), jax.random.PRNGKey(0)
        terms = jax.jit(lambda p: in_numpyro.terms(program, at, p, key, inputs, Objective()))(params)
        value, details = jax.jit(lambda p: in_numpyro.bound(objective, program, at, p, key, inputs, BETA))(params)
        ours = named_arrays(terms, value, details.metrics)
        params = in_jax.to_numpy(params)
    model = zoo.load(name, "pyro", **sizes)
    with in_torch.runtime(dtype), torch.no_grad():
        table, keywords = model.bind(data)
        inputs = {**in_torch.to_backend(table), **in_torch.to_backend(keywords)}
        PyroObjectives.parameters(params)
        guide, codes = guides.load(name, "pyro")(model.program), in_torch.to_backend({"z": z})

        def at_codes(**inputs):
            with AtValues(codes):
                guide(**inputs)

        terms = in_pyro.terms(model.program, at_codes, inputs, Objective())
        value, details = in_pyro.bound(objective, model.program, at_codes, inputs, BETA)
        assert_same(ours, named_arrays(terms, value, details.metrics), rtol)
