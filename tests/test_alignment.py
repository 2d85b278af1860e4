"""Alignment: one order of the labels and one frame of the axes, whatever those of the draws."""

import time
from dataclasses import replace

import numpy as np
import pytest
from arviz_stats.base.array import array_stats
from synthetic import at_point, mixture, relabel
from table import CASES, IDS

import zoo
from inference import Fit
from inference.alignment import align, align_fits, aligned_draws
from zoo import Card

HMM = Card(
    name="chain",
    title="chain",
    citation="",
    latents={"A": "simplex [K K]", "mu": "real [K]"},
    observed={"x": "real [N]"},
)


def has_labels(name, settings):
    """Whether a parameter of the model has a dimension whose labels can be permuted."""
    card = zoo.card(name)
    return any(set(site.dims) & set(card.exchangeable) for site in card.parameters(settings).values())


EXCHANGEABLE = {i: case for i, case in zip(IDS, CASES, strict=True) if has_labels(*case)}


def random_orders(shape, K, seed=0):
    rng = np.random.default_rng(seed)
    return rng.permuted(np.broadcast_to(np.arange(K), (*shape, K)), axis=-1)


def draws_about(card, settings, sizes, spread, shape=(3, 40), seed=0):
    """Draws of every parameter about one value of it, and their log joint."""
    model = zoo.load(card.name, "pyro", **settings)
    keywords = {**card.sizes, **sizes}
    centre = model.simulate(seed, **keywords)
    rng = np.random.default_rng(seed)
    draws = {}
    for name, site in card.parameters(settings).items():
        rows = [size if axis == 0 else 1 for axis, size in enumerate(site.shape(keywords))]
        factor = np.exp(spread * rng.normal(size=(*shape, *rows)))
        draws[name] = centre[name] * factor
        if site.kind == "simplex":
            draws[name] /= draws[name].sum(-1, keepdims=True)
    return draws, rng.normal(size=shape)


def permute_draws(card, settings, draws, order):
    out = {}
    for name, site in card.parameters(settings).items():
        value = draws[name]
        for axis in (a for a, letter in enumerate(site.dims) if letter in card.exchangeable):
            index = order.reshape(*order.shape[:2], *(1 if a != axis else -1 for a in range(len(site.dims))))
            value = np.take_along_axis(value, index, axis=2 + axis)
        out[name] = value
    return out


@pytest.mark.parametrize(("name", "settings"), EXCHANGEABLE.values(), ids=EXCHANGEABLE)
@pytest.mark.parametrize("spread", [0.05, 1.0], ids=["apart", "overlapping"])
def test_permuting_labels_changes_no_bit(name, settings, spread):
    card = zoo.card(name)
    K = 4
    draws, lp = draws_about(card, settings, {"K": K}, spread)
    before = align(card, settings, draws, lp)
    half = np.where(np.arange(lp.size).reshape(lp.shape)[..., None] % 2, random_orders(lp.shape, K), np.arange(K))
    after = align(card, settings, permute_draws(card, settings, draws, half), lp)
    for site in before:
        np.testing.assert_array_equal(before[site], after[site])


def test_switched_labels_are_switched_back():
    fit = mixture("nuts")
    switched = relabel(fit, random_orders((4, 500), 2))
    for site, value in aligned_draws(switched).items():
        np.testing.assert_array_equal(value, fit.draws[site])  # mu ascends in what was made
    _, (none, some) = align_fits([fit, switched], 0)
    assert none == 0
    assert 800 < some <= 1000


def test_both_axes_of_a_transition_matrix_are_permuted_together():
    rng = np.random.default_rng(0)
    mu = np.array([0.0, 3.0, 9.0]) + 0.1 * rng.normal(size=(2, 30, 3))
    A = np.array([[0.8, 0.1, 0.1], [0.3, 0.5, 0.2], [0.05, 0.05, 0.9]]) + 0.001 * rng.normal(size=(2, 30, 3, 3))
    draws, lp = {"A": A, "mu": mu}, rng.normal(size=(2, 30))
    order = random_orders((2, 30), 3)
    back = align(HMM, {}, permute_draws(HMM, {}, draws, order), lp)
    np.testing.assert_array_equal(back["A"], A)
    np.testing.assert_array_equal(back["mu"], mu)


def test_each_component_is_used_once():
    # two components so near that both of a draw's lie nearer to the first: the assignment must not use one twice
    rng = np.random.default_rng(1)
    mu = np.array([0.0, 0.3, 5.0]) + 0.3 * rng.normal(size=(1, 400, 3))
    draws = {"A": np.zeros((1, 400, 3, 3)), "mu": mu}
    out = align(HMM, {}, draws, rng.normal(size=(1, 400)))["mu"]
    np.testing.assert_array_equal(np.sort(out), np.sort(mu))


