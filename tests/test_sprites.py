"""Sprites: images are distinct and anti-aliased, and their moments give the factors back."""

import numpy as np
import pytest

import zoo
from zoo import ZooError, datasets
from zoo.data.datasets.sprites import RADIUS, SHAPES, Sprites, draw_shape

ROTATED = {"side": 64, "scale": 1, "rotation": 8, "x": 3, "y": 2}
SYMMETRY = {"square": 4, "ellipse": 2, "heart": 3}  # the order of the first moment that has the angle of the shape


def images_and_factors(**settings):
    """Images (N, side, side) from 0 to 1, and the real values of all factors by name."""
    side = settings.get("side", 32)
    images = np.asarray(datasets.observed("sprites", **settings)).reshape(-1, side, side)
    factors = datasets.factors("sprites", **settings)
    return images, dict(zip(factors.names, factors.values.T, strict=True)), factors


def centres(images):
    """The centre of mass of each image, x and y in pixels."""
    at = np.arange(images.shape[1]) + 0.5
    mass = images.sum((1, 2))
    return images.sum(1) @ at / mass, images.sum(2) @ at / mass


@pytest.fixture(scope="module")
def default():
    return images_and_factors()


def test_the_default_has_the_grid_of_its_factors(default):
    images, _, factors = default
    assert factors.names == ("shape", "scale", "x", "y")
    assert factors.sizes == (3, 4, 16, 16)
    assert images.shape == (3072, 32, 32)
    np.testing.assert_array_equal(factors.index, np.stack(np.unravel_index(np.arange(3072), factors.sizes), 1))
    for name, size, column, index in zip(factors.names, factors.sizes, factors.values.T, factors.index.T, strict=True):
        steps = np.diff([column[index == i][0] for i in range(size)])
        assert (steps > 0).all(), name
        np.testing.assert_allclose(steps, steps[0])


@pytest.mark.parametrize("settings", [{}, {"scale": 3, "rotation": 6, "x": 7, "y": 5}, ROTATED], ids=str)
def test_all_images_are_distinct_and_the_same_at_every_call(settings):
    grey = datasets.load("sprites", **settings)
    assert grey.dtype == np.uint8
    assert len(np.unique(grey, axis=0)) == len(grey)
    np.testing.assert_array_equal(grey, Sprites(**settings).grey())


def test_the_area_is_that_of_the_scale(default):
    images, values, _ = default
    # half a level in each pixel of the edge, of which there are 40 at most, and the cells that the outline crosses
    expected = (8 * values["scale"]) ** 2
    np.testing.assert_array_less(np.abs(images.sum((1, 2)) - expected), 40 * 0.5 / 255 + 1e-3 * expected)


def test_the_centre_of_mass_is_the_position(default):
    images, values, factors = default
    # Along a line of pixels each crossing of the outline moves the moment by 1/8 pixel at most: a pixel of which the
    # part p is covered counts as p in its middle. A line crosses a heart four times at most.
    width = 8 * values["scale"]
    crossings = np.where(values["shape"] == SHAPES.index("heart"), 4, 2)
    bound = 2 * RADIUS * width * crossings / 8 / width**2 + 0.01  # grey levels
    for name, centre in zip(("x", "y"), centres(images), strict=True):
        np.testing.assert_array_less(np.abs(centre - values[name]), bound)
        positions = np.unique(values[name])
        nearest = np.abs(centre[:, None] - positions).argmin(1)
        np.testing.assert_array_equal(nearest, factors.index[:, factors.names.index(name)])


def test_moments_give_the_rotation():
    images, values, factors = images_and_factors(**ROTATED)
    x, y = centres(images)
    at = np.arange(64) + 0.5
    points = (at[None, None, :] - x[:, None, None]) - 1j * (at[None, :, None] - y[:, None, None])  # upwards
    step = np.pi / 2 / 8
    for shape, name in enumerate(SHAPES):
        rows, order = values["shape"] == shape, SYMMETRY[name]
        moment = (images[rows] * points[rows] ** order).sum((1, 2))
        turned_by = values["rotation"][rows]
        reference = moment[turned_by == 0].mean()
        angle = np.angle(moment / reference * np.exp(-1j * order * turned_by)) / order  # less the true angle
        assert np.abs(angle).max() < step / 4, name
    assert set(factors.index[:, factors.names.index("rotation")]) == set(range(8))


