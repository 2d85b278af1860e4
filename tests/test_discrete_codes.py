"""Models whose discrete codes are too many to be summed out, held against sums over every code of small ones."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logsumexp

import inference
import zoo
from inference import Fit, latents
from inference.amortised import AmortisedPosterior
from inference.evaluation.held_out import elbo_split, held_out, inference_gap, log_marginal
from tests.table import BACKENDS

N, D = 30, 6
SETTINGS = {
    "one layer": ("sigmoid_belief_network", {"L": 1, "Z": 3, "depth": 0}),
    "two layers": ("sigmoid_belief_network", {"L": 2, "Z": 2, "depth": 1, "width": 4, "activation": "leaky_relu"}),
    "categories": ("categorical_vae", {"M": 2, "K": 3, "depth": 1, "width": 4}),
}
NAMES = sorted({name for name, _ in SETTINGS.values()})
ACTIVATIONS = {"tanh": np.tanh, "leaky_relu": lambda x: np.where(x > 0, x, 0.3 * x)}


def binary_rows():
    x = (np.random.default_rng(0).random((N, D)) < np.linspace(0.2, 0.8, D)).astype(float)
    x[3, 2] = x[5, 0] = np.nan
    return x


def untrained(case, backend):
    """A fit at random weights, without training."""
    name, settings = SETTINGS[case]
    model = zoo.load(name, backend, **settings)
    table, keywords = model.bind(binary_rows())
    rng, state = np.random.default_rng(1), {}
    widths = (settings.get("width"),) * settings["depth"]

    def add_network(part, inputs, outputs):
        for i, (a, b) in enumerate(pairwise((inputs, *widths, outputs))):
            state[f"{part}.layers.{i}.weight"] = rng.normal(size=(a, b)) / np.sqrt(a)
            state[f"{part}.layers.{i}.bias"] = 0.3 * rng.normal(size=b)

    if name == "categorical_vae":
        codes = settings["M"] * settings["K"]
        add_network("decoder", codes, D)
        add_network("encoder", D, codes)
    else:
        Z = settings["Z"]
        state["logits"] = rng.normal(size=Z)
        add_network("decoder.x", Z, D)
        add_network("encoder.z1", D, Z)
        if settings["L"] == 2:
            add_network("decoder.z1", Z, Z)
            add_network("encoder.z2", Z, Z)
    params = {n: v for n, v in state.items() if not n.startswith("encoder")}
    words = {"engine": "svi", "options": {"guide": name}, "seed": 0, "device": "cpu", "seconds": 0.0}
    return Fit(
        model=model,
        keywords=keywords,
        data=table,
        params=params,
        state=state,
        trace=np.zeros(1),
        dtype="float64",
        **words,
    )


def by_hand(made):
    """``(codes, log p(x, z), log q(z | x))`` in NumPy: codes {site: (E, ...)}, densities (E, N)."""
    state, keywords, x = made.state, made.keywords, made.data["x"]
    activation = ACTIVATIONS[keywords.get("activation", "tanh")]

    def network(part, inputs):
        weights = [state[f"{part}.layers.{i}.weight"] for i in range(keywords["depth"] + 1)]
        biases = [state[f"{part}.layers.{i}.bias"] for i in range(keywords["depth"] + 1)]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            inputs = activation(inputs @ W + b)
        return inputs @ weights[-1] + biases[-1]

    def bernoulli(logit, value):
        return np.where(np.isnan(value), 0.0, value * logit - np.logaddexp(0, logit)).sum(-1)

    if made.model.name == "categorical_vae":
        M, K = keywords["M"], keywords["K"]
        z = np.array(list(product(range(K), repeat=M)))
        pixels = network("decoder", np.eye(K)[z].reshape(len(z), -1))[:, None]
        log_q = log_softmax(
            network("encoder", np.where(np.isnan(x), expit(keywords["loc"]), x)).reshape(N, M, K), axis=-1
        )
        chosen = np.stack([log_q[:, m, z[:, m]] for m in range(M)]).sum(0).T
        return {"z": np.eye(K)[z]}, bernoulli(keywords["loc"] + pixels, x) - M * np.log(K), chosen
    L, Z = keywords["L"], keywords["Z"]
    grid = np.array(list(product((0.0, 1.0), repeat=L * Z)))
    z1, top = grid[:, :Z], grid[:, -Z:]
    pixels = network("decoder.x", 2 * z1 - 1)[:, None]
    log_p = bernoulli(keywords["loc"] + pixels, x) + bernoulli(state["logits"], top)[:, None]
    log_q = bernoulli(network("encoder.z1", np.nan_to_num(x - expit(keywords["loc"]))), z1[:, None])
    if L == 1:
        return {"z1": z1}, log_p, log_q
    log_p = log_p + bernoulli(network("decoder.z1", 2 * top - 1), z1)[:, None]
    return {"z1": z1, "z2": top}, log_p, log_q + bernoulli(network("encoder.z2", 2 * z1 - 1), top)[:, None]


@pytest.fixture(scope="module", params=[(case, b) for case in SETTINGS for b in BACKENDS], ids="-".join)
def made(request):
    return untrained(*request.param)


def test_the_log_joint_is_that_of_the_story(made):
    codes, log_p, _ = by_hand(made)
    chosen = np.arange(N) % len(log_p)
    values = {**made.data, **made.params, **{n: z[chosen] for n, z in codes.items()}}
    keywords = {k: v for k, v in made.keywords.items() if k not in made.model.settings}
    np.testing.assert_allclose(made.model.log_joint(values, **keywords), log_p[chosen, np.arange(N)].sum(), rtol=1e-10)


def test_importance_sampling_finds_the_sum_over_all_codes(made):
    _, log_p, log_q = by_hand(made)
    np.testing.assert_allclose(logsumexp(log_q, axis=0), 0.0, atol=1e-10)
    estimate = log_marginal(made, num_samples=2000)
    scores = (estimate.log_p - logsumexp(log_p, axis=0)) / estimate.errors
    assert abs(scores.mean()) < 4 / np.sqrt(N)
    assert scores.std() < 1 + 4 / np.sqrt(2 * N)


def test_the_elbo_is_its_mean_over_all_codes(made):
    _, log_p, log_q = by_hand(made)
    split, exact = elbo_split(made, num_samples=400), (np.exp(log_q) * (log_p - log_q)).sum(0)
    assert (abs(split.elbo - exact) < 5 * split.errors).all()
    assert "units active" not in str(split)
    assert held_out(made, num_samples=10).gap is None


def test_the_encoder_gives_the_probabilities_of_each_entry(made):
    codes, _, log_q = by_hand(made)
    first = next(n for n in ("z", "z1") if n in codes)
    probabilities = AmortisedPosterior(made).encode(made.data)[first]
    z = codes[first]
    one_hot = z if z.ndim == 3 else z[..., None] == np.arange(probabilities.shape[-1])
    exact = np.einsum("en,edk->ndk", np.exp(log_q), one_hot)
    np.testing.assert_allclose(probabilities, exact, atol=1e-10)
    assert latents.reconstruct(made).shape == (N, D)
    assert latents.sample(made, 3).shape == (3, D)


@pytest.mark.parametrize("backend", BACKENDS)
def test_codes_of_one_hot_vectors_are_numbers(backend):
    made = untrained("categories", backend)
    M, K, loc = (made.keywords[n] for n in ("M", "K", "loc"))
    x = np.where(np.isnan(made.data["x"]), expit(loc), made.data["x"])

    def network(part, inputs):
        W, v = (made.state[f"{part}.layers.{i}.weight"] for i in (0, 1))
        b, c = (made.state[f"{part}.layers.{i}.bias"] for i in (0, 1))
        return np.tanh(inputs @ W + b) @ v + c

    z = network("encoder", x).reshape(N, M, K).argmax(-1)
    np.testing.assert_array_equal(latents.codes(made), z)
    pixels = expit(loc + network("decoder", np.eye(K)[z].reshape(N, -1)))
    np.testing.assert_allclose(latents.reconstruct(made), pixels, rtol=1e-10)


@pytest.mark.parametrize("function", [latents.encode, latents.traverse, lambda fit: latents.interpolate(fit, 0, 1)])
def test_discrete_codes_have_no_mean_and_sd(made, function):
    with pytest.raises(zoo.ZooError, match="are discrete, without mean and sd"):
        function(made)


def test_what_has_no_exact_form_raises(made):
    with pytest.raises(zoo.ZooError, match=r"which are too many: inference\.log_marginal\(fit\) estimates it"):
        made.log_likelihood()
    with pytest.raises(zoo.ZooError, match=r"which are too many: inference\.latents\.reconstruct\(fit\)"):
        made.local()
    with pytest.raises(zoo.ZooError, match="only codes from Normal can be read off and refined"):
        inference_gap(made)


@pytest.mark.parametrize("engine", ["em", "nuts", "gibbs"])
@pytest.mark.parametrize("name", NAMES)
def test_engines_that_sum_or_need_a_prior_refuse(name, engine):
    model = zoo.load(name)
    reason = inference.refusals(model)[engine]
    assert reason
    assert "\n" not in reason
    with pytest.raises(zoo.ZooError):
        inference.fit(model, binary_rows(), engine)
    assert inference.refusals(model)["svi"] is None


def test_the_number_of_layers_decides_on_the_latents():
    one = zoo.load("sigmoid_belief_network", L=1)
    assert (list(one.card.latents), one.card.sampled) == (["z1"], ("z1",))
    two = one.with_settings(L=2)
    assert (list(two.card.latents), two.card.sampled) == (["z2", "z1"], ("z2", "z1"))
    assert set(zoo.load("sigmoid_belief_network").card.local()) == {"z1", "z2"}
    assert set(one.simulate(0)) - {"x", "logits"} == {"z1", "decoder.x.layers.0.weight", "decoder.x.layers.0.bias"}
