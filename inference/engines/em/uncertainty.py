"""The uncertainty of an EM fit: the curvature of its objective, and refits to resampled or simulated rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np

from inference.engines import FitRequest
from inference.engines.em import ENGINE
from inference.engines.em.backend import EMBackend
from inference.engines.em.enumeration import EnumerationEM
from inference.engines.em.iteration import run_em
from inference.engines.em.options import EMOptions, prepare_options
from inference.engines.em.running import make_algorithm, precision, run_above_floor
from inference.record import FitRecord
from zoo import ZooError


def request_of(fit: FitRecord) -> FitRequest[EMOptions]:
    """The request that made a fit by EM."""
    options = cast(EMOptions, ENGINE.make_options(fit.options, fit.model.card))
    return FitRequest(fit.model, fit.keywords, dict(fit.observed_data()), fit.seed, options, progress=False)


class Curvature(NamedTuple):
    """The objective near a point, in P unconstrained coordinates.

    hessian: (P, P). point: (P,). constrain: from coordinates (S, P) to parameters ``{site: (S, ...)}``.
    """

    hessian: np.ndarray
    point: np.ndarray
    constrain: Callable[[np.ndarray], dict[str, np.ndarray]]


def curvature(backend: EMBackend, request: FitRequest[EMOptions], params: dict[str, np.ndarray]) -> Curvature:
    """The curvature of EM's objective at ``params``."""
    general = EnumerationEM(backend, request, prepare_options(request), closed=False).general
    values = {n: backend.to_array(v) for n, v in params.items()}
    point = np.asarray(general.unconstrain(values))
    return Curvature(general.hessian(values), point, lambda points: backend.vmap(general.constrain, points))


def refit(
    backend: EMBackend,
    request: FitRequest[EMOptions],
    params: dict[str, np.ndarray],
    resamples: Iterable[np.ndarray],
) -> list[dict[str, np.ndarray]]:
    """The parameters after EM from ``params`` for each set of weights (N,) of the rows."""
    options = replace(prepare_options(request), start=params)
    with precision(backend, request, options):
        algorithm = make_algorithm(backend, request, options)

        def refit_one(weights: np.ndarray) -> dict[str, np.ndarray]:
            algorithm.set_weights(weights)
            last = run_em(
                algorithm.step,
                algorithm.initialize(request.seed),
                max_iter=options.max_iter,
                tol=options.tol * float(weights.sum()),
                rounding=algorithm.rounding,
            )
            return algorithm.finalize(last.state)[0]

        return [refit_one(weights) for weights in resamples]


def refit_tables(
    backend: EMBackend,
    request: FitRequest[EMOptions],
    tables: Sequence[dict[str, np.ndarray]],
    seeds: Sequence[int],
) -> np.ndarray:
    """The log-likelihood after EM of other data of the same sizes, (tables,); NaN where it has no maximum.

    A closed form is compiled once for all tables. Rows without values are those of the request.
    """
    options, values = prepare_options(request), []
    with precision(backend, request, options):
        algorithm = None
        for table, seed in zip(tables, seeds, strict=True):
            one = replace(request, table=table, seed=seed)
            try:
                if not (isinstance(algorithm, EnumerationEM) and algorithm.set_table(table)):
                    algorithm = make_algorithm(backend, one, options)
                best = run_above_floor(one, algorithm, options).best
                values.append(float(best.trace[-1] - algorithm.log_prior(best.state)))
            except (ZooError, ArithmeticError, np.linalg.LinAlgError):
                values.append(np.nan)
    return np.array(values)
