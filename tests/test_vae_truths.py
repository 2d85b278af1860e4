"""Autoencoders against what is known exactly: probabilistic PCA is the linear one."""

import numpy as np
import pytest

import zoo
from inference import fit, latents
from tests.table import load_or_skip

ROWS = 1e-3  # nats per row


def schedule(step):
    return 0.05 * 0.5 ** (step / 300)


@pytest.fixture(scope="module")
def exact():
    """Probabilistic PCA of the irises at its maximum."""
    return fit(zoo.load("probabilistic_pca", Z=2), load_or_skip("iris"), "em", objective="ml")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numpyro", pytest.param("pyro", marks=pytest.mark.slow)])
def test_the_elbo_of_a_linear_autoencoder_ends_at_the_likelihood_of_ppca(exact, backend):
    """Without noise in the gradient where the encoder is the posterior, it gets there (Lucas et al. 2019)."""
    model = zoo.load("linear_vae", backend, Z=2)
    options = {"gradient": "sticking_the_landing", "learning_rate": schedule, "num_particles": 10}
    vae_fit = fit(model, exact.data["x"], "svi", num_steps=3000, batch_size=150, **options)
    best = exact.log_likelihood().mean()
    own = vae_fit.log_likelihood().mean()
    assert best - ROWS < own < best + 1e-9, "no linear-Gaussian model is likelier than the maximum"
    assert abs(vae_fit.diagnostics["elbo_nats_per_row"] - best) < ROWS
    # what a parameter may be off by at that cost: delta^2 / (2 variance) for a mean, (D - Z) delta^2 / 4 for log sigma2
    slack = np.sqrt(2 * ROWS)
    assert (np.abs(vae_fit.params["mu"] - exact.params["mu"]) < slack * exact.data["x"].std(0)).all()
    assert abs(np.log(vae_fit.params["sigma2"] / exact.params["sigma2"])) < np.sqrt(2 * ROWS)
    directions = [np.linalg.qr(f.params["W"])[0] for f in (vae_fit, exact)]
    cosines = np.linalg.svd(directions[0].T @ directions[1])[1]
    assert np.arccos(np.clip(cosines, -1, 1)).max() < slack, "the decoder spans the plane of PPCA"


@pytest.mark.parametrize("backend", [pytest.param("numpyro", marks=pytest.mark.slow), "pyro"])
def test_few_labels_and_many_images_make_a_classifier(backend):
    """Three kinds of image, three labels of each among 180: the unlabelled ones find their kind."""
    rng = np.random.default_rng(0)
    kind = np.repeat(np.arange(3), 60)
    x = (rng.random((180, 16)) < np.where(np.arange(16) % 3 == kind[:, None], 0.85, 0.15)).astype(float)
    label = np.where(np.arange(180) % 60 < 3, kind, np.nan)
    model = zoo.load("semi_supervised_vae", backend, Z=2, C=3, width=16, depth=1)
    vae_fit = fit(model, {"x": x, "label": label}, num_epochs=100, batch_size=30, learning_rate=0.01)
    hidden = np.isnan(label)
    right = (latents.classify(vae_fit, {"x": x[hidden]}).argmax(1) == kind[hidden]).mean()
    # Bayes' rule at the true chances is right in 99% of rows, and chance in a third
    assert right > 0.9
