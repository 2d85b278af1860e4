import torch
from pyro.distributions import constraints

from zoo._distributions.in_pyro import LOG_2PI, RowDistribution, observed_difference
from zoo._distributions.mixed_columns import MIN_SCALE, layout


class MixedColumns(RowDistribution):
    arg_constraints = {"outputs": constraints.real_vector}  # noqa: RUF012
    support = constraints.real_vector  # of categories whole numbers below their levels: elsewhere the density is 0
    has_rsample = False

    def __init__(self, outputs, loc, spread, columns, validate_args=None):
        self.outputs, self.columns = outputs, columns
        self.loc, self.spread = (vector(v, columns, outputs) for v in (loc, spread))
        super().__init__(outputs.shape[:-1], (len(columns),), validate_args=validate_args)

    @property
    def parameters(self):
        """Location and standard deviation of each number, (..., C), and the logits, (..., T)."""
        numbers = layout(self.columns).numbers
        C, spread = len(numbers), self.spread[numbers]
        loc = self.loc[numbers] + spread * self.outputs[..., :C]
        scale = spread * (MIN_SCALE + torch.nn.functional.softplus(self.outputs[..., C : 2 * C]))
        return loc, scale, self.outputs[..., 2 * C :]

    @property
    def mean(self):
        """The mean of numbers, and the most probable level of categories."""
        loc, _, logits = self.parameters
        return self.in_order(loc, self.padded(logits).argmax(-1)).expand(self.shape())

    def sample(self, sample_shape=()):
        with torch.no_grad():
            loc, scale, logits = self.parameters
            shape = (*sample_shape, *self.batch_shape)
            noise = loc.new_empty((*shape, loc.shape[-1])).normal_()
            # the largest logit with Gumbel noise is a draw of the category
            padded = self.padded(logits)
            exponential = padded.new_empty((*shape, *padded.shape[-2:])).exponential_()
            return self.in_order(loc + scale * noise, (padded - exponential.log()).argmax(-1))

    def log_prob(self, value):
        positions = layout(self.columns)
        loc, scale, logits = self.parameters
        observed, difference = observed_difference(value[..., positions.numbers], loc)
        numbers = -0.5 * ((difference / scale) ** 2 + LOG_2PI) - scale.log()
        codes = value[..., positions.categories]
        last = torch.as_tensor(positions.sizes - 1, device=codes.device)
        level = torch.minimum(codes.nan_to_num().clamp(min=0).long(), last)
        categories = torch.where(level == codes, self.level_log_probs(logits, level), -torch.inf)
        categories = torch.where(codes.isnan(), 0.0, categories)
        return torch.where(observed, numbers, 0.0).sum(-1) + categories.sum(-1)

    def level_log_probs(self, logits, level):
        """log p of one level of each category, (..., K)."""
        positions = layout(self.columns)
        # the largest logit of each category is subtracted, a constant for gradients: sums by a product with the
        # indicator then have one term per level, where a padded softmax has the largest number of levels for each
        largest = logits.detach()[..., positions.members].amax(-1)
        powers = (logits - largest[..., positions.owners]).exp()
        total = powers @ torch.as_tensor(positions.indicator, dtype=powers.dtype, device=powers.device)
        index = level + torch.as_tensor(positions.starts, device=level.device)
        shape = torch.broadcast_shapes(logits.shape[:-1], index.shape[:-1])
        own = logits.expand(*shape, logits.shape[-1]).gather(-1, index.expand(*shape, index.shape[-1]))
        return own - largest - total.log()

    def padded(self, logits):
        """The logits of each category, (..., K, largest number of levels), -inf beyond its own levels."""
        positions = layout(self.columns)
        sizes = torch.as_tensor(positions.sizes, device=logits.device)
        has_level = torch.arange(positions.members.shape[-1], device=logits.device) < sizes[:, None]
        return torch.where(has_level, logits[..., positions.members], -torch.inf)

    def in_order(self, numbers, categories):
        """Numbers (..., C) and categories (..., K) as rows (..., D)."""
        return torch.cat([numbers, categories.to(numbers.dtype)], -1)[..., layout(self.columns).order]


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
