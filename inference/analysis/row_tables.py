"""Tables with a row for each row of the data: labels, latents, and values in the place of missing ones.

They are the answers of ``zoo predict``, ``zoo scores`` and ``zoo impute``, by whichever method a fit has: exact
posteriors, the encoder of a fit by svi, or Gibbs sampling of the proportions of topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.amortised import AmortisedPosterior, Code
from inference.analysis import classes, factors, latents, topics
from inference.analysis.latents.coding import encode_rows
from inference.analysis.latents.inputs import class_site, pixel_site, read_rows
from inference.exact.gaussian import Normal
from inference.result import Fit
from zoo.errors import ZooError
from zoo.types import DataLike

if TYPE_CHECKING:
    import pandas as pd


def label_table(fit: Fit, data: DataLike = None) -> pd.DataFrame:
    """The most probable label of each row, and its probability.

    Parameters
    ----------
    fit : Fit
        Of a mixture, a model with classes, or a topic model, whose labels are the first topics of documents.
    data : optional
        Rows as ``inference.fit`` takes them; those of the fit by default.

    Returns
    -------
    pandas.DataFrame
        For each label ``z`` of the model the columns ``z`` and ``z probability``; of topics ``topic`` and
        ``proportion``. Documents that have ids are called by them.

    Raises
    ------
    ZooError
        For a model without labels.
    """
    import pandas as pd

    if topics.has_topics(fit.model.card):
        theta = topics.document_table(fit, data)
        values = theta.to_numpy()
        return pd.DataFrame({"topic": values.argmax(1), "proportion": values.max(1)}, index=theta.index)
    columns: dict[str, Any] = {}
    for name, probabilities in label_probabilities(fit, data).items():
        columns |= {name: probabilities.argmax(-1), f"{name} probability": probabilities.max(-1)}
    if not columns:
        instead = "zoo scores has its latents" if fit.model.card.local(fit.keywords) else "its rows have no latents"
        raise ZooError(f"{fit.model.name} has no label of each row to predict: {instead}")
    return pd.DataFrame(columns)


def predicted_table(fit: Fit, data: DataLike = None, interval: float = 0.94) -> pd.DataFrame:
    """The posterior predictive distribution of the observed values of each row, of a program of the user's own.

    Parameters
    ----------
    fit : Fit
    data : optional
        Covariates of new rows by argument; the rows of the fit by default.
    interval : float, default 0.94
        Probability of the central interval.

    Returns
    -------
    pandas.DataFrame
        For each observed site ``y`` the columns ``y``, its mean, ``y sd``, ``y low`` and ``y high``; of a site with
        several values in each row ``y[0]``, ...

    Raises
    ------
    ZooError
        Where no observed site has the rows as its first dimension, and as ``Fit.posterior_predictive``.
    """
    import pandas as pd

    if not 0 < interval < 1:
        raise ZooError(f"interval is a probability between 0 and 1, such as 0.94; given {interval!r}")
    sites = fit.model.card.sites(fit.keywords)
    names = [n for n in fit.model.card.observed if sites[n].dims[:1] == ("N",)]
    if not names:
        raise ZooError(f"{fit.model.name} observes nothing row by row: fit.posterior_predictive(data) draws all of it")
    percentiles = [50 * (1 - interval), 50 * (1 + interval)]
    columns: dict[str, np.ndarray] = {}
    draws = fit.posterior_predictive(data)
    for name in names:
        values = draws[name].reshape(-1, *draws[name].shape[2:]).astype(float)
        low, high = np.percentile(values, percentiles, axis=0)
        columns |= entries(name, values.mean(0)) | entries(name, values.std(0), " sd")
        columns |= entries(name, low, " low") | entries(name, high, " high")
    return pd.DataFrame(columns)


def label_probabilities(fit: Fit, data: DataLike) -> dict[str, np.ndarray]:
    """The probabilities of each label of the rows, (N, K)."""
    card = fit.model.card
    if fit.kind == "amortised":
        return {class_site(fit): latents.classify(fit, data)} if card.enumerated else {}
    sites = card.sites(fit.keywords)
    names = [n for n in card.enumerated if sites[n].dims == ("N",)]
    local = fit.local(data) if names else {}
    return {n: local[n] for n in names}


def latent_table(fit: Fit, data: DataLike = None, rotation: str | None = None) -> pd.DataFrame:
    """The latents of each row: probabilities of labels, means and standard deviations of continuous latents.

    Parameters
    ----------
    fit : Fit
    data : optional
        Rows as ``inference.fit`` takes them; those of the fit by default.
    rotation : str, optional
        Of a factor model, a method of ``inference.factors.rotate``.

    Returns
    -------
    pandas.DataFrame
        Columns ``z[0]``, ``z[1]``, ...; of continuous latents also ``z[0] sd``, ... Of topics ``topic 0``, ...; of
        rotated factors ``factor 1``, ``factor 1 sd``, ...; of discrete codes their most probable categories.

    Raises
    ------
    ZooError
        For a model whose rows have no latents, or none that the fit can tell; for a rotation of other latents.
    """
    import pandas as pd

    card = fit.model.card
    if rotation is not None:
        scores = factors.scores(fit, rotation, data)
        return scores.set_axis([f if kind == "mean" else f"{f} {kind}" for f, kind in scores.columns], axis=1)
    if topics.has_topics(card):
        return topics.document_table(fit, data)
    columns: dict[str, np.ndarray] = {}
    is_amortised = fit.kind == "amortised"
    posteriors = encode_rows(AmortisedPosterior(fit), data) if is_amortised else fit.local(data)
    for name, value in posteriors.items():
        if isinstance(value, Normal):
            sd = np.sqrt(np.diagonal(value.covariance, axis1=-2, axis2=-1))
            columns |= entries(name, value.mean) | entries(name, sd, " sd")
        elif isinstance(value, Code):
            columns |= entries(name, value.mean) | entries(name, value.sd, " sd")
        else:  # several positions of a code have their most probable category
            columns |= entries(name, value.argmax(-1) if is_amortised and value.ndim > 2 else value)
    if not columns:
        raise ZooError(f"rows of {fit.model.name} have no latents: its parameters are in fit.summary()")
    return pd.DataFrame(columns)


def entries(name: str, values: np.ndarray, suffix: str = "") -> dict[str, np.ndarray]:
    """An array (N, ...) as columns: one for each entry, or one alone.

    >>> entries("z", np.array([[1, 2]]))
    {'z[0]': array([1]), 'z[1]': array([2])}
    """
    if values.ndim == 1:
        return {f"{name}{suffix}": values}
    return {f"{name}[{','.join(map(str, i))}]{suffix}": values[:, *i] for i in np.ndindex(*values.shape[1:])}


def filled_rows(fit: Fit, data: DataLike = None) -> np.ndarray:
    """The rows with a value in the place of each missing one: its mean given the rest of the row.

    Parameters
    ----------
    fit : Fit
        Of a linear-Gaussian model, or with an encoder and a decoder.
    data : optional
        Rows as ``inference.fit`` takes them; those of the fit by default.

    Returns
    -------
    array, (N, D)
        Exact for linear-Gaussian models. Where there is an encoder, the mean of the decoder at the mean of the code.

    Raises
    ------
    ZooError
        For a model that takes no missing values, or without such a mean.
    """
    check_missing(fit)
    if fit.model.card.linear is not None:
        return factors.fill_missing(fit, data)
    if fit.model.card.items is not None:
        return classes.fill_missing(fit, data)
    rows = np.array(read_rows(fit, data)[pixel_site(fit)], dtype=float)
    is_missing = np.isnan(rows)
    rows[is_missing] = latents.reconstruct(fit, data)[is_missing] if is_missing.any() else 0.0
    return rows


def missing_table(fit: Fit, data: DataLike = None, interval: float = 0.94) -> pd.DataFrame:
    """The distribution of each missing value given the rest of its row, of a linear-Gaussian model or latent classes.

    Parameters
    ----------
    fit : Fit
    data : optional
        Rows as ``inference.fit`` takes them; those of the fit by default.
    interval : float, default 0.94
        Probability of the central interval.

    Returns
    -------
    pandas.DataFrame
        As ``inference.factors.impute``, or ``inference.classes.impute``, which has no interval.

    Raises
    ------
    ZooError
        For a model without intervals of missing values.
    """
    check_missing(fit)
    if fit.model.card.items is not None:
        return classes.impute(fit, data)
    if fit.model.card.linear is None:
        raise ZooError(f"{fit.model.name} has a mean of each missing value and no interval: leave --cells out")
    return factors.impute(fit, data, interval=interval)


def check_missing(fit: Fit) -> None:
    """Raise ZooError for a model that cannot fill missing values in."""
    card = fit.model.card
    if card.items is not None:
        return
    if card.linear is None and (fit.kind != "amortised" or card.of_words):
        raise ZooError(
            f"{fit.model.name} has no mean of missing values: linear-Gaussian models, latent classes and fits with an "
            "encoder have one"
        )
    if card.linear is None and pixel_site(fit) not in card.missing:
        raise ZooError(f"{fit.model.name} takes no missing values, so that there are none to fill in")
