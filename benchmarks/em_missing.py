"""Seconds and log-likelihood of probabilistic PCA with missing values, beside ppca-py (its core is C++).

    python benchmarks/em_missing.py [--rows 5000] [--features 50] [--axes 5] [--missing 0.2] [--threads 1] [--rounds 3]

Whole calls on the same rows, each with its own stopping rule, run in turn; CPU time is compared. One function scores
all the answers: the exact density of what was seen of each row. A long run of ours says how far from the maximum the
others end. ``pip install ppca-py`` brings the peer.
"""

import argparse
import os
import time
from importlib import import_module
from importlib.util import find_spec


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--axes", type=int, default=5)
    parser.add_argument("--missing", type=float, default=0.2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def with_holes(rows, features, axes, missing):
    """Rows (N, D), NaN at random, and the mean and covariance they were drawn with."""
    import numpy as np

    rng = np.random.default_rng(0)
    W, mu, noise = rng.normal(size=(features, axes)), rng.normal(size=features), 0.5
    x = rng.normal(size=(rows, axes)) @ W.T + mu
    x += noise * rng.normal(size=x.shape)
    x[rng.random(x.shape) < missing] = np.nan
    return x, (mu, W @ W.T + noise**2 * np.eye(features))


def score(x, mu, covariance):
    """Mean log-density, in nats, of what was seen of each row under Normal(mu, covariance)."""
    import numpy as np

    total = 0.0
    for row in x:
        seen = np.flatnonzero(~np.isnan(row))
        root = np.linalg.cholesky(covariance[np.ix_(seen, seen)])
        away = np.linalg.solve(root, row[seen] - mu[seen])
        total -= 0.5 * (away @ away + len(seen) * np.log(2 * np.pi)) + np.log(np.diagonal(root)).sum()
    return total / len(x)


def timed(call):
    """What the call gives, its seconds by the clock and those of the CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def main(args):
    import numpy as np

    import inference
    import zoo

    x, truth = with_holes(args.rows, args.features, args.axes, args.missing)
    model = zoo.load("probabilistic_pca", Z=args.axes)

    def ours(**options):
        fit = inference.fit(model, x, "em", **options)
        W, sigma2 = fit.params["W"], fit.params["sigma2"]
        return fit, (fit.params["mu"], W @ W.T + sigma2 * np.eye(args.features))

    print(f"the parameters that drew the rows: {score(x, *truth):.6f} nats per row")
    (fit, found), wall, cpu = timed(lambda: ours(tol=1e-13, max_iter=100_000))
    highest = score(x, *found)
    said = f"{fit.diagnostics['iterations']} iterations, converged: {fit.diagnostics['converged']}"
    print(f"ours, a long run (tol=1e-13): {highest:.9f}, {wall:.2f} s, CPU {cpu:.2f}, {said}")

    peer = import_module("ppca").PPCA if find_spec("ppca") else None
    if peer is None:
        print("ppca-py is not installed, so there is nothing to compare with: pip install ppca-py")
    ratios = []
    for turn in range(args.rounds):
        (fit, found), wall, cpu = timed(ours)
        reached = score(x, *found)
        said = f"{reached:.6f} nats per row, {highest - reached:.1e} below the maximum"
        print(f"round {turn}: ours {wall:.2f} s, CPU {cpu:.2f}, {fit.diagnostics['iterations']} iterations, {said}")
        if peer is None:
            continue
        other, peer_wall, peer_cpu = timed(lambda: peer(n_components=args.axes, random_state=0).fit(x))
        height = score(x, other.mean_, other.get_covariance())
        ratios.append(peer_cpu / cpu)
        means = score(x, found[0], other.get_covariance()) - height  # what the means of the columns cost it
        said = f"{height:.6f}, {reached - height:.4f} below ours, {means:.4f} of that by its fixed means"
        print(f"         ppca-py {peer_wall:.2f} s, CPU {peer_cpu:.2f}, {said}, ratio {ratios[-1]:.1f}")
    if ratios:
        size = f"N={args.rows}, D={args.features}, Z={args.axes}, {args.missing:.0%} missing"
        threads = f"{args.threads} thread{'s' * (args.threads > 1)}"
        print(f"median ratio {np.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}; {size}, {threads})")


if __name__ == "__main__":
    given = arguments()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(given.threads)
    main(given)
