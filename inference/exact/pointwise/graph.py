"""Log densities of observed sites in a factor graph, discrete latents summed out."""

from __future__ import annotations

from collections.abc import Sequence

from inference.exact.enumeration.chains import ArrayFunctions
from inference.exact.enumeration.elimination import FactorGraph, is_linking
from zoo.errors import ZooError
from zoo.types import BackendParams


def site_log_likelihoods(
    graph: FactorGraph, sites: Sequence[str], functions: ArrayFunctions, has_rows: bool
) -> BackendParams:
    """The log density of each element of a site that depends on no discrete latent, and of each row of one that does.

    The latter only if ``has_rows``; a site whose rows are not independent given the parameters is left out.
    """
    discrete = {n: graph.factors[n] for v in graph.variables for n in v.factor_names}
    loop_of = {step: name for name, steps in graph.steps.items() for step in steps}
    by_site: BackendParams = {}
    for name in dict.fromkeys(loop_of.get(n, n) for n in sites):
        factor = graph.factors[name]
        if not any(is_linking(factor, v) for v in graph.variables):
            by_site[name] = factor.log[..., 0] if graph.has_loops else factor.log
            continue
        if not has_rows:
            continue
        try:
            by_site[name] = graph._replace(factors={**discrete, name: factor}).log_marginal_by_row(functions)
        except ZooError:  # a latent outside of the rows couples them
            continue
    return by_site
