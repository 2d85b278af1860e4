"""Time of one gradient of a hidden Markov model, compared with NumPyro's own enumeration of the same program.

    python benchmarks/chain_gradients.py [--steps 2000] [--states 5] [--rounds 7] [--calls 20] [--threads 1]

A program with ``scan``, as NumPyro's tutorial writes it, normal emissions, one sequence, in 64 bits. The gradient is of
the log density with respect to transitions, means and scale, as NUTS takes it. Calls alternate. The log densities are
printed, and so is the largest difference of the gradients in units of the largest component. The zoo's own program with
one site, ``Chain``, is timed beside them.
"""

import os
from functools import partial

from report import Report, make_parser, measure, median_and_range, set_threads

PEER = "numpyro, scan"


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--states", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=20, help="in each round")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def scan_program(y, K):
    """A hidden Markov model with normal emissions, whose states are those of a scan."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.contrib.control_flow import scan

    transition = numpyro.sample("A", dist.Dirichlet(jnp.ones((K, K))).to_event(1))
    mean = numpyro.sample("mu", dist.Normal(jnp.zeros(K), 3.0).to_event(1))
    scale = numpyro.sample("sigma", dist.HalfNormal(1.0))

    def step(x, y_t):
        x = numpyro.sample("x", dist.Categorical(transition[x]), infer={"enumerate": "parallel"})
        numpyro.sample("y", dist.Normal(mean[x], scale), obs=y_t)
        return x, None

    scan(step, 0, y)


def chain_program(y, K):
    """The same with one site for the states."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    from zoo.in_numpyro import Chain

    transition = numpyro.sample("A", dist.Dirichlet(jnp.ones((K, K))).to_event(1))
    mean = numpyro.sample("mu", dist.Normal(jnp.zeros(K), 3.0).to_event(1))
    scale = numpyro.sample("sigma", dist.HalfNormal(1.0))
    x = numpyro.sample("x", Chain(transition[0], transition, len(y)))
    with numpyro.plate("time", len(y)):
        numpyro.sample("y", dist.Normal(mean[x], scale), obs=y)


def make_gradient(log_density, model, y, K):
    """A compiled function of the parameters that returns the log density and its gradient."""
    import jax

    return jax.jit(jax.value_and_grad(lambda params: log_density(model, (y, K), {}, params)[0]))


def main(args):
    import jax
    import numpy as np
    from numpyro.contrib.funsor import config_enumerate, enum
    from numpyro.contrib.funsor import log_density as enumerated_log_density
    from numpyro.infer.util import log_density

    from inference.exact.enumeration.in_numpyro import marginalize

    jax.config.update("jax_enable_x64", True)
    report, K, rng = Report(__file__, args), args.states, np.random.default_rng(0)
    y = jax.numpy.asarray(rng.normal(size=args.steps) + rng.integers(0, K, args.steps))
    params = {"A": rng.dirichlet(np.ones(K), K), "mu": np.arange(K) + 0.1, "sigma": np.array(0.9)}
    gradients = {
        "zoo, scan": make_gradient(log_density, marginalize(scan_program), y, K),
        "zoo, Chain": make_gradient(log_density, marginalize(chain_program), y, K),
        PEER: make_gradient(enumerated_log_density, enum(config_enumerate(scan_program), -2), y, K),
    }
    values = {name: jax.block_until_ready(gradient(params)) for name, gradient in gradients.items()}

    def repeat(gradient):
        for _ in range(args.calls):
            jax.block_until_ready(gradient(params))

    seconds = {name: [] for name in gradients}
    for _ in range(args.rounds):
        for name, gradient in gradients.items():
            seconds[name].append(measure(partial(repeat, gradient)).cpu / args.calls)
    exact = values[PEER][1]
    largest = max(float(abs(g).max()) for g in exact.values())
    for name, (log_p, gradient) in values.items():
        error = max(float(abs(gradient[n] - g).max()) for n, g in exact.items()) / largest
        parts = [own / peer for own, peer in zip(seconds[name], seconds[PEER], strict=True)]
        milliseconds = [1000 * s for s in seconds[name]]
        report.add(
            f"{name}: {median_and_range(milliseconds, 2)} ms, {median_and_range(parts, 2)} of {PEER}; log density "
            f"{float(log_p):.6f} nats, gradients differ by {error:.1e} of the largest",
            method=name,
            milliseconds=milliseconds,
            ratios=parts,
            log_density=float(log_p),
            difference=error,
        )
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(args.threads)
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")
    main(args)
