"""The attribute VAE: some coordinates of the code of an image carry attributes that are known of a few images.

    z_n          ~ Normal(0, I), its first A coordinates from mixtures  [N Z]  the code of image n
    attribute_nj ~ Categorical(p(class | z_nj))                         [N A]  attribute j, by its own coordinate alone
    x_nd         ~ Bernoulli(logit = o_nd)                              [N D]  pixels, where o_n = loc + decoder(z_n)

The joint density of attribute j and its coordinate, counted from 0, is p(class) p(z_nj | class): classes have the
``frequencies`` (A, C) of the known labels, and given the class z_nj is normal. Means of neighbouring classes are
``separation`` standard deviations apart, in the order of the classes, and z_nj has mean 0 and variance 1 over all
classes; so p(class | z_nj) is Bayes' rule, and nothing of it is learned. An attribute that is not known is NaN, and
is summed over. A class that has no label has no part.

With ``likelihood="gaussian"`` x_nd ~ Normal(o_nd, sigma), where o_n = loc + spread decoder(z_n), in the units of x.
With ``likelihood="mixed"`` x_n is a row of a table of numbers and categories, as ``zoo.columns`` reads one: given z_n
its columns are independent, a number normal and a category with a softmax, whose parameters are base + decoder(z_n)
(``zoo._distributions.mixed_columns``). The setting ``columns`` is the number of levels of each column, 0 for a number;
unless given, all are numbers.

The decoder is an MLP with ``depth`` layers of ``width`` tanh units. Its weights and sigma are learned by maximum
likelihood. A missing value (NaN) of x is left out.

The guide "attribute_vae" is the encoder, which reads x and no label: in training, each label has the weight ``alpha``
in its bound. With ``network="pooled"``, for images whose attributes do not depend on position, it reads the coordinates
of attributes from features without position, for which a few labels suffice. The objective ``"factor"`` keeps the other
coordinates free of the attributes.
"""

import numpy as np

from zoo._networks import check_network
from zoo.cards import Card
from zoo.data.column_kinds import column_levels, column_statistics
from zoo.errors import ZooError
from zoo.vae import check_sigma, pixel_priors

ALPHA = 1.0  # of all labels together, in units of the rows


def priors(data, settings):
    """Keywords: loc and spread, as of ``vae`` or of ``column_priors``, and frequencies and alpha.

    frequencies [A C] are the shares of the classes among the labels of each attribute; alpha [A] the weight of
    log p(attribute | z) of a row in training, N / (rows with a label).

    Raises ZooError for labels that no attribute can have, and for sizes that the networks cannot have.
    """
    check_network(settings, data["x"].shape[1])
    check_sigma(settings.get("sigma"))
    counts = class_counts(data["attribute"], settings["C"])
    labels = counts.sum(1, keepdims=True)
    alpha = ALPHA * len(data["attribute"]) / labels[:, 0]
    of_values = column_priors if settings["likelihood"] == "mixed" else pixel_priors
    return {"frequencies": counts / labels, "alpha": alpha, **of_values(data, settings)}


def column_priors(data, settings):
    """Keywords: loc and spread [D] of the numbers of a table, and base, the outputs of a decoder at their start.

    Raises ZooError for columns that are not those of x, codes beyond the levels, and what no column can learn from.
    """
    D = data["x"].shape[1]
    loc, spread, base = column_statistics(data["x"], column_levels(settings.get("columns"), D))
    return {"loc": loc, "spread": spread, "base": base}


def class_counts(attribute, C):
    """The number of labels of each class of each attribute, (A, C); raises ZooError for labels it cannot have."""
    has_label = ~np.isnan(attribute)
    counts = np.zeros((attribute.shape[1], C))
    for j, (column, known) in enumerate(zip(attribute.T, has_label.T, strict=True)):
        classes, numbers = np.unique(column[known], return_counts=True)
        name = f"column {j} of attribute"
        if not len(classes):
            raise ZooError(f"{name} has no label: give some, from 0 to {C - 1}, or leave the column out")
        if classes[-1] >= C:
            raise ZooError(
                f"C={C} classes, labelled 0 to {C - 1}: label {classes[-1]:g} of {name} is none; set C, or recode"
            )
        if len(classes) == 1:
            raise ZooError(f"{name} has one class, {classes[0]:g}: give labels of two classes, or leave the column out")
        counts[j, classes.astype(int)] = numbers
    return counts


def check(keywords):
    """Raise ZooError unless each attribute has a coordinate and one is left, and for a separation that is none."""
    A, Z, separation = keywords["A"], keywords["Z"], keywords["separation"]
    if Z <= A:
        raise ZooError(f"A={A} attributes and Z={Z} coordinates: each has its own, and rows one more; take Z={A + 1}")
    if not (np.ndim(separation) == 0 and 0 < separation < np.inf):
        raise ZooError(f"separation is a number of standard deviations above 0; given {separation!r}")


CARD = Card(
    name="attribute_vae",
    title="Attribute variational autoencoder",
    citation="Creager, E., Madras, D., Jacobsen, J.-H., Weis, M. A., Swersky, K., Pitassi, T. and Zemel, R. (2019). "
    "Flexibly fair representation learning by disentanglement. International Conference on Machine Learning.",
    latents={"z": "real [N Z]"},
    observed={"x": "binary [N D]", "attribute": "category [N A]"},
    sizes={"N": 12, "D": 16, "Z": 3, "A": 1, "C": 3},
    variants={
        "likelihood": {
            "bernoulli": {},
            "gaussian": {"x": "real [N D]", "sigma": "positive"},
            "mixed": {"x": "real [N D]"},
        },
        "network": {"mlp": {}, "pooled": {}},
    },
    priors=priors,
    check=check,
    empirical=("loc", "spread", "base", "frequencies", "alpha"),
    networks=("decoder",),
    classes="C",
    columns="columns",
    missing=("x", "attribute"),
    tags=("deep", "continuous", "images", "disentanglement", "fairness", "missing data"),
    shown_on="sprites_labelled",
)
