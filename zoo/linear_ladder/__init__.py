"""The linear ladder: L layers of Z normal numbers, each a linear function of the layer above plus noise.

    z_L ~ Normal(0, I)                          [N Z]  the top layer of row n
    z_l ~ Normal(V_l z_(l+1), diag(s_l^2))      [N Z]  the layers below, down to z_1
    x_n ~ Normal(W z_1 + mu, diag(Psi))         [N D]  the row

W [D Z], mu [D], Psi [D], and the matrices V_l and scales s_l of the layers, are learned by maximum likelihood. A row is
normal with the covariance W S_1 W' + diag(Psi), S_l = V_l S_(l+1) V_l' + diag(s_l^2) and S_L = I: at its highest, the
likelihood is that of factor analysis, for any L. So the evidence of a deep hierarchy is known exactly, and that of a
guide can be compared with it; the posterior is a Kalman smoother's, with layers in place of times.

L is 2 or more; with one layer the model is ``factor_analysis``. The guide "linear_ladder" can express the posterior in
two ways: ``encoder="ladder"`` goes down from the top and merges each prior with a message from the row,
"bottom_up" goes up from the row. A missing value (NaN) is left out, which is exact where values are missing at random.
"""

from zoo.cards import Card
from zoo.checks import check_whole
from zoo.data.moments import location_and_spread
from zoo.errors import ZooError

DEFAULTS = {"L": 3, "Z": 2}  # of the programs


def groups(settings):
    """The lines of the layers, the top first.

    >>> groups({"L": 2, "Z": 4})
    {'z2': 'real [N Z]', 'z1': 'real [N Z]'}
    """
    L = settings.get("L", DEFAULTS["L"])
    check_whole(1, L=L)
    return {f"z{layer}": "real [N Z]" for layer in range(L, 0, -1)}


def priors(data, settings):
    """Keywords: loc and spread [D], mean and standard deviation of each column, where mu, W and Psi begin.

    Raises ZooError for columns that are constant or entirely missing, one row, or as many latent dimensions as columns.
    """
    loc, spread = location_and_spread(data["x"], settings.get("Z", DEFAULTS["Z"]))
    return {"loc": loc, "spread": spread}


def check(keywords):
    """Raise ZooError for sizes that are no hierarchy."""
    check_whole(1, L=keywords["L"], Z=keywords["Z"])
    if keywords["L"] == 1:
        raise ZooError("a ladder has two layers or more: L=2, or factor_analysis, which has one")


CARD = Card(
    name="linear_ladder",
    title="Linear ladder",
    citation="Sonderby, C. K., Raiko, T., Maaloe, L., Sonderby, S. K. and Winther, O. (2016). Ladder variational "
    "autoencoders. Advances in Neural Information Processing Systems 29. Rauch, H. E., Tung, F. and Striebel, C. T. "
    "(1965). Maximum likelihood estimates of linear dynamic systems. AIAA Journal 3, 1445-1450.",
    latents={},
    groups=groups,
    observed={"x": "real [N D]"},
    learned={"W": "real [D Z]", "mu": "real [D]", "Psi": "positive [D]"},
    sizes={"N": 50, "D": 5, "Z": 2, "L": 3},
    variants={"encoder": {"ladder": {}, "bottom_up": {}}},
    priors=priors,
    empirical=("loc", "spread"),
    check=check,
    networks=("ladder",),
    missing=("x",),
    exchangeable=(),
    exact=("marginal",),
    tags=("factors", "hierarchical", "continuous", "missing data"),
    shown_on="iris",
)
