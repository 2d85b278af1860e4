import numpy as np
import torch

from inference.engines.pathfinder.paths import run_paths, spread_starts
from inference.engines.starts.in_pyro import begin
from inference.exact.enumeration.in_pyro import marginalize
from inference.run.random_streams import chain_seeds
from inference.unconstrained.in_pyro import UnconstrainedModel
from zoo._backend.in_pyro import to_backend, to_numpy


def run(request):
    data, keywords = to_backend(request.table), to_backend(request.keywords)
    model = UnconstrainedModel(marginalize(request.program), keywords, data)
    seeds = chain_seeds(request.seed, request.options.num_paths)
    starts, start_method, _ = begin(request, model, seeds)
    usual = [model.unconstrain_numpy(values) for values in starts]
    points = spread_starts(usual, lambda seed: model.prior_vectors(seed, 1)[0], seeds)

    def to_vector(point):
        return torch.as_tensor(point).to(torch.zeros(()))

    @torch.no_grad()
    def log_densities(x):
        return np.array([model.log_density(to_vector(point)).item() for point in x])

    @torch.no_grad()
    def constrain(x):
        at_points = [model.constrain(to_vector(point)) for point in x]
        values = {n: torch.stack([at[n][0] for at in at_points]) for n in at_points[0]}
        log_jacobian = [sum(float(j.sum()) for _, j in at.values()) for at in at_points]
        return to_numpy(values), np.array(log_jacobian)

    return run_paths(request, points, start_method, model.value_grad_hvp(), log_densities, constrain)
