import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro import handlers
from numpyro.infer import MCMC, SVI
from numpyro.infer.autoguide import AutoGuide
from numpyro.infer.util import log_density

from inference.exact.enumeration.in_numpyro import marginalize
from inference.external.draws import ExternalDraws
from inference.external.guides import SVIDraws, check_steps, name_of
from inference.unconstrained.in_numpyro import UnconstrainedModel
from zoo import ZooError
from zoo._backend.in_numpyro import to_backend


def read_mcmc(mcmc):
    if not isinstance(mcmc, MCMC):
        raise ZooError(f"from_mcmc takes a numpyro.infer.MCMC; given {type(mcmc).__name__}")
    try:
        samples, fields = mcmc.get_samples(group_by_chain=True), mcmc.get_extra_fields(group_by_chain=True)
    except (AssertionError, TypeError):  # the chains have not run
        samples, fields = {}, {}
    if not isinstance(samples, dict):
        raise ZooError("the draws have no names, as the sampler was given potential_fn: give it a model")
    draws = {name: np.asarray(value) for name, value in samples.items()}
    shape = next(iter(draws.values())).shape[:2] if draws else ()
    return ExternalDraws(
        name=name_of(getattr(mcmc.sampler, "model", None)),
        engine=type(mcmc.sampler).__name__,
        library="numpyro",
        version=numpyro.__version__,
        draws=draws,
        stats={n: np.asarray(v) for n, v in fields.items() if np.shape(v) == shape},
    )


def read_svi(svi, params, args, kwargs, num_draws, seed):
    if isinstance(svi, AutoGuide):
        model, guide, losses = svi.model, svi, ()
    elif isinstance(svi, SVI):
        model, guide, losses = svi.model, svi.guide, np.asarray(getattr(params, "losses", ()))
        kwargs = {**svi.static_kwargs, **kwargs}
        params = svi.get_params(params) if hasattr(params, "optim_state") else getattr(params, "params", params)
    else:
        raise ZooError(f"from_svi takes a numpyro.infer.SVI or an AutoGuide; given {type(svi).__name__}")
    if not isinstance(params, dict):
        raise ZooError("params is what SVI.run or SVI.get_params returned, or the state of SVI.update: give it")

    # JAX may confuse NumPy arrays that it compiled in 32 and in 64 bits
    args, kwargs, params = jax.tree.map(
        lambda v: jnp.asarray(v) if isinstance(v, np.ndarray) else v, (args, kwargs, params)
    )

    def trace_pair(key):
        guide_key, model_key = jax.random.split(key)
        log_q, guide_trace = log_density(handlers.seed(guide, guide_key), args, kwargs, params)
        replayed = handlers.replay(handlers.seed(model, model_key), trace=guide_trace)
        log_p, model_trace = log_density(replayed, args, kwargs, params)
        return log_q, guide_trace, log_p, model_trace

    _, guide_trace, _, model_trace = trace_pair(jax.random.PRNGKey(seed))
    latents = [n for n, s in model_trace.items() if s["type"] == "sample" and not s["is_observed"]]
    reported = [n for n, s in model_trace.items() if s["type"] == "deterministic"]
    plate_sizes = [s["args"] for s in model_trace.values() if s["type"] == "plate"]

    def draw(key):
        log_q, _, log_p, trace = trace_pair(key)
        return {n: trace[n]["value"] for n in (*latents, *reported)}, log_q, log_p

    values, log_q, log_p = jax.jit(jax.vmap(draw))(jax.random.split(jax.random.PRNGKey(seed), num_draws))
    return SVIDraws(
        name=name_of(model),
        guide=name_of(guide),
        library="numpyro",
        version=numpyro.__version__,
        values={n: np.asarray(v) for n, v in values.items()},
        latents=latents,
        guide_sites=[n for n in latents if n in guide_trace],
        log_q=np.asarray(log_q),
        log_p=np.asarray(log_p),
        is_subsampled=any(rows not in (None, size) for size, rows in plate_sizes),
        trace=-check_steps(losses),
    )


def log_joint(program, keywords, table, draws):
    model = UnconstrainedModel(marginalize(program), to_backend(keywords), to_backend(table))
    if not set(model.shapes) <= set(draws):
        return None
    values = to_backend({n: draws[n] for n in model.shapes})
    density = jax.jit(lambda batch, arrays: jax.lax.map(lambda v: model.log_joint(v, arrays), batch))
    return np.asarray(density({n: jnp.asarray(v) for n, v in values.items()}, model.arrays))
