"""What guides for Pyro may use beside Pyro: two statements."""

from zoo._backend.in_pyro import assign, straight_through

__all__ = ["assign", "straight_through"]
