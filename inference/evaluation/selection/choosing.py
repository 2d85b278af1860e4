"""Fit a model at several sizes and compute the criteria for choosing among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inference import engines
from inference.evaluation.selection import ard, cross_validation, laplace, likelihood_ratio
from inference.evaluation.selection.program_sizes import models_by_argument
from inference.evaluation.selection.record import CRITERIA
from inference.evaluation.selection.result import Choice
from inference.fitting import fit
from inference.result import Fit
from zoo import Model, ReadModel, ZooError
from zoo.errors import unknown
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd

SizeColumns = Mapping[str, Any]  # values of one size, by column

DEFAULT_FOLDS = 5
CV_COLUMNS = ("cv", "cv_se", "cv_behind_se")
LIKELIHOOD_COLUMNS = ("log_likelihood", "parameters", "bic", "sabic", "caic", "icl", "aic")
COLUMNS = (*LIKELIHOOD_COLUMNS, "laplace", "blrt", *CV_COLUMNS, "note")
TOPIC_COLUMNS = (*CV_COLUMNS, "perplexity", "note")


def choose(
    model: Model,
    data: DataLike = None,
    *,
    criterion: str | None = None,
    engine: str | None = None,
    folds: int | None = None,
    bootstrap: int | None = None,
    workers: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Choice:
    """Fit the model at each size of a range, and choose among the sizes by several criteria.

    Parameters
    ----------
    model : Model
        The model; the size that varies is given as a range, as in ``K=range(1, 7)`` or ``Z=range(6)``. Of a program of
        the user's own it is one of its arguments, by its name.
    data : array, DataFrame, Corpus, tuple or dict
        As ``inference.fit`` takes it. Of a program of the user's own its other arguments, a tuple or by name; those of
        the reading by default.
    criterion : {"bic", "sabic", "caic", "icl", "aic", "laplace", "blrt", "cv"}, optional
        The criterion of ``Choice.best``: "bic" (Schwarz 1978) by default; "sabic", the sample-size adjusted BIC (Sclove
        1987); "caic", the consistent AIC (Bozdogan 1987); "icl", BIC plus twice the entropy of the labels, for well
        separated clusters; "aic"; "laplace", the evidence of probabilistic PCA (Minka 2001); "blrt", the parametric
        bootstrap likelihood-ratio test of each size against the size below (McLachlan 1987), at 5 percent; or "cv", the
        mean log p of held-out rows, which is the default and the only criterion of topic models.
    engine : str, optional
        "em"; for topic models any engine that supports them, by default "gibbs".
    folds : int, optional
        The folds of cross-validation, for each of which every size is fitted once more; by default 5 where
        ``criterion`` is "cv", otherwise there is no cross-validation.
    bootstrap : int, optional
        The number of data sets that the bootstrap test simulates, to each of which two sizes are fitted; by default 99
        where ``criterion`` is "blrt", otherwise there is no test. With it every fit has ``restarts=5`` unless given.
    workers : int, optional
        Processes among which the bootstrap is divided; by default one for each core. Results do not depend on it.
    seed : int, default 0
        The seed of the fits, of the folds and of the bootstrap.
    **options
        The range of sizes, and options of the engine.

    Returns
    -------
    Choice
        The fits, the table of criteria and the size that each criterion selects. A size that cannot be fitted has no
        fit, and the table has the reason.

    Raises
    ------
    ZooError
        Where no size can be fitted, not exactly one size varies, or the model does not have the criterion.

    Examples
    --------
    >>> choose(zoo.load("gaussian_mixture"), x, K=range(1, 7)).sizes["bic"]  # doctest: +SKIP
    """
    if criterion is not None and criterion not in (*CRITERIA, "blrt"):
        raise unknown("criterion", criterion, (*CRITERIA, "blrt"))
    is_own = not model.has_card or isinstance(model, ReadModel)
    letter, models = models_by_argument(model, data, options) if is_own else models_by_size(model, options)
    if is_own:  # each has been read with its data
        model, data = next(iter(models.values())), None
    is_topic_model = model.card.of_words
    criterion = criterion or ("cv" if is_topic_model else "bic")
    options = {name: value for name, value in options.items() if name != letter}
    if options.get("checkpoint"):
        raise ZooError("a checkpoint is of one fit, and choose makes many: leave checkpoint out")
    engine = choose_engine(model, engine, is_topic_model)
    unavailable = {
        "icl": icl_unavailable_reason(model),
        "laplace": laplace.unavailable_reason(model),
        "blrt": likelihood_ratio.unavailable_reason(model),
    }
    if is_topic_model:
        reason = f"the likelihood of {model.name} is not known exactly: take cv"
        unavailable |= dict.fromkeys(("bic", "sabic", "caic", "icl", "aic", "blrt"), reason)
    if unavailable.get(criterion):
        raise ZooError(unavailable[criterion])
    folds = DEFAULT_FOLDS if folds is None and criterion == "cv" else folds
    bootstrap = likelihood_ratio.DEFAULT_SAMPLES if bootstrap is None and criterion == "blrt" else bootstrap
    if bootstrap is not None:
        options = {"restarts": likelihood_ratio.DEFAULT_RESTARTS, **options}
    fits, columns = fit_sizes(models, data, engine, seed, options)
    if not fits:
        raise ZooError(columns[next(iter(models))]["note"])
    if unavailable["icl"]:
        columns = {size: {**row, "icl": np.nan} for size, row in columns.items()}

    def cross_validate() -> tuple[dict[int, cross_validation.Score], float]:
        made = cross_validation.make_folds(next(iter(fits.values())), folds, seed)
        if is_topic_model:
            return cross_validation.score_documents(fits, made, seed)
        return cross_validation.score_rows(fits, made)

    further: dict[str, Callable[[], Any]] = {
        "laplace": lambda: laplace.compute_evidence(fits),
        "blrt": lambda: likelihood_ratio.compute_tests(fits, bootstrap, seed, workers),
        "cv": cross_validate,
        "ard": lambda: ard.compute_relevance(fits),
    }
    results: dict[str, Any] = {}
    for name, compute in further.items():
        try:
            results[name] = compute()
        except ZooError as error:
            if name == criterion or {"cv": folds, "blrt": bootstrap}.get(name) is not None:
                raise
            unavailable[name] = str(error)
    scores, validation_size = results.get("cv", ({}, np.nan))
    tests = results.get("blrt", {})
    p_values = {size: {"blrt": test.p_value} for size, test in tests.items()}
    parts = [columns, results.get("laplace", {}), p_values, scores]
    table = merge_columns(letter, parts, TOPIC_COLUMNS if is_topic_model else COLUMNS)
    reasons = {name: reason for name, reason in unavailable.items() if reason}
    choice = Choice(letter, criterion, fits, table, reasons, results.get("ard"), validation_size, tests)
    if criterion not in choice.sizes:
        raise ZooError(f"no size has {criterion}: {table.loc[min(fits), 'note']}")
    return choice


def choose_engine(model: Model, engine: str | None, is_topic_model: bool) -> str:
    """The engine given, or the default; raises ZooError where the criteria need another."""
    if not is_topic_model:
        if engine not in (None, "em"):
            raise ZooError(f"the criteria are computed at the maximum, which em finds: leave engine={engine!r} out")
        return "em"
    supported = engines.supported_engines(model.card, model.backend)
    return engine or ("gibbs" if "gibbs" in supported else supported[0])


def fit_sizes(
    models: Mapping[int, Model], data: DataLike, engine: str | None, seed: int, options: Mapping[str, Any]
) -> tuple[dict[int, Fit], dict[int, SizeColumns]]:
    """The fits that succeed, and for each size the columns that its diagnostics give."""
    fits: dict[int, Fit] = {}
    columns: dict[int, SizeColumns] = {}
    run = {"seed": seed, **options}
    for size, model in models.items():
        try:
            fits[size] = fit(model, data, engine, **run)
        except ZooError as error:
            columns[size] = {"note": str(error)}
            continue
        diagnostics = fits[size].diagnostics
        note = "" if diagnostics.get("converged", True) else "not converged"
        columns[size] = {**{name: diagnostics[name] for name in COLUMNS if name in diagnostics}, "note": note}
    return fits, columns


def merge_columns(letter: str, parts: Sequence[Mapping[int, SizeColumns]], names: Sequence[str]) -> pd.DataFrame:
    """One table of the columns that the parts have of each size, with the notes of all."""
    import pandas as pd

    rows = {}
    for size in parts[0]:
        columns = [part.get(size, {}) for part in parts]
        note = "; ".join(values["note"] for values in columns if values.get("note"))
        rows[size] = {name: value for values in columns for name, value in values.items()} | {"note": note}
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=list(names)).rename_axis(letter)


def models_by_size(model: Model, options: Mapping[str, Any]) -> tuple[str, dict[int, Model]]:
    """The letter that varies, and the model at each size; raises ZooError unless exactly one size varies."""
    sites = model.card.sites(model.settings)
    fixed = {letter for name in model.card.observed for letter in sites[name].dims}
    fixed |= {"V"} if model.card.of_words else set()  # V is the range of a word, not a dimension
    given = [name for name in options if len(name) == 1 and name.isupper()]
    free = [name for name in model.keywords if len(name) == 1 and name.isupper() and name not in fixed]
    if len(given) != 1 or given[0] not in free:
        allowed = " or ".join(f"{letter}=range(1, 7)" for letter in free) or "nothing: it has no such size"
        raise ZooError(
            f"choose varies one size of {model.name} that the data leaves open: give {allowed}; "
            f"given {', '.join(given) or 'none'}"
        )
    (letter,) = given
    sizes = options[letter]
    if not isinstance(sizes, Iterable) or isinstance(sizes, str):
        raise ZooError(f"choose varies {letter}: give sizes, as in {letter}=range(1, 7), not {sizes!r}")
    models = {size: model.with_settings(**{letter: size}) for size in sizes}
    if not models:
        raise ZooError(f"{letter} is an empty range: give at least one size")
    return letter, models


def icl_unavailable_reason(model: Model) -> str:
    """Why the model has no ICL, or "" where it has."""
    return "" if model.card.enumerated else f"icl penalises uncertain labels, and {model.name} has none"
