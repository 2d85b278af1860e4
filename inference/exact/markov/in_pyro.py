import torch

from inference.exact.markov import paths

FLOOR = -1e30  # in place of -inf, whose sums have no derivatives; a path that has it once is impossible


def forward_pass(log_states, log_transitions):
    batch = torch.broadcast_shapes(log_states.shape[:-2], log_transitions.shape[:-3])
    log_states = log_states.expand(*batch, *log_states.shape[-2:])
    log_transitions = log_transitions.expand(*batch, *log_transitions.shape[-3:])
    if log_states.is_cuda:
        return forward_pass_by_halves(log_states, log_transitions)
    return CompiledPass.apply(log_states, log_transitions)


class CompiledPass(torch.autograd.Function):
    """The forward pass and its derivatives by the compiled kernels; second ones by ``forward_pass_by_halves``."""

    @staticmethod
    def forward(ctx, log_states, log_transitions):
        inputs = [a.detach().numpy() for a in (log_states, log_transitions)]
        smoothed = paths.smooth(*inputs)
        total, *ctx.posterior = (torch.as_tensor(a).to(log_states) for a in smoothed)
        ctx.save_for_backward(log_states, log_transitions)
        return total

    @staticmethod
    def backward(ctx, grad):
        inputs = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient is differentiated again
            total, needed = forward_pass_by_halves(*inputs), [a for a in inputs if a.requires_grad]
            options = {"create_graph": True, "materialize_grads": True}  # one step has no transitions
            gradients = iter(torch.autograd.grad(total, needed, grad, **options))
            return tuple(next(gradients) if a.requires_grad else None for a in inputs)
        marginals, pairs = ctx.posterior
        return grad[..., None, None] * marginals, grad[..., None, None, None] * pairs


def forward_pass_by_halves(log_states, log_transitions):
    """The same in log2(T) steps, each of which joins neighbouring parts of the chain."""
    log_states, log_transitions = (a.clamp_min(FLOOR) for a in (log_states, log_transitions))
    first, later = log_states[..., 0, :], log_states[..., 1:, None, :]
    if not later.shape[-3]:
        total = first.logsumexp(-1)
    else:
        parts, total = log_transitions + later, 0.0  # (*B, T - 1, K, K)
        while parts.shape[-3] > 1:
            scales = parts.detach().amax((-2, -1), keepdim=True)  # in 32 bits a sum over many steps has few digits
            parts, total = parts - scales, total + scales.sum((-3, -2, -1))
            num_pairs = parts.shape[-3] // 2
            left, right = parts[..., 0 : 2 * num_pairs : 2, :, :], parts[..., 1 : 2 * num_pairs : 2, :, :]
            joined = (left[..., :, :, None] + right[..., None, :, :]).logsumexp(-2)
            parts = torch.cat([joined, parts[..., 2 * num_pairs :, :, :]], -3)
        total = total + (first[..., None] + parts[..., 0, :, :]).logsumexp((-2, -1))
    return torch.where(total > FLOOR / 2, total, -torch.inf)
