import torch
from pyro.distributions import TorchDistribution, constraints
from torch.linalg import solve_triangular

LOG_2PI = 1.8378770664093453


class RowDistribution(TorchDistribution):
    """A distribution of rows (..., D), whose parameters keep their shapes when the batch is expanded."""

    support = constraints.real_vector
    has_rsample = True

    def expand(self, batch_shape, _instance=None):
        new = type(self).__new__(type(self))
        new.__dict__ |= self.__dict__
        new._batch_shape = torch.Size(batch_shape)
        return new


class DiagonalNormal(RowDistribution):
    arg_constraints = {"loc": constraints.real_vector, "cov_diag": constraints.independent(constraints.positive, 1)}  # noqa: RUF012

    def __init__(self, loc, cov_diag, validate_args=None):
        shape = torch.broadcast_shapes(loc.shape, cov_diag.shape)
        self.loc, self.cov_diag = loc, cov_diag
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self):
        return self.loc.expand(self.shape())

    def rsample(self, sample_shape=()):
        return self.loc + self.cov_diag.sqrt() * self.loc.new_empty(self.shape(sample_shape)).normal_()

    def log_prob(self, value):
        observed, difference = observed_difference(value, self.loc)
        return -0.5 * torch.where(observed, difference**2 / self.cov_diag + self.cov_diag.log() + LOG_2PI, 0.0).sum(-1)


class FullNormal(RowDistribution):
    arg_constraints = {"loc": constraints.real_vector, "scale_tril": constraints.lower_cholesky}  # noqa: RUF012

    def __init__(self, loc, scale_tril, validate_args=None):
        shape = torch.broadcast_shapes(loc.shape, scale_tril.shape[:-1])
        self.loc, self.scale_tril = loc, scale_tril
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape=()):
        noise = self.loc.new_empty(self.shape(sample_shape)).normal_()
        return self.loc + torch.einsum("...ij,...j->...i", self.scale_tril, noise)

    def log_prob(self, value):
        observed, difference = observed_difference(value, self.loc)
        unit = torch.eye(self.event_shape[0], dtype=difference.dtype, device=difference.device)
        root = self.scale_tril
        if not observed.all():  # a missing entry is one of variance 1 that equals its mean
            covariance = root @ root.mT
            root = torch.linalg.cholesky(torch.where(observed[..., None] & observed[..., None, :], covariance, unit))
        inverse = solve_triangular(root, unit.expand(root.shape), upper=False)
        half = torch.einsum("...ij,...j->...i", inverse, difference)
        log_det = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return -0.5 * ((half**2).sum(-1) + log_det + LOG_2PI * observed.sum(-1))


class LowRankNormal(RowDistribution):
    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        shape = torch.broadcast_shapes(loc.shape, cov_factor.shape[:-1], cov_diag.shape)
        self.loc, self.cov_factor, self.cov_diag = loc, cov_factor, cov_diag
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape=()):
        D, Z = self.cov_factor.shape[-2:]
        noise = self.loc.new_empty((*sample_shape, *self.batch_shape, D + Z)).normal_()
        systematic = torch.einsum("...dz,...z->...d", self.cov_factor, noise[..., D:])
        return self.loc + systematic + self.cov_diag.sqrt() * noise[..., :D]

    def log_prob(self, value):
        observed, difference = observed_difference(value, self.loc)
        scaled_factor = self.cov_factor / self.cov_diag[..., None]
        constant = self.cov_diag.log() + LOG_2PI
        if observed.all():  # rows alike share one M
            return self.density(difference, 1.0, constant.sum(-1), scaled_factor, scaled_factor.mT @ self.cov_factor)
        observed = observed.to(difference.dtype)
        products = scaled_factor[..., None] * self.cov_factor[..., None, :]
        gram = torch.einsum("...d,...dzy->...zy", observed, products)
        return self.density(difference, observed, (observed * constant).sum(-1), scaled_factor, gram)

    def density(self, difference, observed, constant, scaled_factor, gram):
        unit = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
        root = torch.linalg.cholesky(unit + gram)
        half = solve_triangular(root, unit.expand(gram.shape), upper=False)
        covariance = half.mT @ half  # of z given the row
        if covariance.shape[:-2] == scaled_factor.shape[:-2]:  # rows alike: the product by them comes last
            mean = torch.einsum("...d,...dz->...z", difference, scaled_factor @ covariance)
        else:
            mean = torch.einsum(
                "...z,...zy->...y", torch.einsum("...d,...dz->...z", difference, scaled_factor), covariance
            )
        residuals = difference - observed * torch.einsum("...dz,...z->...d", self.cov_factor, mean)
        log_det = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        # a sum of squares, and not a difference of two that may be far larger than it
        return -0.5 * ((residuals**2 / self.cov_diag).sum(-1) + (mean**2).sum(-1) + constant + log_det)


def observed_difference(value, loc):
    """Which entries are observed, and their differences from ``loc``: 0 where missing, with a gradient of 0."""
    observed = ~value.isnan()
    return observed, torch.where(observed, value.nan_to_num() - loc, 0.0)
