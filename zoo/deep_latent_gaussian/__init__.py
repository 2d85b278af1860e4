"""The deep latent Gaussian model: layers of normal codes, each a network's function of the layer above plus noise.

    z_L ~ Normal(0, I)                        [N 4]   the top layer of image n; the numbers of dimensions are examples
    z_l ~ Normal(m_l(z_(l+1)), s_l(z_(l+1)))  [N 32]  the layers below, down to z_1
    x_nd ~ Bernoulli(logit = o_nd)            [N D]   the pixels, where o_n = loc + decoder.x(z_n1)

``widths`` has the numbers of dimensions, from z_1 up: (64, 32, 16, 8, 4), or "64-32-16-8-4". m_l and s_l are read off
one network of ``depth`` layers of leaky rectified units: ``width`` of them next to the pixels, and half as many at each
layer above, but no fewer than the layer has dimensions. Pixels may be "gaussian" or "discretised_logistic" too, as in
``vae``. All weights are learned by maximum likelihood. A missing pixel (NaN) is left out, which is exact where pixels
are missing at random.

The guide "deep_latent_gaussian" has two forms: with ``encoder="ladder"`` it goes up from the image without draws, and
then down, merging the prior of each layer with a message of the image; with "bottom_up" it draws z_1 from the image,
and each layer from the one below, q(z_1 | x) q(z_2 | z_1) ... One layer of codes is ``vae``.
"""

from zoo.cards import Card
from zoo.checks import check_whole, is_whole
from zoo.errors import ZooError
from zoo.vae import priors

WIDTHS = (64, 32, 16, 8, 4)  # of the programs
LEAST_SCALE = 1e-2  # of a latent, in units of the prior at the start


def read_widths(widths):
    """The numbers of dimensions of the layers, from z_1 up.

    Raises ZooError for fewer than two layers, and for what are no whole numbers.

    >>> read_widths("32-16"), read_widths((8, 4))
    ((32, 16), (8, 4))
    """
    parts = widths.split("-") if isinstance(widths, str) else widths
    try:
        sizes = tuple(int(p) if isinstance(p, str) else p for p in parts)
    except (TypeError, ValueError):
        sizes = ()
    if not sizes or not all(is_whole(size) and size >= 1 for size in sizes):
        raise ZooError(f"widths are the dimensions of the layers, from z1 up, as in '64-32-16'; given {widths!r}")
    if len(sizes) == 1:
        raise ZooError(f"widths={widths!r} is one layer: give two or more, as in '64-32', or take vae")
    return sizes


def hidden_widths(widths, width, depth):
    """The widths of the hidden layers of each network, (depth,) for each layer of codes from z_1 up.

    >>> hidden_widths((64, 32, 16), 128, 2)
    [(128, 128), (64, 64), (32, 32)]
    """
    return [(max(width >> i, size),) * depth for i, size in enumerate(widths)]


def groups(settings):
    """The lines of the layers, the top first.

    >>> groups({"widths": "8-2"})
    {'z2': 'real [N 2]', 'z1': 'real [N 8]'}
    """
    widths = read_widths(settings.get("widths", WIDTHS))
    return {f"z{i}": f"real [N {widths[i - 1]}]" for i in range(len(widths), 0, -1)}


def check(keywords):
    """Raise ZooError for sizes that the networks cannot have."""
    read_widths(keywords["widths"])
    check_whole(1, width=keywords["width"])
    check_whole(0, depth=keywords["depth"])


CARD = Card(
    name="deep_latent_gaussian",
    title="Deep latent Gaussian model",
    citation="Rezende, D. J., Mohamed, S. and Wierstra, D. (2014). Stochastic backpropagation and approximate "
    "inference in deep generative models. International Conference on Machine Learning. Sonderby, C. K., Raiko, T., "
    "Maaloe, L., Sonderby, S. K. and Winther, O. (2016). Ladder variational autoencoders. Advances in Neural "
    "Information Processing Systems 29.",
    latents={},
    groups=groups,
    observed={"x": "binary [N D]"},
    sizes={"N": 12, "D": 16},
    variants={
        "likelihood": {
            "bernoulli": {},
            "gaussian": {"x": "real [N D]", "sigma": "positive"},
            "discretised_logistic": {"x": "count [N D]", "sigma": "positive"},
        },
        "encoder": {"ladder": {}, "bottom_up": {}},
    },
    priors=priors,
    empirical=("loc", "spread", "levels"),
    check=check,
    networks=("decoder",),
    levels="levels",
    missing=("x",),
    exchangeable=(),
    tags=("deep", "hierarchical", "continuous", "images", "missing data"),
    shown_on="digits_dynamic",
)
