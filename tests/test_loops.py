"""Programs with ``scan`` and ``markov``: sums over their discrete states, against the program at every path."""

import importlib
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import inference
import zoo
from inference import enumeration, sequences
from tests.loops import BITS, COVARIATE, LATENTS, LENGTHS, PROGRAMS, VALUES, K, N, T, Y
from tests.table import BACKENDS
from zoo._backend import backend_of, in_backend


def read(name, backend, rows=slice(None), lengths=LENGTHS, num_steps=T):
    """A program of the table with the data of some sequences."""
    y = (BITS if PROGRAMS[name][0] else Y)[rows, :num_steps]
    program = getattr(importlib.import_module(f"tests.loops.in_{backend}"), name)
    model = zoo.Model(program, backend=backend)
    return zoo.read(model, y, np.minimum(lengths[rows], num_steps), COVARIATE[:num_steps])


def values_of(name):
    return {k: VALUES[k] for k in LATENTS[name]}


def log_joint(model, values):
    backend, (table, keywords) = backend_of(model), model.bind()
    return backend.log_joint(model.program, {**keywords, **table}, values)


def every_path(name, backend, n, num_steps=T):
    """The log density of one sequence with each path of its states, and the states by site, (paths, steps).

    By the user's program, of this sequence alone and cut at its end, with a value for every state.
    """
    sizes, length, values = PROGRAMS[name][1], min(int(LENGTHS[n]), num_steps), values_of(name)
    model = read(name, backend, slice(n, n + 1), num_steps=length)
    nothing = read(name, backend, slice(n, n + 1), lengths=0 * LENGTHS, num_steps=length)  # all is masked
    paths = np.array(list(itertools.product(*(range(size) for size in sizes.values() for _ in range(length)))))
    states = dict(zip(sizes, np.split(paths, len(sizes), axis=1), strict=True))

    def with_path(i):
        if backend == "numpyro":
            return {**values, **{s: x[i, :, None] for s, x in states.items()}}
        return {**values, **{f"{s}_{t}": x[i, t : t + 1] for s, x in states.items() for t in range(length)}}

    prior = log_joint(nothing, with_path(0))
    return np.array([log_joint(model, with_path(i)) for i in range(len(paths))]) - prior, states


def by_sequence(name, backend, values):
    """Values of states as (N, T, ...), from the sites of a program."""
    if backend == "numpyro":
        return {s: np.moveaxis(values[s], 1, 0) for s in PROGRAMS[name][1]}
    num_steps = sum(n.startswith("x_") for n in values)
    return {s: np.stack([values[f"{s}_{t}"] for t in range(num_steps)], 1) for s in PROGRAMS[name][1]}


SHORT = [("first_order", 1), ("mixture_of_transitions", 1), ("second_order", 1), ("second_order", 2)]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "num_steps"), [*((name, T) for name in PROGRAMS), *SHORT])
def test_sums_are_those_over_every_path(name, backend, num_steps):
    model = read(name, backend, num_steps=num_steps)
    values = values_of(name)
    log_p = enumeration.log_marginal(model, values, None)
    states = by_sequence(name, backend, enumeration.responsibilities(model, values, None))
    for n in range(N):
        logs, paths = every_path(name, backend, n, num_steps)
        np.testing.assert_allclose(log_p[n], logsumexp(logs), rtol=1e-12)
        p = np.exp(logs - logsumexp(logs))
        for site, size in PROGRAMS[name][1].items():
            exact = np.stack([(p[:, None] * (paths[site] == k)).sum(0) for k in range(size)], -1)
            np.testing.assert_allclose(states[site][n, : len(exact)], exact, atol=1e-12)


def point_fit(name, backend):
    """A fit of a program whose point estimate is the values of the table."""
    model = read(name, backend)
    fit = inference.fit(model, engine="em", max_iter=1)
    return replace(fit, params=values_of(name))


@pytest.mark.parametrize(  # NumPyro compiles for seconds, and the elimination is the same code for both
    ("name", "backend"),
    [
        ("lagged_values", "pyro"),
        ("mixture_in_states", "pyro"),
        ("dependent_chains", "pyro"),
        *(("second_order", backend) for backend in BACKENDS),
    ],
)
def test_best_paths_and_draws_are_those_of_the_posterior(name, backend):
    fit, sizes, num_draws = point_fit(name, backend), PROGRAMS[name][1], 2000
    chains = [s for s in sizes if (name, s) != ("mixture_in_states", "m")]
    best = sequences.most_probable_path(fit, site=chains[0])
    samples = {s: sequences.paths(fit, num_paths=num_draws, site=s, seed=1) for s in chains}
    filtered = sequences.filtered(fit, site=chains[0])
    for n in range(N):
        logs, states = every_path(name, backend, n)
        length = states[chains[0]].shape[1]
        p, codes = np.exp(logs - logsumexp(logs)), code(states, chains, sizes)
        by_path = np.bincount(codes, p)  # labels that are no chain are summed out
        top = np.flatnonzero(codes == by_path.argmax())[0]
        for s in chains:
            np.testing.assert_array_equal(best.chains[s][n, :length], states[s][top])
        counts = np.bincount(
            code({s: x[:, n, :length] for s, x in samples.items()}, chains, sizes), minlength=len(by_path)
        )
        expected = num_draws * by_path
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi_squared - len(by_path) + 1) < 5 * np.sqrt(2 * len(by_path) + (1 / expected).sum())
        last = [(p * (states[chains[0]][:, -1] == k)).sum() for k in range(sizes[chains[0]])]
        np.testing.assert_allclose(filtered[n, length - 1], last, atol=1e-12)


