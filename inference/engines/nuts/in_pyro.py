import tempfile
from pathlib import Path

import numpy as np
import torch
from pyro.infer import NUTS

from inference.engines.nuts.result import check_density, make_result
from inference.engines.starts.in_pyro import begin
from inference.exact.enumeration.in_pyro import marginalize
from inference.run.progress import Progress
from inference.run.random_streams import chain_seeds
from inference.run.workers import num_workers
from inference.unconstrained.curvature import local_scales, negative_hessian
from inference.unconstrained.in_pyro import UnconstrainedModel
from zoo._backend.in_pyro import runtime, to_backend, to_numpy


def run(request):
    options = request.options
    data, keywords = to_backend(request.table), to_backend(request.keywords)
    model = UnconstrainedModel(marginalize(request.program), keywords, data)
    seeds = chain_seeds(request.seed, options.num_chains)
    starts, start_method = begin(request, model, seeds)
    dtype = {torch.float32: "float32", torch.float64: "float64"}[torch.get_default_dtype()]
    device = torch.zeros(()).device.type
    with tempfile.TemporaryDirectory(prefix="zoo-nuts-", ignore_cleanup_errors=True) as folder:
        counts = np.lib.format.open_memmap(Path(folder) / "counts.npy", "w+", np.int64, (options.num_chains, 2))
        jobs = [
            (request, (dtype, device), to_numpy(values), seed, counts.filename, chain)
            for chain, (values, seed) in enumerate(zip(starts, seeds, strict=True))
        ]
        run_chains = run_sequentially if len(jobs) == 1 or device != "cpu" else run_processes
        chains = run_chains(request, jobs, counts)
        del counts
    draws, stats = zip(*chains, strict=True)
    return make_result(request, start_method, stack(draws), stack(stats))


def stack(chains):
    return {n: np.stack([chain[n] for chain in chains]) for n in chains[0]}


def run_sequentially(request, jobs, counts):
    with ChainProgress(request, counts) as progress:
        return [run_chain(*job, progress.update) for job in jobs]


def run_processes(request, jobs, counts):
    """Every chain in a process of its own, as many at once as there are cores.

    The processes are new ones: a fork of a process in which JAX has threads may hang.
    """
    from joblib.externals.loky import ProcessPoolExecutor, wait

    pool = ProcessPoolExecutor(num_workers(len(jobs)), env={"OMP_NUM_THREADS": "1"})
    try:
        with ChainProgress(request, counts) as progress:
            running = [pool.submit(run_chain, *job) for job in jobs]
            while wait(running, timeout=0.2, return_when="FIRST_EXCEPTION").not_done:
                if any(job.done() and job.exception() for job in running):
                    break
                progress.update()
            progress.update()
            return [job.result() for job in running]
    finally:
        pool.shutdown(kill_workers=True)  # no chain continues after an error in another


class ChainProgress:
    """The progress of all chains, read from ``counts``: (chain, 2) of iterations and divergences."""

    def __init__(self, request, counts):
        self.counts, self.warmup = counts, request.options.num_warmup
        self.progress = Progress("nuts", len(counts) * (self.warmup + request.options.num_samples), request.progress)

    def __enter__(self):
        self.progress.__enter__()
        return self

    def __exit__(self, *error):
        self.progress.__exit__(*error)

    def update(self):
        iterations, divergences = np.array(self.counts).T
        phase = "warm-up" if iterations.min() < self.warmup else "draws"
        self.progress.update(int(iterations.sum()), f"{phase}, {divergences.sum()} divergences")


def run_chain(request, precision, start, seed, counts_file, chain, update=lambda: None):
    """One chain: its draws {site: (draw, *shape)} and statistics {name: (draw,)}, in NumPy.

    precision: (dtype, device). counts_file: of the array that ``ChainProgress`` reads. update: called after each
    iteration.
    """
    options, counts = request.options, np.load(counts_file, mmap_mode="r+")
    if len(counts) > 1 and precision[1] == "cpu":
        torch.set_num_threads(1)  # the cores are for the chains
    with runtime(*precision):
        torch.manual_seed(seed)
        program = marginalize(request.program)
        model = UnconstrainedModel(program, to_backend(request.keywords), to_backend(request.table))
        value_grad_hvp, centre = model.value_grad_hvp(), model.unconstrain(to_backend(start))
        point = centre.cpu().double().numpy()
        check_density(value_grad_hvp(point, np.zeros_like(point))[0])
        scale = torch.as_tensor(local_scales(negative_hessian(value_grad_hvp, point))).to(centre)
        steps = 0

        def energy(z):
            nonlocal steps
            steps += 1
            return -model.log_density(centre + scale * z["free"])

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
                values = {n: v.detach() for n, (v, _) in model.constrain(centre + scale * z["free"]).items()}
                draws.append(to_numpy(values))
                num_steps.append(steps)
                with torch.no_grad():
                    lp.append(float(model.log_joint(values)))
            divergences = kernel.diagnostics()["divergences"] if iteration >= options.num_warmup else []
            counts[chain] = iteration + 1, len(divergences)
            update()
        diverging = np.isin(np.arange(options.num_samples), divergences)
        stats = {"lp": np.array(lp), "diverging": diverging, "num_steps": np.array(num_steps)}
        return {n: np.stack([d[n] for d in draws]) for n in model.shapes}, stats
