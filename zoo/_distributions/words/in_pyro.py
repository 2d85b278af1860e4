import torch
from pyro.distributions import TorchDistribution, constraints
from torch.utils.checkpoint import checkpoint

from zoo._distributions.words import BLOCK


class Vocabulary(constraints.integer_interval):
    kind = "word"


def vocabulary(size):
    return Vocabulary(0, size - 1)


class Word(TorchDistribution):
    arg_constraints = {"probs": constraints.simplex}  # noqa: RUF012

    def __init__(self, probs, validate_args=None):
        self.probs = probs
        super().__init__(probs.shape[:-1], validate_args=validate_args)

    @property
    def support(self):
        return vocabulary(self.probs.shape[-1])

    def expand(self, batch_shape, _instance=None):
        return Word(self.probs.expand(*batch_shape, -1))

    def sample(self, sample_shape=()):
        return torch.distributions.Categorical(self.probs).sample(sample_shape).to(self.probs.dtype)

    def log_prob(self, value):
        is_token, index = token_index(value)
        shape = torch.broadcast_shapes(self.batch_shape, value.shape)
        p = self.probs.expand(*shape, -1).gather(-1, index.expand(shape)[..., None])[..., 0]
        return torch.where(is_token, p.log(), 0.0)


class Document(TorchDistribution):
    """The base of distributions of documents of independent tokens."""

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, batch_shape, length, validate_args=None):
        self.length = length
        super().__init__(torch.Size(batch_shape), torch.Size((length,)), validate_args=validate_args)

    @property
    def support(self):
        return constraints.independent(vocabulary(self.V), 1)

    def sample(self, sample_shape=()):
        log_p = self.log_probs()
        draws = torch.distributions.Categorical(logits=log_p).sample((*sample_shape, self.length))
        return draws.movedim(len(sample_shape), -1).to(log_p.dtype)


class Topics(Document):
    def __init__(self, theta, phi, length, w=None, validate_args=None):
        self.theta, self.phi = theta, phi
        super().__init__(theta.shape[:-1], length, validate_args=validate_args)

    @property
    def V(self):
        return self.phi.shape[-1]

    def expand(self, batch_shape, _instance=None):
        return Topics(self.theta.expand(*batch_shape, -1), self.phi, self.length)

    def log_probs(self):
        return (self.theta @ self.phi).log()

    def log_prob(self, value):
        words, counts = to_pairs(value)
        phi_by_word = self.phi.mT.contiguous()

        def block_log_prob(theta, phi_by_word, words, counts):
            p = (phi_by_word[words] @ theta[..., None])[..., 0]
            return torch.where(counts > 0, counts * p.log(), 0.0).sum(-1)

        theta = self.theta.expand(*words.shape[:-1], -1)
        theta, words, counts = (x.reshape(-1, x.shape[-1]) for x in (theta, words, counts))
        size = max(1, BLOCK // (words.shape[-1] * self.phi.shape[-2]))
        if len(theta) <= size:
            return block_log_prob(theta, phi_by_word, words, counts).reshape(self.batch_shape)
        # intermediate values of a block are not stored: the backward pass computes them again
        parts = zip(theta.split(size), words.split(size), counts.split(size), strict=True)
        found = [checkpoint(block_log_prob, t, phi_by_word, w, c, use_reentrant=False) for t, w, c in parts]
        return torch.cat(found).reshape(self.batch_shape)


class Words(Document):
    def __init__(self, logits, length, w=None, validate_args=None):
        self.logits = logits
        super().__init__(logits.shape[:-1], length, validate_args=validate_args)

    @property
    def V(self):
        return self.logits.shape[-1]

    def expand(self, batch_shape, _instance=None):
        return Words(self.logits.expand(*batch_shape, -1), self.length)

    def log_probs(self):
        return self.logits.log_softmax(-1)

    def log_prob(self, value):
        words, counts = to_pairs(value)
        words, counts = (x.expand(*self.batch_shape, -1) for x in (words, counts))
        return (counts * self.log_probs().gather(-1, words)).sum(-1)


def token_index(tokens):
    """Whether there is a token, and the index of its word."""
    is_token = ~tokens.isnan()
    return is_token, tokens.nan_to_num().long()


def to_pairs(w):
    """Words and counts, each (..., L); each token counts once."""
    if not w.is_floating_point():
        return w[..., 0].long(), w[..., 1]
    is_token, words = token_index(w)
    return words, is_token.long()


def to_tokens(w, T):
    """Tokens (T, N) of a corpus given as pairs (N, L, 2); tokens are unchanged."""
    if w.is_floating_point():
        return w
    ends = w[..., 1].cumsum(1)
    place = (ends[:, None, :] <= torch.arange(T)[:, None]).sum(-1)  # how many words end before position t
    words = w[..., 0].gather(1, place.clamp(max=w.shape[1] - 1)).to(torch.get_default_dtype())
    return torch.where(torch.arange(T) < ends[:, -1:], words, torch.nan).mT


def to_counts(w, V):
    """How often each of V words occurs, (..., V), as floats."""
    words, counts = to_pairs(w)
    zeros = torch.zeros(*words.shape[:-1], V)
    return zeros.scatter_add(-1, words, counts.to(zeros.dtype))
