"""The VQ-VAE held against sums over every code, gradients by hand, and moving averages by hand."""

import os
import warnings
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logsumexp

import guides
import inference
import zoo
from inference import Fit, latents
from inference.analysis.latents.codebook_charts import codeword_colours
from inference.objectives import Objective
from tests.objectives import BACKEND_OBJECTIVES, numerical_gradient
from tests.table import BACKENDS, load_or_skip
from zoo._distributions.autoregressive import EMBEDDING
from zoo.vq_vae import DEFAULTS

N, D, M, K, Z, WIDTH = 20, 6, 2, 3, 2, 4
SIZES = {"M": M, "K": K, "Z": Z, "width": WIDTH, "depth": 1}
PRIORS = ("uniform", "positions", "autoregressive")
CODES = np.array(list(product(range(K), repeat=M)))
COMMITMENT = 0.25


def binary_rows():
    x = (np.random.default_rng(0).random((N, D)) < np.linspace(0.2, 0.8, D)).astype(float)
    x[3, 2] = x[5, 0] = np.nan
    return x


def random_state(prior):
    """Random parameters of program and guide: a codebook, networks, and the logits of the prior."""
    rng = np.random.default_rng(1)
    state = {"codebook": rng.normal(size=(K, Z)), "codebook_count": rng.uniform(1, 3, size=K)}

    def add_network(part, *widths):
        for i, (a, b) in enumerate(pairwise(widths)):
            state[f"{part}.layers.{i}.weight"] = rng.normal(size=(a, b)) / np.sqrt(a)
            state[f"{part}.layers.{i}.bias"] = 0.3 * rng.normal(size=b)

    add_network("decoder.x", M * Z, WIDTH, D)
    add_network("encoder", D, WIDTH, M * Z)
    if prior == "positions":
        state["decoder.z.logits"] = rng.normal(size=(M, K))
    if prior == "autoregressive":
        add_network("decoder.z", M * EMBEDDING, WIDTH, M * EMBEDDING)
        for part, shape in {"embedding": (K, EMBEDDING), "logits": (EMBEDDING, K)}.items():
            state[f"decoder.z.{part}.weight"] = rng.normal(size=shape)
            state[f"decoder.z.{part}.bias"] = rng.normal(size=shape[1])
    return state


def untrained(backend, prior="uniform", **settings):
    """A fit at random parameters, without training."""
    model = zoo.load("vq_vae", backend, prior=prior, **{**SIZES, **settings})
    table, keywords = model.bind(binary_rows())
    state = random_state(prior)
    return Fit(
        model=model,
        keywords=keywords,
        data=table,
        params={n: v for n, v in state.items() if not n.startswith(("encoder", "codebook_"))},
        state=state,
        trace=np.zeros(1),
        dtype="float64",
        engine="svi",
        options={"guide": "vq_vae"},
        seed=0,
        device="cpu",
        seconds=0.0,
    )


@pytest.fixture(scope="module", params=[(b, p) for b in BACKENDS for p in PRIORS], ids="-".join)
def made(request):
    return untrained(*request.param)


def network(state, part, inputs):
    for i in (0, 1):
        inputs = (np.tanh(inputs) if i else inputs) @ state[f"{part}.layers.{i}.weight"]
        inputs = inputs + state[f"{part}.layers.{i}.bias"]
    return inputs


def encode_by_hand(state, keywords, x):
    centred = np.nan_to_num(x - expit(keywords["loc"]))
    return network(state, "encoder", centred).reshape(len(x), M, Z)


def log_likelihood_by_hand(state, keywords, x, codewords):
    """log p(x | codewords) of each row: codewords (..., M, Z), whose leading dimensions broadcast against the rows."""
    logit = keywords["loc"] + network(state, "decoder.x", codewords.reshape(*codewords.shape[:-2], M * Z))
    return np.where(np.isnan(x), 0.0, np.nan_to_num(x) * logit - np.logaddexp(0, logit)).sum(-1)


def log_prior_by_hand(state, keywords):
    """log p(z) of every code, (K^M,), whose network reads earlier positions alone."""
    prior = keywords["prior"]
    if prior == "uniform":
        return np.full(len(CODES), -M * np.log(K))
    if prior == "positions":
        return log_softmax(state["decoder.z.logits"], -1)[np.arange(M), CODES].sum(-1)
    part, hidden = "decoder.z", np.zeros((len(CODES), WIDTH))
    embedded = (state[f"{part}.embedding.weight"] + state[f"{part}.embedding.bias"])[CODES]  # (K^M, M, EMBEDDING)
    # M is 2: every hidden unit reads position 0, and serves position 1
    hidden = np.tanh(embedded[:, 0] @ state[f"{part}.layers.0.weight"][:EMBEDDING] + state[f"{part}.layers.0.bias"])
    out = np.tile(state[f"{part}.layers.1.bias"], (len(CODES), 1))
    out[:, EMBEDDING:] += hidden @ state[f"{part}.layers.1.weight"][:, EMBEDDING:]
    logits = out.reshape(-1, M, EMBEDDING) @ state[f"{part}.logits.weight"] + state[f"{part}.logits.bias"]
    return np.take_along_axis(log_softmax(logits, -1), CODES[..., None], -1)[..., 0].sum(-1)


