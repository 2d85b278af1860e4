"""How many components: EM over a range of K, and an information criterion to choose by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference.fitting import fit
from zoo import Model, ZooError
from zoo.errors import unknown

if TYPE_CHECKING:
    import pandas as pd

    from inference.result import Fit

CRITERIA = ("bic", "icl", "aic")


@dataclass(frozen=True)
class Choice:
    """The fit with the smallest criterion, all fits by K, and a table that lays them side by side."""

    best: Fit
    fits: dict[int, Fit]
    table: pd.DataFrame


def choose(
    model: Model, data: Any, *, K: Iterable[int] = range(1, 7), criterion: str = "bic", seed: int = 0, **options: Any
) -> Choice:
    """Fit the model by EM for each K and keep the one with the smallest criterion.

    criterion: "bic" (Schwarz 1978), "icl" (BIC plus twice the entropy of the labels, for well separated
    clusters) or "aic". Options are those of EM. A K whose every start collapses is left out, and the table says why.
    Raises ZooError if none is left.
    """
    import pandas as pd

    if criterion not in CRITERIA:
        raise unknown("criterion", criterion, CRITERIA)
    fits: dict[int, Fit] = {}
    rows = []
    for size in K:
        try:
            found = fit(model.with_settings(K=size), data, "em", seed=seed, **options)
        except ZooError as error:
            rows.append({"K": size, "note": str(error)})
            continue
        fits[size] = found
        said = {w: found.diagnostics[w] for w in ("log_likelihood", "parameters", *CRITERIA)}
        rows.append({"K": size, **said, "note": "" if found.diagnostics["converged"] else "not converged"})
    if not fits:
        raise ZooError(rows[0]["note"] if rows else "K is an empty range: give at least one size")
    table = pd.DataFrame(rows).set_index("K")
    return Choice(min(fits.values(), key=lambda f: f.diagnostics[criterion]), fits, table)
