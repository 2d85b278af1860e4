"""The attribute VAE: densities by hand, the weight of labels, blocks of codes, bad input, and the shape of sprites."""

from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import guides
import inference
import zoo
from inference.amortised import AmortisedPosterior
from inference.analysis.fairness.prediction import assign_folds, boosted_trees, class_probabilities
from inference.objectives import penalties
from inference.objectives.penalties.factor import Factor
from tests.table import BACKENDS, SLOW_IN_NUMPYRO
from zoo import datasets
from zoo._backend import in_backend

SIZES: dict[str, Any] = {"N": 5, "D": 16, "Z": 3, "A": 2, "C": 3}
FREQUENCIES = np.array([[0.5, 0.2, 0.3], [0.6, 0.0, 0.4]])
SEPARATION = 4.0
EMPTY = np.full((5, 16), np.nan)
LABEL = np.arange(12) % 3
PIXELS = np.random.default_rng(0).integers(2, size=(12, 16))
LABELS = np.array([[0, 2], [np.nan, 0], [2, np.nan], [1, 0], [np.nan, np.nan]])


def classes_by_hand():
    """The mean of z given each class of both attributes, and its standard deviation; the second has no class 1."""
    means, sds = [], []
    for shares in FREQUENCIES:
        position = SEPARATION * np.array([np.sum(shares[:c] > 0) for c in range(3)])
        mean = shares @ position
        sd = 1 / np.sqrt(1 + shares @ (position - mean) ** 2)
        means.append(sd * (position - mean))
        sds.append(sd)
    return np.array(means), np.array(sds)


@pytest.fixture(scope="module", params=BACKENDS)
def model(request):
    return zoo.load("attribute_vae", request.param, width=4, depth=1, frequencies=FREQUENCIES, separation=SEPARATION)


@pytest.fixture(scope="module")
def values(model):
    simulated = zoo.load("attribute_vae", "pyro", **model.settings).simulate(0, **SIZES)
    return {**simulated, "z": np.random.default_rng(1).normal(size=(5, 3)), "x": EMPTY}


def test_the_density_of_codes_and_labels_is_that_by_hand(model, values):
    means, sds = classes_by_hand()
    np.testing.assert_allclose((FREQUENCIES * means).sum(1), 0, atol=1e-12)
    np.testing.assert_allclose((FREQUENCIES * (means**2 + sds[:, None] ** 2)).sum(1), 1, rtol=1e-12)
    with np.errstate(divide="ignore"):
        joint = np.log(FREQUENCIES) + norm.logpdf(values["z"][:, :2, None], means, sds[:, None])  # (N, A, C)
    marginal = logsumexp(joint, -1)
    without = model.log_joint({**values, "attribute": np.full((5, 2), np.nan)}, **SIZES)
    assert without == pytest.approx(marginal.sum() + norm.logpdf(values["z"][:, 2]).sum(), rel=1e-10)
    known = ~np.isnan(LABELS)
    own = np.take_along_axis(joint - marginal[..., None], np.nan_to_num(LABELS).astype(int)[..., None], -1)[..., 0]
    labelled = model.log_joint({**values, "attribute": LABELS}, **SIZES)
    assert labelled - without == pytest.approx(own[known].sum(), rel=1e-9)


def guide_logs(model, keywords, data, z):
    """log q of each site of the guide with the code ``z``, by row; its weights are those of one seed."""
    backend = in_backend("zoo._backend", model.backend)
    with backend.runtime("float64"):
        guide = guides.load("attribute_vae", model.backend)(model.program)
        data, latents = backend.to_backend(data), backend.to_backend({"z": z})
        if model.backend == "numpyro":
            from numpyro import handlers

            seeded = handlers.seed(handlers.substitute(guide, latents), 0)
            nodes = handlers.trace(seeded).get_trace(**data, **backend.to_backend(keywords))
            sites = {n: s for n, s in nodes.items() if s["type"] == "sample"}
        else:
            import torch
            from pyro import poutine

            torch.manual_seed(0)
            trace = poutine.trace(backend.substitute(guide, latents)).get_trace(**data, **backend.to_backend(keywords))
            sites = backend.sample_nodes(trace.nodes)
        return backend.to_numpy({n: s["fn"].log_prob(s["value"]) for n, s in sites.items()})


