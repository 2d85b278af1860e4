"""Closed-form EM for the Gaussian mixture: quadratic features of standardised rows.

The features are 1, y and the products y_i y_j of y = (x - centre) / scale, so that neither a large offset nor
columns of different units cost digits. Maximum likelihood under a floor: the eigenvalues of each covariance are
clipped from below, which is the constrained maximum, so the likelihood cannot fall. MAP: the mean given the old
precision, then the precision given the new mean (ECM, Meng and Rubin 1993), each the mode of its conjugate posterior.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference.engines.em.options import PreparedOptions
from zoo import ZooError
from zoo.types import Keywords

KIND = "exponential_family"
DEGENERATE_VARIANCE = 1e-9  # of the variance of the columns: a narrower component is a point or a plane, not a cluster


def covariance_floor(options: PreparedOptions) -> float:
    """The floor under the eigenvalues, where columns have variance one; the prior of MAP needs none."""
    if options.covariance_floor is not None:
        return options.covariance_floor
    return 0.0 if options.is_map else DEGENERATE_VARIANCE


def check(params: Mapping[str, np.ndarray], keywords: Keywords, options: PreparedOptions) -> None:
    """Raise ZooError naming the component whose covariance fell to the floor, where the user sets none."""
    if options.covariance_floor is not None or options.is_map:
        return
    scale = np.asarray(keywords["spread"]) * keywords["K"] ** (1 / keywords["D"])  # the columns' standard deviations
    precision = params["Lambda"]
    match keywords["covariance"]:
        case "full" | "tied":
            narrowest = 1 / np.linalg.eigvalsh(precision * np.multiply.outer(scale, scale)).max(-1)
        case "diag":
            narrowest = 1 / (precision * scale**2).max(-1)
        case _:
            narrowest = 1 / (precision * (scale**2).mean())
    narrowest = np.atleast_1d(narrowest)
    k = int(narrowest.argmin())
    if narrowest[k] <= DEGENERATE_VARIANCE * 1.01:
        name = f"component {k}" if len(narrowest) > 1 else "the covariance"
        raise ZooError(
            f"{name} collapsed: its width fell to the floor, so the likelihood has no maximum there; "
            "use objective='map', fewer K, another seed, or give a covariance_floor"
        )
