"""The last parameters of EM: whether the likelihood has a maximum there, Heywood cases, the position of the axes."""

from __future__ import annotations

import numpy as np

from inference.engines.em.closed_form import LinearGaussianForm
from inference.engines.em.options import PreparedOptions
from zoo import ZooError
from zoo.errors import ColumnError
from zoo.linear import Linear
from zoo.types import Keywords

ZERO_NOISE = 1e-7  # of a column's variance: the floor of the noise, to which Heywood cases fall
LEAST_NOISE = 1e-12  # the floor where more noise falls to the other than may: squares have 16 digits
HEYWOOD = 0.005  # of a column's variance: below it a uniqueness is improper (Heywood 1931; Jöreskog 1967)


def noise_floor(options: PreparedOptions) -> float:
    """The floor under the noise, where columns have variance one; the prior of MAP needs none."""
    if options.covariance_floor is not None:
        return options.covariance_floor
    return 1e-300 if options.is_map else ZERO_NOISE


def check_noise(linear: Linear, floor: float) -> None:
    """Raise ZooError where more columns are at the floor than factors can explain: the likelihood has no maximum."""
    K, D, Z = linear.W.shape
    for k in range(K):
        noiseless = np.flatnonzero(linear.Psi[k] <= floor * 1.01)
        if not noiseless.size:
            continue
        within = f" in component {k}" if K > 1 else ""
        if len(noiseless) == D:
            raise ZooError(
                f"the rows{within} lie in a plane of Z={Z} dimensions, so the noise fell to zero and the likelihood "
                "has no maximum: lower Z or K, use objective='map', or give a covariance_floor"
            )
        W = linear.W[k][noiseless]
        explained = np.linalg.eigvalsh(W @ W.T) if Z else np.zeros(1)
        if len(noiseless) > Z or explained[0] < 10 * floor:
            reason = "columns {} determine each other" if len(noiseless) > 1 else "column {} is constant"
            raise ColumnError(
                f"{reason}{within}, so the noise fell to zero and the likelihood has no maximum: drop one, lower Z or "
                "K, use objective='map', or give a covariance_floor",
                noiseless,
            )


def heywood_cases(linear: Linear) -> list[int] | list[list[int]]:
    """The columns ([component, column] where there are several components) whose noise is near zero."""
    improper = np.argwhere(linear.Psi < HEYWOOD).tolist()
    return improper if len(linear.pi) > 1 else [d for _, d in improper]


def num_parameters(form: LinearGaussianForm, keywords: Keywords) -> int:
    """How many numbers the likelihood determines: of each W the D Z less the Z (Z - 1) / 2 of a rotation.

    No covariance has more than D (D + 1) / 2, however many factors and uniquenesses it is written with.
    """
    K, D, Z = int(keywords.get("K", 1)), int(keywords["D"]), int(keywords["Z"])
    W = D * Z - Z * (Z - 1) // 2
    covariances = {"own": K * min(W + D, D * (D + 1) // 2), "shared": K * W + D, "isotropic": K * W + 1}
    return K - 1 + K * D + covariances[form.noise_type(keywords)]


def canonical_axes(linear: Linear) -> Linear:
    """The same likelihood with W' Psi^-1 W diagonal and decreasing, and the sum of each column of W positive."""
    loadings = []
    for W, Psi in zip(linear.W, linear.Psi, strict=True):
        _, _, axes = np.linalg.svd(W / np.sqrt(Psi)[:, None], full_matrices=False)
        rotated = W @ axes.T
        loadings.append(rotated * np.where(rotated.sum(0) < 0, -1.0, 1.0))
    return linear._replace(W=np.array(loadings))
