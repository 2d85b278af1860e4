"""Log densities at many draws, compared with a run of the program for each draw: log prior and log-likelihood.

    python benchmarks/draws_at_once.py [--backend pyro] [--draws 4000] [--rounds 3]

The Gaussian mixture of Old Faithful (272 rows, K = 3), at draws of its parameters near the maximum. Both are computed
as ``fit.to_arviz(["log_prior"])`` does; the peer runs the program at one draw after another, with the labels summed
out by the same code. In Pyro the draws are a dimension of one run (``torch.vmap``); in NumPyro ``lax.map`` is compiled,
and only its time is printed.
"""

from report import Report, make_parser, measure, set_threads

set_threads(1)

import numpy as np  # noqa: E402

import inference  # noqa: E402
import zoo  # noqa: E402
from inference.exact import enumeration  # noqa: E402
from zoo import datasets  # noqa: E402


def one_by_one(model, params, x):
    """The log prior and the log-likelihood by a run of the Pyro program for each draw."""
    from inference.exact.enumeration.in_pyro import FUNCTIONS, EnumeratedDensity, single_draws
    from zoo._backend.in_pyro import runtime, to_backend

    table, keywords = model.bind(x)
    with runtime("float64"):
        density = EnumeratedDensity(model.program, to_backend(keywords), to_backend(table))
        total = []
        for draw in single_draws(to_backend(params)):
            rows = density.factor_graph(draw).log_marginal_by_row(FUNCTIONS)
            total.append(float(density.log_prior(draw) + rows.sum()))
    return np.array(total)


def many_at_once(model, params, x):
    """The same by the functions of the export."""
    draws = {n: v[None] for n, v in params.items()}
    prior = sum(enumeration.log_priors(model, draws, x).values())
    return (prior + enumeration.log_marginal(model, draws, x).sum(-1))[0]


def main(args):
    report = Report(__file__, args)
    x = datasets.load("faithful")
    fit = inference.fit(zoo.load("gaussian_mixture", args.backend, K=3), x, "em", objective="map")
    noise = np.random.default_rng(0).normal(0.0, 0.01, (args.draws, 1))
    params = {n: np.repeat(v[None], args.draws, 0) for n, v in fit.params.items()}
    params["mu"] = params["mu"] + noise[..., None]
    for _ in range(args.rounds):
        zoo_run = measure(many_at_once, fit.fitted_model, params, x)
        record = {"zoo": zoo_run.cpu}
        text = f"{args.draws} draws in {zoo_run.cpu:.2f} s of CPU"
        if args.backend == "pyro":
            peer = measure(one_by_one, fit.fitted_model, params, x)
            record |= {"one_by_one": peer.cpu, "ratio": peer.cpu / zoo_run.cpu}
            record["difference"] = float(abs(zoo_run.result - peer.result).max())
            text += (
                f", one by one {peer.cpu:.2f}: ratio {record['ratio']:.1f}, difference {record['difference']:.0e} nats"
            )
        report.add(text, **record)
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--backend", default="pyro")
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args())
