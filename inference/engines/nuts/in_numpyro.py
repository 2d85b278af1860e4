import time
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from inference.engines.nuts.result import check_density, finalize
from inference.engines.starts.in_numpyro import begin
from inference.exact.enumeration.in_numpyro import marginalize
from inference.run.progress import Progress
from inference.run.workers import num_workers
from inference.unconstrained.curvature import precision, widths
from inference.unconstrained.in_numpyro import UnconstrainedModel
from zoo._backend.in_numpyro import to_backend, to_numpy
from zoo._distributions.in_numpyro import with_missing_pattern

CHUNK = 50  # iterations, at most, between two looks from outside
PATIENCE = 0.5  # seconds that are wanted between them


def run(request):
    options = request.options
    data, keywords = to_backend(request.table), to_backend(request.keywords)
    free = UnconstrainedModel(marginalize(with_missing_pattern(request.program, request.table)), keywords, data)
    seeds = range(request.seed, request.seed + options.num_chains)
    starts, said = begin(request, free, seeds)
    together = in_step()
    begun, advance = sampler(free, options, together)
    keys = np.asarray(jax.random.split(jax.random.PRNGKey(request.seed), options.num_chains))
    with ThreadPoolExecutor(num_workers(options.num_chains)) as pool:
        compiled = pool.submit(advance.compile)  # while the starts are looked at
        value_grad_hvp = free.value_grad_hvp()
        frames = [frame_at(value_grad_hvp, free.numbers(values)) for values in starts]
        chains = [[jnp.asarray(part) for part in (*frame, key)] for frame, key in zip(frames, keys, strict=True)]
        if together:
            chains = [[jnp.stack(parts) for parts in zip(*chains, strict=True)]]
        jobs = [(begun(*chain, free.arrays), chain[:2]) for chain in chains]
        kept = side_by_side(request, pool, compiled.result(), jobs, free.arrays)
    kept = [np.concatenate(parts) if together else np.stack(parts) for parts in zip(*kept, strict=True)]
    draws, lp = constrained(free, frames, *kept[:2])
    stats = dict(zip(("diverging", "accept_prob", "num_steps"), kept[2:], strict=True))
    return finalize(request, said, draws, {"lp": lp, **stats})


def in_step():
    """Whether chains are one compiled run: so on an accelerator, while on a CPU each has a thread of its own."""
    (device,) = jnp.zeros(()).devices()
    return device.platform != "cpu"


def constrained(free, frames, z, energy):
    """The draws as their latents stand, by site, and the log joint density there; z is (chain, draw, size)."""
    centre, width = (np.stack([frame[i] for frame in frames])[:, None] for i in (0, 1))
    values = jax.jit(jax.vmap(jax.vmap(free.constrain)))(jnp.asarray(centre + width * z))
    log_jacobian = sum(np.asarray(j).reshape(*energy.shape, -1).sum(-1) for _, j in values.values())
    return to_numpy({n: v for n, (v, _) in values.items()}), -energy - log_jacobian


def frame_at(value_grad_hvp, at):
    """Where a chain begins: the point, the widths of the density there, and its energy and slope in those widths."""
    value, gradient, _ = value_grad_hvp(at, np.zeros_like(at))
    check_density(value)
    width = widths(precision(value_grad_hvp, at))
    return at, width, -value, -gradient * width


def sampler(free, options, together):
    """``begun``, the state of a chain at its start; and ``advance`` by some iterations, not yet compiled."""

    def energy(centre, width, arrays):
        return lambda z: -free.log_density(centre + width * z, arrays)

    init, sample = hmc(potential_fn_gen=energy)

    def begun(centre, width, value, slope, key, arrays):
        return init(
            ParamInfo(jnp.zeros_like(centre), value, slope),
            options.num_warmup,
            target_accept_prob=options.target_accept,
            max_tree_depth=options.max_tree_depth,
            model_args=(centre, width, arrays),
            rng_key=key,
        )

    def kept(state):
        return state.z, state.potential_energy, state.diverging, state.accept_prob, state.num_steps

    def advance(state, frame, count, arrays):
        def one(i, carry):
            state, all_kept = carry
            state = sample(state, (*frame, arrays))
            return state, jax.tree.map(lambda buffer, new: buffer.at[i].set(new), all_kept, kept(state))

        buffers = jax.tree.map(lambda v: jnp.zeros((CHUNK, *v.shape), v.dtype), kept(state))
        return jax.lax.fori_loop(0, count, one, (state, buffers))

    vector, number, key = jnp.zeros(free.size), jnp.zeros(()), jax.random.PRNGKey(0)
    example = [vector, vector, number, vector, key]
    if together:
        begun, advance = jax.vmap(begun, (0, 0, 0, 0, 0, None)), jax.vmap(advance, (0, 0, None, None))
        example = [jnp.broadcast_to(part, (options.num_chains, *part.shape)) for part in example]
    state = jax.eval_shape(begun, *example, free.arrays)
    return jax.jit(begun), jax.jit(advance).lower(state, example[:2], np.int32(0), free.arrays)


def side_by_side(request, pool, advance, jobs, arrays):
    """What each job kept of its draws, after warm-up; jobs run in threads, for compiled code needs no interpreter."""
    warmup, total = request.options.num_warmup, request.options.num_warmup + request.options.num_samples
    done, diverged, stop = [0] * len(jobs), [0] * len(jobs), Event()

    def draw(job):
        state, frame = jobs[job]
        parts, count = [], 1
        while done[job] < total and not stop.is_set():
            since = time.perf_counter()
            count = min(count, total - done[job])
            state, buffers = advance(state, frame, np.int32(count), arrays)
            axis = buffers[1].ndim - 1  # iterations come after the chains of the job
            parts.append([np.asarray(b).take(range(count), axis) for b in buffers])
            done[job] += count
            diverged[job] += int(parts[-1][2].sum()) if done[job] > warmup else 0
            pace = (time.perf_counter() - since) / count
            count = int(np.clip(PATIENCE / pace, 1, min(CHUNK, 10 * count)))
        return [np.concatenate(buffers, axis).take(range(warmup, total), axis) for buffers in zip(*parts, strict=True)]

    with Progress("nuts", len(jobs) * total, request.progress) as progress:
        running = [pool.submit(draw, job) for job in range(len(jobs))]
        try:
            while wait(running, timeout=0.1, return_when="FIRST_EXCEPTION").not_done:
                phase = "warm-up" if min(done) < warmup else "draws"
                progress.update(sum(done), f"{phase}, {sum(diverged)} divergences")
            progress.update(sum(done), f"{sum(diverged)} divergences")
            return [job.result() for job in running]
        finally:
            stop.set()  # whatever happens, no chain goes on alone
