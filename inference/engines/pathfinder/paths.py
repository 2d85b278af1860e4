"""Paths of L-BFGS, the best normal approximation on each, and their mixture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from inference.engines.contract import EngineResult, FitRequest
from inference.engines.pathfinder.normals import NormalApproximation, has_curvature, next_diagonal
from inference.engines.pathfinder.options import PathfinderDiagnostics, PathfinderOptions
from inference.run.progress import Progress
from inference.unconstrained.curvature import local_scales, negative_hessian
from zoo.errors import DensityError

FAR = 1e10  # nats: of a point at which the density is 0
PROPORTION_STEPS = 50  # of EM for the proportions of the paths
LogDensities = Callable[[np.ndarray], np.ndarray]  # of points (points, P), in nats


class Path(NamedTuple):
    """The best approximation on a path, in units (P,) from its start, its ELBO in nats, and the ELBO of each point."""

    approximation: NormalApproximation
    start: np.ndarray
    unit: np.ndarray
    elbo: float
    trace: np.ndarray

    def draw(self, noise: np.ndarray) -> np.ndarray:
        """Draws (draws, P) from standard normal ones."""
        return self.start + self.unit * self.approximation.transform(noise)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """The log density of points, in nats."""
        return self.approximation.log_density((x - self.start) / self.unit) - float(np.log(self.unit).sum())


def find_path(
    value_grad_hvp: Callable[..., Any],
    log_densities: LogDensities,
    start: np.ndarray,
    options: PathfinderOptions,
    rng: np.random.Generator,
) -> Path | None:
    """Ascend from a start, in units of the local scales; None where no point has an approximation with an ELBO."""
    zeros = np.zeros_like(start)
    value = value_grad_hvp(start, zeros)[0]
    if not np.isfinite(value):
        return None
    unit = local_scales(negative_hessian(value_grad_hvp, start))
    points, gradients, last = [zeros], [], (zeros, zeros)

    def descend(z: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal last
        log_density, gradient, _ = value_grad_hvp(start + unit * z, zeros)
        if not (np.isfinite(log_density) and np.isfinite(gradient).all()):
            return FAR, zeros
        last = z.copy(), gradient * unit
        return value - log_density, -gradient * unit

    def keep(z: np.ndarray) -> None:
        gradient = last[1] if np.array_equal(last[0], z) else -descend(z)[1]
        points.append(z.copy())
        gradients.append(gradient)

    gradients.append(-descend(zeros)[1])
    limits = {"maxiter": options.max_iter, "maxcor": options.history, "ftol": 1e-10, "gtol": 1e-6}
    minimize(descend, zeros, jac=True, method="L-BFGS-B", callback=keep, options=limits)
    best: Path | None = None
    alpha, pairs, trace = np.ones_like(start), [], []
    for i, (point, gradient) in enumerate(zip(points, gradients, strict=True)):
        if i:
            step, change = point - points[i - 1], gradients[i - 1] - gradient
            if has_curvature(step, change):
                alpha = next_diagonal(alpha, step, change)
                pairs = [*pairs, (step, change)][-options.history :]
        path = approximate(start, unit, point, gradient, alpha, pairs, log_densities, options.elbo_draws, rng)
        trace.append(path.elbo if path else -np.inf)
        if path and np.isfinite(path.elbo) and (best is None or path.elbo > best.elbo):
            best = path
    return best._replace(trace=np.array(trace)) if best else None


def approximate(
    start: np.ndarray,
    unit: np.ndarray,
    point: np.ndarray,
    gradient: np.ndarray,
    alpha: np.ndarray,
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    log_densities: LogDensities,
    num_draws: int,
    rng: np.random.Generator,
) -> Path | None:
    """The approximation at one point of a path with its ELBO, None where its covariance is none."""
    with np.errstate(all="ignore"):
        try:
            path = Path(NormalApproximation(point, gradient, alpha, pairs), start, unit, -np.inf, np.zeros(0))
        except np.linalg.LinAlgError:
            return None
        x = path.draw(rng.standard_normal((num_draws, len(start))))
        if not np.isfinite(x).all():
            return None
        elbo = float(np.mean(log_densities(x) - path.log_density(x)))
    return path._replace(elbo=elbo) if np.isfinite(elbo) else None


def mixture_log_density(paths: Sequence[Path], proportions: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The log density of the mixture of the paths' approximations, in nats."""
    with np.errstate(divide="ignore"):
        logs = np.log(proportions)[:, None] + np.stack([path.log_density(x) for path in paths])
    return logsumexp(logs, axis=0)


