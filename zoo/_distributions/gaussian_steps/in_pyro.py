import torch
from pyro.distributions import TorchDistribution, constraints

from zoo._distributions.gaussian_chain.in_pyro import apply, log_normal
from zoo._distributions.gaussian_steps import check_shapes

NAMES = ("loc", "scale_tril", "transition", "offset", "noise_tril")
EVENT_DIMS = (1, 2, 2, 1, 2)  # with a dimension of time before them


class GaussianSteps(TorchDistribution):
    """Steps of a linear-Gaussian chain in Z dimensions, each with a density of its own.

    Parameters
    ----------
    loc : tensor, (Z) or (..., 1, Z)
        Mean of the first step.
    scale_tril : tensor, (Z, Z) or (..., 1, Z, Z)
        Lower triangular root of the covariance of the first step.
    transition : tensor, (..., T, Z, Z) or (..., 1, Z, Z)
        The linear map to each step from the one before.
    offset : tensor, (..., T, Z) or (..., 1, Z)
        What is added at each step but the first.
    noise_tril : tensor, (Z, Z), (..., T, Z, Z) or (..., 1, Z, Z)
        Lower triangular root of the covariance of the noise.
    T : int
        The number of steps.

    Raises
    ------
    ZooError
        Where the shapes do not fit.
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "scale_tril": constraints.lower_cholesky,
        "transition": constraints.independent(constraints.real, 2),
        "offset": constraints.real_vector,
        "noise_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, scale_tril, transition, offset, noise_tril, T, validate_args=None):
        parts = [torch.as_tensor(v) for v in (loc, scale_tril, transition, offset, noise_tril)]
        check_shapes(*(tuple(v.shape) for v in parts), T)
        parts = [v if v.ndim > n else v[None] for v, n in zip(parts, EVENT_DIMS, strict=True)]
        self.loc, self.scale_tril, self.transition, self.offset, self.noise_tril = parts
        self.T = int(T)
        batches = (v.shape[: v.ndim - n] for v, n in zip(parts, EVENT_DIMS, strict=True))
        batch = torch.broadcast_shapes((self.T,), *batches)
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(GaussianSteps, _instance)
        for name in (*NAMES, "T"):
            setattr(new, name, getattr(self, name))
        super(GaussianSteps, new).__init__(torch.Size(batch_shape), self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def later_steps(self):
        """The transition, offset and noise of all steps but the first, or those of every step with time 1."""
        for name, n in (("transition", 2), ("offset", 1), ("noise_tril", 2)):
            value = getattr(self, name)
            yield value if value.shape[-n - 1] == 1 else value.narrow(-n - 1, 1, self.T - 1)

    def rsample(self, sample_shape=()):
        noise = torch.randn(self.shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        A, b, Q = self.later_steps()
        A = A.expand(*A.shape[:-3], self.T - 1, *A.shape[-2:])
        innovations = apply(Q, noise[..., 1:, :]) + b
        steps = [(self.loc + apply(self.scale_tril, noise[..., :1, :]))[..., 0, :]]
        for t in range(self.T - 1):
            steps.append(apply(A[..., t, :, :], steps[-1]) + innovations[..., t, :])
        return torch.stack(torch.broadcast_tensors(*steps), -2)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        A, b, Q = self.later_steps()
        first = log_normal(value[..., :1, :] - self.loc, self.scale_tril)
        later = log_normal(value[..., 1:, :] - apply(A, value[..., :-1, :]) - b, Q)
        batch = torch.broadcast_shapes(first.shape[:-1], later.shape[:-1], self.batch_shape[:-1])
        return torch.cat([log.expand(*batch, log.shape[-1]) for log in (first, later)], -1)
