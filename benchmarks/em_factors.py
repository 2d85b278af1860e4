"""Time and log-likelihood of factor analysis by EM, compared with both methods of scikit-learn's FactorAnalysis.

    python benchmarks/em_factors.py [--rows 100000] [--features 64] [--factors 8] [--threads 1] [--rounds 3]

Each call fits the same rows with its own stopping rule (scikit-learn's is the default, tol=1e-2). Calls alternate, so
that other load slows all of them alike. One function computes every log-likelihood. The ratio is of CPU times.
"""

from report import Report, make_parser, measure, median_and_range, set_threads


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--factors", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def simulate(rows, features, factors):
    """Rows (N, D) of a factor analysis with uniquenesses between 0.5 and 1.5."""
    import numpy as np

    rng = np.random.default_rng(0)
    W, Psi = rng.normal(size=(features, factors)), rng.uniform(0.5, 1.5, features)
    x = rng.normal(size=(rows, factors)) @ W.T
    x += rng.normal(size=x.shape) * np.sqrt(Psi)
    return x + rng.normal(size=features)


def main(args):
    import numpy as np
    from sklearn.decomposition import FactorAnalysis

    import inference
    import zoo

    report = Report(__file__, args)
    x = simulate(args.rows, args.features, args.factors)
    mean = x.mean(0)
    scatter = np.cov(x.T, bias=True)

    def log_likelihood(mu, covariance):
        """Mean log density of the rows under Normal(mu, covariance), in nats."""
        difference = mean - mu
        second_moment = scatter + np.outer(difference, difference)
        _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
        return -0.5 * (log_det + np.trace(np.linalg.solve(covariance, second_moment)))

    def fit_zoo():
        return inference.fit(zoo.load("factor_analysis", Z=args.factors), x, "em")

    def fit_peer(method):
        return FactorAnalysis(args.factors, svd_method=method, tol=1e-2, random_state=0).fit(x)

    _, wall, cpu = measure(fit_zoo)
    report.add(f"zoo, first call, with the import of the backend: {wall:.3f} s, CPU {cpu:.3f}", first_wall=wall)
    ratios, differences = [], []
    for round_number in range(args.rounds):
        fit, wall, cpu = measure(fit_zoo)
        W, Psi = fit.params["W"], fit.params["Psi"]
        score = log_likelihood(fit.params["mu"], W @ W.T + np.diag(Psi))
        text = f"round {round_number}: zoo {wall:.3f} s, CPU {cpu:.3f}, {score:.8f} nats per row"
        report.add(text, method="zoo", wall=wall, cpu=cpu, nats_per_row=score)
        peer_cpus, peer_scores = [], []
        for method in ("lapack", "randomized"):
            peer, peer_wall, peer_cpu = measure(fit_peer, method)
            peer_score = log_likelihood(peer.mean_, peer.get_covariance())
            peer_cpus.append(peer_cpu)
            peer_scores.append(peer_score)
            text = f"scikit-learn {method} {peer_wall:.3f} s, CPU {peer_cpu:.3f}, {peer_score:.8f} nats per row"
            record = {"method": method, "wall": peer_wall, "cpu": peer_cpu, "nats_per_row": peer_score}
            report.add(f"         {text}, ratio {peer_cpu / cpu:.1f}", **record)
        ratios.append(min(peer_cpus) / cpu)
        differences.append(score - max(peer_scores))
    size = f"N={args.rows}, D={args.features}, Z={args.factors}, threads: {args.threads}"
    text = f"ratio to the faster method of scikit-learn: median {median_and_range(ratios)}; {size}"
    report.add(text, ratio=float(np.median(ratios)), least_difference_nats_per_row=min(differences))
    report.add(f"log-likelihood minus the higher one of scikit-learn: at least {min(differences):+.1e} nats per row")
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(args.threads)
    main(args)
