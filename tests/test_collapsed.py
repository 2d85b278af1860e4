"""Linear-Gaussian programs with latents integrated out, against the full program integrated numerically, row by row."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

import zoo
from tests.table import BACKENDS, CASES, IDS, is_exact
from zoo._backend import backend_of

COLLAPSED = [(case, i) for case, i in zip(CASES, IDS, strict=True) if zoo.card(case[0]).linear and is_exact(case[0])]
ALL_COLLAPSED = pytest.mark.parametrize(
    ("name", "settings"), [case for case, _ in COLLAPSED], ids=[i for _, i in COLLAPSED]
)
PATTERNS = np.array([[0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [1, 1, 0, 1, 1], [1, 1, 1, 1, 1]], bool)


def log_densities(model, program, values, sizes):
    """log p of each site at values of all of them: one number, or (N,) where it has rows."""
    backend, (x, *_) = backend_of(model), model.data_names
    conditions = {n: v for n, v in values.items() if n != x}
    settings = model.complete({**model.card.sizes, **model.settings, **sizes}, {})
    with backend.runtime("float64"):
        if model.backend == "numpyro":
            import jax
            from numpyro.handlers import substitute, trace

            @jax.jit  # one compilation, for every call
            def logs(x, conditions):
                nodes = trace(substitute(program, data=conditions)).get_trace(x, **settings)
                return {n: s["fn"].log_prob(s["value"]) for n, s in nodes.items() if s["type"] == "sample"}

            log_probs = logs(values[x], backend.to_backend(conditions))
        else:
            from pyro.poutine import condition, trace

            traced = trace(condition(program, data=backend.to_backend(conditions))).get_trace(
                **backend.to_backend({x: values[x]}), **settings
            )
            traced.compute_log_prob()
            log_probs = {n: traced.nodes[n]["log_prob"] for n in values if n in traced.nodes}
        return backend.to_numpy(log_probs)


def by_row(model, program, values, sizes):
    """log p of everything that belongs to one row, (N,)."""
    local = {*model.card.local(model.settings), *model.card.observed}
    return np.sum([v for n, v in log_densities(model, program, values, sizes).items() if n in local], axis=0)


def rows_with_missing(name, settings, Z, backend="pyro"):
    """A model, its sizes with Z, and values of every site: a complete row, two incomplete ones, one without values."""
    model = zoo.load(name, backend, **settings)
    sizes = {**model.card.sizes, "N": len(PATTERNS), "Z": Z}
    values = zoo.load(name, "pyro", **settings).simulate(3, **sizes)
    values["x"] = np.where(PATTERNS[:, : sizes["D"]], np.nan, values["x"])
    return model, sizes, values


def repeat_rows(values, z):
    """Values with all rows repeated for each z (S, Z); rows of the same z are consecutive."""
    per_row = {n: np.tile(v, (len(z), *[1] * (v.ndim - 1))) for n, v in values.items() if n in ("x", "c")}
    return {**values, **per_row, "z": np.repeat(z, len(PATTERNS), axis=0)}


@pytest.mark.parametrize("backend", BACKENDS)
@ALL_COLLAPSED
def test_collapsed_is_the_program_integrated_by_quadrature(name, settings, backend):
    model, sizes, values = rows_with_missing(name, settings, 1, backend)
    z, step = np.linspace(-9, 9, 1801, retstep=True)
    joint = by_row(model, model.program, repeat_rows(values, z[:, None]), {**sizes, "N": len(z) * len(PATTERNS)})
    exact = by_row(model, model.collapsed, values, sizes)
    # equal steps integrate a smooth peak to 1e-12 where it is ten steps wide, and the prior beyond 9 is 1e-18
    np.testing.assert_allclose(exact, logsumexp(joint.reshape(len(z), -1), axis=0) + np.log(step), atol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
@ALL_COLLAPSED
def test_collapsed_is_the_program_integrated_by_importance_sampling(name, settings, backend):
    model, sizes, values = rows_with_missing(name, settings, 2, backend)
    S, wide = 40_000, 1.2  # wider than the prior, so that no weight is large
    z = wide * np.random.default_rng(0).normal(size=(S, 2))
    joint = by_row(model, model.program, repeat_rows(values, z), {**sizes, "N": S * len(PATTERNS)}).reshape(S, -1)
    weights = joint - norm.logpdf(z, scale=wide).sum(1)[:, None]
    share = np.exp(weights - logsumexp(weights, axis=0))
    error = np.sqrt((share**2).sum(0) - 1 / S)  # of the log of a mean of S weights
    assert (error < 0.1).all()
    exact = by_row(model, model.collapsed, values, sizes)
    assert (abs(exact - (logsumexp(weights, axis=0) - np.log(S))) < 5 * error).all()


@ALL_COLLAPSED
def test_the_backends_agree_on_collapsed(name, settings):
    for Z in (0, 2):
        models, (_, sizes, values) = (
            [zoo.load(name, b, **settings) for b in BACKENDS],
            rows_with_missing(name, settings, Z),
        )
        whole = {**values, "x": np.nan_to_num(values["x"])}
        for point in (values, whole):
            one, other = (log_densities(m, m.collapsed, point, sizes) for m in models)
            assert one.keys() == other.keys() == set(values) - {"z"}
            for site, log in one.items():
                assert np.isfinite(log).all()
                np.testing.assert_allclose(log.sum(), other[site].sum(), rtol=1e-9, atol=1e-9, err_msg=site)


@ALL_COLLAPSED
def test_the_missing_pattern_changes_the_time_alone(name, settings):
    """NumPyro with the pattern of missing values, labels summed out, and for some of the rows too."""
    from inference.exact.enumeration.in_numpyro import marginalize
    from zoo._backend.in_numpyro import minibatch, to_backend
    from zoo._distributions.in_numpyro import with_missing_pattern

    model, sizes, values = rows_with_missing(name, settings, Z=1, backend="numpyro")
    x = np.repeat(values["x"], 2, axis=0)
    keywords = model.complete({**sizes, **model.settings, "N": len(x)}, {})
    params = {n: values[n] for n in model.card.parameters(settings)}
    rows = np.array([5, 0, 3])

    def log_joint(program, x):
        return backend_of(model).log_joint(program, {**keywords, "x": x}, params)

    for table in (x, x[:2]):  # with missing values, and without
        keywords["N"] = len(table)
        with_pattern = marginalize(with_missing_pattern(model.collapsed, {"x": table}))
        assert log_joint(with_pattern, table) == pytest.approx(
            log_joint(marginalize(model.collapsed), table), rel=1e-12
        )
    keywords["N"] = len(x)
    with_pattern, without_pattern = (
        minibatch(marginalize(program), to_backend({"rows": rows})["rows"])
        for program in (with_missing_pattern(model.collapsed, {"x": x}), model.collapsed)
    )
    assert log_joint(with_pattern, x[rows]) == pytest.approx(log_joint(without_pattern, x[rows]), rel=1e-12)


def low_rank(backend, x, loc, factor, noise):
    """log density (numpy) and its gradients by loc, factor and noise, of the backend's LowRankNormal."""
    if backend == "numpyro":
        import jax

        from zoo._backend.in_numpyro import runtime
        from zoo._distributions.in_numpyro import LowRankNormal

        with runtime("float64"):
            log = jax.jit(lambda x, *parameters: LowRankNormal(*parameters).log_prob(x))
            gradients = jax.jit(jax.grad(lambda x, *parameters: log(x, *parameters).sum(), (1, 2, 3)))
            parameters = [jax.numpy.asarray(v) for v in (x, loc, factor, noise)]
            return np.asarray(log(*parameters)), [np.asarray(g) for g in gradients(*parameters)]
    import torch

    from zoo._distributions.in_pyro import LowRankNormal

    parameters = [torch.tensor(v, requires_grad=True) for v in (loc, factor, noise)]
    log = LowRankNormal(*parameters).log_prob(torch.tensor(x))
    return log.detach().numpy(), [g.numpy() for g in torch.autograd.grad(log.sum(), parameters, materialize_grads=True)]


