"""SVI steps per second in NumPyro, compared with ``svi.run`` on the same program.

    python benchmarks/svi_steps.py [--steps 20000] [--rounds 5]

Both take steps of Adam with one particle on the Gaussian mixture (K = 2, full covariance) of Old Faithful with its
labels marginalised: the zoo with its guide, NumPyro with AutoNormal or AutoMultivariateNormal and
``progress_bar=False``. Only steps are timed, not compilation: those of the zoo between two updates of its progress
bar, those of NumPyro in a second call of a compiled ``svi.run``. Runs alternate, and the ratio is of CPU times.
"""

import time

import numpy as np
from report import Report, make_parser


def main(args):
    import jax
    import numpyro
    from numpyro.infer import SVI, Trace_ELBO, autoguide, init_to_value

    import zoo
    from inference import fit
    from inference.exact.enumeration.in_numpyro import marginalize
    from inference.run.progress import Progress
    from zoo import datasets
    from zoo._backend.in_numpyro import runtime, to_backend

    report = Report(__file__, args)
    model, x = zoo.load("gaussian_mixture", K=2), datasets.load("faithful")
    table, keywords = model.bind(x)
    start = fit(model, x, "em", objective="map").params
    updates = []  # (steps done, CPU time)
    Progress.update = lambda self, done, message="": updates.append((done, time.process_time()))

    def zoo_rate(guide):
        updates.clear()
        fit(model, x, "svi", guide=guide, num_steps=args.steps, start=start, num_draws=1)
        # other code compiles in a second thread during the first updates
        first, first_time = next(update for update in updates if update[0] > args.steps / 4)
        last, last_time = updates[-1]
        return (last - first) / (last_time - first_time)

    def peer_rate(guide):
        family = {"mean_field": autoguide.AutoNormal, "full_rank": autoguide.AutoMultivariateNormal}[guide]
        with runtime():
            program, key = marginalize(model.program), jax.random.PRNGKey(0)
            data = {**to_backend(table), **to_backend(keywords)}
            svi = SVI(
                program,
                family(program, init_loc_fn=init_to_value(values=start)),
                numpyro.optim.Adam(0.01),
                Trace_ELBO(),
            )
            state = svi.init(key, **data)
            run = jax.jit(lambda state: svi.run(key, args.steps, init_state=state, progress_bar=False, **data).losses)
            run(state).block_until_ready()
            start_time = time.process_time()
            run(state).block_until_ready()
            return args.steps / (time.process_time() - start_time)

    for guide in ("mean_field", "full_rank"):
        rates = np.array([(zoo_rate(guide), peer_rate(guide)) for _ in range(args.rounds)])
        zoo_median, peer_median = np.median(rates, axis=0)
        ratio = float(np.median(rates[:, 0] / rates[:, 1]))
        text = f"{guide:>10}: {zoo_median:6.0f} steps/s, svi.run {peer_median:6.0f} steps/s, ratio {ratio:.2f}"
        report.add(text, guide=guide, zoo_rate=zoo_median, peer_rate=peer_median, ratio=ratio)
    report.write()


if __name__ == "__main__":
    parser = make_parser(__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())
