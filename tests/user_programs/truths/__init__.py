"""Reference values of the user programs, by NumPy and SciPy alone."""
