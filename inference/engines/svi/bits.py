"""Bits per dimension: the bound of discrete data, in the units in which image models are compared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.sites import Site

DISCRETE = ("binary", "count")


def bits_per_dimension(elbo: float, observed: Mapping[str, Site], table: Mapping[str, np.ndarray]) -> float | None:
    """-ELBO / (D ln 2), an upper bound on the bits that a code for the data takes per number.

    Parameters
    ----------
    elbo : float
        The ELBO, in nats per row.
    observed : dict of str to Site
        The observed sites.
    table : dict of str to ndarray
        Rows of their data; NaN marks a number that is missing and does not count.

    Returns
    -------
    float or None
        None unless every observed number is binary or a count: densities of others depend on their units.

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [np.nan, 1.0]])
    >>> bits_per_dimension(-1.5 * np.log(2), {"x": Site.parse("binary [N D]")}, {"x": x})
    1.0
    """
    values = [table[n] for n in observed if n in table]
    if any(site.kind not in DISCRETE for site in observed.values()) or len(values) < len(observed):
        return None
    count = sum(np.count_nonzero(v == v) for v in values)  # NaN alone differs from itself
    rows = {len(v) for v in values}
    return float(-elbo * rows.pop() / (count * np.log(2))) if count and len(rows) == 1 else None
