"""SVI against exact values, against the estimators it replaces, and against misuse."""

from typing import Any

import numpy as np
import pytest

import zoo
from inference import fit
from inference.engines.svi.convergence import convergence
from tests.programs import conjugate, evidence, exponentials, posterior, summed_log_joint, sums, waiting_times
from tests.table import BACKENDS, SLOW_IN_NUMPYRO, SLOW_IN_PYRO, simulate_case

FROZEN: dict[str, Any] = {"num_steps": 1, "learning_rate": 1e-300}
SMALL: dict[str, Any] = {"num_steps": 5, "num_draws": 5}


@pytest.fixture(scope="module")
def counts():
    return simulate_case("poisson_mixture", {}, seed=1, N=60)[1]


@pytest.fixture(params=BACKENDS)
def mixture(request):
    return zoo.load("poisson_mixture", request.param, K=2)


def test_the_elbo_of_a_marginalised_program_is_the_enumerated_elbo_in_numpyro(counts):
    import jax
    from numpyro.contrib.funsor import config_enumerate
    from numpyro.handlers import block, seed, trace
    from numpyro.infer import Trace_ELBO, TraceEnum_ELBO
    from numpyro.infer.autoguide import AutoNormal

    from inference.exact.enumeration.in_numpyro import marginalize
    from zoo._backend.in_numpyro import runtime, to_backend

    model = zoo.load("poisson_mixture", K=2)
    table, keywords = model.bind(counts)
    with runtime():
        inputs = {**to_backend(table), **to_backend(keywords)}
        key = jax.random.PRNGKey(0)
        guide = AutoNormal(block(model.program, hide=["z"]))
        sites = trace(seed(guide, key)).get_trace(**inputs)
        params = {n: site["value"] for n, site in sites.items() if site["type"] == "param"}
        losses = []
        for elbo, program in (
            (Trace_ELBO(5), marginalize(model.program)),
            (TraceEnum_ELBO(5), config_enumerate(model.program)),
        ):
            losses.append(float(jax.jit(lambda p, e=elbo, m=program: e.loss(key, p, m, guide, **inputs))(params)))
        np.testing.assert_allclose(*losses, rtol=1e-9)


def test_the_elbo_of_a_marginalised_program_is_the_enumerated_elbo_in_pyro(counts):
    import torch
    from pyro.infer import Trace_ELBO, TraceEnum_ELBO, config_enumerate
    from pyro.infer.autoguide import AutoDelta, AutoNormal
    from pyro.poutine import block

    from inference.exact.enumeration.in_pyro import marginalize
    from zoo._backend.in_pyro import runtime, to_backend

    model = zoo.load("poisson_mixture", "pyro", K=2)
    table, keywords = model.bind(counts)
    for family in (AutoDelta, AutoNormal):
        with runtime(), torch.random.fork_rng():
            inputs = {**to_backend(table), **to_backend(keywords)}
            guide = family(block(model.program, hide=["z"]))
            guide(**inputs)
            losses = []
            for elbo, program in (
                (Trace_ELBO(5), marginalize(model.program)),
                (TraceEnum_ELBO(5, max_plate_nesting=1), config_enumerate(model.program)),
            ):
                torch.manual_seed(0)
                losses.append(elbo.loss(program, guide, **inputs))
            np.testing.assert_allclose(*losses, rtol=1e-9, err_msg=family.__name__)


def test_the_batches_of_an_epoch_average_to_the_bound_of_all_rows(mixture, counts):
    options: dict[str, Any] = {"guide": "point", "learning_rate": 1e-300, "num_draws": 1}
    epochs = fit(mixture, counts, "svi", batch_size=20, num_steps=6, **options)
    for epoch in epochs.trace.reshape(2, -1):
        assert abs(epoch.mean() - epochs.diagnostics["elbo"]) < 1e-9 * abs(epoch.mean())
    assert epochs.trace.std() > 1e-3, "the batches do not differ"


def test_draws_carry_their_log_joint_and_weight(mixture, counts):
    svi_fit = fit(mixture, counts, "svi", guide="full_rank", **SMALL)
    assert svi_fit.draws["rate"].shape == (1, 5, 2)
    for i in range(2):
        values = {n: v[0, i] for n, v in svi_fit.draws.items()}
        assert abs(svi_fit.stats["lp"][0, i] - summed_log_joint(svi_fit, values)) < 1e-8
    assert set(svi_fit.state) == {"guide_loc", "guide_tril", "mode", "precision"}
    assert svi_fit.trace.shape == (5,)
    assert svi_fit.diagnostics["start"] == "k-means++"
    assert svi_fit.diagnostics["guide"] == "full_rank"


