"""Time and log-likelihood of probabilistic PCA with missing values, compared with ppca-py (written in C++).

    python benchmarks/em_missing.py [--rows 5000] [--features 50] [--axes 5] [--missing 0.2] [--threads 1] [--rounds 3]

Each call fits the same rows with its own stopping rule; calls alternate, and the ratio is of CPU times. One function
computes every log-likelihood: the exact density of the observed values of each row. A long run of the zoo gives the
maximum. ``pip install ppca-py`` installs the peer.
"""

from importlib import import_module
from importlib.util import find_spec

from report import Report, make_parser, measure, median_and_range, set_threads


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--axes", type=int, default=5)
    parser.add_argument("--missing", type=float, default=0.2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def simulate(rows, features, axes, missing):
    """Rows (N, D) with NaN at random places, and the mean and covariance of their distribution."""
    import numpy as np

    rng = np.random.default_rng(0)
    W, mu, noise = rng.normal(size=(features, axes)), rng.normal(size=features), 0.5
    x = rng.normal(size=(rows, axes)) @ W.T + mu
    x += noise * rng.normal(size=x.shape)
    x[rng.random(x.shape) < missing] = np.nan
    return x, (mu, W @ W.T + noise**2 * np.eye(features))


def log_likelihood(x, mu, covariance):
    """Mean log density of the observed values of a row under Normal(mu, covariance), in nats."""
    import numpy as np

    total = 0.0
    for row in x:
        observed = np.flatnonzero(~np.isnan(row))
        root = np.linalg.cholesky(covariance[np.ix_(observed, observed)])
        z = np.linalg.solve(root, row[observed] - mu[observed])
        total -= 0.5 * (z @ z + len(observed) * np.log(2 * np.pi)) + np.log(np.diagonal(root)).sum()
    return total / len(x)


def main(args):
    import numpy as np

    import inference
    import zoo

    report = Report(__file__, args)
    x, truth = simulate(args.rows, args.features, args.axes, args.missing)
    model = zoo.load("probabilistic_pca", Z=args.axes)

    def fit_zoo(**options):
        fit = inference.fit(model, x, "em", **options)
        W, sigma2 = fit.params["W"], fit.params["sigma2"]
        return fit, (fit.params["mu"], W @ W.T + sigma2 * np.eye(args.features))

    report.add(f"parameters of the simulation: {log_likelihood(x, *truth):.6f} nats per row")
    (fit, params), wall, cpu = measure(lambda: fit_zoo(tol=1e-13, max_iter=100_000))
    maximum = log_likelihood(x, *params)
    text = f"{fit.diagnostics['iterations']} iterations, converged: {fit.diagnostics['converged']}"
    report.add(f"zoo, long run (tol=1e-13): {maximum:.9f}, {wall:.2f} s, CPU {cpu:.2f}, {text}", maximum=maximum)

    peer_class = import_module("ppca").PPCA if find_spec("ppca") else None
    if peer_class is None:
        print("ppca-py is not installed, and the zoo runs alone: pip install ppca-py")
    ratios = []
    for round_number in range(args.rounds):
        (fit, params), wall, cpu = measure(fit_zoo)
        score, iterations = log_likelihood(x, *params), fit.diagnostics["iterations"]
        text = f"{iterations} iterations, {score:.6f} nats per row, {maximum - score:.1e} below the maximum"
        record = {"method": "zoo", "wall": wall, "cpu": cpu, "nats_per_row": score, "iterations": iterations}
        report.add(f"round {round_number}: zoo {wall:.2f} s, CPU {cpu:.2f}, {text}", **record)
        if peer_class is None:
            continue
        peer, peer_wall, peer_cpu = measure(lambda: peer_class(n_components=args.axes, random_state=0).fit(x))
        peer_score = log_likelihood(x, peer.mean_, peer.get_covariance())
        ratios.append(peer_cpu / cpu)
        loss = log_likelihood(x, params[0], peer.get_covariance()) - peer_score  # it takes the means of the columns
        text = f"{peer_score:.6f}, {score - peer_score:.4f} below, of which {loss:.4f} by its fixed means"
        record = {"method": "ppca-py", "wall": peer_wall, "cpu": peer_cpu, "nats_per_row": peer_score}
        report.add(f"         ppca-py {peer_wall:.2f} s, CPU {peer_cpu:.2f}, {text}, ratio {ratios[-1]:.1f}", **record)
    if ratios:
        size = f"N={args.rows}, D={args.features}, Z={args.axes}, {args.missing:.0%} missing, threads: {args.threads}"
        report.add(f"ratio: median {median_and_range(ratios)}; {size}", ratio=float(np.median(ratios)))
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(args.threads)
    main(args)
