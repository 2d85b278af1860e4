"""The options of variational EM, and the initial values that follow from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inference.engines.contract import FitRequest
from inference.engines.options import EngineOptions, Start, choice, custom, flag, number, whole
from inference.unconstrained import read_numbers
from zoo import ZooError
from zoo.errors import unknown

# document_steps where the option is not set: in the opening, in later passes, and online
OPENING_STEPS, BATCH_STEPS, ONLINE_STEPS = 10, 3, 100


def _not_negative(value: float) -> bool:
    return 0 <= value < np.inf


@dataclass(frozen=True)
class VariationalEMOptions(EngineOptions):
    """Options of ``em`` on ``latent_dirichlet``."""

    max_iter: int = whole(500, "passes over the corpus at most")
    tol: float = number(1e-3, "a number from 0 up", _not_negative, "gain in nats per document below which EM stops")
    restarts: int = whole(1, "number of starts, of which the best is kept")
    objective: str = choice("bound", ("bound",), "the evidence lower bound")
    start: Start | None = custom(
        None,
        "a fit's state, or a dict of some of its arrays, as in {'phi': (K, V)}",
        "where to begin; topics are random unless given",
    )
    opening: int = whole(15, "passes at the start in which each document begins from all topics alike", least=0)
    document_tol: float = number(
        1e-3, "a number from 0 up", _not_negative, "mean change of gamma below which a document has converged"
    )
    document_steps: int | None = whole(
        None, "steps of a document in a pass; None is 10 in the opening, then 3, and 100 online", optional=True
    )
    learn_alpha: str | None = choice(
        None, ("symmetric", "asymmetric"), "learn alpha; the value is in fit.keywords", optional=True
    )
    learn_eta: bool = flag(False, "learn eta; the value is in fit.keywords")
    threads: int | None = whole(None, "number of threads, one for each core unless given", optional=True)
    online: bool = flag(False, "read the corpus in batches, each of which moves the topics")
    num_passes: int = whole(1, "passes over the documents, online")
    batch_size: int = whole(1024, "documents of a batch, online")
    kappa: float = number(
        0.7,
        "a number from 0 to 1, and above 0.5 to converge",
        lambda v: 0 <= v <= 1,
        "exponent of the decay of the rate",
    )
    tau0: float = number(10.0, "a number from 0 up", _not_negative, "delay of the decay of the rate")

    def check(self) -> None:
        """Raise ZooError for options that do not go together."""
        if self.online and self.restarts > 1:
            raise ZooError("online has one start: fit it with several seeds, or leave restarts out")


def prepare_options(request: FitRequest[VariationalEMOptions]) -> VariationalEMOptions:
    """The options, with ``start`` as arrays of the right shapes; raises ZooError."""
    start = request.options.start
    if start is None:
        return request.options
    given = check_start(start, request)
    return dataclasses.replace(
        request.options, start=given, restarts=1 if has_topics(given) else request.options.restarts
    )


def has_topics(start: Start | None) -> bool:
    """Whether a start has the topics, and not only proportions or hyperparameters."""
    return start is not None and bool(start.keys() & {"phi", "lambda"})


def check_start(start: object, request: FitRequest[VariationalEMOptions]) -> dict[str, np.ndarray]:
    """Arrays of the state of a fit, or ``phi`` (K, V); raises ZooError."""
    N, V, K = (request.keywords[letter] for letter in "NVK")
    shapes = {"phi": (K, V), "lambda": (K, V), "gamma": (N, K), "theta": (N, K), "alpha": (K,), "eta": ()}
    if not isinstance(start, Mapping) or not start:
        raise ZooError(f"start is a fit's state, or a dict of some of {', '.join(shapes)}, as in {{'phi': array}}")
    arrays = {}
    for name, value in start.items():
        if name not in shapes:
            raise unknown("name in start", name, shapes)
        value = read_numbers(name, value)
        if name == "gamma" and value.shape != shapes[name]:
            continue  # topics of one corpus may be the start on another
        if name != "theta" and value.shape != shapes[name]:
            raise ZooError(f"start has {name} of shape {value.shape}; {request.card.name} needs {shapes[name]} here")
        if not (np.isfinite(value).all() and (value >= 0).all() and (name == "phi" or (value > 0).all())):
            raise ZooError(f"start has {name} with numbers that are no {'probabilities' if name == 'phi' else name}")
        arrays[name] = value
    if arrays.keys() == {"theta"}:
        raise ZooError("start has theta, which follows from gamma: give gamma or phi")
    return arrays


def initial_hyperparameters(
    request: FitRequest[VariationalEMOptions], options: VariationalEMOptions
) -> tuple[np.ndarray, float]:
    """alpha (K,) and eta: those learned by the start, if any, else those of the model."""
    values = {**request.keywords, **(options.start or {})}
    return np.broadcast_to(np.asarray(values["alpha"], float), request.keywords["K"]).copy(), float(values["eta"])


def initial_lambda(
    request: FitRequest[VariationalEMOptions], options: VariationalEMOptions, tokens: int, seed: int
) -> np.ndarray:
    """lambda (V, K): that of the start; or random, 1 with a standard deviation of 0.1 for each word and topic.

    tokens: of the corpus. A start phi is taken as counts of an equal share of them.
    """
    V, K, start = request.keywords["V"], request.keywords["K"], options.start or {}
    if "lambda" in start:
        return np.ascontiguousarray(np.asarray(start["lambda"]).T)
    if "phi" in start:
        return np.ascontiguousarray(float(request.keywords["eta"]) + tokens / K * np.asarray(start["phi"]).T)
    return np.ascontiguousarray(np.random.default_rng(seed).gamma(100.0, 0.01, (K, V)).T)
