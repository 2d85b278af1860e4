import tempfile
from pathlib import Path

import numpy as np
import pyro
import torch
from pyro.infer import NUTS

from inference.engines.nuts.result import check_density, finalize
from inference.engines.starts.in_pyro import begin
from inference.exact.enumeration.in_pyro import marginalize
from inference.run.progress import Progress
from inference.run.workers import num_workers
from inference.unconstrained.curvature import precision, widths
from inference.unconstrained.in_pyro import UnconstrainedModel
from zoo._backend.in_pyro import runtime, to_backend, to_numpy


def run(request):
    options = request.options
    data, keywords = to_backend(request.table), to_backend(request.keywords)
    free = UnconstrainedModel(marginalize(request.program), keywords, data)
    seeds = range(request.seed, request.seed + options.num_chains)
    starts, said = begin(request, free, seeds)
    place = {torch.float32: "float32", torch.float64: "float64"}[torch.get_default_dtype()], torch.zeros(()).device.type
    with tempfile.TemporaryDirectory(prefix="zoo-nuts-", ignore_cleanup_errors=True) as folder:
        done = np.lib.format.open_memmap(Path(folder) / "done.npy", "w+", np.int64, (options.num_chains, 2))
        jobs = [
            (request, place, to_numpy(values), seed, done.filename, c)
            for c, (values, seed) in enumerate(zip(starts, seeds, strict=True))
        ]
        chains = (
            one_by_one(request, jobs, done)
            if len(jobs) == 1 or place[1] != "cpu"
            else side_by_side(request, jobs, done)
        )
        del done
    draws, stats = zip(*chains, strict=True)
    together = lambda dicts: {n: np.stack([d[n] for d in dicts]) for n in dicts[0]}  # noqa: E731
    return finalize(request, said, together(draws), together(stats))


def one_by_one(request, jobs, done):
    with Showing(request, done) as showing:
        return [chain(*job, showing) for job in jobs]


def side_by_side(request, jobs, done):
    """Every chain in a process of its own, as many at once as there are cores.

    The processes are new ones: a fork of one in which JAX has threads may hang.
    """
    from joblib.externals.loky import ProcessPoolExecutor, wait

    pool = ProcessPoolExecutor(num_workers(len(jobs)), env={"OMP_NUM_THREADS": "1"})
    try:
        with Showing(request, done) as showing:
            running = [pool.submit(chain, *job) for job in jobs]
            while wait(running, timeout=0.2, return_when="FIRST_EXCEPTION").not_done:
                if any(job.done() and job.exception() for job in running):
                    break
                showing()
            showing()
            return [job.result() for job in running]
    finally:
        pool.shutdown(kill_workers=True)  # whatever happens, no chain goes on alone


class Showing:
    """The progress of all chains, read off ``done``: (chain, 2) of iterations and divergences."""

    def __init__(self, request, done):
        self.done, self.warmup = done, request.options.num_warmup
        self.progress = Progress("nuts", len(done) * (self.warmup + request.options.num_samples), request.progress)

    def __enter__(self):
        self.progress.__enter__()
        return self

    def __exit__(self, *raised):
        self.progress.__exit__(*raised)

    def __call__(self):
        iterations, diverged = np.array(self.done).T
        phase = "warm-up" if iterations.min() < self.warmup else "draws"
        self.progress.update(int(iterations.sum()), f"{phase}, {diverged.sum()} divergences")


def chain(request, place, start, seed, done, which, showing=lambda: None):
    """One chain: its draws {site: (draw, *shape)} and what is known of each, {name: (draw,)}, in numpy."""
    options, done = request.options, np.load(done, mmap_mode="r+")
    if len(done) > 1 and place[1] == "cpu":
        torch.set_num_threads(1)  # the cores are for the chains
    with runtime(*place), torch.random.fork_rng(), pyro.validation_enabled(False):
        torch.manual_seed(seed)
        program = marginalize(request.program)
        free = UnconstrainedModel(program, to_backend(request.keywords), to_backend(request.table))
        value_grad_hvp, centre = free.value_grad_hvp(), free.flat(to_backend(start))
        at = centre.cpu().double().numpy()
        check_density(value_grad_hvp(at, np.zeros_like(at))[0])
        width = torch.as_tensor(widths(precision(value_grad_hvp, at))).to(centre)
        steps = 0

        def energy(z):
            nonlocal steps
            steps += 1
            return -free.log_density(centre + width * z["free"])

        kernel = NUTS(
            potential_fn=energy, target_accept_prob=options.target_accept, max_tree_depth=options.max_tree_depth
        )
        kernel.initial_params = z = {"free": torch.zeros_like(centre)}
        kernel.setup(options.num_warmup)
        draws, num_steps, lp = [], [], []
        for iteration in range(options.num_warmup + options.num_samples):
            steps = 0
            z = kernel.sample(z)
            if iteration >= options.num_warmup:
                values = {n: v.detach() for n, (v, _) in free.constrain(centre + width * z["free"]).items()}
                draws.append(to_numpy(values))
                num_steps.append(steps)
                with torch.no_grad():
                    lp.append(float(free.log_joint(values)))
            diverged = kernel.diagnostics()["divergences"] if iteration >= options.num_warmup else []
            done[which] = iteration + 1, len(diverged)
            showing()
        diverging = np.isin(np.arange(options.num_samples), diverged)
        stats = {"lp": np.array(lp), "diverging": diverging, "num_steps": np.array(num_steps)}
        return {n: np.stack([d[n] for d in draws]) for n in free.shapes}, stats
