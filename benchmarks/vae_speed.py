"""Examples per second of training a VAE, beside loops written by hand and the way of the backends' own examples.

    python benchmarks/vae_speed.py [--backend numpyro] [--images 20000] [--epochs 3] [--rounds 5] [--kl sampled]

MNIST's images, binarised anew at each step; MLP 200-200, Z = 50, batches of 128, Adam at 1e-3, float32. All train the
same networks from the start on the same batches: the zoo by ``fit``; ``by_hand`` an optax or a torch loop; ``example``
NumPyro's SVI in a compiled loop over an epoch, or Pyro's ``svi.step`` (``vae_loops``). The first epoch, in
which code is compiled, does not count. Runs are interleaved on one thread, and CPU time is compared; the bound of the
last epoch is printed too, for faster must not be worse.
"""

import argparse
import os
import time

Z, WIDTH, BATCH = 50, 200, 128


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("numpyro", "pyro"), action="append")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kl", choices=("sampled", "analytic"), default="sampled", help="of the zoo and by hand")
    return parser.parse_args()


def ours(backend, images, kl):
    """As the loops: a function that trains and says when an epoch is over."""
    import zoo
    from inference import fit
    from inference.run.progress import Progress

    model, steps = zoo.load("vae", backend=backend, Z=Z, width=WIDTH), len(images) // BATCH

    def train(epochs, epoch_is_over, seed=0):
        over = []  # steps done when an epoch was

        def update(self, done, message=""):
            if done % steps == 0:
                over.append(done)
                epoch_is_over(None)

        Progress.update = update
        found = fit(model, images, "svi", num_epochs=epochs, batch_size=BATCH, kl=kl, seed=seed, dtype="float32")
        assert over == [steps * (i + 1) for i in range(epochs)]
        return found.diagnostics["epochs"]["bound_nats_per_row"][-1]

    return train


def contenders(backend, images, kl):
    import importlib

    import numpy as np

    from zoo.data.moments import log_odds

    loops = importlib.import_module(f"vae_loops.in_{backend}")
    loc = log_odds(images).astype(np.float32)  # what the zoo's decoder counts from
    same = np.asarray(images.raw), loc, Z, WIDTH, BATCH
    return {
        "zoo": ours(backend, images, kl),
        "by hand": loops.by_hand(*same, kl),
        "example": loops.example(*same),
    }


def measured(train, given, seed):
    """``(examples per CPU second after the first epoch, bound of the last in nats per row)``."""
    ends, bounds = [], []

    def epoch_is_over(bound):
        ends.append(time.process_time())
        bounds.append(bound)

    bound = train(given.epochs, epoch_is_over, seed)
    seen = (given.images // BATCH) * BATCH * (given.epochs - 1)
    return seen / (ends[-1] - ends[0]), bounds[-1] if bound is None else bound


def main(given):
    import numpy as np

    from zoo import datasets

    images = datasets.observed("mnist").take(np.arange(given.images))
    for backend in given.backend or ("numpyro", "pyro"):
        trains = contenders(backend, images, given.kl)
        found = [[measured(train, given, seed) for train in trains.values()] for seed in range(given.rounds)]
        rates, bounds = np.moveaxis(np.array(found), -1, 0)
        for i, name in enumerate(trains):
            ratio, best = rates[:, 0] / rates[:, i], rates.max(0)
            print(
                f"{backend:>8} {name:>8}: {best[i]:6.0f} examples per CPU second in its best round, bound "
                f"{np.median(bounds[:, i]):.2f} nats; zoo / this {best[0] / best[i]:.2f}, by rounds median "
                f"{np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f})",
                flush=True,
            )


if __name__ == "__main__":
    given = arguments()
    os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")})
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # XLA and torch take as many threads as there are cores
    main(given)
