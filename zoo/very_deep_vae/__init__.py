"""The very deep VAE: L groups of latents, on grids from coarse to fine, and a residual network that reads each in turn.

    z_L ~ Normal(m_L, s_L)                             [N 4]   the top group; the number of dimensions is an example
    z_l ~ Normal(m_l(h_l), s_l(h_l))                   [N 64]  the others in order, to z_1, next to the image
    x_nd ~ Bernoulli(logit = o_nd)                     [N D]   the pixels, where o_n = loc + readout(h_0)

h is a grid of ``width`` channels. At each group it gains a step from the prior's network, a linear map of z_l and a
block of convolutions: h_(l-1) = h_l + step_l(h_l) + map_l z_l, and then + block_l of the sum. m_l, s_l and step_l are
one network's. ``layout="1x2,2x2,4x4"`` is side x groups, the top first: 2 groups on a grid of side 1, then 2 of side 2
and 4 of side 4, between which h is repeated; a group has ``channels`` dimensions at each position of its grid. The last
side divides that of the image, and each position of it is read out to a square of pixels.

With ``likelihood="gaussian"`` x_nd ~ Normal(loc_d + spread readout(h_0)_d, sigma), sigma learned or fixed. With
"discretised_logistic" a pixel is a mixture of ``mixtures`` discretised logistics on 0 to levels - 1, whose weights,
locations and scales are read out; the colours of a pixel are independent given the component. Images are square:
grey, or of ``shape=(height, width, colours)``, in the order of an array of that shape. A missing value (NaN) is left
out, which is exact where values are missing at random.

With ``bfloat16=True`` the blocks of program and guide compute in 16 bits, as GPUs do fast; latents, their densities
and the likelihood stay in the precision of the fit.

The guide "very_deep_vae" draws each group from a posterior that reads the program's own h_l. ``residual`` and ``depth``
are the guide's alone: ``guides.about("very_deep_vae")`` describes them.
"""

from zoo.cards import Card
from zoo.checks import check_whole
from zoo.errors import ZooError
from zoo.vae import check_sigma, pixel_priors
from zoo.very_deep_vae.layout import Layout, group_sizes, read_stages

DEFAULTS = {"layout": "1x2,2x2,4x4", "channels": 4}  # of the programs
MIN_PIXEL_SCALE = 1e-3  # of a discretised logistic, in units of spread


def groups(settings):
    """The lines of the latents, the top first.

    >>> groups({"layout": "1x1,2x1", "channels": 3})
    {'z2': 'real [N 3]', 'z1': 'real [N 12]'}
    """
    layout, channels = (settings.get(name, default) for name, default in DEFAULTS.items())
    check_whole(1, channels=channels)
    return {name: f"real [N {size}]" for name, size in group_sizes(read_stages(layout), channels).items()}


def num_outputs(likelihood, colours, mixtures):
    """The numbers that a pixel is read out to."""
    return mixtures * (1 + 2 * colours) if likelihood == "discretised_logistic" else colours


def check(keywords):
    """Raise ZooError for a layout and sizes that the networks cannot have."""
    sizes = ("width", "bottleneck", "channels", "mixtures", "depth")
    check_whole(1, **{name: keywords[name] for name in sizes})
    Layout.read(keywords["layout"], keywords["D"], keywords["shape"])
    for name in ("residual", "bfloat16"):
        if not isinstance(keywords[name], bool):
            raise ZooError(f"{name} is True or False; given {keywords[name]!r}")
    check_sigma(keywords["sigma"])


CARD = Card(
    name="very_deep_vae",
    title="Very deep variational autoencoder",
    citation="Child, R. (2021). Very deep VAEs generalize autoregressive models and can outperform them on images. "
    "International Conference on Learning Representations. Vahdat, A. and Kautz, J. (2020). NVAE: a deep hierarchical "
    "variational autoencoder. Advances in Neural Information Processing Systems 33. Salimans, T., Karpathy, A., Chen, "
    "X. and Kingma, D. P. (2017). PixelCNN++: improving the PixelCNN with discretized logistic mixture likelihood and "
    "other modifications. International Conference on Learning Representations.",
    latents={},
    groups=groups,
    observed={"x": "binary [N D]"},
    sizes={"N": 6, "D": 16},
    variants={
        "likelihood": {
            "bernoulli": {},
            "gaussian": {"x": "real [N D]", "sigma": "positive"},
            "discretised_logistic": {"x": "count [N D]"},
        },
    },
    priors=pixel_priors,
    empirical=("loc", "spread", "levels"),
    check=check,
    networks=("decoder",),
    levels="levels",
    missing=("x",),
    tags=("deep", "hierarchical", "continuous", "images", "missing data"),
    shown_on="digits_dynamic",
)