@pytest.mark.parametrize("backend", SLOW_IN_PYRO)
def test_training_closes_the_gap_to_the_evidence(backend):
    model = conjugate(backend)
    start = {"a": 3.0, "b": -3.0}

    def from_afar(program, start):  # a guide of one's own, far off, for which steps must do the work
        if backend == "numpyro":
            from numpyro.infer import init_to_value
            from numpyro.infer.autoguide import AutoMultivariateNormal

            return AutoMultivariateNormal(program, init_loc_fn=init_to_value(values=start))
        from pyro.infer.autoguide import AutoMultivariateNormal, init_to_value

        return AutoMultivariateNormal(program, init_loc_fn=init_to_value(values=start))

    options: dict[str, Any] = {"num_steps": 1000, "learning_rate": lambda step: 0.05 * 0.998**step, "num_particles": 2}
    svi_fit = fit(model, sums(), "svi", guide=from_afar, start=start, **options)
    assert svi_fit.trace[:10].mean() < evidence() - 5, "there was nothing to learn"
    assert abs(svi_fit.diagnostics["elbo"] - evidence()) < 0.05
    assert svi_fit.diagnostics["converged"]
    assert svi_fit.diagnostics["start"] == "given"
    assert svi_fit.diagnostics["guide"] == "from_afar"
    mean, covariance = posterior()
    for i, name in enumerate("ab"):
        assert abs(svi_fit.draws[name].mean() - mean[i]) < 0.2 * np.sqrt(covariance[i, i])