def test_an_upright_square_covers_each_pixel_by_the_product_of_two_lengths():
    images, values, _ = images_and_factors(shape=1, scale=3, x=5, y=4)
    edge, pixels = 4 * values["scale"][:, None], np.arange(32)

    def covered(centre):
        return np.clip(np.minimum(centre + edge, pixels + 1) - np.maximum(centre - edge, pixels), 0, None)

    expected = covered(values["y"][:, None])[:, :, None] * covered(values["x"][:, None])[:, None, :]
    assert np.abs(images - expected).max() <= 0.5 / 255 + 1e-9
    between = (images > 0) & (images < 1)
    assert between.any((1, 2)).all()


def test_edges_are_anti_aliased_and_the_inside_and_the_outside_are_not(default):
    images, values, _ = default
    between = ((images > 0) & (images < 1)).sum((1, 2))
    # an outline of length L crosses no more than 2 L + 4 pixels
    perimeter = 2 * np.pi * RADIUS * 8 * values["scale"]
    assert (between > 0).all()
    assert (between < 2 * perimeter + 4).all()
    assert (images.max((1, 2)) == 1).all()
    assert (images.min((1, 2)) == 0).all()


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_have_area_one_inside_their_grid(name):
    mask = draw_shape(name, 0.3)
    cell = 2 * RADIUS / len(mask)
    assert mask.sum() * cell**2 == pytest.approx(1, abs=1e-3)
    assert not np.concatenate([mask[[0, -1]].ravel(), mask[:, [0, -1]].ravel()]).any()


def test_the_tip_of_the_heart_is_below_and_turns_anticlockwise():
    def width(line):
        return line.sum()

    upright, quarter = draw_shape("heart", 0.0), draw_shape("heart", np.pi / 2)
    lines = np.flatnonzero(upright.any(1))
    assert width(upright[lines[-1]]) < width(upright[lines[0]])  # two arcs above, one point below
    np.testing.assert_array_equal(upright, upright[:, ::-1])
    np.testing.assert_array_equal(quarter, np.rot90(upright))  # np.rot90 turns anticlockwise


def test_a_factor_with_one_value_is_constant():
    images, values, factors = images_and_factors(shape=1, scale=1, x=1, y=3)
    assert factors.names == ("y",)
    np.testing.assert_allclose(centres(images)[0], 16)
    np.testing.assert_allclose(images.sum((1, 2)), 64, atol=0.1)
    assert values["y"].tolist() == pytest.approx([7.04, 16, 24.96])


def test_a_model_of_binary_pixels_takes_sprites():
    table, keywords = zoo.load("vae", Z=2).bind(datasets.observed("sprites", x=2, y=2), seed=None)
    assert keywords["D"] == 1024
    assert len(table["x"]) == 48


def test_labels_are_a_factor():
    digit = datasets.factors("digits_dynamic", "test")
    assert (digit.names, digit.sizes) == (("label",), (10,))
    np.testing.assert_array_equal(digit.index[:, 0], datasets.labels("digits_dynamic", "test"))
    np.testing.assert_array_equal(digit.values, digit.index)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: datasets.observed("sprites", side=28), "side is 32 or 64"),
        (lambda: datasets.observed("sprites", shape=4), "1 to 3 (square, ellipse, heart); given 4"),
        (lambda: datasets.observed("sprites", x=0), "x is a whole number from 1 up; given 0"),
        (lambda: datasets.observed("sprites", rotation=True), "rotation is a whole number from 1 up; given True"),
        (lambda: datasets.factors("sprites", shape=1, scale=1, x=1, y=1), "a factor with two values or more"),
        (lambda: datasets.observed("sprites", side=64, rotation=40, x=64, y=64), "take more than 4 GiB: give fewer"),
        (lambda: datasets.observed("sprites", scales=2), "no setting of sprites 'scales'; did you mean 'scale'?"),
        (lambda: datasets.factors("sprites", "train"), "sprites comes whole"),
        (lambda: datasets.observed("sprites", "test"), "sprites comes whole"),
        (lambda: datasets.observed("iris", side=32), "iris has no settings: leave side out"),
        (lambda: datasets.factors("faithful"), "faithful has no factors; these have: adult, breast_cancer"),
        (lambda: datasets.labels("sprites"), "sprites has no labels"),
    ],
)
def test_bad_input_raises_one_line(call, words):
    with pytest.raises(ZooError) as error:
        call()
    assert words in str(error.value)
    assert "\n" not in str(error.value)
