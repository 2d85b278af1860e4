"""Time per EM iteration of a hidden Markov model with normal emissions, compared with hmmlearn and dynamax.

    python benchmarks/chains.py [--steps 100000] [--states 8] [--columns 4] [--iterations 20] [--rounds 5] [--threads 1]

One sequence in 64 bits, independent columns, the same start for all. Calls alternate; a time per iteration is the
difference of a long and a short run, so that neither start nor compilation counts. hmmlearn has its implementation
"scaling" and no prior; dynamax has weak priors of its own, and so another log-likelihood. The log-likelihoods of
hmmlearn and of the zoo are compared after each iteration. ``pip install hmmlearn dynamax`` installs the peers; one that
is absent is left out.
"""

import logging
import os
from importlib import import_module
from importlib.util import find_spec

from report import Report, make_parser, measure, median_and_range, set_threads

FEW = 2  # iterations of the short run


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--states", type=int, default=8)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--backend", default="numpyro")
    return parser.parse_args()


def simulate(steps, states, columns):
    """A sequence (T, D) whose states last about twenty steps, and parameters near the truth to start from."""
    import numpy as np

    rng = np.random.default_rng(0)
    A = 0.05 * rng.dirichlet(np.ones(states), states) + 0.95 * np.eye(states)
    means, z = rng.normal(0, 2, (states, columns)), np.zeros(steps, int)
    cumulative, uniform = A.cumsum(1), rng.random(steps)
    for t in range(1, steps):
        z[t] = min(np.searchsorted(cumulative[z[t - 1]], uniform[t]), states - 1)
    x = means[z] + rng.normal(size=(steps, columns))
    start = {
        "pi": np.full(states, 1 / states),
        "A": np.full((states, states), 0.2 / states) + 0.8 * np.eye(states),
        "mu": means + rng.normal(0, 0.5, means.shape),
        "Lambda": np.ones((states, columns)),
    }
    return x, start


def make_zoo(x, start, backend):
    """A function of the number of iterations that returns the log-likelihood after 0, 1, ... of them, in nats."""
    import inference
    import zoo

    model = zoo.load("hidden_markov", backend, K=len(start["pi"]))
    return lambda iterations: inference.fit(model, x, "em", start=start, max_iter=iterations, tol=0.0).trace[:-1]


def make_hmmlearn(x, start):
    """The same for hmmlearn; None where it is absent."""
    if not find_spec("hmmlearn"):
        return None
    import numpy as np

    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    gaussian_hmm = import_module("hmmlearn.hmm").GaussianHMM

    def run(iterations):
        peer = gaussian_hmm(
            len(start["pi"]),
            "diag",
            covars_prior=0.0,
            n_iter=iterations,
            tol=-np.inf,
            implementation="scaling",
            init_params="",
        )
        peer.startprob_, peer.transmat_, peer.means_ = start["pi"], start["A"], start["mu"]
        peer.covars_ = 1 / start["Lambda"]
        return np.array(peer.fit(x).monitor_.history)

    return run


def make_dynamax(x, start):
    """The same for dynamax; None where it is absent."""
    if not find_spec("dynamax"):
        return None
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", True)
    hmm = import_module("dynamax.hidden_markov_model").DiagonalGaussianHMM(*start["mu"].shape)
    params, properties = hmm.initialize(
        initial_probs=start["pi"],
        transition_matrix=start["A"],
        emission_means=start["mu"],
        emission_scale_diags=start["Lambda"] ** -0.5,
    )
    return lambda iterations: np.asarray(hmm.fit_em(params, properties, x, num_iters=iterations, verbose=False)[1])


def main(args):
    import numpy as np

    report = Report(__file__, args)
    x, start = simulate(args.steps, args.states, args.columns)
    makers = {"hmmlearn": make_hmmlearn, "dynamax": make_dynamax}
    methods = {"zoo": make_zoo(x, start, args.backend)}
    for name, make in makers.items():
        run = make(x, start)
        if run is None:
            print(f"{name} is not installed, and is left out: pip install {name}")
        else:
            methods[name] = run
    for run in methods.values():
        run(FEW)  # compiles
    seconds = {name: [] for name in methods}
    for round_number in range(args.rounds):
        texts, traces = [], {}
        record: dict[str, float] = {"round": round_number}
        for name, run in methods.items():
            few, many = measure(run, FEW), measure(run, FEW + args.iterations)
            seconds[name].append((many.cpu - few.cpu) / args.iterations)
            record |= {f"{name}_seconds_per_iteration": seconds[name][-1], f"{name}_nats": many.result[-1]}
            texts.append(f"{name} {seconds[name][-1]:.4f} s ({many.result[-1] / args.steps:.6f} nats per step)")
            traces[name] = many.result
        if "hmmlearn" in traces:
            record["difference_nats"] = float(abs(traces["hmmlearn"] - traces["zoo"]).max())
            texts.append(f"largest difference of hmmlearn {record['difference_nats']:.1e} nats")
        report.add(f"round {round_number}: {', '.join(texts)}", **record)
    size = f"T={args.steps}, K={args.states}, D={args.columns}, 64 bits, threads: {args.threads}, {args.backend}"
    for name in [n for n in methods if n != "zoo"]:
        ratios = [peer / own for peer, own in zip(seconds[name], seconds["zoo"], strict=True)]
        text = f"{name}: seconds per EM iteration over those of the zoo, median {median_and_range(ratios, 2)}"
        report.add(f"{text}; {size}", peer=name, ratio=float(np.median(ratios)))
    own = 1000 * np.array(seconds["zoo"])
    report.add(f"zoo: {median_and_range(own)} ms per iteration; {size}", milliseconds=float(np.median(own)))
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(args.threads)
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")
    main(args)
