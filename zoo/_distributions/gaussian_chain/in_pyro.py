from typing import NamedTuple

import torch
from pyro.distributions import TorchDistribution, constraints

from zoo._distributions.gaussian_chain import NEARLY_INFINITE, check_loading, check_shapes

LOG_2PI = 1.8378770664093453


class GaussianChain(TorchDistribution):
    """A linear-Gaussian chain of T steps in Z dimensions.

    Parameters
    ----------
    loc : tensor, (..., Z)
        Mean of the first step.
    scale_tril : tensor, (..., Z, Z)
        Lower triangular root of the covariance of the first step.
    transition : tensor, (..., Z, Z)
        The linear map from each step to the next.
    noise_tril : tensor, (..., Z, Z)
        Lower triangular root of the covariance of what is added at each step.
    T : int
        The number of steps.
    offset : tensor, (..., T - 1, Z) or (..., 1, Z), optional
        What is added to each step but the first; 0 unless given.

    Raises
    ------
    ZooError
        Where the shapes do not fit.
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "scale_tril": constraints.lower_cholesky,
        "transition": constraints.independent(constraints.real, 2),
        "noise_tril": constraints.lower_cholesky,
        "offset": constraints.independent(constraints.real, 2),
    }
    support = constraints.independent(constraints.real, 2)
    has_rsample = True

    def __init__(self, loc, scale_tril, transition, noise_tril, T, offset=None, validate_args=None):
        parts = [torch.as_tensor(v) for v in (loc, scale_tril, transition, noise_tril)]
        parts.append(parts[0].new_zeros(1, *parts[0].shape[-1:]) if offset is None else torch.as_tensor(offset))
        check_shapes(*(tuple(v.shape) for v in parts), T)
        self.loc, self.scale_tril, self.transition, self.noise_tril, self.offset = parts
        self.T = int(T)
        batch = torch.broadcast_shapes(parts[0].shape[:-1], *(m.shape[:-2] for m in parts[1:]))
        super().__init__(batch, torch.Size((self.T, self.loc.shape[-1])), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(GaussianChain, _instance)
        for name in ("loc", "scale_tril", "transition", "noise_tril", "offset", "T"):
            setattr(new, name, getattr(self, name))
        super(GaussianChain, new).__init__(torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape=()):
        noise = torch.randn(self.shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        innovations = apply(self.noise_tril[..., None, :, :], noise[..., 1:, :]) + self.offset
        steps = [self.loc + apply(self.scale_tril, noise[..., 0, :])]
        for t in range(self.T - 1):
            steps.append(apply(self.transition, steps[-1]) + innovations[..., t, :])
        return torch.stack(steps, -2)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        first = log_normal(value[..., 0, :] - self.loc, self.scale_tril)
        change = value[..., 1:, :] - apply(self.transition[..., None, :, :], value[..., :-1, :])
        return first + log_normal(change - self.offset, self.noise_tril[..., None, :, :]).sum(-1)


class GaussianChainRows(TorchDistribution):
    """Observations of a linear-Gaussian chain, with the chain integrated out.

    Neighbouring steps are joined until there is one (Sarkka and Garcia-Fernandez 2021), since a loop over steps would
    cost a thousand times its arithmetic. Pyro's ``sequential_gaussian_tensordot`` does the same with precisions, and
    loses a digit for each by which the variance of the moves is smaller than what is known of the latents without them.

    Parameters
    ----------
    chain : GaussianChain
        The latent chain.
    loading : tensor, (..., D, Z)
        The linear map from the chain to the columns.
    loc : tensor, (..., D)
        What is added to the columns.
    cov_diag : tensor, (..., D)
        Variances of the noise of the columns.

    Raises
    ------
    ZooError
        Where the shapes do not fit.
    """

    arg_constraints = {"loc": constraints.real_vector, "cov_diag": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    support = constraints.independent(constraints.real, 2)
    has_rsample = True

    def __init__(self, chain, loading, loc, cov_diag, validate_args=None):
        loading, loc, cov_diag = (torch.as_tensor(v) for v in (loading, loc, cov_diag))
        check_loading(tuple(loading.shape), tuple(loc.shape), tuple(cov_diag.shape), chain.event_shape[-1])
        self.chain, self.loading, D = chain, loading, loading.shape[-2]
        self.loc, self.cov_diag = (v.expand(*v.shape[:-1], D) for v in (loc, cov_diag))
        rows = (self.loc.shape[:-1], self.cov_diag.shape[:-1])
        batch = torch.broadcast_shapes(chain.batch_shape, loading.shape[:-2], *rows)
        super().__init__(batch, torch.Size((chain.T, D)), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(GaussianChainRows, _instance)
        for name in ("chain", "loading", "loc", "cov_diag"):
            setattr(new, name, getattr(self, name))
        super(GaussianChainRows, new).__init__(torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape=()):
        z = self.chain.expand(self.batch_shape).rsample(sample_shape)
        noise = torch.randn(self.shape(sample_shape), dtype=z.dtype, device=z.device)
        mean = apply(self.loading[..., None, :, :], z) + self.loc[..., None, :]
        return mean + self.cov_diag.sqrt()[..., None, :] * noise

    def log_prob(self, value):
        observed = ~value.isnan()
        chain = self.chain
        # in deviations from loc at all steps, so that levels far from 0 cost no digits
        shift = apply(self.loading, chain.loc) + self.loc
        offset = chain.offset + (apply(chain.transition, chain.loc) - chain.loc)[..., None, :]
        residuals = torch.where(observed, value - shift[..., None, :], 0.0)
        precision = 1 / self.cov_diag[..., None, :]
        # matrices of rows that have every value are those of one row
        weights = precision.expand(*precision.shape[:-2], chain.T, -1) if observed.all() else observed * precision
        constants = torch.where(observed, self.cov_diag.log()[..., None, :] + LOG_2PI, 0.0).sum((-1, -2))
        transition, loading = chain.transition[..., None, :, :], self.loading[..., None, :, :]
        first = chain_steps(
            torch.zeros_like(transition),
            torch.zeros_like(offset[..., :1, :]),
            chain.scale_tril[..., None, :, :],
            loading,
            residuals[..., :1, :],
            weights[..., :1, :],
        )
        product = first
        if chain.T > 1:
            noise_tril = chain.noise_tril[..., None, :, :]
            later = chain_steps(transition, offset, noise_tril, loading, residuals[..., 1:, :], weights[..., 1:, :])
            product = join_steps(first, multiply_steps(later))
        log_p = product.log_scale[..., 0] - 0.5 * constants
        is_far = (weights * residuals**2).sum(-1).amax(-1) > NEARLY_INFINITE * torch.finfo(value.dtype).max
        return torch.where(log_p.isnan() & is_far, -torch.inf, log_p)


class ChainSteps(NamedTuple):
    """p(z_t, x | z_s) of some steps s + 1 to t, as exp(log_scale + h' z_s - z_s' J z_s / 2) Normal(z_t; F z_s + b, C).

    Covariances and precisions are sums of positive terms: a product of Gaussian functions of (z_s, z_t) would have the
    precision of the moves in its entries, and lose as many digits as the moves are smaller than what is summed out.
    """

    F: torch.Tensor
    b: torch.Tensor
    C: torch.Tensor
    h: torch.Tensor
    J: torch.Tensor
    log_scale: torch.Tensor


TIME_DIMS = ChainSteps(-3, -2, -3, -2, -3, -1)


def chain_steps(transition, offset, noise_tril, loading, residuals, weights):
    """The function of each single step, from a move and the values after it."""
    cov, M = noise_tril @ noise_tril.mT, loading.mT @ (weights[..., None] * loading)
    inverse, log_determinant = invert_unit_plus(cov @ M)
    change = apply(inverse.mT, apply(loading.mT, weights * residuals) - apply(M, offset))
    b = offset + apply(cov, change)
    squares = (weights * (residuals - apply(loading, b)) ** 2).sum(-1) + (change * apply(cov, change)).sum(-1)
    F = inverse @ transition
    return ChainSteps(
        F, b, inverse @ cov, apply(transition.mT, change), F.mT @ M @ transition, -0.5 * (squares + log_determinant)
    )


def join_steps(first, later):
    """The function of the steps of two that follow each other, with the latents between them integrated out."""
    inverse, log_determinant = invert_unit_plus(first.C @ later.J)
    cov, F = inverse @ first.C, inverse @ first.F
    change = later.h - apply(later.J, first.b)
    quadratic = change * apply(cov, change) + first.b * (later.h + change)
    return ChainSteps(
        later.F @ F,
        later.b + apply(later.F, first.b + apply(cov, change)),
        later.C + later.F @ cov @ later.F.mT,
        first.h + apply(F.mT, change),
        first.J + F.mT @ later.J @ first.F,
        first.log_scale + later.log_scale + 0.5 * (quadratic.sum(-1) - log_determinant),
    )


def multiply_steps(steps):
    """The function of all steps together, by joining neighbours until there is one."""
    matrices = torch.broadcast_shapes(steps.F.shape, steps.C.shape)
    vectors = torch.broadcast_shapes(steps.b.shape, matrices[:-1])
    shapes = ChainSteps(matrices, vectors, matrices, vectors, matrices, vectors[:-1])
    steps = ChainSteps(*(v.expand(shape) for v, shape in zip(steps, shapes, strict=True)))
    while (T := steps.log_scale.shape[-1]) > 1:
        pairs = join_steps(take_steps(steps, slice(0, T - 1, 2)), take_steps(steps, slice(1, T, 2)))
        rest = take_steps(steps, slice(T - T % 2, T))
        steps = ChainSteps(*(torch.cat(v, dim) for *v, dim in zip(pairs, rest, TIME_DIMS, strict=True)))
    return steps


def take_steps(steps, at):
    """The functions of some steps."""
    return ChainSteps(*(v[(..., at, *[slice(None)] * (-1 - dim))] for v, dim in zip(steps, TIME_DIMS, strict=True)))


def invert_unit_plus(product):
    """The inverse of I + product and the log of its determinant, for products C J without negative eigenvalues."""
    unit = torch.eye(product.shape[-1], dtype=product.dtype, device=product.device)
    factors, pivots, _ = torch.linalg.lu_factor_ex(unit + product)
    inverse = torch.linalg.lu_solve(factors, pivots, unit.expand(product.shape))
    return inverse, factors.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)


def apply(matrix, vector):
    """``matrix @ vector``, with any dimensions before them."""
    return (matrix @ vector[..., None])[..., 0]


def log_normal(deviation, tril):
    """Log density of a normal vector with mean 0 and the root ``tril`` of its covariance."""
    unit = torch.linalg.solve_triangular(tril, deviation[..., None], upper=False)[..., 0]
    log_determinant = tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return -0.5 * ((unit**2).sum(-1) + unit.shape[-1] * LOG_2PI) - log_determinant
