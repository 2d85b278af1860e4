"""Training: batches, averages, held-out rows, warm-up, checkpoints; by networks as small as they can be."""

import os
import warnings
from typing import Any

import numpy as np
import pytest

import zoo
from inference import fit
from inference.engines.svi.plan import TrainingPlan
from inference.objectives.estimators import all_estimators
from tests.table import SLOW_IN_NUMPYRO

TINY = {"Z": 2, "width": 8, "depth": 1}


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def vae(request):
    return zoo.load("vae", request.param, **TINY)


@pytest.fixture(scope="module")
def images():
    """120 images of 16 pixels, each of one of two kinds."""
    rng = np.random.default_rng(0)
    on = np.where(rng.random((120, 1)) < 0.5, np.tile([0.9, 0.1], 8), np.tile([0.1, 0.9], 8))
    return (rng.random((120, 16)) < on).astype(float)


def train(model, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings: dict[str, Any] = {"num_epochs": 6, "batch_size": 20, "learning_rate": 0.01, **options}
        return fit(model, data, "svi", **settings)


def assert_same(one, other):
    np.testing.assert_array_equal(one.trace, other.trace)
    assert set(one.state) == set(other.state)
    for name in one.state:
        np.testing.assert_array_equal(one.state[name], other.state[name])


def test_networks_learn_and_training_is_reported(vae, images):
    svi_fit = train(vae, images, num_epochs=60, held_out=0.25)
    epochs = svi_fit.diagnostics["epochs"]
    assert svi_fit.trace.shape == (60 * (90 // 20),)
    assert epochs["epoch"].tolist() == list(range(1, 61))
    np.testing.assert_allclose(
        epochs["bound_nats_per_row"], epochs["reconstruction_nats_per_row"] - epochs["kl_nats_per_row"], rtol=1e-4
    )
    # without codes no pixel is better than a coin: 16 log 2 = 11.1 nats; with them 0.7 + 16 * 0.33
    assert epochs["bound_nats_per_row"][0] < -10
    assert svi_fit.diagnostics["held_out_elbo_nats_per_row"] > -8.5
    assert svi_fit.diagnostics["held_out_elbo_nats_per_row"] == epochs["held_out_elbo_nats_per_row"].max()
    assert svi_fit.diagnostics["best_step"] in epochs["step"]
    assert svi_fit.dtype == "float32"
    assert set(svi_fit.params) == {n for n in svi_fit.state if n.startswith("decoder")}


@pytest.mark.parametrize(
    "options",
    [{"skip_above": 10.0}, {"objective": "beta_tc", "weight_decay": 0.01, "clip_norm": 1.0}, {"objective": "factor"}],
)
def test_steps_are_compiled_once(images, options, monkeypatch):
    from inference.engines.svi.training import in_numpyro

    traced, bound = [], in_numpyro.bound

    def count(objective, *args):
        traced.append(objective)
        return bound(objective, *args)

    monkeypatch.setattr(in_numpyro, "bound", count)
    counts = []
    for num_steps in (1, 30):
        fit(zoo.load("vae", "numpyro", **TINY), images, "svi", num_steps=num_steps, batch_size=20, **options)
        counts.append(sum(objective is not in_numpyro.EVALUATION for objective in traced))
        traced.clear()
    assert counts[0] == counts[1] > 0


def test_the_bound_of_batches_is_that_of_all_rows(vae, images):
    """At a learning rate that changes nothing, the mean of an epoch is the bound of all rows, whatever the batch."""
    start = train(vae, images, num_epochs=2, seed=5).state
    means = []
    for size in (20, 120):
        still = train(vae, images, learning_rate=1e-12, batch_size=size, num_epochs=80, start=start)
        epoch = 120 // size
        means.append(
            (still.trace.mean(), still.trace.reshape(-1, epoch).mean(1).std() / np.sqrt(len(still.trace) / epoch))
        )
    (a, sa), (b, sb) = means
    assert abs(a - b) < 4 * np.hypot(sa, sb)


# NumPyro: tests/test_training_options.py
@pytest.mark.parametrize("vae", SLOW_IN_NUMPYRO, indirect=True)
def test_an_interrupted_run_resumes_bit_for_bit(vae, images, tmp_path, monkeypatch):
    extra = {"weight_average": 0.9, "held_out": 0.2, "warm_up": 0.5, "clip_norm": 1.0}
    complete = train(vae, images, checkpoint=tmp_path / "whole", **extra)
    again = train(vae, images, checkpoint=tmp_path / "whole", **extra)  # all done: read back
    without = train(vae, images, **extra)
    assert_same(complete, again)
    assert_same(complete, without)
    replace, replaced = os.replace, []

    def killed(*paths):
        replace(*paths)
        replaced.append(paths)
        if len(replaced) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        train(vae, images, checkpoint=tmp_path / "cut", **extra)
    monkeypatch.undo()
    resumed = train(vae, images, checkpoint=tmp_path / "cut", **extra)
    assert_same(complete, resumed)
    for name, values in complete.diagnostics["epochs"].items():
        if name != "seconds":
            np.testing.assert_array_equal(values, resumed.diagnostics["epochs"][name])


@pytest.mark.parametrize("vae", SLOW_IN_NUMPYRO, indirect=True)
def test_a_checkpoint_of_another_run_is_refused(vae, images, tmp_path):
    train(vae, images, num_epochs=1, checkpoint=tmp_path)
    for wrong, named in (
        ({"batch_size": 30}, "batch_size was 20, and is 30 here"),
        ({"seed": 1}, "seed was 0, and is 1"),
        ({"learning_rate": 0.1}, "learning_rate was 0.01, and is 0.1"),
    ):
        with pytest.raises(zoo.ZooError, match=named) as raised:
            train(vae, images, checkpoint=tmp_path, **wrong)
        assert "\n" not in str(raised.value)
    with pytest.raises(zoo.ZooError, match="data x was array"):
        train(vae, 1 - images, checkpoint=tmp_path)
    file = tmp_path / "checkpoint.npz"
    for damaged in (file.read_bytes()[:500], b"", b"not a checkpoint at all"):
        file.write_bytes(damaged)
        with pytest.raises(zoo.ZooError, match="is damaged, or no checkpoint"):
            train(vae, images, checkpoint=tmp_path)
        assert file.read_bytes() == damaged, "nothing is overwritten"
    np.savez(file, a=np.zeros(3))
    with pytest.raises(zoo.ZooError, match="is damaged, or no checkpoint"):
        train(vae, images, checkpoint=tmp_path)
    existing_file = tmp_path / "a file"
    existing_file.write_text("mine")
    with pytest.raises(zoo.ZooError, match="cannot be a folder"):
        train(vae, images, checkpoint=existing_file)


def anneal(fraction):
    return 1.0 - 0.5 * fraction


@pytest.mark.slow
def test_a_step_at_an_annealed_temperature_depends_on_the_number_of_steps(tmp_path):
    model = zoo.load("sigmoid_belief_network", L=1, Z=2, depth=0)
    x = np.random.default_rng(0).integers(0, 2, (8, 3)).astype(float)
    for temperature in (0.5, anneal):
        folder = tmp_path / str(callable(temperature))
        options = {"gradient": {"z1": make("gumbel_softmax", temperature)}, "checkpoint": folder}
        fit(model, x, "svi", num_steps=3, **options)
        if not callable(temperature):
            assert len(fit(model, x, "svi", num_steps=5, **options).trace) == 5
            continue
        with pytest.raises(zoo.ZooError, match="num_steps was 3, and is 5"):
            fit(model, x, "svi", num_steps=5, **options)
        options["gradient"] = {"z1": make("straight_through_gumbel", temperature)}
        with pytest.raises(zoo.ZooError, match=r"gradient was .*'z1': GumbelSoftmax\(temperature=anneal.*, and is"):
            fit(model, x, "svi", num_steps=3, **options)


def make(name: str, temperature: object) -> object:
    estimator: Any = all_estimators()[name]
    return estimator(temperature=temperature)


@pytest.mark.parametrize("vae", SLOW_IN_NUMPYRO, indirect=True)
def test_a_full_disk_leaves_the_old_checkpoint(vae, images, tmp_path, monkeypatch):
    train(vae, images, num_epochs=2, checkpoint=tmp_path)
    before = (tmp_path / "checkpoint.npz").read_bytes()

    def full(*args, **arrays):
        args[0].write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("inference.run.checkpoints.np.savez", full)
    with pytest.warns(UserWarning, match="no checkpoint was saved at step 36 .*No space left on device"):
        svi_fit = fit(
            vae, images, "svi", num_epochs=6, batch_size=20, learning_rate=0.01, checkpoint=tmp_path, checkpoint_every=9
        )
    assert len(svi_fit.trace) == 36
    assert (tmp_path / "checkpoint.npz").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_run_can_be_extended(vae, images, tmp_path):
    train(vae, images, num_epochs=2, checkpoint=tmp_path)
    assert_same(train(vae, images, num_epochs=4, checkpoint=tmp_path), train(vae, images, num_epochs=4))


def test_a_non_finite_loss_stops_at_the_last_finite_weights(vae, images):
    if vae.backend == "numpyro":
        import jax.numpy as jnp

        schedule = lambda step: jnp.where(step < 8, 0.01, jnp.nan)  # noqa: E731
    else:
        schedule = lambda step: 0.01 if step < 8 else float("nan")  # noqa: E731
    svi_fit = train(vae, images, learning_rate=schedule)
    assert len(svi_fit.trace) == 8
    assert "not a number at step 9" in svi_fit.diagnostics["stopped"]
    assert not svi_fit.diagnostics["converged"]
    assert all(np.isfinite(w).all() for w in svi_fit.state.values())


def test_training_stops_early_without_a_gain(vae, images):
    svi_fit = train(vae, images[:60], num_epochs=400, held_out=0.5, patience=15, learning_rate=0.05)
    epochs = svi_fit.diagnostics["epochs"]
    assert len(svi_fit.trace) < 400
    assert svi_fit.diagnostics["best_step"] == epochs["step"][epochs["held_out_elbo_nats_per_row"].argmax()]
    assert epochs["epoch"][-1] - svi_fit.diagnostics["best_step"] >= 15
    assert "gained nothing after step" in svi_fit.diagnostics["stopped"]


def test_weight_averages_follow_the_steps(vae, images):
    if vae.backend == "numpyro":
        import optax

        still = optax.sgd(0.0)
    else:
        import torch

        still = torch.optim.SGD
    rate = {} if vae.backend == "numpyro" else {"learning_rate": 1e-30}
    start = train(vae, images, num_epochs=1, optimizer=still, **rate).state
    averaged = train(vae, images, num_epochs=1, optimizer=still, weight_average=0.5, **rate).state
    for name in start:
        np.testing.assert_allclose(averaged[name], start[name], rtol=1e-5, atol=1e-7)
    one, other = (train(vae, images, num_epochs=20, weight_average=a).state for a in (None, 0.9))
    assert any((one[n] != other[n]).any() for n in one)


def test_the_kl_divergence_warms_up_and_an_unfinished_warm_up_warns(vae, images):
    svi_fit = train(vae, images, num_epochs=10, warm_up=0.5)
    np.testing.assert_allclose(svi_fit.diagnostics["epochs"]["beta"], np.minimum((6 * np.arange(1, 11) - 1) / 30, 1))
    for beta in (0.5, lambda fraction: 0.3 * fraction):
        with pytest.warns(UserWarning, match="the KL divergence counted 0"):
            fit(vae, images, "svi", num_epochs=1, batch_size=20, beta=beta)


def test_a_memory_mapped_table_is_read_batch_by_batch(vae, images, tmp_path):
    """Rows carried over batch by batch are the rows taken on the device: the fits are the same."""
    path = tmp_path / "images.npy"
    np.save(path, images.astype(np.float32))
    mapped = np.load(path, mmap_mode="r")
    one = train(vae, mapped, num_epochs=3, held_out=0.2)
    other = train(vae, images.astype(np.float32), num_epochs=3, held_out=0.2, minibatches="device")
    np.testing.assert_allclose(one.trace, other.trace, rtol=1e-5)


def test_a_plan_uses_every_row_once_per_epoch():
    plan = TrainingPlan(num_rows=103, batch_size=10, num_steps=95, seed=1)
    order = plan.batches(0, 95)
    assert plan.steps_per_epoch == 10
    for e in range(9):
        assert len(set(order[10 * e : 10 * e + 10].ravel())) == 100
    for start, count in ((0, 7), (7, 20), (33, 62)):  # wherever it is cut
        np.testing.assert_array_equal(plan.batches(start, count), order[start : start + count])


INVALID = [
    ({"batch_size": 121}, "batch_size is a whole number from 1 to the 120 rows; given 121"),
    ({"batch_size": 100, "held_out": 0.5}, "batch_size=100 but 60 rows are trained on"),
    ({"held_out": 1.5}, "held_out is a number between 0 and 1"),
    ({"held_out": 0.001}, "held_out=0.001 of 120 rows leaves no rows"),
    ({"patience": 3}, "patience needs rows that are not trained on"),
    ({"warm_up": 2.0}, "warm_up is a number from 0 to 1"),
    ({"clip_norm": 0.0}, "clip_norm is a number above 0"),
    ({"weight_average": 1.0}, "weight_average is a number between 0 and 1"),
    ({"num_epochs": 0}, "num_epochs is a number of whole epochs"),
    ({"beta": -1.0}, "beta is a number from 0 up"),
    ({"minibatches": "hosts"}, "did you mean 'host'"),
    ({"objective": "elb"}, "did you mean 'elbo'"),
    ({"guide": "mean_field"}, "guide='mean_field' cannot be trained beside what vae learns"),
]


@pytest.mark.parametrize(("options", "message"), INVALID, ids=[next(iter(o)) for o, _ in INVALID])
def test_an_invalid_option_is_refused_in_one_line(vae, images, options, message):
    with pytest.raises(zoo.ZooError, match=message) as raised:
        fit(vae, images, "svi", **options)
    assert "\n" not in str(raised.value)


def test_training_starts_at_the_given_weights(vae, images):
    start = train(vae, images, num_epochs=2, seed=5).state
    still = train(vae, images, num_epochs=1, learning_rate=1e-12, start=start).state
    for name in start:
        np.testing.assert_allclose(still[name], start[name], rtol=1e-6, atol=1e-8)
    with pytest.raises(zoo.ZooError, match=r"start is a dict of arrays .*; given nothing in it"):
        train(vae, images, start={})


def test_one_image_is_enough_to_train_on(vae, images):
    svi_fit = fit(vae, images[:1], "svi", num_steps=5)
    assert svi_fit.diagnostics["batch_size"] == 1
    assert np.isfinite(svi_fit.trace).all()
