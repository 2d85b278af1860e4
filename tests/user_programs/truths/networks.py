"""Reference value of the network whose weights have priors: the joint log density at one point."""

from __future__ import annotations

import numpy as np
from scipy import stats

from tests.user_programs import data
from tests.user_programs.truths.reference import LogDensity, log_density


def bayesian_network() -> LogDensity:
    """Kernels are (inputs, outputs), as in NumPyro; Pyro has their transposes."""
    (X,), observed = arguments = data.bayesian_network()
    rng = np.random.default_rng(7)
    shapes = {"hidden.bias": 4, "hidden.kernel": (2, 4), "out.bias": 1, "out.kernel": (4, 1)}
    weights = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    hidden = np.tanh(X @ weights["hidden.kernel"] + weights["hidden.bias"])
    mean = (hidden @ weights["out.kernel"] + weights["out.bias"])[:, 0]
    value = sum(stats.norm.logpdf(w).sum() for w in weights.values()) + stats.gamma.logpdf(2.5, 3)
    value += stats.norm.logpdf(observed["y"], mean, 2.5**-0.5).sum()
    return log_density(arguments, {"precision": 2.5, **{f"net/{name}": w for name, w in weights.items()}}, value)
