import numpy as np
import pyro
import torch
from pyro import poutine
from pyro.infer import MCMC, SVI
from pyro.infer.autoguide import AutoGuide
from pyro.poutine.subsample_messenger import _Subsample

from inference.exact.enumeration.in_pyro import marginalize
from inference.external.draws import ExternalDraws
from inference.external.guides import SVIDraws, check_steps, name_of
from inference.unconstrained.in_pyro import UnconstrainedModel
from zoo import ZooError
from zoo._backend.in_pyro import sample_nodes, to_backend, to_numpy


def read_mcmc(mcmc):
    if not isinstance(mcmc, MCMC):
        raise ZooError(f"from_mcmc takes a pyro.infer.MCMC; given {type(mcmc).__name__}, which stores no draws")
    try:
        draws = to_numpy(mcmc.get_samples(group_by_chain=True))
    except AttributeError:  # the chains have not run
        draws = {}
    stats = {}
    divergences = mcmc.diagnostics().get("divergences") if draws else None
    if divergences is not None:
        shape = next(iter(draws.values())).shape[:2]
        stats["diverging"] = np.array([np.isin(np.arange(shape[1]), steps) for steps in divergences.values()])
    return ExternalDraws(
        name=name_of(getattr(mcmc.kernel, "model", None)),
        engine=type(mcmc.kernel).__name__,
        library="pyro",
        version=pyro.__version__,
        draws=draws,
        stats=stats,
    )


def read_svi(svi, params, args, kwargs, num_draws, seed):
    if not isinstance(svi, SVI | AutoGuide):
        raise ZooError(f"from_svi takes a pyro.infer.SVI or an AutoGuide; given {type(svi).__name__}")
    model, guide = (svi.model, svi if isinstance(svi, AutoGuide) else svi.guide)
    if params is not None and not isinstance(params, list | tuple | np.ndarray):
        raise ZooError("Pyro has its parameters in the parameter store: leave params out, or give the list of losses")
    draws, log_q, log_p = [], [], []
    with torch.no_grad(), torch.random.fork_rng(), poutine.block():
        torch.manual_seed(seed)
        for _ in range(num_draws):
            guide_trace = poutine.trace(guide).get_trace(*args, **kwargs)
            model_trace = poutine.trace(poutine.replay(model, trace=guide_trace)).get_trace(*args, **kwargs)
            nodes = sample_nodes(model_trace.nodes)
            latents = [n for n, s in nodes.items() if not s["is_observed"]]
            reported = [n for n, s in nodes.items() if s["infer"].get("_deterministic")]
            draws.append(to_numpy({n: nodes[n]["value"] for n in (*latents, *reported)}))
            log_q.append(float(guide_trace.log_prob_sum()))
            log_p.append(float(model_trace.log_prob_sum()))
    plates = [s["fn"] for s in model_trace.nodes.values() if isinstance(s.get("fn"), _Subsample)]
    return SVIDraws(
        name=name_of(model),
        guide=name_of(guide),
        library="pyro",
        version=pyro.__version__,
        values={n: np.stack([d[n] for d in draws]) for n in draws[0]},
        latents=latents,
        guide_sites=[n for n in latents if n in guide_trace.nodes],
        log_q=np.array(log_q),
        log_p=np.array(log_p),
        is_subsampled=any(plate.subsample_size not in (None, plate.size) for plate in plates),
        trace=-check_steps(() if params is None else params),
    )


def log_joint(program, keywords, table, draws):
    model = UnconstrainedModel(marginalize(program), to_backend(keywords), to_backend(table))
    if not set(model.shapes) <= set(draws):
        return None
    values = to_backend({n: draws[n] for n in model.shapes})
    count = len(next(iter(values.values())))
    with torch.no_grad():
        return np.array([float(model.log_joint({n: v[i] for n, v in values.items()})) for i in range(count)])
