import jax
import jax.numpy as jnp
import numpy as np

from inference.engines.pathfinder.paths import run_paths, spread_starts
from inference.engines.starts.in_numpyro import begin
from inference.exact.enumeration.in_numpyro import marginalize
from inference.run.random_streams import chain_seeds
from inference.unconstrained.in_numpyro import UnconstrainedModel
from zoo._backend.in_numpyro import to_backend, to_numpy
from zoo._distributions.in_numpyro import with_missing_pattern


def run(request):
    data, keywords = to_backend(request.table), to_backend(request.keywords)
    model = UnconstrainedModel(marginalize(with_missing_pattern(request.program, request.table)), keywords, data)
    seeds = chain_seeds(request.seed, request.options.num_paths)
    starts, start_method, _ = begin(request, model, seeds)
    usual = [model.unconstrain_numpy(values) for values in starts]
    points = spread_starts(usual, lambda seed: model.prior_vectors(seed, 1)[0], seeds)
    density = jax.jit(jax.vmap(model.log_density, (0, None)))

    def log_densities(x):
        return np.asarray(density(jnp.asarray(x), model.arrays), float)

    def constrain(x):
        values = jax.jit(jax.vmap(model.constrain))(jnp.asarray(x))
        log_jacobian = np.sum([np.asarray(j, float).reshape(len(x), -1).sum(-1) for _, j in values.values()], axis=0)
        return to_numpy({n: v for n, (v, _) in values.items()}), log_jacobian

    return run_paths(request, points, start_method, model.value_grad_hvp(), log_densities, constrain)