def test_the_factor_of_the_guide_weighs_labels_alone(model, values):
    """- alpha_j log p(label | z) at the draw, and a density of z that does not depend on labels."""
    alpha = np.array([2.0, 30.0])
    keywords = model.complete({**SIZES, **model.settings, "alpha": alpha}, {})
    pixels = np.random.default_rng(2).integers(2, size=(5, 16)).astype(float)
    logs = guide_logs(model, keywords, {"x": pixels, "attribute": LABELS}, values["z"])
    means, sds = classes_by_hand()
    with np.errstate(divide="ignore"):
        joint = np.log(FREQUENCIES) + norm.logpdf(values["z"][:, :2, None], means, sds[:, None])
    log_probs = joint - logsumexp(joint, -1, keepdims=True)
    own = np.take_along_axis(log_probs, np.nan_to_num(LABELS).astype(int)[..., None], -1)[..., 0]
    expected = -(alpha * np.where(np.isnan(LABELS), 0.0, own)).sum(1)
    np.testing.assert_allclose(logs["supervision"], expected, rtol=1e-9)
    unlabelled = guide_logs(model, keywords, {"x": pixels, "attribute": np.full((5, 2), np.nan)}, values["z"])
    np.testing.assert_allclose(unlabelled["z"], logs["z"], rtol=1e-12)
    assert not unlabelled["supervision"].any()


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_pooled_coordinates_do_not_depend_on_position(backend):
    """A shape that is moved by two pixels has the same named coordinate, and other coordinates of its own."""
    shape = np.zeros((12, 12))
    shape[3:7, 3:6] = 1.0
    shape[4, 4] = 0.0
    x = np.stack([np.roll(shape, (i, j), (0, 1)).ravel() for i, j in ((0, 0), (2, 1), (1, 2))] * 4)
    data = {"x": x, "attribute": np.arange(12) % 3}
    model = zoo.load("attribute_vae", backend, Z=2, C=3, network="pooled", width=4, depth=1)
    code = inference.latents.encode(inference.fit(model, data, num_steps=1)).mean
    np.testing.assert_allclose(code[:, 0], code[0, 0], rtol=1e-4)
    assert np.ptp(code[:, 1]) > 1e-3


@pytest.mark.parametrize("backend", BACKENDS)
def test_blocks_are_permuted_together(backend):
    functions: Any = in_backend("inference.objectives.estimators", backend)
    runtime = in_backend("zoo._backend", backend)
    rows, width = 2000, 4
    z = np.random.default_rng(3).normal(size=(rows, 1)) + 0.1 * np.random.default_rng(4).normal(size=(rows, width))
    with runtime.runtime("float64"):
        if backend == "numpyro":
            import jax

            key = jax.random.PRNGKey(0)
        else:
            key = None

        def permute(blocks, named=None):
            permuted = Factor(blocks=blocks).permute(runtime.to_backend({"z": z})["z"], named, key, functions)
            return runtime.to_numpy({"z": permuted})["z"]

        cases = [(permute((1, (0, 3))), [(1,), (0, 3), (2,)]), (permute(None, named=(0,)), [(0,), (1, 2, 3)])]
        cases += [(permute((2,), named=(0,)), [(2,), (0, 1, 3)]), (permute(None), [(0,), (1,), (2,), (3,)])]
    for permuted, blocks in cases:
        for block in blocks:  # the same rows, in another order
            left, right = (v[np.lexsort(v.T)] for v in (permuted[:, block], z[:, block]))
            np.testing.assert_array_equal(left, right)
        correlations = np.corrcoef(permuted.T)
        block_of = {j: i for i, block in enumerate(blocks) for j in block}
        for i in range(width):
            for j in range(i):  # correlations of independent numbers have a standard deviation of 1 / sqrt(rows)
                apart = block_of[i] != block_of[j]
                assert abs(correlations[i, j]) < 5 / np.sqrt(rows) if apart else correlations[i, j] > 0.9


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_the_guide_names_the_blocks_of_its_attributes(backend):
    """``objective="factor"`` is that with the coordinate of the attribute as a block, to the last bit."""
    rng = np.random.default_rng(5)
    data = {"x": rng.integers(2, size=(30, 16)), "attribute": np.arange(30) % 2}
    model = zoo.load("attribute_vae", backend, Z=3, C=2, width=4, depth=1)
    codes = [
        inference.latents.encode(
            inference.fit(model, data, num_steps=20, batch_size=10, objective=f"factor(units=4{setting})")
        ).mean
        for setting in ("", ", blocks=(0,)", ", blocks=(0, 1, 2)")
    ]
    np.testing.assert_array_equal(codes[0], codes[1])
    assert (codes[0] != codes[2]).any()


