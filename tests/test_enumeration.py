"""Exact sums against the sum over every assignment, one log joint at a time."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

import zoo
from inference import enumeration
from tests.programs import coupled, endless
from tests.table import BACKENDS, CASES, IDS, required_sizes
from zoo._backend import backend_of

ROWS = 4
# rows with one label; paths of states are in tests/test_hidden_markov.py
ENUMERATED = [
    (case, i)
    for case, i in zip(CASES, IDS, strict=True)
    if "enumeration" in zoo.card(case[0]).exact and "T" not in zoo.card(case[0]).sizes
]


def log_joint(model, values, sizes):
    """log p of values of every site but those that ``collapsed`` has integrated out already."""
    if model.collapsed is None:
        return model.log_joint(values, **sizes)
    keywords = model.complete({**model.settings, **sizes}, {})
    gone = set(model.card.local(keywords)) - set(model.card.enumerated)
    data = {n: values[n] for n in model.data_names}
    latents = {n: v for n, v in values.items() if n not in gone | set(data)}
    return backend_of(model).log_joint(model.collapsed, {**keywords, **data}, latents)


def brute_force(model, values, labels, sizes):
    """``(log p(x, params), {label site: p(label | x)})`` by listing every assignment of the discrete sites."""
    spaces = [list(itertools.product(range(K), repeat=max(1, int(np.prod(shape))))) for shape, K in labels.values()]
    joints, choices = [], []
    for choice in itertools.product(*spaces):
        z = {n: np.array(c).reshape(shape) for (n, (shape, _)), c in zip(labels.items(), choice, strict=True)}
        joints.append(log_joint(model, {**values, **z}, sizes))
        choices.append(z)
    weights = np.exp(np.array(joints) - logsumexp(joints))
    posterior = {}
    for n, (_, K) in labels.items():
        labelling = np.stack([c[n] for c in choices])
        posterior[n] = np.stack(
            [(weights.reshape(-1, *[1] * (labelling.ndim - 1)) * (labelling == k)).sum(0) for k in range(K)], -1
        )
    return logsumexp(joints), posterior


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "settings"), [case for case, _ in ENUMERATED], ids=[i for _, i in ENUMERATED])
def test_sums_equal_brute_force(name, settings, backend):
    card = zoo.card(name)
    sizes: dict[str, Any] = {**card.sizes, "N": ROWS}
    (label,) = card.enumerated
    model = zoo.load(name, backend, **settings)
    fixed = {k: v for k, v in model.keywords.items() if len(k) > 1 and k not in settings}  # the program's own priors
    model = model.with_settings(**fixed, **{letter: sizes[letter] for letter in required_sizes(name)})
    values = zoo.load(name, "pyro", **model.settings).simulate(1, **sizes)
    params = {n: values[n] for n in card.parameters(settings)}
    (observed,) = card.observed
    total, posterior = brute_force(model, values, {label: ((ROWS,), sizes["K"])}, sizes)

    probabilities = enumeration.responsibilities(model, params, values[observed])[label]
    np.testing.assert_allclose(probabilities, posterior[label], atol=1e-10)
    by_row = enumeration.log_marginal(model, params, values[observed])
    assert by_row.shape == (ROWS,)
    labelled = {**values, label: np.zeros(ROWS, int)}
    # log p(x | params) by Bayes' rule at one assignment: log p(x, z, params) - log p(z | x) - log p(params)
    prior = log_joint(model, labelled, sizes) - by_row.sum() - np.log(probabilities[:, 0]).sum()
    np.testing.assert_allclose(by_row.sum() + prior, total, rtol=1e-10)
    assert (enumeration.most_probable_labels(model, params, values[observed])[label] == probabilities.argmax(-1)).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_coupled_sites_and_one_for_all_rows(backend):
    model = coupled(backend)
    x = np.array([0.5, 4.0])
    values = {"p": np.array(0.6), "x": x}
    labels = {"s": ((), 2), "a": ((2,), 2), "b": ((2,), 3)}
    _, posterior = brute_force(model, values, labels, {"N": 2})
    probabilities = enumeration.responsibilities(model, {"p": np.array(0.6)}, x)
    for site in labels:
        np.testing.assert_allclose(probabilities[site], posterior[site], atol=1e-10, err_msg=site)
    with pytest.raises(zoo.ZooError, match="couples the rows"):
        enumeration.log_marginal(model, {"p": np.array(0.6)}, x)

    # joint draws: the frequency of each whole assignment of row 0 within its binomial error
    S = 1000
    samples = enumeration.sample_labels(model, {"p": np.full((1, S), 0.6)}, x, seed=1)
    for site in labels:
        frequency = np.stack([(samples[site][0] == k).mean(0) for k in range(posterior[site].shape[-1])], -1)
        error = 5 * np.sqrt(posterior[site] * (1 - posterior[site]) / S) + 1e-12
        assert (abs(frequency - posterior[site]) < error).all(), site
    both = (samples["a"][0, :, 1] == 1) & (samples["b"][0, :, 1] == 2)
    exact = pair_probability(model, values, labels)
    assert abs(both.mean() - exact) < 5 * np.sqrt(exact * (1 - exact) / S)


def pair_probability(model, values, labels):
    """p(a_1 = 1, b_1 = 2 | x), which the two marginals do not give."""
    total, joint = [], []
    for s, *rest in itertools.product(range(2), *[range(2)] * 2, *[range(3)] * 2):
        z = {"s": np.array(s), "a": np.array(rest[:2]), "b": np.array(rest[2:])}
        log = model.log_joint({**values, **z}, N=2)
        total.append(log)
        if rest[1] == 1 and rest[3] == 2:
            joint.append(log)
    return float(np.exp(logsumexp(joint) - logsumexp(total)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_infinite_support_is_an_error(backend):
    with pytest.raises(zoo.ZooError, match="infinite support"):
        enumeration.responsibilities(endless(backend), {}, np.zeros(3))