def test_a_reference_moves_all_draws_alike():
    fit, point = mixture("svi", seed=3), at_point(mixture("nuts"))
    backwards = replace(point, params={n: v[::-1] for n, v in point.params.items()})
    # without a reference a point keeps its order
    np.testing.assert_array_equal(aligned_draws(backwards)["mu"][0, 0], point.params["mu"][::-1])
    for first, order in ((0, -1), (1, 1)):
        (a, b), _ = align_fits([backwards, fit], first)
        np.testing.assert_array_equal(a["mu"][0, 0], point.params["mu"][::order])
        for site, value in aligned_draws(fit).items():
            np.testing.assert_array_equal(b[site], value[:, :, ::order])
    reference = aligned_draws(backwards)
    again = align(fit.model.card, fit.keywords, fit.draws, fit.stats["lp"], reference)
    np.testing.assert_array_equal(again["mu"], aligned_draws(fit)["mu"][:, :, ::-1])


def test_a_model_without_components_is_unchanged():
    card = Card("line", "line", "", latents={"b": "real [D]"}, observed={"x": "real [N]"})
    b = np.random.default_rng(0).normal(size=(2, 5, 3))
    np.testing.assert_array_equal(align(card, {}, {"b": b}, np.zeros((2, 5)))["b"], b)


def test_draws_that_are_not_finite_are_aligned():
    fit = mixture("nuts")
    fit.draws["mu"][0, 0, 0, 0] = np.nan
    fit.stats["lp"][0, 0] = np.nan
    assert aligned_draws(fit)["mu"].shape == fit.draws["mu"].shape


def test_many_draws_of_many_components_take_about_a_second():
    rng = np.random.default_rng(0)
    shape, K, D = (4, 1000), 10, 4
    card, settings = zoo.card("gaussian_mixture"), {"covariance": "diag"}
    mu = 2 * rng.normal(size=(K, D)) + rng.normal(size=(*shape, K, D))
    draws = {"pi": rng.dirichlet(np.ones(K), size=shape), "mu": mu, "Lambda": rng.gamma(5, size=(*shape, K, D))}
    draws = permute_draws(card, settings, draws, random_orders(shape, K))
    begun = time.process_time()
    align(card, settings, draws, rng.normal(size=shape))
    assert time.process_time() - begun < 5.0  # CPU seconds, with room for a slow machine; 1 is usual


WITH_ROTATIONS = [(n, s) for n, s in CASES if zoo.card(n).symmetries and "W" in zoo.card(n).sites(s)]
ROTATION_IDS = ["-".join([name, *settings.values()]) for name, settings in WITH_ROTATIONS]
SIZES = {"N": 6, "T": 2, "D": 6, "K": 2, "Z": 3}


def rotation_draws(card, settings, spread=0.05):
    """Draws in one frame, the scores among them, and their log joint."""
    sizes = {letter: SIZES[letter] for letter in card.sizes}
    draws, lp = draws_about(card, settings, sizes, spread)
    rng = np.random.default_rng(1)
    draws["W"] = draws["W"] + spread * np.abs(draws["W"]).mean() * rng.normal(size=draws["W"].shape)
    return draws | {"z": rng.normal(size=(*lp.shape, *card.sites(settings)["z"].shape(sizes)))}, lp


def rotate_at_random(card, draws, seed=0):
    """The same draws, each with its axes (those of each component) rotated as the card allows."""
    rng = np.random.default_rng(seed)
    shape, Z = draws["W"].shape[:-2], draws["W"].shape[-1]
    rotations = np.linalg.qr(rng.normal(size=(*shape, Z, Z)))[0]
    if card.symmetries["Z"] == "signed permutation":
        order = rng.permuted(np.broadcast_to(np.arange(Z), (*shape, Z)), axis=-1)
        rotations = np.eye(Z)[order] * rng.choice([-1.0, 1.0], size=(*shape, 1, Z))
    out = draws | {"W": draws["W"] @ rotations}
    if "alpha" in draws:
        out["alpha"] = (draws["alpha"][..., None, :] @ np.abs(rotations))[..., 0, :]
    if "A" in draws:
        of_states = rotations if draws["A"].ndim == rotations.ndim else rotations[..., None, :, :]
        out["A"] = np.swapaxes(of_states, -1, -2) @ draws["A"] @ of_states
    if "b" in draws:
        out["b"] = draws["b"] @ rotations
    return out | ({"z": product(draws["z"], rotations)} if rotations.ndim == 4 else {})


def product(z, matrices):
    """Each latent of the rows (chain, draw, ..., Z) times the matrix of its draw, (chain, draw, Z, other)."""
    flat = z.reshape(*z.shape[:2], -1, z.shape[-1]) @ matrices
    return flat.reshape(*z.shape[:-1], -1)


def fit_of(card, settings, draws, lp):
    model = zoo.load(card.name, "numpyro", **settings)
    params = {n: draws[n].mean((0, 1)) for n in card.parameters(settings)}
    keywords = {**{letter: SIZES[letter] for letter in card.sizes}, **settings}
    made = {"draws": draws, "stats": {"lp": lp}} if lp is not None else {}
    return Fit(model, "nuts", keywords, {}, 0, "cpu", None, {"x": np.zeros((6, 6))}, 1.0, params, np.zeros(0), **made)


