"""Every size fitted, every criterion asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from inference import engines
from inference.evaluation.selection import ard, documents, held_out, laplace
from inference.evaluation.selection.result import CRITERIA, Choice
from inference.fitting import fit
from inference.result import Fit
from zoo import Model, ZooError
from zoo.errors import unknown

if TYPE_CHECKING:
    import pandas as pd

Values = dict[str, Any]  # of one size, by column

FOLDS = 5
HELD_OUT = ("cv", "cv_se", "cv_behind_se")
COLUMNS = ("log_likelihood", "parameters", "bic", "icl", "aic", "laplace", *HELD_OUT, "note")
OF_WORDS = (*HELD_OUT, "perplexity", "note")


def choose(
    model: Model,
    data: Any,
    *,
    criterion: str | None = None,
    engine: str | None = None,
    folds: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Choice:
    """Fit the model at each size of a range, as in ``K=range(1, 7)`` or ``Z=range(6)``, and keep the best.

    criterion: "bic" (Schwarz 1978; the one unless given), "icl" (BIC plus twice the entropy of the labels, for well
    separated clusters), "aic", "laplace" (the evidence of probabilistic PCA, Minka 2001) or "cv" (the largest mean
    log p of held-out rows), which is the one that topic models have. folds: of cross-validation, each of which fits
    every size once more; unless given, 5 where ``criterion`` is "cv" and none otherwise. engine: "em"; of topic models
    any that takes them, "gibbs" first. Other options are those of the engine. A size that cannot be fitted is left out,
    and the table says why.
    Raises ZooError if none is left, if not exactly one size is varied, and for a criterion the model does not have.
    """
    topics = model.card.of_words
    criterion = criterion or ("cv" if topics else "bic")
    if criterion not in CRITERIA:
        raise unknown("criterion", criterion, CRITERIA)
    letter, models = sized(model, options)
    options = {word: value for word, value in options.items() if word != letter}
    if options.get("checkpoint"):
        raise ZooError("a checkpoint is of one fit, and choose makes many: leave checkpoint out")
    engine = engine_for(model, engine, topics)
    notes = {"icl": without_labels(model), "laplace": laplace.declines(model)}
    if topics:
        notes |= dict.fromkeys(("bic", "icl", "aic"), f"the likelihood of {model.name} is not known exactly: take cv")
    if notes.get(criterion):
        raise ZooError(notes[criterion])
    folds = FOLDS if folds is None and criterion == "cv" else folds
    fits, rows = fitted(models, data, engine, seed, options)
    if not fits:
        raise ZooError(rows[next(iter(models))]["note"])
    if notes["icl"]:
        rows = {size: {**row, "icl": np.nan} for size, row in rows.items()}

    def held() -> tuple[dict[int, Values], float]:
        dealt = held_out.deal(next(iter(fits.values())), folds, seed)
        return documents.scores(fits, dealt, seed) if topics else held_out.scores(fits, dealt)

    asked = {"laplace": lambda: laplace.evidence(fits), "cv": held, "ard": lambda: ard.relevance(fits)}
    had: dict[str, Any] = {}
    for name, ask in asked.items():
        try:
            had[name] = ask()
        except ZooError as error:
            if name == criterion or (name == "cv" and folds is not None):
                raise
            notes[name] = str(error)
    relevance = had.pop("ard", None)
    by_size, weight = had.pop("cv", ({}, np.nan))
    table = together(letter, [rows, *had.values(), by_size], OF_WORDS if topics else COLUMNS)
    said = {n: why for n, why in notes.items() if why}
    choice = Choice(letter, criterion, fits, table, said, relevance, weight)
    if criterion not in choice.sizes:
        raise ZooError(f"no size has {criterion}: {table.loc[min(fits), 'note']}")
    return choice


def engine_for(model: Model, engine: str | None, topics: bool) -> str:
    """The engine asked for, or the one to begin with; raises ZooError where the criteria want another."""
    if not topics:
        if engine not in (None, "em"):
            raise ZooError(f"criteria are read off the maximum, which em finds: leave engine={engine!r} out")
        return "em"
    supported_engines = engines.supported_engines(model.card, model.backend)
    return engine or ("gibbs" if "gibbs" in supported_engines else supported_engines[0])


def fitted(
    models: dict[int, Model], data: Any, engine: str, seed: int, options: dict[str, Any]
) -> tuple[dict[int, Fit], dict[int, Values]]:
    """The fits that there are, and for each size what the engine says of it."""
    fits: dict[int, Fit] = {}
    rows: dict[int, Values] = {}
    for size, model in models.items():
        try:
            found = fits[size] = fit(model, data, engine, seed=seed, **options)
        except ZooError as error:
            rows[size] = {"note": str(error)}
            continue
        rows[size] = {w: found.diagnostics[w] for w in COLUMNS if w in found.diagnostics}
        rows[size]["note"] = "" if found.diagnostics.get("converged", True) else "not converged"
    return fits, rows


def together(letter: str, parts: list[dict[int, Values]], columns: tuple[str, ...]) -> pd.DataFrame:
    """One table of the columns that each part has of each size, and of the notes of all."""
    import pandas as pd

    rows = {}
    for size in parts[0]:
        of_size = [part.get(size, {}) for part in parts]
        said = "; ".join(values["note"] for values in of_size if values.get("note"))
        rows[size] = {w: v for values in of_size for w, v in values.items()} | {"note": said}
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=list(columns)).rename_axis(letter)


def sized(model: Model, options: dict[str, Any]) -> tuple[str, dict[int, Model]]:
    """The letter that varies, and the model at each of its sizes; raises ZooError unless there is just one."""
    sites = model.card.sites(model.settings)
    fixed = {letter for name in model.card.observed for letter in sites[name].dims}
    fixed |= {"V"} if model.card.of_words else set()  # words are counted, and no dimension
    given = [word for word in options if len(word) == 1 and word.isupper()]
    free = [word for word in model.keywords if len(word) == 1 and word.isupper() and word not in fixed]
    if len(given) != 1 or given[0] not in free:
        would = " or ".join(f"{letter}=range(1, 7)" for letter in free) or "nothing: it has no such size"
        raise ZooError(
            f"choose varies one size of {model.name} that the data leaves open: give {would}; "
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


def without_labels(model: Model) -> str:
    return "" if model.card.enumerated else f"icl charges for labels in doubt, and {model.name} has none"