def log_joint_by_hand(made):
    """log p(x_n, z) of every code and row, (K^M, N)."""
    codewords = made.state["codebook"][CODES][:, None]
    likelihood = log_likelihood_by_hand(made.state, made.keywords, made.data["x"], codewords)
    return likelihood + log_prior_by_hand(made.state, made.keywords)[:, None]


def nearest_by_hand(made):
    """The encoder's outputs, and the nearest codeword of each, as an index."""
    outputs = encode_by_hand(made.state, made.keywords, made.data["x"])
    return outputs, ((outputs[..., None, :] - made.state["codebook"]) ** 2).sum(-1).argmin(-1)


def test_the_log_joint_is_that_of_the_story(made):
    log_p, chosen = log_joint_by_hand(made), np.arange(N) % len(CODES)
    keywords = {k: v for k, v in made.keywords.items() if k not in made.model.settings}
    joint = made.model.log_joint({**made.data, **made.params, "z": CODES[chosen]}, **keywords)
    np.testing.assert_allclose(joint, log_p[chosen, np.arange(N)].sum(), rtol=1e-10)


def test_the_bound_is_reconstruction_less_rate_and_below_the_sum_over_all_codes(made):
    log_p, (_, nearest) = log_joint_by_hand(made), nearest_by_hand(made)
    np.testing.assert_array_equal(latents.codes(made), nearest)
    at_nearest = log_p[nearest @ [K, 1], np.arange(N)]
    use = latents.codebook(made)
    assert use.bound == use.reconstruction - use.rate
    assert use.bound == pytest.approx(at_nearest.mean(), rel=1e-10)
    assert use.bound < logsumexp(log_p, axis=0).mean()
    if made.keywords["prior"] == "uniform":
        assert use.rate == pytest.approx(M * np.log(K), rel=1e-12)
    rate = -log_prior_by_hand(made.state, made.keywords)[nearest @ [K, 1]].mean()
    assert use.rate == pytest.approx(rate, rel=1e-10)


def test_usage_and_perplexity_are_those_of_all_rows(made):
    counts = np.bincount(nearest_by_hand(made)[1].ravel(), minlength=K)
    use = latents.codebook(made)
    np.testing.assert_array_equal(use.counts, counts)
    share = counts[counts > 0] / counts.sum()
    assert use.usage == (counts > 0).mean()
    assert use.perplexity == pytest.approx(np.prod(share**-share))
    pixels = (~np.isnan(made.data["x"])).sum()
    assert use.bits_per_dimension["total"] == pytest.approx(-use.bound * N / pixels / np.log(2))
    some = latents.codebook(made, made.data["x"][:4])
    np.testing.assert_array_equal(some.counts, np.bincount(latents.codes(made)[:4].ravel(), minlength=K))
    assert f"{(counts > 0).sum()} of {K} codewords used" in str(use)


def test_images_come_from_the_codewords(made):
    _, nearest = nearest_by_hand(made)
    flat = made.state["codebook"][nearest].reshape(N, M * Z)
    means = expit(made.keywords["loc"] + network(made.state, "decoder.x", flat))
    np.testing.assert_allclose(latents.reconstruct(made), means, rtol=1e-10)
    assert latents.sample(made, 5).shape == (5, D)
    with pytest.raises(zoo.ZooError, match="are discrete, without mean and sd"):
        latents.encode(made)


def evaluate_bound(made):
    """Value to maximise, its metrics and gradients by parameter."""
    pair = made.model.program, guides.load("vq_vae", made.model.backend)(made.model.program, None)
    here = BACKEND_OBJECTIVES[made.model.backend]()
    value, metrics, slopes = here.bounds(Objective(), pair, made.state, {**made.keywords, **made.data})
    return value[0], {n: v[0] for n, v in metrics.items()}, {n: v[0] for n, v in slopes.items()}