def path_proportions(
    paths: Sequence[Path], log_densities: LogDensities, num_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """The proportions with which the mixture is nearest to the posterior, by importance sampling.

    Draws of all paths alike stand for the posterior with weights p / q; EM for the proportions then descends the KL
    divergence from the posterior to the mixture.
    """
    count, P = -(-num_draws // len(paths)), len(paths[0].start)
    x = np.concatenate([path.draw(rng.standard_normal((count, P))) for path in paths])
    proportions = np.full(len(paths), 1 / len(paths))
    logs = np.stack([path.log_density(x) for path in paths])
    log_weight = log_densities(x) - (logsumexp(logs, axis=0) - np.log(len(paths)))
    log_weight = np.where(np.isfinite(log_weight), log_weight, -np.inf)
    if not np.isfinite(log_weight).any():
        return proportions
    weight = np.exp(log_weight - logsumexp(log_weight))
    for _ in range(PROPORTION_STEPS):
        with np.errstate(divide="ignore"):
            joint = np.log(proportions)[:, None] + logs
        proportions = np.exp(joint - logsumexp(joint, axis=0)) @ weight
    return proportions / proportions.sum()


def run_paths(
    request: FitRequest[PathfinderOptions],
    starts: Sequence[np.ndarray],
    start_method: str,
    value_grad_hvp: Callable[..., Any],
    log_densities: LogDensities,
    constrain: Callable[[np.ndarray], tuple[dict[str, np.ndarray], np.ndarray]],
) -> EngineResult:
    """The result, from the starts of the paths, (P,) each.

    constrain: from points (points, P) to values by site, and the log of the Jacobian of each point. Raises ZooError
    where every path fails.
    """
    options, rng = request.options, np.random.default_rng(request.seed)
    found: list[Path] = []
    with Progress("pathfinder", len(starts), request.progress) as bar:
        for i, start in enumerate(starts):
            path = find_path(value_grad_hvp, log_densities, start, options, rng)
            found += [path] if path else []
            bar.update(i + 1, f"ELBO {path.elbo:.1f}" if path else "no finite ELBO")
    if not found:
        raise DensityError(
            "no path has a normal approximation with a finite ELBO: give start=, a dict of possible values, or run nuts"
        )
    proportions = path_proportions(found, log_densities, options.num_draws, rng)
    chosen = rng.choice(len(found), size=options.num_draws, p=proportions)
    noise = rng.standard_normal((options.num_draws, len(starts[0])))
    x = np.stack([found[i].draw(z[None])[0] for i, z in zip(chosen, noise, strict=True)])
    log_p = log_densities(x)
    log_weight = np.where(np.isnan(log_p), -np.inf, log_p) - mixture_log_density(found, proportions, x)
    values, log_jacobian = constrain(x)
    best = max(found, key=lambda path: path.elbo)
    diagnostics = PathfinderDiagnostics(
        start=start_method,
        elbo=float(log_weight.mean()),
        elbo_se=float(log_weight.std(ddof=1) / np.sqrt(len(x))) if len(x) > 1 else float("nan"),
        elbo_by_path=[path.elbo for path in found],
        weight_by_path=proportions.tolist(),
        steps_by_path=[len(path.trace) - 1 for path in found],
        failed_paths=len(starts) - len(found) or None,
    )
    stats = {"lp": (log_p - log_jacobian)[None], "log_weight": log_weight[None]}
    return EngineResult({}, best.trace, diagnostics, {n: v[None] for n, v in values.items()}, stats)


def spread_starts(
    usual: Sequence[np.ndarray], prior_draws: Callable[[int], np.ndarray], seeds: Sequence[int]
) -> list[np.ndarray]:
    """Starts of the paths: every other one where other engines begin, the others at draws from the prior."""
    return [
        point if i % 2 == 0 else prior_draws(seed) for i, (point, seed) in enumerate(zip(usual, seeds, strict=True))
    ]