def dense(x, loc, factor, noise):
    """log density of the observed entries of one row, from the dense covariance."""
    observed = ~np.isnan(x)
    if not observed.any():
        return 0.0
    S = (factor @ factor.T + np.diag(noise))[np.ix_(observed, observed)]
    return multivariate_normal.logpdf(x[observed], loc[observed], S)


def any_normal(Z, D=6, N=9, missing=0.4):
    rng = np.random.default_rng(Z)
    x = rng.normal(size=(N, D))
    x[rng.random(x.shape) < missing] = np.nan
    if missing:
        x[0] = np.nan
    return x, rng.normal(size=D), rng.normal(size=(D, Z)), rng.gamma(2.0, size=D)


@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("Z", [0, 1, 3])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_density_is_that_of_the_dense_normal(backend, Z, missing):
    x, *parameters = any_normal(Z, missing=missing)
    log_density, gradients = low_rank(backend, x, *parameters)
    np.testing.assert_allclose(log_density, [dense(row, *parameters) for row in x], atol=1e-11)
    h = 1e-5
    for i, gradient in enumerate(gradients):
        assert np.isfinite(gradient).all()
        numeric = np.zeros_like(parameters[i])
        for index in np.ndindex(*parameters[i].shape):
            ends = []
            for step in (h, -h):
                shifted = [v.copy() for v in parameters]
                shifted[i][index] += step
                ends.append(sum(dense(row, *shifted) for row in x))
            numeric[index] = (ends[0] - ends[1]) / (2 * h)
        # a central difference is off by h^2 and the rounding of its ends over h
        np.testing.assert_allclose(gradient, numeric, atol=1e-6 * max(1, abs(numeric).max(initial=0)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_parameters_may_have_dimensions_that_rows_have_not(backend):
    rng = np.random.default_rng(0)
    loc, factor, noise = rng.normal(size=(3, 1, 4)), rng.normal(size=(3, 1, 4, 2)), rng.gamma(2.0, size=(3, 1, 4))
    for x in (rng.normal(size=(5, 4)), np.where(rng.random((5, 4)) < 0.3, np.nan, rng.normal(size=(5, 4)))):
        log_density, _ = low_rank(backend, x, loc, factor, noise)
        expected = [[dense(row, loc[s, 0], factor[s, 0], noise[s, 0]) for row in x] for s in range(3)]
        np.testing.assert_allclose(log_density, expected, atol=1e-11)


@pytest.mark.parametrize("Z", [0, 2])
@pytest.mark.parametrize("name", ["DiagonalNormal", "LowRankNormal"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_draws_have_the_moments(backend, name, Z):
    _, loc, factor, noise = any_normal(Z, D=4)
    parts, S = (loc, noise) if name == "DiagonalNormal" else (loc, factor, noise), 50_000
    if backend == "numpyro":
        import jax

        from zoo._distributions import in_numpyro

        sample = jax.jit(lambda *parts: getattr(in_numpyro, name)(*parts).sample(jax.random.PRNGKey(1), (S,)))
        draws = np.asarray(sample(*parts), float)
    else:
        import torch

        from zoo._distributions import in_pyro

        with torch.random.fork_rng():
            torch.manual_seed(1)
            draws = getattr(in_pyro, name)(*map(torch.tensor, parts)).sample((S,)).numpy()
    assert draws.shape == (S, 4)
    covariance = np.diag(noise) + (factor @ factor.T if name == "LowRankNormal" else 0)
    variance = np.diag(covariance)
    assert (abs(draws.mean(0) - loc) < 5 * np.sqrt(variance / S)).all()
    error = np.sqrt((np.outer(variance, variance) + covariance**2) / S)  # of a covariance of normal draws
    assert (abs(np.cov(draws.T) - covariance) < 5 * error).all()