@pytest.mark.parametrize("update", ["moving_average", "gradient"])
@pytest.mark.parametrize("rotation", [False, True])
@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_go_straight_through_the_codewords(backend, rotation, update):
    made = untrained(backend, codebook_update=update, rotation=rotation)
    state, keywords, x = made.state, made.keywords, made.data["x"]
    outputs, nearest = nearest_by_hand(made)
    codewords = state["codebook"][nearest]

    def likelihood(params):
        return log_likelihood_by_hand({**state, **params}, keywords, x, params.get("codewords", codewords)).sum()

    (slope,) = numerical_gradient(likelihood, {"codewords": codewords}).values()
    if rotation:  # the published formula: codeword = length ratio times R times output
        a, b = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (outputs, codewords))
        r = (a + b) / np.linalg.norm(a + b, axis=-1, keepdims=True)
        R = np.eye(Z) - 2 * r[..., :, None] * r[..., None, :] + 2 * b[..., :, None] * a[..., None, :]
        scale = np.linalg.norm(codewords, axis=-1) / np.linalg.norm(outputs, axis=-1)
        np.testing.assert_allclose(scale[..., None] * np.einsum("nmij,nmj->nmi", R, outputs), codewords, rtol=1e-10)
        slope = scale[..., None] * np.einsum("nmij,nmi->nmj", R, slope)

    def surrogate(params):
        moved = encode_by_hand({**state, **params}, keywords, x)
        return (slope * moved).sum() - COMMITMENT * ((moved - codewords) ** 2).sum()

    value, metrics, slopes = evaluate_bound(made)
    encoder = {n: v for n, v in state.items() if n.startswith("encoder")}
    decoder = {n: v for n, v in state.items() if n.startswith("decoder")}
    for name, expected in {**numerical_gradient(surrogate, encoder), **numerical_gradient(likelihood, decoder)}.items():
        np.testing.assert_allclose(slopes[name], expected, rtol=1e-6, atol=1e-7, err_msg=name)
    by_codeword = np.zeros((K, Z))
    np.add.at(by_codeword, nearest, 2 * (outputs - codewords))
    is_trained = update == "gradient"
    np.testing.assert_allclose(slopes["codebook"], is_trained * by_codeword, rtol=1e-10, atol=1e-12)
    distance = ((outputs - codewords) ** 2).sum()
    bound = likelihood({}) - N * M * np.log(K)
    assert metrics["elbo"] == pytest.approx(bound, rel=1e-10), "the bound is without the terms of training"
    assert value == pytest.approx(bound - (COMMITMENT + is_trained) * distance, rel=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_finite_scalars_are_rounded(backend):
    """Each number of an output is replaced by the nearest of L = 3 in -1 to 1, and gradients go straight through."""
    made = untrained(backend, quantiser="fsq", K=9)
    for fixed in ("codebook", "codebook_count"):
        del made.state[fixed]
        made.params.pop(fixed, None)
    state, keywords, x = made.state, made.keywords, made.data["x"]
    rounded = np.round(np.tanh(encode_by_hand(state, keywords, x)))
    np.testing.assert_array_equal(latents.codes(made), (rounded + 1) @ [3, 1])
    (slope,) = numerical_gradient(
        lambda p: log_likelihood_by_hand(state, keywords, x, p["h"]).sum(), {"h": rounded}
    ).values()
    encoder = {n: v for n, v in state.items() if n.startswith("encoder")}
    surrogate = numerical_gradient(
        lambda p: (slope * np.tanh(encode_by_hand({**state, **p}, keywords, x))).sum(), encoder
    )
    value, metrics, slopes = evaluate_bound(made)
    assert value == pytest.approx(metrics["elbo"], rel=1e-12)
    for name, expected in surrogate.items():
        np.testing.assert_allclose(slopes[name], expected, rtol=1e-6, atol=1e-7, err_msg=name)
    assert latents.codebook(made).rate == pytest.approx(M * np.log(9), rel=1e-12)
    assert codeword_colours(made).shape == (9, 3)


def test_the_backends_agree_in_codes_and_bound():
    fits = [untrained(backend, "autoregressive") for backend in BACKENDS]
    values = [(f.bound, f.rate, *f.counts) for f in map(latents.codebook, fits)]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-10)


