"""A fit by EM, the same for both backends."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypedDict

import numpy as np

from inference.engines import EngineResult, FitRequest
from inference.engines.em import closed_form
from inference.engines.em.backend import EMBackend
from inference.engines.em.diagnostics import EMDiagnostics
from inference.engines.em.enumeration import EnumerationEM
from inference.engines.em.iteration import Restarts, run_restarts
from inference.engines.em.linear_chain.algorithm import LinearChainEM
from inference.engines.em.linear_gaussian.algorithm import LinearGaussianEM
from inference.engines.em.options import EMOptions, PreparedOptions, prepare_options
from inference.engines.options import EngineOptions
from inference.engines.starts import describe_start, start_method
from zoo import ZooError
from zoo.data.observed import observed_rows
from zoo.data.tables import SEQUENCES

Algorithm = EnumerationEM | LinearGaussianEM | LinearChainEM


class InformationCriteria(TypedDict):
    """Information criteria; smaller is better."""

    aic: float
    bic: float
    icl: float
    sabic: float
    caic: float


def run(backend: EMBackend, request: FitRequest[EMOptions]) -> EngineResult:
    """Fit by exact EM, or by the model's own variational EM."""
    variational = closed_form.variational_form(request.card)
    if variational:
        return variational.run(request)
    options = prepare_options(request)
    with precision(backend, request, options):
        algorithm = make_algorithm(backend, request, options)
        runs = run_above_floor(request, algorithm, options)
        best = runs.best
        params, further = algorithm.finalize(best.state)
        log_likelihood = float(best.trace[-1] - algorithm.log_prior(best.state))
        method = start_method(request.card)
        diagnostics = EMDiagnostics(
            start="given" if params.keys() <= options.start.keys() else describe_start(options.start, method),
            iterations=len(best.trace) - 1,
            converged=best.converged,
            objective=options.objective,
            restarts=runs.objectives,
            collapsed_restarts=runs.num_collapsed,
            parameters=algorithm.num_parameters,
            log_likelihood=log_likelihood,
            **information_criteria(
                log_likelihood,
                algorithm.num_parameters,
                observed_weight(request, options),
                algorithm.entropy(best.state),
            ),
            **further,
        )
        return EngineResult(params=params, trace=best.trace, diagnostics=diagnostics)


def run_above_floor(
    request: FitRequest[EMOptions],
    algorithm: Algorithm,
    options: PreparedOptions,
) -> Restarts[Any]:
    """The runs from all starts; once more with a lower floor of the noise, where it fell to the floor in each."""
    try:
        return run_restarts(request, algorithm, options, options.total_weight)
    except ZooError as error:
        if not (isinstance(algorithm, LinearGaussianEM) and algorithm.lower_floor()):
            raise
        try:
            return run_restarts(request, algorithm, options, options.total_weight)
        except (ZooError, ArithmeticError, np.linalg.LinAlgError):
            raise error from None


def make_algorithm(backend: EMBackend, request: FitRequest[EngineOptions], options: PreparedOptions) -> Algorithm:
    """The EM algorithm of a model: the closed form of linear-Gaussian models and chains, or that of enumeration."""
    if options.closed_form and closed_form.linear_gaussian_form(request.model):
        return LinearGaussianEM(request, options)
    if options.closed_form and closed_form.linear_chain_form(request.model):
        return LinearChainEM(request, options)
    return EnumerationEM(backend, request, options)


def precision(
    backend: EMBackend, request: FitRequest[EngineOptions], options: PreparedOptions
) -> AbstractContextManager[object]:
    """The context of the arithmetic: 64 bits for a closed form, since sums of squares in 32 bits lose four digits."""
    model = request.model
    closed = options.closed_form and (closed_form.exponential_family_form(model) or closed_form.chain_form(model))
    return backend.float64() if closed else nullcontext()


def observed_weight(request: FitRequest[EngineOptions], options: PreparedOptions) -> float:
    """The number of observations, counted by their weights: rows with a value, or steps with one in sequences."""
    weights, sites = options.sample_weight, request.card.sites(request.keywords)
    is_observed = observed_rows(request.card, request.table, request.keywords)
    if is_observed is None or len(is_observed) != len(weights):
        return options.total_weight
    of_steps = [v.reshape(*v.shape[:2], -1) for n, v in request.table.items() if sites[n].dims[:2] == SEQUENCES]
    if of_steps:
        return float(weights @ (~np.isnan(np.concatenate(of_steps, -1))).any(-1).sum(1))
    return float(weights @ is_observed)


def information_criteria(
    log_likelihood: float, num_parameters: int, num_rows: float, entropy: float
) -> InformationCriteria:
    """AIC (Akaike 1974), BIC (Schwarz 1978), ICL (Biernacki, Celeux and Govaert 2000), SABIC (Sclove 1987), and CAIC.

    With p parameters and n rows, -2 log-likelihood plus: AIC 2 p; BIC p log n; ICL that of BIC and twice the entropy of
    the labels; SABIC, the sample-size adjusted BIC, p log((n + 2) / 24); CAIC, the consistent AIC, p (log n + 1)
    (Bozdogan 1987). Smaller is better. num_rows: of rows, or steps of sequences, with an
    observed value.

    >>> {name: round(value, 2) for name, value in information_criteria(-100.0, 3, 1.0, 2.0).items()}
    {'aic': 206.0, 'bic': 200.0, 'icl': 204.0, 'sabic': 193.76, 'caic': 203.0}
    """
    deviance = -2 * log_likelihood
    bic = float(deviance + num_parameters * np.log(num_rows))
    return {
        "aic": deviance + 2 * num_parameters,
        "bic": bic,
        "icl": bic + 2 * entropy,
        "sabic": float(deviance + num_parameters * np.log((num_rows + 2) / 24)),
        "caic": bic + num_parameters,
    }
