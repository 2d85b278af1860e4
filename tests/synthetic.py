"""Synthetic fits whose true posterior is known, so that the right verdict is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

import zoo
from inference.diagnostics import Diagnostics, FitKind
from inference.result import Fit

CHAINS, DRAWS = 4, 500


@dataclass(frozen=True, kw_only=True, eq=False)
class ChainDiagnostics(Diagnostics):
    """Diagnostics of a fit with chains."""

    kind: ClassVar[FitKind] = "chains"


@dataclass(frozen=True, kw_only=True, eq=False)
class GuideDiagnostics(Diagnostics):
    """Diagnostics of a fit with independent draws of a guide."""

    kind: ClassVar[FitKind] = "guide"


DIAGNOSTICS = {"nuts": ChainDiagnostics, "svi": GuideDiagnostics, "em": Diagnostics}


def bivariate(x=None, *, N, D):
    # imported here: the draws below are synthetic, and few tests run this program
    import jax.numpy as jnp
    from numpyro import plate, sample
    from numpyro.distributions import Normal

    mu = sample("mu", Normal(jnp.zeros(D), 10.0).to_event(1))
    with plate("N", N):
        sample("x", Normal(mu, 1.0).to_event(1), obs=x)


BIVARIATE = zoo.Card("bivariate", "bivariate", "a test", latents={"mu": "real [D]"}, observed={"x": "real [N D]"})


def gaussian(engine: str, draws: np.ndarray, lp: np.ndarray, **more: Any) -> Fit:
    """A fit of ``bivariate`` with these draws (chain, draw, 2) and log joint."""
    model = zoo.Model(bivariate, backend="numpyro", card=BIVARIATE, D=2)
    data = np.zeros((3, 2))
    stats = {"lp": lp, **more.pop("stats", {})}
    fields: dict[str, Any] = {
        "model": model,
        "engine": engine,
        "keywords": {"N": 3, "D": 2},
        "options": {},
        "seed": 0,
        "device": "cpu",
        "dtype": None,
        "data": {"x": data},
        "seconds": 1.0,
        "params": {"mu": draws.mean((0, 1))},
        "trace": np.zeros(0),
        "draws": {"mu": draws},
        "stats": stats,
        "diagnostics": DIAGNOSTICS[engine](),
    }
    return Fit(**{**fields, **more})


def correlated(rho: float) -> np.ndarray:
    return np.array([[1.0, rho], [rho, 1.0]])


def log_normal(x: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """log density of a bivariate normal with mean zero, in nats."""
    _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
    return -0.5 * (np.einsum("...i,ij,...j->...", x, np.linalg.inv(covariance), x) + log_det)


def chains_of(covariance: np.ndarray, seed: int = 0, chains: int = CHAINS, draws: int = DRAWS, **more: Any) -> Fit:
    """Chains that sample a bivariate normal perfectly."""
    x = np.random.default_rng(seed).multivariate_normal(np.zeros(2), covariance, size=(chains, draws))
    stats = {"diverging": np.zeros((chains, draws), bool), **more.pop("stats", {})}
    return gaussian("nuts", x, log_normal(x, covariance), stats=stats, **more)


def guide_of(
    covariance: np.ndarray,
    guide_covariance: np.ndarray,
    guide: str = "mean_field",
    seed: int = 1,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Fit:
    """Draws of a normal guide with ``guide_covariance``; the posterior is normal with mean 0 and ``covariance``."""
    z = np.random.default_rng(seed).multivariate_normal(np.zeros(2), guide_covariance, size=(1, 2000))
    x = z + shift
    lp = log_normal(x, covariance)
    stats = {"log_weight": lp - log_normal(z, guide_covariance)}
    options = {"guide": guide, "num_steps": 100}
    return gaussian("svi", x, lp, stats=stats, options=options, trace=np.linspace(-9.0, -1.0, 100))


def mixture(
    engine: str, seed: int = 0, shape: tuple[int, int] = (CHAINS, DRAWS), settings: Any = None, **more: Any
) -> Fit:
    """A fit of a mixture to simulated rows, with draws around the true values."""
    model = zoo.load("gaussian_mixture", K=2, **(settings or {}))
    rng = np.random.default_rng(7)
    x = rng.normal(size=(40, 2)) + np.where(np.arange(40) < 15, 0.0, 6.0)[:, None]
    table, keywords = model.bind(x)
    rng = np.random.default_rng(seed)
    pi = rng.beta(15, 25, size=shape)
    mu = np.array([[0.0, 0.0], [6.0, 6.0]]) + 0.2 * rng.normal(size=(*shape, 2, 2))
    root = np.eye(2) + 0.1 * np.tril(rng.normal(size=(*shape, 2, 2, 2)))
    draws = {"pi": np.stack([pi, 1 - pi], -1), "mu": mu, "Lambda": root @ np.swapaxes(root, -1, -2)}
    return Fit(
        model=model,
        engine=engine,
        keywords=keywords,
        seed=seed,
        device="cpu",
        dtype=None,
        data=table,
        seconds=2.0,
        params={n: v.mean((0, 1)) for n, v in draws.items()},
        draws=draws,
        **{
            "options": {},
            "trace": np.zeros(0),
            "stats": {"lp": rng.normal(size=shape), "diverging": np.zeros(shape, bool)},
            "diagnostics": DIAGNOSTICS[engine](),
            **more,
        },
    )


def at_point(fit: Fit, engine: str = "em", **more: Any) -> Fit:
    """The point estimate of a fit, without draws."""
    params = {n: v.copy() for n, v in fit.params.items()}
    fields: dict[str, Any] = {"params": params, "draws": {}, "stats": {}, "options": {"objective": "ml"}}
    fields["diagnostics"] = Diagnostics()
    return replace(fit, engine=engine, **{**fields, "trace": np.array([-3.0, -2.0, -1.5]), **more})


def relabel(fit: Fit, order: np.ndarray) -> Fit:
    """The same fit with the components of each draw in another order, (chain, draw, K)."""
    draws = {}
    for name, site in fit.model.card.parameters(fit.keywords).items():
        value = fit.draws[name]
        for axis in (a for a, letter in enumerate(site.dims) if letter == "K"):
            shape = [*order.shape[:2], *(1 for _ in site.dims)]
            shape[2 + axis] = -1
            value = np.take_along_axis(value, order.reshape(shape), axis=2 + axis)
        draws[name] = value
    return replace(fit, draws=draws)
