"""Seconds and log-likelihood of factor analysis by EM, beside scikit-learn's FactorAnalysis by both of its methods.

    python benchmarks/em_factors.py [--rows 100000] [--features 64] [--factors 8] [--threads 1] [--rounds 3]

Whole calls on the same rows, each with its own stopping rule (scikit-learn's at its default, tol=1e-2), run in turn so
that a busy machine slows all of them. One function scores all the answers. CPU time is compared.
"""

import argparse
import os
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--factors", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def factors(rows, features, count):
    """Rows (N, D) of a factor analysis with uniquenesses between a half and three halves."""
    import numpy as np

    rng = np.random.default_rng(0)
    W, Psi = rng.normal(size=(features, count)), rng.uniform(0.5, 1.5, features)
    x = rng.normal(size=(rows, count)) @ W.T
    x += rng.normal(size=x.shape) * np.sqrt(Psi)
    return x + rng.normal(size=features)


def timed(call):
    """What the call gives, its seconds by the clock and those of the CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def main(args):
    import numpy as np
    from sklearn.decomposition import FactorAnalysis

    import inference
    import zoo

    x = factors(args.rows, args.features, args.factors)
    mean = x.mean(0)
    scatter = np.cov(x.T, bias=True)

    def score(mu, covariance):
        """Mean log-density of the rows under Normal(mu, covariance), in nats."""
        away = mean - mu
        spread = scatter + np.outer(away, away)
        _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
        return -0.5 * (log_det + np.trace(np.linalg.solve(covariance, spread)))

    def ours():
        return inference.fit(zoo.load("factor_analysis", Z=args.factors), x, "em")

    def theirs(method):
        return FactorAnalysis(args.factors, svd_method=method, tol=1e-2, random_state=0).fit(x)

    _, wall, cpu = timed(ours)
    print(f"ours, first call (the backend is imported by it): {wall:.3f} s, CPU {cpu:.3f}")
    ratios, apart = [], []
    for turn in range(args.rounds):
        fit, wall, cpu = timed(ours)
        W, Psi = fit.params["W"], fit.params["Psi"]
        reached = score(fit.params["mu"], W @ W.T + np.diag(Psi))
        print(f"round {turn}: ours {wall:.3f} s, CPU {cpu:.3f}, {reached:.8f} nats per row")
        peers = []
        for method in ("lapack", "randomized"):
            peer, peer_wall, peer_cpu = timed(lambda method=method: theirs(method))
            height = score(peer.mean_, peer.get_covariance())
            peers.append((peer_cpu, height))
            said = f"scikit-learn {method} {peer_wall:.3f} s, CPU {peer_cpu:.3f}, {height:.8f} nats per row"
            print(f"         {said}, ratio {peer_cpu / cpu:.1f}")
        ratios.append(min(p for p, _ in peers) / cpu)
        apart.append(reached - max(h for _, h in peers))
    size = f"N={args.rows}, D={args.features}, Z={args.factors}, {args.threads} thread{'s' * (args.threads > 1)}"
    said = f"{np.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}; {size})"
    print(f"median ratio to the quicker of theirs {said}")
    print(f"ours less the higher of theirs: {min(apart):+.1e} nats per row or more")


if __name__ == "__main__":
    given = arguments()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(given.threads)
    main(given)