def code(states, chains, sizes):
    """A number for each path of the chains together, from (paths, steps) of each."""
    columns = [x for s in chains for x in states[s].T]
    return np.ravel_multi_index(columns, [sizes[s] for s in chains for _ in range(states[s].shape[1])])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["first_order", "second_order"])
def test_states_are_sampled_beside_the_parameters(name, backend):
    model, num_draws = read(name, backend), 1000
    values = {n: np.broadcast_to(v, (1, num_draws, *v.shape)) for n, v in values_of(name).items()}
    labels = {n: v[0] for n, v in enumeration.sample_labels(model, values, None, seed=3).items()}
    samples = (
        np.moveaxis(labels["x"], 0, 2) if backend == "numpyro" else np.stack([labels[f"x_{t}"].T for t in range(T)])
    )
    logs, paths = every_path(name, backend, 0)
    expected = num_draws * np.exp(logs - logsumexp(logs))
    counts = np.bincount(code({"x": samples[:, 0].T}, ["x"], {"x": K}), minlength=len(paths["x"]))
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_squared - len(expected) + 1) < 5 * np.sqrt(2 * len(expected) + (1 / expected).sum())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_missing_value_is_integrated_out(backend):
    program = importlib.import_module(f"tests.loops.in_{backend}").first_order
    y, lengths = Y.copy(), np.array([T, T])
    y[0, 1], y[1, 2] = np.nan, np.nan
    model = zoo.read(zoo.Model(program, backend=backend), y, lengths, COVARIATE)
    log_p = enumeration.log_marginal(model, values_of("first_order"), None)
    A, density = VALUES["A"], norm.pdf(y[..., None], VALUES["mu"])
    density[np.isnan(y)] = 1.0
    for n in range(N):
        total = A[0] * density[n, 0]
        for t in range(1, T):
            total = (total @ A) * density[n, t]
        assert log_p[n] == pytest.approx(np.log(total.sum()), abs=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_engines_agree_on_one_program(backend):
    """EM of a program with a loop is EM of the program with one site, ``Chain``, from the same start."""
    model = read("first_order", backend)
    start = {k: VALUES[k] for k in LATENTS["first_order"]}
    fit = inference.fit(model, engine="em", start=start, max_iter=5, tol=0.0)
    assert (np.diff(fit.trace) > -1e-12).all()
    A, mu = start["A"], start["mu"]
    for expected in fit.trace:  # Baum and Welch by the list of paths
        pairs, sums, log_p = np.zeros((K, K)), np.zeros((2, K)), 0.0
        for n in range(N):
            states = np.array(list(itertools.product(range(K), repeat=int(LENGTHS[n]))))
            y = Y[n, : LENGTHS[n]]
            before = np.concatenate([np.zeros((len(states), 1), int), states[:, :-1]], 1)
            logs = (np.log(A)[before, states] + norm.logpdf(y, mu[states])).sum(1)
            p, log_p = np.exp(logs - logsumexp(logs)), log_p + logsumexp(logs)
            for t in range(LENGTHS[n]):
                np.add.at(pairs, (before[:, t], states[:, t]), p)
                np.add.at(sums[0], states[:, t], p * y[t])
                np.add.at(sums[1], states[:, t], p)
        assert expected == pytest.approx(log_p, abs=1e-7)
        A, mu = pairs / pairs.sum(1, keepdims=True), sums[0] / sums[1]


def test_states_may_leave_a_scan():
    """Emissions outside of the scan, in a plate of the steps, are those within it."""
    from tests.loops import in_numpyro

    models = [
        zoo.read(zoo.Model(program, backend="numpyro"), Y[0])
        for program in (in_numpyro.emissions_within, in_numpyro.emissions_outside)
    ]
    within, outside = (enumeration.responsibilities(m, values_of("first_order"), None)["x"] for m in models)
    np.testing.assert_allclose(outside, within, atol=1e-13)
    joints = [
        backend_of(m).log_joint(
            in_backend("inference.exact.enumeration", "numpyro").marginalize(m.program),
            {**m.bind()[0], **m.bind()[1]},
            values_of("first_order"),
        )
        for m in models
    ]
    assert joints[0] == pytest.approx(joints[1], abs=1e-12)


@pytest.mark.parametrize(
    ("backend", "name", "words"),
    [
        ("numpyro", "continuous_in_scan", "level is continuous and in one loop with x"),
        ("numpyro", "scan_in_reverse", "flip the arrays"),
        ("numpyro", "counts_of_states", "carries more than its last 3 values"),
        ("pyro", "long_history", "history=4"),
        ("pyro", "emission_after_the_loop", "outside of the loop of x"),
        ("pyro", "not_broadcast", "cannot run with every value of its discrete latents at once"),
        ("pyro", "number_of_values_changes", "x_1 has 3 values, and 2 at other steps"),
    ],
)
def test_loops_that_cannot_be_summed_out_are_refused_in_one_line(backend, name, words):
    program = getattr(importlib.import_module(f"tests.loops.in_{backend}"), name)
    with pytest.raises(zoo.ZooError) as caught:
        inference.fit(zoo.Model(program, backend=backend), Y[0], engine="em")
    print(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_forecasts_of_users_programs_are_refused_in_one_line(backend):
    with pytest.raises(zoo.ZooError, match="whose number of steps is that of its data"):
        sequences.forecast(point_fit("first_order", backend), 2)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_hidden_markov_model_of_a_tutorial_goes_through_every_engine(backend):
    """Two states that last, four standard deviations apart, with means of 12 to 20 effective steps each."""
    rng, truth = np.random.default_rng(0), np.zeros((12, 20), int)
    for n in range(12):
        for t in range(20):
            truth[n, t] = rng.choice(2, p=[[0.9, 0.1], [0.2, 0.8]][truth[n, t - 1] if t else 0])
    y, lengths = rng.normal(np.array([-2.0, 2.0])[truth], 1.0), np.full(12, 20)
    program = zoo.Model(importlib.import_module(f"tests.loops.in_{backend}").first_order, backend=backend)
    runs: dict[str, dict[str, Any]] = {"em": {"objective": "map"}, "svi": {"num_steps": 500}}
    for engine, options in runs.items():
        fit = inference.fit(program, y, lengths, np.zeros(20), engine=engine, **options)
        np.testing.assert_allclose(fit.params["mu"], [-2.0, 2.0], atol=0.4)
        assert (sequences.most_probable_path(fit).states == truth).mean() > 0.95
    if backend == "numpyro":  # chains of Pyro take minutes
        chains: dict[str, Any] = {"num_warmup": 300, "num_samples": 300, "num_chains": 2}
        fit = inference.fit(program, y, lengths, np.zeros(20), engine="nuts", **chains)
        means = np.sort(fit.draws["mu"].mean(1), axis=1)  # the labels of a chain are those of its start
        np.testing.assert_allclose(means, [[-2.0, 2.0]] * 2, atol=0.4)


def test_counts_that_a_guide_draws_stay_in_the_scan():
    """They have no finite support, and need none."""
    import jax.numpy as jnp
    from numpyro import sample
    from numpyro.contrib.control_flow import scan
    from numpyro.distributions import Normal, Poisson
    from numpyro.handlers import seed
    from numpyro.infer.util import log_density

    def program(y):
        mu = sample("mu", Normal(0.0, 1.0))

        def step(carry, y_t):
            count = sample("count", Poisson(3.0))
            sample("y", Normal(count + mu, 1.0), obs=y_t)
            return count, None

        scan(step, 0, y)

    values = {"mu": 0.1, "count": jnp.array([1, 2, 3])}
    marginal = in_backend("inference.exact.enumeration", "numpyro").marginalize(program, ("count",))
    logs = [float(log_density(seed(p, 0), (jnp.array(Y[0]),), {}, values)[0]) for p in (marginal, program)]
    assert logs[0] == pytest.approx(logs[1], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        pytest.param("first_order", "numpyro", marks=pytest.mark.slow),
        ("first_order", "pyro"),
        pytest.param("factorial", "pyro", marks=pytest.mark.slow),
    ],
)
def test_durations_are_of_the_steps_up_to_the_end_of_each_sequence(name, backend):
    """Emissions that leave no doubt give the stays; padded sequences have those of their own steps."""
    path = np.array([0, 1, 1, 0, 1, 1])
    y, lengths = np.stack([path, 1 - path]) * 200.0 - 100.0, np.array([6, 4])
    program = getattr(importlib.import_module(f"tests.loops.in_{backend}"), name)
    model = zoo.read(zoo.Model(program, backend=backend), y, lengths, np.zeros(6))
    params = {**values_of(name), "mu": np.array([-100.0, 100.0])}
    fitted = replace(inference.fit(model, engine="em", max_iter=1), params=params | {"nu": np.zeros(3)})
    site, A = ("x", "A") if name == "first_order" else ("w", "A")
    stays = sequences.durations(fitted, num_paths=3, site=site)
    np.testing.assert_allclose(stays.expected, 1 / (1 - np.diag(params[A])), rtol=1e-9)
    # the first sequence is 0 [1 1] [0] 1 1, the second 1 [0 0] 1 and then masked
    assert sorted(stays.lengths[0]) == sorted(3 * [1, 2])
    assert sorted(stays.lengths[1]) == 3 * [2]
    axes = sequences.figures.transition_graph(fitted, site=site)
    assert axes.figure is not None


@pytest.mark.parametrize("name", ["covariates", "emission_of_two_states"])
def test_durations_of_transitions_that_change_are_refused(name):
    with pytest.raises(zoo.ZooError, match="change with time"):
        sequences.durations(point_fit(name, "pyro"))
