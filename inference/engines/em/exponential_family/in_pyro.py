import torch
from torch.nn.functional import one_hot

from inference.engines.em.exponential_family import BLOCK_SIZE


class ExponentialFamilyStep:
    def __init__(self, form, x, weights):
        self.form, self.x, self.weights = form, x, weights

    def step(self, params):
        origin = params
        if not self.is_precise(params):
            origin, value = self.linear_step(params)
            if not self.is_precise(origin):
                return origin, value
        return self.precise_step(params, origin)

    def linear_step(self, params):
        natural = self.form.natural(params)

        def block(x, w):
            features = self.form.features(x)
            logits = features @ natural
            by_row = logits.logsumexp(1)
            r = (logits - by_row[:, None]).exp() * w[:, None]
            return features.T @ r, (w * (by_row + self.form.base(x))).sum()

        sums, total = sum_over_blocks(block, self.x, self.weights)
        return self.form.maximise(sums.T, params), total

    def is_precise(self, params):
        precise = self.form.precise
        return precise is not None and bool(precise.is_needed(params))

    def precise_step(self, params, origin):
        precise = self.form.precise

        def block(x, w):
            logits = precise.log_joint(x, params)
            by_row = logits.logsumexp(1)
            return precise.sums(x, (logits - by_row[:, None]).exp() * w[:, None], origin), (w * by_row).sum()

        sums, total = sum_over_blocks(block, self.x, self.weights)
        return precise.maximise(sums, params, origin), total

    def from_labels(self, labels, K):
        def block(x, labels, w):
            return (self.form.features(x).T @ (one_hot(labels, K) * w[:, None]),)

        labels = torch.as_tensor(labels, device=self.x.device).long()
        (sums,) = sum_over_blocks(block, self.x, labels, self.weights)
        return self.form.maximise(sums.T, None)

    def set_data(self, x):
        self.x = x

    def entropy(self, params):
        is_precise = self.is_precise(params)
        natural = None if is_precise else self.form.natural(params)

        def block(x, w):
            joint = self.form.precise.log_joint(x, params) if is_precise else self.form.features(x) @ natural
            r = joint.log_softmax(1)
            return (-(w[:, None] * r.exp() * torch.where(r > -700, r, 0.0)).sum(),)

        (total,) = sum_over_blocks(block, self.x, self.weights)
        return float(total)


def sum_over_blocks(block, *rows):
    """The sum of each of ``block(*rows)`` over blocks of rows."""
    total = None
    for parts in zip(*(a.split(BLOCK_SIZE) for a in rows), strict=True):
        sums = block(*parts)
        total = sums if total is None else tuple(t + s for t, s in zip(total, sums, strict=True))
    return total
