"""Codes, samples, partial reconstructions and interpolations of fits with several groups of latents."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import inference
import zoo
from inference import latents
from inference.amortised import AmortisedPosterior
from inference.analysis.latents.group_figures import group_label
from tests.layer_programs import WIDTHS, X, layers
from tests.table import BACKENDS
from zoo import ZooError
from zoo.cli import app
from zoo.sites import Site

NAMES = list(WIDTHS)
KINDS = ("top down", "bottom up", "shared")
GROUPED = [*((kind, "pyro") for kind in KINDS), ("top down", "numpyro")]  # one is enough of compiling
SHORT = {"engine": "svi", "num_steps": 3, "batch_size": 20, "dtype": "float64"}


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@cache
def make_fit(kind, backend):
    """A fit of a few steps: three layers with a guide, or a model of the zoo with one or two latents."""
    if kind in KINDS:
        program, guide = layers(backend, kind)
        return inference.fit(zoo.Model(program, backend=backend), X, guide=guide, **SHORT)
    settings = {"sigmoid_belief_network": {"Z": 3}, "vae": {"Z": 2, "width": 4, "depth": 1}}
    settings["semi_supervised_vae"] = {**settings["vae"], "C": 3}
    label = {"label": np.where(np.arange(60) % 2, np.nan, np.arange(60) % 3)} if kind.startswith("semi") else {}
    return inference.fit(zoo.load(kind, backend, **settings[kind]), {"x": X, **label}, **SHORT)


def prior_means(fit, z):
    """The program's means of each group given the one above, by hand."""
    state = fit.state
    return {
        "z3": np.zeros((len(z["z3"]), 2)),
        "z2": np.tanh(z["z3"] @ state["V2"]),
        "z1": np.tanh(z["z2"] @ state["V1"]),
    }


def decode(fit, z1):
    return 1 / (1 + np.exp(-z1 @ fit.state["W"]))


@pytest.mark.parametrize(("kind", "backend"), GROUPED)
def test_every_group_has_a_code_that_decode_takes(kind, backend):
    fit = make_fit(kind, backend)
    codes = latents.encode(fit)
    assert list(codes) == NAMES
    assert {n: c.mean.shape for n, c in codes.items()} == {n: (60, Z) for n, Z in WIDTHS.items()}
    for name in NAMES:
        np.testing.assert_array_equal(latents.encode(fit, group=name).mean, codes[name].mean)
    means = {n: c.mean for n, c in codes.items()}
    np.testing.assert_allclose(latents.decode(fit, means), decode(fit, means["z1"]), rtol=1e-9)
    np.testing.assert_array_equal(latents.decode(fit, means), latents.reconstruct(fit))


def test_codes_are_given_the_means_of_those_above(backend):
    fit = make_fit("top down", backend)
    codes, state = latents.encode(fit), fit.state
    np.testing.assert_allclose(codes["z3"].mean, X @ state["q.z3"] / 4, rtol=1e-9)
    np.testing.assert_allclose(codes["z2"].mean, X @ state["q.z2"] / 4 + codes["z3"].mean @ state["U2"], rtol=1e-9)
    np.testing.assert_allclose(codes["z2"].sd, np.tile(state["q.z2.scale"], (60, 1)), rtol=1e-9)


