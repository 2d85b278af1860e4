"""``compare_models``: different models of one data set by leave-one-out cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from inference.evaluation.comparison.compute import unique_names
from inference.evaluation.leave_one_out.estimating import FEW_ROWS, loo
from inference.evaluation.leave_one_out.record import LeaveOneOut
from inference.result import Fit
from zoo import ZooError
from zoo.data.corpus import Corpus

if TYPE_CHECKING:
    import pandas as pd

SMALL_DIFFERENCE = 4.0  # nats, below which a difference says little (Sivula, Magnusson and Vehtari 2020)
CLEAR = 2.0  # standard errors of a difference that is called clear


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """Models of one data set, the best first.

    Attributes
    ----------
    results : dict of str to LeaveOneOut
    table : DataFrame
        A row for each model: ``elpd`` and ``se`` in nats, ``difference`` from the best and its standard error
        ``difference_se`` (row by row, in which the variation that models share cancels), the ``weight`` of stacking,
        ``p_loo``, and ``bad_rows``, whose weights fail.
    verdict : str
        Which model predicts best, and how clearly.
    warnings : tuple of str
    """

    results: Mapping[str, LeaveOneOut]
    table: pd.DataFrame
    verdict: str
    warnings: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return "\n\n".join([self.table.round(2).to_string(), self.verdict, *self.warnings])


def compare_models(*fits: Fit | LeaveOneOut, names: Sequence[str] | None = None, refits: int = 10) -> ModelComparison:
    """Compare different models of one data set by how well they predict rows that they have not seen.

    ``compare`` is for fits of one model: which posterior to trust. This is for models: which to use.

    Parameters
    ----------
    *fits : Fit or LeaveOneOut
        Fits with draws to the same rows, or what ``loo`` gives of them.
    names : sequence of str, optional
        A name for each; by default that of the model.
    refits : int, default 10
        As in ``loo``.

    Returns
    -------
    ModelComparison

    Raises
    ------
    ZooError
        Where the fits are of different rows, or one of them has no draws.

    References
    ----------
    Vehtari, Gelman and Gabry (2017). Yao, Vehtari, Simpson and Gelman (2018), "Using stacking to average Bayesian
    predictive distributions". Sivula, Magnusson and Vehtari (2020), "Uncertainty in Bayesian leave-one-out
    cross-validation based model comparison".

    Examples
    --------
    >>> print(inference.compare_models(two, three, names=["K = 2", "K = 3"]))  # doctest: +SKIP
    """
    import pandas as pd

    if len(fits) < 2:
        raise ZooError(f"compare_models takes two fits or more; given {len(fits)}: loo(fit) describes one")
    check_same_rows([f for f in fits if isinstance(f, Fit)])
    given = [f.model.name if isinstance(f, Fit) else "model" for f in fits]
    labels = unique_names(names or given, len(fits))
    results = {n: loo(f, refits=refits) if isinstance(f, Fit) else f for n, f in zip(labels, fits, strict=True)}
    sizes = {n: len(r.pointwise) for n, r in results.items()}
    if len(set(sizes.values())) > 1:
        raise ZooError(f"models of different numbers of rows: {', '.join(f'{n} {size}' for n, size in sizes.items())}")
    order = sorted(results, key=lambda n: -results[n].elpd)
    best, weights = results[order[0]], stacking_weights([results[n] for n in order])
    rows = []
    for name, weight in zip(order, weights, strict=True):
        r, behind = results[name], results[name].pointwise - best.pointwise
        rows.append(
            {
                "elpd": r.elpd,
                "se": r.se,
                "difference": behind.sum(),
                "difference_se": np.sqrt(len(behind)) * behind.std(ddof=1) if len(behind) > 1 else np.nan,
                "weight": weight,
                "p_loo": r.p_loo,
                "bad_rows": len(r.bad_rows),
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(order, name="model"))
    notes = [f"{n}: {w}" for n in order for w in results[n].warnings if "k-hat" in w]
    if len(best.pointwise) < FEW_ROWS:
        notes.append(f"With {len(best.pointwise)} rows the standard errors of differences are too small.")
    return ModelComparison(results, table, verdict_of(table), tuple(notes))


def check_same_rows(fits: Sequence[Fit]) -> None:
    """Raise ZooError unless the fits have an observed array in common, by its values."""
    raw = [[v.raw if isinstance(v, Corpus) else np.asarray(v) for v in fit.data.values()] for fit in fits]
    for fit, arrays in zip(fits[1:], raw[1:], strict=True):
        if not any(a.shape == b.shape and np.array_equal(a, b, equal_nan=True) for a in arrays for b in raw[0]):
            raise ZooError(
                f"{fits[0].model.name} and {fit.model.name} are of different data: fit both to the same rows"
            )


def stacking_weights(results: Sequence[LeaveOneOut]) -> np.ndarray:
    """The weights of stacking, which maximise the log predictive density of the mixture of the models."""
    import xarray as xr
    from arviz_stats import ELPDData
    from arviz_stats.loo.compare import compare as compare_elpd

    largest = np.max([r.pointwise for r in results], axis=0)  # so that no density underflows

    def elpd_data(r: LeaveOneOut) -> ELPDData:
        pointwise = xr.DataArray(r.pointwise - largest, dims="row")
        return ELPDData("loo", r.elpd, r.se, r.p_loo, 1, len(largest), "log", False, 0.7, pointwise)

    data = {str(i): elpd_data(r) for i, r in enumerate(results)}
    with warnings.catch_warnings():  # ArviZ's of pandas, and of k-hat, which the table has
        warnings.simplefilter("ignore")
        return compare_elpd(data)["weight"].loc[list(data)].to_numpy(float)


def verdict_of(table: pd.DataFrame) -> str:
    """Which model predicts best, and how clearly, in one sentence."""
    best, second = table.index[0], table.iloc[1]
    difference, se = -second["difference"], second["difference_se"]
    size = f"{difference:.1f} nats above {table.index[1]} (standard error {se:.1f})"
    if difference < SMALL_DIFFERENCE:
        return f"{best} and {table.index[1]} predict equally well: the elpd of {best} is {size}."
    if difference < CLEAR * se:
        return f"{best} predicts best, but not clearly: its elpd is {size}."
    return f"{best} predicts best: its elpd is {size}."
