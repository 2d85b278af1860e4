"""Test error of the semi-supervised VAE (M2) with 100 labels, beside classifiers that see these 100 images alone.

    python benchmarks/m2_labels.py [--data mnist] [--images 10000] [--epochs 40] [--labels-first 20] [--seeds 1]
    python benchmarks/m2_labels.py --data digits --epochs 200

Ten labels of each class, of images chosen by the data set's own fixed draw; the other images are given without labels.
M2 has MLPs of 200-200 and Z = 20, is trained in NumPyro by Adam, its learning rate falling from 0.001 to 0 along a
straight line, and answers by its classifier q(y | x) for one binary draw of each test image. For ``--labels-first``
epochs the labels count ten thousand times what they do later (alpha), so that classes mean digits before the other
images have a say. Nothing is chosen by the test images, and there is nothing that the classifiers are tuned by:
logistic regression, a support vector machine with the Gaussian kernel and a random forest, each as scikit-learn has it,
on grey pixels.
"""

import argparse
import time

BATCH = 128


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=("mnist", "digits"), default="mnist")
    parser.add_argument("--images", type=int, default=10_000, help="to train on, at most, those with labels among them")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--labels-first", type=int, default=20, help="epochs before these in which labels decide")
    parser.add_argument("--seeds", type=int, default=1)
    return parser.parse_args()


def main(given):
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    import inference
    import zoo
    from inference.analysis.latents import classify
    from zoo import datasets

    seen = datasets.observed(f"{given.data}_labelled")
    test, truth = (
        datasets.observed(f"{given.data}_labelled", part="test")["x"],
        datasets.labels(given.data, part="test"),
    )
    known = ~np.isnan(seen["label"])
    others = np.flatnonzero(~known)[: given.images - known.sum()]
    rows = np.sort(np.concatenate([np.flatnonzero(known), others]))
    x, label = seen["x"].take(rows), seen["label"][rows]
    few, classes = np.asarray(seen["x"].take(np.flatnonzero(known))), seen["label"][known].astype(int)

    for peer in (LogisticRegression(max_iter=1000), SVC(), RandomForestClassifier(random_state=0)):
        wrong = peer.fit(few, classes).predict(np.asarray(test)) != truth
        print(f"{given.data}: {type(peer).__name__:>22} on {len(few)} images: error {wrong.mean():.1%}", flush=True)

    def trained(epochs, seed, start=None, **settings):
        steps = len(rows) // BATCH * epochs
        return inference.fit(
            zoo.load("semi_supervised_vae", C=10, Z=20, width=200, **settings),
            {"x": x, "label": label},
            "svi",
            num_epochs=epochs,
            batch_size=BATCH,
            learning_rate=lambda step: 1e-3 * (1 - step / steps),
            seed=seed,
            start=start,
        )

    for seed in range(given.seeds):
        begun, cpu, start = time.perf_counter(), time.process_time(), None
        if given.labels_first:
            start = trained(given.labels_first, seed, alpha=1000 * len(rows) / len(few)).state
        fit = trained(given.epochs, seed, start)
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
        answers = classify(fit, {"x": test, "label": np.full(len(test), np.nan)})
        wrong = answers.argmax(1) != truth
        error = np.sqrt(wrong.mean() * (1 - wrong.mean()) / len(wrong))
        print(
            f"{given.data}: M2 on {len(rows)} images, {len(few)} with labels, seed {seed}: error {wrong.mean():.1%} "
            f"(+- {error:.1%}) of {len(wrong)}; {wall:.0f} s, of the CPU {cpu:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main(arguments())