def train(model, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings: dict[str, Any] = {"num_steps": 1, "learning_rate": 1e-12, "dtype": "float64", **options}
        return inference.fit(model, data, "svi", **settings)


@pytest.mark.parametrize("backend", BACKENDS)
def test_moving_averages_are_those_of_the_formula(backend):
    made = untrained(backend, decay=0.9, restart_below=0.0)
    outputs, _ = nearest_by_hand(made)
    points = outputs.reshape(-1, Z)
    codebook, count = made.state["codebook"], made.state["codebook_count"]
    totals = codebook * count[:, None]
    for _ in range(4):  # at a learning rate that leaves the encoder as it is
        index = ((points[:, None] - codebook) ** 2).sum(-1).argmin(-1)
        members = index[:, None] == np.arange(K)
        count = 0.9 * count + 0.1 * members.sum(0)
        totals = 0.9 * totals + 0.1 * members.T @ points
        codebook = totals / count[:, None]
    trained = train(made.model, made.data, num_steps=4, start=made.state)
    np.testing.assert_allclose(trained.state["codebook_count"], count, rtol=1e-9)
    np.testing.assert_allclose(trained.state["codebook"], codebook, rtol=1e-9)
    assert set(trained.params) == set(made.params)


@pytest.mark.parametrize("backend", BACKENDS)
def test_dead_codewords_move_to_outputs_of_the_encoder(backend):
    made = untrained(backend, decay=0.9, restart_below=0.1)
    far = {"codebook": np.array([[0.0, 0.0], [90.0, 0.0], [0.0, 90.0]]), "codebook_count": np.array([1.0, 1.0, 0.01])}
    trained = train(made.model, made.data, start={**made.state, **far})
    points = nearest_by_hand(made)[0].reshape(-1, Z)
    is_point = (abs(trained.state["codebook"][:, None] - points).max(-1) < 1e-9).any(-1)
    count = np.array([0.9 + 0.1 * N * M, 0.9, 0.009])
    assert is_point.tolist() == (count < 0.1 * count.mean()).tolist() == [False, False, True]
    np.testing.assert_allclose(trained.state["codebook_count"], np.where(is_point, count.mean(), count), rtol=1e-9)
    np.testing.assert_allclose(trained.state["codebook"][1], [90.0, 0.0])  # rare, and not yet dead
    assert latents.codebook(trained).usage == 2 / 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_codebook_starts_at_the_means_of_the_clusters(backend):
    """Images of two kinds have M times two outputs, each of which becomes a codeword."""
    kinds = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 1]], float)
    x, model = kinds[np.arange(20) % 3 // 2], zoo.load("vq_vae", backend, **{**SIZES, "K": 4, "decay": 0.9})
    trained = train(model, x)
    outputs = encode_by_hand(trained.state, trained.keywords, kinds).reshape(-1, Z)
    order, sorted_outputs = np.lexsort(trained.state["codebook"].T), np.lexsort(outputs.T)
    np.testing.assert_allclose(trained.state["codebook"][order], outputs[sorted_outputs], atol=1e-6)
    rows = np.array([14, 14, 6, 6])  # of the first kind and of the second, at both positions
    np.testing.assert_allclose(trained.state["codebook_count"][order], 0.1 * rows[sorted_outputs], rtol=1e-9)


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_an_interrupted_run_resumes_bit_for_bit(backend, tmp_path, monkeypatch):
    model = zoo.load("vq_vae", backend, **SIZES, prior="autoregressive", decay=0.8, restart_below=0.5)
    data, options = binary_rows(), {"num_epochs": 6, "num_steps": 5000, "batch_size": 5, "learning_rate": 0.01}
    complete = train(model, data, **options)
    replace, replaced = os.replace, []

    def killed(*paths):
        replace(*paths)
        replaced.append(paths)
        if len(replaced) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        train(model, data, checkpoint=tmp_path, **options)
    monkeypatch.undo()
    resumed = train(model, data, checkpoint=tmp_path, **options)
    np.testing.assert_array_equal(resumed.trace, complete.trace)
    assert {"codebook", "codebook_count"} <= set(resumed.state) == set(complete.state)
    for name, values in complete.state.items():
        np.testing.assert_array_equal(resumed.state[name], values, err_msg=name)


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_the_autoregressive_prior_is_a_distribution(backend):
    """It sums to one over every code, and draws what its density says."""
    M, K, count = 3, 3, 4000
    model = zoo.load("vq_vae", backend, prior="autoregressive", M=M, K=K, Z=1, D=4, width=6, depth=2)
    rng = np.random.default_rng(2)
    weights = {n: v for n, v in model.simulate(0, N=1).items() if n.startswith(("decoder", "codebook"))}
    weights |= {n: rng.normal(size=v.shape) for n, v in weights.items() if n.startswith("decoder.z")}
    missing = np.full((1, 4), np.nan)
    codes = product(range(K), repeat=M)
    log_p = np.array([model.log_joint({"z": np.array([z]), "x": missing, **weights}, N=1) for z in codes])
    assert logsumexp(log_p) == pytest.approx(0.0, abs=1e-9)
    draws = model.simulate(3, values=weights, N=count)["z"]
    frequency = np.bincount(draws @ K ** np.arange(M)[::-1], minlength=K**M)
    p = np.exp(log_p)
    assert (abs(frequency - count * p) < 5 * np.sqrt(count * p * (1 - p)) + 1).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_defaults_of_the_card_are_those_of_the_program(backend):
    assert DEFAULTS.items() <= zoo.load("vq_vae", backend).keywords.items()


MISTAKES = [
    ({"K": 41}, "K=41 codewords for 20 rows of M=2 positions: set K to 40 or less"),
    ({"network": "convolutional"}, "D=6 pixels: a convolutional network wants square images of an even side"),
    ({"prior": "normal"}, "no prior 'normal'"),
    ({"codebook_update": "adam"}, "no codebook_update 'adam'"),
    ({"commitment": -1.0}, "commitment is a number from 0 up; given -1.0"),
    ({"decay": 1.0}, "decay is a number from 0 up and below 1; given 1.0"),
    ({"restart_below": 2}, "restart_below is a number from 0 up and below 1; given 2"),
    ({"likelihood": "gaussian", "sigma": 0}, "sigma is a number above 0, or None to learn it; given 0"),
    ({"M": 0}, "M is a size"),
    ({"quantiser": "vq"}, "no quantiser 'vq'"),
    ({"quantiser": "fsq", "K": 8}, "K = L\\^Z codewords, L from 2 up, .* given K=8, Z=2"),
]


@pytest.mark.parametrize(("settings", "message"), MISTAKES)
def test_each_mistake_has_its_message(settings, message):
    with pytest.raises(zoo.ZooError, match=message) as error:
        zoo.load("vq_vae", **{**SIZES, **settings}).bind(binary_rows())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("D", "M", "message"),
    [
        (784, 16, "M=16: a convolutional network of 28 x 28 images has a grid of M=196 or 49 positions"),
        (36, 4, "a grid of M=9 positions"),
        (25, 4, "square images of an even side"),
        (48, 4, "square images of an even side"),
    ],
)
def test_positions_of_convolutions_are_a_grid(D, M, message):
    model = zoo.load("vq_vae", M=M, K=2, network="convolutional")
    with pytest.raises(zoo.ZooError, match=message):
        model.bind(np.arange(4 * D).reshape(4, D) % 2)


