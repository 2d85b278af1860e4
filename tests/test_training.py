"""Training: batches, averages, held-out rows, warm-up, checkpoints; by networks as small as they can be."""

import os
import warnings

import numpy as np
import pytest

import zoo
from inference import fit
from inference.engines.svi.plan import TrainingPlan

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


def trained(model, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return fit(model, data, "svi", **{"num_epochs": 6, "batch_size": 20, "learning_rate": 0.01, **options})


def same(one, other):
    np.testing.assert_array_equal(one.trace, other.trace)
    assert set(one.state) == set(other.state)
    for name in one.state:
        np.testing.assert_array_equal(one.state[name], other.state[name])


def test_networks_learn_and_say_how_it_went(vae, images):
    found = trained(vae, images, num_epochs=60, held_out=0.25)
    epochs = found.diagnostics["epochs"]
    assert found.trace.shape == (60 * (90 // 20),)
    assert epochs["epoch"].tolist() == list(range(1, 61))
    np.testing.assert_allclose(
        epochs["bound_nats_per_row"], epochs["reconstruction_nats_per_row"] - epochs["kl_nats_per_row"], rtol=1e-4
    )
    # without codes no pixel is better than a coin: 16 log 2 = 11.1 nats; with them 0.7 + 16 * 0.33
    assert epochs["bound_nats_per_row"][0] < -10
    assert found.diagnostics["held_out_elbo_nats_per_row"] > -8.5
    assert found.diagnostics["held_out_elbo_nats_per_row"] == epochs["held_out_elbo_nats_per_row"].max()
    assert found.diagnostics["best_step"] in epochs["step"]
    assert found.dtype == "float32"
    assert set(found.params) == {n for n in found.state if n.startswith("decoder")}


def test_the_bound_of_batches_is_that_of_all_rows(vae, images):
    """At a learning rate that changes nothing, the mean of an epoch is the bound of all rows, whatever the batch."""
    start = trained(vae, images, num_epochs=2, seed=5).state
    means = []
    for size in (10, 40, 120):
        still = trained(vae, images, learning_rate=1e-12, batch_size=size, num_epochs=80, start=start)
        epoch = 120 // size
        means.append(
            (still.trace.mean(), still.trace.reshape(-1, epoch).mean(1).std() / np.sqrt(len(still.trace) / epoch))
        )
    (a, sa), (b, sb), (c, sc) = means
    assert abs(a - b) < 4 * np.hypot(sa, sb)
    assert abs(b - c) < 4 * np.hypot(sb, sc)


@pytest.mark.parametrize("extra", [{}, {"weight_average": 0.9, "held_out": 0.2, "warm_up": 0.5, "clip_norm": 1.0}])
def test_a_run_that_was_killed_goes_on_bit_for_bit(vae, images, extra, tmp_path, monkeypatch):
    whole = trained(vae, images, checkpoint=tmp_path / "whole", **extra)
    again = trained(vae, images, checkpoint=tmp_path / "whole", **extra)  # all done: read back
    without = trained(vae, images, **extra)
    same(whole, again)
    same(whole, without)
    replace, kept = os.replace, []

    def killed(*paths):
        replace(*paths)
        kept.append(paths)
        if len(kept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(vae, images, checkpoint=tmp_path / "cut", **extra)
    monkeypatch.undo()
    resumed = trained(vae, images, checkpoint=tmp_path / "cut", **extra)
    same(whole, resumed)
    for name, values in whole.diagnostics["epochs"].items():
        if name != "seconds":
            np.testing.assert_array_equal(values, resumed.diagnostics["epochs"][name])


def test_a_checkpoint_of_anything_else_is_refused(vae, images, tmp_path):
    trained(vae, images, num_epochs=1, checkpoint=tmp_path)
    for wrong, named in (
        ({"batch_size": 30}, "batch_size was 20, and is 30 here"),
        ({"seed": 1}, "seed was 0, and is 1"),
        ({"learning_rate": 0.1}, "learning_rate was 0.01, and is 0.1"),
    ):
        with pytest.raises(zoo.ZooError, match=named) as raised:
            trained(vae, images, checkpoint=tmp_path, **wrong)
        assert "\n" not in str(raised.value)
    with pytest.raises(zoo.ZooError, match="data x was array"):
        trained(vae, 1 - images, checkpoint=tmp_path)
    file = tmp_path / "checkpoint.npz"
    for damaged in (file.read_bytes()[:500], b"", b"not a checkpoint at all"):
        file.write_bytes(damaged)
        with pytest.raises(zoo.ZooError, match="is damaged, or no checkpoint"):
            trained(vae, images, checkpoint=tmp_path)
        assert file.read_bytes() == damaged, "nothing is overwritten"
    np.savez(file, a=np.zeros(3))
    with pytest.raises(zoo.ZooError, match="is damaged, or no checkpoint"):
        trained(vae, images, checkpoint=tmp_path)
    taken = tmp_path / "a file"
    taken.write_text("mine")
    with pytest.raises(zoo.ZooError, match="cannot be a folder"):
        trained(vae, images, checkpoint=taken)


def test_a_full_disk_leaves_the_old_checkpoint(vae, images, tmp_path, monkeypatch):
    trained(vae, images, num_epochs=2, checkpoint=tmp_path)
    before = (tmp_path / "checkpoint.npz").read_bytes()

    def full(*args, **arrays):
        args[0].write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("inference.run.checkpoints.np.savez", full)
    with pytest.warns(UserWarning, match="no checkpoint was saved at step 36 .*No space left on device"):
        found = fit(
            vae, images, "svi", num_epochs=6, batch_size=20, learning_rate=0.01, checkpoint=tmp_path, checkpoint_every=9
        )
    assert len(found.trace) == 36
    assert (tmp_path / "checkpoint.npz").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_run_may_be_made_longer(vae, images, tmp_path):
    trained(vae, images, num_epochs=2, checkpoint=tmp_path)
    same(trained(vae, images, num_epochs=4, checkpoint=tmp_path), trained(vae, images, num_epochs=4))


def test_a_loss_that_is_not_a_number_stops_at_the_last_good_weights(vae, images):
    if vae.backend == "numpyro":
        import jax.numpy as jnp

        schedule = lambda step: jnp.where(step < 8, 0.01, jnp.nan)  # noqa: E731
    else:
        schedule = lambda step: 0.01 if step < 8 else float("nan")  # noqa: E731
    found = trained(vae, images, learning_rate=schedule)
    assert len(found.trace) == 8
    assert "not a number at step 9" in found.diagnostics["stopped"]
    assert not found.diagnostics["converged"]
    assert all(np.isfinite(w).all() for w in found.state.values())


def test_training_ends_where_nothing_is_gained(vae, images):
    found = trained(vae, images[:60], num_epochs=400, held_out=0.5, patience=15, learning_rate=0.05)
    epochs = found.diagnostics["epochs"]
    assert len(found.trace) < 400
    assert found.diagnostics["best_step"] == epochs["step"][epochs["held_out_elbo_nats_per_row"].argmax()]
    assert epochs["epoch"][-1] - found.diagnostics["best_step"] >= 15
    assert "gained nothing after step" in found.diagnostics["stopped"]


def test_averages_are_of_the_steps(vae, images):
    if vae.backend == "numpyro":
        import optax

        still = optax.sgd(0.0)
    else:
        import torch

        still = torch.optim.SGD
    rate = {} if vae.backend == "numpyro" else {"learning_rate": 1e-30}
    begun = trained(vae, images, num_epochs=1, optimizer=still, **rate).state
    averaged = trained(vae, images, num_epochs=1, optimizer=still, weight_average=0.5, **rate).state
    for name in begun:
        np.testing.assert_allclose(averaged[name], begun[name], rtol=1e-5, atol=1e-7)
    one, other = (trained(vae, images, num_epochs=20, weight_average=a).state for a in (None, 0.9))
    assert any((one[n] != other[n]).any() for n in one)


def test_the_kl_divergence_warms_up_and_a_warning_says_where_it_did_not(vae, images):
    found = trained(vae, images, num_epochs=10, warm_up=0.5)
    np.testing.assert_allclose(found.diagnostics["epochs"]["beta"], np.minimum((6 * np.arange(1, 11) - 1) / 30, 1))
    for beta in (0.5, lambda fraction: 0.3 * fraction):
        with pytest.warns(UserWarning, match="the KL divergence counted 0"):
            fit(vae, images, "svi", num_epochs=1, batch_size=20, beta=beta)


def test_a_table_on_disk_is_read_as_it_is_needed(vae, images, tmp_path):
    """Rows carried over batch by batch are the rows taken on the device: the fits are the same."""
    path = tmp_path / "images.npy"
    np.save(path, images.astype(np.float32))
    mapped = np.load(path, mmap_mode="r")
    one = trained(vae, mapped, num_epochs=3, held_out=0.2)
    other = trained(vae, images.astype(np.float32), num_epochs=3, held_out=0.2, minibatches="device")
    np.testing.assert_allclose(one.trace, other.trace, rtol=1e-5)


def test_a_plan_shows_every_row_once_an_epoch():
    plan = TrainingPlan(num_rows=103, batch_size=10, num_steps=95, seed=1)
    order = plan.batches(0, 95)
    assert plan.steps_per_epoch == 10
    for e in range(9):
        assert len(set(order[10 * e : 10 * e + 10].ravel())) == 100
    for begun, count in ((0, 7), (7, 20), (33, 62)):  # wherever it is cut
        np.testing.assert_array_equal(plan.batches(begun, count), order[begun : begun + count])


WRONG = [
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


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[next(iter(o)) for o, _ in WRONG])
def test_a_wrong_option_is_one_line_that_says_what_would_work(vae, images, options, message):
    with pytest.raises(zoo.ZooError, match=message) as raised:
        fit(vae, images, "svi", **options)
    assert "\n" not in str(raised.value)


def test_training_begins_where_it_is_told(vae, images):
    start = trained(vae, images, num_epochs=2, seed=5).state
    same = trained(vae, images, num_epochs=1, learning_rate=1e-12, start=start).state
    for name in start:
        np.testing.assert_allclose(same[name], start[name], rtol=1e-6, atol=1e-8)
    with pytest.raises(zoo.ZooError, match=r"start needs .* of shape .*; given nothing"):
        trained(vae, images, start={})


def test_one_image_is_enough_to_train_on(vae, images):
    found = fit(vae, images[:1], "svi", num_steps=5)
    assert found.diagnostics["batch_size"] == 1
    assert np.isfinite(found.trace).all()
