import time
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from inference.engines.nuts.result import check_density, make_result
from inference.engines.starts.in_numpyro import begin
from inference.exact.enumeration.in_numpyro import marginalize
from inference.run.progress import Progress
from inference.run.random_streams import chain_seeds
from inference.run.workers import num_workers
from inference.unconstrained.curvature import local_scales, negative_hessian
from inference.unconstrained.in_numpyro import UnconstrainedModel
from zoo._backend.in_numpyro import to_backend, to_numpy
from zoo._distributions.in_numpyro import with_missing_pattern

MAX_CHUNK = 50  # iterations of a chain between two updates of the progress
CHUNK_SECONDS = 0.5  # of a chunk that is shorter


def run(request):
    options = request.options
    data, keywords = to_backend(request.table), to_backend(request.keywords)
    model = UnconstrainedModel(marginalize(with_missing_pattern(request.program, request.table)), keywords, data)
    seeds = chain_seeds(request.seed, options.num_chains)
    starts, start_method = begin(request, model, seeds)
    vectorised = is_vectorised()
    initialize, advance = make_sampler(model, options, vectorised)
    keys = np.asarray(jax.random.split(jax.random.PRNGKey(request.seed), options.num_chains))
    with ThreadPoolExecutor(num_workers(options.num_chains)) as pool:
        compiled = pool.submit(advance.compile)  # during the computations at the starts
        value_grad_hvp = model.value_grad_hvp()
        points = [local_geometry(value_grad_hvp, model.unconstrain_numpy(values)) for values in starts]
        chains = [[jnp.asarray(part) for part in (*point, key)] for point, key in zip(points, keys, strict=True)]
        if vectorised:
            chains = [[jnp.stack(parts) for parts in zip(*chains, strict=True)]]
        jobs = [(initialize(*chain, model.arrays), chain[:2]) for chain in chains]
        outputs = run_jobs(request, pool, compiled.result(), jobs, model.arrays)
    outputs = [np.concatenate(parts) if vectorised else np.stack(parts) for parts in zip(*outputs, strict=True)]
    draws, lp = constrain_draws(model, points, *outputs[:2])
    stats = dict(zip(("diverging", "accept_prob", "num_steps"), outputs[2:], strict=True))
    return make_result(request, start_method, draws, {"lp": lp, **stats})


def is_vectorised():
    """Whether all chains are one compiled run, as on an accelerator; on a CPU each chain has a thread of its own."""
    (device,) = jnp.zeros(()).devices()
    return device.platform != "cpu"


def constrain_draws(model, points, z, energy):
    """The draws by site, and the log joint density of their values; z is (chain, draw, size)."""
    centre, scale = (np.stack([point[i] for point in points])[:, None] for i in (0, 1))
    values = jax.jit(jax.vmap(jax.vmap(model.constrain)))(jnp.asarray(centre + scale * z))
    log_jacobian = sum(np.asarray(j).reshape(*energy.shape, -1).sum(-1) for _, j in values.values())
    return to_numpy({n: v for n, (v, _) in values.items()}), -energy - log_jacobian


def local_geometry(value_grad_hvp, point):
    """The start of a chain: the point, the local scales, and the energy and its gradient in units of the scales."""
    value, gradient, _ = value_grad_hvp(point, np.zeros_like(point))
    check_density(value)
    scale = local_scales(negative_hessian(value_grad_hvp, point))
    return point, scale, -value, -gradient * scale


def make_sampler(model, options, vectorised):
    """Two functions: the state of a chain at its start, and, not yet compiled, the state after some iterations."""

    def energy(centre, scale, arrays):
        return lambda z: -model.log_density(centre + scale * z, arrays)

    init, sample = hmc(potential_fn_gen=energy)

    def initialize(centre, scale, value, gradient, key, arrays):
        return init(
            ParamInfo(jnp.zeros_like(centre), value, gradient),
            options.num_warmup,
            target_accept_prob=options.target_accept,
            max_tree_depth=options.max_tree_depth,
            model_args=(centre, scale, arrays),
            rng_key=key,
        )

    def output(state):
        return state.z, state.potential_energy, state.diverging, state.accept_prob, state.num_steps

    def advance(state, coordinates, count, arrays):
        def iterate(i, carry):
            state, buffers = carry
            state = sample(state, (*coordinates, arrays))
            return state, jax.tree.map(lambda buffer, new: buffer.at[i].set(new), buffers, output(state))

        buffers = jax.tree.map(lambda v: jnp.zeros((MAX_CHUNK, *v.shape), v.dtype), output(state))
        return jax.lax.fori_loop(0, count, iterate, (state, buffers))

    vector, scalar, key = jnp.zeros(model.size), jnp.zeros(()), jax.random.PRNGKey(0)
    example = [vector, vector, scalar, vector, key]
    if vectorised:
        initialize, advance = jax.vmap(initialize, (0, 0, 0, 0, 0, None)), jax.vmap(advance, (0, 0, None, None))
        example = [jnp.broadcast_to(part, (options.num_chains, *part.shape)) for part in example]
    state = jax.eval_shape(initialize, *example, model.arrays)
    return jax.jit(initialize), jax.jit(advance).lower(state, example[:2], np.int32(0), model.arrays)


def run_jobs(request, pool, advance, jobs, arrays):
    """The outputs of each job after warm-up; jobs run in threads, since compiled code does not hold the interpreter."""
    warmup, total = request.options.num_warmup, request.options.num_warmup + request.options.num_samples
    done, divergences, stop = [0] * len(jobs), [0] * len(jobs), Event()

    def draw(job):
        state, coordinates = jobs[job]
        chunks, count, axis = [], 1, 0
        while done[job] < total and not stop.is_set():
            start = time.perf_counter()
            count = min(count, total - done[job])
            state, buffers = advance(state, coordinates, np.int32(count), arrays)
            axis = buffers[1].ndim - 1  # iterations come after the chains of the job
            chunks.append([np.asarray(b).take(range(count), axis) for b in buffers])
            done[job] += count
            divergences[job] += int(chunks[-1][2].sum()) if done[job] > warmup else 0
            seconds = (time.perf_counter() - start) / count
            count = int(np.clip(CHUNK_SECONDS / seconds, 1, min(MAX_CHUNK, 10 * count)))
        return [np.concatenate(buffers, axis).take(range(warmup, total), axis) for buffers in zip(*chunks, strict=True)]

    with Progress("nuts", len(jobs) * total, request.progress) as progress:
        running = [pool.submit(draw, job) for job in range(len(jobs))]
        try:
            while wait(running, timeout=0.1, return_when="FIRST_EXCEPTION").not_done:
                phase = "warm-up" if min(done) < warmup else "draws"
                progress.update(sum(done), f"{phase}, {sum(divergences)} divergences")
            progress.update(sum(done), f"{sum(divergences)} divergences")
            return [job.result() for job in running]
        finally:
            stop.set()  # no chain continues after an error in another
