"""-log p(x) of MNIST's test images under a VAE with an MLP of 200-200 and 50 latents, dynamically binarised.

    python benchmarks/mnist_vae.py                            5,000 images, K = 1, at most ten minutes on two cores
    python benchmarks/mnist_vae.py --particles 50 --epochs 100          the same by the importance-weighted bound
    python benchmarks/mnist_vae.py --images 60000 --epochs 500          all images, on a CPU: for 88 nats
    python benchmarks/mnist_vae.py --full --device gpu                  all images, for longer
    python benchmarks/mnist_vae.py --full --device gpu --particles 50   the recipe for 86

Batches of 128, Adam, its learning rate falling from 0.001 to 0 along a straight line, the moving average of the weights
with decay 0.999; K > 1 particles train by ``iwae`` with doubly-reparameterised gradients. Some of the training images
are held out, and the weights that are best for them are kept: nothing is chosen by the test images. Of these log p(x)
is estimated by importance sampling with 5000 draws each (Burda, Grosse and Salakhutdinov 2016), for every tenth of
them, with --full for all. With --folder a run that was stopped goes on from there, bit for bit as if it had not been.
"""

import argparse
import time

FULL = {"images": 60_000, "epochs": 2000, "tested": 10_000}
SHORT = {"images": 5000, "epochs": 1200, "tested": 1000}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("numpyro", "pyro"), default="numpyro")
    parser.add_argument("--device", default="cpu", help="cpu, or gpu as the backend calls it")
    parser.add_argument("--particles", type=int, default=1)
    parser.add_argument("--images", type=int, help="how many to train on, those held out among them")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--tested", type=int, help="how many test images")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--folder", help="where checkpoints and the fit are kept")
    given = parser.parse_args()
    for word, value in (FULL if given.full else SHORT).items():
        setattr(given, word, getattr(given, word) or value)
    return given


def options(given):
    """What ``fit`` is given."""
    held = min(1000, given.images // 10)
    steps = (given.images - held) // 128 * given.epochs

    def falling(step):
        return 1e-3 * (1 - step / steps)

    bound = {"objective": "iwae", "gradient": "doubly_reparameterised"} if given.particles > 1 else {}
    return {
        "num_epochs": given.epochs,
        "batch_size": 128,
        "learning_rate": falling,
        "weight_average": 0.999,
        "held_out": held / given.images,
        "checkpoint": given.folder,
        "checkpoint_every": 10,
        "num_particles": given.particles,
        **bound,
    }


def main(given):
    import numpy as np

    import inference
    import zoo
    from inference.evaluation.held_out import log_marginal
    from zoo import datasets

    images = datasets.observed("mnist").take(np.arange(given.images))
    test = datasets.observed("mnist", part="test").take(np.arange(0, 10_000, 10_000 // given.tested))
    model = zoo.load("vae", backend=given.backend, Z=50, width=200, depth=2)
    wall, cpu = time.perf_counter(), time.process_time()
    fit = inference.fit(model, images, "svi", device=given.device, progress=True, **options(given))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if given.folder:
        fit.save(f"{given.folder}/fit")
    said = fit.diagnostics
    print(f"{given.images} images, K = {given.particles}, {given.epochs} epochs: {wall:.0f} s, of the CPU {cpu:.0f}")
    steps = (given.images - len(said["rows_held_out"])) // 128
    print(f"best of the images held out after {said['best_step'] / steps:.0f} epochs:", end=" ")
    print(f"ELBO {said['held_out_elbo_nats_per_row']:.2f} nats per image", flush=True)
    begun = time.perf_counter()
    print(log_marginal(fit, test, num_samples=5000))
    print(f"evaluated in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main(arguments())
