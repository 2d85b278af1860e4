"""What programs and guides for NumPyro may use beside NumPyro: one-hot vectors, and two statements of a guide."""

from zoo._backend.in_numpyro import assign, straight_through
from zoo._distributions.one_hot.in_numpyro import OneHotCategorical

__all__ = ["OneHotCategorical", "assign", "straight_through"]
