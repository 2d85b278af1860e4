"""Codes, images and paths between them, in both backends, against the same networks written in NumPy."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_rgba
from matplotlib.image import imread
from typer.testing import CliRunner

import guides
import inference
import zoo
from inference import latents
from inference.amortised import AmortisedPosterior
from inference.analysis.latents.charts import project_codes
from inference.analysis.latents.generation import spherical_interpolation
from inference.analysis.latents.images import MISSING_COLOUR, image_table, tile_images
from inference.engines.svi.diagnostics import AmortisedDiagnostics
from tests.table import BACKENDS
from zoo import ZooError
from zoo._backend import backend_of
from zoo.cli import app
from zoo.data.intensities import Intensities

SMALL = {"width": 5, "depth": 1}
SETTINGS = {
    "vae": {"Z": 2, **SMALL},
    "gaussian": {"Z": 2, "likelihood": "gaussian", **SMALL},
    "discretised": {"Z": 2, "likelihood": "discretised_logistic", "levels": 6, **SMALL},
    "linear_vae": {"Z": 2},
    "semi_supervised_vae": {"Z": 2, "C": 3, **SMALL},
}
NAMES = list(SETTINGS)
ROWS = 7


def data(kind, rng):
    """Seven images of 16 pixels, one pixel missing; every other row has a label."""
    x = rng.random((ROWS, 16))
    x = {"gaussian": 10 * x, "discretised": np.floor(6 * x), "linear_vae": 3 * x}.get(kind, np.round(x))
    x[1, 3] = np.nan
    label = np.where(np.arange(ROWS) % 2, np.nan, np.arange(ROWS) % 3)
    return {"x": x, "label": label} if kind == "semi_supervised_vae" else {"x": x}


@cache
def make_fit(kind, backend, dtype="float64"):
    """A fit with random weights, the same arrays in either backend."""
    name, rng = kind if kind in zoo.names() else "vae", np.random.default_rng(3)
    model = zoo.load(name, backend, **SETTINGS[kind])
    table, keywords = model.bind(data(kind, rng))
    learned, guide = backend_of(model).learned, guides.load(name, backend)(model.program)
    decoder = sorted(learned(model.program, keywords).items())
    shapes = [*decoder, *sorted(learned(guide, {**table, **keywords}).items())]
    positive = ("sigma", "sigma2", "encoder.scale")
    state = {n: rng.normal(size=shape) / 2 for n, shape in shapes}
    state |= {n: np.exp(state[n]) for n in positive if n in state}
    params = {n: state[n] for n, _ in decoder}
    record = {n: np.linspace(-3.0, -2.0, 4) for n in ("bound", "reconstruction", "kl", "held_out_elbo")}
    epochs = {f"{n}_nats_per_row": v for n, v in record.items()} | {n: np.arange(1.0, 5) for n in ("step", "epoch")}
    return inference.Fit(
        model=model,
        engine="svi",
        keywords=keywords,
        options={"guide": name},
        seed=0,
        device="cpu",
        dtype=dtype,
        data=table,
        seconds=0.0,
        params=params,
        trace=np.zeros(4),
        state=state,
        diagnostics=AmortisedDiagnostics(
            guide=name,
            epochs={**epochs, "beta": np.linspace(0.25, 1, 4)},
            rise=0.0,
            rise_se=1.0,
            beta=1.0,
            elbo=0.0,
            elbo_nats_per_row=0.0,
        ),
    )


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


# ---- the same in NumPy


def mlp(state, name, inputs):
    layers = len([n for n in state if n.startswith(f"{name}.layers") and n.endswith("weight")])
    for i in range(layers):
        inputs = inputs @ state[f"{name}.layers.{i}.weight"] + state[f"{name}.layers.{i}.bias"]
        inputs = np.tanh(inputs) if i < layers - 1 else inputs
    return inputs


def pixels_in_numpy(fit, x):
    """What an encoder reads: standardised pixels, or binary ones as they are; the mean where missing."""
    loc, spread = fit.keywords["loc"], fit.keywords.get("spread")
    if fit.keywords.get("likelihood", "bernoulli") == "bernoulli":
        return np.where(np.isnan(x), 1 / (1 + np.exp(-loc)), x)
    return np.nan_to_num((x - loc) / spread)


def encode_in_numpy(fit, x, y=None):
    """Mean and standard deviation of each code."""
    if fit.model.name == "linear_vae":
        standardised = np.nan_to_num((x - fit.keywords["loc"]) / fit.keywords["spread"])
        return mlp(fit.state, "encoder", standardised), np.tile(fit.state["encoder.scale"], (len(x), 1))
    pixels = pixels_in_numpy(fit, x)
    mean, log_sd = np.split(mlp(fit.state, "encoder", pixels if y is None else np.hstack([pixels, np.eye(3)[y]])), 2, 1)
    return mean, np.exp(log_sd)


def decode_in_numpy(kind, fit, z, y=None):
    """The mean of x given each code."""
    if kind == "linear_vae":
        return z @ fit.state["W"].T + fit.state["mu"]
    out = mlp(fit.state, "decoder", z if y is None else np.hstack([z, np.eye(3)[y]]))
    if kind == "gaussian":
        return fit.keywords["loc"] + fit.keywords["spread"] * out
    if kind == "discretised":
        middle, edges = fit.keywords["loc"] + fit.keywords["spread"] * out, np.arange(0.5, 5)
        above = 1 / (1 + np.exp((edges - middle[..., None]) / fit.state["sigma"]))  # P(x > k), k = 0..4
        return above.sum(-1)
    return 1 / (1 + np.exp(-fit.keywords["loc"] - out))


def probabilities(fit, x):
    odds = np.exp(mlp(fit.state, "classifier", pixels_in_numpy(fit, x)))
    return odds / odds.sum(1, keepdims=True)


def classes_of(kind, fit):
    """The class by which each row of the fit is encoded, or None where there are none."""
    if kind != "semi_supervised_vae":
        return None
    label = fit.data["label"]
    return np.where(np.isnan(label), probabilities(fit, fit.data["x"]).argmax(1), np.nan_to_num(label)).astype(int)


# ---- codes


@pytest.mark.parametrize("kind", NAMES)
def test_codes_and_images_equal_those_of_the_networks(kind, backend):
    fit = make_fit(kind, backend)
    y, x = classes_of(kind, fit), fit.data["x"]
    mean, sd = latents.encode(fit)
    np.testing.assert_allclose(mean, encode_in_numpy(fit, x, y)[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(sd, encode_in_numpy(fit, x, y)[1], rtol=1e-9)
    image = latents.reconstruct(fit)
    assert image.shape == (ROWS, 16)  # missing pixels are filled in
    np.testing.assert_allclose(image, decode_in_numpy(kind, fit, mean, y), rtol=1e-7)
    np.testing.assert_allclose(latents.decode(fit, mean, y), image, rtol=1e-12)


@pytest.mark.parametrize("kind", ["vae", "semi_supervised_vae"])
def test_a_fit_saved_by_one_backend_loads_in_the_other(kind, tmp_path):
    """Equal to 1e-5 in 32 bits; also the ELBO, where draws are close to the mean."""
    fit = dataclasses.replace(make_fit(kind, "numpyro"), dtype="float32")
    loaded = inference.load(fit.save(tmp_path / "fit"), backend="pyro")
    assert loaded.model.backend == "pyro"
    assert loaded.dtype == "float32"
    mean, sd = latents.encode(fit)
    np.testing.assert_allclose(latents.encode(loaded).mean, mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(latents.encode(loaded).sd, sd, rtol=1e-5)
    np.testing.assert_allclose(latents.reconstruct(loaded), latents.reconstruct(fit), rtol=1e-5, atol=1e-5)
    E = 3 if kind == "semi_supervised_vae" else 1
    narrow = {"z": (np.stack([mean] * E), np.full((E, *mean.shape), 1e-9))}
    first, second = (AmortisedPosterior(f).elbo_terms(f.data, 2, seed=0, normals=narrow) for f in (fit, loaded))
    np.testing.assert_allclose(first.likelihood, second.likelihood, rtol=1e-5)
    np.testing.assert_allclose(first.kl["z"], second.kl["z"], rtol=1e-5)


def test_load_accepts_a_backend_or_a_model_of_that_backend(tmp_path):
    fit = make_fit("vae", "numpyro")
    folder = fit.save(tmp_path / "fit")
    with pytest.raises(ZooError, match="no backend 'tensorflow'"):
        inference.load(folder, backend="tensorflow")
    with pytest.raises(ZooError, match="is one of numpyro, not of pyro"):
        inference.load(folder, model=fit.model, backend="pyro")


def test_one_image_a_row_number_and_intensities_are_encoded(backend):
    fit = make_fit("vae", backend)
    x, mean = fit.data["x"], latents.encode(fit).mean
    for row in (x[4], x[[4]], {"x": x[4]}, 4, np.int64(4)):
        np.testing.assert_allclose(latents.encode(fit, row).mean, mean[[4]], rtol=1e-9)
    grey = Intensities(np.random.default_rng(1).integers(0, 256, (3, 16)), levels=255)
    np.testing.assert_array_equal(latents.encode(fit, grey).mean, latents.encode(fit, fit.observed_data(grey)).mean)


def test_classes(backend):
    fit = make_fit("semi_supervised_vae", backend)
    x = fit.data["x"]
    estimate = latents.classify(fit)
    np.testing.assert_allclose(estimate, probabilities(fit, x), rtol=1e-9)  # labels are not used
    np.testing.assert_array_equal(latents.classify(fit, x), estimate)
    np.testing.assert_allclose(
        latents.encode(fit, x, y=2).mean, encode_in_numpy(fit, x, np.full(ROWS, 2))[0], rtol=1e-9
    )
    y = np.arange(ROWS) % 3
    np.testing.assert_allclose(latents.encode(fit, y=y).mean, encode_in_numpy(fit, x, y)[0], rtol=1e-9)
    np.testing.assert_array_equal(latents.sample(fit, 4, y=1), latents.sample(fit, 4, y=[1, 1, 1, 1]))
    codes = fit.fitted_model.simulate(0, values={**fit.params, "y": np.ones(4, int)}, N=4)["z"]
    np.testing.assert_allclose(latents.sample(fit, 4, y=1), latents.decode(fit, codes, y=1), rtol=1e-9)
    assert list(latents.traverse(fit, dims=[0], steps=3, y=0)) == [0]


# ---- samples and paths


@pytest.mark.parametrize("kind", NAMES)
def test_samples(kind, backend):
    """Draws differ from their means by noise alone, to five standard errors over all pixels of 400 images."""
    fit = make_fit(kind, backend)
    mean, draws = (latents.sample(fit, 400, seed=5, mean=value) for value in (True, False))
    assert mean.shape == draws.shape == (400, 16)
    np.testing.assert_array_equal(mean, latents.sample(fit, 400, seed=5))
    noise = draws - mean
    assert abs(noise.mean()) < 5 * noise.std() / np.sqrt(noise.size)


@pytest.mark.parametrize("kind", ["vae", "semi_supervised_vae"])
def test_an_interpolation_goes_from_one_reconstruction_to_the_other(kind, backend):
    fit = make_fit(kind, backend)
    path, ends = latents.interpolate(fit, 0, fit.data["x"][5], steps=4), latents.reconstruct(fit)
    if kind == "vae":
        np.testing.assert_allclose(path[[0, -1]], ends[[0, 5]], rtol=1e-9)
    assert path.shape == (4, 16)


@given(arrays(float, (2, 3), elements=st.floats(-1e3, 1e3)), st.integers(2, 7))
def test_spherical_interpolation_has_its_ends_and_stays_between_their_lengths(ends, steps):
    a, b = ends
    path = spherical_interpolation(a, b, steps)
    np.testing.assert_allclose(path[[0, -1]], ends, rtol=1e-6, atol=1e-6)
    lengths, (low, high) = np.linalg.norm(path, axis=1), sorted(np.linalg.norm(ends, axis=1))
    assert (lengths <= high * (1 + 1e-6) + 1e-12).all()
    opposite = a @ b <= -(1 - 1e-9) * np.linalg.norm(a) * np.linalg.norm(b)  # the path is a straight line
    assert opposite or (lengths >= low * (1 - 1e-6) - 1e-12).all()


def test_a_traversal_changes_one_dimension(backend):
    fit = make_fit("vae", backend)
    images_by_dimension = latents.traverse(fit, 2, dims=[1], span=2.0, steps=5)
    codes = np.repeat(latents.encode(fit, 2).mean, 5, axis=0)
    codes[:, 1] = np.linspace(-2, 2, 5)
    np.testing.assert_allclose(images_by_dimension[1], latents.decode(fit, codes), rtol=1e-9)
    from_prior = latents.traverse(fit, steps=3)
    variances = latents.encode(fit).mean.var(0)
    assert list(from_prior) == list(np.argsort(-variances))
    np.testing.assert_allclose(from_prior[0][1], latents.decode(fit, np.zeros((1, 2)))[0], rtol=1e-9)


# ---- figures


def test_pixels_are_in_their_places():
    images = np.arange(2 * 3 * 16, dtype=float).reshape(2, 3, 16)
    images[1, 2, 5] = np.nan
    shades = tile_images(images, (4, 4), (0.0, 95.0))
    zoom = 64 // 4
    assert shades.shape == (2 * 64 + 2, 3 * 64 + 4, 4)
    assert (shades[64:66] == 1).all()
    assert (shades[0, 64:66] == 1).all()  # white between images
    for r, c, d in ((0, 0, 0), (1, 2, 15), (0, 1, 6)):
        row, column = r * 66 + d // 4 * zoom, c * 66 + d % 4 * zoom
        block = shades[row : row + zoom, column : column + zoom, :3]
        assert np.ptp(block) == 0
        assert abs(block[0, 0, 0] - images[r, c, d] / 95) < 1 / 255
    missing = shades[66 + zoom, 2 * 66 + zoom, :3]
    assert np.ptp(missing) > 0.3  # not grey


def test_colours_of_a_pixel_follow_each_other():
    images = np.linspace(0, 1, 2 * 4 * 4 * 3).reshape(1, 2, -1)
    images[0, 1, 4] = np.nan  # one colour of the second pixel
    shades = tile_images(images, (4, 4, 3), (0.0, 1.0))
    assert shades.shape == (64, 2 * 64 + 2, 4)
    first = shades[::16, :64:16, :3]
    np.testing.assert_allclose(first, images[0, 0].reshape(4, 4, 3), atol=1 / 256)
    np.testing.assert_allclose(shades[0, 66 + 16], to_rgba(MISSING_COLOUR))
    with pytest.raises(ZooError, match="grey or have 3 colours; given a size with 2"):
        tile_images(images, (4, 6, 2), (0.0, 1.0))


def test_every_figure_is_drawn(tmp_path):
    vae, semi_supervised = make_fit("vae", "pyro"), make_fit("semi_supervised_vae", "pyro")
    figures = [
        latents.figures.samples(semi_supervised, (2, 3), y=[0, 0, 1, 1, 2, 2]),
        latents.figures.reconstructions(vae, count=5),
        latents.figures.interpolations(semi_supervised, [(0, 1), (2, 3)], steps=3),
        latents.figures.traversals(vae, 0, steps=3),
        latents.figures.codes(vae, labels=list("abbabba")),
        latents.figures.codes(semi_supervised, labels=np.linspace(0, 1, ROWS)),
        latents.figures.training(vae),
    ]
    for i, figure in enumerate(figures):
        figure.savefig(tmp_path / f"{i}.png")
    figure = latents.figures.grid(np.eye(20), columns=3, size=(5, 4))
    height, width = figure.get_size_inches() * figure.dpi
    assert (round(height), round(width)) == (3 * 48 + 4, 7 * 60 + 12)


@pytest.mark.parametrize("Z", [1, 4])
def test_codes_of_any_dimension_are_projected(Z):
    mean = np.random.default_rng(0).normal(size=(9, Z))
    points, axis_labels = project_codes(mean, np.ones_like(mean))
    assert points.shape == (9, 2)
    if Z == 4:  # two directions, orthogonal, most of the variance first
        assert abs(points[:, 0] @ points[:, 1]) < 1e-9
        assert points[:, 0].var() >= points[:, 1].var()
        assert "% of the codes' variance" in axis_labels[0]


# ---- errors


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        ("vae", lambda f: latents.encode(f, np.zeros((3, 9))), "D=16 but x has D=9"),
        ("vae", lambda f: latents.encode(f, np.zeros(9)), "D=16 but x has D=9"),
        ("vae", lambda f: latents.encode(f, np.full((3, 16), 0.5)), "binarise"),
        ("vae", lambda f: latents.encode(f, np.zeros((2, 4, 4))), "give 2 dimensions, not shape"),
        ("vae", lambda f: latents.encode(f, 7), "rows 0 to 6; given 7"),
        ("vae", lambda f: latents.encode(f, "a picture"), "other than numbers"),
        ("vae", lambda f: latents.encode(f, {"y": np.zeros((3, 16))}), "no data for x"),
        ("vae", lambda f: latents.encode(f, y=1), "vae has no classes: leave y out"),
        ("vae", lambda f: latents.classify(f), "semi_supervised_vae has a classifier"),
        ("vae", lambda f: latents.decode(f, np.zeros((4, 3))), r"shape \(4, 2\) here; given \(4, 3\)"),
        ("vae", lambda f: latents.decode(f, [["a", "b"]]), "z holds something other than numbers"),
        ("vae", lambda f: latents.sample(f, 0), "count is a whole number from 1 up; given 0"),
        ("vae", lambda f: latents.interpolate(f, 0, f.data["x"]), "not 7 rows"),
        ("vae", lambda f: latents.interpolate(f, 0, 1, steps=1), "steps is a whole number from 2 up; given 1"),
        ("vae", lambda f: latents.traverse(f, dims=[2]), "dimensions of a code are 0 to 1; given 2"),
        ("vae", lambda f: latents.traverse(f, span=0), "span is a number above 0; given 0"),
        ("vae", lambda f: latents.figures.codes(f, labels=[1, 2]), "2 labels for 7 rows"),
        ("vae", lambda f: latents.figures.samples(f, size=(3, 5)), "size is 3 by 5, 15 pixels, but rows have 16"),
        ("vae", lambda f: latents.figures.interpolations(f, []), "give pairs of them"),
        ("vae", lambda f: latents.figures.grid(np.zeros((2, 15))), "no square images"),
        ("vae", lambda f: latents.figures.grid(np.zeros(16)), r"images \(count, D\)"),
        ("discretised", lambda f: latents.encode(f, np.full((1, 16), 6.0)), "levels=6 but x has a pixel of 6"),
        ("discretised", lambda f: latents.encode(f, np.full((1, 16), 0.5)), "a whole number from 0 up"),
        ("gaussian", lambda f: latents.encode(f, np.full((1, 16), np.inf)), "infinite"),
        ("semi_supervised_vae", lambda f: latents.decode(f, np.zeros((1, 2))), "give y, from 0 to 2"),
        ("semi_supervised_vae", lambda f: latents.encode(f, y=3), "y is a class from 0 to 2; given 3"),
        ("semi_supervised_vae", lambda f: latents.encode(f, y=[0, 1]), "one for each of 7 rows"),
        (
            "semi_supervised_vae",
            lambda f: latents.encode(f, {"x": np.zeros((1, 16)), "label": [5]}),
            "label 5, and its values are 0 to 2",
        ),
    ],
)
def test_bad_arguments_are_refused_in_one_line(kind, call, message):
    with pytest.raises(ZooError, match=message) as error:
        call(make_fit(kind, "numpyro"))
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def mixture(old_faithful):
    return inference.fit(zoo.load("gaussian_mixture", "pyro", K=2), old_faithful, "em", max_iter=2, tol=0)


def test_a_fit_without_an_encoder(mixture):
    for function in (latents.encode, latents.reconstruct, lambda f: latents.interpolate(f, 0, 1)):
        with pytest.raises(ZooError, match="has no encoder"):
            function(mixture)
    with pytest.raises(ZooError, match="mean=False"):
        latents.sample(mixture, 4)
    assert latents.sample(mixture, 4, mean=False).shape == (4, 2)  # which needs no encoder
    with pytest.raises(ZooError, match="no record of epochs in a fit by em"):
        latents.figures.training(mixture)


# ---- the command zoo sample


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return make_fit("vae", "numpyro").save(tmp_path_factory.mktemp("fits") / "vae")


def test_zoo_sample_draws_a_grid(saved, tmp_path):
    images = []
    for i, options in enumerate(([], ["--backend", "pyro"], ["--no-mean"], ["--seed", 1], ["--size", "2x8"])):
        result = run("sample", saved, "--grid", "2x3", "--out", tmp_path / "new" / f"{i}.png", *options)
        assert result.exit_code == 0, result.output
        assert "6 images" in result.stdout
        images.append(imread(tmp_path / "new" / f"{i}.png"))
    assert images[0].shape[:2] == (2 * 64 + 2, 3 * 64 + 4)
    assert not np.array_equal(images[0], images[3])
    assert set(np.unique(images[2][..., 0])) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--grid", "8by8"], "--grid reads two whole numbers from 1 up, as in --grid 8x8; given '8by8'"),
        (["--grid", "0x3"], "given '0x3'"),
        (["--size", "16"], "--size reads two whole numbers"),
        (["--size", "3x5"], "size is 3 by 5, 15 pixels, but rows have 16"),
        (["--out", "samples.jpeg"], "name a file that ends in .png, .pdf, .svg"),
        (["--out", "/dev/null/samples.png"], "cannot be written"),
        (["--backend", "tensorflow"], "no backend 'tensorflow'"),
        (["--y", "1"], "vae has no classes: leave y out"),
    ],
)
def test_zoo_sample_reports_errors_in_one_line(options, message, saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("sample", saved, *options)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line
    assert not list(tmp_path.iterdir())


def test_zoo_sample_draws_from_a_mixture_of_images(tmp_path):
    x = np.random.default_rng(0).integers(0, 2, (30, 16))
    fit = inference.fit(zoo.load("latent_class", "pyro", K=2), x, "em", max_iter=2, tol=0)
    folder = fit.save(tmp_path / "classes")
    command = ("sample", folder, "--grid", "2x2", "--out", tmp_path / "x.svg")
    assert "mean=False (--no-mean) draws rows of any model" in run(*command).stderr
    assert run(*command, "--no-mean").exit_code == 0


def test_zoo_sample_requires_a_fit_of_images(tmp_path, mixture):
    assert "holds no fit" in run("sample", tmp_path / "none").stderr
    result = run("sample", mixture.save(tmp_path / "mixture"), "--out", tmp_path / "x.png")
    assert result.exit_code == 2
    assert "rows of 2 columns are no square images" in result.stderr
    assert "Fit.simulate" in result.stderr


def test_labels_of_image_rows_are_inside_of_the_figure():
    rows = ["image", "z[10] = +0.000428", "two lines,\nof which the second is longer"]
    figure = image_table(np.zeros((3, 2, 64)), rows=rows)
    figure.draw_without_rendering()
    assert min(label.get_window_extent().x0 for label in figure.axes[0].get_yticklabels()) > 0
