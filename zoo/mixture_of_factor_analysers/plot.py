import numpy as np

from zoo.gaussian_mixture.plot import plot as of_mixture
from zoo.mixture_of_factor_analysers import of_each


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The groups as ellipses in the columns that tell them apart best."""
    W, mu, pi, x = params["W"], params["mu"], params["pi"], data["x"]
    Psi = of_each(W, params["Psi"])
    covariance = W @ np.swapaxes(W, 1, 2) + Psi[:, :, None] * np.eye(mu.shape[1])
    mean = pi @ mu
    between = pi @ np.square(mu - mean)
    within = pi @ np.diagonal(covariance, axis1=1, axis2=2)
    chosen = np.sort(np.argsort(-between / within)[:3])
    part = covariance[:, chosen[:, None], chosen]
    shown = {"pi": pi, "mu": mu[:, chosen], "Lambda": np.linalg.inv(part)}
    names = [columns[d] if columns else f"x[{d}]" for d in chosen]
    of_mixture(axes, shown, {"x": x[:, chosen]}, {"z": responsibilities["c"]}, {"covariance": "full"}, names)
