"""Networks and the models made of them: the same weights in both backends, densities that sum to one, and bad input."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import guides
import zoo
from tests.table import BACKENDS, CASES, IDS, SLOW_IN_NUMPYRO
from zoo._backend import backend_of, in_backend

MODULES: dict[str, tuple[Any, ...]] = {  # the module, its args, and how many numbers it takes
    "MLP": ((5, (7, 6), 3), 5),
    "MLP relu": ((5, (7, 6), 3, "relu"), 5),
    "MLP leaky_relu": ((5, (7, 6), 3, "leaky_relu"), 5),
    "ConvolutionalEncoder": ((64, 10, 3), 64),
    "ConvolutionalDecoder": ((3, 10, 64), 3),
    "PooledEncoder": ((100, 10, 3), 100),
}
DEEP = [(name, chosen) for name, chosen in CASES if zoo.card(name).networks or zoo.card(name).learned]
DEEP_IDS = [i for case, i in zip(CASES, IDS, strict=True) if case in DEEP]


def run(backend, dtype, weights, function, *arrays):
    """``function(networks, *arrays)`` in one backend at these weights, as numpy; and the weights it has."""
    language, there = in_backend("zoo._networks", backend), in_backend("zoo._backend", backend)
    with there.runtime(dtype):
        entered = there.to_backend({str(i): a for i, a in enumerate(arrays)}).values()
        if backend == "numpyro":
            import jax
            from numpyro import handlers

            def traced(weights, arrays):
                seeded = handlers.seed(handlers.substitute(lambda: out.append(function(language, *arrays)), weights), 0)
                out: list[Any] = []
                nodes = handlers.trace(seeded).get_trace()
                return out, {n: s["value"] for n, s in nodes.items()}

            out, found = jax.jit(traced)(there.to_backend(weights), list(entered))
        else:
            import pyro
            import torch

            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                for name, value in there.to_backend(weights).items():
                    pyro.param(name, value)
                out = [function(language, *entered)]
            found = dict(pyro.get_param_store().items())
        return there.to_numpy({"": out[0]})[""], there.to_numpy(found)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("name", MODULES)
def test_the_same_weights_give_the_same_outputs(name, dtype, tolerance):
    args, inputs = MODULES[name]
    x = np.random.default_rng(0).normal(size=(2, 3, inputs))  # any leading dimensions

    def apply(networks, x):
        return networks.network("net", getattr(networks, name.split()[0]), *args)(x)

    for first, second in (BACKENDS, BACKENDS[::-1]):
        mine, weights = run(first, dtype, {}, apply, x)
        theirs, same = run(second, dtype, weights, apply, x)
        assert mine.dtype == theirs.dtype == np.dtype(dtype)
        assert mine.shape[:2] == (2, 3)
        np.testing.assert_allclose(mine, theirs, atol=tolerance)
        assert {n: w.shape for n, w in weights.items()} == {n: w.shape for n, w in same.items()}
        assert all(n.startswith("net.") and np.isfinite(w).all() for n, w in weights.items())
        once = run(first, dtype, weights, apply, x[0, 1])[0]  # one row, without any
        np.testing.assert_allclose(once, mine[0, 1], atol=tolerance)


def test_weights_have_the_same_names_and_shapes_in_both_backends():
    weights = run("numpyro", "float32", {}, lambda n: n.network("d", n.MLP, 2, (3,), 4).layers[0].bias[...])[1]
    shapes = {
        "d.layers.0.weight": (2, 3),
        "d.layers.0.bias": (3,),
        "d.layers.1.weight": (3, 4),
        "d.layers.1.bias": (4,),
    }
    assert {n: w.shape for n, w in weights.items()} == shapes
    assert len({float(w.flat[0]) for n, w in weights.items() if n.endswith("weight")}) == 2, "each drawn for itself"


@pytest.mark.parametrize("backend", BACKENDS)
def test_modules_with_other_state_than_weights_raise(backend):
    def running(networks):
        if backend == "numpyro":
            from flax import nnx

            return networks.network("net", lambda rngs: nnx.BatchNorm(3, rngs=rngs))
        from torch import nn

        return networks.network("net", nn.BatchNorm1d, 3)

    with pytest.raises(zoo.ZooError, match="something other than weights"):
        run(backend, "float32", {}, running)


# the discretised logistic


ENDLESS = np.arange(-2.0, 300.0)


@functools.cache
def differentiated(backend):
    """``(log P, slopes of its sum over the bins)`` as a function of loc, scale, levels and the values."""
    kind = in_backend("zoo._distributions.discretised_logistic", backend).DiscretisedLogistic
    if backend == "numpyro":
        import jax

        def total(loc, scale, levels, x):
            found = kind(loc, scale, levels).log_prob(x)
            return jax.numpy.where(x == jax.numpy.clip(x, 0, levels - 1), found, 0.0).sum(), found

        return jax.jit(lambda *at: (lambda both: (both[0][1], both[1]))(jax.value_and_grad(total, (0, 1), True)(*at)))
    import torch

    def both(loc, scale, levels, x):
        ends = loc.requires_grad_(), scale.requires_grad_()
        found = kind(*ends, levels).log_prob(x)
        return found, torch.autograd.grad(found[x == x.clamp(0, levels - 1)].sum(), ends)

    return both


def log_pmf(backend, loc, scale, levels):
    """log P of each whole number in ENDLESS, and the slopes of the sum over the bins with respect to loc and scale."""
    tools = in_backend("zoo._backend", backend)
    with tools.runtime("float64"):
        arrays = tools.to_backend({str(i): np.array(v, float) for i, v in enumerate((loc, scale, levels, ENDLESS))})
        log_probs, slopes = differentiated(backend)(*arrays.values())
        out = tools.to_numpy({"p": log_probs, "loc": slopes[0], "scale": slopes[1]})
    return {**out, "p": out["p"][2 : 2 + levels], "beyond": np.delete(out["p"], np.arange(2, 2 + levels))}


@settings(max_examples=40)
@given(
    loc=st.floats(-300, 300),
    scale=st.floats(-3, 5).map(lambda e: 10.0**e),
    levels=st.integers(1, 256),
)
def test_discretised_logistic_sums_to_one(loc, scale, levels):
    masses = {b: log_pmf(b, loc, scale, levels) for b in BACKENDS}
    for b, out in masses.items():
        assert abs(np.exp(out["p"]).sum() - 1) < 1e-10, b
        assert np.isfinite(out["p"]).all(), b
        assert (out["beyond"] == -np.inf).all(), b
        assert np.isfinite(out["loc"]).all(), b
        assert np.isfinite(out["scale"]).all(), b
    for part in ("p", "loc", "scale"):
        a, b = (masses[backend][part] for backend in BACKENDS)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(1.0, abs(a).max()))
    if 0.1 < scale < 100 and abs(loc) < 10 and levels > 2:  # where a plain difference has digits
        k = np.arange(1, levels - 1)
        plain = expit((k + 0.5 - loc) / scale) - expit((k - 0.5 - loc) / scale)
        np.testing.assert_allclose(np.exp(masses["pyro"]["p"][1:-1]), plain, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_discretised_logistic_samples_have_its_distribution(backend):
    N = 4000
    model = zoo.load("vae", backend, likelihood="discretised_logistic", levels=4, sigma=1.0, width=2, Z=1, D=4, N=N)
    values = model.simulate(0)
    weights = {n: np.zeros_like(v) for n, v in values.items() if n.startswith("decoder")}  # loc is 0 everywhere
    x = model.simulate(0, values=weights)["x"]
    p = np.exp(log_pmf(backend, 0.0, 1.0, 4)["p"])
    frequencies = np.array([(x == k).mean() for k in range(4)])
    assert (abs(frequencies - p) < 5 * np.sqrt(p * (1 - p) / x.size)).all()


# models and guides


def guide_terms(backend, model, keywords, values):
    """log q of each site of the model's own guide at ``values``, by row, and its factor."""
    there: Any = backend_of(model)  # Pyro's has more than the protocol
    with there.runtime("float64"):
        guide = guides.load(model.name, backend)(model.program)
        data = there.to_backend({n: values[n] for n in model.data_names})
        latents = there.to_backend({n: v for n, v in values.items() if n not in data})
        if backend == "numpyro":
            import jax
            from numpyro import handlers

            def traced(latents, data):
                at = handlers.seed(handlers.substitute(guide, latents), 0)
                nodes = handlers.trace(at).get_trace(**data, **there.to_backend(keywords))
                logs = {n: s["fn"].log_prob(s["value"]) for n, s in nodes.items() if s["type"] == "sample"}
                return logs, {n: s["value"] for n, s in nodes.items() if s["type"] == "param"}

            logs, params = jax.jit(traced)(latents, data)
        else:
            import torch
            from pyro import poutine

            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                nodes = (
                    poutine.trace(there.substitute(guide, latents))
                    .get_trace(**data, **there.to_backend(keywords))
                    .nodes
                )
            logs = {n: s["fn"].log_prob(s["value"]) for n, s in there.sample_nodes(nodes).items()}
            params = {n: s["value"] for n, s in there.param_nodes(nodes).items()}
        return there.to_numpy(logs), there.to_numpy(params)


