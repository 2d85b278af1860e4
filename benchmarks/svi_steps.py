"""SVI steps per second in NumPyro, beside a hand-written ``svi.run`` on the same program.

    python benchmarks/svi_steps.py [--steps 50000] [--rounds 5]

Both take steps on the Gaussian mixture (K = 2, full covariance) at Old Faithful with its labels summed out, by Adam,
one particle: the zoo with its guide, the peer with NumPyro's AutoNormal or AutoMultivariateNormal and
``progress_bar=False``. What is compiled is kept from a first round that does not count, and a run of few steps is
taken off one of many, so that starting counts in neither; runs are interleaved, and CPU time is compared.
"""

import argparse
import os
import tempfile
import time

import numpy as np


def main(given):
    import jax
    import numpyro
    from numpyro.infer import SVI, Trace_ELBO, autoguide, init_to_value

    import zoo
    from inference import fit
    from inference.enumeration.in_numpyro import summed
    from zoo import datasets
    from zoo._backend.in_numpyro import enter, room

    model, x = zoo.load("gaussian_mixture", K=2), datasets.load("faithful")
    table, keywords = model.bind(x)
    start = fit(model, x, "em", objective="map").params
    peers = {"mean_field": autoguide.AutoNormal, "full_rank": autoguide.AutoMultivariateNormal}

    def ours(guide, steps):
        fit(model, x, "svi", guide=guide, num_steps=steps, start=start, num_draws=1)

    def by_hand(guide, steps):
        with room():
            program = summed(model.program)
            family = peers[guide](program, init_loc_fn=init_to_value(values=start))
            svi = SVI(program, family, numpyro.optim.Adam(0.01), Trace_ELBO())
            svi.run(jax.random.PRNGKey(0), steps, progress_bar=False, **enter(table), **enter(keywords))

    def seconds(run, guide, steps):
        begun = time.process_time()
        run(guide, steps)
        return time.process_time() - begun

    for guide in peers:
        rates = {ours: [], by_hand: []}
        for lap in range(given.rounds + 1):
            for run, found in rates.items():
                few, many = (seconds(run, guide, steps) for steps in (100, 100 + given.steps))
                if lap:
                    found.append(given.steps / (many - few))
        mine, theirs = (np.median(found) for found in rates.values())
        print(f"{guide:>10}: {mine:8.0f} steps/s, svi.run {theirs:8.0f} steps/s, ratio {mine / theirs:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"JAX_COMPILATION_CACHE_DIR": folder, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        main(parser.parse_args())
