"""What programs and guides for Pyro may use beside it: chains, and two statements of a guide."""

from zoo._backend.in_pyro import assign, straight_through
from zoo._distributions.chain.in_pyro import Chain

__all__ = ["Chain", "assign", "straight_through"]