@pytest.mark.parametrize(("kind", "backend"), GROUPED)
def test_partial_reconstructions_have_upper_groups_from_the_encoder(kind, backend):
    fit = make_fit(kind, backend)
    images, codes = latents.partial_reconstructions(fit), {n: c.mean for n, c in latents.encode(fit).items()}
    assert list(images) == [0, 1, 2, 3]
    for level, image in images.items():
        z = dict(codes)
        for name in NAMES[level:]:  # each given the one above
            z[name] = prior_means(fit, z)[name]
        np.testing.assert_allclose(image, decode(fit, z["z1"]), rtol=1e-9)
    np.testing.assert_allclose(images[3], latents.reconstruct(fit), rtol=1e-9)
    noisy = latents.partial_reconstructions(fit, levels=[1, 3], temperature=0.5, seed=1)
    np.testing.assert_allclose(noisy[3], images[3], rtol=1e-9)
    assert not np.allclose(noisy[1], images[1])
    (one,) = latents.partial_reconstructions(fit, 5, levels=3).values()
    np.testing.assert_allclose(one, images[3][[5]], rtol=1e-9)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_temperature_multiplies_the_standard_deviation_of_every_group(temperature, backend):
    """Below the top the deviations from the mean given the group above are those of the program, 0.7."""
    fit, count = make_fit("top down", backend), 4000
    z = AmortisedPosterior(fit).draw_prior({}, count, temperature, seed=2)
    means = prior_means(fit, z)
    for name, sd in (("z3", 1.0), ("z2", 0.7), ("z1", 0.7)):
        noise = (z[name] - means[name]) / (sd * temperature)
        size = noise.size
        assert abs(noise.mean()) < 5 / np.sqrt(size)
        assert abs(noise.std() - 1) < 5 / np.sqrt(2 * size)
    noise = np.hstack([z["z3"][:, 0, None], z["z2"] - means["z2"]])
    assert abs(np.corrcoef(noise.T)[0, 1:]).max() < 5 / np.sqrt(count)  # that of each group is its own


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_samples_at_a_low_temperature_are_alike(backend):
    fit = make_fit("top down", backend)
    spread = [latents.sample(fit, 200, temperature=t).std(0).mean() for t in (0.1, 0.5, 1.0)]
    assert spread[0] < spread[1] < spread[2]
    first, again = (latents.sample(fit, 5, 3, temperature=0.5) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert set(np.unique(latents.sample(fit, 5, mean=False, temperature=0.5))) <= {0.0, 1.0}
    classes = make_fit("semi_supervised_vae", backend)
    assert latents.sample(classes, 4, y=2, temperature=0.5).shape == (4, 16)


@pytest.mark.parametrize("kind", ["top down", "shared"])
def test_an_interpolation_changes_the_groups_that_are_named(kind, backend):
    fit = make_fit(kind, backend)
    codes = {n: c.mean for n, c in latents.encode(fit, X[:2]).items()}
    images = latents.interpolate(fit, X[0], X[1], steps=3, groups=["z1"])
    path = np.linspace(codes["z1"][0], codes["z1"][1], 3)
    np.testing.assert_allclose(images, decode(fit, path), rtol=1e-9)
    upper = latents.interpolate(fit, 0, 1, steps=3, groups="z3")  # the pixels of this program depend on z1 alone
    np.testing.assert_allclose(upper, np.tile(latents.reconstruct(fit, 0), (3, 1)), rtol=1e-9)
    every = latents.interpolate(fit, 0, 1, steps=3)
    np.testing.assert_allclose(every[[0, -1]], latents.reconstruct(fit, X[:2]), rtol=1e-9)


def test_a_traversal_of_a_group_is_around_the_code_of_the_row(backend):
    fit = make_fit("top down", backend)
    (image,) = latents.traverse(fit, 0, dims=[2], span=1.5, steps=3, group="z1").values()
    code = np.repeat(latents.encode(fit, 0, group="z1").mean, 3, axis=0)
    code[:, 2] += [-1.5, 0, 1.5]
    np.testing.assert_allclose(image, decode(fit, code), rtol=1e-9)


def test_layers_of_binary_units(backend):
    fit = make_fit("sigmoid_belief_network", backend)
    images = latents.partial_reconstructions(fit, temperature=1.0)
    np.testing.assert_allclose(images[2], latents.reconstruct(fit), rtol=1e-9)
    assert np.ptp(latents.partial_reconstructions(fit, levels=0)[0], axis=0).max() < 1e-12  # the most probable units


def wrong(value: Any) -> Any:
    """A value of a type that is not allowed."""
    return value


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        ("top down", lambda f: latents.encode(f, group="z9"), "no group of latents 'z9'; known: z3, z2, z1"),
        ("top down", lambda f: latents.decode(f, np.zeros((3, 4))), "decodes the codes of z3, z2, z1: give a dict"),
        ("top down", lambda f: latents.decode(f, {"z1": np.zeros((3, 4))}), "decodes z3, z2, z1; given z1"),
        ("top down", lambda f: latents.interpolate(f, 0, 1, groups="z0"), "no group of latents 'z0'"),
        ("top down", lambda f: latents.interpolate(f, 0, 1, groups=[]), "groups has no name"),
        ("top down", lambda f: latents.interpolate(f, 0, X[:3], groups="z1"), "one row is needed"),
        ("top down", lambda f: latents.partial_reconstructions(f, levels=4), "whole numbers from 0 to 3; given 4"),
        ("top down", lambda f: latents.partial_reconstructions(f, levels=[0, -1]), "from 0 to 3; given -1"),
        ("top down", lambda f: latents.partial_reconstructions(f, levels=wrong(1.5)), "from 0 to 3; given 1.5"),
        ("top down", lambda f: latents.partial_reconstructions(f, levels=[]), "leave them out for all"),
        ("top down", lambda f: latents.partial_reconstructions(f, temperature=-1), "number from 0 up; given -1"),
        ("top down", lambda f: latents.sample(f, 3, temperature=0), "temperature is a number above 0; given 0"),
        ("top down", lambda f: latents.sample(f, 3, temperature=-0.5), "temperature is a number above 0; given -0.5"),
        ("top down", lambda f: latents.sample(f, 3, temperature=np.nan), "temperature is a number above 0; given nan"),
        (
            "top down",
            lambda f: latents.sample(f, 3, temperature=wrong("hot")),
            "temperature is a number above 0; given 'hot'",
        ),
        ("top down", lambda f: latents.traverse(f, 0), "have the codes z3, z2, z1: name one, as in group='z3'"),
        ("top down", lambda f: latents.figures.codes(f), "name one, as in group='z3'"),
        ("vae", lambda f: latents.partial_reconstructions(f), "have one latent, not several groups"),
        ("vae", lambda f: latents.encode(f, group="z1"), "no group of latents 'z1'"),
        ("sigmoid_belief_network", lambda f: latents.sample(f, 3, temperature=0.5), "that of z2 is Bernoulli"),
        ("sigmoid_belief_network", lambda f: latents.interpolate(f, 0, 1, groups="z2"), "are discrete"),
        ("semi_supervised_vae", lambda f: latents.sample(f, 3, temperature=0.5), "that of y is Categorical"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(kind, call, message, backend):
    with pytest.raises(ZooError, match=message) as error:
        call(make_fit(kind, backend))
    assert "\n" not in str(error.value)


def test_every_figure_is_drawn(tmp_path, backend):
    fit, figures = make_fit("top down", backend), latents.figures
    for i, figure in enumerate(
        (
            figures.partial_reconstructions(fit, count=3),
            figures.partial_reconstructions(fit, count=2, levels=[0, 2], temperature=0.7),
            figures.group_interpolations(fit, 0, 1, steps=4),
            figures.group_interpolations(fit, 0, 1, ["z1"]),
            figures.interpolations(fit, [(0, 1)], groups="z2"),
            figures.traversals(fit, 0, group="z2"),
            figures.samples(fit, (2, 2), temperature=0.5),
            figures.codes(fit, group="z3"),
            figures.kl_by_latent(fit),
            figures.kl_by_latent(make_fit("sigmoid_belief_network", backend)),
        )
    ):
        figure.savefig(tmp_path / f"{i}.png")
    axes = figures.kl_by_latent(fit).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == NAMES
    low, high = axes.get_ylim()
    assert low > high  # from the top down


@pytest.mark.parametrize(
    ("line", "keywords", "label"),
    [
        ("real [N 64]", {"channels": 4}, "z  4×4"),
        ("real [N 4]", {"channels": 4}, "z  1×1"),
        ("real [N 12]", {"channels": 4}, "z"),
        ("real [N 10]", {"channels": 4}, "z"),
        ("real [N Z]", {"Z": 16}, "z"),
    ],
)
def test_labels_of_groups(line, keywords, label):
    assert group_label("z", Site.parse(line), keywords) == label


def test_zoo_sample_has_a_temperature(tmp_path):
    folder = make_fit("vae", "numpyro").save(tmp_path / "vae")
    command = ("sample", str(folder), "--grid", "2x2", "--out", str(tmp_path / "x.png"), "--temperature")
    assert CliRunner().invoke(app, [*command, "0.5"]).exit_code == 0
    result = CliRunner().invoke(app, [*command, "0"])
    assert result.exit_code == 2
    assert "temperature is a number above 0" in result.stderr


def test_rows_times_draws_in_memory_are_bounded_by_the_larger_of_pixels_and_latents():
    """A hierarchy over grids has more latents than pixels: 64000 draws of rows at once took 100 GiB."""
    few, many = ({"layout": layout, "width": 4, "bottleneck": 2, "channels": 4} for layout in ("1x2", "1x2,8x2"))
    options: dict[str, Any] = {"num_steps": 1, "batch_size": 10}
    models = [zoo.load("very_deep_vae", "pyro", **settings) for settings in (few, many)]
    fits = [inference.fit(model, np.zeros((20, 64)), "svi", **options) for model in models]
    capacities = [AmortisedPosterior(fit).capacity for fit in fits]
    assert capacities == [(1 << 22) // 64, (1 << 22) // (2 * 4 + 2 * 4 * 64)]
