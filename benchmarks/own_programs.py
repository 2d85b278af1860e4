"""Programs of users' own: the time of reading them, and SVI and NUTS compared with NumPyro on the same program.

    python benchmarks/own_programs.py [--rounds 3] [--steps 20000]

Reading is ``zoo.read`` and the tests of the density that a fit makes, on the programs of ``tests/user_programs``, the
second time that a process reads each, less one run under ``handlers.trace`` or ``poutine.trace``; CPU seconds. The
ratios are of a linear regression (N = 2000, three coefficients): steps per CPU second of SVI with a mean-field guide,
without compilation, as in ``svi_steps.py``; and CPU seconds of whole runs of NUTS (four chains of 500 + 500) in one
process, with compilation, against ``MCMC.run``.
"""

import sys
import time
from pathlib import Path

import numpy as np
from report import Report, make_parser, measure

sys.path.insert(0, str(Path(__file__).parents[1]))  # the programs are those of the tests


def reading_seconds(backend):
    """Seconds of reading each program beyond one run of it."""
    import jax
    import torch
    from numpyro import handlers
    from numpyro.infer import init_to_uniform
    from pyro import poutine

    import zoo
    from inference.structure import describe_density
    from tests.user_programs import USER_PROGRAMS, for_backend
    from zoo._backend.in_pyro import with_values

    def run(program, args, kwargs):
        if backend == "numpyro":
            seeded = handlers.seed(program, jax.random.PRNGKey(0))
            return handlers.trace(handlers.substitute(seeded, substitute_fn=init_to_uniform)).get_trace(*args, **kwargs)
        torch.set_default_dtype(torch.float32)
        return poutine.trace(with_values(program)).get_trace(*args, **kwargs)

    seconds = {}
    for user in USER_PROGRAMS:
        program, (args, kwargs) = user.load(backend), user.arguments()
        model, converted = zoo.Model(program, backend=backend), for_backend((args, kwargs), backend)
        describe_density(zoo.read(model, *args, **kwargs))
        plain = min(measure(run, program, *converted).cpu for _ in range(2))
        read = lambda m=model, a=args, k=kwargs: describe_density(zoo.read(m, *a, **k))  # noqa: E731
        reading = min(measure(read).cpu for _ in range(2))
        seconds[user.name] = reading - plain
    return seconds


def main(args):
    import jax
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import MCMC, NUTS, SVI, Trace_ELBO, autoguide

    import zoo
    from inference import fit
    from inference.run.progress import Progress
    from zoo._backend.in_numpyro import runtime

    report = Report(__file__, args)
    for backend in ("numpyro", "pyro"):
        seconds = reading_seconds(backend)
        slowest = max(seconds, key=seconds.__getitem__)
        median = float(np.median(list(seconds.values())))
        text = f"{backend:>8}: reading {median:.3f} s, at most {seconds[slowest]:.3f} s ({slowest})"
        report.add(text, backend=backend, seconds=seconds)

    def regression(X, y):
        a = numpyro.sample("a", dist.Normal(0.0, 10.0))
        b = numpyro.sample("b", dist.Normal(0.0, 1.0).expand([X.shape[1]]).to_event(1))
        sigma = numpyro.sample("sigma", dist.Exponential(1.0))
        with numpyro.plate("data", X.shape[0]):
            numpyro.sample("y", dist.Normal(a + X @ b, sigma), obs=y)

    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 3))
    y = 1.0 + X @ [0.5, -1.0, 0.2] + rng.standard_normal(2000)
    model, updates, update = zoo.Model(regression, backend="numpyro"), [], Progress.update

    def zoo_rate():
        updates.clear()
        Progress.update = lambda self, done, message="": updates.append((done, time.process_time()))
        fit(model, X, y, engine="svi", num_steps=args.steps, num_draws=1)
        Progress.update = update
        first, first_time = next(u for u in updates if u[0] > args.steps / 4)
        last, last_time = updates[-1]
        return (last - first) / (last_time - first_time)

    def peer_rate():
        with runtime():
            key = jax.random.PRNGKey(0)
            svi = SVI(regression, autoguide.AutoNormal(regression), numpyro.optim.Adam(0.01), Trace_ELBO())
            state = svi.init(key, X, y)
            run = jax.jit(lambda s: svi.run(key, args.steps, X, y, init_state=s, progress_bar=False).losses)
            run(state).block_until_ready()
            start = time.process_time()
            run(state).block_until_ready()
            return args.steps / (time.process_time() - start)

    def zoo_nuts():
        return fit(model, X, y, engine="nuts", num_warmup=500, num_samples=500, num_chains=4)

    def peer_nuts():
        with runtime():
            mcmc = MCMC(
                NUTS(regression),
                num_warmup=500,
                num_samples=500,
                num_chains=4,
                chain_method="vectorized",
                progress_bar=False,
            )
            mcmc.run(jax.random.PRNGKey(0), X, y)
            return mcmc

    rates = np.array([(zoo_rate(), peer_rate()) for _ in range(args.rounds)])
    ratio = float(np.median(rates[:, 0] / rates[:, 1]))
    report.add(
        f"SVI: {np.median(rates[:, 0]):.0f} steps/s, svi.run {np.median(rates[:, 1]):.0f} steps/s, ratio {ratio:.2f}",
        svi_ratio=ratio,
    )
    times = np.array([(measure(peer_nuts).cpu, measure(zoo_nuts).cpu) for _ in range(args.rounds)])
    ratio = float(np.median(times[:, 0] / times[:, 1]))
    report.add(
        f"NUTS: {np.median(times[:, 1]):.1f} s of CPU, MCMC.run {np.median(times[:, 0]):.1f} s, ratio {ratio:.2f}",
        nuts_ratio=ratio,
    )
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20_000)
    main(parser.parse_args())
