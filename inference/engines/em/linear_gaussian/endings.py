"""What to make of where EM ended: a likelihood without a maximum is an error, a Heywood case is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.engines import FitRequest
from inference.engines.em import closed_form
from zoo import ZooError
from zoo.linear import Linear

if TYPE_CHECKING:
    from inference.engines.em.linear_gaussian.climber import Climber

LEAST = 1e-7  # of a column's variance: the noise at which a column counts as without any
HEYWOOD = 0.005  # of a column's variance: below it a uniqueness is improper (Heywood 1931; Jöreskog 1967)


def floor(options: dict[str, Any]) -> float:
    """The floor under the noise, where columns have variance one; the prior of MAP needs none."""
    given = options["covariance_floor"]
    return given if given is not None else LEAST if options["objective"] == "ml" else 1e-300


def check(em: Climber, linear: Linear) -> None:
    """Raise ZooError where the likelihood has no maximum: more columns are without noise than factors can explain."""
    if em.is_map or em.options["covariance_floor"] is not None:
        return
    for k in range(em.K):
        bare = np.flatnonzero(linear.Psi[k] <= LEAST * 1.01)
        if not bare.size:
            continue
        within = f" in component {k}" if em.K > 1 else ""
        if len(bare) == linear.Psi.shape[1]:
            raise ZooError(
                f"the rows{within} lie in a plane of Z={em.Z} dimensions, so the noise fell to zero and the likelihood "
                "has no maximum: lower Z or K, use objective='map', or give a covariance_floor"
            )
        W = linear.W[k][bare]
        explained = np.linalg.eigvalsh(W @ W.T) if em.Z else np.zeros(1)
        if len(bare) > em.Z or explained[0] < 10 * LEAST:
            names = ", ".join(map(str, bare))
            told = f"columns {names} determine each other" if len(bare) > 1 else f"column {names} is constant"
            raise ZooError(
                f"{told}{within}, so the noise fell to zero and the likelihood has no maximum: drop one, lower Z or K, "
                "use objective='map', or give a covariance_floor"
            )


def said(em: Climber, linear: Linear) -> dict[str, Any]:
    """``heywood``: the columns ([component, column] where there are several) whose noise is next to nothing."""
    if em.form.noise(em.keywords) == "isotropic":
        return {}
    improper = np.argwhere(linear.Psi < HEYWOOD).tolist()
    return {"heywood": improper if em.K > 1 else [d for _, d in improper]}


def parameters(request: FitRequest) -> int:
    """How many numbers the likelihood leaves free: of each W the D Z less the Z (Z - 1) / 2 of a rotation.

    No covariance has more than D (D + 1) / 2, however many factors and uniquenesses it is written with.
    """
    form, keywords = closed_form.linear_gaussian_form(request.model), request.keywords
    K, D, Z = int(keywords.get("K", 1)), int(keywords["D"]), int(keywords["Z"])
    W = D * Z - Z * (Z - 1) // 2
    covariances = {"own": K * min(W + D, D * (D + 1) // 2), "shared": K * W + D, "isotropic": K * W + 1}
    return K - 1 + K * D + covariances[form.noise(keywords)]


def canonical(linear: Linear) -> Linear:
    """The same likelihood with W' Psi^-1 W diagonal and falling, and the sum of each column of W positive."""
    turned = []
    for W, Psi in zip(linear.W, linear.Psi, strict=True):
        _, _, axes = np.linalg.svd(W / np.sqrt(Psi)[:, None], full_matrices=False)
        new = W @ axes.T
        turned.append(new * np.where(new.sum(0) < 0, -1.0, 1.0))
    return linear._replace(W=np.array(turned))
