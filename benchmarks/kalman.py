"""Time of a Kalman filter and smoother, compared with statsmodels.

    python benchmarks/kalman.py [--steps 10000] [--latents 4] [--columns 4] [--rounds 5]

One sequence in 64 bits, the same parameters and the same distribution of the first step, one thread. Calls alternate;
ratios are of CPU times. The log-likelihoods and the largest difference of the smoothed means are printed.
"""

from report import Report, make_parser, measure, median_and_range, set_threads


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--latents", type=int, default=4)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def simulate(steps, latents, columns):
    """The parameters of a stationary system, and a sequence (1, T, D) of it."""
    import numpy as np

    from zoo.linear_chain import LinearChain

    rng = np.random.default_rng(0)
    A, W = rng.normal(size=(latents, latents)), rng.normal(size=(columns, latents))
    A *= 0.95 / np.abs(np.linalg.eigvals(A)).max()
    Psi, unit = rng.uniform(0.2, 1.0, columns), np.eye(latents)
    z = rng.normal(size=(steps, latents))
    for t in range(1, steps):
        z[t] += A @ z[t - 1]
    x = z @ W.T + np.sqrt(Psi) * rng.normal(size=(steps, columns))
    return LinearChain(np.zeros(latents), unit, A, unit, W, np.zeros(columns), Psi), x[None]


def make_peer(chain, x):
    """The same model in statsmodels."""
    import numpy as np
    from statsmodels.tsa.statespace.mlemodel import MLEModel

    latents = len(chain.A)
    peer = MLEModel(x[0], k_states=latents, k_posdef=latents)
    peer["design"], peer["obs_cov"], peer["transition"] = chain.W, np.diag(chain.Psi), chain.A
    peer["selection"] = peer["state_cov"] = np.eye(latents)
    peer.ssm.initialize_known(chain.loc, chain.S)
    return peer


def main(args):
    import numpy as np

    from inference.exact.kalman import filter_chains, smooth

    report = Report(__file__, args)
    chain, x = simulate(args.steps, args.latents, args.columns)
    peer = make_peer(chain, x)
    smooth(chain, x[:, :10])  # compiles
    calls = {
        "filter": (lambda: filter_chains(chain, x), peer.ssm.filter),
        "smoother": (lambda: smooth(chain, x), peer.ssm.smooth),
    }
    ratios = {name: [] for name in calls}
    for round_number in range(args.rounds):
        for name, (own, other) in calls.items():
            ours, _, cpu = measure(own)
            theirs, _, peer_cpu = measure(other)
            ratios[name].append(peer_cpu / cpu)
            difference = ours.log_p.sum() - theirs.llf_obs.sum()
            text = f"round {round_number}, {name}: zoo {1e3 * cpu:.1f} ms, statsmodels {1e3 * peer_cpu:.1f} ms"
            record = {"part": name, "cpu": cpu, "peer_cpu": peer_cpu, "log_p": ours.log_p.sum()}
            report.add(f"{text}, log-likelihood {ours.log_p.sum():.4f}, larger by {difference:.1e} nats", **record)
    distance = np.abs(smooth(chain, x).mean[0] - peer.ssm.smooth().smoothed_state.T).max()
    report.add(f"largest difference of smoothed means {distance:.1e}", distance=distance)
    for name, values in ratios.items():
        report.add(f"{name}: statsmodels / zoo {median_and_range(values)}", part=name, ratios=values)
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(1)
    main(args)