@pytest.mark.parametrize(("network", "grid"), [("convolutional", (2, 2)), ("mlp", (1, 3))])
def test_figures_of_codes(network, grid, tmp_path):
    x = (np.random.default_rng(0).random((9, 16)) < 0.4).astype(float)
    fit = train(zoo.load("vq_vae", "pyro", M=np.prod(grid), K=5, Z=2, width=4, depth=1, network=network), x)
    figure = latents.figures.code_grids(fit, count=3)
    assert len(figure.axes) == 9
    z, colours = latents.codes(fit, x[[0, 4, 8]]), codeword_colours(fit)
    for axes, code in zip(figure.axes[3:6], z, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), colours[code].reshape(*grid, 3))
        assert [t.get_text() for t in axes.texts] == [str(k) for k in code]
    (axes,) = latents.figures.codebook_use(fit).axes
    heights = [bar.get_height() for bar in axes.containers[0]]
    np.testing.assert_allclose(heights, np.sort(latents.codebook(fit).counts)[::-1] / (9 * np.prod(grid)))
    figure.savefig(tmp_path / "grids.png")


def test_what_is_no_codebook_raises():
    fit = inference.fit(zoo.load("vae", "pyro", Z=1, width=2, depth=1), binary_rows(), num_steps=1)
    with pytest.raises(zoo.ZooError, match="vae has no codebook"):
        latents.codebook(fit)
    with pytest.raises(zoo.ZooError, match="no square images"):
        latents.figures.code_grids(untrained("pyro"))
    with pytest.raises(zoo.ZooError, match="vae has no codebook"):
        codeword_colours(fit)
    with pytest.raises(zoo.ZooError, match="no categories at M positions"):
        latents.codes(fit)


@pytest.mark.slow
def test_codewords_of_digits_are_used():
    data = load_or_skip("digits_dynamic")
    model = zoo.load("vq_vae", K=64, M=4, Z=8, network="convolutional", width=64)
    fit = inference.fit(model, data, num_steps=1200, batch_size=100, learning_rate=2e-3, dtype="float32")
    use = latents.codebook(fit)
    assert use.usage >= 0.9
    assert use.perplexity > 32
    assert use.rate == pytest.approx(4 * np.log(64), rel=1e-6)
    assert use.bound > -32.0
