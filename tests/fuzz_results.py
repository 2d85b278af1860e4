"""What the fuzz asks of a fit: its results row by row, or an error of one line."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

import inference
import zoo
from inference.amortised import AmortisedPosterior, Code
from zoo.errors import ZooWarning

T = TypeVar("T")


def outcome(function: Callable[..., T], *args: Any, **keywords: Any) -> T | zoo.ZooError:
    """The result, or the ZooError of one line; other exceptions and warnings of numerical libraries are raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ZooWarning)
        try:
            return function(*args, **keywords)
        except zoo.ZooError as error:
            assert str(error).strip()  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
            return error


def fit(model: zoo.Model, data: Any, engine: str, **options: Any) -> inference.Fit | zoo.ZooError:
    """The fit, or the error."""
    return outcome(inference.fit, model, data, engine=engine, **options)


def row_results(fitted: inference.Fit, data: Any = None) -> dict[str, np.ndarray]:
    """Log-likelihood and posteriors of each row, or its code by an encoder; rows come first."""
    if fitted.kind == "amortised":
        posterior = AmortisedPosterior(fitted)
        encoded = posterior.encode(posterior.table(data))
        parts = {n: code if isinstance(code, Code) else (code,) for n, code in encoded.items()}
    elif fitted.model.card.of_words:
        return {}  # mixtures of new documents are drawn token by token, and the fuzz has many
    else:
        parts = {n: v if isinstance(v, tuple) else (v,) for n, v in fitted.local(data).items()}
        if fitted.engine != "svi":  # a mixture of infinitely many normals has none
            parts["log_likelihood"] = (fitted.log_likelihood(data),)
    return {f"{n} {i}": np.asarray(part) for n, values in parts.items() for i, part in enumerate(values)}


def check_finite(arrays: dict[str, np.ndarray]) -> None:
    """Arrays hold numbers; the log density of a row that is far away may be that of 0."""
    for name, values in arrays.items():
        is_number = np.isfinite(values) | (np.isneginf(values) & name.startswith("log_likelihood"))
        assert is_number.all(), name