def test_rows_without_labels_are_encoded_as_labelled_ones_are():
    labels = np.stack([np.arange(12) % 3, np.arange(12) % 2], 1)
    model = zoo.load("attribute_vae", "pyro", Z=3, C=3, width=4, depth=1)
    fit = inference.fit(model, {"x": PIXELS, "attribute": labels}, num_steps=1)
    codes = inference.latents.encode(fit)
    np.testing.assert_array_equal(codes.mean, inference.latents.encode(fit, PIXELS).mean)
    classes = AmortisedPosterior(fit).decode({"z": codes.mean})["attribute"]
    assert classes.shape == (12, 2, 3)
    np.testing.assert_allclose(classes.sum(-1), 1, rtol=1e-5)
    assert not classes[:, 1, 2].any()  # the second attribute has two classes


BAD = {
    "one class": ({}, np.where(LABEL == 1, 1.0, np.nan), "column 0 of attribute has one class, 1: give labels of two"),
    "no label": ({}, np.full(12, np.nan), "column 0 of attribute has no label: give some, from 0 to 2"),
    "second": ({}, np.stack([LABEL, np.full(12, np.nan)], 1), "column 1 of attribute has no label"),
    "too many": ({"Z": 2}, np.stack([LABEL, LABEL], 1), "A=2 attributes and Z=2 coordinates: each has its own"),
    "too close": ({"separation": 0}, LABEL, "separation is a number of standard deviations above 0; given 0"),
    "beyond": ({"C": 2}, LABEL, "attribute has a label 2, and its values are 0 to 1: recode it, or set C"),
    "half": ({}, LABEL / 2, "attribute is category"),
    "no square": ({"network": "pooled", "D": 12}, LABEL, "D=12 pixels: a pooled network wants square images"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line(case):
    settings, attribute, message = BAD[case]
    model = zoo.load("attribute_vae", **{"Z": 3, "C": 3, **settings})
    with pytest.raises(zoo.ZooError) as error:
        model.bind({"x": PIXELS[:, : settings.get("D", 16)], "attribute": attribute})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((), "blocks are coordinates from 0 up, each once"),
        ((0, 0), "blocks are coordinates from 0 up, each once"),
        ((0, (1, 0)), "blocks are coordinates from 0 up, each once"),
        (((),), "blocks are coordinates from 0 up, each once"),
        ((-1,), "blocks are coordinates from 0 up, each once"),
        ([0], "blocks are coordinates from 0 up, each once"),
        (0, "blocks are coordinates from 0 up, each once"),
    ],
)
def test_blocks_are_refused_in_one_line(blocks, message):
    with pytest.raises(zoo.ZooError, match=message):
        penalties.penalty("factor", blocks=blocks)


def test_blocks_beyond_the_codes_are_refused():
    data = {"x": PIXELS, "attribute": LABEL}
    model = zoo.load("attribute_vae", "pyro", Z=3, C=3, width=4, depth=1)
    for blocks, message in (((3,), "name coordinate 3, and codes have 0 to 2"), (((0, 1, 2),), "one block of all 3")):
        with pytest.raises(zoo.ZooError, match=message):
            inference.fit(model, data, num_steps=2, objective=inference.penalty("factor", blocks=blocks))


@pytest.mark.slow
def test_the_shape_of_sprites_is_confined_to_one_coordinate():
    """With the shape of 1% of the images: accuracy from z_0 above 0.95, from the others below 0.45, by chance 1/3.

    Labels are those of 31 images. Accuracies are of all 3072: by boosted trees, cross-fitted, and by the program.
    """
    x = np.asarray(datasets.observed("sprites"), float)  # grey values, from 0 to 1
    shape = datasets.factors("sprites").index[:, 0]
    labels = datasets.observed("sprites_labelled")["attribute"]
    assert (~np.isnan(labels)).sum() == 31
    settings = {"likelihood": "gaussian", "sigma": 0.2, "network": "pooled", "width": 100}
    fit = inference.fit(
        zoo.load("attribute_vae", Z=8, C=3, **settings),
        {"x": x, "attribute": labels},
        num_steps=1000,
        batch_size=64,
        learning_rate=3e-3,
        objective="factor(gamma=10, units=100, learning_rate=1e-3)",
        dtype="float32",
    )
    codes = inference.latents.encode(fit, x).mean
    fold = assign_folds(shape, 5, seed=0)

    def accuracy(coordinates):
        return (class_probabilities(boosted_trees, codes[:, coordinates], shape, fold, 0).argmax(1) == shape).mean()

    assert accuracy([0]) > 0.95
    assert accuracy(range(1, 8)) < 0.45
    classes = AmortisedPosterior(fit).decode({"z": codes})["attribute"]  # p(shape | z_0)
    assert (classes[:, 0].argmax(1) == shape).mean() > 0.95
