import signal
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pyro.infer import NUTS

from inference.engines.nuts.record import ChainCheckpoint, ChainRecord
from inference.engines.nuts.result import check_density, make_result, share_starts, start_vector
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
    starts, start_method, _ = begin(request, model, seeds)
    starts = share_starts(options, starts)
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


def stack(parts):
    return {n: np.stack([part[n] for part in parts]) for n in parts[0]}


def run_sequentially(request, jobs, counts):
    """One chain after another; those before an interrupt, which is raised where there is none."""
    chains = []
    with ChainProgress(request, counts) as progress:
        try:
            for job in jobs:
                chains.append(run_chain(*job, progress.update))
        except KeyboardInterrupt:
            if not chains:
                raise
    return chains


def run_processes(request, jobs, counts):
    """Every chain in a process of its own, as many at once as there are cores; of an interrupt as ``run_sequentially``.

    The processes are new ones: a fork of a process in which JAX has threads may hang. A terminal interrupts each of
    them too, which they ignore: this process ends them.
    """
    from joblib.externals.loky import ProcessPoolExecutor, wait

    ignore_interrupts = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    pool = ProcessPoolExecutor(num_workers(len(jobs)), env={"OMP_NUM_THREADS": "1"}, initializer=ignore_interrupts)
    try:
        with ChainProgress(request, counts) as progress:
            running = [pool.submit(run_chain, *job) for job in jobs]
            try:
                while (outcome := wait(running, timeout=0.2, return_when="FIRST_EXCEPTION")).not_done:
                    progress.update()
                    for job in outcome.done:
                        job.result()
                progress.update()
                return [job.result() for job in running]
            except KeyboardInterrupt:
                whole = [job.result() for job in running if job.done() and not job.exception()]
                if not whole:
                    raise
                return whole
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
    """One chain: its draws {site: (draw, *shape)} and statistics {name: (draw,)}, as ``make_result`` takes them.

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
        sampler = Sampler(request, model, to_backend(start), seed)
        record, checkpoint = ChainRecord(options), ChainCheckpoint.from_request(request, chain, *precision)
        saved = checkpoint.resume(record) if checkpoint else None
        if saved is not None:
            sampler.restore(saved, record.done)
        while not record.is_whole:
            sampler.step()
            made, kept = record.positions(1)
            stats = {"diverging": sampler.is_diverging, "num_steps": sampler.num_steps}
            stats = {n: np.array([v]) for n, v in {**stats, "total_energy": sampler.kernel.total_energy}.items()}
            z = sampler.z["free"].cpu().numpy()[None]
            record.add(1, {n: v[made] for n, v in stats.items()}, {"z": z[kept]})
            if checkpoint and checkpoint.is_due(record) and record.done >= options.num_warmup:
                checkpoint.save(record, sampler.state())
            counts[chain] = record.done, record.divergences
            update()
        stats = record.arrays()
        draws, lp = sampler.draws(stats.pop("z"))
        return draws, {"lp": lp, **stats}


class RecordingNUTS(NUTS):
    """NUTS that records the Hamiltonian energy of each draw, as NumPyro and Stan do.

    total_energy: the potential energy of the last draw, and the kinetic energy of the momentum with which its
    trajectory reached it; where no other point was chosen, those of the start of the trajectory.
    """

    total_energy = float("nan")

    def sample(self, params):
        self._energies = {}
        z = super().sample(params)
        _, potential, _ = self._fetch_from_cache()
        _, energy = self._energies.get(id(potential), (None, self._energy_at_start))
        self.total_energy, self._energies = float(energy), {}
        return z

    def _build_basetree(self, z, r, z_grads, log_slice, direction, energy_current):
        leaf = super()._build_basetree(z, r, z_grads, log_slice, direction, energy_current)
        potential = leaf.z_proposal_pe  # the tree has it, and no momentum, at the point that it proposes
        self._energies[id(potential)] = potential, potential + self._kinetic_energy(leaf.r_left_unscaled)
        self._energy_at_start = energy_current
        return leaf


class Sampler:
    """NUTS in coordinates about the start of a chain, scaled by the curvature of the density there."""

    def __init__(self, request, model, start, seed):
        options, value_grad_hvp = request.options, model.value_grad_hvp()
        self.model, self.num_steps, self.is_diverging = model, 0, False
        point = start_vector(request, model, value_grad_hvp, start, seed)
        check_density(value_grad_hvp(point, np.zeros_like(point))[0])
        self.centre = torch.as_tensor(point).to(torch.zeros(()))
        self.scale = torch.as_tensor(local_scales(negative_hessian(value_grad_hvp, point))).to(self.centre)
        target, depth = options.target_accept, options.max_tree_depth
        self.kernel = RecordingNUTS(potential_fn=self.potential, target_accept_prob=target, max_tree_depth=depth)
        self.kernel.initial_params = self.z = {"free": torch.zeros_like(self.centre)}
        self.kernel.setup(options.num_warmup)

    def potential(self, z):
        self.num_steps += 1
        return -self.model.log_density(self.centre + self.scale * z["free"])

    def step(self):
        """One iteration."""
        self.num_steps, divergences = 0, len(self.kernel._divergences)
        self.z = self.kernel.sample(self.z)
        self.is_diverging = len(self.kernel._divergences) > divergences

    @torch.no_grad()
    def draws(self, vectors):
        """The values of the latents, {site: (draw, *shape)}, and their log joint density; vectors: (draw, size)."""
        values, lp = [], []
        for z in torch.as_tensor(vectors).to(self.centre):
            latents = {n: v for n, (v, _) in self.model.constrain(self.centre + self.scale * z).items()}
            values.append(to_numpy(latents))
            lp.append(float(self.model.log_joint(latents)))
        return stack(values), np.array(lp)

    def state(self):
        """Everything the next iteration depends on, after warm-up."""
        z, potential, gradient = self.kernel._fetch_from_cache()
        ((_, inverse_mass),) = self.kernel.inverse_mass_matrix.items()
        tensors = {"z": z["free"], "potential": potential, "gradient": gradient["free"], "inverse_mass": inverse_mass}
        state = {"step_size": np.array(self.kernel.step_size), "random": torch.get_rng_state().numpy()}
        if self.centre.is_cuda:
            state["random_on_device"] = torch.cuda.get_rng_state().numpy()
        return {**state, **to_numpy(tensors)}

    def restore(self, state, done):
        """Continue from a state after so many iterations."""
        tensors = {n: torch.as_tensor(state[n]).to(self.centre) for n in ("z", "potential", "gradient", "inverse_mass")}
        (names,) = self.kernel.inverse_mass_matrix
        self.kernel._t, self.kernel._adapter.step_size = done, float(state["step_size"])
        self.kernel.mass_matrix_adapter.inverse_mass_matrix = {names: tensors["inverse_mass"]}
        self.z = {"free": tensors["z"]}
        self.kernel._cache(self.z, tensors["potential"], {"free": tensors["gradient"]})
        torch.set_rng_state(torch.as_tensor(state["random"]))
        if self.centre.is_cuda:
            torch.cuda.set_rng_state(torch.as_tensor(state["random_on_device"]))
