import time
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from inference.engines.nuts.record import ChainCheckpoint, ChainRecord
from inference.engines.nuts.result import check_density, make_result, share_starts, start_vector
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
    starts, start_method, _ = begin(request, model, seeds)
    starts = share_starts(options, starts)
    vectorised = is_vectorised()
    initialize, advance = make_sampler(model, options, vectorised)
    keys = np.asarray(jax.random.split(jax.random.PRNGKey(request.seed), options.num_chains))
    with ThreadPoolExecutor(num_workers(options.num_chains)) as pool:
        compiled = pool.submit(advance.compile)  # during the computations at the starts
        value_grad_hvp = model.value_grad_hvp()
        begin_at = [start_vector(request, model, value_grad_hvp, v, s) for v, s in zip(starts, seeds, strict=True)]
        points = [local_geometry(value_grad_hvp, point) for point in begin_at]
        chains = [[jnp.asarray(part) for part in (*point, key)] for point, key in zip(points, keys, strict=True)]
        if vectorised:
            chains = [[jnp.stack(parts) for parts in zip(*chains, strict=True)]]
        jobs = [
            Job(request, number, initialize(*chain, model.arrays), chain[:2], vectorised)
            for number, chain in enumerate(chains)
        ]
        whole = run_jobs(request, pool, compiled.result(), jobs, model.arrays)
    join = np.concatenate if vectorised else np.stack
    records = [job.record.arrays() for job in whole]
    stats = {n: join([record[n] for record in records]) for n in records[0]}
    centre, scale = (join([np.asarray(job.coordinates[i]) for job in whole]) for i in (0, 1))
    draws, lp = constrain_draws(model, centre, scale, stats.pop("z"), stats.pop("energy"))
    return make_result(request, start_method, draws, {"lp": lp, **stats})


def is_vectorised():
    """Whether all chains are one compiled run, as on an accelerator; on a CPU each chain has a thread of its own."""
    (device,) = jnp.zeros(()).devices()
    return device.platform != "cpu"


def constrain_draws(model, centre, scale, z, energy):
    """The draws by site, and the log joint density of their values.

    centre, scale: of the coordinates of each chain, (chain, size); z: in these, (chain, draw, size).
    """
    values = jax.jit(jax.vmap(jax.vmap(model.constrain)))(jnp.asarray(centre[:, None] + scale[:, None] * z))
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
        made = {"diverging": state.diverging, "num_steps": state.num_steps, "total_energy": state.energy}
        return made, {"z": state.z, "energy": state.potential_energy, "accept_prob": state.accept_prob}

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


class Job:
    """A chain, or all chains together: its state, the coordinates that it moves in, and its record."""

    def __init__(self, request, number, state, coordinates, vectorised):
        self.record, self.coordinates = ChainRecord(request.options, axis=int(vectorised)), coordinates
        self.leaves, self.structure = jax.tree.flatten(state)
        dtype, (device,) = str(jnp.zeros(()).dtype), jnp.zeros(()).devices()
        self.checkpoint = ChainCheckpoint.from_request(request, number, dtype, device.platform)
        saved = self.checkpoint.resume(self.record) if self.checkpoint else None
        if saved is not None:
            self.leaves = [jnp.asarray(saved[str(i)]) for i in range(len(self.leaves))]

    def run(self, advance, arrays, stop):
        """Draw until the record is whole, or ``stop`` is set."""
        state, record, count = jax.tree.unflatten(self.structure, self.leaves), self.record, 1
        while not record.is_whole and not stop.is_set():
            start = time.perf_counter()
            count = min(count, record.total - record.done)
            if self.checkpoint:
                count = min(count, self.checkpoint.every - record.done % self.checkpoint.every)
            state, buffers = advance(state, self.coordinates, np.int32(count), arrays)
            positions = record.positions(count)
            record.add(
                count,
                *(
                    {n: np.asarray(v).take(p, record.axis) for n, v in buffer.items()}
                    for buffer, p in zip(buffers, positions, strict=True)
                ),
            )
            self.leaves = jax.tree.leaves(state)
            if self.checkpoint and self.checkpoint.is_due(record):
                self.save()
            seconds = (time.perf_counter() - start) / count
            count = int(np.clip(CHUNK_SECONDS / seconds, 1, min(MAX_CHUNK, 10 * count)))

    def save(self):
        """Write the checkpoint, where there is one."""
        if self.checkpoint:
            self.checkpoint.save(self.record, {str(i): np.asarray(leaf) for i, leaf in enumerate(self.leaves)})


def run_jobs(request, pool, advance, jobs, arrays):
    """Run the jobs in threads, since compiled code does not hold the interpreter; those that are whole.

    An interrupt ends the others, and is raised where none is whole.
    """
    stop, warmup, total = Event(), request.options.num_warmup, sum(job.record.total for job in jobs)
    with Progress("nuts", total, request.progress) as progress:
        running = [pool.submit(job.run, advance, arrays, stop) for job in jobs]
        try:
            while (outcome := wait(running, timeout=0.1, return_when="FIRST_EXCEPTION")).not_done:
                show(progress, jobs, "warm-up, " if min(job.record.done for job in jobs) < warmup else "draws, ")
                for job in outcome.done:
                    job.result()
            show(progress, jobs)
            for job in running:
                job.result()
        except KeyboardInterrupt:
            stop.set()
            wait(running)
            for job in jobs:
                job.save()
            if not any(job.record.is_whole for job in jobs):
                raise
        finally:
            stop.set()  # no chain continues after an error in another
    return [job for job in jobs if job.record.is_whole]


def show(progress, jobs, phase=""):
    divergences = sum(job.record.divergences for job in jobs)
    progress.update(sum(job.record.done for job in jobs), f"{phase}{divergences} divergences")
