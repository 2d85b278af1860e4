import numpy as np
import torch
from pyro.distributions import TorchDistribution, constraints

from zoo._distributions.chain import check_probabilities, check_shapes, check_states


class Chain(TorchDistribution):
    """A Markov chain of T steps among K states.

    Parameters
    ----------
    initial : tensor, (K) or (..., 1, K)
        Probabilities of the first state.
    transition : tensor, (K, K), (..., 1, K, K) or (..., T - 1, K, K)
        Probabilities of the next state in each row, given the state before.
    T : int
        The number of steps.

    Raises
    ------
    ZooError
        Where the shapes do not fit, or a row does not sum to 1.
    """

    arg_constraints = {"initial": constraints.simplex, "transition": constraints.simplex}  # noqa: RUF012

    def __init__(self, initial, transition, T, validate_args=None):
        initial, transition = (torch.as_tensor(p) for p in (initial, transition))
        check_shapes(tuple(initial.shape), tuple(transition.shape), T)
        for name, values in (("initial", initial), ("transition", transition)):
            check_probabilities(name, values.detach().cpu().numpy())
        self.initial = initial[None] if initial.ndim == 1 else initial
        self.transition = transition[None] if transition.ndim == 2 else transition
        self.T = int(T)
        batch = torch.broadcast_shapes(self.initial.shape[:-2], self.transition.shape[:-3])
        super().__init__(torch.Size((*batch, self.T)), torch.Size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.initial.shape[-1] - 1)

    @property
    def log_states(self):
        """The initial log probabilities at the first step and 0 at the others, (*batch, K), time in the batch."""
        return torch.nn.functional.pad(safe_log(self.initial), (0, 0, 0, self.T - 1))

    @property
    def log_transitions(self):
        """Log of ``transition``, which has a dimension of time."""
        return safe_log(self.transition)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(Chain, _instance)
        new.initial, new.transition, new.T = self.initial, self.transition, self.T
        super(Chain, new).__init__(torch.Size(batch_shape), torch.Size(), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def sample(self, sample_shape=()):
        from zoo._distributions.chain.kernels import draw_states  # compiled when it is first needed

        with torch.no_grad():
            uniform = torch.rand(self.shape(sample_shape), dtype=self.initial.dtype, device=self.initial.device)
            states = np.empty((uniform[..., 0].numel(), self.T), np.int64)
            initial, transition = (
                cumulative_rows(p, self.batch_shape[:-1], num_dims)
                for p, num_dims in ((self.initial, 2), (self.transition, 3))
            )
            draw_states(to_numpy(uniform).reshape(states.shape), initial[:, 0], transition, states)
            return torch.as_tensor(states).reshape(uniform.shape).to(uniform.device)

    def log_prob(self, value):
        K = self.initial.shape[-1]
        check_states(value.detach().cpu().numpy(), K)
        state = value.expand(torch.broadcast_shapes(value.shape, self.batch_shape)).long()
        first = elements(self.initial[..., None, :], 0 * state[..., :1], state[..., :1])
        later = elements(self.transition, state[..., :-1], state[..., 1:])
        return safe_log(torch.cat([first, later], -1))


def elements(array, *index):
    """``array[..., *index]`` in the last two dimensions; those before are broadcast with those of the indices."""
    batch_shape = array.shape[:-2]
    grid = (
        torch.arange(n, device=array.device).reshape(n, *(1,) * (len(batch_shape) - 1 - i))
        for i, n in enumerate(batch_shape)
    )
    return array[(*grid, *index)]


def cumulative_rows(probabilities, batch_shape, num_dims):
    """Cumulative probabilities in NumPy, of each chain or of all, in one dimension before the last ``num_dims``."""
    shape = probabilities.shape[-num_dims:]
    if probabilities.shape[:-num_dims].numel() > 1:
        probabilities = probabilities.expand(*batch_shape, *shape)
    num_chains = probabilities.shape[:-num_dims].numel()
    return to_numpy(probabilities.cumsum(-1)).reshape(num_chains, *shape)


def to_numpy(array):
    return np.ascontiguousarray(array.detach().cpu().numpy(), dtype=np.float64)


def safe_log(p):
    """Log of probabilities; of 0 it is -inf, with a gradient of 0."""
    return torch.where(p > 0, torch.where(p > 0, p, 1.0).log(), -torch.inf)
