"""What programs and guides for Pyro may use beside it: chains, and two statements of a guide."""

from zoo._backend.in_pyro import assign, straight_through
from zoo._distributions.chain.in_pyro import Chain
from zoo._distributions.gaussian_chain.in_pyro import GaussianChain, GaussianChainRows
from zoo._distributions.gaussian_steps.in_pyro import GaussianSteps

__all__ = ["Chain", "GaussianChain", "GaussianChainRows", "GaussianSteps", "assign", "straight_through"]
