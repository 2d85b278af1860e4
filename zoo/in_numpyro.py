"""What programs and guides for NumPyro may use beside it: chains, one-hot vectors, and two statements of a guide."""

from zoo._backend.in_numpyro import assign, straight_through
from zoo._distributions.chain.in_numpyro import Chain
from zoo._distributions.gaussian_chain.in_numpyro import GaussianChain, GaussianChainRows
from zoo._distributions.gaussian_steps.in_numpyro import GaussianSteps
from zoo._distributions.one_hot.in_numpyro import OneHotCategorical

__all__ = [
    "Chain",
    "GaussianChain",
    "GaussianChainRows",
    "GaussianSteps",
    "OneHotCategorical",
    "assign",
    "straight_through",
]
