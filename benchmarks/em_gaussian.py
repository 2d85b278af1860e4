"""Time per EM iteration and log-likelihood of the full-covariance Gaussian mixture, compared with scikit-learn.

    python benchmarks/em_gaussian.py [--rows 200000] [--features 16] [--components 16] [--threads 2] [--rounds 3]

Both start at the same parameters and run the same number of iterations. Runs alternate, so that other load slows both
alike. ``--memory`` runs one fit of ``--rows`` rows and prints the peak resident memory instead.
"""

import os
import resource
import warnings

from report import Report, make_parser, measure, set_threads


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--components", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backend", default="numpyro")
    parser.add_argument("--memory", action="store_true")
    return parser.parse_args()


def simulate(rows, features, components):
    """Rows around components of random covariance, and parameters near the truth to start from."""
    import numpy as np

    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (components, features))
    roots = rng.normal(0, 0.5, (components, features, features)) / np.sqrt(features) + np.eye(features)
    labels = rng.integers(components, size=rows)
    x = np.empty((rows, features))
    for k in range(components):
        members = labels == k
        x[members] = centres[k] + rng.normal(size=(members.sum(), features)) @ roots[k].T
    start = {
        "pi": np.full(components, 1 / components),
        "mu": centres + rng.normal(0, 0.5, centres.shape),
        "Lambda": np.broadcast_to(np.eye(features), (components, features, features)).copy(),
    }
    return x, start


def main(args):
    import inference
    import zoo

    report = Report(__file__, args)
    x, start = simulate(args.rows, args.features, args.components)
    model = zoo.load("gaussian_mixture", backend=args.backend, K=args.components)
    size = f"N={args.rows}, D={args.features}, K={args.components}"

    def fit_zoo(iterations):
        fit = inference.fit(model, x, "em", start=start, max_iter=iterations, tol=0.0)
        return fit.trace[-1] / args.rows

    if args.memory:
        _, wall, _ = measure(fit_zoo, 5)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        report.add(f"{size}: 5 iterations in {wall:.1f} s, peak {peak:.2f} GiB", wall=wall, peak_gib=peak)
        report.write()
        return

    from sklearn.mixture import GaussianMixture

    warnings.simplefilter("ignore")  # scikit-learn warns that so few iterations do not converge

    def make_peer(iterations):
        return GaussianMixture(
            args.components,
            tol=0,
            reg_covar=1e-6,
            max_iter=iterations,
            weights_init=start["pi"],
            means_init=start["mu"],
            precisions_init=start["Lambda"],
        )

    few, many = 2, 2 + args.iterations  # the difference of two runs has no start, no compilation, no final pass
    fit_zoo(few)  # compiles
    ratios = []
    for round_number in range(args.rounds):
        zoo_few, zoo_many = measure(fit_zoo, few), measure(fit_zoo, many)
        peer_few, peer_many = measure(make_peer(few).fit, x), measure(make_peer(many).fit, x)
        zoo_time = (zoo_many.wall - zoo_few.wall) / args.iterations
        peer_time = (peer_many.wall - peer_few.wall) / args.iterations
        difference = zoo_many.result - peer_many.result.score(x)
        ratios.append(peer_time / zoo_time)
        text = f"zoo {zoo_time:.4f} s per iteration, scikit-learn {peer_time:.4f}, ratio {ratios[-1]:.2f}"
        report.add(
            f"round {round_number}: {text}, difference {difference:+.2e} nats per row",
            zoo_seconds_per_iteration=zoo_time,
            peer_seconds_per_iteration=peer_time,
            difference_nats_per_row=difference,
        )
    median = sorted(ratios)[len(ratios) // 2]
    report.add(f"median ratio {median:.2f}; {args.threads} threads, {args.backend}, {size}", ratio=median)
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(args.threads)
    multi_thread = "true" if args.threads > 1 else "false"
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={multi_thread} " + os.environ.get("XLA_FLAGS", "")
    main(args)
