import torch
from pyro.distributions import TorchDistribution, constraints
from pyro.ops.gaussian import (
    Gaussian,
    gaussian_tensordot,
    matrix_and_mvn_to_gaussian,
    mvn_to_gaussian,
    sequential_gaussian_tensordot,
)
from torch.distributions import MultivariateNormal

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

    The density is a product of the steps' Gaussian factors, in pairs (Sarkka and Garcia-Fernandez 2021), by Pyro's
    ``sequential_gaussian_tensordot``: a loop over steps would cost a thousand times its arithmetic.

    Parameters
    ----------
    chain : GaussianChain
        The latent chain, with noise in every dimension.
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
        chain, batch = self.chain, torch.broadcast_shapes(value.shape[:-2], self.batch_shape)
        Z = chain.loc.shape[-1]
        emissions = self.emissions(value, batch)
        first = MultivariateNormal(chain.loc, scale_tril=chain.scale_tril, validate_args=False)
        product = mvn_to_gaussian(first).expand(batch) + emissions[..., 0]
        if chain.T > 1:
            noise_tril, transition = (m[..., None, :, :] for m in (chain.noise_tril, chain.transition))
            noise = MultivariateNormal(chain.offset, scale_tril=noise_tril, validate_args=False)
            pairs = matrix_and_mvn_to_gaussian(transition.mT, noise).expand((*batch, chain.T - 1))
            pairs = pairs + emissions[..., 1:].event_pad(left=Z)
            product = gaussian_tensordot(product, sequential_gaussian_tensordot(pairs), dims=Z)
        log_p = product.event_logsumexp()
        is_far = emissions.log_normalizer.amin(-1) < -NEARLY_INFINITE * torch.finfo(value.dtype).max
        return torch.where(log_p.isnan() & is_far, -torch.inf, log_p)

    def emissions(self, value, batch):
        """log p(x_t | z_t) as a Gaussian function of z_t, for each step."""
        observed = ~value.isnan()
        residuals = torch.where(observed, value - self.loc[..., None, :], 0.0)
        weights = observed / self.cov_diag[..., None, :]
        constants = torch.where(observed, self.cov_diag.log()[..., None, :] + LOG_2PI, 0.0)
        log_normalizer = -0.5 * (constants + weights * residuals**2).sum(-1)
        loading = self.loading[..., None, :, :]
        scaled = weights[..., None] * loading
        info_vec = (scaled.mT @ residuals[..., None])[..., 0]
        shape = (*batch, self.chain.T)
        return Gaussian(log_normalizer, info_vec, scaled.mT @ loading).expand(shape)


def apply(matrix, vector):
    """``matrix @ vector``, with any dimensions before them."""
    return (matrix @ vector[..., None])[..., 0]


def log_normal(deviation, tril):
    """Log density of a normal vector with mean 0 and the root ``tril`` of its covariance."""
    unit = torch.linalg.solve_triangular(tril, deviation[..., None], upper=False)[..., 0]
    log_determinant = tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return -0.5 * ((unit**2).sum(-1) + unit.shape[-1] * LOG_2PI) - log_determinant
