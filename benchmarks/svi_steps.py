"""SVI steps per second in NumPyro, beside a hand-written ``svi.run`` on the same program.

    python benchmarks/svi_steps.py [--steps 20000] [--rounds 5]

Both take steps on the Gaussian mixture (K = 2, full covariance) at Old Faithful with its labels summed out, by Adam,
one particle: the zoo with its guide, the peer with NumPyro's AutoNormal or AutoMultivariateNormal and
``progress_bar=False``. Only steps count, not compiling: the zoo's are timed from its first word of progress to its
last, the peer's in a second call of a compiled ``svi.run``. Runs are interleaved, and CPU time is compared.
"""

import argparse
import time

import numpy as np


def main(given):
    import jax
    import numpyro
    from numpyro.infer import SVI, Trace_ELBO, autoguide, init_to_value

    import zoo
    from inference import fit
    from inference.exact.enumeration.in_numpyro import marginalize
    from inference.run.progress import Progress
    from zoo import datasets
    from zoo._backend.in_numpyro import runtime, to_backend

    model, x = zoo.load("gaussian_mixture", K=2), datasets.load("faithful")
    table, keywords = model.bind(x)
    start = fit(model, x, "em", objective="map").params
    heard = []
    Progress.update = lambda self, done, message="": heard.append((done, time.process_time()))

    def ours(guide):
        heard.clear()
        fit(model, x, "svi", guide=guide, num_steps=given.steps, start=start, num_draws=1)
        # the first words fall while other code is compiled beside
        (first, begun), (last, ended) = next(h for h in heard if h[0] > given.steps / 4), heard[-1]
        return (last - first) / (ended - begun)

    def by_hand(guide):
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
            run = jax.jit(lambda state: svi.run(key, given.steps, init_state=state, progress_bar=False, **data).losses)
            run(state).block_until_ready()
            begun = time.process_time()
            run(state).block_until_ready()
            return given.steps / (time.process_time() - begun)

    for guide in ("mean_field", "full_rank"):
        rates = np.array([(ours(guide), by_hand(guide)) for _ in range(given.rounds)])
        mine, theirs = np.median(rates, axis=0)
        ratio = np.median(rates[:, 0] / rates[:, 1])
        print(f"{guide:>10}: {mine:6.0f} steps/s, svi.run {theirs:6.0f} steps/s, ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())
