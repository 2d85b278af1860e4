import torch

from zoo._distributions.in_pyro import DiagonalNormal, FullNormal, RowDistribution


class LaggedNormal(RowDistribution):
    """Steps (..., T, D), each normal given the P steps before.

    Parameters
    ----------
    mean : tensor, (..., T or 1, D)
        Of a step whose steps before are at ``loc``.
    W : tensor, (..., T or 1, P, D, D)
        Coefficients of the steps before, the nearest first.
    noise : tensor, (..., T or 1, D) or (..., T or 1, D, D)
        Variances; with ``is_full`` Cholesky factors of covariances.
    loc, scale : tensor, (D,)
        Mean and standard deviation of the first P steps.
    T : int
        The number of steps.
    before : tensor, (..., P, D), optional
        The values before the first step, in order of time.
    is_full : bool, default False
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = False

    def __init__(self, mean, W, noise, loc, scale, T, before=None, is_full=False, validate_args=None):
        self.step_mean, self.W, self.noise = mean, W, noise
        self.loc, self.scale, self.before, self.is_full = loc, scale, before, is_full
        self.P, D = W.shape[-3:-1]
        shapes = [mean.shape[:-1], W.shape[:-3], noise.shape[: -2 if is_full else -1], (T,)]
        shapes += [] if before is None else [(*before.shape[:-2], 1)]
        super().__init__(torch.broadcast_shapes(*shapes), (D,), validate_args=validate_args)

    def given_lags(self, mean, W, noise, lags, is_first):
        """The distribution of steps given the P steps before, less ``loc``, (..., P, D)."""
        is_first = is_first[..., None]
        mean = torch.where(is_first, self.loc, mean + torch.einsum("...pde,...pe->...d", W, lags))
        if self.is_full:
            return FullNormal(mean, torch.where(is_first[..., None], torch.diag(self.scale), noise))
        return DiagonalNormal(mean, torch.where(is_first, self.scale**2, noise))

    def is_first(self, t):
        """Whether steps have fewer than P steps before them."""
        return (t < self.P) & (self.before is None)

    @property
    def first_lags(self):
        """The values before the first step, less ``loc``, in order of time: 0 unless given."""
        return self.loc.new_zeros(self.P, *self.event_shape) if self.before is None else self.before - self.loc

    def log_prob(self, value):
        T = value.shape[-2]
        y = (value - self.loc).nan_to_num()  # what is missing at the end of a sequence has a gradient of 0
        first = self.first_lags
        batch = torch.broadcast_shapes(y.shape[:-2], first.shape[:-2])
        y = torch.cat([a.expand(*batch, *a.shape[-2:]) for a in (first, y)], -2)
        lags = torch.stack([y[..., self.P - p : self.P - p + T, :] for p in range(1, self.P + 1)], -2)
        is_first = self.is_first(torch.arange(T, device=y.device))
        return self.given_lags(self.step_mean, self.W, self.noise, lags, is_first).log_prob(value)

    def sample(self, sample_shape=()):
        with torch.no_grad():
            (*batch, T), (D,) = self.batch_shape, self.event_shape
            batch = (*sample_shape, *batch)
            events = [(D,), (self.P, D, D), (D, D) if self.is_full else (D,)]
            inputs = zip((self.step_mean, self.W, self.noise), events, strict=True)
            steps = zip(*(a.expand(*batch, T, *event).unbind(len(batch)) for a, event in inputs), strict=True)
            lags, x = self.first_lags.flip(-2).expand(*batch, self.P, D), []
            for is_first, step in zip(self.is_first(torch.arange(T, device=lags.device)), steps, strict=True):
                x.append(self.given_lags(*step, lags, is_first).rsample())
                lags = torch.cat([(x[-1] - self.loc)[..., None, :], lags[..., :-1, :]], -2)
            return torch.stack(x, -2)
