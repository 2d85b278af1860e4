"""Examples per second of training a VAE, compared with hand-written loops and with the examples of the backends.

    python benchmarks/vae_speed.py [--backend numpyro] [--images 20000] [--epochs 3] [--rounds 5] [--kl sampled]

MNIST's images, binarised anew at each step; MLP 200-200, Z = 50, batches of 128, Adam at 1e-3, float32. All train the
same networks on the same batches: the zoo by ``fit``; ``loop`` is an optax or a torch loop; ``example`` is NumPyro's
SVI in a compiled loop over an epoch, or Pyro's ``svi.step`` (``vae_loops``). The first epoch, which compiles, is not
timed. Runs alternate on one thread, and rates are by CPU time; the bound of the last epoch shows that a faster method
is not a worse one.
"""

import importlib
import os
import time

from report import Report, make_parser, median_and_range, set_threads

Z, WIDTH, BATCH = 50, 200, 128


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("--backend", choices=("numpyro", "pyro"), action="append")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kl", choices=("sampled", "analytic"), default="sampled", help="of the zoo and the loop")
    return parser.parse_args()


def make_zoo_trainer(backend, images, kl):
    """A function that trains with the zoo, and calls ``end_epoch`` after each epoch."""
    import zoo
    from inference import fit
    from inference.run.progress import Progress

    model, steps = zoo.load("vae", backend=backend, Z=Z, width=WIDTH), len(images) // BATCH

    def train(epochs, end_epoch, seed=0):
        ends = []  # steps done at the end of each epoch

        def update(self, done, message=""):
            if done % steps == 0:
                ends.append(done)
                end_epoch(None)

        Progress.update = update
        result = fit(model, images, "svi", num_epochs=epochs, batch_size=BATCH, kl=kl, seed=seed, dtype="float32")
        assert ends == [steps * (i + 1) for i in range(epochs)]
        return result.diagnostics["epochs"]["bound_nats_per_row"][-1]

    return train


def make_trainers(backend, images, kl):
    """Training functions by the name of the method."""
    import numpy as np

    from zoo.data.moments import log_odds

    loops = importlib.import_module(f"vae_loops.in_{backend}")
    loc = log_odds(images).astype(np.float32)  # the logits that the zoo's decoder adds its output to
    arguments = np.asarray(images.raw), loc, Z, WIDTH, BATCH
    return {
        "zoo": make_zoo_trainer(backend, images, kl),
        "loop": loops.make_loop_trainer(*arguments, kl),
        "example": loops.make_example_trainer(*arguments),
    }


def rate_and_bound(train, args, seed):
    """Examples per CPU second after the first epoch, and the bound of the last epoch in nats per row."""
    times, bounds = [], []

    def end_epoch(bound):
        times.append(time.process_time())
        bounds.append(bound)

    bound = train(args.epochs, end_epoch, seed)
    examples = (args.images // BATCH) * BATCH * (args.epochs - 1)
    return examples / (times[-1] - times[0]), bounds[-1] if bound is None else bound


def main(args):
    import numpy as np

    from zoo import datasets

    report = Report(__file__, args)
    images = datasets.observed("mnist").take(np.arange(args.images))
    for backend in args.backend or ("numpyro", "pyro"):
        trainers = make_trainers(backend, images, args.kl)
        rounds = [[rate_and_bound(train, args, seed) for train in trainers.values()] for seed in range(args.rounds)]
        rates, bounds = np.moveaxis(np.array(rounds), -1, 0)
        best = rates.max(0)
        for i, name in enumerate(trainers):
            ratios, bound = rates[:, 0] / rates[:, i], np.median(bounds[:, i])
            text = (
                f"{backend:>8} {name:>8}: {best[i]:6.0f} examples per CPU second in its best round, bound {bound:.2f} "
                f"nats; zoo / this {best[0] / best[i]:.2f}, by rounds median {median_and_range(ratios, 2)}"
            )
            record = {"best_rate": best[i], "bound": bound, "ratio": best[0] / best[i], "ratios": ratios}
            report.add(text, backend=backend, method=name, **record)
    report.write()


if __name__ == "__main__":
    args = parse_arguments()
    set_threads(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # XLA and torch start as many threads as there are cores
    main(args)
