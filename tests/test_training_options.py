"""Options of training for deep hierarchies: weight decay, warm-up of the learning rate, and steps that are skipped."""

import os
import warnings
from typing import Any

import numpy as np
import pytest

import zoo
from inference import fit
from inference.engines.svi.plan import TrainingPlan
from inference.engines.svi.training import skipping

DATA = np.array([1.0, 2.0, -0.5, 4.0])


@pytest.fixture(scope="module", params=zoo.BACKENDS)
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def pair(backend):
    """x ~ N(mu, 1) with mu ~ N(0, 1), and a guide of one point, which begins at 3."""
    if backend == "numpyro":
        from jax import numpy
        from numpyro import distributions as dist
        from numpyro import param, plate, sample

        start: Any = numpy.array(3.0)
    else:
        import pyro.distributions as dist
        import torch
        from pyro import param, plate, sample

        start = torch.tensor(3.0)

    def program(x):
        mu = sample("mu", dist.Normal(0.0, 1.0))
        with plate("N", len(x)):
            sample("x", dist.Normal(mu, 1.0), obs=x)

    def guide(x):
        sample("mu", dist.Delta(param("point", start)))

    return zoo.Model(program, backend=backend), guide


def slope(mu, rows=DATA):
    """The gradient of the loss per row: minus that of log p(x, mu), by mu."""
    return (mu - (rows - mu).sum()) / len(rows)


def adamw(mu, rates, decay):
    """AdamW (Loshchilov and Hutter 2019) by hand; the first values of mu after each step."""
    first = second = 0.0
    for t, rate in enumerate(rates, 1):
        g = slope(mu)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        direction = first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        mu -= rate * (direction + decay * mu)
    return mu


def trained(pair, num_steps, data: Any = DATA, **options):
    model, guide = pair
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if np.max(data) > 1e100:  # the ELBO of all rows is minus infinity
            warnings.simplefilter("ignore", RuntimeWarning)
        settings: dict[str, Any] = {"guide": guide, "num_draws": 1, "dtype": "float64", **options}
        return fit(model, data, engine="svi", num_steps=num_steps, **settings)


def test_steps_with_decay_and_warm_up_are_those_by_hand(pair, backend):
    for decay, warm_up, rate in ((0.0, 0.0, 0.1), (0.3, 0.0, 0.1), (0.0, 0.5, 0.1), (0.2, 0.7, lambda t: 0.1 * 0.9**t)):
        num_steps = 12
        at = [rate(t) if callable(rate) else rate for t in range(num_steps)]
        factors = [min((t + 1) / (warm_up * num_steps), 1.0) if warm_up else 1.0 for t in range(num_steps)]
        options: dict[str, Any] = {"weight_decay": decay, "learning_rate_warm_up": warm_up, "learning_rate": rate}
        mu = trained(pair, num_steps, **options).params["mu"]
        np.testing.assert_allclose(mu, adamw(3.0, np.multiply(at, factors), decay), rtol=1e-6)


def test_options_that_an_optimizer_has_itself_are_refused(pair, backend):
    if backend == "numpyro":
        import optax

        own = optax.sgd(0.1)
        with pytest.raises(zoo.ZooError, match="an optimizer of optax has a rate of its own"):
            trained(pair, 2, optimizer=own, learning_rate_warm_up=0.5)
    else:
        import torch

        own = torch.optim.SGD
        warm = trained(pair, 2, optimizer=own, learning_rate=0.1, learning_rate_warm_up=1.0).params["mu"]
        after = 3.0 - 0.05 * slope(3.0)
        np.testing.assert_allclose(warm, after - 0.1 * slope(after), rtol=1e-6)
    for options, message in (
        ({"optimizer": own, "weight_decay": 0.1}, "weight_decay is of the default optimizer: leave optimizer out"),
        ({"weight_decay": -1.0}, "weight_decay is a number from 0 up"),
        ({"learning_rate_warm_up": 1.5}, "learning_rate_warm_up is a number from 0 to 1"),
    ):
        with pytest.raises(zoo.ZooError, match=message) as raised:
            trained(pair, 2, **options)
        assert "\n" not in str(raised.value)


def run_filter(functions, norms, multiple=10.0):
    """Which of some steps are done, by the norms of their gradients, and the state after the last."""
    skips, is_done = skipping.initial_state(functions), []
    for norm in norms:
        is_step_done, skips = skipping.next_state(skips, norm, multiple, functions)
        is_done.append(bool(is_step_done))
    return np.array(is_done), skips


def test_spikes_are_skipped_and_a_lasting_rise_is_not():
    rng = np.random.default_rng(0)
    norms = np.exp(0.3 * rng.standard_normal(400))
    spikes = np.array([50, 51, 120, 300])
    norms[spikes] = 500.0
    is_done, skips = run_filter(np, norms)
    assert np.flatnonzero(~is_done).tolist() == spikes.tolist()
    norms[5], norms[250] = 500.0, np.nan  # one before there are 20, and one that is not finite
    is_done, skips = run_filter(np, norms)
    assert np.flatnonzero(~is_done).tolist() == [50, 51, 120, 250, 300]
    assert int(skips["count"]) == 399
    ordered = np.sort(norms[np.isfinite(norms)][-200:])
    assert skipping.threshold(skips["norms"], skips["count"], 10.0, np) == 10 * ordered[179]
    rising = np.concatenate([norms, np.full(50, 1e6)])
    after = run_filter(np, rising)[0][400:]
    assert np.flatnonzero(after)[0] == 21, "no step is done for ever, and the quantile has not risen before"
    assert after[21:].all()