@pytest.mark.parametrize(("name", "settings"), WITH_ROTATIONS, ids=ROTATION_IDS)
def test_rotating_the_axes_of_every_draw_changes_nothing(name, settings):
    card = zoo.card(name)
    draws, lp = rotation_draws(card, settings)
    rotated = rotate_at_random(card, draws)
    if "K" in card.sizes:
        rotated = rotated | permute_draws(card, settings, rotated, random_orders(lp.shape, SIZES["K"]))
    before, after = (align(card, settings, d, lp) for d in (draws, rotated))
    has_own_axes = "K" in card.sites(settings)["W"].dims
    assert set(before) == set(draws) - ({"z"} if has_own_axes else set())  # of which component are the axes of z?
    for site, value in before.items():
        np.testing.assert_allclose(after[site], value, rtol=0, atol=1e-10 * np.abs(value).max())

    def r_hat(draws):  # not that of folded ranks, in which rounding decides between the two draws beside the median
        return array_stats.rhat(np.moveaxis(draws["W"].reshape(*lp.shape, -1), -1, 0), method="split")

    np.testing.assert_allclose(r_hat(after), r_hat(before), rtol=1e-9)
    # one frame: the random rotations are removed, and little other variation
    spread = [d["W"].std((0, 1)).mean() for d in (rotated, before, draws)]
    assert 0.5 * spread[2] < spread[1] < 1.01 * spread[2] < 0.2 * spread[0]
    # and the likelihood is unchanged
    if "K" not in card.sizes:
        for d in (rotated, before):
            rows, expected = (product(e["z"], np.swapaxes(e["W"], -1, -2)) for e in (d, draws))
            np.testing.assert_allclose(rows, expected)


@pytest.mark.parametrize(("name", "settings"), WITH_ROTATIONS, ids=ROTATION_IDS)
def test_a_reference_rotates_all_draws_alike(name, settings):
    card = zoo.card(name)
    draws, lp = rotation_draws(card, settings)
    own = align(card, settings, draws, lp)
    elsewhere = {n: v[:1, :1] for n, v in own.items()}  # the frame of one draw, rotated
    elsewhere |= rotate_at_random(card, elsewhere | {"z": draws["z"][:1, :1]}, seed=5)
    point = fit_of(card, settings, {n: v[0, 0][None, None] for n, v in elsewhere.items()}, None)
    (target, moved), _ = align_fits([point, fit_of(card, settings, draws, lp)], 0)
    np.testing.assert_array_equal(target["W"], elsewhere["W"])  # a point keeps its own frame
    rotation = np.linalg.pinv(own["W"]) @ moved["W"]  # (chain, draw, [K,] Z, Z)
    np.testing.assert_allclose(rotation, np.broadcast_to(rotation[:1, :1], rotation.shape), atol=1e-9)
    np.testing.assert_allclose(
        rotation @ np.swapaxes(rotation, -1, -2), np.broadcast_to(np.eye(3), rotation.shape), atol=1e-9
    )
    scale = np.abs(elsewhere["W"]).max()
    np.testing.assert_allclose(moved["W"].mean((0, 1)), elsewhere["W"][0, 0], atol=0.3 * scale)


def test_the_frame_is_that_of_the_principal_axes():
    card = zoo.card("factor_analysis")
    draws, lp = rotation_draws(card, {})
    mean = align(card, {}, rotate_at_random(card, draws), lp)["W"].mean((0, 1))
    product = mean.T @ mean
    np.testing.assert_allclose(product, np.diag(np.diag(product)), atol=1e-10 * product.max())
    assert np.array_equal(np.argsort(-np.diag(product)), np.arange(3))
    assert (mean.sum(0) > 0).all()


def test_rotations_do_not_depend_on_the_units_of_columns():
    card = zoo.card("factor_analysis")
    draws, lp = rotation_draws(card, {})
    rotated = rotate_at_random(card, draws)
    units = 10.0 ** np.arange(-3, 3)
    other = align(card, {}, rotated | {"W": rotated["W"] * units[:, None]}, lp)["W"] / units[:, None]
    rotation = np.linalg.pinv(align(card, {}, rotated, lp)["W"]) @ other  # the final frame differs, alike for all draws
    np.testing.assert_allclose(rotation, np.broadcast_to(rotation[:1, :1], rotation.shape), atol=1e-8)


def test_no_latent_dimensions_and_draws_that_are_not_finite_are_allowed():
    card = zoo.card("factor_analysis")
    draws, lp = rotation_draws(card, {})
    nothing = align(card, {}, draws | {"W": draws["W"][..., :0], "z": draws["z"][..., :0]}, lp)
    assert nothing["W"].shape == (3, 40, 6, 0)
    draws["W"][0, 0, 0, 0] = np.nan
    assert align(card, {}, draws, lp)["W"].shape == draws["W"].shape
