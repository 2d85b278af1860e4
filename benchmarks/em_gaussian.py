"""Seconds per EM iteration and log-likelihood of the full-covariance Gaussian mixture, beside scikit-learn's.

    python benchmarks/em_gaussian.py [--rows 200000] [--features 16] [--components 16] [--threads 2] [--rounds 3]

Both begin at the same parameters, take the same number of iterations and are run in turn, so that a busy machine
slows both. ``--memory`` fits once at ``--rows`` rows and prints the largest resident size instead.
"""

import argparse
import os
import resource
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--components", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backend", default="numpyro")
    parser.add_argument("--memory", action="store_true")
    return parser.parse_args()


def clusters(rows, features, components):
    """Rows around components of random covariance, and parameters near the truth to begin from."""
    import numpy as np

    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (components, features))
    roots = rng.normal(0, 0.5, (components, features, features)) / np.sqrt(features) + np.eye(features)
    labels = rng.integers(components, size=rows)
    x = np.empty((rows, features))
    for k in range(components):
        mine = labels == k
        x[mine] = centres[k] + rng.normal(size=(mine.sum(), features)) @ roots[k].T
    start = {
        "pi": np.full(components, 1 / components),
        "mu": centres + rng.normal(0, 0.5, centres.shape),
        "Lambda": np.broadcast_to(np.eye(features), (components, features, features)).copy(),
    }
    return x, start


def main(args):
    import inference
    import zoo

    x, start = clusters(args.rows, args.features, args.components)
    model = zoo.load("gaussian_mixture", backend=args.backend, K=args.components)

    def ours(iterations):
        begun = time.perf_counter()
        fit = inference.fit(model, x, "em", start=start, max_iter=iterations, tol=0.0)
        return time.perf_counter() - begun, fit.trace[-1] / args.rows

    if args.memory:
        seconds, _ = ours(5)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"N={args.rows} D={args.features} K={args.components}: 5 iterations in {seconds:.1f} s, peak {peak:.2f} GiB"
        )
        return

    import warnings

    from sklearn.mixture import GaussianMixture

    warnings.simplefilter("ignore")  # that so few iterations do not converge is the point

    def theirs(iterations):
        peer = GaussianMixture(
            args.components,
            tol=0,
            reg_covar=1e-6,
            max_iter=iterations,
            weights_init=start["pi"],
            means_init=start["mu"],
            precisions_init=start["Lambda"],
        )
        begun = time.perf_counter()
        peer.fit(x)
        return time.perf_counter() - begun, peer.score(x)

    few, many = 2, 2 + args.iterations  # the difference of two runs: no start, no compilation, no final pass
    rows = []
    for turn in range(args.rounds):
        a_few, a_many, b_few, b_many = ours(few), ours(many), theirs(few), theirs(many)
        a, b = (a_many[0] - a_few[0]) / args.iterations, (b_many[0] - b_few[0]) / args.iterations
        rows.append((a, b, a_many[1] - b_many[1]))
        said = f"ours {a:.4f} s/iteration, scikit-learn {b:.4f}, ratio {b / a:.2f}"
        print(f"round {turn}: {said}, difference in nats per row {rows[-1][2]:+.2e}")
    middle = sorted(rows, key=lambda r: r[1] / r[0])[len(rows) // 2]
    size = f"N={args.rows}, D={args.features}, K={args.components}"
    print(f"median ratio {middle[1] / middle[0]:.2f} ({args.threads} threads, {args.backend}, {size})")


if __name__ == "__main__":
    given = arguments()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(given.threads)
    os.environ["XLA_FLAGS"] = (
        f"--xla_cpu_multi_thread_eigen={'true' if given.threads > 1 else 'false'} " + os.environ.get("XLA_FLAGS", "")
    )
    main(given)