@pytest.mark.parametrize("backend", SLOW_IN_NUMPYRO)
def test_a_program_of_the_user_is_fitted(backend):
    svi_fit = fit(
        exponentials(backend), waiting_times(), "svi", dtype="float32", num_steps=20, num_draws=200, batch_size=30
    )
    assert svi_fit.draws["rate"].dtype == np.float32
    rates = np.sort(svi_fit.draws["rate"].mean((0, 1)))
    assert abs(np.log(rates / [1 / 50, 1.0])).max() < 0.5
    assert np.isfinite(svi_fit.diagnostics["elbo"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_constraint_of_a_learned_number_may_depend_on_data(backend):
    x = np.array([0.3, 2.0, 1.1, 0.7])

    def program(x):
        if backend == "numpyro":
            from numpyro import distributions as dist
            from numpyro import param, plate, sample
        else:
            from pyro import distributions as dist
            from pyro import param, plate, sample
        constraint = dist.constraints.greater_than(x.max())
        sd = param("sd", lambda key=None: x.max() + 3.0, constraint=constraint)
        mu = sample("mu", dist.Normal(0 * sd, 1.0))
        with plate("rows", len(x)):
            sample("x", dist.Normal(mu, sd), obs=x)

    options: dict[str, Any] = {"num_steps": 100, "learning_rate": 0.1, "num_draws": 2}
    learned = fit(zoo.Model(program, backend=backend), x=x, engine="svi", **options)
    assert 2.0 < learned.params["sd"] < 2.5, "the likelihood is higher, the nearer to the bound"


def test_a_seed_determines_the_fit_and_global_state_is_unchanged(mixture, counts):
    import jax
    import pyro
    import torch

    before = torch.random.get_rng_state(), torch.get_default_dtype(), jax.config.read("jax_enable_x64")
    stored = set(pyro.get_param_store().keys())
    one, same, other = (fit(mixture, counts, "svi", seed=seed, batch_size=20, **SMALL) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.trace, same.trace)
    np.testing.assert_array_equal(one.draws["rate"], same.draws["rate"])
    assert (one.trace != other.trace).any()
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert (torch.get_default_dtype(), jax.config.read("jax_enable_x64")) == before[1:]
    assert set(pyro.get_param_store().keys()) == stored


def test_a_non_finite_objective_stops_at_the_last_finite_guide(mixture, counts):
    if mixture.backend == "numpyro":
        import jax.numpy as jnp

        schedule = lambda step: jnp.where(step < 3, 0.01, jnp.nan)  # noqa: E731
    else:
        schedule = lambda step: 0.01 if step < 3 else float("nan")  # noqa: E731
    svi_fit = fit(mixture, counts, "svi", num_steps=10, num_draws=5, learning_rate=schedule)
    assert len(svi_fit.trace) == 3
    assert svi_fit.diagnostics["stopped"] == (
        "the learning_rate was not a number at step 4: the guide is that of the step before"
    )
    assert not svi_fit.diagnostics["converged"]
    assert np.isfinite(svi_fit.stats["lp"]).all()
    with pytest.raises(zoo.ZooError, match="not a number at the first step"):
        fit(mixture, counts, "svi", num_steps=10, learning_rate=lambda step: float("nan"))


INVALID = [
    ({"batch_size": 61}, "batch_size is a whole number from 1 to the 60 rows; given 61"),
    ({"batch_size": 0}, "batch_size is a whole number"),
    ({"num_steps": 0}, "num_steps is a whole number from 1 up; given 0"),
    ({"num_steps": 2.5}, "num_steps is a whole number"),
    ({"num_particles": 0}, "num_particles is a whole number"),
    ({"learning_rate": -1.0}, "learning_rate is a number above 0"),
    ({"learning_rate": "fast"}, "learning_rate is a number above 0, or a function from the step to one; given .fast."),
    ({"guide": "full_rang"}, "no guide 'full_rang'; did you mean 'full_rank'"),
    ({"optimizer": "adam"}, "optimizer is a"),
    ({"start": {"pi": [1.0], "rate": [1.0, 2.0]}}, "start needs pi of shape \\(2,\\); given \\(1,\\)"),
    ({"start": {"pi": [0.5, 0.5], "rate": [1.0, 2.0], "mu": 1.0}}, "start has mu, which the program does not"),
    ({"start": 3}, "start is a dict of arrays for some or all of pi, rate; given int"),
    ({"steps": 3}, "no option of svi 'steps'"),
]


def test_training_becomes_longer_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr("inference.engines.svi.in_pyro.ELBO_DRAWS", 20)  # a thousand take seconds

    def train(num_steps, folder=None, **options: Any):
        options = {"num_draws": 20, "learning_rate": lambda step: 0.05 * 0.99**step, "checkpoint": folder, **options}
        return fit(conjugate("pyro"), sums(), "svi", num_steps=num_steps, **options)

    train(20, tmp_path / "plain")
    longer, complete = train(50, tmp_path / "plain"), train(50)
    for group in ("params", "draws", "stats", "state"):
        for name, values in getattr(complete, group).items():
            np.testing.assert_array_equal(getattr(longer, group)[name], values)
    np.testing.assert_array_equal(longer.trace, complete.trace)
    with pytest.raises(
        zoo.ZooError, match="has 50 steps, more than the 20 asked for: ask for as many, or name another"
    ):
        train(20, tmp_path / "plain")
    train(20, tmp_path / "schedule", warm_up=0.5)
    with pytest.raises(zoo.ZooError, match=r"num_steps was 20, and is 50 here \(a schedule, as of warm_up, .* depends"):
        train(50, tmp_path / "schedule", warm_up=0.5)


@pytest.mark.parametrize(("options", "message"), INVALID, ids=[next(iter(o)) for o, _ in INVALID])
def test_an_invalid_option_is_refused_in_one_line(mixture, counts, options, message):
    with pytest.raises(zoo.ZooError, match=message) as raised:
        fit(mixture, counts, "svi", **options)
    assert "\n" not in str(raised.value)


def test_a_guide_must_have_the_sites_of_the_program(mixture, counts):
    if mixture.backend == "numpyro":
        from jax.numpy import ones
        from numpyro import param, sample
        from numpyro.distributions import Dirichlet, LogNormal
    else:
        from pyro import param, sample
        from pyro.distributions import Dirichlet, LogNormal
        from torch import ones

    def guide_with(*names, trained=True):
        def guide(**inputs):
            sample("pi", Dirichlet(5 * ones(2)))  # pyright: ignore[reportArgumentType]
            for name in names:
                loc = param(f"at {name}", ones(2)) if trained else ones(2)  # pyright: ignore[reportArgumentType]
                sample(name, LogNormal(loc, 0.1))  # pyright: ignore[reportArgumentType]

        return lambda program, start: guide

    svi_fit = fit(mixture, counts, "svi", guide=guide_with("rate"), **SMALL)
    assert svi_fit.draws["rate"].shape == (1, 5, 2)
    with pytest.raises(zoo.ZooError, match="the guide has no site rate"):
        fit(mixture, counts, "svi", guide=guide_with(), **SMALL)
    with pytest.raises(zoo.ZooError, match="the guide has nu, which the program does not"):
        fit(mixture, counts, "svi", guide=guide_with("rate", "nu"), **SMALL)
    with pytest.raises(zoo.ZooError, match="neither the guide nor the program has parameters"):
        fit(mixture, counts, "svi", guide=guide_with("rate", trained=False), **SMALL)


def test_optimisers_are_those_of_the_backend(counts):
    import optax
    import torch

    options: dict[str, Any] = {"num_steps": 20, "guide": "point", "num_draws": 1}
    mixture = zoo.load("poisson_mixture", K=2)
    fit(mixture, counts, "svi", optimizer=optax.sgd(1e-3), **options)
    fit(mixture, counts, "svi", learning_rate=optax.exponential_decay(0.01, 10, 0.5), **options)
    mixture = zoo.load("poisson_mixture", "pyro", K=2)
    fit(mixture, counts, "svi", optimizer=torch.optim.SGD, learning_rate=1e-3, **options)


def test_convergence_is_detected_under_noise():
    rng = np.random.default_rng(0)
    flat = rng.standard_normal(5000)
    rising = flat + np.linspace(0, 10, 5000)
    assert convergence(flat)["converged"]
    assert not convergence(rising)["converged"]
    assert not convergence(-rising)["converged"]
    # the noise of batches cancels over an epoch, and hides a rise no longer
    batches = np.tile(1000 * (rng.permutation(50) - 24.5), 100)
    assert convergence(rising + batches)["converged"]
    assert not convergence(rising + batches, epoch=50)["converged"]
    assert convergence(flat + batches, epoch=50)["converged"]


@pytest.mark.parametrize("mixture", SLOW_IN_NUMPYRO, indirect=True)
def test_the_progress_bar_is_shown_on_request(mixture, counts, capfd):
    fit(mixture, counts, "svi", **SMALL)
    assert capfd.readouterr() == ("", "")
    fit(mixture, counts, "svi", progress=True, **SMALL)
    output = capfd.readouterr()
    assert "5/5" in output.err
    assert "nats per row" in output.err
    assert not output.out
