"""User programs in NumPyro, as its tutorials write them."""