def deep(name, chosen, backend, missing=True):
    """A small model, all of its keywords, and values of each of its sites, with missing values in the data."""
    card = zoo.card(name)
    small = {"width": 6} if "width" in zoo.load(name, backend).keywords else {}
    model = zoo.load(name, backend, **small, **chosen)
    values = zoo.load(name, "pyro", **model.settings).simulate(1)  # which compiles nothing
    for site in card.missing if missing else ():
        x = values[site].astype(float)
        values[site] = np.where(np.arange(x.size).reshape(x.shape) % 4 == 1, np.nan, x)
    return model, model.complete({**card.sizes, **model.settings}, {}), values


@pytest.mark.parametrize(("name", "chosen"), DEEP, ids=DEEP_IDS)
def test_programs_and_guides_agree_across_backends(name, chosen):
    model, keywords, values = deep(name, chosen, "numpyro")
    other = zoo.load(name, "pyro", **model.settings)
    joints = [m.log_joint(values, **zoo.card(name).sizes) for m in (model, other)]
    assert np.isfinite(joints).all()
    np.testing.assert_allclose(*joints, rtol=1e-10)
    logs, weights = guide_terms("numpyro", model, keywords, values)
    same, again = guide_terms("pyro", other, keywords, {**values, **weights})
    assert set(model.card.latents) <= set(logs)
    assert {n: w.shape for n, w in weights.items()} == {n: w.shape for n, w in again.items()}
    if name == "vq_vae":
        del logs["z"]  # a point has no density elsewhere
    for site, log in logs.items():
        assert log.shape == (zoo.card(name).sizes["N"],)
        assert np.isfinite(log).all() or site == "y"
        np.testing.assert_allclose(same[site], log, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_missing_pixels_do_not_change_the_encoder(backend):
    """The encoder takes the mean for a missing pixel, and log p is the sum over the observed pixels."""
    model, keywords, values = deep("vae", {}, backend)
    mean = 1 / (1 + np.exp(-keywords["loc"]))
    blank = {**values, "x": np.where(np.isnan(values["x"]), mean, values["x"])}
    logs, weights = guide_terms(backend, model, keywords, values)
    without, _ = guide_terms(backend, model, keywords, {**blank, **weights})
    np.testing.assert_allclose(logs["z"], without["z"], rtol=1e-12)
    unseen, sizes = np.isnan(values["x"]), {"N": 12, "D": 16, "Z": 2}
    there = [model.log_joint({**values, "x": np.where(unseen, fill, values["x"])}, **sizes) for fill in (0.0, 1.0)]
    assert model.log_joint(values, **sizes) > max(there)
    # both values of one missing pixel, summed: the mass of the rest
    one = np.where(np.cumsum(unseen.ravel()).reshape(unseen.shape) == 1, unseen, False)
    filled = {**values, "x": np.where(unseen & ~one, 0.0, values["x"])}
    pair = [model.log_joint({**filled, "x": np.where(one, f, filled["x"])}, **sizes) for f in (0.0, 1.0)]
    np.testing.assert_allclose(np.logaddexp(pair[0], pair[1]), model.log_joint(filled, **sizes), rtol=1e-10)


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_label_fixes_the_class_and_its_absence_sums_it(backend):
    model, keywords, values = deep("semi_supervised_vae", {}, backend, missing=False)
    C, N = keywords["C"], keywords["N"]
    labelled = np.arange(N) < 5
    values["label"] = np.where(labelled, values["label"], np.nan)
    sizes = zoo.card(model.name).sizes
    by_class = np.array(
        [model.log_joint({**values, "y": np.where(labelled, values["y"], k)}, **sizes) for k in range(C)]
    )
    assert np.isfinite(by_class).all()
    wrong = {**values, "y": np.where(labelled, (values["y"] + 1) % C, values["y"])}
    assert model.log_joint(wrong, **sizes) == -np.inf

    # one image with its label and one without: the classes of the second one at a time
    two = {n: v if n.startswith("decoder") else v[4:6] for n, v in values.items()}
    log_joints = [model.log_joint({**two, "y": np.array([values["y"][4], k])}, **{**sizes, "N": 2}) for k in range(C)]
    marginalize = in_backend("inference.exact.enumeration", backend).marginalize(model.program)
    data = {n: two.pop(n) for n in model.data_names}
    del two["y"]
    total = backend_of(model).log_joint(marginalize, {**keywords, "N": 2, **data}, two)
    np.testing.assert_allclose(total, np.logaddexp.reduce(log_joints), rtol=1e-10)

    logs, weights = guide_terms(backend, model, keywords, values)
    assert (logs["y"][labelled] == 0).all(), "where there is a label, q(y) is at it"
    assert (logs["classification"][~labelled] == 0).all()
    unlabelled = {**values, "label": np.full(N, np.nan), **weights}
    terms, _ = guide_terms(backend, model, keywords, unlabelled)
    np.testing.assert_allclose(logs["classification"][labelled], -keywords["alpha"] * terms["y"][labelled], rtol=1e-10)
    probabilities = [
        np.exp(guide_terms(backend, model, keywords, {**unlabelled, "y": np.full(N, k)})[0]["y"]) for k in range(C)
    ]
    np.testing.assert_allclose(np.sum(probabilities, 0), 1.0, rtol=1e-10)


def test_the_exact_density_of_the_linear_vae_is_that_of_its_program():
    """log p(x) = log p(x, z) - log p(z | x) at any z, row by row, with missing values too."""
    from inference import exact

    model, _, values = deep("linear_vae", {}, "pyro")
    x, z = values["x"], values["z"]
    params = {n: values[n] for n in model.card.parameters()}
    bound = model.with_settings(D=5, Z=2, loc=0.0, spread=1.0)
    posterior = exact.local_posterior(bound, params, x)["z"]
    precision = np.linalg.inv(posterior.covariance)
    away = z - posterior.mean
    log_z = 0.5 * (np.linalg.slogdet(precision)[1] - 2 * np.log(2 * np.pi))
    log_z = log_z - 0.5 * np.einsum("ni,nij,nj->n", away, precision, away)
    joint = bound.log_joint(values, N=len(x))
    np.testing.assert_allclose(exact.log_density(bound, params, x).sum(), joint - log_z.sum(), rtol=1e-10)


IMAGES = (np.random.default_rng(0).random((6, 16)) < 0.5) * 1.0
GREY = np.arange(96.0).reshape(6, 16) % 7
WRONG: dict[str, tuple[str, dict[str, Any], Any, str]] = {
    "no square": ("vae", {"network": "convolutional"}, IMAGES[:, :15], "D=15 pixels"),
    "a side of 6": ("vae", {"network": "convolutional"}, np.tile(IMAGES, 3)[:, :36], "multiple of 4"),
    "no latent dimension": ("vae", {"Z": 0}, IMAGES, "Z is a whole number from 1 up"),
    "no width": ("vae", {"width": 0}, IMAGES, "width is a whole number from 1 up"),
    "half a layer": ("vae", {"depth": 1.5}, IMAGES, "depth is a whole number from 0 up"),
    "grey as binary": ("vae", {}, GREY, "x is binary"),
    "parts of a level": ("vae", {"likelihood": "discretised_logistic"}, GREY / 2, "x is count"),
    "beyond the levels": ("vae", {"likelihood": "discretised_logistic", "levels": 5}, GREY, "give levels=7 or more"),
    "no noise": ("vae", {"likelihood": "gaussian", "sigma": 0.0}, GREY, "sigma is a number above 0"),
    "constant": ("vae", {"likelihood": "gaussian"}, np.ones((6, 16)), "every pixel of x is constant"),
    "another size": ("vae", {"D": 25}, IMAGES, "D=25 but x has D=16"),
    "an unknown network": ("vae", {"network": "transformer"}, IMAGES, "known: mlp, convolutional"),
    "three layers": ("sigmoid_belief_network", {"L": 3}, IMAGES, "no L 3; known: 2, 1"),
    "an unknown activation": ("sigmoid_belief_network", {"activation": "rely"}, IMAGES, "did you mean 'relu'"),
    "no units": ("sigmoid_belief_network", {"Z": 0}, IMAGES, "Z is a whole number from 1 up"),
    "a label too many": (
        "semi_supervised_vae",
        {"C": 3},
        {"x": IMAGES, "label": [0, 1, 2, 3, np.nan, np.nan]},
        "label has a label 3, and its values are 0 to 2",
    ),
    "no labels": ("semi_supervised_vae", {"C": 3}, IMAGES, "give a dict"),
    "half a label": ("semi_supervised_vae", {"C": 3}, {"x": IMAGES, "label": [0.5] * 6}, "label is category"),
    "one row": ("linear_vae", {}, GREY[:1], "one row has no covariance"),
    "as many codes as columns": ("linear_vae", {"Z": 16}, GREY, "take Z=15 or fewer"),
}


@pytest.mark.parametrize(("name", "given_", "data", "says"), WRONG.values(), ids=WRONG)
def test_invalid_data_raise_one_line_errors(name, given_, data, says):
    with pytest.raises(zoo.ZooError, match=says) as caught:
        zoo.load(name, "pyro", **{"Z": 2, **given_}).bind(data)
    assert "\n" not in str(caught.value)


def test_keywords_come_from_the_data():
    x = np.where(np.arange(96).reshape(6, 16) % 5 == 0, np.nan, IMAGES)
    bind = lambda chosen, data: zoo.load("vae", "pyro", Z=2, **chosen).bind(data)[1]  # noqa: E731
    odds = bind({}, x)["loc"]
    mean = np.clip(np.nanmean(x, 0), 1e-3, 1 - 1e-3)
    np.testing.assert_allclose(odds, np.log(mean / (1 - mean)))
    grey = bind({"likelihood": "gaussian"}, GREY + 1e6)
    np.testing.assert_allclose(grey["loc"], (GREY + 1e6).mean(0))
    np.testing.assert_allclose(grey["spread"], np.sqrt(GREY.var(0).mean()))
    assert bind({"likelihood": "discretised_logistic"}, GREY)["levels"] == 7
    blank = np.where(np.arange(16) == 3, np.nan, GREY)  # a missing pixel has the values of the others
    assert np.isfinite(bind({"likelihood": "gaussian"}, blank)["loc"]).all()
    label = np.array([0, 1, np.nan, np.nan, np.nan, np.nan])
    labelled = zoo.load("semi_supervised_vae", "pyro", Z=2, C=2).bind({"x": IMAGES, "label": label})[1]
    np.testing.assert_allclose(labelled["alpha"], 0.1 * 6 / 2)
