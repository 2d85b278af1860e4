import numpy as np

from zoo.gaussian_mixture.plot import plot as plot_mixture
from zoo.mixture_of_factor_analysers import psi_by_group


def plot(axes, params, data, responsibilities, settings=None, columns=None):
    """The groups as ellipses in the three columns that separate them best."""
    W, mu, pi, x = params["W"], params["mu"], params["pi"], data["x"]
    Psi = psi_by_group(W, params["Psi"])
    covariance = W @ np.swapaxes(W, 1, 2) + Psi[:, :, None] * np.eye(mu.shape[1])
    mean = pi @ mu
    between = pi @ np.square(mu - mean)
    within = pi @ np.diagonal(covariance, axis1=1, axis2=2)
    selection = np.sort(np.argsort(-between / within)[:3])
    marginal = covariance[:, selection[:, None], selection]
    parameters = {"pi": pi, "mu": mu[:, selection], "Lambda": np.linalg.inv(marginal)}
    names = [columns[d] if columns else f"x[{d}]" for d in selection]
    plot_mixture(axes, parameters, {"x": x[:, selection]}, {"z": responsibilities["c"]}, {"covariance": "full"}, names)