def test_steps_that_are_not_finite_end_training_after_20_in_a_row():
    for between, goes_on in (([], False), ([1.0], True)):
        norms = [1.0, *[np.nan] * 10, *between, *[np.inf] * 10]
        is_done, skips = run_filter(np, norms)
        assert is_done.sum() == 1 + len(between)
        assert bool(skipping.goes_on(skips)) is goes_on


def test_both_backends_skip_the_same_steps():
    import jax
    from jax import numpy as jnp

    rng = np.random.default_rng(1)
    norms = np.exp(2 * rng.standard_normal(300)).astype(np.float32)
    norms[::37] = np.nan

    @jax.jit
    def all_steps(norms):
        def step(skips, norm):
            is_done, skips = skipping.next_state(skips, norm, 2.0, jnp)
            return skips, is_done

        return jax.lax.scan(step, skipping.initial_state(jnp), norms)[1]

    is_done = run_filter(np, norms, 2.0)[0]
    assert 20 < (~is_done).sum() < 100
    np.testing.assert_array_equal(np.asarray(all_steps(norms)), is_done)


SPIKE, NUM_ROWS, STEPS = 7, 30, 120


def rows_with_a_spike(value):
    x = np.random.default_rng(2).standard_normal(NUM_ROWS)
    x[SPIKE] = value
    return x


def order_of(seed):
    """The row of each step, with batches of one row."""
    return TrainingPlan(NUM_ROWS, 1, STEPS, seed).batches(0, STEPS)[:, 0]


@pytest.mark.parametrize("spike", [1e6, 1e153])
def test_batches_with_a_huge_row_leave_no_trace_in_the_fit(pair, spike):
    """A row of 1e6 has a long gradient, and one of 1e153 no finite norm of it. Adam without their steps is by hand."""
    seed = next(s for s in range(9) if np.flatnonzero(order_of(s) == SPIKE)[0] >= skipping.MIN_NORMS)
    x, order = rows_with_a_spike(spike), order_of(seed)
    options = {"seed": seed, "batch_size": 1, "num_steps": STEPS, "learning_rate": 0.05, "data": x}
    trained_fit = trained(pair, skip_above=10.0, weight_average=0.9, **options)
    mu, average, first, second, t = 3.0, 3.0, 0.0, 0.0, 0
    for step, row in enumerate(order):
        if row == SPIKE:
            continue
        g = (mu - NUM_ROWS * (x[row] - mu)) / NUM_ROWS
        t, first, second = t + 1, 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        mu -= 0.05 * first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        d = min(0.9, (1 + step) / (10 + step))
        average = d * average + (1 - d) * mu
    np.testing.assert_allclose(trained_fit.params["mu"], average, rtol=1e-6)
    assert trained_fit.diagnostics["num_skips"] == STEPS // NUM_ROWS
    np.testing.assert_array_equal(np.isnan(trained_fit.trace), order == SPIKE)
    assert np.isfinite(trained_fit.diagnostics["rise"])
    assert np.isfinite(trained_fit.diagnostics["epochs"]["bound_nats_per_row"]).all()
    if spike == 1e6:
        other = trained(pair, **options)
        assert "num_skips" not in other.diagnostics
        assert abs(other.params["mu"] - average) > 0.1


def test_training_ends_where_no_step_is_finite(pair, backend):
    with pytest.raises(
        zoo.ZooError, match=r"row 0 of x \(and 3 more\) is 1e\+200, .*squares are beyond 64 bits: .*in other units"
    ):
        trained(pair, 50, data=np.full(4, 1e200), skip_above=10.0)
    if backend == "numpyro":
        from jax import numpy as jnp

        schedule = lambda step: jnp.where(step < 8, 0.01, jnp.nan)  # noqa: E731
    else:
        schedule = lambda step: 0.01 if step < 8 else float("nan")  # noqa: E731
    with pytest.warns(UserWarning, match="19 of 27 steps were skipped: lower learning_rate, or raise skip_above"):
        ended = fit(pair[0], DATA, "svi", guide=pair[1], num_steps=50, learning_rate=schedule, skip_above=10.0)
    assert len(ended.trace) == 27
    assert ended.diagnostics["num_skips"] == 19
    assert ended.diagnostics["stopped"] == "the learning_rate was not a number in 20 steps in a row, up to step 28"
    assert not ended.diagnostics["converged"]
    assert np.isfinite(ended.params["mu"])


def test_a_killed_run_with_every_option_goes_on_bit_for_bit(backend, tmp_path, monkeypatch):
    model = zoo.load("vae", backend, Z=2, width=8, depth=1)
    x = (np.random.default_rng(0).random((120, 16)) < 0.3).astype(float)

    def train(**options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many steps that are skipped: here that is the intention
            return fit(
                model,
                x,
                "svi",
                num_epochs=12,
                batch_size=20,
                skip_above=1.01,
                weight_decay=0.1,
                warm_up=0.5,
                learning_rate_warm_up=0.2,
                weight_average=0.9,
                kl_balance=True,
                free_bits=0.1,
                **options,
            )

    complete, replace, count = train(), os.replace, []

    def killed(*paths):
        replace(*paths)
        count.append(paths)
        if len(count) == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr("inference.run.checkpoints.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=tmp_path)
    monkeypatch.undo()
    again = train(checkpoint=tmp_path)
    before, after = (np.isnan(complete.trace[part]).sum() for part in (slice(42), slice(42, None)))
    assert min(before, after) > 0
    assert again.diagnostics["num_skips"] == before + after
    assert again.summary().loc["num_skips", "estimate"] == before + after
    np.testing.assert_array_equal(again.trace, complete.trace)
    for name, value in complete.state.items():
        np.testing.assert_array_equal(again.state[name], value)


def test_a_multiple_of_at_most_one_is_refused(pair):
    with pytest.raises(zoo.ZooError, match="skip_above is a number above 1, such as 10; given 1"):
        trained(pair, 2, skip_above=1.0)
