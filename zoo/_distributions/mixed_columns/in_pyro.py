import torch
from pyro.distributions import constraints

from zoo._distributions.counts.in_pyro import Poisson
from zoo._distributions.in_pyro import LOG_2PI, RowDistribution, observed_difference
from zoo._distributions.mixed_columns import MIN_SCALE, layout


class MixedColumns(RowDistribution):
    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
        "rate": constraints.independent(constraints.positive, 1),
        "logits": constraints.real_vector,
    }
    support = constraints.real_vector  # of categories whole numbers below their levels: elsewhere the density is 0
    has_rsample = False

    def __init__(self, loc, scale, rate, logits, columns, covariates=None, validate_args=None):
        self.loc, self.scale, self.rate, self.logits = loc, scale, rate, logits
        self.columns, self.covariates = columns, covariates
        given = () if covariates is None else covariates.shape[:-1]
        shape = torch.broadcast_shapes(*(v.shape[:-1] for v in (loc, scale, rate, logits)), given)
        super().__init__(shape, (len(columns),), validate_args=validate_args)

    @property
    def mean(self):
        """The mean of numbers and counts, and the most probable level of categories."""
        return self.in_order(self.loc, self.padded_logits().argmax(-1), self.rate, self.batch_shape)

    def sample(self, sample_shape=()):
        with torch.no_grad():
            shape = (*sample_shape, *self.batch_shape)
            noise = self.loc.new_empty((*shape, self.loc.shape[-1])).normal_()
            # the largest logit with Gumbel noise is a draw of the category
            padded = self.padded_logits()
            exponential = padded.new_empty((*shape, *padded.shape[-2:])).exponential_()
            levels = (padded - exponential.log()).argmax(-1)
            counts = torch.poisson(self.rate.expand(*shape, self.rate.shape[-1]))
            return self.in_order(self.loc + self.scale * noise, levels, counts, shape)

    def log_prob(self, value):
        at = layout(self.columns)
        total = self.loc.new_zeros(torch.broadcast_shapes(self.batch_shape, value.shape[:-1]))
        if len(at.numbers):
            total = total + self.number_log_probs(value[..., at.numbers]).sum(-1)
        if len(at.categories):
            total = total + self.category_log_probs(value[..., at.categories]).sum(-1)
        if len(at.counts):
            total = total + self.count_log_probs(value[..., at.counts]).sum(-1)
        return total

    def number_log_probs(self, numbers):
        """log p of each number, 0 where missing, (..., C)."""
        observed, difference = observed_difference(numbers, self.loc)
        log_probs = -0.5 * ((difference / self.scale) ** 2 + LOG_2PI) - self.scale.log()
        return torch.where(observed, log_probs, 0.0)

    def category_log_probs(self, codes):
        """log p of the level of each category, 0 where missing, (..., K)."""
        last = torch.as_tensor(layout(self.columns).sizes - 1, device=codes.device)
        level = torch.minimum(codes.nan_to_num().clamp(min=0).long(), last)
        log_probs = torch.where(level == codes, self.level_log_probs(level), -torch.inf)
        return torch.where(codes.isnan(), 0.0, log_probs)

    def count_log_probs(self, counts):
        """log p of each count, 0 where missing, (..., R)."""
        whole = counts.nan_to_num().round().clamp(min=0)
        log_probs = torch.where(whole == counts, Poisson(self.rate).log_prob(whole), -torch.inf)
        return torch.where(counts.isnan(), 0.0, log_probs)

    def level_log_probs(self, level):
        """log p of one level of each category, (..., K)."""
        positions, logits = layout(self.columns), self.logits
        # the largest logit of each category is subtracted, a constant for gradients: sums by a product with the
        # indicator then have one term per level, where a padded softmax has the largest number of levels for each
        largest = logits.detach()[..., positions.members].amax(-1)
        powers = (logits - largest[..., positions.owners]).exp()
        total = powers @ torch.as_tensor(positions.indicator, dtype=powers.dtype, device=powers.device)
        index = level + torch.as_tensor(positions.starts, device=level.device)
        shape = torch.broadcast_shapes(logits.shape[:-1], index.shape[:-1])
        own = logits.expand(*shape, logits.shape[-1]).gather(-1, index.expand(*shape, index.shape[-1]))
        return own - largest - total.log()

    def padded_logits(self):
        """The logits of each category, (..., K, largest number of levels), -inf beyond its own levels."""
        positions = layout(self.columns)
        sizes = torch.as_tensor(positions.sizes, device=self.logits.device)
        has_level = torch.arange(positions.members.shape[-1], device=self.logits.device) < sizes[:, None]
        return torch.where(has_level, self.logits[..., positions.members], -torch.inf)

    def in_order(self, numbers, categories, counts, shape):
        """Numbers (..., C), categories (..., K), counts (..., R) and the covariates as rows (*shape, D)."""
        given = numbers[..., :0] if self.covariates is None else self.covariates
        parts = (numbers, categories, counts, given)
        rows = torch.cat([v.to(self.logits.dtype).expand(*shape, v.shape[-1]) for v in parts], -1)
        return rows[..., layout(self.columns).order]


def decoded_columns(outputs, loc, spread, columns):
    numbers = layout(columns).numbers
    C = len(numbers)
    loc, spread = (vector(v, columns, outputs)[numbers] for v in (loc, spread))
    scale = spread * (MIN_SCALE + torch.nn.functional.softplus(outputs[..., C : 2 * C]))
    return MixedColumns(loc + spread * outputs[..., :C], scale, outputs[..., :0], outputs[..., 2 * C :], columns)


def encode_columns(x, columns, loc, spread):
    positions = layout(columns)
    loc, spread = (vector(v, columns, x)[positions.numbers] for v in (loc, spread))
    observed, difference = observed_difference(x[..., positions.numbers], loc)
    levels = torch.arange(len(positions.owners), device=x.device)
    levels = levels - torch.as_tensor(positions.starts[positions.owners], device=x.device)
    is_level = x[..., positions.categories][..., positions.owners] == levels  # False where missing
    return torch.cat([difference / spread, (~observed).to(x.dtype), is_level.to(x.dtype)], -1)


def vector(value, columns, like):
    """A number for each column, (D,)."""
    return torch.as_tensor(value, dtype=like.dtype, device=like.device).expand(len(columns))
